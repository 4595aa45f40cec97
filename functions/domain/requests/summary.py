"""Records in a few words, for whoever asks what is held and what was."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.domain.detection.price import compute_burn
from functions.domain.diagnosis.finding_registry import OpenFinding
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import HELD_STATES, HOLDING_STATES, IncidentState
from functions.domain.notices.grounds import describe_ground
from functions.domain.notices.incident.probation import describe_probation
from functions.domain.notices.incident.sections.events import find_first_loss, list_losses
from functions.domain.notices.incident.sections.measurement import select_rate
from functions.domain.notices.incident.sections.reasons import describe_verdict
from functions.domain.notices.incident.sections.restriction import (
    describe_hold,
    describe_restriction,
    find_restriction_start,
    name_restriction,
)
from functions.domain.notices.incident.sections.settings import (
    describe_step_to_undo,
    list_steps_in_force,
)
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import clean, format_time

_MOST_GROUNDS: Final = 3
_MOST_SETTINGS: Final = 20
_LONGEST_TEXT: Final = 400
_LONGEST_NAME: Final = 300

_STANDINGS: Final = {
    IncidentState.NOTIFIED: "reported, not stopped",
    IncidentState.CONTAINING: "being stopped",
    IncidentState.CAPPING: "being held",
    IncidentState.CONTAINED: "stopped",
    IncidentState.RELEASED: "released by others",
    IncidentState.RESTORING: "being restored",
}
_ENDS: Final = {
    IncidentState.RESTORED: "restored",
    IncidentState.LIFTED: "put back by Loopbreaker",
    IncidentState.ENDED: "ended by itself",
    IncidentState.DELETED: "function deleted",
    IncidentState.SUPERSEDED: "ran away again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An open incident.

    Attributes
    ----------
    state, reason
        As text of `IncidentState` and `DecisionReason`.
    is_held
        Whether something of the guard's keeps the function from running as before.
    is_restorable
        Whether a restore may find something to put back.
    standing
        The state in words, such as ``stopped``.
    since
        When what is in force took effect, or when people were told.
    restriction
        What is in force, as a sentence; empty where nothing is.
    why
        Why that was decided, as sentences.
    ordered_by
        The ARN of the person who had it stopped, as the order said.
    per_minute, normal_per_minute
        Invocations a minute at its spike and before; ``None`` where unknown.
    usd_so_far, usd_per_hour
        What Lambda cost at least when it was decided, at list prices; ``None`` where unknown.
    expiry
        What becomes of events that wait, as sentences; empty where nothing is being lost.
    expires_at
        When the first waiting events are lost; ``None`` where none is known.
    ends_by
        When a hold ends by itself at the latest; ``None`` where it does not.
    puts_back
        What a restore puts back, one text a setting.
    refusals
        AWS's words about what could not be put back.
    """

    id: str
    function: str
    state: str
    standing: str
    is_held: bool
    opened_at: datetime
    reason: str
    is_restorable: bool = True
    function_arn: str = ""
    since: datetime | None = None
    restriction: str = ""
    why: tuple[str, ...] = ()
    ordered_by: str = ""
    per_minute: float | None = None
    normal_per_minute: float | None = None
    usd_so_far: float | None = None
    usd_per_hour: float | None = None
    expiry: str = ""
    expires_at: datetime | None = None
    ends_by: datetime | None = None
    puts_back: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedIncident:
    """An incident that is closed; its fields are those of `OpenIncident`.

    Attributes
    ----------
    ending
        How it ended, in words.
    was_held
        Whether the function was ever kept from running as before.
    """

    id: str
    function: str
    state: str
    ending: str
    opened_at: datetime
    ended_at: datetime
    reason: str
    was_held: bool = False
    why: tuple[str, ...] = ()
    ordered_by: str = ""
    per_minute: float | None = None
    normal_per_minute: float | None = None
    usd_so_far: float | None = None
    usd_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyInForce:
    """A remedy that was applied and not undone; `state` is text of `RemediationState`."""

    function: str
    title: str
    since: datetime
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFinding:
    """An open finding of the diagnosis."""

    function: str
    title: str
    summary: str
    first_seen: datetime


def summarize_open(incident: Incident, now: datetime) -> OpenIncident:
    """Say how an open incident stands."""
    is_held = incident.state in HELD_STATES
    cost = SpikeCost.of(incident)
    in_force = list_steps_in_force(incident) if incident.snapshot is not None else ()
    return OpenIncident(
        id=incident.id,
        function=incident.function,
        function_arn=incident.function_arn,
        state=incident.state.value,
        standing=_name_standing(incident),
        is_held=is_held,
        is_restorable=incident.state in HOLDING_STATES,
        opened_at=incident.opened_at,
        since=find_start(incident),
        restriction=_describe_what_is_in_force(incident, now),
        reason=incident.decided,
        why=explain_decision(incident),
        ordered_by=clean(incident.ordered_by, _LONGEST_TEXT),
        per_minute=cost.per_minute,
        normal_per_minute=incident.assessment.normal_per_minute,
        usd_so_far=cost.usd_so_far,
        usd_per_hour=cost.usd_per_hour,
        expiry=_describe_expiry(incident) if is_held else "",
        expires_at=find_expiry(incident, build_context(incident)) if is_held else None,
        ends_by=find_end_of_hold(incident),
        puts_back=_cut(describe_step_to_undo(one) for one in in_force[:_MOST_SETTINGS]),
        refusals=_cut(incident.failures[:_MOST_GROUNDS]),
    )


