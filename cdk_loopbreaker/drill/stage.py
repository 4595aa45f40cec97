"""What every depth of a drill works with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.errors import DrillError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_loopbreaker.drill.aws.clients import Clients
    from cdk_loopbreaker.drill.aws.guard import DeployedGuard, GuardLog
    from cdk_loopbreaker.drill.model import Clock, Names
    from cdk_loopbreaker.operating.client import GuardClient

POLL_SECONDS: Final = 5.0


class WallClock:
    """The time of day."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The account, the guard in it, and who is shown the progress.

    Attributes
    ----------
    say
        Tells whoever waits what happened, in one line.
    """

    clients: Clients
    guard: DeployedGuard
    client: GuardClient
    log: GuardLog
    clock: Clock
    names: Names
    say: Callable[[str], None]

    def wait_for(
        self, condition: Callable[[], bool], minutes: float, *, poll_seconds: float = POLL_SECONDS
    ) -> bool:
        """Whether something becomes true within so many minutes."""
        until = self.clock.now() + timedelta(minutes=minutes)
        while True:
            if condition():
                return True
            if self.clock.now() >= until:
                return False
            self.clock.sleep(poll_seconds)

    def insist(self, condition: Callable[[], bool], minutes: float, what: str) -> None:
        """Wait for something without which the drill cannot go on.

        Raises
        ------
        DrillError
            When it does not come.
        """
        if not self.wait_for(condition, minutes):
            raise DrillError(f"{what} did not happen within {minutes:.0f} minutes")
