"""Who is left alone, by what was counted of who feeds it."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.domain.detection.acquittal import PENDING_FOR, LeftAlone, judge_feeding
from functions.domain.detection.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.detection.feeding import Fed, Feeding
from functions.domain.incidents.decision import DecisionReason
from functions.domain.notices.grounds import describe_ground

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CALM_GROUNDS = (Ground(reason=Reason.PLATEAU),)
ACQUITTED = (Fed.OUTSIDE, Fed.BACKLOG, Fed.RETRIES)
URGENT = (Reason.AT_CEILING, Reason.GROWING, Reason.THROTTLED)


def _assessment(*reasons: Reason, age: timedelta = timedelta(minutes=5)) -> Assessment:
    return Assessment(
        function="orders",
        verdict=Verdict.SUSPECTED,
        at=NOW,
        since=NOW - age,
        grounds=(*CALM_GROUNDS, *(Ground(reason=one) for one in reasons)),
    )


def _fed(fed: Fed) -> Feeding:
    return Feeding(fed=fed, added_per_minute=4_000.0, own_per_minute=12.0)


def _judge(
    assessment: Assessment, seen: Fed, charted: Fed, *, is_throttled: bool = False
) -> LeftAlone | None:
    return judge_feeding(
        assessment, seen=_fed(seen), charted=_fed(charted), is_throttled=is_throttled
    )


@pytest.mark.parametrize(
    ("fed", "words"),
    [
        (Fed.OUTSIDE, "Others feed it"),
        (Fed.BACKLOG, "It works off what had arrived before"),
        (Fed.RETRIES, "What fails is tried again"),
    ],
)
def test_an_acquittal_names_the_cause_with_numbers(fed: Fed, words: str) -> None:
    """Before what was seen of the spike."""
    found = _judge(_assessment(), fed, fed)

    assert found is not None
    assert found.reason is DecisionReason.EXPLAINED
    assert found.assessment.verdict is Verdict.BUSY
    cause, *others = found.assessment.grounds
    assert tuple(others) == CALM_GROUNDS
    assert (cause.value, cause.reference, cause.unit) == (4_000.0, 12.0, Unit.PER_MINUTE)
    assert describe_ground(cause) == (
        f"{words}: added 4,000 invocations a minute, at most 12 of it can be its own doing."
    )


@pytest.mark.parametrize("reason", URGENT)
@pytest.mark.parametrize("fed", [*ACQUITTED, Fed.PENDING])
def test_the_urgent_do_not_wait_for_the_graph(fed: Fed, reason: Reason) -> None:
    """Only what it saw of the account before the spike acquits them."""
    assert _judge(_assessment(reason), Fed.ITSELF, fed) is None
    assert _judge(_assessment(), Fed.ITSELF, fed, is_throttled=True) is None
    assert _judge(_assessment(), Fed.ITSELF, fed) is not None


@pytest.mark.parametrize("fed", ACQUITTED)
def test_a_graph_that_saw_it_before_acquits_the_urgent_too(fed: Fed) -> None:
    """A backlog that is worked off takes all the concurrency that it can get."""
    assert _judge(_assessment(*URGENT), fed, fed, is_throttled=True) is not None


def test_counts_are_waited_for_as_long_as_they_may_be_late() -> None:
    """The verdict stays what it is meanwhile."""
    young = _assessment(age=PENDING_FOR)
    old = _assessment(age=PENDING_FOR + timedelta(minutes=1))

    found = _judge(young, Fed.PENDING, Fed.PENDING)

    assert found == LeftAlone(assessment=young, reason=DecisionReason.NOT_YET_COUNTED)
    assert _judge(old, Fed.PENDING, Fed.PENDING) is None


@pytest.mark.parametrize("fed", [Fed.ITSELF, Fed.UNTOLD])
def test_who_may_feed_itself_is_held(fed: Fed) -> None:
    """So is who cannot be told."""
    assert _judge(_assessment(), fed, fed) is None
