"""A drill's function is judged as in observe mode: everything up to the change, and none of it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from functions.contain import handler as module
from functions.contain.handler import handler
from functions.domain.errors import LedgerUnavailableError
from functions.domain.incidents.states import IncidentState
from functions.domain.requests.answer import (
    Answer,
    RehearsalAnswer,
    RejectedAnswer,
    Rejection,
    parse_answer,
)
from functions.domain.requests.drill import DRILL_TAG
from functions.domain.requests.request import RehearseRequest, build_event
from tests.fakes.resources import FakeFunction
from tests.functional.lambda_context import lambda_context
from tests.functional.scene import QUEUE, Scene

ID: Final = "0b3d1e9a52c44b7e"
NAME: Final = "loopbreaker-DRILL-3f9a1c-sqs"
TAGS: Final = {DRILL_TAG: "3f9a1c"}
PER_MINUTE: Final = 60.0


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A stage whose guard the handler takes."""
    scene = Scene()
    monkeypatch.setattr(module, "connect_orders", lambda: scene.orders)
    return scene


def _add(scene: Scene, name: str = NAME, tags: dict[str, str] | None = None) -> FakeFunction:
    """A function that runs at a rate far below the floor since some minutes."""
    function = scene.account.add(name, reserved=2, tags=TAGS if tags is None else tags)
    scene.account.add_mapping(name, QUEUE)
    scene.account.metrics.record(
        name,
        until=scene.now,
        invocations=[0.0] * 168 + [PER_MINUTE] * 12,
        concurrency=[0.0] * 168 + [1.0] * 12,
        throttles=[0.0] * 180,
        errors=[0.0] * 180,
        duration_ms=[900.0] * 180,
    )
    return function


def _rehearse(name: str = NAME, id_: str = ID) -> Answer:
    context: Any = lambda_context("Loopbreaker-contain")
    context._aws_request_id = id_
    answered = handler(build_event(RehearseRequest(id=id_, function=name)), context)
    return parse_answer(json.loads(json.dumps(answered)))


def test_it_decides_records_and_notifies_and_changes_nothing(scene: Scene) -> None:
    """In enforce mode; the subject says DRILL, and the incident is one of observe mode."""
    function = _add(scene)
    before = replace(function)

    answer = _rehearse()

    assert isinstance(answer, RehearsalAnswer), answer
    assert (answer.verdict, answer.decision) == ("suspected", "observe_mode")
    assert answer.is_sent
    (mail,) = scene.account.publisher.sent
    assert mail.subject == answer.subject
    assert "WOULD" in mail.subject
    assert "DRILL" in mail.subject
    incident = scene.incident(NAME)
    assert (incident.id, incident.state) == (answer.incident_id, IncidentState.NOTIFIED)
    assert function == before


def test_nothing_is_recorded_while_nothing_is_unusual(scene: Scene) -> None:
    """The drill asks again a little later."""
    _add(scene)
    scene.calm(NAME, 180)

    answer = _rehearse()

    assert isinstance(answer, RehearsalAnswer)
    assert (answer.verdict, answer.incident_id, answer.is_sent) == ("calm", "", False)
    assert scene.account.publisher.sent == []


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("orders", TAGS),
        ("orders", {}),
        (NAME, {}),
        (NAME, {DRILL_TAG: "another"}),
        ("loopbreaker-DRILL-orders", {DRILL_TAG: "orders"}),
    ],
)
def test_other_functions_are_refused(scene: Scene, name: str, tags: dict[str, str]) -> None:
    """Neither the tag nor the name alone makes a function one of a drill."""
    _add(scene, name, tags)

    answer = _rehearse(name)

    assert isinstance(answer, RejectedAnswer)
    assert answer.reason == Rejection.INVALID
    assert scene.account.publisher.sent == []


def test_the_tag_and_the_name_weaken_nothing(scene: Scene) -> None:
    """A runaway function that carries both is stopped as any other, also after a rehearsal."""
    function = _add(scene)
    assert isinstance(_rehearse(), RehearsalAnswer)
    scene.now += timedelta(minutes=1)
    scene.account.metrics.habit(NAME, 150.0)
    scene.burn(NAME)

    scene.contributor(NAME)

    assert function.reserved == 0
    assert scene.incident(NAME).state is IncidentState.CONTAINED


def test_the_incident_ends_when_the_function_is_calm(scene: Scene) -> None:
    """Nothing stays behind."""
    _add(scene)
    _rehearse()
    scene.now += timedelta(minutes=30)
    scene.calm(NAME, 180)

    for _ in range(5):  # one that is old is checked every few minutes
        scene.pulse()
        scene.calm(NAME, 1)

    assert scene.account.ledger.find(NAME) is None


def test_the_same_request_is_carried_out_once(scene: Scene) -> None:
    """Lambda may deliver it twice."""
    _add(scene)
    _rehearse()

    context: Any = lambda_context("Loopbreaker-contain")
    context._aws_request_id = "another-delivery"
    event = build_event(RehearseRequest(id=ID, function=NAME))
    again = parse_answer(handler(event, context))

    assert isinstance(again, RejectedAnswer)
    assert again.reason == Rejection.REPEATED
    assert len(scene.account.publisher.sent) == 1


def test_without_the_ledger_it_says_so(scene: Scene) -> None:
    """A drill proves that the ledger can be written."""
    _add(scene)
    scene.account.faults.fail("open", LedgerUnavailableError("AccessDeniedException"))

    answer = _rehearse()

    assert isinstance(answer, RejectedAnswer)
    assert answer.reason == Rejection.UNAVAILABLE
    assert "AccessDeniedException" in answer.text
