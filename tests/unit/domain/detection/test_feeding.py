"""Who feeds a spike, told from what arrived at the function's sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.arrivals import Arrivals, Source, SourceKind, list_arrival_metrics
from functions.domain.detection.evidence import LoopProof, Series
from functions.domain.detection.feeding import Fed, Feeding, Spike, find_feeding
from functions.domain.detection.lateness import count_young
from tests.unit.domain.detection.late_data import Lateness, latenesses

START = datetime(2026, 11, 28, 9, tzinfo=UTC)
QUIET_MINUTES = 120
FLOOR = 500.0
QUEUE = Source(kind=SourceKind.QUEUE, name="orders", loop=LoopProof.POSSIBLE)
URL = Source(kind=SourceKind.URL, name="f", loop=LoopProof.RULED_OUT)
EVENTS = Source(kind=SourceKind.ASYNCHRONOUS, name="f", loop=LoopProof.UNKNOWN)
CLOCK = Source(kind=SourceKind.OTHER, name="nightly", loop=LoopProof.RULED_OUT)
MACHINE = Source(kind=SourceKind.OTHER, name="machine", loop=LoopProof.POSSIBLE)


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Complete minutes of a function: quiet for two hours, then a spike."""

    invocations: list[float]
    errors: list[float] = field(default_factory=list)
    arrivals: Mapping[Source, Sequence[float | None] | None] = field(default_factory=dict)
    taking_seconds: float | None = 0.2

    def seen(
        self, minutes: int, late: Lateness | None = None, late_arrivals: Lateness | None = None
    ) -> Feeding:
        """Who feeds it, as far as CloudWatch tells so many minutes into the spike."""
        now = START + timedelta(minutes=QUIET_MINUTES + minutes)
        invocations = _series(self.invocations, minutes)
        taking = None if self.taking_seconds is None else timedelta(seconds=self.taking_seconds)
        spike = Spike(
            invocations=late.show(invocations, now) if late else invocations,
            errors=_series(self.errors or [0.0] * len(self.invocations), minutes),
            first=QUIET_MINUTES,
            young=count_young(invocations, now, taking=taking or timedelta(0)),
            taking=taking,
            floor_per_minute=FLOOR,
        )
        return find_feeding(
            spike,
            [
                Arrivals(source=source, counts=_shown(counts, minutes, now, late_arrivals))
                for source, counts in self.arrivals.items()
            ],
        )


def _series(values: Sequence[float | None], minutes: int) -> Series:
    quiet = values[0]
    laid = [quiet] * QUIET_MINUTES + list(values[1 : minutes + 1])
    return Series(start=START, period_seconds=60, values=tuple(laid))


def _shown(
    counts: Sequence[float | None] | None, minutes: int, now: datetime, late: Lateness | None
) -> Series | None:
    if counts is None:
        return None
    series = _series(counts, minutes)
    return late.show(series, now) if late else series


def _step(before: float, after: float, minutes: int = 30) -> list[float]:
    return [before, *[after] * minutes]


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        pytest.param(
            Traffic(
                invocations=_step(40, 3_000),
                arrivals={QUEUE: _step(40, 40), URL: _step(0, 2_960)},
            ),
            Fed.OUTSIDE,
            id="a load test on the URL, the queue as ever",
        ),
        pytest.param(
            Traffic(invocations=_step(40, 3_000), arrivals={QUEUE: _step(40, 3_000)}),
            Fed.ITSELF,
            id="the queue carries it",
        ),
        pytest.param(
            Traffic(invocations=_step(40, 390), arrivals={QUEUE: _step(40, 390)}),
            Fed.ITSELF,
            id="the queue carries what is left in a lull below the floor",
        ),
        pytest.param(
            Traffic(
                invocations=_step(40, 3_000),
                errors=_step(0, 2_550),
                arrivals={QUEUE: _step(40, 484)},
            ),
            Fed.ITSELF,
            id="each of the events that the queue gets is tried seven times",
        ),
        pytest.param(
            Traffic(
                invocations=_step(500, 1_500),
                errors=_step(0, 750),
                arrivals={QUEUE: _step(500, 750)},
            ),
            Fed.ITSELF,
            id="each is tried four times, beside as much work that goes well",
        ),
        pytest.param(
            Traffic(invocations=_step(40, 3_000), arrivals={QUEUE: _step(40, 60)}),
            Fed.BACKLOG,
            id="a queue is worked off",
        ),
        pytest.param(
            Traffic(
                invocations=_step(40, 3_000),
                errors=_step(0, 2_900),
                arrivals={EVENTS: _step(40, 40)},
            ),
            Fed.RETRIES,
            id="what fails is tried again",
        ),
        pytest.param(
            Traffic(invocations=_step(40, 3_000), arrivals={QUEUE: _step(40, 40), CLOCK: None}),
            Fed.OUTSIDE,
            id="the rest comes from what nothing counts and is on no loop",
        ),
        pytest.param(
            Traffic(invocations=_step(40, 3_000), arrivals={URL: _step(0, 2_960), MACHINE: None}),
            Fed.UNTOLD,
            id="something that may be on a loop is not counted",
        ),
        pytest.param(Traffic(invocations=_step(40, 3_000)), Fed.UNTOLD, id="sources unknown"),
        pytest.param(
            Traffic(
                invocations=_step(40, 3_000),
                arrivals={QUEUE: [None] * 31, URL: _step(0, 2_960)},
            ),
            Fed.UNTOLD,
            id="a queue without a datapoint",
        ),
        pytest.param(
            Traffic(
                invocations=_step(40, 3_000),
                arrivals={EVENTS: [None] * 31, URL: _step(0, 2_960)},
            ),
            Fed.OUTSIDE,
            id="Lambda counts asynchronous events where there are any",
        ),
        pytest.param(
            Traffic(
                invocations=_step(40, 3_000),
                arrivals={QUEUE: _step(40, 40), URL: _step(0, 2_960)},
                taking_seconds=None,
            ),
            Fed.UNTOLD,
            id="nobody knows how long it takes",
        ),
    ],
)
def test_the_cause_of_a_spike_is_told(traffic: Traffic, expected: Fed) -> None:
    """Twelve minutes into it, everything that can be settled is."""
    assert traffic.seen(12).fed is expected


