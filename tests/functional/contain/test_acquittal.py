"""Who others feed is not held: that is told from what arrives, without touching the function."""

from datetime import timedelta

import pytest

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.assessment import Reason, Verdict
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import LedgerUnavailableError, MetricsUnavailableError
from functions.domain.graph.loop_lookup import STALE_AFTER, LoopStatus
from functions.domain.incidents.decision import Decision, DecisionReason, Ignore
from functions.domain.incidents.policy import Mode, Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.grounds import describe_ground
from functions.workflows.detection.report import PartlyFailedError, TriageReport
from tests.functional.contain.hold.held import SPIKE, USUAL, Held, suspected

QUEUE = Source(kind=SourceKind.QUEUE, name="orders")
EVENTS = Source(kind=SourceKind.ASYNCHRONOUS, name="orders")
LONG_AGO = timedelta(hours=1)  # of the hour's reading of the account


def _story(
    kind: SourceKind = SourceKind.QUEUE,
    *,
    loop: LoopProof = LoopProof.POSSIBLE,
    read: timedelta = LONG_AGO,
    minutes: int = 20,
    policy: Policy | None = None,
) -> Held:
    """A spike of a consumer, and an event graph that has been read so long ago."""
    story = suspected(kind, is_loop=False, policy=policy)
    story.spike(minutes)
    _chart(story, loop, read)
    return story


def _chart(story: Held, loop: LoopProof, read: timedelta = timedelta(0)) -> None:
    scene = story.scene
    at = scene.now - read
    scene.loops.stored["orders"] = LoopStatus(proof=LoopProof.POSSIBLE, at=at)
    own = Source(kind=story.kind, name="orders", loop=loop)
    scene.loops.feeding["orders"] = (own,)


def _throttle(story: Held) -> None:
    scene = story.scene
    scene.account.metrics.record("orders", until=scene.now, throttles=[5.0] * 20)


def _decided(report: TriageReport) -> Decision:
    (decision,) = report.decisions
    return decision


def _is_touched(story: Held) -> bool:
    account = story.scene.account
    paused = [one for one in account.by_uuid.values() if not one.enabled]
    return bool(paused) or story.function.reserved is not None


def _is_held(story: Held) -> bool:
    stored = story.scene.account.ledger.stored("orders")
    return stored is not None and stored.state is IncidentState.CAPPED and _is_touched(story)


def _told(report: TriageReport) -> tuple[Reason, str]:
    decision = _decided(report)
    assert isinstance(decision, Ignore)
    assert decision.reason is DecisionReason.EXPLAINED
    assert decision.assessment.verdict is Verdict.BUSY
    ground = decision.assessment.grounds[0]
    return ground.reason, describe_ground(ground)


@pytest.mark.parametrize("kind", [SourceKind.QUEUE, SourceKind.TABLE, SourceKind.ASYNCHRONOUS])
def test_a_burst_from_a_source_on_no_loop_is_left_alone(kind: SourceKind) -> None:
    """It is logged with the numbers; nothing is changed, and nobody is mailed."""
    story = _story(kind, loop=LoopProof.RULED_OUT)

    told = _told(story.scene.contributor())

    assert told == (
        Reason.FED_BY_OTHERS,
        "Others feed it: added 3,970 invocations a minute, at most 0 of it can be its own doing.",
    )
    assert not _is_touched(story)
    assert story.scene.account.ledger.stored("orders") is None
    assert not story.scene.subjects
    logged = [fields for message, fields in story.scene.log.lines if message == "decided"]
    assert [one["because"] for one in logged] == [DecisionReason.EXPLAINED]


def test_what_arrives_is_asked_for_once() -> None:
    """Each call of CloudWatch costs money, and time while a loop may burn."""
    story = _story(loop=LoopProof.RULED_OUT)

    story.scene.contributor()

    assert len(story.scene.account.calls("arrivals")) == 1


def test_a_backlog_is_worked_off() -> None:
    """Hardly anything arrives, on whatever loop the queue may lie."""
    story = _story()
    story.record_arrivals([USUAL + 5] * 20)

    reason, words = _told(story.scene.contributor())

    assert (reason, _is_touched(story)) == (Reason.WORKS_OFF, False)
    assert "added 3,970 invocations a minute, at most 5 of it" in words


def test_what_fails_is_tried_again() -> None:
    """A few messages that fail come back as often as their queue lets them."""
    story = _story()
    story.record_arrivals([USUAL + 5] * 20)
    story.scene.account.metrics.record("orders", until=story.scene.now, errors=[SPIKE] * 20)

    reason, _ = _told(story.scene.contributor())

    assert (reason, _is_touched(story)) == (Reason.TRIED_AGAIN, False)
    assert story.scene.account.examined.marks == {"orders": story.scene.now}


