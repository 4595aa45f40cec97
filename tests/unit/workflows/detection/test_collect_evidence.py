import threading
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from functions.domain.errors import BusyError
from functions.workflows.detection.collect_evidence import BATCH, EvidenceCollector, run_together
from tests.fakes.account import FakeAccount

NOON = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)


def gathering(account: FakeAccount) -> EvidenceCollector:
    """Evidence of the fake account."""
    return EvidenceCollector(
        functions=account.functions, metrics=account.metrics, account_concurrency=1000
    )


def account_of(*names: str) -> FakeAccount:
    """An account with some active functions."""
    account = FakeAccount()
    for name in names:
        account.add(name, reserved=7)
        account.metrics.record(name, until=NOON, invocations=[1.0])
    return account


def test_answers_come_in_the_order_of_the_calls() -> None:
    """Which call ends first does not matter."""
    last_ran = threading.Event()

    answers = run_together(lambda: last_ran.wait(5), lambda: "b", last_ran.set)

    assert answers == (True, "b", None)


def fail() -> NoReturn:
    """Fail as an adapter does."""
    raise BusyError("Rate exceeded")


@pytest.mark.parametrize("calls", [(fail, int), (int, fail), (fail,)])
def test_an_error_of_any_call_surfaces_when_all_have_ended(calls: tuple[type[int], ...]) -> None:
    """No call is still under way when the error is dealt with."""
    with pytest.raises(BusyError, match="Rate exceeded"):
        run_together(*calls)


def test_a_single_function_comes_with_its_configuration() -> None:
    """One wait less on the way to stopping the only candidate."""
    (evidence,) = gathering(account_of("orders")).collect(("orders",), NOON)

    assert evidence.facts is not None
    assert evidence.facts.reserved_concurrency == 7


def test_several_functions_come_without_configurations() -> None:
    """A configuration is read when its function's turn comes, so that the snapshot is fresh."""
    found = gathering(account_of("a", "b")).collect(("a", "b"), NOON)

    assert [(one.function, one.facts) for one in found] == [("a", None), ("b", None)]


def test_a_configuration_that_cannot_be_read_early_is_left_for_later() -> None:
    """The evidence is there all the same: whoever needs the configuration asks again."""
    account = account_of("orders")
    account.faults.fail("describe", BusyError("Rate exceeded"), times=1)

    (evidence,) = gathering(account).collect(("orders",), NOON)

    assert evidence.facts is None


def test_the_next_batch_is_asked_for_when_the_one_before_was_dealt_with() -> None:
    """The busiest functions come first, and do not wait for the history of all others."""
    names = tuple(f"orders-{number}" for number in range(BATCH + 1))
    account = account_of(*names)
    found = gathering(account).collect(names, NOON)

    first = next(found)
    asked_first = [one.arguments["functions"] for one in account.calls("recent")]
    rest = list(found)

    assert asked_first == [names[:BATCH]]
    assert [first.function, *(one.function for one in rest)] == list(names)
