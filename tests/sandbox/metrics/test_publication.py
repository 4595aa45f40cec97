"""What CloudWatch shows of a metric, and when, in AWS's weather."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.alarms import record as alarm_records
from sandbox.alarms.watch import AlarmWatch
from sandbox.invocations import metric_key
from sandbox.metrics import insights, query, statistics
from sandbox.metrics.publication import (
    COMPLETE_SECONDS,
    LEAST_DELAY_SECONDS,
    LEAST_SHARE,
    MOST_DELAY_SECONDS,
    MOST_SHARE,
    Publication,
    ValueKind,
    kind_of,
)
from sandbox.metrics.store import MetricStore
from sandbox.patches.metrics.cloudwatch_api import MetricApi
from sandbox.scenarios.seeding import seed as seed_history
from sandbox.settings import SandboxSettings
from sandbox.timing.clock import VirtualClock
from sandbox.weather.seeded import Weather, WeatherKind
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.alarms.evaluation import AlarmState
    from sandbox.alarms.watch import Contributor
    from sandbox.metrics.store import MetricKey, Series

MINUTE = 1_000
END = (MINUTE + 1) * 60
INVOCATIONS = metric_key("Invocations", "f")
KEYS = (
    INVOCATIONS,
    metric_key("Invocations"),
    metric_key("Throttles", "f"),
    metric_key("ConcurrentExecutions", "f"),
    metric_key("ConcurrentExecutions"),
    metric_key("Duration", "f"),
    ("AWS/SQS", "NumberOfMessagesSent", (("QueueName", "q"),)),
    ("AWS/Events", "Invocations", (("RuleName", "r"),)),
)
seeds = st.integers(0, 2**31)
minutes = st.integers(0, 40_000_000)
keys = st.sampled_from(KEYS)


def _aws(seed: int) -> Weather:
    return Weather(kind=WeatherKind.AWS, seed=seed)


def _publication(seed: int, key: MetricKey = INVOCATIONS) -> Publication:
    found = Publication.of(_aws(seed), key)
    assert found is not None
    return found


class _Time:
    """A time that a test sets."""

    def __init__(self, now: float = MINUTE * 60.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def _ages(step: int = 1) -> range:
    return range(0, int(COMPLETE_SECONDS) + 31, step)


@given(seed=seeds, key=keys, minute=minutes)
def test_a_minute_is_shown_after_60_to_150_seconds_in_part_and_fills_up(
    seed: int, key: MetricKey, minute: int
) -> None:
    """It never shrinks, and it is complete before the fourth minute is over."""
    publication = _publication(seed, key)

    shares = [publication.share(minute, (minute + 1) * 60.0 + age) for age in _ages()]

    first = next(age for age, share in enumerate(shares) if share)
    assert LEAST_DELAY_SECONDS <= first <= MOST_DELAY_SECONDS + 1
    assert LEAST_SHARE <= shares[first] < MOST_SHARE + 0.05
    assert shares == sorted(shares)
    assert shares[int(COMPLETE_SECONDS)] == 1.0
    assert COMPLETE_SECONDS < 4 * 60


@given(
    seed=seeds,
    key=keys,
    values=st.lists(st.integers(0, 3) | st.floats(0, 1000), min_size=1, max_size=40),
)
def test_nothing_above_the_truth_is_shown_and_the_truth_in_the_end(
    seed: int, key: MetricKey, values: list[float]
) -> None:
    """Sample count, sum and maximum of a minute rise to what they are."""
    time = _Time()
    store = MetricStore(time, _aws(seed))
    calm = MetricStore(time)
    for value in values:
        store.record(key, float(value), time.now)
        calm.record(key, float(value), time.now)
    series, truth = store.series(key), calm.series(key)
    assert series is not None
    assert truth is not None

    for name in ("SampleCount", "Sum", "Maximum"):
        (whole,) = statistics.values_of(truth, name, MINUTE, MINUTE + 1, 1, now=END).values()
        shown = [_value(series, name, END + age) for age in _ages(5)]
        seen = [value for value in shown if value is not None]
        assert all(value <= whole * (1 + 1e-9) for value in seen)
        assert seen == sorted(seen)
        assert seen[-1] == whole


def _value(series: Series, statistic: str, now: float, minute: int = MINUTE) -> float | None:
    found = statistics.values_of(series, statistic, minute, minute + 1, 1, now=now)
    return found.get(minute)


@pytest.mark.parametrize("key", [INVOCATIONS, metric_key("ConcurrentExecutions")])
def test_a_partial_minute_is_lower(key: MetricKey) -> None:
    """Between a fifth and nine tenths of a sum, and of what ran at once, are there at first."""
    time = _Time()
    parts = []
    for seed in range(50):
        store = MetricStore(time, _aws(seed))
        for level in range(1, 101):
            value = 1.0 if key is INVOCATIONS else float(level)
            store.record(key, value, time.now)
        series = store.series(key)
        assert series is not None
        statistic = "Sum" if key is INVOCATIONS else "Maximum"
        shown = (_value(series, statistic, END + age) for age in _ages())
        parts.append(next(value for value in shown if value is not None))

    assert min(parts) >= 20
    assert max(parts) < 95
    assert max(parts) - min(parts) > 40


def test_a_part_of_the_durations_keeps_their_size() -> None:
    """An average of some durations is no shorter for that; a count of some calls is lower."""
    time = _Time()
    store = MetricStore(time, _aws(3))
    for _ in range(100):
        store.record(metric_key("Duration", "f"), 250.0, time.now)
    series = store.series(metric_key("Duration", "f"))
    assert series is not None

    now = next(END + age for age in _ages() if _value(series, "SampleCount", END + age))

    assert _value(series, "Average", now) == 250.0
    assert _value(series, "p95", now) == 250.0
    assert 20 <= (_value(series, "SampleCount", now) or 0) < 95


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (metric_key("Throttles"), ValueKind.COUNT),
        (metric_key("ConcurrentExecutions"), ValueKind.LEVEL),
        (metric_key("IteratorAge", "f"), ValueKind.MEASURE),
        (("AWS/SQS", "ApproximateNumberOfMessagesVisible", ()), ValueKind.MEASURE),
        (("Shop", "Orders", ()), ValueKind.MEASURE),
    ],
)
def test_what_a_metric_measures_follows_from_its_name(key: MetricKey, kind: ValueKind) -> None:
    """Counts and levels are lower in part; measures are fewer."""
    assert kind_of(key) is kind


def test_the_metrics_of_one_minute_do_not_come_together() -> None:
    """Each has a delay of its own, those of one function and of the account too."""
    first = {
        key: tuple(_first_shown(_publication(11, key), minute) for minute in range(30))
        for key in KEYS
    }

    assert len(set(first.values())) == len(KEYS)
    apart = [abs(a - b) for a, b in zip(first[INVOCATIONS], first[KEYS[2]], strict=True)]
    assert max(apart) > 30


def _first_shown(publication: Publication, minute: int) -> int:
    return next(age for age in _ages() if publication.share(minute, (minute + 1) * 60.0 + age))


def test_the_same_seed_shows_the_same() -> None:
    """A run can be repeated; with another seed it is another one."""
    times = [(minute, minute * 60 + 200.0) for minute in range(100)]
    one = [_publication(5).share(*time) for time in times]
    again = [_publication(5).share(*time) for time in reversed(times)][::-1]

    assert one == again
    assert one != [_publication(6).share(*time) for time in times]


def test_now_and_then_a_minute_comes_before_the_one_before_it() -> None:
    """A hole of one minute, in about one of twenty minutes."""
    publication = _publication(1)
    first = [_first_shown(publication, minute) + minute * 60 for minute in range(1000)]

    holes = sum(later < earlier for earlier, later in pairwise(first))
    assert 20 <= holes <= 100


def _world(seed: int | None, time: _Time) -> World:
    weather = Weather() if seed is None else _aws(seed)
    settings = SandboxSettings(port=1, smtp_port=2, directory=Path(), weather=weather)
    return World.of(settings, VirtualClock(real=time, monotonic=time))


@given(seed=seeds, minutes_long=st.integers(1, 14))
def test_an_execution_is_shown_under_the_minute_of_its_start_after_its_end(
    seed: int, minutes_long: int
) -> None:
    """A long one does not appear before it is over, however old its minute is by then."""
    time = _Time(MINUTE * 60 + 30.0)
    world = _world(seed, time)
    start = world.invocations.started("f")
    time.now += minutes_long * 60
    world.invocations.finished("f", start, seconds=0.1, is_error=True)
    ended = time.now

    for name in ("Invocations", "Errors", "Duration"):
        series = world.metrics.series(metric_key(name, "f"))
        assert series is not None
        assert _value(series, "SampleCount", ended + 29 + LEAST_DELAY_SECONDS) is None
        assert _value(series, "SampleCount", ended + 31 + MOST_DELAY_SECONDS) == 1
        assert not statistics.values_of(series, "Sum", MINUTE + 1, MINUTE + 99, 1, now=ended + 999)
    running = world.metrics.series(metric_key("ConcurrentExecutions", "f"))
    assert running is not None
    assert _value(running, "Maximum", END + COMPLETE_SECONDS) == 1


def test_what_began_before_a_reset_is_not_counted_after_it() -> None:
    """Also where the clock stands still in between, as it does while a minute is held."""
    world = _world(None, _Time(MINUTE * 60 + 1.0))
    start = world.invocations.started("f")

    world.reset()
    world.invocations.finished("f", start, seconds=0.1, is_error=True)

    assert world.metrics.series(metric_key("Errors")) is None
    assert world.invocations.running() == {}


def test_calm_weather_shows_everything_at_once() -> None:
    """Even the running minute."""
    time = _Time(MINUTE * 60 + 1.0)
    world = _world(None, time)
    start = world.invocations.started("f")
    world.invocations.finished("f", start, seconds=0.1, is_error=False)

    (answer,) = query.evaluate([_stat("Invocations")], world.metrics, MINUTE, MINUTE + 1)

    assert answer.values == {MINUTE: 1.0}


def _stat(name: str, statistic: str = "Sum", **more: Any) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": name,
        "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
    }
    return {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}} | more


def test_each_way_to_read_shows_what_is_published_only() -> None:
    """GetMetricData, GetMetricStatistics, Metrics Insights and ListMetrics see the same."""
    time = _Time()
    world = _world(4, time)
    world.metrics.record(INVOCATIONS, 1.0, time.now, count=1000.0)
    publication = _publication(4)

    for age in _ages(7):
        time.now = END + age
        share = publication.share(MINUTE, time.now)
        expected = [float(int(1000 * share))] if share else []
        assert _read_four_ways(world) == [expected, expected, expected, bool(share)]


def _read_four_ways(world: World) -> list[Any]:
    api = MetricApi(world)
    select = {
        "Id": "q",
        "Expression": 'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName)',
        "Period": 60,
    }
    window = {"StartTime": MINUTE * 60 - 600, "EndTime": MINUTE * 60 + 600}
    data = api.get_metric_data({"MetricDataQueries": [_stat("Invocations"), select], **window})
    metric = _stat("Invocations")["MetricStat"]["Metric"]
    points = api.get_metric_statistics({**metric, "Period": 60, "Statistics": ["Sum"], **window})
    listed = api.list_metrics({"Namespace": "AWS/Lambda", "RecentlyActive": "PT3H"})["Metrics"]
    found = {one["Id"]: one["Values"] for one in data["MetricDataResults"]}
    return [
        found["m"],
        [point["Sum"] for point in points["Datapoints"]],
        found.get("q", []),
        bool(listed),
    ]


@given(seed=seeds, scale=st.integers(1, 500), length=st.integers(1, 200))
def test_seeded_history_is_late_in_its_newest_minutes(seed: int, scale: int, length: int) -> None:
    """Minutes of long ago are whole; the newest ones are missing or in part, until time passes."""
    time = _Time()
    store = MetricStore(time, _aws(seed))
    history = {"functions": ["f"], "metric": "Invocations", "minutes_ago": length,
               "values": [10] * (length + 5), "scale": scale}  # fmt: skip
    seed_history(store, MINUTE, {"series": [history]})
    series = store.series(INVOCATIONS)
    assert series is not None

    now = MINUTE * 60.0 + 30
    low, high, whole = MINUTE - length, MINUTE + 5, 10.0 * scale
    seen = statistics.values_of(series, "Sum", low, high, 1, now=now)
    select = insights.parse('SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName)')
    asked = insights.run(select, store, low, high, 1, now=now)

    assert (asked[0].values if asked else {}) == seen
    assert all(seen.get(minute) == whole for minute in range(low, MINUTE - 4))
    assert all(value <= whole for value in seen.values())
    assert not seen.keys() & {MINUTE - 1, *range(MINUTE, high)}
    total = series.whole(low, high, now)
    assert (total[1] if total else 0.0) == pytest.approx(sum(seen.values()))
    assert series.newest(now) == max(seen, default=-1)
    later = statistics.values_of(series, "Sum", low, high, 1, now=now + 900)
    assert later == dict.fromkeys(range(low, high), whole)


class _Alarms:
    """One alarm, and the states that it was given."""

    def __init__(self, **more: Any) -> None:
        request = {
            "AlarmName": "busy",
            "Namespace": "AWS/Lambda",
            "MetricName": "Invocations",
            "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
            "Statistic": "Sum",
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            **more,
        }
        self.alarm = alarm_records.alarm_record(request, None, 0.0)
        self.states: list[tuple[int, str]] = []
        self.boundary = 0

    def alarms(self) -> Iterable[dict[str, Any]]:
        """The one alarm."""
        return [self.alarm]

    def transition(self, alarm: dict[str, Any], state: AlarmState) -> None:
        """Note when the alarm was given which state."""
        alarm["StateValue"] = state.value
        self.states.append((self.boundary // 60 - MINUTE, state.value))

    def contributor_transition(self, alarm: dict[str, Any], contributor: Contributor) -> None:
        """No alarm here is grouped."""
        raise AssertionError(alarm)


def _evaluate(seed: int | None, counts: dict[int, int], **more: Any) -> _Alarms:
    """Minutes from ``MINUTE`` on have these counts; the alarm is evaluated after each of them."""
    time = _Time(MINUTE * 60.0)
    world, alarms = _world(seed, time), _Alarms(**more)
    watch = AlarmWatch(world, alarms)
    for minute in range(max(counts) + 20):
        time.now = (MINUTE + minute) * 60.0 + 30
        if minute in counts:
            world.metrics.record(INVOCATIONS, 1.0, time.now, count=float(counts[minute]))
        alarms.boundary = (MINUTE + minute + 1) * 60
        time.now = alarms.boundary + 1.0
        watch.evaluate_all(alarms.boundary)
    return alarms


def test_an_alarm_sees_a_minute_when_it_is_published() -> None:
    """At once in calm weather; two or three minutes after the minute in AWS's."""
    burst = {5: 100}

    calm = _evaluate(None, burst, EvaluationPeriods=1).states
    late = [_evaluate(seed, burst, EvaluationPeriods=1).states for seed in range(30)]

    assert calm[:2] == [(1, "OK"), (6, "ALARM")]
    began = {next(at for at, state in states if state == "ALARM") for states in late}
    assert began <= {7, 8, 9}
    assert len(began) > 1


