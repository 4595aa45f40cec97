"""What goes wrong with the calls of the fakes, and when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class SimulatedCrash(BaseException):
    """When the guard's process dies. Not an `Exception`: no handler can catch and survive it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a port.

    Attributes
    ----------
    number
        Counted from 1 since the last `Faults.revive` (or since the start).
    """

    number: int
    port: str
    method: str
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Port and method, as ``functions.reserve``."""
        return f"{self.port}.{self.method}"


@dataclass(slots=True)
class _Failure:
    error: BaseException | type[BaseException]
    times: int
    skip: int
    lost: bool
    given: dict[str, object]


@dataclass(slots=True)
class Faults:
    """What goes wrong, and when.

    A crash takes the whole run with it: every later call crashes too, without effect, as no
    ``finally`` of a killed process runs, until `revive`.
    """

    count: int = 0
    is_dead: bool = False
    _crash_before: int | None = None
    _crash_after: int | None = None
    _failures: dict[str, list[_Failure]] = field(default_factory=lambda: defaultdict(list))
    _actions: dict[int | str, list[Callable[[], object]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _is_quiet: bool = False

    def crash_before(self, number: int) -> None:
        """Die just before the effect of the call with this number (1 is the next run's first)."""
        self._crash_before = number

    def crash_after(self, number: int) -> None:
        """Die just after the effect of the call with this number, before its answer arrives."""
        self._crash_after = number

    def fail(
        self,
        method: str,
        error: BaseException | type[BaseException],
        times: int = 1,
        *,
        skip: int = 0,
        lost: bool = False,
        **given: object,
    ) -> None:
        """Let calls of a method (``reserve`` or ``functions.reserve``) fail.

        Parameters
        ----------
        times
            How often; -1 for always.
        skip
            How many calls go well first.
        lost
            The call takes effect and only its answer is lost.
        given
            Arguments that the call must have.
        """
        self._failures[method].append(
            _Failure(error=error, times=times, skip=skip, lost=lost, given=given)
        )

    def before(self, call: int | str, action: Callable[[], object]) -> None:
        """Let something happen just before a call, once: what a person or another run does.

        `call` is a number, or a method (``reserve`` or ``functions.reserve``) for its next call.
        Calls of the fakes inside `action` are neither journalled nor counted nor faulted.
        """
        self._actions[call].append(action)

    def revive(self) -> None:
        """Begin the next run: the process lives again, calls are counted from 1, no crash is set.

        Failures that are not used up stay.
        """
        self.count = 0
        self.is_dead = False
        self._crash_before = None
        self._crash_after = None

    def clear(self) -> None:
        """Forget every fault and begin the next run."""
        self.revive()
        self._failures.clear()
        self._actions.clear()

    def _take_failure(self, call: Call) -> _Failure | None:
        for key in (call.method, call.name):
            for failure in self._failures.get(key, ()):
                if failure.times == 0 or failure.given.items() - call.arguments.items():
                    continue
                if failure.skip > 0:
                    failure.skip -= 1
                    continue
                failure.times -= 1 if failure.times > 0 else 0
                return failure
        return None

    def _act(self, call: Call) -> None:
        self._is_quiet = True
        try:
            for key in (call.number, call.method, call.name):
                actions = self._actions.pop(key, ())
                for action in actions:
                    action()
        finally:
            self._is_quiet = False
