"""Incidents as text for the ledger, and back.

A record is JSON: a version, then the incident in its plain form (`functions.domain.plain_form`).
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

from functions.domain.errors import LedgerUnavailableError
from functions.domain.incidents.incident import Incident, NoticeStatus
from functions.domain.plain_form import from_plain, to_plain

if TYPE_CHECKING:
    from functions.domain.incidents.incident import OutboxNotice

RECORD_VERSION: Final = 1
# DynamoDB takes 400 KB an item, names and the other attributes included.
MOST_RECORD_BYTES: Final = 350_000
CUT: Final = "\n[cut to fit the ledger]"
_SHORTEST_BODY: Final = 200
_SHORTEST_DETAIL: Final = 40


class UnreadableRecordError(LedgerUnavailableError):
    """When the ledger holds a record that this version cannot read."""


def dump_incident(incident: Incident, most_bytes: int = MOST_RECORD_BYTES) -> str:
    """The record of an incident, no longer than `most_bytes`.

    What does not fit is cut from the notices: first from those that are sent, then from the
    longest; and then from what AWS said of the steps. Everything that restoring needs stays.
    """
    text = _dump(incident)
    while (excess := _bytes(text) - most_bytes) > 0:
        shorter = _with_shorter_notices(incident, excess) or _with_shorter_details(incident)
        if shorter is None:
            break
        incident = shorter
        text = _dump(incident)
    return text


def load_incident(text: str) -> Incident:
    """Read a record.

    Raises
    ------
    UnreadableRecordError
        When it is no record, or one of a later version.
    """
    try:
        record = json.loads(text)
        version = record["record"]
        if version > RECORD_VERSION:
            raise UnreadableRecordError(
                f"the record is of version {version}, this code reads up to {RECORD_VERSION}"
            )
        return from_plain(Incident, _upgraded(record["incident"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecordError(
            f"not a record of an incident: {type(error).__name__} {error}: {text[:200]!r}"
        ) from error


def _upgraded(incident: dict[str, Any]) -> dict[str, Any]:
    """A record of any version up to this one, with what its fields meant in this one's terms.

    Records of a time when only the first reservation's moment was kept say when a function was
    stopped only where it was not capped first.
    """
    if "stopped_at" in incident or any(one > 0 for one in incident.get("written", ())):
        return incident
    return {**incident, "stopped_at": incident.get("contained_at")}


def _dump(incident: Incident) -> str:
    return json.dumps(
        {"record": RECORD_VERSION, "incident": to_plain(incident)},
        ensure_ascii=False,
        separators=(",", ":"),
    )


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
