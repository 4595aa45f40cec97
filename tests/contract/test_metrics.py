from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import floor_to
from tests.contract.stage import unique
from tests.contract.staging.aws import AwsStage

if TYPE_CHECKING:
    from tests.contract.stage import Stage


@pytest.fixture
def quiet(stage: "Stage") -> "Stage":
    """An account in which nothing was ever measured."""
    if isinstance(stage, AwsStage):
        stage.aws.reset()
    return stage


def last(values: tuple[float | None, ...], count: int) -> list[float | None]:
    """The newest values."""
    return list(values[-count:])


def test_recent_series_on_one_grid(stage: "Stage") -> None:
    """Six series of 180 minutes up to the last minute that is over, gaps where nothing came."""
    name = unique("orders")
    now = stage.now
    stage.record(
        name,
        invocations=(10.0, None, 30.0),
        concurrency=(1.0, 2.0, 3.0),
        throttles=(0.0, 0.0, 5.0),
        errors=(1.0, 0.0, 0.0),
        duration_ms=(12.5, 13.5, 14.5),
        native_drops=(None, None, 2.0),
    )

    recent = stage.metrics.recent([name], now)[name]

    end = floor_to(now, 60)
    for series in (recent.invocations, recent.concurrency, recent.throttles, recent.errors):
        assert (series.start, series.period_seconds) == (end - timedelta(minutes=180), 60)
        assert (series.end, len(series.values)) == (end, 180)
    assert last(recent.invocations.values, 4) == [None, 10.0, None, 30.0]
    assert last(recent.concurrency.values, 3) == [1.0, 2.0, 3.0]
    assert last(recent.throttles.values, 3) == [0.0, 0.0, 5.0]
    assert last(recent.errors.values, 3) == [1.0, 0.0, 0.0]
    assert last(recent.duration_ms.values, 3) == [12.5, 13.5, 14.5]
    assert last(recent.native_drops.values, 3) == [None, None, 2.0]


def test_recent_series_of_nobody(stage: "Stage") -> None:
    """A function without datapoints has series of gaps, not no series."""
    name = unique("idle")

    recent = stage.metrics.recent([name], stage.now)

    assert list(recent) == [name]
    assert set(recent[name].invocations.values) == {None}
    assert len(recent[name].duration_ms.values) == 180


def test_recent_series_reach_back_as_far_as_they_are_asked_for(stage: "Stage") -> None:
    """From an earlier moment on where there is one; never less than three hours."""
    name = unique("held")
    now = stage.now
    stage.record(name, invocations=(7.0, *[1.0] * 399))
    end = floor_to(now, 60)

    earlier = stage.metrics.recent([name], now, now - timedelta(minutes=400))[name]
    later = stage.metrics.recent([name], now, now - timedelta(minutes=10))[name]

    assert (earlier.invocations.start, earlier.invocations.end) == (
        end - timedelta(minutes=400),
        end,
    )
    assert earlier.invocations.values[:2] == (7.0, 1.0)
    assert {len(earlier.errors.values), len(earlier.duration_ms.values)} == {400}
    assert (later.invocations.start, later.invocations.end) == (end - timedelta(minutes=180), end)


def test_invocations_alone(stage: "Stage") -> None:
    """The same three hours as the recent series have, of as many functions as are named."""
    names = [unique("loop") for _ in range(230)]
    stage.record(names[229], invocations=(7.0, 8.0))

    now = stage.now
    read = stage.metrics.invocations(names, now)

    assert names == list(read)
    assert last(read[names[229]].values, 3) == [None, 7.0, 8.0]
    assert set(read[names[0]].values) == {None}
    assert {(one.end, len(one.values)) for one in read.values()} == {(floor_to(now, 60), 180)}


