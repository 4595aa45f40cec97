"""The command line against the deployed guard, with the least rights that the page names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.incidents.policy import EXEMPT_TAG
from functions.domain.incidents.states import IncidentState
from stacks.names import CONTAIN, RESTORE
from tests.e2e.people import allow_invoking, make_role, run, take_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account

pytestmark = pytest.mark.e2e

# `restore` asks the real clock, the pulse lives by the sandbox's: see test_rollback.
SPEED = 15.0


@pytest.fixture
def as_role(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets the commands run under a role, as a person's shell would."""

    def take(role: str) -> None:
        for name, value in take_role(aws, role).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)

    return take


@pytest.fixture
def operator(account: Account, as_role: Callable[[str], None]) -> None:
    """A person who may invoke the two functions, and nothing else."""
    make_role(account.aws, "operator", [allow_invoking(RESTORE, CONTAIN)])
    make_role(account.aws, "stranger")
    as_role("operator")
    account.until(lambda: run("status").exit_code == 0, "the rights of the operator")


def read(*words: str) -> dict[str, Any]:
    """Run a command, and read its JSON."""
    result = run(*words, "--json")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.function("by-order", reserved=7)
@pytest.mark.function("exempt-from-orders", tags={EXEMPT_TAG: "true"})
def test_a_person_stops_lists_and_restores(
    account: Account, names: list[str], operator: None, as_role: Callable[[str], None]
) -> None:
    """With lambda:InvokeFunction on two functions; a calm function is stopped, an exempt is not."""
    name, exempt = names
    before = account.settings(name)
    assert read("status")["open"] == []

    stopped = run("stop", name)

    assert stopped.exit_code == 0, stopped.output
    assert account.reserved(name) == 0
    mail = account.mail("STOPPED", name)
    assert "assumed-role/operator/anna" in mail.body
    account.let_pulses_pass()
    assert account.state(name) is IncidentState.CONTAINED
    (held,) = read("status")["open"]
    assert (held["function"], held["reason"], held["is_held"]) == (name, "ordered", True)
    assert run("status", "--exit-code").exit_code == 1

    refused = run("stop", exempt)

    assert refused.exit_code == 1
    assert EXEMPT_TAG in refused.stdout
    assert account.reserved(exempt) is None

    restored = run("restore", name, "--yes")

    assert restored.exit_code == 0, restored.output
    account.until_settings(name, before)
    account.until(lambda: bool(read("history")["ended"]), "the incident is filed away")
    (ended,) = read("history", name)["ended"]
    assert (ended["function"], ended["ending"]) == (name, "restored")
    assert run("restore", "no-such-function", "--yes").exit_code == 1

    as_role("stranger")
    denied = run("status")

    assert (denied.exit_code, denied.stdout) == (2, "")
    assert "lambda:InvokeFunction on Loopbreaker-restore" in denied.stderr
