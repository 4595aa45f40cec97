"""What a play leaves behind: the log of each run, what people asked for, and the story."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation import rules
    from tests.simulation.turns import Process, Run
    from tests.simulation.world.happenings import Line


class Journal:
    """The guard's log: what is wrong is kept with the run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def info(self, message: str, **fields: object) -> None:
        """Nothing to keep."""

    def error(self, message: str, **fields: object) -> None:
        """See the port."""

    def exception(self, message: str, **fields: object) -> None:
        """Keep the error that is being handled."""
        self._run.memory.setdefault("errors", []).append(sys.exc_info()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A person had a function put back.

    Attributes
    ----------
    asked_at, changed_at, at
        When the person asked, when that function was done, and when the run was over.
    """

    function: str
    at: float
    changed_at: float
    asked_at: float


@dataclass(slots=True)
class Ordered:
    """A person ordered a stop of a function: their word is a new one until it is answered."""

    function: str
    at: float
    answered_at: float = inf


@dataclass(slots=True)
class Told:
    """What one play led to."""

    broken: list[rules.Broken] = field(default_factory=list)
    story: list[Line] = field(default_factory=list)
    runs: int = 0
    changes: int = 0
    mails: int = 0


def describe_process(process: Process) -> str:
    """What is odd about a process, for the story."""
    skew = process.skew_seconds
    clock = f", its clock {abs(skew)} s {'ahead' if skew > 0 else 'behind'}" if skew else ""
    return f"{clock}{'' if process.has_key else ', without the key of the tags'}"
