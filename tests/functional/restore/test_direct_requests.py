"""What people ask `restore` for directly: status, history and restores, as its handler answers."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from functions.domain.errors import BusyError, RefusedError
from functions.domain.incidents.states import IncidentState
from functions.domain.requests.answer import (
    Answer,
    HistoryAnswer,
    RejectedAnswer,
    Rejection,
    RestoreAnswer,
    StatusAnswer,
    parse_answer,
)
from functions.domain.requests.request import (
    DirectRequest,
    HistoryRequest,
    RestoreRequest,
    StatusRequest,
    StopRequest,
    build_event,
)
from functions.restore import handler as module
from functions.restore.handler import handler
from tests.fakes.faults import SimulatedCrash
from tests.functional.lambda_context import lambda_context
from tests.functional.page import FakePageParts
from tests.functional.scene import QUEUE, Scene

ID: Final = "0b3d1e9a52c44b7e"
OTHER_ID: Final = "7f2a4c118e0d4a52"
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
BUSY: Final = BusyError("ResourceInUseException: the mapping is in use")
Ask = Callable[..., Answer]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A stage whose rollbacks the handler takes."""
    staged = Scene()
    monkeypatch.setattr(module, "connect", lambda: staged.rollbacks)
    monkeypatch.setattr(module, "connect_page", lambda: FakePageParts(staged).reader)
    return staged


@pytest.fixture
def ask(scene: Scene) -> Ask:
    """Invokes the handler with a request, and reads its answer as a client does."""

    def asked(request: DirectRequest, invocation: str = "one", seconds: float = 900) -> Answer:
        context: Any = lambda_context("Loopbreaker-restore")
        context._aws_request_id = invocation
        context.get_remaining_time_in_millis = lambda: int(seconds * 1000)
        answered = handler(build_event(request), context)
        return parse_answer(json.loads(json.dumps(answered)))

    return asked


def _contain(scene: Scene, *names: str, reserved: int | None = 5) -> None:
    for name in names:
        scene.add_runaway(name, reserved=reserved)
        scene.contributor(name)
        assert scene.account.by_name[name].reserved == 0


def _closed(scene: Scene) -> list[IncidentState]:
    assert scene.account.ledger.stored("orders") is None
    return [one.state for one in scene.account.ledger.read_closed("orders", LONG_AGO)]


def _results(answer: Answer) -> dict[str, str]:
    assert isinstance(answer, RestoreAnswer)
    return {one.function: one.outcome for one in answer.results}


def test_a_request_restores_as_the_flag_does(scene: Scene, ask: Ask) -> None:
    """The reservation and the mapping come back, the incident is closed, people are notified."""
    scene.add_runaway(reserved=5)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()

    answer = ask(RestoreRequest(id=ID, functions=("orders",)))

    assert _results(answer) == {"orders": "restored"}
    assert scene.account.by_name["orders"].reserved == 5
    assert mapping.enabled
    assert _closed(scene) == [IncidentState.RESTORED]
    assert sum("RESTORED" in one for one in scene.subjects) == 1


def test_the_same_request_restores_once(scene: Scene, ask: Ask) -> None:
    """One that is sent again after the function ran away again must not release it."""
    _contain(scene, "orders")
    request = RestoreRequest(id=ID, functions=("orders",))
    ask(request)
    scene.now += timedelta(hours=8)
    scene.burn()
    scene.contributor()

    again = ask(request, "a client that sends it again")

    assert isinstance(again, RejectedAnswer)
    assert again.reason == Rejection.REPEATED
    assert scene.account.by_name["orders"].reserved == 0
    assert _results(ask(RestoreRequest(id=OTHER_ID, functions=("orders",)))) == {
        "orders": "restored"
    }


def test_a_request_that_is_being_carried_out_is_not_begun_twice(scene: Scene, ask: Ask) -> None:
    """A client that has lost the connection may send it again at once."""
    _contain(scene, "orders")
    scene.account.ledger.claim_request(f"restore {ID}", "the first invocation", scene.now)

    answer = ask(RestoreRequest(id=ID, functions=("orders",)), "the second")

    assert isinstance(answer, RejectedAnswer)
    assert answer.reason == Rejection.UNDER_WAY
    assert scene.account.by_name["orders"].reserved == 0


