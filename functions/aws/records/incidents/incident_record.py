"""Incidents as attributes of the ledger's items, and back."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Final

from functions.aws.records.items import MOST_BYTES, fits, pack
from functions.domain.incidents.incident import Incident
from functions.domain.notices.outbox import LEAST_LEFT, shorten_outbox
from functions.domain.record_format import RecordFormat

if TYPE_CHECKING:
    from functions.aws.records.items import Item
    from functions.domain.notices.outbox import OutboxNotice

_SHORTEST_DETAIL: Final = 40


def pack_incident(incident: Incident) -> Item:
    """The record of an incident as an attribute: as text or, where that is too long, compressed.

    A function may have thousands of mappings, and restoring needs each of them. What does not fit
    even so is cut as `dump_incident` says.

    Raises
    ------
    RecordTooLargeError
        When that is not enough.
    """
    text = INCIDENT_RECORD.dump(incident)
    if _count_bytes(text) > MOST_BYTES and not fits(text):
        text = dump_incident(incident)
    return {"S": text} if _count_bytes(text) <= MOST_BYTES else pack(text)


def dump_incident(incident: Incident) -> str:
    """The record of an incident, no longer than `MOST_BYTES`.

    What does not fit is cut from the notices: first from those that are sent, then from the
    longest; then from what AWS said of the steps; then from the notices once more. Everything that
    restoring needs stays.
    """
    text = INCIDENT_RECORD.dump(incident)
    while (excess := _count_bytes(text) - MOST_BYTES) > 0:
        shorter = (
            _with_shorter_notices(incident, excess)
            or _with_shorter_details(incident)
            or _with_shorter_notices(incident, excess, LEAST_LEFT)
        )
        if shorter is None:
            break
        incident = shorter
        text = INCIDENT_RECORD.dump(incident)
    return text


@functools.lru_cache(maxsize=64)
def load_incident(text: str) -> Incident:
    """Read a record. Each pulse of a warm process finds most of them unchanged.

    Raises
    ------
    UnreadableRecordError
        When it is no record, or one of a later version.
    """
    return INCIDENT_RECORD.load(text)


def _upgrade(incident: dict[str, Any]) -> dict[str, Any]:
    """A record of any version up to this one, with what its fields meant in this one's terms.

    Records of a time when only the first reservation's moment was kept say when a function was
    stopped only where it was not capped first.
    """
    if "stopped_at" in incident or any(one > 0 for one in incident.get("written", ())):
        return incident
    return {**incident, "stopped_at": incident.get("contained_at")}


INCIDENT_RECORD: Final = RecordFormat(name="incident", shape=Incident, upgrade=_upgrade)


def _count_bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _with_shorter_notices(incident: Incident, excess: int, *left: int) -> Incident | None:
    """The incident with as many notices cut as may be enough; ``None`` where all are short."""
    outbox, spared = incident.outbox, 0
    while spared < excess and (shorter := shorten_outbox(outbox, *left)) is not None:
        outbox = shorter
        spared = sum(
            _count_notice_bytes(a) - _count_notice_bytes(b)
            for a, b in zip(incident.outbox, outbox, strict=True)
        )
    return dataclasses.replace(incident, outbox=outbox) if spared else None


def _count_notice_bytes(notice: OutboxNotice) -> int:
    """The bytes of its text and of the facts of its event."""
    facts = "" if notice.twin is None else notice.twin.event.facts
    return _count_bytes(notice.body) + _count_bytes(facts)


def _with_shorter_details(incident: Incident) -> Incident | None:
    if all(
        len(one.detail) + len(one.restored_detail) <= _SHORTEST_DETAIL for one in incident.steps
    ):
        return None
    steps = tuple(
        dataclasses.replace(
            one,
            detail=one.detail[: _SHORTEST_DETAIL // 2],
            restored_detail=one.restored_detail[: _SHORTEST_DETAIL // 2],
        )
        for one in incident.steps
    )
    return dataclasses.replace(incident, steps=steps)
