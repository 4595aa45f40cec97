"""What one signal led to, and what failed in it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from functions.domain.errors import (
    LoopbreakerError,
)
from functions.domain.incidents.decision import (
    Decision,
    Ignore,
)
from functions.workflows.event_log import EventLog


class PartlyFailedError(LoopbreakerError):
    """When a signal could not be dealt with in full: Lambda's retry goes on with the rest."""


@dataclass(slots=True, kw_only=True)
class TriageReport:
    """What one signal led to.

    Attributes
    ----------
    young
        Functions which it is too early to judge.
    acquitted
        Functions that others feed, as far as the event graph knows by now: looked at again until
        it has heard of what was changed before their spike.
    in_tag
        Functions whose tag is not taken over into the ledger yet.
    seconds_left
        Answers how long the run may still take.
    """

    log: EventLog
    decisions: list[Decision] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    young: list[str] = field(default_factory=list)
    acquitted: list[str] = field(default_factory=list)
    in_tag: set[str] = field(default_factory=set)
    seconds_left: Callable[[], float] = lambda: math.inf

    def has_found_since(self, number: int) -> bool:
        """Whether anything was decided after so many decisions but to leave a function alone."""
        return any(not isinstance(one, Ignore) for one in self.decisions[number:])

    def attempt(self, what: str, action: Callable[[], None]) -> None:
        """Do something; what fails keeps nothing else from being done, and fails the run."""
        try:
            action()
        except Exception as error:  # the run fails with it, after all the others had their turn
            self.log.exception("failed", about=what)
            self.errors.append(error)
