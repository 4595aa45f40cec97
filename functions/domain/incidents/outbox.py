"""The notices of an incident."""

from dataclasses import dataclass
from typing import Final

from functions.domain.incidents.states import Transition
from functions.domain.notices.outbox import NoticeStatus, OutboxNotice

# Notices that are sent stay in the record up to this number, unsent ones up to that.
_MOST_SENT: Final = 20
_MOST_UNSENT: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentNotice(OutboxNotice):
    """A notice that was written down together with the transition that it reports."""

    transition: Transition


def number_of(notice_id: str) -> int:
    """Which notice of its transition it is, counted from 1."""
    number = notice_id.rpartition("/")[2].rpartition("-")[2]
    return int(number) if number.isdigit() else 1


def trim_outbox(outbox: tuple[IncidentNotice, ...]) -> tuple[IncidentNotice, ...]:
    """The outbox within its limits: a record has to fit into the ledger, whatever happens.

    The newest notice of each transition stays: it shows that people were notified.
    """
    newest = {one.transition: one.id for one in outbox}
    sent = [one.id for one in outbox if one.status is NoticeStatus.SENT]
    unsent = [one.id for one in outbox if one.status is not NoticeStatus.SENT]
    kept = {*sent[-_MOST_SENT:], *unsent[-_MOST_UNSENT:], *newest.values()}
    return tuple(one for one in outbox if one.id in kept)
