"""The steps of a probation, written into an incident before any of them is carried out."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import UNFINISHED, StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EventSourceMapping,
    LimitMapping,
    StepOutcome,
)
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.holding.sources import SourceKey, find_kind, list_polled
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.steps.limit_steps import find_prior_limit, plan_limit
from functions.domain.probation.record import (
    LEAST,
    LEAST_FOR_QUEUES,
    MOST_STAGES,
    Probation,
    ProbationPhase,
)

# What is surest to show a loop is let go first: nothing else has run by then.
_SUREST_FIRST: Final = (
    LoopProof.CERTAIN,
    LoopProof.POSSIBLE,
    LoopProof.UNKNOWN,
    LoopProof.RULED_OUT,
)
LET_GO: Final = frozenset({StepStatus.PLANNED, StepStatus.DONE, StepStatus.ALREADY})


def find_obstacle(incident: Incident) -> str:
    """Why a function cannot be put on probation, as a clause; empty where it can."""
    if incident.is_on_instances:
        return (
            "it runs on Lambda Managed Instances, where each environment takes several events at a"
            " time"
        )
    if incident.watch is not None and incident.watch.plan.is_for_callers:
        return "its callers are limited for some minutes only, and a probation would refuse more"
    if incident.state not in {IncidentState.CONTAINED, IncidentState.CAPPED}:
        return "its stop is not complete yet, ask again in two minutes"
    if incident.reservation is None and not incident.is_paused:
        return "nothing of it is held"
    return ""


def needs_no_probation(incident: Incident) -> bool:
    """Whether as little ran before the incident as a probation would let run, or less."""
    return not incident.is_paused and incident.prior == 0


def plan_probation(
    incident: Incident, loops: Mapping[SourceKey, LoopProof], now: datetime
) -> Incident:
    """The incident with the first step of a probation written down.

    Parameters
    ----------
    loops
        On which loops its sources lie, by the event graph.
    """
    held = _list_held(incident)
    is_paused = incident.is_paused
    concurrency = None
    if not is_paused:
        has_queue = any(find_kind(one.source_arn) is SourceKind.QUEUE for one in held)
        concurrency = LEAST_FOR_QUEUES if has_queue else LEAST
        if incident.prior is not None:
            concurrency = max(LEAST, min(concurrency, incident.prior))
    probation = Probation(
        begun_at=now,
        before=None if is_paused else _find_reservation(incident),
        found=None if is_paused else incident.target,
        was_stopped=incident.state is IncidentState.CONTAINED,
        concurrency=concurrency,
        stages=min(MOST_STAGES, len(held)),
        phase=ProbationPhase.LET_GO,
        since=now,
    )
    begun = replace(incident.to(IncidentState.CAPPING, now), probation=probation)
    if concurrency is not None:
        begun = begun.with_reservation(concurrency, incident.prior)
    for one in incident.steps:  # a trial may have let some go already, by more
        if isinstance(one.step, DisableMapping) and one.restored in LET_GO:
            begun = _limit(begun, one.step)
    return plan_next(begun, loops, is_last=len(held) == 1)


def _find_reservation(incident: Incident) -> int:
    """What is reserved while it is held, also where its trial has just let a little go."""
    if incident.watch is not None and incident.state is IncidentState.CAPPED:
        return incident.watch.plan.cap or 0
    return incident.target or 0


def plan_next(
    incident: Incident, loops: Mapping[SourceKey, LoopProof], *, is_last: bool
) -> Incident:
    """The incident with the next mapping to be let go, or with all that are left."""
    held = sorted(_list_held(incident), key=lambda one: _rank(one, incident.function_arn, loops))
    planned = incident
    for step in held if is_last else held[:1]:
        planned = _limit(planned, step).with_restored(step, StepStatus.PLANNED)
    return planned


def _limit(incident: Incident, step: DisableMapping) -> Incident:
    """The incident with the limit of a mapping written down that polls a queue."""
    is_queue = find_kind(step.source_arn) is SourceKind.QUEUE
    if not is_queue or find_prior_limit(incident, step.uuid) == LEAST_FOR_QUEUES:
        return incident
    return plan_limit(incident, step, LEAST_FOR_QUEUES)


def has_more_held(incident: Incident) -> bool:
    """Whether a mapping is still to be let go."""
    return bool(_list_held(incident))


def count_let_go(incident: Incident) -> int:
    """How many of its mappings are let go."""
    return sum(
        isinstance(one.step, DisableMapping) and one.restored in LET_GO for one in incident.steps
    )


def plan_holding_again(incident: Incident, disabled: Collection[str] = ()) -> Incident:
    """The incident with everything that was let go to be held as before, written down.

    Parameters
    ----------
    disabled
        Mappings that somebody has disabled meanwhile: they stay as that person wants.
    """
    before = None if incident.probation is None else incident.probation.before
    return _plan_holding(incident, before, disabled)


def _plan_holding(
    incident: Incident, reserved: int | None, disabled: Collection[str] = ()
) -> Incident:
    held = incident if reserved is None else incident.with_reservation(reserved, incident.prior)
    for one in incident.steps:
        step = one.step
        is_let_go = isinstance(step, DisableMapping) and one.restored in LET_GO
        if is_let_go and isinstance(step, DisableMapping) and step.uuid not in disabled:
            held = held.with_step(StepOutcome(step=step))
    return held


def keep_held(incident: Incident) -> Incident:
    """The incident with the mappings held that were about to be let go.

    A limit of theirs may be in force, and one of them may be enabled: a run may have died after it
    had done that, and AWS may have refused to tell. So each limit is kept as one that is to be put
    back, and each mapping is to be disabled once more if it is to be held again.
    """
    steps: list[StepOutcome] = []
    for one in incident.steps:
        if isinstance(one.step, LimitMapping) and one.status in UNFINISHED:
            steps.append(replace(one, status=StepStatus.DONE, detail=""))
        elif isinstance(one.step, DisableMapping) and one.restored is StepStatus.PLANNED:
            steps.append(StepOutcome(step=one.step))
        else:
            steps.append(one)
    return replace(incident, steps=tuple(steps))


def plan_undoing(incident: Incident) -> Incident:
    """The incident after AWS refused the first step of a probation, to be held as it was found."""
    found = None if incident.probation is None else incident.probation.found
    return keep_held(_plan_holding(incident, found))


def _list_held(incident: Incident) -> tuple[DisableMapping, ...]:
    return tuple(
        one.step
        for one in incident.steps
        if isinstance(one.step, DisableMapping)
        and one.status in {StepStatus.DONE, StepStatus.FAILED, StepStatus.PLANNED}
        and one.restored is None
    )


def _rank(
    step: DisableMapping, function_arn: str, loops: Mapping[SourceKey, LoopProof]
) -> tuple[int, str, str]:
    mapping = EventSourceMapping(uuid=step.uuid, source_arn=step.source_arn, enabled=True)
    polled = list_polled((mapping,), function_arn)
    proofs = [loops.get((one.kind, one.name), LoopProof.UNKNOWN) for one in polled]
    rank = min((_SUREST_FIRST.index(one) for one in proofs), default=len(_SUREST_FIRST))
    return rank, step.source_arn, step.uuid
