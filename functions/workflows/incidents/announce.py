"""Sending the notices that incidents carry: each is written down with its transition first.

SNS has no way to tell whether it took a message whose answer was lost. A notice is claimed in the
ledger before it is sent and marked after; a run that dies in between leaves it claimed, and once
the claim has aged it is sent again, marked as a repeat. Better twice than never.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from functions.domain.detection.evidence import TriggerKind
from functions.domain.errors import NoticeUndeliveredError
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.outbox import NoticeStatus
from functions.domain.incidents.snapshot import EventRoutes
from functions.domain.incidents.states import Transition
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.layout import mark_as_repeated
from functions.domain.notices.notice import Notice, NoticeContext
from functions.workflows.incidents.context import Context

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
        incident = replace(incident, routes=_routes(incident, context))
    notice = compose_notice(transition, incident, replace(context, **about), now)
    return incident.with_notice(transition, notice.subject, notice.body)


def _routes(incident: Incident, context: NoticeContext) -> EventRoutes:
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
    for notice in incident.due_notices(world.present(now)):
        is_repeat = notice.status is NoticeStatus.CLAIMED
        # By the clock: a claim that is as old as a long run would be over when it is written.
        claimed_at = world.present(now)
        incident = world.ledger.save(
            incident.with_notice_status(notice.id, NoticeStatus.CLAIMED, claimed_at)
        )
        text = Notice(subject=notice.subject, body=notice.body)
        if is_repeat:
            text = mark_as_repeated(text)
        try:
            world.publisher.publish(text.subject, text.body)
        except NoticeUndeliveredError:
            incident = world.ledger.save(
                incident.with_notice_status(notice.id, NoticeStatus.PENDING, claimed_at)
            )
            continue
        incident = world.ledger.save(incident.with_notice_status(notice.id, NoticeStatus.SENT))
    if incident.is_closed and incident.is_settled:
        world.ledger.file_away(incident)
    return incident
