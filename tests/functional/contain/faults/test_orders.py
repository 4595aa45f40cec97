"""A person's order to stop a function, from the event to what becomes of the function."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from functions.contain import handler as module
from functions.contain.handler import handler
from functions.domain.detection.arrivals import SourceKind
from functions.domain.errors import BusyError, MetricsUnavailableError, RefusedError
from functions.domain.incidents.history import UNRECORDED_TROUBLE, began_at
from functions.domain.incidents.policy import EXEMPT_TAG, Mode, Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.seal import seal
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.requests.answer import (
    Answer,
    RejectedAnswer,
    Rejection,
    StopAnswer,
    parse_answer,
)
from functions.domain.requests.request import (
    DirectRequest,
    StatusRequest,
    StopRequest,
    build_event,
)
from tests.fakes.faults import SimulatedCrash
from tests.fakes.ledger import TAG_KEY
from tests.functional.contain.hold.held import held
from tests.functional.lambda_context import lambda_context
from tests.functional.scene import QUEUE, Scene

ID: Final = "0b3d1e9a52c44b7e"
ANNA: Final = "arn:aws:iam::123456789012:user/anna"
DENIED: Final = RefusedError("AccessDeniedException: explicit deny")
Order = Callable[..., StopAnswer]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A stage whose guard the handler takes."""
    return _set_up(Scene(), monkeypatch)


