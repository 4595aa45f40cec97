"""The fake ledger, with what each process keeps of it for itself."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from functions.domain.errors import LedgerUnavailableError
from tests.fakes.ledger import FakeLedger
from tests.simulation.world.traffic import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from functions.domain.incidents.history import LiveLedger
    from tests.fakes.account import FakeAccount
    from tests.simulation.turns import Run, Turns


class SimulatedLedger(FakeLedger):
    """The fake ledger, as seen by several processes.

    Attributes
    ----------
    clock_of
        The time of day by the clock of a run's process.
    """

    def __init__(self, account: FakeAccount, turns: Turns) -> None:
        self._turns = turns
        self.clock_of: Callable[[Run], datetime] = _noon
        super().__init__(account)

    @property
    def is_key_known(self) -> bool:
        """Whether the process whose turn it is has read the key of the tags."""
        run = self._turns.run
        return run is None or run.process.has_key

    @is_key_known.setter
    def is_key_known(self, known: bool) -> None:
        if self._turns.run is not None:
            self._turns.run.process.has_key = known

    def read_live(self) -> LiveLedger:
        """See the port. A process whose ledger was away writes that down for the others."""
        live = super().read_live()
        run = self._turns.run
        if run is None or run.process.away_since is None:
            return live
        self.outages.append((run.process.away_since, self.clock_of(run)))
        run.process.away_since = None
        return replace(live, outages=tuple(self.outages))

    @contextmanager
    def _call(self, method: str, **arguments: Any) -> Iterator[None]:
        try:
            with super()._call(method, **arguments):
                yield
        except LedgerUnavailableError:
            run = self._turns.run
            if run is not None and run.process.away_since is None:
                run.process.away_since = self.clock_of(run)
            raise


def _noon(run: Run) -> datetime:
    return NOON