@pytest.mark.parametrize("call", range(1, 12))
def test_a_run_that_died_is_gone_on_with(call: int, scene: Scene, ask: Ask) -> None:
    """Lambda tries an asynchronous invocation again under its former id."""
    _contain(scene, "orders")
    request = RestoreRequest(id=ID, functions=("orders",))
    scene.account.faults.revive()
    scene.account.faults.crash_after(call)
    with suppress(SimulatedCrash):
        ask(request)
    scene.account.faults.revive()
    scene.now += timedelta(minutes=4)

    again = ask(request)
    scene.pulse(3)  # a mail that may have been sent is sent once more

    assert isinstance(again, RestoreAnswer | RejectedAnswer)
    assert scene.account.by_name["orders"].reserved == 5
    assert _closed(scene) == [IncidentState.RESTORED]
    assert sum("RESTORED" in one for one in scene.subjects) >= 1


def test_a_refusal_names_the_function_and_may_be_asked_again(scene: Scene, ask: Ask) -> None:
    """The others are restored; the same request is carried out again."""
    _contain(scene, "a", "b")
    scene.account.faults.fail("reserve", RefusedError("AccessDenied: explicit deny"), function="a")
    request = RestoreRequest(id=ID, functions=("a", "b"))

    first = ask(request)
    scene.account.faults.clear()
    second = ask(request, "again")

    assert _results(first) == {"a": "refused", "b": "restored"}
    assert isinstance(first, RestoreAnswer)
    assert "explicit deny" in first.results[0].text
    assert _results(second) == {"a": "restored", "b": "not_held"}


def test_an_unknown_function_and_one_that_is_not_held(scene: Scene, ask: Ask) -> None:
    """Each is said of its function; the third is restored all the same."""
    _contain(scene, "orders")
    scene.account.add("calm", reserved=3)

    answer = ask(RestoreRequest(id=ID, functions=("nobody", "calm", "orders")))

    assert _results(answer) == {"nobody": "unknown", "calm": "not_held", "orders": "restored"}
    assert isinstance(answer, RestoreAnswer)
    assert "holds now: orders" in answer.results[0].text or "none" in answer.results[0].text
    assert scene.account.by_name["calm"].reserved == 3


def test_all_that_is_held_is_restored(scene: Scene, ask: Ask) -> None:
    """And nothing is an answer as well."""
    _contain(scene, "a", "b")

    assert _results(ask(RestoreRequest(id=ID, is_for_all=True))) == {
        "a": "restored",
        "b": "restored",
    }
    assert _results(ask(RestoreRequest(id=OTHER_ID, is_for_all=True))) == {}


def test_a_function_that_is_called_all_is_one_function(scene: Scene, ask: Ask) -> None:
    """The word for all of them is another field."""
    _contain(scene, "all", "b")

    answer = ask(RestoreRequest(id=ID, functions=("all",)))

    assert _results(answer) == {"all": "restored"}
    assert scene.account.by_name["b"].reserved == 0


def test_what_there_is_no_time_for_is_said(scene: Scene, ask: Ask) -> None:
    """A request for many functions ends before the time-out, with what was done."""
    _contain(scene, "a", "b", "c")

    answer = ask(RestoreRequest(id=ID, functions=("a", "b", "c")), seconds=5)

    assert _results(answer) == {"a": "restored", "b": "refused", "c": "refused"}
    assert isinstance(answer, RestoreAnswer)
    assert "no time left; restore it again" in answer.results[1].text


def test_a_person_does_not_wait_for_a_slow_mapping_for_long(scene: Scene, ask: Ask) -> None:
    """The function runs again at once; a pulse enables the mapping."""
    scene.add_runaway(reserved=5)
    scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    scene.account.faults.fail("switch_mapping", BUSY, times=-1)

    answer = ask(RestoreRequest(id=ID, functions=("orders",)))

    assert _results(answer) == {"orders": "pending"}
    assert scene.account.by_name["orders"].reserved == 5
    assert 30 < scene.slept <= 65


def test_an_arn_of_another_account_is_rejected(scene: Scene, ask: Ask) -> None:
    """Its name alone may be that of a function here, which must stay contained."""
    _contain(scene, "orders")
    arn = "arn:aws:lambda:us-east-1:999999999999:function:orders"

    answer = ask(RestoreRequest(id=ID, functions=(arn,)))

    assert isinstance(answer, RejectedAnswer)
    assert answer.reason == Rejection.INVALID
    assert "999999999999" in answer.text
    assert scene.account.by_name["orders"].reserved == 0


def test_an_order_to_stop_is_for_another_function(scene: Scene, ask: Ask) -> None:
    """`restore` must never throttle anything."""
    scene.account.add("orders")

    answer = ask(StopRequest(id=ID, function="orders"))

    assert isinstance(answer, RejectedAnswer)
    assert "contain" in answer.text
    assert scene.account.journal == []


