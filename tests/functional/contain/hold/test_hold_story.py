"""Held, let go a little, held again: what becomes of a loop, and of people."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.assessment import Reason
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.errors import RefusedError
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.holding.watch import Phase
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.states import IncidentState
from tests.fakes.faults import SimulatedCrash
from tests.functional.contain.hold.held import (
    NORMAL_PEAK,
    SOURCES,
    SPIKE,
    Held,
    count_trials,
    has_second_trial,
    held,
    is_held_again,
    suspected,
)
from tests.functional.scene import NOON, QUEUE

DENIED = RefusedError("AccessDeniedException: explicit deny")
KINDS = [SourceKind.ASYNCHRONOUS, SourceKind.QUEUE, SourceKind.TABLE]


def _certain(story: Held) -> None:
    known = LoopStatus(proof=LoopProof.CERTAIN, at=story.scene.now)
    story.scene.loops.stored["orders"] = known


def _show_twice(story: Held) -> None:
    """Hold a function on a loop that the graph is certain of, until its second round is over."""
    _certain(story)
    story.scene.contributor()
    phases = story.states(45)
    assert count_trials(phases) == 2


@pytest.mark.parametrize(
    ("kind", "reserved", "enabled"),
    [
        (SourceKind.ASYNCHRONOUS, NORMAL_PEAK, []),
        (SourceKind.QUEUE, None, [False]),
        (SourceKind.TABLE, 0, [True]),
    ],
)
def test_each_trigger_has_its_lever(
    kind: SourceKind, reserved: int | None, enabled: list[bool]
) -> None:
    """Capped, paused or at 0: where that only delays."""
    story = held(kind)

    found, mappings = story.settings()
    assert (found, [one for one, _ in mappings]) == (reserved, enabled)
    assert "HELD orders" in story.scene.subjects[-1]


API = Trigger(kind=TriggerKind.SYNC, service="API Gateway", source_arn="")
STEPS = Source(kind=SourceKind.OTHER, name="orders-steps", loop=LoopProof.RULED_OUT)
URL = Source(kind=SourceKind.URL, name="orders", loop=LoopProof.RULED_OUT)


@pytest.mark.parametrize("knows", ["policy", "graph", "nobody"])
def test_callers_beside_a_stream_are_not_refused(knows: str) -> None:
    """Whether a policy admits them or a URL, and where its policies must not be read."""
    story = suspected(SourceKind.TABLE)
    account = story.scene.account
    match knows:
        case "policy":
            story.function.pushed = (API,)
        case "graph":
            _chart_sources(story, URL)
        case "nobody":
            account.faults.fail("read_triggers", DENIED, times=-1)

    story.scene.contributor()

    assert story.function.reserved is None
    assert story.scene.incident().state is IncidentState.NOTIFIED
    grounds = [one.reason for one in story.scene.incident().assessment.grounds]
    assert Reason.CALLERS_WAIT in grounds


def test_a_role_that_may_invoke_it_is_no_caller() -> None:
    """Where roles may do everything, no function behind a stream would be held."""
    story = suspected(SourceKind.TABLE)
    _chart_sources(story, STEPS)

    story.scene.contributor()

    assert story.scene.incident().state is IncidentState.CAPPED


def _chart_sources(story: Held, other: Source) -> None:
    loops = story.scene.loops
    at = story.scene.now - timedelta(hours=1)
    loops.stored["orders"] = LoopStatus(proof=LoopProof.POSSIBLE, at=at)
    loops.feeding["orders"] = (replace(SOURCES[SourceKind.TABLE], loop=LoopProof.POSSIBLE), other)


@pytest.mark.parametrize("elsewhere", ["us-east-1:210987654321", "eu-west-1:123456789012"])
@pytest.mark.parametrize("kind", [SourceKind.QUEUE, SourceKind.TABLE])
def test_a_source_of_another_account_or_region_is_not_held(
    kind: SourceKind, elsewhere: str
) -> None:
    """Nothing here counts what arrives there: a loop would seem to be none."""
    story = suspected(kind)
    (mapping,) = story.scene.account.by_uuid.values()
    mapping.source_arn = mapping.source_arn.replace("us-east-1:123456789012", elsewhere)

    story.scene.contributor()

    assert story.scene.incident().state is IncidentState.NOTIFIED
    assert story.settings() == (None, [(True, None)])


def test_a_queue_that_gets_dead_letters_is_not_held() -> None:
    """What SQS moves there is in no metric: a loop would seem to be none."""
    story = suspected(SourceKind.QUEUE)
    story.scene.account.queues[QUEUE].is_redriven_to = True

    story.scene.contributor()

    assert story.scene.incident().state is IncidentState.NOTIFIED
    assert story.settings() == (None, [(True, None)])


def test_what_people_reserve_while_a_hold_is_planned_comes_back() -> None:
    """The plan takes its time: its snapshot is of the newest read."""
    story = suspected(SourceKind.ASYNCHRONOUS, is_loop=False)
    account = story.scene.account
    account.faults.before("mappings", lambda: account.reserves("orders", 3))
    story.scene.contributor()
    assert story.function.reserved not in {3, None}

    story.pass_minutes(14)

    assert story.function.reserved == 3


@pytest.mark.parametrize("kind", KINDS)
def test_people_are_let_go_exactly_as_they_were(kind: SourceKind) -> None:
    """What they send goes on arriving while the function is held."""
    story = suspected(kind, is_loop=False)
    before = story.settings()
    story.scene.contributor()

    story.pass_minutes(14)

    assert story.settings() == before
    assert story.scene.account.ledger.stored("orders") is None
    assert "RESTORED AFTER HOLD: orders" in story.scene.subjects[-1]
    assert not any("STOPPED" in one for one in story.scene.subjects)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_that_only_may_be_one_stays_held_until_people_decide(kind: SourceKind) -> None:
    """It is shown twice, and loses nothing; a rollback puts all of it back."""
    story = suspected(kind)
    before = story.settings()
    story.scene.contributor()

    phases = story.states(45)

    assert count_trials(phases) == 2
    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert incident.decided == DecisionReason.SHOWN
    assert sum("LOOP, HELD: orders" in one for one in story.scene.subjects) == 1
    assert story.function.reserved != 0 or kind is SourceKind.TABLE
    story.scene.rollback("orders")
    assert story.settings() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_that_the_graph_is_certain_of_is_stopped(kind: SourceKind) -> None:
    """Shown twice and certain: 0, with all that belongs to a stop."""
    story = suspected(kind)
    before = story.settings()

    _show_twice(story)

    incident = story.scene.incident()
    assert (incident.state, story.function.reserved) == (IncidentState.CONTAINED, 0)
    assert all(not one for one, _ in story.settings()[1])
    assert any("STOPPED orders" in one for one in story.scene.subjects)
    story.end()
    story.scene.rollback("orders")
    assert story.settings() == before


def test_a_loop_inside_a_busy_function_stays_held_whatever_the_graph_says() -> None:
    """What others send waits for people as well: they decide."""
    story = suspected(SourceKind.TABLE, work=700.0)
    before = story.settings()

    _show_twice(story)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert incident.decided == DecisionReason.SHOWN
    assert incident.assessment.grounds[0].reason is Reason.LOOP_BESIDE_WORK
    assert sum("LOOP, HELD: orders" in one for one in story.scene.subjects) == 1
    assert not any("STOPPED" in one for one in story.scene.subjects)
    story.scene.rollback("orders")
    assert story.settings() == before


@pytest.mark.parametrize("kind", [SourceKind.ASYNCHRONOUS, SourceKind.TABLE])
def test_a_trial_takes_no_more_than_the_account_has_left(kind: SourceKind) -> None:
    """AWS refuses what would leave fewer than 100 unreserved: a trial would never begin."""
    story = suspected(kind)
    account = story.scene.account
    account.add("others", reserved=892)
    _certain(story)
    story.scene.contributor()

    story.pass_minutes(60)

    tried = [one.arguments for one in account.calls("functions.reserve")]
    assert max(one["concurrency"] for one in tried) == 8
    incident = story.scene.incident()
    assert (incident.state, story.function.reserved) == (IncidentState.CONTAINED, 0)


def test_a_trial_begins_if_the_account_does_not_tell_its_limits() -> None:
    """AWS decides then."""
    story = suspected(SourceKind.ASYNCHRONOUS)
    story.scene.account.faults.fail("hold_facts.read_limits", DENIED, times=99)
    story.scene.contributor()

    story.pass_minutes(45)

    assert story.scene.incident().is_shown


@pytest.mark.parametrize("kind", KINDS)
def test_what_only_one_trial_shows_stops_nobody(kind: SourceKind) -> None:
    """People came and went with it by chance, or the loop is mended: people decide."""
    story = suspected(kind)
    before = story.settings()
    _certain(story)
    story.scene.contributor()
    story.pass_until(has_second_trial)

    story.is_over = True
    story.pass_minutes(40)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert incident.decided == DecisionReason.CANNOT_BE_TOLD
    assert not any("STOPPED" in one for one in story.scene.subjects)
    story.scene.rollback("orders")
    assert story.settings() == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_trial_shows_and_another_does_not_is_let_go(kind: SourceKind) -> None:
    """Unless the configuration closes the loop: it was people by chance, or it is fixed."""
    story = suspected(kind)
    before = story.settings()
    story.scene.contributor()
    story.pass_until(has_second_trial)

    story.is_over = True
    story.pass_minutes(40)

    assert story.settings() == before
    assert story.scene.account.ledger.stored("orders") is None
    assert "RESTORED AFTER HOLD: orders" in story.scene.subjects[-1]


LETS_GO = {
    SourceKind.ASYNCHRONOUS: "functions.reserve",
    SourceKind.TABLE: "functions.reserve",
    SourceKind.QUEUE: "functions.switch_mapping",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_whose_trial_aws_refuses_is_no_stop(kind: SourceKind) -> None:
    """It ends by itself, whatever its lever is."""
    story = suspected(kind)
    before = story.settings()
    story.scene.contributor()
    story.scene.account.faults.fail(LETS_GO[kind], DENIED, times=-1)

    phases = story.states(20)

    assert set(phases) == {"capped held"}
    assert story.scene.incident().refusals
    ((_, planned),) = story.scene.account.way_back.due.values()
    assert planned > story.scene.now
    story.scene.account.faults.clear()
    story.scene.rollback("orders")
    assert story.settings() == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_trial_shows_stays_held_if_aws_refuses_another(kind: SourceKind) -> None:
    """Its way back may not come before anybody has decided."""
    story = suspected(kind)
    before = story.settings()
    story.scene.contributor()
    story.pass_until(is_held_again)

    story.scene.account.faults.fail(LETS_GO[kind], DENIED, times=-1)
    story.pass_minutes(20)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert incident.decided == DecisionReason.SHOWN
    assert story.scene.account.calls("cancel")
    story.scene.account.faults.clear()
    story.scene.rollback("orders")
    assert story.settings() == before


def test_a_certain_circle_that_people_keep_busy_is_let_go() -> None:
    """That the configuration closes a circle is no reason to stop anybody."""
    story = suspected(is_loop=False)
    _certain(story)
    story.scene.contributor()

    story.pass_minutes(14)

    assert story.function.reserved is None
    assert story.scene.account.ledger.stored("orders") is None


def test_the_way_back_is_made_before_anything_is_held() -> None:
    """Where it cannot be made, nothing is held, and people are notified."""
    story = suspected()
    story.scene.account.faults.fail("schedule", DENIED, times=-1)

    story.scene.contributor()

    assert story.function.reserved is None
    assert not story.scene.account.calls("reserve")
    assert "COULD NOT HOLD orders" in story.scene.subjects[-1]


def test_the_way_back_is_taken_away_once_people_are_to_decide() -> None:
    """Nothing may let a loop go by itself that was shown."""
    story = held()
    assert story.scene.account.calls("schedule")

    story.pass_minutes(45)

    assert story.scene.incident().is_shown
    assert story.scene.account.calls("cancel")


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_back_waits_for_the_second_round(kind: SourceKind) -> None:
    """It would let a loop go in the middle of it."""
    story = suspected(kind)
    story.scene.contributor()
    story.pass_until(has_second_trial)

    watch = story.scene.incident().watch
    ((_, due),) = story.scene.account.way_back.due.values()
    assert watch is not None
    assert watch.rounds == 2
    assert due > watch.ends_at


def _many_wait() -> Held:
    """So many that no trial of twenty minutes turns them over."""
    story = held(SourceKind.QUEUE)
    story.waiting = 50_000.0
    return story


def test_a_trial_that_lasts_longer_has_its_end_moved() -> None:
    """Once, and before it is written down: nothing is let go in the middle of it."""
    story = _many_wait()
    ((_, planned),) = story.scene.account.way_back.due.values()

    story.pass_minutes(50)

    watch = story.scene.incident().watch
    assert watch is not None
    ((_, moved),) = story.scene.account.way_back.due.values()
    assert watch.phase is Phase.TRIAL
    assert moved - planned == timedelta(seconds=watch.stretched_seconds)
    assert moved > watch.ends_at > planned


def test_a_trial_whose_end_cannot_be_moved_ends_as_planned() -> None:
    """It is not said to last longer than its way back waits."""
    story = _many_wait()
    assert "trial" in story.states(8)[-1]
    tried = len(story.scene.account.calls("schedule"))
    story.scene.account.faults.fail("schedule", DENIED, times=-1)
    ((_, planned),) = story.scene.account.way_back.due.values()

    story.pass_minutes(20)

    watch = story.scene.incident().watch
    assert watch is not None
    assert (watch.phase, watch.stretched_seconds) == (Phase.TRIAL, 0.0)
    assert planned > watch.ends_at
    assert len(story.scene.account.calls("schedule")) > tried
    assert [at for _, at in story.scene.account.way_back.due.values()] == [planned]


def test_what_would_refuse_callers_is_not_held() -> None:
    """Nothing that ran had arrived as an asynchronous event: somebody waits for the answers."""
    story = suspected()
    story.record_arrivals([0.0] * 180)

    story.scene.contributor()

    assert story.settings() == (None, [])
    assert "SUSPECTED, NOT HELD: orders" in story.scene.subjects[-1]
    assert "callers may wait for its answers" in " ".join(
        story.scene.account.publisher.sent[-1].body.split()
    )


def test_a_hold_that_is_broken_off_goes_on() -> None:
    """A run that dies in any phase is taken up by the next pulse."""
    story = held(SourceKind.QUEUE)
    for call in ("limit_mapping", "switch_mapping"):
        story.scene.account.faults.fail(call, SimulatedCrash("died"))

    story.pass_minutes(30)

    assert story.scene.incident().is_shown


def test_a_person_who_enables_a_paused_mapping_has_released_it() -> None:
    """It is watched then, not fought."""
    story = held(SourceKind.QUEUE)
    for one in story.scene.account.by_uuid.values():
        one.enabled = True

    story.pass_minutes(1)

    assert story.scene.incident().state is IncidentState.RELEASED


def test_the_notice_names_the_latest_end_of_the_hold() -> None:
    """People know when to look again."""
    story = held()

    watch = story.scene.incident().watch
    assert watch is not None
    until = watch.held_at + watch.plan.longest
    assert NOON < until < NOON + timedelta(hours=1)
    assert f"{until:%H:%M}" in story.scene.account.publisher.sent[-1].body


def test_arrivals_that_are_late_are_no_callers_that_wait() -> None:
    """Each series is late by itself: of the spike's second minute only a part is published yet."""
    story = suspected()
    story.spike(3)
    story.record_arrivals([SPIKE, 100.0, None])

    story.scene.contributor()

    assert story.scene.incident().state is IncidentState.CAPPED


