"""Putting a held function on probation, instead of restoring it at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.domain.detection.evidence import FunctionFacts, LoopProof
from functions.domain.holding.sources import SourceKey, key_of
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState
from functions.domain.probation.steps import find_obstacle, needs_no_probation, plan_probation
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.context import Context

_HELD: Final = frozenset({IncidentState.CONTAINED, IncidentState.CAPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPossible:
    """A function that cannot be put on probation, and stays as it is."""

    why: str


def is_restored_at_once(incident: Incident, facts: FunctionFacts | None, world: Context) -> bool:
    """Whether a function that is to be on probation is restored at once instead.

    Nothing of it is held any more, or the guard must not hold it again, or what runs before the
    guard's first change is as little.

    Raises
    ------
    RefusedError, BusyError, FunctionNotFoundError
        As the port does.
    """
    if facts is None or facts.tags.get(EXEMPT_TAG, "").strip().lower() == "true":
        return True
    if incident.state in {IncidentState.RELEASED, IncidentState.RESTORING}:
        return True
    if needs_no_probation(incident):
        return True
    if incident.reservation is None or incident.state is IncidentState.CONTAINING:
        return False
    present = world.functions.reserved_concurrency(incident.function)
    return present not in incident.ours


def begin_probation(incident: Incident, world: Context, now: datetime) -> Incident | NotPossible:
    """Let a little of a held function go, and write down that it is watched.

    Parameters
    ----------
    incident
        As stored in the ledger; one that is on probation already is left as it is.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the ledger does.
    """
    if incident.is_on_probation:
        return incident
    obstacle = find_obstacle(incident)
    if obstacle:
        return NotPossible(why=obstacle)
    begun = incident.taken_over().accepted(Attempt.CAP)
    # By a clock that may be behind the one that wrote the record.
    at = max(now, incident.updated_at)
    begun = plan_probation(begun, find_loops(incident.function, world), at)
    after = contain(world.ledger.save(begun.leased(world.present(now))), world, now)
    if after.is_on_probation or after.state not in _HELD:
        return after  # or somebody has released it meanwhile, or it does not exist any more
    words = "; ".join(one for refusal in after.refusals for one in refusal.told[-1:])
    return NotPossible(why=f"AWS says: {words}")


def find_loops(function: str, world: Context) -> Mapping[SourceKey, LoopProof]:
    """On which loops the sources of a function lie, as the event graph has it."""
    return {key_of(one): one.loop for one in world.loops.find_sources(function)}
