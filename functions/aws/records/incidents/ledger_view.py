"""What is read of the ledger, without a write: for the ledger itself, and for who may only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.records.incidents.incident_items import (
    CLOSED,
    FILED,
    LIVE,
    load,
)
from functions.aws.records.incidents.live_items import read_live
from functions.aws.records.items import format_moment, read_item, read_text
from functions.aws.runtime.observability import logger
from functions.domain.incidents.history import FiledIncident
from functions.domain.record_format import UnreadableRecordError
from functions.domain.serialization import UnreadableError

if TYPE_CHECKING:
    from datetime import datetime

    from functions.aws.records.table import Table
    from functions.domain.incidents.history import LiveLedger
    from functions.domain.incidents.incident import Incident

IAM_ACTIONS: Final = frozenset({"dynamodb:Query"})


class ReadOnlyLedger:
    """The port `LedgerReader`, and what reads for the port `Ledger`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read_live(self) -> LiveLedger:
        """See the port. A record that cannot be read is logged and does not hide the others."""
        return read_live(self._table.query(LIVE))

    def read_closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """See the port. A record that cannot be read is logged and left out."""
        found: list[Incident] = []
        partition = f"{CLOSED}{function}"
        for item in self._table.query(partition, after=format_moment(since), newest_first=True):
            try:
                one = load(item)
            except UnreadableRecordError as error:
                key = read_text(item, "sk")
                logger.exception("unreadable record in the ledger", key=key, why=str(error))
                continue
            if one.ended_at > since:
                found.append(one)
        return tuple(found)

    def read_filed(self, since: datetime) -> tuple[FiledIncident, ...]:
        """See the port. A record that cannot be read is logged and left out."""
        found: list[FiledIncident] = []
        for item in self._table.query(FILED, after=format_moment(since), newest_first=True):
            try:
                one = read_item(FiledIncident, item)
            except (UnreadableRecordError, UnreadableError) as error:
                key = read_text(item, "sk")
                logger.exception("unreadable record in the ledger", key=key, why=str(error))
                continue
            if one.until > since:
                found.append(one)
        return tuple(found)
