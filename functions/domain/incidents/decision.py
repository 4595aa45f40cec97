"""From a verdict and the operator's rules to what is done.

Pure: deciding twice is deciding once.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.detection.evidence import FunctionFacts, FunctionKind
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG, Mode, Policy, Response
from functions.domain.incidents.states import IncidentState


class DecisionReason(StrEnum):
    """Why something is done, or why it is not."""

    RUNAWAY = "runaway"
    SUSPECTED = "suspected"
    ORDERED = "ordered"  # by a person
    NOTHING_UNUSUAL = "nothing_unusual"
    EXPLAINED = "explained"
    STOPPED_BY_AWS = "stopped_by_aws"
    OBSERVE_MODE = "observe_mode"
    RESPONSE_IS_NOTIFY = "response_is_notify"
    EXEMPT_BY_TAG = "exempt_by_tag"
    EXEMPT_BY_FLAG = "exempt_by_flag"
    OWN_FUNCTION = "own_function"
    EDGE_REPLICA = "edge_replica"
    SCALING_UNKNOWN = "scaling_unknown"
    NO_CAP_FOR_INSTANCES = "no_cap_for_instances"
    BLAST_RADIUS = "blast_radius"
    ALREADY_STOPPED = "already_stopped"
    ALREADY_OPEN = "already_open"
    RELEASED_BY_OTHERS = "released_by_others"
    RESTORING = "restoring"
    NOT_YET_COUNTED = "not_yet_counted"
    LOOP_IS_HELD = "loop_is_held"  # by another function on it
    CANNOT_BE_HELD = "cannot_be_held"
    HELD_OFTEN = "held_often"
    NO_ROOM_FOR_CAP = "no_room_for_cap"  # of an earlier version
    CAP_BINDS_NOTHING = "cap_binds_nothing"  # of an earlier version
    SHOWN = "shown"
    CANNOT_BE_TOLD = "cannot_be_told"
    STILL_SUSPECTED = "still_suspected"
    REFUSED_LATELY = "refused_lately"
    HOLD_OVER = "hold_over"
    DANGER_OVER = "danger_over"
    CAP_OVER = "cap_over"
    STACK_DELETED = "stack_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contain:
    """Throttle the function: reserved concurrency 0."""

    assessment: Assessment
    reason: DecisionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Hold the function where that only delays its events, and watch what arrives.

    How, and whether that is possible, is for `functions.domain.holding` to say.
    """

    assessment: Assessment
    reason: DecisionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tell people, change nothing."""

    assessment: Assessment
    reason: DecisionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """Do nothing."""

    assessment: Assessment
    reason: DecisionReason


Decision: TypeAlias = Contain | Hold | Notify | Ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """What the ledger says that matters for a decision.

    The first decision is made with an empty view, so that no call stands between the verdict and
    the throttle; the ledger itself checks both facts when the incident is opened, in one
    transaction, and a refusal brings the true view for a second decision.
    """

    open_incident: Incident | None = None
    blast_radius_reached: bool = False


def find_protection(facts: FunctionFacts, policy: Policy) -> DecisionReason | None:
    """Why the function must never be touched; ``None`` if it may be."""
    if facts.name in policy.own_functions:
        return DecisionReason.OWN_FUNCTION
    if facts.name in policy.exempt:
        return DecisionReason.EXEMPT_BY_FLAG
    if facts.tags.get(EXEMPT_TAG, "").strip().lower() == "true":
        return DecisionReason.EXEMPT_BY_TAG
    return None


def find_prohibition(
    facts: FunctionFacts, policy: Policy, incident: Incident | None = None
) -> DecisionReason | None:
    """Why nothing of the function may be changed now, but put back; ``None`` if it may be.

    Asked before every change, also where an earlier run began with it: people may have decided
    otherwise since. Observe mode is about what the guard decides, and forbids no stop that a
    person has ordered.

    Parameters
    ----------
    incident
        What a change is for, where that is known.
    """
    reason = find_protection(facts, policy)
    is_ordered = incident is not None and incident.decided == DecisionReason.ORDERED
    if reason is None and policy.mode is Mode.OBSERVE and not is_ordered:
        return DecisionReason.OBSERVE_MODE
    return reason


class _Standing(StrEnum):
    """What the ledger says of a function, as far as that decides."""

    FREE = "free"
    NOTIFIED = "notified"  # people were notified of a loop that cannot be held, and it goes on
    COOLING_OFF = "cooling off"  # somebody released it a short while ago
    RESTORING = "restoring"
    OPEN = "open"  # what becomes of it is for its incident to say, not for its spike


def decide(  # noqa: C901, PLR0912 - one table, a row for each case
    assessment: Assessment, facts: FunctionFacts, policy: Policy, view: LedgerView
) -> Decision:
    """What to do about one function: the first row that fits.

    Parameters
    ----------
    facts
        The function's configuration, read after the verdict.
    view
        See `LedgerView`.
    """
    is_certain = assessment.has(Reason.LOOP_PROVEN)
    is_stopped_for_shape = policy.response is Response.THROTTLE and assessment.is_shaped
    standing = _find_standing(view.open_incident, assessment, policy)
    kind: type[Contain | Hold | Notify | Ignore]
    match (assessment.verdict, standing, _find_barrier(assessment, facts, policy, view)):
        case (Verdict.CALM, _, _):
            kind, reason = Ignore, DecisionReason.NOTHING_UNUSUAL
        case (_, _, DecisionReason.OWN_FUNCTION as reason):
            kind = Ignore
        case (Verdict.BUSY, _, _) if assessment.has(Reason.NATIVE_DROPS):
            kind, reason = Notify, DecisionReason.STOPPED_BY_AWS
        case (Verdict.BUSY, _, _):
            kind, reason = Ignore, DecisionReason.EXPLAINED
        case (_, _Standing.COOLING_OFF, _):
            kind, reason = Notify, DecisionReason.RELEASED_BY_OTHERS
        case (_, _Standing.RESTORING, _):
            kind, reason = Ignore, DecisionReason.RESTORING
        case (_, _Standing.OPEN, _):
            kind, reason = Ignore, DecisionReason.ALREADY_OPEN
        case (_, _, DecisionReason.ALREADY_STOPPED as reason):
            kind = Ignore
        case (_, _, DecisionReason() as reason):
            kind = Notify
        case (Verdict.RUNAWAY, _, _):
            kind, reason = Contain, DecisionReason.RUNAWAY
        case _ if is_stopped_for_shape:
            kind, reason = Contain, DecisionReason.SUSPECTED
        case (_, _Standing.NOTIFIED, _) if is_certain:
            kind, reason = Contain, DecisionReason.STILL_SUSPECTED
        case _ if facts.kind is FunctionKind.MANAGED_INSTANCES:
            kind, reason = Notify, DecisionReason.NO_CAP_FOR_INSTANCES
        case _:
            kind, reason = Hold, DecisionReason.SUSPECTED
    return kind(assessment=assessment, reason=reason)


def _find_barrier(
    assessment: Assessment, facts: FunctionFacts, policy: Policy, view: LedgerView
) -> DecisionReason | None:
    """Why nothing of the function may be changed now; ``None`` if it may be."""
    if facts.name in policy.own_functions:
        return DecisionReason.OWN_FUNCTION
    if facts.is_stopped:
        return DecisionReason.ALREADY_STOPPED
    if facts.kind is FunctionKind.EDGE_REPLICA:
        return DecisionReason.EDGE_REPLICA
    forbidden = find_prohibition(facts, policy)
    if forbidden is not None:
        return forbidden
    if assessment.verdict is Verdict.SUSPECTED and policy.response is Response.NOTIFY:
        return DecisionReason.RESPONSE_IS_NOTIFY
    if facts.kind is FunctionKind.MANAGED_INSTANCES and not facts.scaling:
        return DecisionReason.SCALING_UNKNOWN
    return DecisionReason.BLAST_RADIUS if view.blast_radius_reached else None


# What was decided about an incident of which people were notified because it could not be held.
# `SUSPECTED` is left where AWS refused the hold; the second and third are of earlier versions.
_NOT_HELD = frozenset(
    {
        DecisionReason.CANNOT_BE_HELD,
        DecisionReason.NO_ROOM_FOR_CAP,
        DecisionReason.CAP_BINDS_NOTHING,
        DecisionReason.NO_CAP_FOR_INSTANCES,
        DecisionReason.SUSPECTED,
    }
)


def _find_standing(incident: Incident | None, assessment: Assessment, policy: Policy) -> _Standing:
    if incident is None or incident.is_closed:
        return _Standing.FREE
    match incident.state:
        case IncidentState.NOTIFIED:
            # What was a reason not to act may be gone. People had their time to look at it.
            is_told = incident.decided in _NOT_HELD
            is_long_ago = assessment.at - incident.opened_at >= policy.patience
            return _Standing.NOTIFIED if is_told and is_long_ago else _Standing.FREE
        case IncidentState.RELEASED:
            is_cooling = incident.is_cooling_off(assessment.at, policy.cooling_off)
            return _Standing.COOLING_OFF if is_cooling else _Standing.FREE
        case IncidentState.RESTORING:
            return _Standing.RESTORING
        case _:
            return _Standing.OPEN
