"""Taking a containment that was done without the ledger into the ledger, out of its tag."""

from dataclasses import replace
from datetime import datetime

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    ProvisionedConcurrency,
    PutBackProvisioned,
    RemoveProvisioned,
)
from functions.domain.detection.assessment import Assessment, Verdict
from functions.domain.detection.evidence import FunctionFacts
from functions.domain.errors import StaleIncidentError
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.history import WHATEVER_CLOSED
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.ports import AlreadyOpen, BlastRadius, Ledger, Opened
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.incidents.steps.given_up import leave_as_found
from functions.domain.incidents.steps.provisioned_steps import add_removed
from functions.domain.incidents.succession import succeed
from functions.domain.incidents.tags.snapshot import TaggedSnapshot
from functions.workflows.holding.stop_held import end_probation
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.perform_steps import undo

_AT_ZERO = frozenset({IncidentState.CONTAINING, IncidentState.CONTAINED})
_JUST_OPENED = 1  # the version of an incident that was written once
_UNDER_A_CAP = frozenset({IncidentState.CAPPING, IncidentState.CAPPED})


def adopt(
    facts: FunctionFacts,
    tagged: TaggedSnapshot,
    world: Context,
    now: datetime,
    *,
    blast_radius: BlastRadius | None = None,
) -> Incident | None:
    """The incident of a function that was stopped without the ledger, as the ledger has it now.

    What was reserved before the guard's *first* change is what counts. A tag that was written
    while the guard's own cap was in force holds that cap: the open incident knows better.

    Parameters
    ----------
    facts
        Of the function, just read, at a reservation of 0.
    blast_radius
        In which it takes a place, where there is one: not binding. ``None`` for no place.

    Returns
    -------
    Incident | None
        In `CONTAINING`, held by this run; ``None`` where the ledger has all that the tag says.

    Raises
    ------
    StaleIncidentError
        When another run works on the function: the tag must stay until its snapshot is recorded.
    LedgerUnavailableError
        As the ledger does.
    """
    known, is_new = _open(facts, tagged, world, now, blast_radius=blast_radius)
    if is_new:
        return _add_removed(known, tagged, world, is_newest=True)
    return _adopt_over(known, facts, tagged, world, now, blast_radius=blast_radius)


def _open(
    facts: FunctionFacts,
    tagged: TaggedSnapshot,
    world: Context,
    now: datetime,
    *,
    blast_radius: BlastRadius | None = None,
) -> tuple[Incident, bool]:
    """The open incident of the function, and whether it was opened here.

    What is true already is written down, whatever was before. An incident of a later version was
    opened by the run that wrote the tag, which did not hear of it.

    Raises
    ------
    StaleIncidentError
        When another run works on the function.
    LedgerUnavailableError
        As the ledger does.
    """
    incident = adopted(facts, tagged, world, now)
    opening = world.ledger.open(incident, blast_radius, known_until=WHATEVER_CLOSED)
    if not isinstance(opening, Opened | AlreadyOpen):
        raise StaleIncidentError(f"another run works on {facts.name}")
    known = opening.incident
    is_new = isinstance(opening, Opened) and known.version == _JUST_OPENED
    if not is_new and known.is_leased(world.present(now)):
        raise StaleIncidentError(f"another run works on incident {known.id}")
    return known, is_new


def adopted(
    facts: FunctionFacts, tagged: TaggedSnapshot, world: Context, now: datetime
) -> Incident:
    """A new incident that records what the tag says was done."""
    opened = Incident(
        id=incident_id(facts.name, tagged.at),
        function=facts.name,
        function_arn=facts.arn,
        state=IncidentState.NOTIFIED,
        opened_at=tagged.at,
        updated_at=tagged.at,
        assessment=Assessment(
            function=facts.name, verdict=Verdict.RUNAWAY, at=tagged.at, grounds=(), since=tagged.at
        ),
        decided=DecisionReason.RUNAWAY,
        memory_mb=facts.memory_mb,
        timeout_seconds=facts.timeout_seconds,
        architecture=facts.architecture,
        async_target_arn=facts.async_target_arn,
        is_durable=facts.is_durable,
    )
    return _record_stop(opened, tagged, world, now)


def was_closed_since(facts: FunctionFacts, tagged: TaggedSnapshot, ledger: Ledger) -> bool:
    """Whether the stop in the tag was recorded, and its incident closed since.

    Then the tag is out of date, whoever put it there: its incident must not begin anew. A later
    stop that knew nothing of what this one had taken away has not recorded it.

    Raises
    ------
    LedgerUnavailableError
        As the ledger does.
    """
    return any(
        one.stopped_at is not None and one.stopped_at >= tagged.at and _knows_removed(one, tagged)
        for one in ledger.read_closed(facts.name, tagged.at)
    )


def _knows_removed(incident: Incident, tagged: TaggedSnapshot) -> bool:
    return not list_unrecorded(incident, tagged)


def list_unrecorded(
    incident: Incident, tagged: TaggedSnapshot
) -> tuple[ProvisionedConcurrency, ...]:
    """What was taken away to make room for the stop of a tag, and no incident knows of."""
    known = {
        one.step.qualifier for one in incident.steps if isinstance(one.step, RemoveProvisioned)
    }
    return tuple(one for one in tagged.provisioned if one.qualifier not in known)


