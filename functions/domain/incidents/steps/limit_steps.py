"""The limit of a mapping through which a little is let go."""

from functions.domain.changes.steps import DisableMapping, LimitMapping, StepOutcome
from functions.domain.incidents.incident import Incident


def plan_limit(incident: Incident, mapping: DisableMapping, to: int) -> Incident:
    """The incident with a limit of a mapping written down, before anything is limited.

    What was there before the guard's first limit is kept, and with it each limit that the guard may
    have written since: one of them may still be in force.

    Parameters
    ----------
    to
        How many executions at a time, within AWS's bounds.
    """
    limit = _find_known(incident, mapping.uuid)
    if limit is None:
        limit = LimitMapping(
            function=mapping.function,
            uuid=mapping.uuid,
            source_arn=mapping.source_arn,
            to=to,
            prior=find_prior_limit(incident, mapping.uuid),
        )
    else:
        limit = limit.changed_to(to)
    return incident.with_step(StepOutcome(step=limit))


def find_prior_limit(incident: Incident, uuid: str) -> int | None:
    """The limit that a mapping had before the incident; ``None`` for none."""
    mappings = () if incident.snapshot is None else incident.snapshot.mappings or ()
    return next((one.maximum_concurrency for one in mappings if one.uuid == uuid), None)


def _find_known(incident: Incident, uuid: str) -> LimitMapping | None:
    for one in incident.steps:
        if isinstance(one.step, LimitMapping) and one.step.uuid == uuid:
            return one.step
    return None