def test_an_alarm_does_not_flap_because_its_data_is_late() -> None:
    """What is steadily above the threshold is one transition."""
    steady = dict.fromkeys(range(40), 1000)

    for seed in range(20):
        states = _evaluate(seed, steady, EvaluationPeriods=1).states
        assert [state for at, state in states if at <= 40] == ["OK", "ALARM"]


def _seed_with_hole(minute: int) -> int:
    """A seed by which a minute is not there yet when the next one is, at an evaluation."""
    for seed in range(1000):
        publication = _publication(seed)
        now = (minute + 3) * 60 + 25.0
        if publication.share(minute, now) == 0.0 and publication.share(minute + 1, now) > 0:
            return seed
    raise AssertionError("no seed has a hole there")


def test_an_alarm_falls_over_a_hole_and_counts_the_late_minute_afterwards() -> None:
    """Two of three datapoints: with the middle one late, what is there decides."""
    time = _Time(MINUTE * 60.0)
    hole = MINUTE + 11
    seed = _seed_with_hole(hole)
    world, alarms = _world(seed, time), _Alarms(EvaluationPeriods=3, DatapointsToAlarm=2)
    watch = AlarmWatch(world, alarms)
    for minute in range(MINUTE, hole + 2):
        time.now = minute * 60.0 + 30
        count = 500.0 if minute >= hole else 1.0
        world.metrics.record(INVOCATIONS, 1.0, time.now, count=count)

    def evaluate(boundary_minute: int) -> str:
        time.now = boundary_minute * 60 + 25.0
        watch.evaluate_all(boundary_minute * 60)
        return str(alarms.alarm["StateValue"])

    # Only the newer of the two is there: one of three. Both are there: two of three.
    assert evaluate(hole + 3) == "OK"
    assert evaluate(hole + 4) == "ALARM"