def put_back_removed(facts: FunctionFacts, tagged: TaggedSnapshot, world: Context) -> None:
    """Put back what was taken away to make room for a reservation of 0 that is not in force.

    Raises
    ------
    RefusedError, BusyError, FunctionNotFoundError
        As AWS answers.
    """
    for one in tagged.provisioned:
        step = PutBackProvisioned(
            function=facts.name, qualifier=one.qualifier, requested=one.requested
        )
        undo(step, (), world.functions)


def record_removed(
    facts: FunctionFacts, tagged: TaggedSnapshot, world: Context, now: datetime
) -> None:
    """Keep in the ledger what could not be put back of a function that somebody has released.

    Raises
    ------
    StaleIncidentError
        When another run works on the function.
    LedgerUnavailableError
        As the ledger does.
    """
    known, is_new = _open(facts, tagged, world, now)
    if not is_new and known.state is not IncidentState.NOTIFIED:
        is_newest = known.opened_at.replace(microsecond=0) <= tagged.at
        _add_removed(known, tagged, world, is_newest=is_newest)
        return
    held = known if is_new else _record_stop(known, tagged, world, now)
    left = add_removed(held, tagged.provisioned, is_newest=True)
    released = leave_as_found(left, facts.reserved_concurrency, now)
    told = announce(released, Transition.RELEASED, world, now, found=released.released_to)
    deliver(world.ledger.save(told), world, now)


def _record_stop(
    incident: Incident, tagged: TaggedSnapshot, world: Context, now: datetime
) -> Incident:
    held = incident.to(IncidentState.CONTAINING, now).with_reservation(
        0, tagged.reserved_concurrency
    )
    if tagged.provisioned:
        held = held.with_provisioned(tagged.provisioned)
        for outcome in held.left_beside:
            held = held.with_outcome(outcome.step, StepStatus.DONE)
    stopped = replace(held, contained_at=tagged.at, stopped_at=tagged.at)
    return stopped.leased(world.present(now))


def _adopt_over(
    known: Incident,
    facts: FunctionFacts,
    tagged: TaggedSnapshot,
    world: Context,
    now: datetime,
    *,
    blast_radius: BlastRadius | None,
) -> Incident | None:
    """What the tag adds to an incident that is known already."""
    if known.is_closed:
        return None
    if known.state is IncidentState.NOTIFIED:
        return world.ledger.save(_record_stop(known, tagged, world, now))
    is_stamped_before = known.opened_at.replace(microsecond=0) > tagged.at
    is_older = is_stamped_before and not _came_second(known, facts, tagged, world.ledger)
    if is_older or _is_recorded(known, tagged):
        _add_removed(known, tagged, world, is_newest=not is_older)
        return None
    is_released = known.state is IncidentState.RELEASED
    # Once somebody was seen to have released it, what is reserved is theirs.
    is_theirs = is_released and (known.released_at is None or tagged.at > known.released_at)
    is_ours = not is_theirs and tagged.reserved_concurrency in known.ours
    prior = known.prior if is_ours else tagged.reserved_concurrency
    if prior == known.prior and known.state in _AT_ZERO:
        _add_removed(known, tagged, world, is_newest=True)
        return None  # its stop is recorded, or is being recorded
    if prior == known.prior and known.state in _UNDER_A_CAP and not tagged.provisioned:
        # It was capped, and its stop could not be recorded: the same trouble, the same snapshot.
        stopping = (
            end_probation(known, world).to(IncidentState.CONTAINING, now).with_reservation(0, prior)
        )
        stopped = replace(
            stopping, contained_at=known.contained_at or tagged.at, stopped_at=tagged.at
        )
        return world.ledger.save(stopped.leased(world.present(now)))
    # It was released and stopped again while the ledger was away: what was there in between is
    # what a restore must bring back.
    true = replace(tagged, reserved_concurrency=prior)
    new = succeed(known, adopted(facts, true, world, now), world.functions)
    old = known if is_released else known.to(IncidentState.RELEASED, now)
    # No place is insisted on: the function is stopped already, and a refusal would leave the only
    # true snapshot in a tag.
    opening = world.ledger.supersede(old.to(IncidentState.SUPERSEDED, now), new, blast_radius)
    if not isinstance(opening, Opened):
        raise StaleIncidentError(f"another run works on {facts.name}")
    if opening.incident.version != _JUST_OPENED:
        raise StaleIncidentError(f"another run has taken the tag of {facts.name} over")
    return opening.incident


def _came_second(
    known: Incident, facts: FunctionFacts, tagged: TaggedSnapshot, ledger: Ledger
) -> bool:
    """Whether the 0 that is in force is the tag's, and was written over the cap of the incident.

    A tag has the moment at which its run decided. A run that is slow after that may stop the
    function when another one has begun to hold it, which does not know of a 0.
    """
    return (
        facts.reserved_concurrency == 0
        and known.state in _UNDER_A_CAP
        and 0 not in known.ours
        and tagged.reserved_concurrency in {known.prior, *known.ours}
        and not was_closed_since(facts, tagged, ledger)
    )


def _add_removed(
    known: Incident, tagged: TaggedSnapshot, world: Context, *, is_newest: bool
) -> Incident:
    """Record what was taken away to make room for the stop, where only the tag knows it.

    Parameters
    ----------
    is_newest
        Whether it was taken away after the incident was opened: somebody may have requested it
        since the incident's own removal.
    """
    added = add_removed(known, tagged.provisioned, is_newest=is_newest)
    return known if added == known else world.ledger.save(added)


def _is_recorded(known: Incident, tagged: TaggedSnapshot) -> bool:
    """Whether the tag is of this incident's own stop: tags are exact to the second."""
    return known.stopped_at is not None and tagged.at <= known.stopped_at
