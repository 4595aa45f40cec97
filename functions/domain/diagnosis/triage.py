"""The events that start a diagnosis, and how far the scan of all functions has come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from functions.domain.diagnosis.facts import DeniedCall

# What marks begin with that are of no function.
ROLE: Final = "role/"
RULE: Final = "rule/"
SCHEDULE_GROUP: Final = "schedule-group/"


def split_mark(mark: str) -> tuple[str, str]:
    """The prefix of a mark, empty for a function, and the name behind it.

    >>> split_mark("rule/nightly"), split_mark("orders")
    (('rule/', 'nightly'), ('', 'orders'))
    """
    for prefix in (ROLE, RULE, SCHEDULE_GROUP):
        if mark.startswith(prefix):
            return prefix, mark.removeprefix(prefix)
    return "", mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The schedule: go on with what is due."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Somebody changed a function, its resource policy, or a role.

    `names` are names of functions, and names of roles behind `ROLE`; empty where the event does not
    tell, or nothing was changed.
    """

    at: datetime
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedInvocation:
    """An invocation was denied, by a data event of CloudTrail."""

    at: datetime
    function: str
    call: DeniedCall


DiagnosisSignal: TypeAlias = Tick | Touched | DeniedInvocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the round over all functions has come, for the run that goes on with it.

    Attributes
    ----------
    after
        The name of the last function that was examined, in the order of names; empty for none.
    finished_at
        ``None`` while some are still to be examined.
    """

    began_at: datetime
    after: str = ""
    finished_at: datetime | None = None