def test_precedent_ends_where_the_recent_series_begin(stage: "Stage") -> None:
    """14 days in 5-minute sums, on the 5-minute grid, without the last 3 hours."""
    name = unique("orders")
    now = stage.now
    stage.record(name, invocations=tuple(float(number) for number in range(200)))

    precedent = stage.metrics.precedent([name], now)[name]

    end = floor_to(floor_to(now, 60) - timedelta(minutes=180), 300)
    assert (precedent.end, precedent.period_seconds) == (end, 300)
    assert len(precedent.values) == 14 * 288
    first = floor_to(now, 60) - timedelta(minutes=200)
    expected = [
        sum(
            float(number)
            for number in range(200)
            if start <= first + timedelta(minutes=number) < start + timedelta(minutes=5)
        )
        for start in (end - timedelta(minutes=10), end - timedelta(minutes=5))
    ]
    assert last(precedent.values, 2) == expected
    assert precedent.values[0] is None


def test_many_functions_at_once(stage: "Stage") -> None:
    """More functions than fit into one call all get their series."""
    names = [unique("many") for _ in range(83)]
    stage.record(names[82], invocations=(7.0,))

    now = stage.now
    recent = stage.metrics.recent(names, now)
    precedent = stage.metrics.precedent(names[:26], now)

    assert names == list(recent)
    assert names[:26] == list(precedent)
    assert recent[names[82]].invocations.values[-1] == 7.0
    assert recent[names[81]].invocations.values[-1] is None


def test_account_wide_series(quiet: "Stage") -> None:
    """The three series without a dimension, on the grid of the recent ones."""
    quiet.record(
        unique("orders"), invocations=(10.0, 20.0), concurrency=(1.0, 2.0), throttles=(0.0, 3.0)
    )

    account = quiet.metrics.account(quiet.now)

    assert last(account.invocations.values, 3) == [None, 10.0, 20.0]
    assert last(account.concurrency.values, 3) == [None, 1.0, 2.0]
    assert last(account.throttles.values, 3) == [None, 0.0, 3.0]
    assert len(account.throttles.values) == 180


def test_account_wide_series_of_a_silent_account(quiet: "Stage") -> None:
    """Where there is no such series, there are gaps."""
    account = quiet.metrics.account(quiet.now)

    assert set(account.invocations.values) == {None}
    assert set(quiet.metrics.account_precedent(quiet.now).values) == {None}


def test_account_wide_precedent(quiet: "Stage") -> None:
    """14 days of the account in 5-minute sums."""
    now = quiet.now
    quiet.record(unique("orders"), invocations=(1.0,) * 230)

    precedent = quiet.metrics.account_precedent(now)

    assert len(precedent.values) == 14 * 288
    assert precedent.values[-5] == 5.0


def test_busiest_first(quiet: "Stage") -> None:
    """The last 10 minutes of every active function, the busiest first."""
    small, large, past = unique("small"), unique("large"), unique("past")
    quiet.record(small, invocations=(1.0, 2.0))
    quiet.record(large, invocations=(900.0, 1000.0))
    quiet.record(past, invocations=(5000.0,) + (None,) * 20)
    now = quiet.now

    busiest = quiet.metrics.busiest(now)

    assert [large, small] == list(busiest)
    assert last(busiest[large].values, 3) == [None, 900.0, 1000.0]
    assert (busiest[large].end, len(busiest[large].values)) == (floor_to(now, 60), 10)


def test_late_minutes_are_left_out(quiet: "Stage") -> None:
    """Newest minutes that nothing has a datapoint of are not there yet, and no standstill."""
    orders, other = unique("orders"), unique("other")
    quiet.record(orders, invocations=(700.0, 800.0, None, None))
    quiet.record(other, invocations=(1.0, None, None, None))
    now = quiet.now

    busiest = quiet.metrics.busiest(now)

    assert last(busiest[orders].values, 2) == [700.0, 800.0]
    assert last(busiest[other].values, 2) == [1.0, None]
    assert busiest[orders].end == floor_to(now, 60) - timedelta(minutes=2)


