"""The port of the ledger, on the same conditions as DynamoDB's."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from functions.aws.records.incidents.incident_items import (
    INCIDENT,
    LIVE,
    UNSENT,
    build_incident_key,
    load,
)
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.items import read_text
from functions.domain.errors import (
    LedgerUnavailableError,
)
from functions.domain.incidents.history import NOTHING_CLOSED
from tests.fake_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from functions.domain.incidents.history import FiledIncident, LiveLedger
    from functions.domain.incidents.incident import Incident
    from functions.domain.incidents.ports import (
        Attempts,
        BlastRadius,
        LatelyClosed,
        Opening,
        RequestClaim,
    )
    from functions.domain.pulse.memory import PulseMemory
    from tests.fakes.account import FakeAccount

TAG_KEY: Final = b"known to the guard alone"


class FakeLedger:
    """The ledger over a table in memory, with faults and a record of its calls.

    Attributes
    ----------
    is_down
        Whether the table does not answer.
    unreadable
        Functions whose record nobody can read.
    outages
        Those that some process has noted.
    is_key_known
        Whether the process has read the key of the tags before.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self._table = MemoryTable()
        self._ledger = DynamoLedger(self._table)
        self.is_down = False
        self.unreadable: set[str] = set()
        self.outages: list[tuple[datetime, datetime]] = []
        self.is_key_known = True

    @contextmanager
    def _call(self, method: str, **arguments: Any) -> Iterator[None]:
        with self._account.call("ledger", method, **arguments):
            if self.is_down:
                raise LedgerUnavailableError("the table does not answer")
            yield

    def stored(self, function: str) -> Incident | None:
        """What lies in the live place of a function, for assertions: open, or closed but unsent."""
        item = self._table.get(build_incident_key(function))
        return None if item is None else load(item)

    def in_place(self) -> list[Incident]:
        """What lies in the live places of all functions, for assertions."""
        return self._live(INCIDENT)

    def aside(self) -> list[Incident]:
        """What is closed, unsent, and was pushed out by the next, for assertions."""
        return self._live(UNSENT)

    def _live(self, beginning: str) -> list[Incident]:
        items = self._table.query(LIVE)
        return [load(item) for item in items if read_text(item, "sk").startswith(beginning)]

    def every(self) -> list[Incident]:
        """All incidents, open or closed, for assertions."""
        found = [*self.in_place(), *self.aside()]
        known = {one.id for one in found}
        names = {one.function for one in found} | set(self._account.by_name)
        filed = [one for name in sorted(names) for one in self.filed(name)]
        return [*found, *(one for one in filed if one.id not in known)]

    def filed(self, function: str) -> list[Incident]:
        """What was filed away for a function, oldest first, for assertions."""
        unfiled = {one.id for one in (*self.in_place(), *self.aside())}
        closed = self._ledger.read_closed(function, NOTHING_CLOSED)
        return [one for one in reversed(closed) if one.id not in unfiled]

    def open(
        self,
        incident: Incident,
        blast_radius: BlastRadius | None,
        *,
        known_until: datetime | None = None,
    ) -> Opening | LatelyClosed:
        """See the port."""
        with self._call("open", incident=incident, blast_radius=blast_radius):
            return self._ledger.open(incident, blast_radius, known_until=known_until)

    def hold(self, incident: Incident, blast_radius: BlastRadius) -> Opening:
        """See the port."""
        with self._call("hold", incident=incident, blast_radius=blast_radius):
            return self._ledger.hold(incident, blast_radius)

    def save(self, incident: Incident) -> Incident:
        """See the port."""
        with self._call("save", incident=incident):
            return self._ledger.save(incident)

    def find(self, function: str) -> Incident | None:
        """See the port."""
        with self._call("find", function=function):
            if function in self.unreadable:
                raise LedgerUnavailableError(f"the record of {function} cannot be read")
            return self._ledger.find(function)

    def read_live(self) -> LiveLedger:
        """See the port."""
        with self._call("read_live"):
            live = self._ledger.read_live()
            readable = [one for one in live.incidents if one.function not in self.unreadable]
            return replace(
                live,
                incidents=tuple(readable),
                unreadable=tuple(sorted(self.unreadable)),
                outages=tuple(self.outages),
            )

    def supersede(self, old: Incident, new: Incident, blast_radius: BlastRadius | None) -> Opening:
        """See the port."""
        with self._call("supersede", old=old, new=new, blast_radius=blast_radius):
            return self._ledger.supersede(old, new, blast_radius)

    def file_away(self, incident: Incident) -> None:
        """See the port."""
        with self._call("file_away", incident=incident):
            self._ledger.file_away(incident)

    def read_closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """See the port."""
        with self._call("read_closed", function=function, since=since):
            return self._ledger.read_closed(function, since)

    def read_filed(self, since: datetime) -> tuple[FiledIncident, ...]:
        """See the port."""
        with self._call("read_filed", since=since):
            return self._ledger.read_filed(since)

    def remember_pulse(self, memory: PulseMemory) -> None:
        """See the port."""
        with self._call("remember_pulse", memory=memory):
            self._ledger.remember_pulse(memory)

    def read_attempts(self, about: str) -> Attempts:
        """See the port."""
        with self._call("read_attempts", about=about):
            return self._ledger.read_attempts(about)

    def count_attempt(self, about: str, now: datetime) -> None:
        """See the port."""
        with self._call("count_attempt", about=about, now=now):
            self._ledger.count_attempt(about, now)

    def read_tag_key(self) -> bytes:
        """See the port."""
        if not self.is_key_known:
            with self._call("read_tag_key"):
                self.is_key_known = True
        return TAG_KEY

    def get_known_tag_key(self) -> bytes | None:
        """See the port."""
        return TAG_KEY if self.is_key_known else None

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """See the port."""
        with self._call("claim_request", nonce=nonce, request_id=request_id, now=now):
            return self._ledger.claim_request(nonce, request_id, now)

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See the port."""
        with self._call("settle_request", nonce=nonce, request_id=request_id, is_done=is_done):
            self._ledger.settle_request(nonce, request_id, is_done=is_done)