def test_nothing_else_starts_a_diagnosis() -> None:
    """A backlog is no sign of trouble, and neither is a function that is held."""
    backlog, held = _story(), _story()
    backlog.record_arrivals([USUAL + 5] * 20)

    for one in (backlog, held):
        one.scene.contributor()
        assert one.scene.account.examined.marks == {}


def test_a_mark_that_cannot_be_written_is_tried_again() -> None:
    """The run fails with it, and the function stays untouched."""
    story = _story()
    story.record_arrivals([USUAL + 5] * 20)
    story.scene.account.metrics.record("orders", until=story.scene.now, errors=[SPIKE] * 20)
    story.scene.account.faults.fail("touch", LedgerUnavailableError("gone"))

    with pytest.raises(PartlyFailedError):
        story.scene.contributor()

    assert not _is_touched(story)
    story.scene.contributor()
    assert "orders" in story.scene.account.examined.marks


# -- where nothing is held


@pytest.mark.parametrize(
    "policy",
    [Policy(mode=Mode.OBSERVE), Policy(response=Response.NOTIFY)],
    ids=["mode", "response"],
)
@pytest.mark.parametrize("cause", [Reason.FED_BY_OTHERS, Reason.WORKS_OFF, Reason.TRIED_AGAIN])
def test_nobody_is_told_of_what_would_not_be_held(policy: Policy, cause: Reason) -> None:
    """Who watches first gets the notices that he would get, and no others."""
    is_outside = cause is Reason.FED_BY_OTHERS
    story = _story(loop=LoopProof.RULED_OUT if is_outside else LoopProof.POSSIBLE, policy=policy)
    if not is_outside:
        story.record_arrivals([USUAL + 5] * 20)
    if cause is Reason.TRIED_AGAIN:
        story.scene.account.metrics.record("orders", until=story.scene.now, errors=[SPIKE] * 20)

    reason, _ = _told(story.scene.contributor())

    assert reason is cause
    assert story.scene.subjects == []
    assert story.scene.account.ledger.stored("orders") is None
    assert bool(story.scene.account.examined.marks) is (cause is Reason.TRIED_AGAIN)


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.ENFORCE])
def test_an_exempt_function_that_others_feed_is_no_news(mode: Mode) -> None:
    """It is not touched in any case."""
    story = _story(loop=LoopProof.RULED_OUT, policy=Policy(mode=mode, exempt=frozenset({"orders"})))

    assert _told(story.scene.contributor())[0] is Reason.FED_BY_OTHERS
    assert story.scene.subjects == []


def test_who_may_feed_itself_is_told_of_in_observe_mode() -> None:
    """Once, whatever arrives later; each check after that asks for nothing."""
    story = _story(policy=Policy(mode=Mode.OBSERVE))

    story.scene.contributor()
    asked = len(story.scene.account.calls("arrivals"))
    story.pass_minutes(3)

    assert len(story.scene.subjects) == 1
    assert len(story.scene.account.calls("arrivals")) == asked
    assert not _is_touched(story)


def test_counts_that_are_late_are_waited_for_in_observe_mode() -> None:
    """And once they show that it is a backlog, nobody is told."""
    story = _story(minutes=4, policy=Policy(mode=Mode.OBSERVE))
    story.record_arrivals([None] * 4)

    decision = _decided(story.scene.contributor())

    assert decision.reason is DecisionReason.NOT_YET_COUNTED
    assert story.scene.subjects == []
    assert story.scene.account.ledger.read_live().pulse.watched == ("orders",)


def test_what_cannot_be_read_is_told_of() -> None:
    """Nobody knows then who feeds it."""
    story = _story(loop=LoopProof.RULED_OUT, policy=Policy(mode=Mode.OBSERVE))
    story.scene.account.faults.fail("arrivals", MetricsUnavailableError("gone"))

    story.scene.contributor()

    assert len(story.scene.subjects) == 1


@pytest.mark.parametrize("loop", [LoopProof.CERTAIN, LoopProof.POSSIBLE, LoopProof.UNKNOWN])
def test_who_may_feed_itself_is_held(loop: LoopProof) -> None:
    """What arrives where a loop would send it could carry the spike."""
    story = _story(loop=loop)

    story.scene.contributor()

    assert _is_held(story)


@pytest.mark.parametrize("arrived", [SPIKE, USUAL])
def test_without_a_graph_nobody_is_acquitted(arrived: float) -> None:
    """Nobody knows all that may invoke the function, not even where it seems to be a backlog."""
    story = suspected(SourceKind.QUEUE, is_loop=False)
    story.record_arrivals([arrived] * 20)

    story.scene.contributor()

    assert _is_held(story)


def test_a_graph_of_long_ago_acquits_nobody() -> None:
    """Two days without a reading: the chart does not run."""
    story = _story(loop=LoopProof.RULED_OUT, read=STALE_AFTER + timedelta(minutes=1))

    story.scene.contributor()

    assert _is_held(story)