def test_the_numbers_are_said() -> None:
    """How much the spike adds, and how much of it can be the function's own doing."""
    told = Traffic(
        invocations=_step(40, 3_040), arrivals={QUEUE: _step(40, 240), URL: _step(0, 2_800)}
    ).seen(12)

    assert (told.fed, told.added_per_minute, told.own_per_minute) == (Fed.OUTSIDE, 3_000, 200)


def test_a_series_on_another_grid_tells_nothing() -> None:
    """Minutes that do not lie side by side are not compared."""
    invocations = _series(_step(40, 3_000), 12)
    spike = Spike(
        invocations=invocations,
        errors=invocations,
        first=QUIET_MINUTES,
        young=4,
        taking=timedelta(seconds=1),
        floor_per_minute=FLOOR,
    )
    other = replace(invocations, start=START + timedelta(minutes=1))

    assert find_feeding(spike, [Arrivals(source=QUEUE, counts=other)]).fed is Fed.UNTOLD


@given(late=latenesses, late_arrivals=latenesses, taking=st.integers(2, 15))
def test_a_slow_loop_is_not_acquitted_before_its_first_writes(
    late: Lateness, late_arrivals: Lateness, taking: int
) -> None:
    """What takes minutes writes at its end; until then nothing of it has arrived."""
    arrivals: list[float | None] = [40.0, *[40.0] * taking, *[1_500.0] * (45 - taking)]
    traffic = Traffic(
        invocations=_step(40, 1_500, 45),
        arrivals={QUEUE: arrivals},
        taking_seconds=60.0 * taking,
    )

    told = [traffic.seen(minutes, late, late_arrivals).fed for minutes in range(1, 45)]

    assert set(told) <= {Fed.PENDING, Fed.UNTOLD, Fed.ITSELF}
    assert told[-1] is Fed.ITSELF


@given(
    late=latenesses,
    late_arrivals=latenesses,
    level=st.floats(1_000, 60_000),
    usual=st.floats(0, 2_000),
    failing=st.floats(0, 0.88),
    minutes=st.integers(1, 25),
    source=st.sampled_from([QUEUE, EVENTS]),
)
def test_a_loop_is_never_acquitted(  # noqa: PLR0917
    late: Lateness,
    late_arrivals: Lateness,
    level: float,
    usual: float,
    failing: float,
    minutes: int,
    source: Source,
) -> None:
    """Whatever is late: each execution of it has arrived where it feeds itself.

    Of what fails, each event is tried up to twice more, and every attempt writes once it succeeds.
    """
    arrived = level * (1 - failing)
    traffic = Traffic(
        invocations=_step(usual, usual + level),
        errors=_step(0, level * failing),
        arrivals={source: _step(usual, usual + arrived), URL: _step(usual, usual)},
    )

    assert not traffic.seen(minutes, late, late_arrivals).is_acquitted


@given(
    late=latenesses,
    late_arrivals=latenesses,
    level=st.floats(1_000, 60_000),
    usual=st.floats(0, 100),
    delay=st.integers(0, 15),
)
def test_a_loop_beside_the_work_of_people_is_never_acquitted(
    late: Lateness, late_arrivals: Lateness, level: float, usual: float, delay: int
) -> None:
    """A load test at the same time does not hide one that adds a quarter, once it goes round."""
    people = [0.0] * delay + [3 * level] * (31 - delay)
    traffic = Traffic(
        invocations=[usual, *[level + one for one in people[1:]]],
        arrivals={QUEUE: _step(usual, usual + level), URL: [0.0, *people[1:]]},
    )

    assert not traffic.seen(25, late, late_arrivals).is_acquitted


@given(late=latenesses, late_arrivals=latenesses, level=st.floats(1_000, 60_000))
def test_people_are_acquitted_as_soon_as_their_minutes_are_settled(
    late: Lateness, late_arrivals: Lateness, level: float
) -> None:
    """Two settled minutes are enough; before that nothing is said against them either."""
    traffic = Traffic(
        invocations=_step(40, 40 + level),
        arrivals={QUEUE: _step(40, 40), URL: _step(0, level)},
    )

    told = [traffic.seen(minutes, late, late_arrivals) for minutes in range(1, 10)]

    assert {one.fed for one in told[:5]} <= {Fed.PENDING}
    assert all(one.is_acquitted for one in told[6:])


@pytest.mark.parametrize("kind", list(SourceKind))
def test_what_counts_arrivals_is_known_for_each_kind(kind: SourceKind) -> None:
    """Each series carries the name of its source; what nothing counts has none."""
    metrics = list_arrival_metrics(Source(kind=kind, name="orders"))

    assert bool(metrics) is (kind is not SourceKind.OTHER)
    assert {value for one in metrics for value in one.dimensions.values()} <= {"orders"}
