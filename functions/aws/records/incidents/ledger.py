"""The ledger in one DynamoDB table of strings `pk` and `sk`.

=================  ===============================  ================================================
pk                 sk                               item
=================  ===============================  ================================================
live               incident#<function>              the open incident; or a closed one, until filed
live               unsent#<function>#<incident>     a closed one with unsent notices whose place the
                                                    function's next incident has taken
live               past#<closed at>#<incident>      when a function was in trouble; 14 days (TTL)
live               pulse                            what the pulse remembers
live               outage#<start>                   a period in which a process could not reach the
                                                    table; 1 day (TTL)
slot               00, 01, ...                      a place within the blast radius: which function
                                                    has it, since when and until when
closed#<function>  <closed at>#<incident>           a closed incident; 400 days (TTL)
filed              <closed at>#<incident>           that an incident of any function was filed away;
                                                    90 days (TTL)
lately             <function>                       when its last incident was closed; 3 h (TTL)
request            <nonce>                          a rollback request, who carries it out, and
                                                    what became of it
attempts           <matter>                         how often something was tried, and when last; 90
                                                    days after that (TTL)
key                tags                             the key that seals snapshots in tags
=================  ===============================  ================================================

Who opens an incident, and whether the blast radius allows it, is decided by conditions on these
items, never by an earlier read: two runs at the same moment cannot both have their way.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from functions.aws.records.incidents.incident_items import (
    PLACE_UNTIL,
    build_incident_key,
    build_unsent_key,
    check_lately,
    delete_live,
    holds_version,
    is_version,
    load,
    make_stale_error,
    prepare_write,
    put_closed,
    put_filed,
    put_lately,
    put_live,
    put_past,
    require_closed,
    update_live,
)
from functions.aws.records.incidents.ledger_view import ReadOnlyLedger
from functions.aws.records.incidents.live_items import put_outage, put_pulse
from functions.aws.records.incidents.places import Places
from functions.aws.records.incidents.rollback_requests import RollbackRequests
from functions.aws.records.items import (
    build_key,
    read_item,
    read_text,
    write_epoch,
    write_expiry,
    write_moment,
)
from functions.aws.records.table import is_marked
from functions.aws.records.tag_key import TagKey
from functions.aws.records.writes import NEW, AttributeAbsent, Compare, PutItem, Update
from functions.domain.incidents.history import NOTHING_CLOSED, began_at, gives_its_place_back
from functions.domain.incidents.incident import is_same_opening
from functions.domain.incidents.ports import (
    ATTEMPTS_KEPT,
    AlreadyOpen,
    Attempts,
    BlastRadiusReached,
    LatelyClosed,
    Opened,
)
from functions.domain.notices.outbox import is_settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.aws.records.items import Item
    from functions.aws.records.table import Table
    from functions.aws.records.writes import Write
    from functions.domain.incidents.history import FiledIncident, LiveLedger
    from functions.domain.incidents.incident import Incident
    from functions.domain.incidents.ports import BlastRadius, Opening, RequestClaim
    from functions.domain.pulse.memory import PulseMemory

IAM_ACTIONS: Final = frozenset(
    {
        # TransactWriteItems asks for the actions of its items.
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
)

_ATTEMPTS_OF: Final = "attempts"


class DynamoLedger:
    """The port `Ledger`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._view = ReadOnlyLedger(table)
        self._places = Places(table)
        self._requests = RollbackRequests(table)
        self._tag_key = TagKey(table)

    def open(
        self,
        incident: Incident,
        blast_radius: BlastRadius | None,
        *,
        known_until: datetime | None = None,
    ) -> Opening | LatelyClosed:
        """See the port. One call, unless the first place that is tried is taken."""
        latest = max(began_at(incident), known_until or NOTHING_CLOSED)
        until = None if blast_radius is None else incident.opened_at + blast_radius.window
        writes = (
            put_live(incident, condition=NEW, until=until),
            check_lately(incident.function, latest),
        )
        refusals = self._places.write_with_place(writes, incident, incident.opened_at, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        if refusals is None:
            return Opened(incident=prepare_write(incident))
        item = refusals[0]
        if item is None:
            told = read_text(refusals[1] or {}, "closed_at")
            return LatelyClosed(closed_at=datetime.fromisoformat(told))
        stored = load(item)
        if is_same_opening(stored, incident):
            return Opened(incident=stored)
        if not stored.is_closed:
            return AlreadyOpen(incident=stored)
        if stored.ended_at > latest:
            return LatelyClosed(closed_at=stored.ended_at)
        return self._open_over(stored, item, incident, blast_radius)

    def hold(self, incident: Incident, blast_radius: BlastRadius) -> Opening:
        """See the port."""
        now, mark = incident.updated_at, self._table.draw()
        # An incident whose place still counts takes no second one.
        has_no_place = AttributeAbsent(PLACE_UNTIL) | Compare(PLACE_UNTIL, "<=", write_epoch(now))
        update = update_live(
            incident,
            build_incident_key(incident.function),
            mark=mark,
            until=now + blast_radius.window,
            condition=has_no_place,
        )
        refusals = self._places.write_with_place((update,), incident, now, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        item = {} if refusals is None else refusals[0] or {}
        if refusals is None or is_marked(item, mark):
            return Opened(incident=prepare_write(incident))
        if holds_version(item, incident):
            return Opened(incident=self.save(incident))
        raise make_stale_error(incident, item)

    def save(self, incident: Incident) -> Incident:
        """See the port. A closed incident is written where `closed` finds it, too."""
        mark = self._table.draw()
        followers = (put_closed(incident),) if incident.is_closed else ()
        item = self._write_to_either(incident, partial(update_live, incident, mark=mark), followers)
        if item is not None and not is_marked(item, mark):
            raise make_stale_error(incident, item)
        if gives_its_place_back(incident):
            self._places.give_back(incident, self.read_closed)
        return prepare_write(incident)

    def find(self, function: str) -> Incident | None:
        """See the port."""
        item = self._table.get(build_incident_key(function))
        stored = load(item) if item else None
        return None if stored is None or stored.is_closed else stored

    def read_live(self) -> LiveLedger:
        """See the port. A record that cannot be read is logged and does not hide the others."""
        live = self._view.read_live()
        return replace(live, outages=(*live.outages, *self._note_outage()))

    def supersede(self, old: Incident, new: Incident, blast_radius: BlastRadius | None) -> Opening:
        """See the port. `old` stays among the live ones until its notices are sent.

        Without a blast radius no place is asked for: what is done already is only written down.
        """
        require_closed(old)
        until = None if blast_radius is None else new.opened_at + blast_radius.window
        writes = [
            put_live(new, condition=is_version(old), until=until),
            put_closed(old),
            put_past(old),
            put_filed(old),
        ]
        if not is_settled(old):
            writes.append(put_live(old, key=build_unsent_key(old)))
        refusals = self._places.write_with_place(writes, new, new.opened_at, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        if refusals is None:
            return Opened(incident=prepare_write(new))
        item = refusals[0] or {}
        if read_text(item, "id") == new.id and is_same_opening(stored := load(item), new):
            return Opened(incident=stored)
        raise make_stale_error(old, item)

    def file_away(self, incident: Incident) -> None:
        """See the port."""
        require_closed(incident)
        followers = (
            put_closed(incident),
            put_past(incident),
            put_filed(incident),
            put_lately(incident),
        )
        item = self._write_to_either(incident, partial(delete_live, incident), followers)
        if item is not None:
            raise make_stale_error(incident, item)

    def read_closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """See the port. A record that cannot be read is logged and left out."""
        return self._view.read_closed(function, since)

    def read_filed(self, since: datetime) -> tuple[FiledIncident, ...]:
        """See the port. A record that cannot be read is logged and left out."""
        return self._view.read_filed(since)

    def remember_pulse(self, memory: PulseMemory) -> None:
        """See the port."""
        self._table.write(put_pulse(memory))

    def read_attempts(self, about: str) -> Attempts:
        """See the port."""
        return read_item(Attempts, self._table.get(build_key(_ATTEMPTS_OF, about)) or {})

    def count_attempt(self, about: str, now: datetime) -> None:
        """See the port."""
        self._table.write(
            Update(
                key=build_key(_ATTEMPTS_OF, about),
                values={
                    "last_at": write_moment(now),
                    "expires_at": write_expiry(now + ATTEMPTS_KEPT),
                },
                added={"count": {"N": "1"}},
            )
        )

    def read_tag_key(self) -> bytes:
        """See the port. It is read once for each execution environment."""
        return self._tag_key.read()

    def get_known_tag_key(self) -> bytes | None:
        """See the port."""
        return self._tag_key.known

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """See the port."""
        return self._requests.claim(nonce, request_id, now)

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See the port."""
        self._requests.settle(nonce, request_id, is_done=is_done)

    def _open_over(
        self,
        closed: Incident,
        item: Item,
        incident: Incident,
        blast_radius: BlastRadius | None,
    ) -> Opening | LatelyClosed:
        """Open where a closed incident waits for its notices: it is put aside, as it is."""
        until = None if blast_radius is None else incident.opened_at + blast_radius.window
        writes = (
            put_live(incident, condition=is_version(closed), until=until),
            PutItem(item={**item, **build_unsent_key(closed)}),
            put_past(closed),
            put_filed(closed),
        )
        refusals = self._places.write_with_place(writes, incident, incident.opened_at, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        if refusals is None:
            return Opened(incident=prepare_write(incident))
        # It was moved meanwhile: begin again.
        return self.open(incident, blast_radius, known_until=closed.ended_at)

    def _write_to_either(
        self,
        incident: Incident,
        change: Callable[[Item], Write],
        followers: tuple[Write, ...],
    ) -> Item | None:
        """Change an incident where it is; answers what stands in its way, ``None`` for nothing.

        It is in its function's place, or aside of it if it is closed and another was opened.
        """
        refusals = self._table.write(change(build_incident_key(incident.function)), *followers)
        if refusals is None:
            return None
        item = refusals[0] or {}
        if not incident.is_closed or read_text(item, "id") == incident.id:
            return item
        refusals = self._table.write(change(build_unsent_key(incident)), *followers)
        return None if refusals is None else refusals[0] or {}

    def _note_outage(self) -> tuple[tuple[datetime, datetime], ...]:
        """The outage that is over by now, written down for the other processes; empty for none."""
        since = self._table.away_since
        if since is None:
            return ()
        now = self._table.clock()
        self._table.write(put_outage(since, now))
        self._table.away_since = None
        return ((since, now),)