@pytest.mark.parametrize("minutes_before", [-5, 14])
def test_a_function_deployed_since_the_graph_was_read_is_held(minutes_before: int) -> None:
    """What was deployed with it may not be in the graph yet, and feed it."""
    story = _story(loop=LoopProof.RULED_OUT)
    deployed = story.scene.now - LONG_AGO - timedelta(minutes=minutes_before)
    story.function.last_modified = deployed

    story.scene.contributor()

    assert _is_held(story)


def test_a_mapping_that_the_graph_does_not_know_is_no_outsider() -> None:
    """A queue that was connected just now may be fed by the function."""
    story = _story(loop=LoopProof.RULED_OUT)
    scene = story.scene
    scene.account.add_mapping("orders", "arn:aws:sqs:us-east-1:123456789012:again")
    again = Source(kind=SourceKind.QUEUE, name="again")
    scene.account.metrics.record_arrivals(again, until=scene.now, counts=[SPIKE] * 20)

    scene.contributor()

    assert _is_held(story)


def test_asynchronous_events_that_the_graph_does_not_know_of_count() -> None:
    """They may be the function's own, beside a queue that is on no loop."""
    story = _story(loop=LoopProof.RULED_OUT)
    scene = story.scene
    scene.account.metrics.record_arrivals(EVENTS, until=scene.now, counts=[SPIKE] * 20)

    report = scene.contributor()

    assert not isinstance(_decided(report), Ignore)


def test_callers_that_wait_are_told_of_as_before() -> None:
    """What they ask for is not counted, so nothing is said of who feeds it."""
    story = _story(SourceKind.ASYNCHRONOUS, loop=LoopProof.RULED_OUT)
    story.record_arrivals([0.0] * 180)

    story.scene.contributor()

    assert "SUSPECTED, NOT HELD: orders" in story.scene.subjects[-1]


# -- what is not counted yet


def test_counts_that_are_late_are_waited_for_and_acquit_nobody() -> None:
    """The function is looked at each minute, and held as soon as they show what a loop needs."""
    story = _story(minutes=4)
    story.record_arrivals([None] * 4)

    decision = _decided(story.scene.contributor())

    assert isinstance(decision, Ignore)
    assert decision.reason is DecisionReason.NOT_YET_COUNTED
    assert not _is_touched(story)
    assert story.scene.account.ledger.read_live().pulse.watched == ("orders",)
    story.record_arrivals([SPIKE] * 4)
    story.pass_minutes(1)
    assert _is_held(story)


def test_whose_counts_settle_below_is_acquitted_meanwhile() -> None:
    """A young spike is not held while it may yet prove to be a backlog."""
    story = _story(minutes=4)
    story.record_arrivals([USUAL] * 4)
    first = _decided(story.scene.contributor())

    for _ in range(6):
        story.pass_minutes(1)
        story.record_arrivals([USUAL] * 10)

    assert first.reason is DecisionReason.NOT_YET_COUNTED
    assert not _is_touched(story)
    assert story.scene.account.ledger.stored("orders") is None


def test_nobody_waits_for_ever() -> None:
    """A spike of eleven minutes whose executions take as long is held."""
    story = _story(minutes=11)
    story.record_arrivals([USUAL] * 11)
    scene = story.scene
    scene.account.metrics.record("orders", until=scene.now, duration_ms=[9 * 60_000.0] * 11)

    decision = _decided(scene.contributor())

    assert decision.reason is not DecisionReason.NOT_YET_COUNTED
    assert not isinstance(decision, Ignore)


def test_what_is_throttled_waits_for_no_counts() -> None:
    """Others are refused meanwhile."""
    story = _story(minutes=4)
    story.record_arrivals([None] * 4)
    _throttle(story)

    story.scene.contributor()

    assert _is_held(story)


# -- what the graph has not heard of yet


def test_who_is_throttled_is_acquitted_only_by_a_graph_that_saw_the_account_before() -> None:
    """Its loop may have begun with a change of which the graph has not heard."""
    for read, held in ((LONG_AGO, True), (timedelta(0), False)):
        story = _story(loop=LoopProof.RULED_OUT, read=read)
        _throttle(story)

        story.scene.contributor()

        assert _is_held(story) is held


def test_who_was_acquitted_is_held_once_the_graph_hears_of_the_change() -> None:
    """Somebody led the queue back to the function: the graph hears of it 15 minutes later."""
    story = _story(loop=LoopProof.RULED_OUT, minutes=5)
    story.pass_minutes(4)
    report = story.scene.contributor()
    assert _told(report)[0] is Reason.FED_BY_OTHERS

    story.pass_minutes(10)
    assert not _is_touched(story)
    _chart(story, LoopProof.POSSIBLE)
    story.pass_minutes(1)

    assert _is_held(story)