@pytest.fixture
def observing(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The same in observe mode, where a blast radius of 1 is used up by nothing."""
    policy = Policy(mode=Mode.OBSERVE, response=Response.THROTTLE, blast_radius=1)
    return _set_up(Scene(policy), monkeypatch)


def _set_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(module, "connect_orders", lambda: scene.orders)
    return scene


def _send(request: DirectRequest, invocation: str = "one") -> Answer:
    context: Any = lambda_context("Loopbreaker-contain")
    context._aws_request_id = invocation
    answered = handler(build_event(request), context)
    return parse_answer(json.loads(json.dumps(answered)))


def _order(name: str = "orders", id_: str = ID, invocation: str = "one") -> StopAnswer:
    answer = _send(StopRequest(id=id_, function=name, ordered_by=ANNA), invocation)
    assert isinstance(answer, StopAnswer), answer
    return answer


def test_a_calm_function_is_stopped_and_restored(scene: Scene) -> None:
    """Whatever the metrics show: snapshot, record, notice, and the way back of a containment."""
    function = scene.add_runaway(reserved=5, provisioned={"live": 2})
    scene.calm("orders")
    mapping = scene.account.add_mapping("orders", QUEUE)

    answer = _order()

    assert (answer.outcome, function.reserved, mapping.enabled) == ("stopped", 0, False)
    incident = scene.incident()
    assert incident.state is IncidentState.CONTAINED
    assert (incident.decided, incident.ordered_by, incident.prior) == ("ordered", ANNA, 5)
    assert answer.incident_id == incident.id
    (mail,) = scene.account.publisher.sent
    assert mail.subject.startswith("[Loopbreaker] STOPPED orders")
    assert "by order of anna" in mail.body.splitlines()[0]
    assert ANNA in mail.body
    scene.rollback("orders")
    assert (function.reserved, mapping.enabled) == (5, True)
    assert function.provisioned == {"live": 2}


def test_the_same_order_stops_once(scene: Scene) -> None:
    """One that is sent again after a person has restored the function stops nothing."""
    function = scene.account.add("orders", reserved=5)
    _order()
    scene.now += timedelta(minutes=5)
    scene.rollback("orders")

    again = _send(StopRequest(id=ID, function="orders"), "a client that sends it again")

    assert isinstance(again, RejectedAnswer)
    assert again.reason == Rejection.REPEATED
    assert function.reserved == 5


def test_a_second_order_finds_it_stopped(scene: Scene) -> None:
    """And the snapshot stays what it was."""
    scene.account.add("orders", reserved=5)
    _order()
    scene.now += timedelta(minutes=5)

    answer = _order(id_="another-order")

    assert answer.outcome == "already"
    assert answer.is_done
    assert "stopped already. Its reserved concurrency is 0 since" in answer.text
    assert scene.incident().prior == 5


def test_observe_mode_is_for_what_the_guard_decides(observing: Scene) -> None:
    """A person's order is carried out, is not withdrawn by a pulse, and may be restored."""
    function = observing.account.add("orders", reserved=5)
    mapping = observing.account.add_mapping("orders", QUEUE)
    observing.account.faults.fail("switch_mapping", BusyError("in use"))

    answer = _order()
    observing.pulse(3)

    assert answer.outcome == "stopped"
    assert (function.reserved, mapping.enabled) == (0, False)
    assert observing.incident().state is IncidentState.CONTAINED
    observing.rollback("orders")
    assert (function.reserved, mapping.enabled) == (5, True)


def test_an_order_in_observe_mode_is_finished_after_a_crash(observing: Scene) -> None:
    """The pulse goes on with what the order began."""
    function = observing.account.add("orders", reserved=5)
    observing.account.faults.before("reserve", lambda: _die(observing))
    with suppress(SimulatedCrash):
        _order()
    observing.account.faults.revive()
    assert function.reserved == 5

    observing.pulse(4)

    assert function.reserved == 0
    assert observing.incident().state is IncidentState.CONTAINED


def _die(scene: Scene) -> None:
    scene.account.faults.is_dead = True
    raise SimulatedCrash


def test_a_function_that_was_only_reported_is_stopped(observing: Scene) -> None:
    """The mail of observe mode leads a person to the order."""
    function = observing.add_runaway(reserved=5)
    observing.contributor()
    assert observing.incident().state is IncidentState.NOTIFIED

    answer = _order()

    assert (answer.outcome, function.reserved) == ("stopped", 0)
    assert observing.incident().decided == "ordered"


def test_the_blast_radius_does_not_limit_a_person(scene: Scene) -> None:
    """It bounds what the guard does by itself, and counts what a person has stopped."""
    scene.policy = replace(scene.policy, blast_radius=1)
    for name in ("a", "b", "c"):
        scene.account.add(name)

    answers = [_order(name, f"order-of-{name}") for name in ("a", "b", "c")]

    assert [one.outcome for one in answers] == ["stopped"] * 3
    scene.add_runaway()
    scene.contributor()
    assert scene.account.by_name["orders"].reserved is None


@pytest.mark.parametrize(
    ("protect", "words"),
    [
        ({"tags": {EXEMPT_TAG: "true"}}, "IAM denies"),
        ({"flag": True}, "the deployment of Loopbreaker exempts it"),
    ],
)
def test_what_is_exempt_stays_exempt(protect: dict[str, Any], words: str, scene: Scene) -> None:
    """The answer says why, and how a person goes on."""
    if protect.get("flag"):
        scene.policy = replace(scene.policy, exempt=frozenset({"orders"}))
    function = scene.account.add("orders", reserved=5, tags=protect.get("tags", {}))

    answer = _order()

    assert (answer.outcome, function.reserved) == ("refused", 5)
    assert words in answer.text
    assert "put-function-concurrency --function-name orders" in answer.commands[-1]
    assert ("untag-resource" in answer.commands[0]) == ("tags" in protect)
    assert scene.account.ledger.stored("orders") is None


def test_the_guard_does_not_stop_itself(scene: Scene) -> None:
    """And names no command for it."""
    scene.account.add("Loopbreaker-restore")

    answer = _order("Loopbreaker-restore")

    assert (answer.outcome, answer.commands) == ("refused", ())
    assert scene.account.by_name["Loopbreaker-restore"].reserved is None


def test_an_unknown_function(scene: Scene) -> None:
    """It is said, and nothing is written."""
    assert _order("nobody").outcome == "unknown"
    assert scene.account.publisher.sent == []


def test_a_function_that_cannot_run_already_is_left_alone(scene: Scene) -> None:
    """A restore would bring back what people have never had."""
    scene.account.add("orders", reserved=0)

    answer = _order()

    assert answer.outcome == "already"
    assert "Loopbreaker will not put it back" in answer.text
    assert scene.account.ledger.stored("orders") is None


def test_metrics_that_cannot_be_read_stop_no_order(scene: Scene) -> None:
    """The notice then says nothing of how fast it runs."""
    function = scene.account.add("orders")
    scene.account.faults.fail("recent", MetricsUnavailableError("throttled"), times=-1)

    assert _order().outcome == "stopped"
    assert function.reserved == 0


def test_a_refusal_of_aws_is_answered_with_its_words(scene: Scene) -> None:
    """People are told as well, and the command by hand is at hand."""
    function = scene.account.add("orders", reserved=5)
    scene.account.faults.fail("reserve", DENIED, times=-1)

    answer = _order()

    assert (answer.outcome, function.reserved) == ("refused", 5)
    assert "explicit deny" in answer.text
    assert answer.commands
    assert "COULD NOT STOP" in scene.subjects[0]
    scene.calm("orders", 180)
    scene.pulse(15)
    assert scene.account.ledger.stored("orders") is None
    assert len(scene.subjects) == 1  # that it is calm is no news


def test_a_busy_aws_is_gone_on_with(scene: Scene) -> None:
    """The order is written down: the next pulse carries it out."""
    function = scene.account.add("orders", reserved=5)
    scene.account.faults.fail("reserve", BusyError("TooManyRequestsException"))

    answer = _order()
    assert answer.outcome == "under_way"
    assert not answer.is_done
    scene.pulse(2)

    assert function.reserved == 0
    assert scene.incident().decided == "ordered"


@pytest.mark.thorough
@pytest.mark.parametrize("call", range(1, 22))
def test_an_order_survives_a_crash_after_any_call(call: int, scene: Scene) -> None:
    """Lambda's retry, or the next pulses, stop the function; a restore brings back what was."""
    function = scene.account.add("orders", reserved=5)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.faults.crash_after(call)
    with suppress(SimulatedCrash):
        _order()
    scene.account.faults.revive()
    scene.now += timedelta(minutes=2)
    with suppress(AssertionError):  # it was carried out to its end before
        _order()
    scene.pulse(3)

    assert (function.reserved, mapping.enabled) == (0, False)
    assert scene.incident().state is IncidentState.CONTAINED
    scene.rollback("orders")
    assert (function.reserved, mapping.enabled) == (5, True)


def test_without_the_ledger_it_is_stopped_by_its_tag(scene: Scene) -> None:
    """As a runaway function is; the ledger takes it over later."""
    function = scene.account.add("orders", reserved=5)
    scene.account.ledger.is_down = True

    answer = _order()

    assert (answer.outcome, function.reserved) == ("stopped", 0)
    assert "ledger cannot be reached" in answer.text
    scene.account.ledger.is_down = False
    scene.pulse(3)
    assert scene.incident().prior == 5
    scene.rollback("orders")
    assert function.reserved == 5


def test_what_only_the_tag_knows_comes_back_after_a_person_took_the_reservation_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The restore removes the tag, so what the stop had taken away has to be back by then."""
    story = held(SourceKind.QUEUE, reserved=20, provisioned={"live": 5})
    scene = _set_up(story.scene, monkeypatch)
    scene.account.ledger.is_down = True
    assert _order().outcome == "stopped"
    assert story.function.provisioned == {}
    scene.account.ledger.is_down = False
    scene.account.reserves("orders", None)
    scene.now += timedelta(seconds=50)
    _order(id_="1c3d1e9a52c44b7e", invocation="two")

    scene.rollback("orders")

    assert story.function.provisioned == {"live": 5}
    assert not any(key.startswith(SNAPSHOT_TAG) for key in story.function.tags)


def test_without_the_ledger_observe_mode_refuses(observing: Scene) -> None:
    """The tag does not hold the order: the guard would put the function back."""
    function = observing.account.add("orders", reserved=5)
    observing.account.ledger.is_down = True

    answer = _order()

    assert (answer.outcome, function.reserved) == ("refused", 5)
    assert answer.commands


def test_a_released_function_is_stopped_again(scene: Scene) -> None:
    """What people have set since is what comes back."""
    function = scene.add_runaway(reserved=5)
    scene.contributor()
    scene.account.reserves("orders", 30)
    scene.calm("orders")
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED

    answer = _order()

    assert (answer.outcome, function.reserved) == ("stopped", 0)
    scene.rollback("orders")
    assert function.reserved == 30


def test_a_function_that_was_restored_a_minute_ago_is_stopped_again(scene: Scene) -> None:
    """What it did before the restore keeps the guard off, and no person."""
    function = scene.add_runaway(reserved=5)
    scene.contributor()
    scene.rollback("orders")
    scene.now += timedelta(minutes=1)

    answer = _order()

    assert (answer.outcome, function.reserved) == ("stopped", 0)
    assert scene.incident().prior == 5


def test_a_restore_between_two_looks_is_looked_at_again(scene: Scene) -> None:
    """What the guard had reserved is never taken for what was there before."""
    function = scene.account.add("orders", reserved=5)
    _order(id_="the-first-order")
    scene.now += timedelta(minutes=5)
    scene.account.faults.revive()
    scene.account.faults.before("describe", lambda: scene.rollback("orders"))

    answer = _order()

    assert (answer.outcome, function.reserved) == ("stopped", 0)
    assert scene.incident().prior == 5


def test_a_release_that_nobody_has_noticed_yet(scene: Scene) -> None:
    """The record says that it is stopped, and it runs: it is stopped again."""
    function = scene.add_runaway(reserved=5)
    scene.contributor()
    scene.account.reserves("orders", 30)
    scene.now += timedelta(seconds=20)

    answer = _order()

    assert (answer.outcome, function.reserved) == ("stopped", 0)
    scene.rollback("orders")
    assert function.reserved == 30


def test_a_function_that_another_run_works_on_is_waited_for(scene: Scene) -> None:
    """As long as a person waits; then the answer says so."""
    scene.add_runaway(reserved=5)
    scene.contributor()
    incident = scene.incident()
    scene.account.ledger.save(replace(incident, lease_until=scene.now + timedelta(minutes=5)))

    answer = _order()

    assert answer.outcome == "refused"
    assert "another run" in answer.text
    assert 15 <= scene.slept <= 25


def test_an_arn_of_another_region_is_rejected(scene: Scene) -> None:
    """Its name alone may be that of a function here."""
    function = scene.account.add("orders")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders"

    answer = _send(StopRequest(id=ID, function=arn))

    assert isinstance(answer, RejectedAnswer)
    assert answer.reason == Rejection.INVALID
    assert function.reserved is None


def test_other_requests_are_for_another_function(scene: Scene) -> None:
    """`contain` answers that, and does not raise."""
    answer = _send(StatusRequest())

    assert isinstance(answer, RejectedAnswer)
    assert "restore" in answer.text


@pytest.mark.parametrize("how", ["a person", "a run without the ledger"])
def test_a_held_function_that_others_have_stopped_is_left_alone(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 0 that the record of the hold does not know is not taken for what the hold found."""
    scene = _set_up(held().scene, monkeypatch)
    orders = scene.account.by_name["orders"]
    scene.account.reserves("orders", 0)
    if how != "a person":
        tags = TaggedSnapshot(reserved_concurrency=40, at=scene.now).to_tags()
        orders.tags |= seal(tags, orders.arn, TAG_KEY)

    answer = _order()

    assert answer.outcome == "already"
    assert scene.incident().state is IncidentState.CAPPED
    assert orders.reserved == 0


def test_what_was_before_an_order_holds_nothing_after_the_restore(scene: Scene) -> None:
    """The metrics of a spike come late; a person knew of it, and has put the function back."""
    function = scene.add_runaway(reserved=5)
    scene.calm("orders")
    _order()
    scene.rollback("orders")
    assert function.reserved == 5

    incident = scene.account.ledger.filed("orders")[0]
    assert began_at(incident) == incident.opened_at - UNRECORDED_TROUBLE
