"""From a verdict and the operator's rules to what is done.

Pure: deciding twice is deciding once.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from functions.domain.assessment import Assessment, Reason, Verdict
from functions.domain.evidence import FunctionFacts, FunctionKind
from functions.domain.incident import Incident, IncidentState
from functions.domain.policy import EXEMPT_TAG, Mode, Policy, Response


class DecisionReason(StrEnum):
    """Why something is done, or why it is not."""

    RUNAWAY = "runaway"
    SUSPECTED = "suspected"
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
    CANNOT_BE_HELD = "cannot_be_held"
    NO_ROOM_FOR_CAP = "no_room_for_cap"  # of an earlier version
    CAP_BINDS_NOTHING = "cap_binds_nothing"  # of an earlier version
    SHOWN = "shown"
    CANNOT_BE_TOLD = "cannot_be_told"
    STILL_SUSPECTED = "still_suspected"
    REFUSED_LATELY = "refused_lately"
    HOLD_OVER = "hold_over"
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


def protection(facts: FunctionFacts, policy: Policy) -> DecisionReason | None:
    """Why the function must never be touched; ``None`` if it may be."""
    if facts.name in policy.own_functions:
        return DecisionReason.OWN_FUNCTION
    if facts.name in policy.exempt:
        return DecisionReason.EXEMPT_BY_FLAG
    if facts.tags.get(EXEMPT_TAG, "").strip().lower() == "true":
        return DecisionReason.EXEMPT_BY_TAG
    return None


def prohibition(facts: FunctionFacts, policy: Policy) -> DecisionReason | None:
    """Why nothing of the function may be changed now, but put back; ``None`` if it may be.

    Asked before every change, also where an earlier run began with it: people may have decided
    otherwise since.
    """
    reason = protection(facts, policy)
    if reason is None and policy.mode is Mode.OBSERVE:
        return DecisionReason.OBSERVE_MODE
    return reason


def decide(
    assessment: Assessment, facts: FunctionFacts, policy: Policy, view: LedgerView
) -> Decision:
    """What to do about one function.

    Parameters
    ----------
    facts
        The function's configuration, read after the verdict.
    view
        See `LedgerView`.
    """
    return (
        _nothing_to_stop(assessment, facts, policy)
        or _held(view.open_incident, assessment, policy)
        or _tell_only(assessment, facts, policy, view)
        or _stop(assessment, facts, policy, view.open_incident)
    )


def _nothing_to_stop(
    assessment: Assessment, facts: FunctionFacts, policy: Policy
) -> Decision | None:
    match assessment.verdict:
        case Verdict.CALM:
            return Ignore(assessment=assessment, reason=DecisionReason.NOTHING_UNUSUAL)
        case _ if facts.name in policy.own_functions:
            return Ignore(assessment=assessment, reason=DecisionReason.OWN_FUNCTION)
        case Verdict.BUSY if assessment.has(Reason.NATIVE_DROPS):
            return Notify(assessment=assessment, reason=DecisionReason.STOPPED_BY_AWS)
        case Verdict.BUSY:
            return Ignore(assessment=assessment, reason=DecisionReason.EXPLAINED)
        case _:
            return None


def _held(incident: Incident | None, assessment: Assessment, policy: Policy) -> Decision | None:
    """The decision that an incident which is already open takes; ``None`` if it takes none."""
    if incident is None or incident.is_closed:
        return None
    match incident.state:
        case IncidentState.NOTIFIED:
            # People were only told: what was a reason not to act may be gone.
            return None
        case IncidentState.RELEASED if incident.is_cooling_off(assessment.at, policy.cooling_off):
            return Notify(assessment=assessment, reason=DecisionReason.RELEASED_BY_OTHERS)
        case IncidentState.RELEASED:
            return None
        case IncidentState.RESTORING:
            return Ignore(assessment=assessment, reason=DecisionReason.RESTORING)
        case _:
            # What becomes of a held function is for its hold to say, not for its spike.
            return Ignore(assessment=assessment, reason=DecisionReason.ALREADY_OPEN)


def _tell_only(
    assessment: Assessment, facts: FunctionFacts, policy: Policy, view: LedgerView
) -> Decision | None:
    """Why people are told and nothing is changed; ``None`` if the function may be stopped."""
    if facts.is_stopped:
        return Ignore(assessment=assessment, reason=DecisionReason.ALREADY_STOPPED)
    if facts.kind is FunctionKind.EDGE_REPLICA:
        return Notify(assessment=assessment, reason=DecisionReason.EDGE_REPLICA)
    reason = prohibition(facts, policy)
    suspected = assessment.verdict is Verdict.SUSPECTED
    if reason is None and suspected and policy.response is Response.NOTIFY:
        reason = DecisionReason.RESPONSE_IS_NOTIFY
    if reason is None and facts.kind is FunctionKind.MANAGED_INSTANCES and not facts.scaling:
        reason = DecisionReason.SCALING_UNKNOWN
    if reason is None and view.blast_radius_reached:
        reason = DecisionReason.BLAST_RADIUS
    return None if reason is None else Notify(assessment=assessment, reason=reason)


# What was decided about an incident of which people were told because it could not be held.
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


def _was_told_in_vain(incident: Incident | None, assessment: Assessment, policy: Policy) -> bool:
    """Whether people had their time to look at a loop that runs and cannot be held."""
    return (
        incident is not None
        and incident.state is IncidentState.NOTIFIED
        and incident.decided in _NOT_HELD
        and assessment.at - incident.opened_at >= policy.patience
    )


def _stop(
    assessment: Assessment, facts: FunctionFacts, policy: Policy, incident: Incident | None
) -> Decision:
    if assessment.verdict is Verdict.RUNAWAY:
        return Contain(assessment=assessment, reason=DecisionReason.RUNAWAY)
    if policy.response is Response.THROTTLE and assessment.is_shaped:
        return Contain(assessment=assessment, reason=DecisionReason.SUSPECTED)
    is_certain = assessment.has(Reason.LOOP_PROVEN)
    if is_certain and _was_told_in_vain(incident, assessment, policy):
        return Contain(assessment=assessment, reason=DecisionReason.STILL_SUSPECTED)
    if facts.kind is FunctionKind.MANAGED_INSTANCES:
        return Notify(assessment=assessment, reason=DecisionReason.NO_CAP_FOR_INSTANCES)
    return Hold(assessment=assessment, reason=DecisionReason.SUSPECTED)
