"""What the partition of the live records holds beside incidents, and all of it read at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the fields of an outage are read from it
from typing import TYPE_CHECKING, Final

from functions.aws.records.incidents.incident_items import INCIDENT, LIVE, PAST, UNSENT, load
from functions.aws.records.items import (
    build_key,
    format_moment,
    read_item,
    read_text,
    write_expiry,
    write_moment,
)
from functions.aws.records.writes import PutItem
from functions.aws.runtime.observability import logger
from functions.domain.incidents.history import OUTAGES_KEPT, LiveLedger, PastIncident
from functions.domain.pulse.memory import PulseMemory
from functions.domain.record_format import UnreadableRecordError
from functions.domain.serialization import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.aws.records.items import Item
    from functions.domain.incidents.incident import Incident

_PULSE: Final = "pulse"
_OUTAGE: Final = "outage#"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outage:
    """A period in which a process could not reach the table."""

    since: datetime
    until: datetime


def put_outage(since: datetime, until: datetime) -> PutItem:
    """An outage that is over, for the other processes."""
    item = {
        **build_key(LIVE, f"{_OUTAGE}{format_moment(since)}"),
        "since": write_moment(since),
        "until": write_moment(until),
        "expires_at": write_expiry(until + OUTAGES_KEPT),
    }
    return PutItem(item=item)


def put_pulse(memory: PulseMemory) -> PutItem:
    """What the pulse remembers."""
    item = {
        **build_key(LIVE, _PULSE),
        "level_per_minute": {"N": repr(float(memory.level_per_minute))},
        "looks": {"N": str(memory.looks)},
    }
    if memory.looked_at is not None:
        item["looked_at"] = write_moment(memory.looked_at)
    if memory.swept_to:
        item["swept_to"] = {"S": memory.swept_to}
    if memory.watch_until is not None:
        item["watched"] = {"L": [{"S": name} for name in memory.watched]}
        item["watch_until"] = write_moment(memory.watch_until)
    if memory.stock is not None and memory.stocked_at is not None:
        item["stock"] = {"N": f"{memory.stock:.6f}"}
        item["stocked_at"] = write_moment(memory.stocked_at)
    return PutItem(item=item)


def read_live(items: Iterable[Item]) -> LiveLedger:
    """All live records. One that cannot be read is logged and does not hide the others."""
    incidents: list[Incident] = []
    past: list[PastIncident] = []
    unreadable: list[str] = []
    pulse = PulseMemory()
    outages: list[tuple[datetime, datetime]] = []
    for item in items:
        key = read_text(item, "sk")
        try:
            if key.startswith((INCIDENT, UNSENT)):
                incidents.append(load(item))
            elif key.startswith(PAST):
                past.append(read_item(PastIncident, item))
            elif key.startswith(_OUTAGE):
                outage = read_item(_Outage, item)
                outages.append((outage.since, outage.until))
            elif key == _PULSE:
                pulse = read_item(PulseMemory, item)
        except (UnreadableRecordError, UnreadableError) as error:
            logger.exception("unreadable record in the ledger", key=key, why=str(error))
            if key.startswith(INCIDENT):
                unreadable.append(key.removeprefix(INCIDENT))
    return LiveLedger(
        incidents=tuple(incidents),
        pulse=pulse,
        past=tuple(past),
        unreadable=tuple(unreadable),
        outages=tuple(outages),
    )