def summarize_ended(incident: Incident) -> EndedIncident:
    """Say what an incident was, and how it ended."""
    cost = SpikeCost.of(incident)
    return EndedIncident(
        id=incident.id,
        function=incident.function,
        state=incident.state.value,
        ending=_ENDS.get(incident.state, incident.state.value),
        opened_at=incident.opened_at,
        ended_at=incident.closed_at or incident.updated_at,
        reason=incident.decided,
        was_held=incident.contained_at is not None,
        why=explain_decision(incident),
        ordered_by=clean(incident.ordered_by, _LONGEST_TEXT),
        per_minute=cost.per_minute,
        normal_per_minute=incident.assessment.normal_per_minute,
        usd_so_far=cost.usd_so_far,
        usd_per_hour=cost.usd_per_hour,
    )


def summarize_remedy(remediation: Remediation) -> RemedyInForce:
    """Name a remedy that is in force."""
    return RemedyInForce(
        function=remediation.function,
        title=clean(remediation.title, _LONGEST_TEXT),
        since=remediation.opened_at,
        state=remediation.state.value,
    )


def summarize_finding(finding: OpenFinding) -> ReportedFinding:
    """Name an open finding."""
    return ReportedFinding(
        function=finding.function,
        title=clean(finding.title, _LONGEST_TEXT),
        summary=clean(finding.summary, _LONGEST_TEXT),
        first_seen=finding.first_seen,
    )


def explain_decision(incident: Incident) -> tuple[str, ...]:
    """Say why it was decided, the order of a person or the verdict first."""
    if incident.decided == DecisionReason.ORDERED:
        by = clean(incident.ordered_by, _LONGEST_NAME)
        return (f"A person ordered it: {by}, as the order said." if by else "A person ordered it.",)
    grounds = incident.assessment.grounds[:_MOST_GROUNDS]
    return (describe_verdict(incident.assessment), *_cut(map(describe_ground, grounds)))


def _name_standing(incident: Incident) -> str:
    if incident.is_on_probation:
        return "on probation"
    return _STANDINGS.get(incident.state) or name_restriction(incident)


def find_start(incident: Incident) -> datetime | None:
    """When what is in force took effect, or when people were notified."""
    if incident.is_on_probation and incident.probation is not None:
        return incident.probation.begun_at
    if incident.state in {IncidentState.NOTIFIED, IncidentState.RELEASED}:
        return incident.released_at or incident.opened_at
    is_hold = incident.watch is not None and not incident.is_at_zero
    return (None if is_hold else find_restriction_start(incident)) or incident.contained_at


def _describe_what_is_in_force(incident: Incident, now: datetime) -> str:
    match incident.state:
        case IncidentState.NOTIFIED:
            return ""
        case IncidentState.RELEASED:
            at = incident.released_at
            return "" if at is None else f"It was released at {format_time(at)}."
        case _ if incident.snapshot is None:
            return ""
        case _ if incident.is_on_probation:
            return describe_probation(incident)
        case _ if incident.is_hold:
            return describe_hold(incident, now)
        case _:
            return describe_restriction(incident, now)


def build_context(incident: Incident) -> NoticeContext:
    """What the record itself knows of the function's triggers."""
    routes = incident.routes
    return NoticeContext(
        triggers=None if routes is None else routes.triggers,
        is_async_target_known=routes is not None and routes.async_target_arn is not None,
    )


def _describe_expiry(incident: Incident) -> str:
    watch = incident.watch
    if incident.is_hold and watch is not None:
        if not incident.is_shown or watch.lost_from is None:
            return ""
        return f"Events that wait are given up from about {format_time(watch.lost_from)} on."
    return " ".join(list_losses(incident, build_context(incident)))


def find_expiry(incident: Incident, context: NoticeContext) -> datetime | None:
    """When the first waiting events are lost; ``None`` where none is known."""
    if incident.is_hold and incident.watch is not None:
        return incident.watch.lost_from if incident.is_shown else None
    return find_first_loss(incident, context)


def find_end_of_hold(incident: Incident) -> datetime | None:
    """When a hold ends by itself at the latest; ``None`` where it does not."""
    watch = incident.watch
    if incident.is_on_probation and incident.probation is not None:
        return incident.probation.ends_at
    if watch is None or not incident.is_being_judged:
        return None
    return watch.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeCost:
    """What a spike cost; ``None`` where no rate was measured."""

    per_minute: float | None = None
    usd_so_far: float | None = None
    usd_per_hour: float | None = None

    @classmethod
    def of(cls, incident: Incident) -> "SpikeCost":
        """Price the spike of an incident."""
        rate = select_rate(incident.assessment).per_minute
        if rate <= 0:
            return cls()
        at_rate = replace(incident.assessment, rate_per_minute=rate)
        spent = compute_burn(at_rate, incident.memory_mb, incident.architecture)
        return cls(
            per_minute=rate,
            usd_per_hour=spent.usd_per_hour,
            usd_so_far=spent.usd_so_far if spent.requests_so_far > 0 else None,
        )


def _cut(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(clean(one, _LONGEST_TEXT) for one in texts)
