"""The notices of incidents: each is written down with its transition, then sent."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from functions.domain.detection.evidence import TriggerKind
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.snapshot import EventRoutes
from functions.domain.incidents.states import Transition
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.outbox import is_settled
from functions.workflows.incidents.context import Context
from functions.workflows.notices.deliver import deliver_due

_MOST_OF_A_KIND = 10


def announce(
    incident: Incident, transition: Transition, world: Context, now: datetime, **about: Any
) -> Incident:
    """The incident with the notice of a transition in its outbox; the caller saves it.

    Parameters
    ----------
    about
        Further fields of `NoticeContext`.
    """
    incident, context = world.look_around(incident)
    if transition is Transition.CONTAINED:
        incident = replace(incident, routes=_read_routes(incident, context))
    notice = compose_notice(transition, incident, replace(context, **about), now)
    return incident.with_notice(transition, notice.subject, notice.body, notice.event)


def _read_routes(incident: Incident, context: NoticeContext) -> EventRoutes:
    known = context.triggers
    kept = [
        trigger
        for kind in TriggerKind
        for trigger in [one for one in known or () if one.kind is kind][:_MOST_OF_A_KIND]
    ]
    target = incident.async_target_arn or ("" if context.is_async_target_known else None)
    return EventRoutes(triggers=None if known is None else tuple(kept), async_target_arn=target)


def deliver(incident: Incident, world: Context, now: datetime) -> Incident:
    """Send the notices that are due, then file a closed incident away.

    A notice that SNS does not take stays in the outbox for the next pulse, and then for later ones.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the ledger does.
    """
    incident = deliver_due(
        incident,
        world.ledger.save,
        world.publisher,
        lambda: world.present(now),
        world.events.sinks,
    )
    world.events.keep(incident.id, incident, lambda one: _save_events(one, world))
    if incident.is_closed and is_settled(incident):
        world.ledger.file_away(incident)
    return incident


def _save_events(incident: Incident, world: Context) -> Incident:
    """Write what became of the events; with the last of them a closed incident is filed away."""
    saved = world.ledger.save(incident)
    if saved.is_closed and is_settled(saved):
        world.ledger.file_away(saved)
    return saved
