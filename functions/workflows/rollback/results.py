"""What a rollback says of each function."""

from dataclasses import dataclass, field
from typing import TypeAlias

from functions.domain.changes.outcome import StepStatus
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.notice import Deployment
from functions.domain.notices.text import clean, format_count, format_time
from functions.domain.requests.loop_check import ClosedLoop
from functions.workflows.incidents.restore import CHECKED_AGAIN

_LONGEST_LOOP = 300
STOPPED_ANEW = "restored; it has run away again since, so that it is held anew"
NOT_HELD = "was not held; nothing was changed"
IN_DOUBT = (
    "left alone: its tag says that it was stopped without the ledger, but has no seal of"
    " Loopbreaker's; if a mail says so too, restore it by its name"
)
UNSEALED = ", which has no seal of Loopbreaker's: check the numbers"
BEING_STOPPED = (
    "left alone: another run may be about to stop it without the ledger, and its tag is all that"
    " knows; restore it again in three minutes"
)
NO_TIME_LEFT = "not tried: this run has no time left; restore it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A function that is as it was, or that was not held at all.

    Attributes
    ----------
    is_pending
        It runs again, but a mapping of it is still to be enabled, or it is checked again.
    note
        What could not be checked before; empty for nothing.
    """

    function: str
    text: str
    is_pending: bool = False
    note: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A function that is still held or remediated, with the words of whoever refused.

    `is_unknown`: there is no such function.
    """

    function: str
    text: str
    is_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OnProbation:
    """A function of which a little is let go, and watched."""

    function: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopClosed:
    """A function that was left as it is, because its loop is still closed in the event graph."""

    function: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftUnchanged:
    """A function that may be held, of which nobody knows for sure, and that nobody named."""

    function: str
    text: str


Result: TypeAlias = Restored | OnProbation | Refused | LoopClosed | LeftUnchanged


def describe_probation(after: Incident) -> OnProbation:
    """What a function on probation is answered with."""
    probation = after.probation
    until = "" if probation is None else f", until {format_time(probation.ends_at)} at the latest"
    how = "a few executions at a time"
    if probation is not None and probation.concurrency is not None:
        how = f"{format_count(probation.concurrency, 'execution')} at a time"
    return OnProbation(
        function=after.function,
        text=f"on probation: it may run {how} and is watched{until}; then it is restored, or held"
        " again",
    )


def describe_closed_loop(
    function: str, closed: ClosedLoop, deployment: Deployment, *, is_direct: bool
) -> LoopClosed:
    """Why a function is left as it is, and how a person goes on."""
    careful, forced = "-c rollback_mode=probation", "-c rollback_force=yes"
    if deployment.is_embedded:
        careful, forced = 'rollback_mode="probation"', 'rollback_force="yes"'
    if is_direct:
        careful, forced = "--probation", "--force"
    drawn = f" ({clean(closed.drawing, _LONGEST_LOOP)})" if closed.drawing else ""
    breaks = f" To break it: {clean(closed.broken_by, _LONGEST_LOOP)}." if closed.broken_by else ""
    return LoopClosed(
        function=function,
        text=f"left as it is, because its loop{drawn} is still closed in the event graph of"
        f" {format_time(closed.at)}. A fix in the code does not show there. If you have fixed the"
        f" code, restore it with {careful}, which watches it, or at once with {forced}.{breaks} A"
        " change of the configuration is seen within 15 minutes",
    )


def is_pending_result(result: Result) -> bool:
    """Whether a function runs again, and is checked once more."""
    return isinstance(result, Restored) and result.is_pending


def describe_result(after: Incident) -> Result:
    """What a restore has led to."""
    name, words, waiting = after.function, after.failures, after.pending
    if words:
        return Refused(function=name, text="; ".join(words))
    if after.state is IncidentState.DELETED:
        return Restored(function=name, text="the function no longer exists")
    if waiting:
        return Restored(function=name, text=_describe_pending(waiting), is_pending=True)
    return Restored(function=name, text=_describe_refusals(after))


def _describe_pending(waiting: tuple[str, ...]) -> str:
    if set(waiting) == {CHECKED_AGAIN}:
        return f"runs again; {CHECKED_AGAIN}, within the next minutes"
    return (
        "runs again; AWS is still changing an event source mapping of it, which Loopbreaker"
        f" enables within the next minutes: {'; '.join(waiting)}"
    )


def _describe_refusals(incident: Incident) -> str:
    left = [
        one.restored_detail
        for one in incident.steps
        if one.restored is StepStatus.CHANGED_MEANWHILE
    ]
    return f"restored; left as somebody else set it: {'; '.join(left)}" if left else "restored"
