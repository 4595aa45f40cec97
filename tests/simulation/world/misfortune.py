"""How AWS remediates each call of a schedule: how long it takes, and what goes wrong with it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from functions.domain.errors import (
    BusyError,
    InvalidValueError,
    LedgerUnavailableError,
    MetricsUnavailableError,
    NoticeUndeliveredError,
    RefusedError,
)
from tests.simulation.schedule import Away, Dies, Loses, Refuses, Stalls
from tests.simulation.world.happenings import Mishap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from functions.domain.errors import (
        LoopbreakerError,
    )
    from tests.simulation.schedule import Schedule
    from tests.simulation.turns import Run
    from tests.simulation.world.account import SimulatedAccount

_CALM_SECONDS: Final = 0.05
# Share of the calls, and between how many seconds they take.
_LATENCIES: Final = (
    ((1.0, 0.02, 0.15),),
    ((0.9, 0.02, 0.15), (0.07, 0.2, 2.0), (0.03, 2.0, 12.0)),
    ((0.6, 0.02, 0.3), (0.25, 1.0, 5.0), (0.15, 5.0, 20.0)),
)
_ERRORS: Final[dict[str, type[LoopbreakerError]]] = {
    "functions": BusyError,
    "hold_facts": BusyError,
    "way_back": BusyError,
    "ledger": LedgerUnavailableError,
    "publisher": NoticeUndeliveredError,
    "bus": NoticeUndeliveredError,
    "chat": NoticeUndeliveredError,
    "metrics": MetricsUnavailableError,
    "refused": RefusedError,
    "invalid": InvalidValueError,
    "busy": BusyError,
}


class Misfortune:
    """The faults and the weather of a schedule.

    Attributes
    ----------
    is_over
        Whether nothing goes wrong any more.
    """

    def __init__(self, schedule: Schedule, account: SimulatedAccount) -> None:
        self.is_over = False
        self._account = account
        self._weather = schedule.weather
        self._random = Random(f"{schedule.seed} mappings")
        faults = schedule.faults
        self._deaths = {(one.run, one.call): one for one in faults if isinstance(one, Dies)}
        self._stalls = {
            (one.run, one.call): one.seconds for one in faults if isinstance(one, Stalls)
        }
        self._losses = {(one.run, one.call) for one in faults if isinstance(one, Loses)}
        self._spells = [one for one in faults if isinstance(one, Away | Refuses)]
        account.mishap = self.mishap
        account.latency = self.latency
        account.mapping_takes = self.mapping_takes
        account.mapping_busy_until = self.mapping_busy_until

    def latency(self, run: Run) -> float:
        """How long a call takes."""
        if self.is_over:
            return _CALM_SECONDS
        random = run.random
        share = random.random()
        for part, least, most in _LATENCIES[self._weather.slowness]:
            share -= part
            if share < 0:
                return random.uniform(least, most)
        return _CALM_SECONDS

    def mapping_takes(self) -> float:
        """How long a mapping is being switched."""
        most = 0.0 if self.is_over else self._weather.mapping_seconds
        return self._random.uniform(0.0, most) if most else 0.0

    def mapping_busy_until(self, uuid: str) -> float:
        """Until when a mapping refuses to be switched."""
        if self.is_over:
            return 0.0
        now, function = self._account.turns.now, self._account.function_of({"uuid": uuid})
        return max(
            (
                one.until
                for one in self._spells
                if isinstance(one, Refuses)
                and _is_busy_mapping(one)
                and one.function == function
                and one.since <= now < one.until
            ),
            default=0.0,
        )

    def mishap(
        self, run: Run, port: str, method: str, arguments: Mapping[str, Any]
    ) -> Mishap | None:
        """What goes wrong with a call."""
        if self.is_over:
            return None
        place = (run.label, run.calls)
        stalls = self._stalls.get(place, 0.0)
        if place in self._deaths:
            return Mishap(kills=True, is_late=self._deaths[place].after, stalls=stalls)
        if place in self._losses:
            return Mishap(error=_ERRORS[port]("no answer"), is_late=True, stalls=stalls)
        for spell in self._spells:
            if spell.since <= self._account.turns.now < spell.until:
                error, is_late = self._of_spell(spell, port, method, arguments)
                if error is not None:
                    return Mishap(error=error, is_late=is_late, stalls=stalls)
        return Mishap(stalls=stalls) if stalls else None

    def _of_spell(
        self, spell: Away | Refuses, port: str, method: str, arguments: Mapping[str, Any]
    ) -> tuple[LoopbreakerError | None, bool]:
        if spell.methods and method not in spell.methods:
            return None, False
        match spell:
            case Away() if spell.port == port:
                return _ERRORS[port](f"the {port} does not answer"), spell.loses
            case Refuses() if self._account.function_of(
                arguments
            ) == spell.function and not _is_busy_mapping(spell):
                return _ERRORS[spell.why](f"AWS {spell.why} {method}"), False
            case _:
                return None, False


def _is_busy_mapping(spell: Refuses) -> bool:
    """Whether it is a mapping that is being changed: who switches it waits for some seconds."""
    return spell.why == "busy" and spell.methods == {"switch_mapping"}
