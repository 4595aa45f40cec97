"""Incidents as text for the ledger, and back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from functions.aws.records.items import MOST_BYTES
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.outbox import NoticeStatus
from functions.domain.record_format import RecordFormat

if TYPE_CHECKING:
    from functions.domain.incidents.outbox import OutboxNotice

CUT: Final = "\n[cut to fit the ledger]"
_SHORTEST_BODY: Final = 200
_SHORTEST_DETAIL: Final = 40


def dump_incident(incident: Incident, most_bytes: int = MOST_BYTES) -> str:
    """The record of an incident, no longer than `most_bytes`.

    What does not fit is cut from the notices: first from those that are sent, then from the
    longest; and then from what AWS said of the steps. Everything that restoring needs stays.
    """
    text = INCIDENT_RECORD.dump(incident)
    while (excess := _bytes(text) - most_bytes) > 0:
        shorter = _with_shorter_notices(incident, excess) or _with_shorter_details(incident)
        if shorter is None:
            break
        incident = shorter
        text = INCIDENT_RECORD.dump(incident)
    return text


def load_incident(text: str) -> Incident:
    """Read a record.

    Raises
    ------
    UnreadableRecordError
        When it is no record, or one of a later version.
    """
    return INCIDENT_RECORD.load(text)


def _upgraded(incident: dict[str, Any]) -> dict[str, Any]:
    """A record of any version up to this one, with what its fields meant in this one's terms.

    Records of a time when only the first reservation's moment was kept say when a function was
    stopped only where it was not capped first.
    """
    if "stopped_at" in incident or any(one > 0 for one in incident.get("written", ())):
        return incident
    return {**incident, "stopped_at": incident.get("contained_at")}


INCIDENT_RECORD: Final = RecordFormat(name="incident", shape=Incident, upgrade=_upgraded)


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _with_shorter_notices(incident: Incident, excess: int) -> Incident | None:
    """The incident with as many notices cut as may be enough; ``None`` where all are short."""
    cut: Incident | None = None
    while excess > 0:
        shorter = _with_shorter_notice(cut or incident)
        if shorter is None:
            break
        before = sum(_bytes(one.body) for one in (cut or incident).outbox)
        excess -= before - sum(_bytes(one.body) for one in shorter.outbox)
        cut = shorter
    return cut


def _with_shorter_notice(incident: Incident) -> Incident | None:
    def order(notice: OutboxNotice) -> tuple[bool, int]:
        return notice.status is NoticeStatus.SENT, len(notice.body)

    candidates = [one for one in incident.outbox if len(one.body) > _SHORTEST_BODY]
    if not candidates:
        return None
    longest = max(candidates, key=order)
    keep = max(_SHORTEST_BODY - len(CUT), len(longest.body) // 2 - len(CUT))
    if longest.status is NoticeStatus.SENT:
        keep = _SHORTEST_BODY - len(CUT)
    shorter = dataclasses.replace(longest, body=longest.body[:keep] + CUT)
    outbox = tuple(shorter if one is longest else one for one in incident.outbox)
    return dataclasses.replace(incident, outbox=outbox)


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