def test_a_ledger_that_is_away_is_said(scene: Scene, ask: Ask) -> None:
    """Nothing is raised: the same may succeed later."""
    scene.account.ledger.is_down = True

    for request in (StatusRequest(), HistoryRequest(), RestoreRequest(id=ID, is_for_all=True)):
        answer = ask(request)
        assert isinstance(answer, RejectedAnswer)
        assert answer.reason == Rejection.UNAVAILABLE


def test_a_malformed_request_is_answered(scene: Scene) -> None:
    """Raised, Lambda would send an asynchronous one again."""
    context = lambda_context("Loopbreaker-restore")

    answered = handler({"loopbreaker": {"version": 9}}, context)

    answer = parse_answer(answered)
    assert isinstance(answer, RejectedAnswer)
    assert answer.reason == Rejection.INVALID


def test_the_status_shows_what_is_held_and_what_was_reported(scene: Scene, ask: Ask) -> None:
    """An exempt function that runs away is reported, and nothing else of it is changed."""
    _contain(scene, "orders")
    scene.add_runaway("exempt", tags={"loopbreaker:exempt": "true"})
    scene.contributor("exempt")

    answer = ask(StatusRequest())

    assert isinstance(answer, StatusAnswer)
    assert {one.function: (one.standing, one.is_held) for one in answer.open} == {
        "exempt": ("reported, not stopped", False),
        "orders": ("stopped", True),
    }
    assert answer.next_after == ""


def test_the_status_has_pages(scene: Scene, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is larger than Lambda sends."""
    monkeypatch.setattr("functions.workflows.requests.read_status.MOST_ENTRIES", 2)
    _contain(scene, "a", "b", "c")

    first = ask(StatusRequest())
    assert isinstance(first, StatusAnswer)
    second = ask(StatusRequest(after=first.next_after))

    assert isinstance(second, StatusAnswer)
    assert [one.function for one in (*first.open, *second.open)] == ["a", "b", "c"]
    assert second.next_after == ""


def test_a_stop_that_only_a_tag_knows_is_in_the_status(scene: Scene, ask: Ask) -> None:
    """It was done while the ledger was away, and is not taken over yet."""
    scene.add_runaway(reserved=5)
    scene.account.ledger.is_down = True
    scene.survives(scene.contributor)
    scene.account.ledger.is_down = False

    answer = ask(StatusRequest())

    assert isinstance(answer, StatusAnswer)
    assert answer.tagged == ("orders",)


def test_the_history_is_newest_first(scene: Scene, ask: Ask) -> None:
    """Of all functions, or of those that are named, within the bounds."""
    for name in ("a", "b", "a"):
        scene.now += timedelta(hours=8)
        if name in scene.account.by_name:
            scene.burn(name)
        else:
            scene.add_runaway(name, reserved=5)
        scene.contributor(name)
        scene.rollback(name)
    _contain(scene, "open")

    every = ask(HistoryRequest())
    of_one = ask(HistoryRequest(functions=("b",)))
    newest = ask(HistoryRequest(limit=1))
    assert isinstance(every, HistoryAnswer)
    older = ask(HistoryRequest(before=every.ended[0].ended_at))
    later = ask(HistoryRequest(since=every.ended[1].ended_at + timedelta(seconds=1)))

    assert [one.function for one in every.ended] == ["a", "b", "a"]
    assert {one.ending for one in every.ended} == {"restored"}
    assert not every.has_more
    assert isinstance(of_one, HistoryAnswer)
    assert [one.function for one in of_one.ended] == ["b"]
    assert isinstance(newest, HistoryAnswer)
    assert (newest.ended, newest.has_more) == (every.ended[:1], True)
    assert isinstance(older, HistoryAnswer)
    assert older.ended == every.ended[1:]
    assert isinstance(later, HistoryAnswer)
    assert later.ended == every.ended[:1]


def test_the_history_of_all_functions_goes_back_ninety_days(scene: Scene, ask: Ask) -> None:
    """Also where the function was in no trouble since, and is not named."""
    _contain(scene, "orders")
    ask(RestoreRequest(id=ID, functions=("orders",)))
    scene.pulse(3)
    scene.now += timedelta(days=80)

    found = ask(HistoryRequest())

    assert isinstance(found, HistoryAnswer)
    assert [one.function for one in found.ended] == ["orders"]
    assert found.known_since == scene.now - timedelta(days=90)
    scene.now += timedelta(days=11)
    later = ask(HistoryRequest())
    assert isinstance(later, HistoryAnswer)
    assert later.ended == ()
