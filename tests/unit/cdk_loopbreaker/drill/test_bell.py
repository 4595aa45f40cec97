"""The bell: what is seen of an alarm without a cause, and that it is put back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from cdk_loopbreaker.drill.aws.guard import GuardLog
from cdk_loopbreaker.drill.bell import ring
from cdk_loopbreaker.drill.errors import DrillError
from cdk_loopbreaker.drill.model import Names
from cdk_loopbreaker.drill.stage import Stage
from tests.unit.cdk_loopbreaker.drill.samples import NOON
from tests.unit.cdk_loopbreaker.operating.guard import FakeLambda, contain, make_client

if TYPE_CHECKING:
    from datetime import datetime

    from cdk_loopbreaker.drill.aws.clients import Clients
    from cdk_loopbreaker.drill.aws.guard import DeployedGuard
    from cdk_loopbreaker.drill.model import Check

ALARM: Final = "Loopbreaker-signal-invocations"
OTHER: Final = "Loopbreaker-signal-dropped"


class Account:
    """CloudWatch and its logs, with a guard that runs some seconds after the alarm."""

    region = "eu-west-1"

    def __init__(self) -> None:
        self.alarms = {OTHER: "OK", ALARM: "OK"}
        self.now = NOON
        self.runs_after: float | None = 6.0
        self.guard = FakeLambda()
        self.rung_at: datetime | None = None
        self.lines: list[dict[str, Any]] = []
        self.holds_without_decision = False

    def __call__(self, _service: str) -> Account:
        """The client of a service: all of them in one."""
        return self

    def describe_alarms(self, AlarmNamePrefix: str) -> Any:  # noqa: N803
        """The alarms of the guard."""
        assert AlarmNamePrefix == "Loopbreaker-signal-"
        return {
            "MetricAlarms": [
                {"AlarmName": name, "StateValue": state} for name, state in self.alarms.items()
            ]
        }

    def set_alarm_state(self, **request: str) -> None:
        """Set an alarm."""
        self.alarms[request["AlarmName"]] = request["StateValue"]
        if request["StateValue"] == "ALARM":
            self.rung_at = self.now
            if self.holds_without_decision:
                contain(self.guard.scene, "orders")

    def filter_log_events(self, **request: Any) -> Any:
        """What the guard logged of the alarm."""
        took = None if self.rung_at is None else (self.now - self.rung_at).total_seconds()
        if took is None or self.runs_after is None or took < self.runs_after:
            return {"events": []}
        own = {
            "message": "survey",
            "function_request_id": "run",
            "signal_source": ALARM,
            "functions": 12,
            "candidates": 0,
        }
        lines = [own, *self.lines] if ALARM in request["filterPattern"] else []
        return {
            "events": [
                {"eventId": str(number), "timestamp": 0, "message": json.dumps(one)}
                for number, one in enumerate(lines)
            ]
        }

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def account() -> Account:
    """A quiet account."""
    return Account()


def play(account: Account) -> dict[str, Check]:
    """Ring, and the checks by their titles."""

    class Time:
        def now(self) -> datetime:
            return account.now

        def sleep(self, seconds: float) -> None:
            account.sleep(seconds)

    clients = cast("Clients", account)
    stage = Stage(
        clients=clients,
        guard=cast("DeployedGuard", None),
        client=make_client(account.guard),
        log=GuardLog(clients, 0),
        clock=Time(),
        names=Names(id="3f9a1c"),
        say=lambda _: None,
    )
    return {one.title: one for one in ring(stage).checks}


def test_the_guard_runs_and_changes_nothing(account: Account) -> None:
    """The alarm is back afterwards."""
    checks = play(account)

    assert all(one.is_passed for one in checks.values()), checks
    assert "6 s after" in checks["The alarm invokes the guard"].text
    assert "12 active functions" in checks["The guard reads the metrics of the functions"].text
    assert account.alarms == {OTHER: "OK", ALARM: "OK"}


def test_an_alarm_that_invokes_nobody_is_a_failure(account: Account) -> None:
    """And is put back all the same."""
    account.runs_after = None

    checks = play(account)

    assert checks["The alarm invokes the guard"].is_passed is False
    assert account.alarms[ALARM] == "OK"


def test_what_is_held_without_a_decision_is_a_failure(account: Account) -> None:
    """An alarm alone must change nothing."""
    account.holds_without_decision = True

    check = play(account)["An alarm alone changes nothing"]

    assert check.is_passed is False
    assert "orders" in check.text


def test_what_is_held_for_its_own_metrics_is_named(account: Account) -> None:
    """It would have been held without the bell as well."""
    account.holds_without_decision = True
    account.lines = [
        {
            "message": "decided",
            "function_request_id": "run",
            "decision": "Contain",
            "function": "orders",
        }
    ]

    check = play(account)["An alarm alone changes nothing"]

    assert check.is_passed is True
    assert "for their own metrics, not for the alarm: orders" in check.text


def test_an_alarm_that_is_quiet_is_chosen(account: Account) -> None:
    """One in ALARM does not change its state."""
    account.alarms[ALARM] = "ALARM"

    play(account)

    assert account.alarms == {OTHER: "OK", ALARM: "ALARM"}


@pytest.mark.parametrize(
    ("alarms", "words"),
    [({ALARM: "ALARM", OTHER: "ALARM"}, "in ALARM already"), ({}, "are gone: deploy it again")],
)
def test_without_a_quiet_alarm_there_is_no_bell(
    account: Account, alarms: dict[str, str], words: str
) -> None:
    """In one line."""
    account.alarms = alarms

    with pytest.raises(DrillError, match=words):
        play(account)
