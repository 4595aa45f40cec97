"""Whether a function loops is told from what does not end, not from what was left over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest

from sandbox.local_aws import SandboxTimeoutError
from sandbox.scenarios import loops

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws


@dataclass
class _Account:
    """An account in which events of a runaway come back for a while, or for ever."""

    left_over: float
    ran: int = 0
    handled: set[str] = field(default_factory=set)
    late: dict[int, int] = field(default_factory=dict)
    seconds: int = 0
    speed: ClassVar = 10.0

    def counts(self) -> dict[str, int]:
        return {"work": self.ran}

    @property
    def clock(self) -> _Account:
        return self

    def timestamp(self) -> float:
        return self.seconds * self.speed

    def work(self) -> None:
        """Let a second pass, in which some of what is left over comes back."""
        self.seconds += 1
        self.ran += self.late.pop(self.seconds, 0)
        some = min(self.left_over, 20.0)
        self.left_over -= some
        self.ran += int(some)

    def wait_until_within(self, minutes: float, is_so: Callable[[], bool], what: str) -> bool:
        self.work()
        assert minutes > 0
        assert what
        return is_so()

    def wait_until(self, is_so: Callable[[], bool], what: str, seconds: float) -> None:
        for _ in range(int(seconds)):
            if is_so():
                return
            self.work()
        raise SandboxTimeoutError(what)


class _Loop(loops.Loop):
    functions = ("work",)
    picture = "work"
    invocations_per_event: ClassVar = {"work": 1}

    def deploy(self) -> None:
        """There is nothing to deploy."""

    def fix(self) -> None:
        """There is nothing to fix."""

    def send(self, event_id: str) -> None:
        account: Any = self.aws
        account.ran += 1
        account.handled.add(event_id)

    def is_handled(self, event_id: str) -> bool:
        account: Any = self.aws
        return event_id in account.handled


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.scenarios.loops.time.sleep", lambda _: None)


@pytest.mark.parametrize("left_over", [0.0, 2.0, 50.0])
def test_what_is_left_over_comes_to_an_end(left_over: float) -> None:
    """A hundred events of the runaway may still be in a queue when it is polled again."""
    loop = _Loop(cast("LocalAws", _Account(left_over)))

    assert loop.poke()


def test_what_does_not_end_loops() -> None:
    """However long it is waited for."""
    outcome = _Loop(cast("LocalAws", _Account(float("inf")))).poke()

    assert outcome.is_looping
    assert not outcome


def test_rest_lasts_until_the_last_late_event_has_run() -> None:
    """Pollers come seconds later where the machine is busy."""
    account = _Account(0.0, late={3: 4, 6: 1})

    _Loop(cast("LocalAws", account)).rest()

    assert (account.ran, account.late) == (5, {})
    assert account.seconds >= 6 + 5


def test_what_never_rests_is_reported() -> None:
    """After a minute of it."""
    with pytest.raises(SandboxTimeoutError, match="rest of"):
        _Loop(cast("LocalAws", _Account(float("inf")))).rest()
