"""What is shown of a function that was capped: each figure with its own moment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.cap_figures import show_cap
from functions.domain.evidence import Evidence
from tests.unit.domain.test_experiment import under_cap
from tests.unit.domain.traffic_samples import NOW

MINUTES = 7
CAPPED_AT = NOW - timedelta(minutes=MINUTES)
FIRST = Assessment(
    function="orders",
    verdict=Verdict.SUSPECTED,
    at=CAPPED_AT,
    grounds=(Ground(reason=Reason.NO_PRECEDENT, value=900, unit=Unit.PER_MINUTE, reference=6),),
    rate_per_minute=900,
    normal_per_minute=6,
    since=CAPPED_AT - timedelta(minutes=4),
)
VERDICT = Assessment(
    function="orders",
    verdict=Verdict.RUNAWAY,
    at=NOW,
    grounds=(
        Ground(reason=Reason.PINNED_AT_CAP, value=2, unit=Unit.CONCURRENT, reference=2),
        Ground(reason=Reason.SUSTAINED, value=6, unit=Unit.MINUTES),
        Ground(reason=Reason.THROTTLED, value=60, unit=Unit.THROTTLES),
        Ground(reason=Reason.ABOVE_RECENT, value=130, unit=Unit.PER_MINUTE, reference=6),
    ),
    rate_per_minute=900,
)


def looping() -> Evidence:
    """A loop under its cap: 130 a minute run, 60 are turned away."""
    return under_cap(MINUTES, served=130.0, refused=[60.0] * MINUTES)


def test_the_rate_before_the_cap_and_the_one_under_it_are_apart() -> None:
    """Each has its own moment; the highest of the newest minutes is neither."""
    shown = show_cap(VERDICT, FIRST, looping(), CAPPED_AT)

    assert shown.cap is not None
    assert (shown.cap.before.per_minute, shown.cap.before.at) == (900, CAPPED_AT)
    assert shown.cap.under is not None
    assert shown.cap.under.per_minute == 130
    assert CAPPED_AT < shown.cap.under.at < NOW
    assert shown.cap.asked_per_minute == 190


def test_the_reason_is_what_was_seen_under_the_cap() -> None:
    """The demand fell, from one figure to another; the rise before the cap is another matter."""
    shown = show_cap(VERDICT, FIRST, looping(), CAPPED_AT)

    assert shown.grounds[0] == Ground(
        reason=Reason.DEMAND_FELL, value=190, unit=Unit.ATTEMPTS, reference=900
    )
    assert not shown.has(Reason.ABOVE_RECENT)


def test_throttles_of_the_cap_are_not_aws() -> None:
    """What the guard's own cap turns away is never said to be throttled by AWS."""
    shown = show_cap(VERDICT, FIRST, looping(), CAPPED_AT)

    assert not shown.has(Reason.THROTTLED)
    assert shown.has(Reason.THROTTLED_BY_CAP)


def test_no_minute_under_the_cap_is_no_figure() -> None:
    """A cap of a moment ago has nothing measured under it: the old rate is not passed off as it."""
    shown = show_cap(VERDICT, FIRST, looping(), NOW - timedelta(seconds=30))

    assert shown.cap is not None
    assert shown.cap.under is None
    assert not shown.has(Reason.DEMAND_FELL)


def test_what_ran_under_the_cap_counts_as_cost() -> None:
    """Everything since the spike began: before the cap and under it."""
    shown = show_cap(VERDICT, FIRST, looping(), CAPPED_AT)

    assert shown.invocations_since == pytest.approx(4 * 900 + MINUTES * 130, rel=0.01)


def test_the_first_rate_stays_the_first() -> None:
    """A second look under the cap does not take the first one's figure for the spike's."""
    once = show_cap(VERDICT, FIRST, looping(), CAPPED_AT)
    again = show_cap(replace(VERDICT, at=NOW + timedelta(minutes=1)), once, looping(), CAPPED_AT)

    assert again.cap is not None
    assert again.cap.before.at == CAPPED_AT