@pytest.mark.parametrize(
    ("kind", "hours"),
    [(SourceKind.ASYNCHRONOUS, 3), (SourceKind.QUEUE, 48), (SourceKind.TABLE, 12)],
)
def test_people_are_told_again_before_events_that_wait_are_given_up(
    kind: SourceKind, hours: int
) -> None:
    """Once, when half of the time is over: asynchronous 6 hours, a queue 4 days, a stream one."""
    story = suspected(kind)
    story.scene.contributor()
    story.pass_minutes(25)
    watch = story.scene.incident().watch
    assert watch is not None

    def told() -> int:
        return sum("STILL HELD, DECIDE: orders" in one for one in story.scene.subjects)

    story.scene.now = watch.held_at + timedelta(hours=hours, minutes=-2)
    story.pass_minutes(1)
    assert told() == 0
    story.pass_minutes(3)

    assert told() == 1
    assert story.scene.incident().is_shown


def test_what_is_let_go_is_written_down_first() -> None:
    """A run that comes late then knows that nobody wants the mapping disabled any more."""
    story = held(SourceKind.QUEUE)
    begun: list[StepStatus | None] = []

    def note() -> None:
        begun.extend(one.restored for one in story.scene.incident().stops)

    story.scene.account.faults.before("switch_mapping", note)

    story.pass_minutes(14)

    assert begun == [StepStatus.PLANNED]


def test_a_mapping_that_a_person_disables_during_the_trial_stays_disabled() -> None:
    """The guard had enabled it again by then: what is found disabled is not its own doing."""
    story = held(SourceKind.QUEUE)
    minutes = story.states(25).index("capped held again")
    story = held(SourceKind.QUEUE)
    story.pass_minutes(minutes)
    (mapping,) = story.scene.account.by_uuid.values()
    assert mapping.enabled
    mapping.enabled = False

    assert story.states(1) == ["capped held again"]
    story.scene.rollback("orders")

    assert story.scene.account.ledger.stored("orders") is None
    assert not mapping.enabled
    assert mapping.maximum_concurrency is None