def test_most_concurrent_first(quiet: "Stage") -> None:
    """The maxima of each minute, by which functions with few and long invocations are found."""
    fast, slow = unique("fast"), unique("slow")
    quiet.record(fast, invocations=(9000.0, 9000.0), concurrency=(4.0, 5.0))
    quiet.record(slow, invocations=(10.0, 10.0), concurrency=(700.0, 900.0))

    leading = quiet.metrics.most_concurrent(quiet.now)

    assert [slow, fast] == list(leading)
    assert last(leading[slow].values, 2) == [700.0, 900.0]


def test_dropped_by_aws(quiet: "Stage") -> None:
    """Only functions of which AWS dropped invocations, with how many."""
    looping, calm = unique("looping"), unique("calm")
    quiet.record(looping, native_drops=(16.0, 32.0), invocations=(100.0, 100.0))
    quiet.record(calm, native_drops=(0.0, 0.0), invocations=(100.0, 100.0))

    dropped = quiet.metrics.dropped(quiet.now)

    assert [looping] == list(dropped)
    assert last(dropped[looping].values, 2) == [16.0, 32.0]


@pytest.mark.parametrize(
    "kind",
    [
        SourceKind.QUEUE,
        SourceKind.TABLE,
        SourceKind.STREAM,
        SourceKind.ASYNCHRONOUS,
        SourceKind.URL,
    ],
)
def test_arrivals_on_the_grid_that_is_asked_for(stage: "Stage", kind: SourceKind) -> None:
    """One value a minute, gaps where nothing came, and nothing before or after."""
    now = stage.now
    source = Source(kind=kind, name=unique("s"))
    stage.record_arrivals(source, (9.0, 10.0, None, 30.0, 99.0))
    start = now - timedelta(minutes=6, seconds=3)

    (found,) = stage.metrics.arrivals([source], start, now - timedelta(minutes=1))

    assert found.source == source
    assert found.counts is not None
    assert (found.counts.period_seconds, found.counts.end) == (
        60,
        floor_to(now - timedelta(minutes=1), 60),
    )
    assert found.counts.start == floor_to(start, 60)
    assert list(found.counts.values)[-5:] == [None, 9.0, 10.0, None, 30.0]
    assert len(found.counts.values) in {5, 6}


def test_what_waits_in_a_queue_comes_with_its_arrivals(stage: "Stage") -> None:
    """In the order of the sources; what nothing counts has no series."""
    now = stage.now
    queue = Source(kind=SourceKind.QUEUE, name=unique("q"))
    other = Source(kind=SourceKind.OTHER, name="a cluster")
    idle = Source(kind=SourceKind.STREAM, name=unique("idle"))
    stage.record_arrivals(queue, (10.0, 20.0), waiting=(500.0, None, 700.0))

    found = stage.metrics.arrivals([other, queue, idle], now - timedelta(minutes=3), now)

    assert [one.source for one in found] == [other, queue, idle]
    assert (found[0].counts, found[0].waiting) == (None, None)
    assert found[1].counts is not None
    assert found[1].waiting is not None
    assert found[1].counts.values == (None, 10.0, 20.0)
    assert found[1].waiting.values == (500.0, None, 700.0)
    assert found[2].counts is not None
    assert (found[2].counts.values, found[2].waiting) == ((None, None, None), None)
    assert stage.metrics.arrivals([], now - timedelta(minutes=3), now) == ()


def test_the_lag_of_a_function_that_polls_streams(stage: "Stage") -> None:
    """In ms, one value a minute, gaps where it polled nothing; of no other function."""
    now, name, other = stage.now, unique("f"), unique("g")
    stage.record_lag(name, (99_000.0, 1_000.0, None, 3_500.0))
    stage.record_lag(other, (7.0,))

    found = stage.metrics.lag(name, now - timedelta(minutes=3, seconds=3), now)

    assert (found.period_seconds, found.end) == (60, floor_to(now, 60))
    assert last(found.values, 3) == [1_000.0, None, 3_500.0]


def test_a_function_that_polls_no_stream_has_no_lag(stage: "Stage") -> None:
    """No datapoint is not 0."""
    now = stage.now

    assert stage.metrics.lag(unique("f"), now - timedelta(minutes=2), now).values == (None, None)
