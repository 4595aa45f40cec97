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

import functools
import random
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from botocore.exceptions import ClientError

from functions.aws.observability import logger
from functions.aws.records import dump_incident, load_incident
from functions.aws.retry import RetriesExhaustedError, Retry
from functions.aws.translate import AWS_ERRORS, code_of, words_of
from functions.domain.detection.evidence import PRECEDENT_DAYS, RECENT_MINUTES
from functions.domain.errors import (
    InvalidTransitionError,
    LedgerUnavailableError,
    StaleIncidentError,
)
from functions.domain.incidents.incident import KEPT_AFTER_CLOSE, is_same_opening
from functions.domain.ports import (
    ATTEMPTS_KEPT,
    NOTHING_CLOSED,
    OUTAGES_KEPT,
    REQUEST_LASTS,
    AlreadyOpen,
    Attempts,
    BlastRadiusReached,
    LatelyClosed,
    LiveLedger,
    Opened,
    PastIncident,
    PulseMemory,
    RequestClaim,
    began_at,
    counts_when_closed,
    gives_its_place_back,
)
from functions.domain.record_format import UnreadableRecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from functions.aws.translate import AwsError
    from functions.domain.incidents.incident import Incident
    from functions.domain.ports import BlastRadius, Opening

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

_LIVE: Final = "live"
_SLOT: Final = "slot"
_REQUEST: Final = "request"
_LATELY: Final = "lately"
_ATTEMPTS_OF: Final = "attempts"
_KEYS: Final = "key"
_KEY_BITS: Final = 256
_BEGUN: Final = "begun"
_DONE: Final = "done"
_FAILED: Final = "failed"
_PULSE: Final = "pulse"
_INCIDENT: Final = "incident#"
_UNSENT: Final = "unsent#"
_PAST: Final = "past#"
_OUTAGE: Final = "outage#"
_PAST_KEPT: Final = timedelta(days=PRECEDENT_DAYS, minutes=RECENT_MINUTES)

# While another transaction is in the way of a call.
WRITES: Final = Retry(attempts=5, first_pause_seconds=0.1, longest_pause_seconds=0.8)
_CONFLICTS: Final = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    }
)
_REFUSED: Final = "ConditionalCheckFailed"

# What reading an item of an odd form raises.
_UNREADABLE: Final = (UnreadableRecordError, KeyError, ValueError, TypeError, AttributeError)

_Item: TypeAlias = dict[str, Any]
_T = TypeVar("_T")

_SHOW: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
_ABSENT: Final = "attribute_not_exists(pk)"


# One entry for each item of a refused write: the stored item that the condition was checked
# against (empty where nothing is stored), or ``None`` where the condition held.
_Refusals: TypeAlias = list[_Item | None]


class DynamoLedger:
    """The port `Ledger`.

    Parameters
    ----------
    randomness
        For the mark by which a write knows itself again, and for the key of the tags.
    clock
        The time of day, for noting outages.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        *,
        retry: Retry = WRITES,
        randomness: random.Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._away_since: datetime | None = None
        self._client = client
        self._table = table
        self._retry = retry
        self._random = random.SystemRandom() if randomness is None else randomness
        self._tag_key: bytes | None = None

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
        put = self._put_live(incident, until=until)
        put["Put"]["ConditionExpression"] = _ABSENT
        items = (put, self._check_lately(incident.function, latest))
        refusals = self._with_place(items, incident, incident.opened_at, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        if refusals is None:
            return Opened(incident=_written(incident))
        item = refusals[0]
        if item is None:
            told = _text(refusals[1] or {}, "closed_at")
            return LatelyClosed(closed_at=datetime.fromisoformat(told))
        stored = _load(item)
        if is_same_opening(stored, incident):
            return Opened(incident=stored)
        if not stored.is_closed:
            return AlreadyOpen(incident=stored)
        if _closed_at(stored) > latest:
            return LatelyClosed(closed_at=_closed_at(stored))
        return self._open_over(stored, item, incident, blast_radius)

    def hold(self, incident: Incident, blast_radius: BlastRadius) -> Opening:
        """See the port."""
        now = incident.updated_at
        by = self._writer()
        update = self._update_live(incident, by=by, until=now + blast_radius.window)
        # An incident whose place still counts takes no second one.
        update["Update"]["ConditionExpression"] += (
            " AND (attribute_not_exists(place_until) OR place_until <= :now)"
        )
        update["Update"]["ExpressionAttributeValues"][":now"] = _epoch(now)
        refusals = self._with_place((update,), incident, now, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        item = {} if refusals is None else refusals[0] or {}
        if refusals is None or _is_written(item, by):
            return Opened(incident=_written(incident))
        if _is_version(item, incident):
            return Opened(incident=self.save(incident))
        raise _stale(incident, item)

    def save(self, incident: Incident) -> Incident:
        """See the port. A closed incident is written where `closed` finds it, too."""
        by = self._writer()
        change = functools.partial(self._update_live, by=by)
        followers = (self._put_closed(incident),) if incident.is_closed else ()
        item = self._write_to_either(incident, change, followers)
        if item is not None and not _is_written(item, by):
            raise _stale(incident, item)
        if gives_its_place_back(incident):
            self._release(incident)
        return _written(incident)

    def find(self, function: str) -> Incident | None:
        """See the port."""
        answer = self._call(
            lambda: self._client.get_item(
                TableName=self._table, Key=_incident_key(function), ConsistentRead=True
            )
        )
        item = answer.get("Item")
        stored = _load(item) if item else None
        return None if stored is None or stored.is_closed else stored

    def live(self) -> LiveLedger:
        """See the port. A record that cannot be read is logged and does not hide the others."""
        incidents: list[Incident] = []
        past: list[PastIncident] = []
        unreadable: list[str] = []
        pulse = PulseMemory()
        outages: list[tuple[datetime, datetime]] = []
        for item in self._query(_LIVE):
            key = _text(item, "sk")
            try:
                if key.startswith((_INCIDENT, _UNSENT)):
                    incidents.append(_load(item))
                elif key.startswith(_PAST):
                    past.append(_past_of(item))
                elif key.startswith(_OUTAGE):
                    outages.append(_outage_of(item))
                elif key == _PULSE:
                    pulse = _pulse_of(item)
            except (
                UnreadableRecordError,
                KeyError,
                ValueError,
                TypeError,
                AttributeError,
            ) as error:
                logger.exception("unreadable record in the ledger", key=key, why=str(error))
                if key.startswith(_INCIDENT):
                    unreadable.append(key.removeprefix(_INCIDENT))
        return LiveLedger(
            incidents=tuple(incidents),
            pulse=pulse,
            past=tuple(past),
            unreadable=tuple(unreadable),
            outages=(*outages, *self._noted_outage()),
        )

    def _noted_outage(self) -> tuple[tuple[datetime, datetime], ...]:
        """The outage that is over by now, written down for the other processes; empty for none."""
        if self._away_since is None:
            return ()
        start, end = self._away_since, self._clock()
        item = {
            **_key(_LIVE, f"{_OUTAGE}{_iso(start)}"),
            "since": {"S": _iso(start)},
            "until": {"S": _iso(end)},
            "expires_at": _epoch_seconds(end + OUTAGES_KEPT),
        }
        self._write(({"Put": {"TableName": self._table, "Item": item}},))
        self._away_since = None
        return ((start, end),)

    def supersede(self, old: Incident, new: Incident, blast_radius: BlastRadius | None) -> Opening:
        """See the port. `old` stays among the live ones until its notices are sent.

        Without a blast radius no place is asked for: what is done already is only written down.
        """
        _require_closed(old)
        until = None if blast_radius is None else new.opened_at + blast_radius.window
        put = self._put_live(new, until=until)
        _let_only(put["Put"], old)
        items = [put, self._put_closed(old), self._put_past(old)]
        if not old.is_settled:
            items.append(self._put_live(old, key=_unsent_key(old)))
        refusals = self._with_place(items, new, new.opened_at, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        if refusals is None:
            return Opened(incident=_written(new))
        item = refusals[0] or {}
        if _text(item, "id") == new.id and is_same_opening(stored := _load(item), new):
            return Opened(incident=stored)
        raise _stale(old, item)

    def file_away(self, incident: Incident) -> None:
        """See the port."""
        _require_closed(incident)
        followers = (
            self._put_closed(incident),
            self._put_past(incident),
            self._put_lately(incident),
        )
        item = self._write_to_either(incident, self._delete_live, followers)
        if item is not None:
            raise _stale(incident, item)

    def closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """See the port. A record that cannot be read is logged and left out."""
        found: list[Incident] = []
        for item in self._query(f"closed#{function}", after=_iso(since), newest_first=True):
            try:
                one = _load(item)
            except UnreadableRecordError as error:
                key = _text(item, "sk")
                logger.exception("unreadable record in the ledger", key=key, why=str(error))
                continue
            if _closed_at(one) > since:
                found.append(one)
        return tuple(found)

    def remember_pulse(self, memory: PulseMemory) -> None:
        """See the port."""
        item = {
            **_key(_LIVE, _PULSE),
            "level_per_minute": {"N": repr(float(memory.level_per_minute))},
            "looks": {"N": str(memory.looks)},
        }
        if memory.looked_at is not None:
            item["looked_at"] = {"S": _iso(memory.looked_at)}
        if memory.swept_to:
            item["swept_to"] = {"S": memory.swept_to}
        if memory.watch_until is not None:
            item["watched"] = {"L": [{"S": name} for name in memory.watched]}
            item["watch_until"] = {"S": _iso(memory.watch_until)}
        if memory.stock is not None and memory.stocked_at is not None:
            item["stock"] = {"N": f"{memory.stock:.6f}"}
            item["stocked_at"] = {"S": _iso(memory.stocked_at)}
        self._write(({"Put": {"TableName": self._table, "Item": item}},))

    def attempts(self, about: str) -> Attempts:
        """See the port."""
        answer = self._call(
            lambda: self._client.get_item(
                TableName=self._table, Key=_key(_ATTEMPTS_OF, about), ConsistentRead=True
            )
        )
        item: _Item = answer.get("Item", {})
        if not item:
            return Attempts()
        last_at = datetime.fromisoformat(_text(item, "last_at"))
        return Attempts(count=int(item["count"]["N"]), last_at=last_at)

    def count_attempt(self, about: str, now: datetime) -> None:
        """See the port."""
        update = {
            "TableName": self._table,
            "Key": _key(_ATTEMPTS_OF, about),
            "UpdateExpression": "SET last_at = :now, expires_at = :expires_at ADD #count :one",
            "ExpressionAttributeNames": {"#count": "count"},  # a word of DynamoDB's own
            "ExpressionAttributeValues": {
                ":now": {"S": _iso(now)},
                ":expires_at": _epoch_seconds(now + ATTEMPTS_KEPT),
                ":one": {"N": "1"},
            },
        }
        self._write(({"Update": update},))

    def tag_key(self) -> bytes:
        """See the port. It is read once for each execution environment."""
        if self._tag_key is None:
            self._tag_key = self._read_tag_key() or self._create_tag_key()
        return self._tag_key

    def known_tag_key(self) -> bytes | None:
        """See the port."""
        return self._tag_key

    def _read_tag_key(self) -> bytes | None:
        answer = self._call(
            lambda: self._client.get_item(
                TableName=self._table, Key=_key(_KEYS, "tags"), ConsistentRead=True
            )
        )
        value = _text(answer.get("Item", {}), "value")
        return bytes.fromhex(value) if value else None

    def _create_tag_key(self) -> bytes:
        """Write a new key, unless another run was first: then that one's counts."""
        value = f"{self._random.getrandbits(_KEY_BITS):0{_KEY_BITS // 4}x}"
        put = {
            "TableName": self._table,
            "Item": {**_key(_KEYS, "tags"), "value": {"S": value}},
            "ConditionExpression": _ABSENT,
        }
        refusals = self._write(({"Put": put},))
        written = bytes.fromhex(value) if refusals is None else self._read_tag_key()
        if written is None:
            raise LedgerUnavailableError("the key of the tags was there and is gone")
        return written

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """See the port. A record of an earlier version has no outcome: it counts as done."""
        put = {
            "TableName": self._table,
            "Item": {
                **_key(_REQUEST, nonce),
                "request_id": {"S": request_id},
                "claimed_at": {"S": _iso(now)},
                "outcome": {"S": _BEGUN},
            },
            "ConditionExpression": (
                f"{_ABSENT} OR outcome = :failed OR (outcome = :begun"
                " AND (request_id = :request_id OR claimed_at <= :over))"
            ),
            "ExpressionAttributeValues": {
                ":request_id": {"S": request_id},
                ":failed": {"S": _FAILED},
                ":begun": {"S": _BEGUN},
                ":over": {"S": _iso(now - REQUEST_LASTS)},
            },
            **_SHOW,
        }
        refusals = self._write(({"Put": put},))
        if refusals is None:
            return RequestClaim.MINE
        stored = refusals[0] or {}
        if _text(stored, "request_id") == request_id:
            return RequestClaim.MINE
        is_begun = _text(stored, "outcome") == _BEGUN
        return RequestClaim.UNDER_WAY if is_begun else RequestClaim.DONE

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See the port."""
        update = {
            "TableName": self._table,
            "Key": _key(_REQUEST, nonce),
            "UpdateExpression": "SET outcome = :outcome",
            "ConditionExpression": "request_id = :request_id AND outcome <> :done",
            "ExpressionAttributeValues": {
                ":outcome": {"S": _DONE if is_done else _FAILED},
                ":request_id": {"S": request_id},
                ":done": {"S": _DONE},
            },
        }
        self._write(({"Update": update},))

    def _open_over(
        self,
        closed: Incident,
        item: _Item,
        incident: Incident,
        blast_radius: BlastRadius | None,
    ) -> Opening | LatelyClosed:
        """Open where a closed incident waits for its notices: it is put aside, as it is."""
        until = None if blast_radius is None else incident.opened_at + blast_radius.window
        put = self._put_live(incident, until=until)
        _let_only(put["Put"], closed)
        aside = {"Put": {"TableName": self._table, "Item": {**item, **_unsent_key(closed)}}}
        items = (put, aside, self._put_past(closed))
        refusals = self._with_place(items, incident, incident.opened_at, blast_radius)
        if isinstance(refusals, BlastRadiusReached):
            return refusals
        if refusals is None:
            return Opened(incident=_written(incident))
        # It was moved meanwhile: begin again.
        return self.open(incident, blast_radius, known_until=_closed_at(closed))

    def _with_place(
        self,
        items: Sequence[_Item],
        incident: Incident,
        now: datetime,
        blast_radius: BlastRadius | None,
    ) -> _Refusals | BlastRadiusReached | None:
        """Write the items together with a place within the blast radius, if there is one.

        Answers ``None`` when it is done, and what became of the items when one was refused.
        """
        if blast_radius is None:
            return self._write(items)
        # Functions try different places first, and each the one that it had before.
        number = zlib.crc32(incident.function.encode(errors="backslashreplace")) % max(
            1, blast_radius.most
        )
        instead_of = incident.id
        while True:
            if number < blast_radius.most:
                claim = self._claim(number, incident, now, blast_radius.window, instead_of)
                refusals = self._write((*items, claim))
                if refusals is None or any(one is not None for one in refusals[:-1]):
                    return refusals
            taken = self._taken(now)
            found = _place_for(incident.function, taken, blast_radius.most)
            if found is None and not blast_radius.is_binding:
                return self._write(items)
            if found is None:
                functions = {one.function for one in taken.values()}
                return BlastRadiusReached(contained=tuple(sorted(functions)))
            number, instead_of = found, taken[found].incident if found in taken else incident.id

    def _taken(self, now: datetime) -> dict[int, _Place]:
        """The places that count now."""
        moment = float(_epoch(now)["N"])
        return {
            int(_text(item, "sk")): _Place(
                function=_text(item, "function"),
                incident=_text(item, "incident"),
                until=float(item["until"]["N"]),
            )
            for item in self._query(_SLOT)
            if float(item["until"]["N"]) > moment
        }

    def _release(self, incident: Incident) -> None:
        """Give the place of an incident back that holds nothing any more.

        What it had in its window stays counted where the function was held before by another
        incident of that time. A place that could not be given back is free at the end of its
        window.
        """
        try:
            for item in self._query(_SLOT):
                if _text(item, "incident") != incident.id or "since" not in item:
                    continue
                since, until = (float(item[one]["N"]) for one in ("since", "until"))
                began = datetime.fromtimestamp(since - (until - since), UTC)
                others = self.closed(incident.function, began)
                if any(one.id != incident.id and counts_when_closed(one) for one in others):
                    continue
                self._write((self._delete_place(item, incident),))
        except LedgerUnavailableError as error:
            logger.warning("place not given back", about=incident.id, why=str(error))

    def _delete_place(self, item: _Item, incident: Incident) -> _Item:
        delete = {
            "TableName": self._table,
            "Key": {"pk": item["pk"], "sk": item["sk"]},
            "ConditionExpression": "incident = :incident",
            "ExpressionAttributeValues": {":incident": {"S": incident.id}},
        }
        return {"Delete": delete}

    def _claim(
        self,
        number: int,
        incident: Incident,
        now: datetime,
        window: timedelta,
        instead_of: str,
    ) -> _Item:
        """Take a place: a free one, the function's own, or the one of the named incident."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": {
                    **_key(_SLOT, f"{number:02d}"),
                    "incident": {"S": incident.id},
                    "function": {"S": incident.function},
                    "since": _epoch(now),
                    "until": _epoch(now + window),
                },
                "ConditionExpression": (
                    f"{_ABSENT} OR #until <= :now OR #function = :function"
                    " OR incident = :instead_of"
                ),
                # Words of DynamoDB's own.
                "ExpressionAttributeNames": {"#until": "until", "#function": "function"},
                "ExpressionAttributeValues": {
                    ":now": _epoch(now),
                    ":function": {"S": incident.function},
                    ":instead_of": {"S": instead_of},
                },
            }
        }

    def _put_live(
        self, incident: Incident, *, key: _Item | None = None, until: datetime | None = None
    ) -> _Item:
        item = {**(key or _incident_key(incident.function)), **_attributes(incident)}
        if until is not None:
            item["place_until"] = _epoch(until)
        return {"Put": {"TableName": self._table, "Item": item, **_SHOW}}

    def _update_live(
        self,
        incident: Incident,
        key: _Item | None = None,
        *,
        by: str,
        until: datetime | None = None,
    ) -> _Item:
        """An update, not a put: it leaves `place_until` alone, unless there is a new one.

        An incident that gives its place back has none.
        """
        attributes = {**_attributes(incident), "written_by": {"S": by}}
        if until is not None:
            attributes["place_until"] = _epoch(until)
        update: _Item = {
            "TableName": self._table,
            "Key": key or _incident_key(incident.function),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :new_{name}" for name in attributes),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": {f":new_{n}": value for n, value in attributes.items()},
            **_SHOW,
        }
        if until is None and gives_its_place_back(incident):
            update["UpdateExpression"] += " REMOVE place_until"
        _let_only(update, incident)
        return {"Update": update}

    def _delete_live(self, incident: Incident, key: _Item | None = None) -> _Item:
        delete: _Item = {
            "TableName": self._table,
            "Key": key or _incident_key(incident.function),
            **_SHOW,
        }
        _let_only(delete, incident)
        return {"Delete": delete}

    def _put_closed(self, incident: Incident) -> _Item:
        at = _closed_at(incident)
        item = {
            **_key(f"closed#{incident.function}", f"{_iso(at)}#{incident.id}"),
            **_attributes(incident),
            "expires_at": _epoch_seconds(at + KEPT_AFTER_CLOSE),
        }
        return {"Put": {"TableName": self._table, "Item": item}}

    def _put_past(self, incident: Incident) -> _Item:
        closed_at, past = _closed_at(incident), PastIncident.of(incident)
        item = {
            **_key(_LIVE, f"{_PAST}{_iso(closed_at)}#{incident.id}"),
            "function": {"S": past.function},
            "since": {"S": _iso(past.since)},
            "until": {"S": _iso(past.until)},
            "is_lifted": {"BOOL": past.is_lifted},
            "expires_at": _epoch_seconds(closed_at + _PAST_KEPT),
        }
        return {"Put": {"TableName": self._table, "Item": item}}

    def _put_lately(self, incident: Incident) -> _Item:
        at = _closed_at(incident)
        item = {
            **_key(_LATELY, incident.function),
            "closed_at": {"S": _iso(at)},
            "expires_at": _epoch_seconds(at + timedelta(minutes=RECENT_MINUTES)),
        }
        return {"Put": {"TableName": self._table, "Item": item}}

    def _check_lately(self, function: str, latest: datetime) -> _Item:
        check: _Item = {
            "TableName": self._table,
            "Key": _key(_LATELY, function),
            "ConditionExpression": "attribute_not_exists(closed_at) OR closed_at <= :latest",
            "ExpressionAttributeValues": {":latest": {"S": _iso(latest)}},
            **_SHOW,
        }
        return {"ConditionCheck": check}

    def _writer(self) -> str:
        """A mark to know one's own write by.

        An update whose answer was lost is sent again by the client, and then finds its own work in
        its way.
        """
        return f"{self._random.getrandbits(64):016x}"

    def _write_to_either(
        self,
        incident: Incident,
        change: Callable[[Incident, _Item | None], _Item],
        followers: tuple[_Item, ...],
    ) -> _Item | None:
        """Change an incident where it is; answers what stands in its way, ``None`` for nothing.

        It is in its function's place, or aside of it if it is closed and another was opened.
        """
        refusals = self._write((change(incident, None), *followers))
        if refusals is None:
            return None
        item = refusals[0] or {}
        if not incident.is_closed or _text(item, "id") == incident.id:
            return item
        refusals = self._write((change(incident, _unsent_key(incident)), *followers))
        return None if refusals is None else refusals[0] or {}

    def _write(self, items: Sequence[_Item]) -> _Refusals | None:
        """Write all items or none. Answers ``None`` when they are written.

        Raises
        ------
        LedgerUnavailableError
            For everything but a condition that does not hold.
        """
        if len(items) == 1:
            return self._write_one(items[0])
        try:
            self._call(
                lambda: self._client.transact_write_items(TransactItems=cast("Any", list(items)))
            )
        except ClientError as error:
            return _refusals(error)
        return None

    def _write_one(self, item: _Item) -> _Refusals | None:
        ((verb, request),) = item.items()
        try:
            match verb:
                case "Put":
                    self._call(lambda: self._client.put_item(**request))
                case "Update":
                    self._call(lambda: self._client.update_item(**request))
                case _:
                    self._call(lambda: self._client.delete_item(**request))
        except ClientError as error:
            return [cast("_Item", error.response).get("Item") or {}]
        return None

    def _query(
        self, partition: str, *, after: str = "", newest_first: bool = False
    ) -> Iterator[_Item]:
        """The items of a partition, read consistently, page by page."""
        condition = "pk = :pk AND sk >= :after" if after else "pk = :pk"
        values: _Item = {":pk": {"S": partition}}
        if after:
            values[":after"] = {"S": after}
        start: _Item = {}
        while True:
            request: Any = {
                "TableName": self._table,
                "KeyConditionExpression": condition,
                "ExpressionAttributeValues": values,
                "ConsistentRead": True,
                "ScanIndexForward": not newest_first,
                **({"ExclusiveStartKey": start} if start else {}),
            }
            page: Any = self._call(functools.partial(self._client.query, **request))
            yield from page["Items"]
            start = page.get("LastEvaluatedKey", {})
            if not start:
                return

    def _call(self, call: Callable[[], _T]) -> _T:
        """The answer of a call, tried again while another transaction is in its way.

        Raises
        ------
        ClientError
            Only when a condition does not hold.
        LedgerUnavailableError
            For every other reason.
        """
        try:
            return self._retry.call(call, may_pass=_is_conflict)
        except RetriesExhaustedError as error:
            raise LedgerUnavailableError(str(error)) from error
        except AWS_ERRORS as error:
            if _is_refusal(error):
                raise
            raise self._unavailable(error) from error

    def _unavailable(self, error: AwsError) -> LedgerUnavailableError:
        self._away_since = self._away_since or self._clock()
        return LedgerUnavailableError(words_of(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A place that counts: whose it is, and until when (seconds since the epoch)."""

    function: str
    incident: str
    until: float


def _place_for(function: str, taken: Mapping[int, _Place], most: int) -> int | None:
    """The place that a function may take: its own, a free one, or one too many of another's.

    A function may have come to two places; a limit of functions is not reached by that.
    """
    own = [number for number, one in taken.items() if one.function == function]
    free = [number for number in range(most) if number not in taken]
    counts = Counter(one.function for one in taken.values())
    spare = sorted((one.until, number) for number, one in taken.items() if counts[one.function] > 1)
    numbers = (*sorted(own), *free, *(number for _, number in spare))
    return next((one for one in numbers if one < most), None)


def _reasons(error: ClientError) -> list[_Item]:
    """Why a transaction was cancelled, item by item; empty for other errors."""
    return cast("list[_Item]", cast("_Item", error.response).get("CancellationReasons", []))


def _is_refusal(error: Exception) -> bool:
    """Whether a condition does not hold, and not only because somebody is just writing."""
    if not isinstance(error, ClientError):
        return False
    reasons = _reasons(error)
    if not reasons:
        return code_of(error) == "ConditionalCheckFailedException"
    codes = [one.get("Code", "None") for one in reasons]
    return codes[0] == _REFUSED or (_REFUSED in codes and set(codes) <= {_REFUSED, "None"})


def _is_conflict(error: Exception) -> bool:
    """Whether another transaction is in the way."""
    if not isinstance(error, ClientError) or _is_refusal(error):
        return False
    codes = {code_of(error), *(one.get("Code") for one in _reasons(error))}
    return not codes.isdisjoint(_CONFLICTS)


def _refusals(error: ClientError) -> _Refusals:
    return [one.get("Item", {}) if one.get("Code") == _REFUSED else None for one in _reasons(error)]


def _key(partition: str, sort: str) -> _Item:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def _incident_key(function: str) -> _Item:
    return _key(_LIVE, f"{_INCIDENT}{function}")


def _unsent_key(incident: Incident) -> _Item:
    return _key(_LIVE, f"{_UNSENT}{incident.function}#{incident.id}")


def _attributes(incident: Incident) -> _Item:
    """The incident, as it will be once it is written. Only `record` is read back."""
    written = _written(incident)
    return {
        "id": {"S": written.id},
        "version": {"N": str(written.version)},
        "state": {"S": written.state.value},
        "record": {"S": dump_incident(written)},
    }


def _let_only(request: _Item, incident: Incident) -> None:
    """Add the condition that this version of this incident is what is stored."""
    request["ConditionExpression"] = "#id = :id AND #version = :version"
    names = request.setdefault("ExpressionAttributeNames", {})
    names.update({"#id": "id", "#version": "version"})
    values = request.setdefault("ExpressionAttributeValues", {})
    values.update({":id": {"S": incident.id}, ":version": {"N": str(incident.version)}})


def _written(incident: Incident) -> Incident:
    return replace(incident, version=incident.version + 1)


def _load(item: _Item) -> Incident:
    record = _text(item, "record")
    if not record:
        raise UnreadableRecordError(f"{_text(item, 'sk')} holds no record")
    return load_incident(record)


def _text(item: _Item, name: str) -> str:
    text: str = item.get(name, {}).get("S", "")
    return text


def _is_version(item: _Item, incident: Incident) -> bool:
    """Whether the item is the version that the incident is based on."""
    version = item.get("version", {}).get("N")
    return _text(item, "id") == incident.id and version == str(incident.version)


def _is_written(item: _Item, by: str) -> bool:
    """Whether the item is what this very call has written."""
    return _text(item, "written_by") == by


def _past_of(item: _Item) -> PastIncident:
    return PastIncident(
        function=item["function"]["S"],
        since=datetime.fromisoformat(item["since"]["S"]),
        until=datetime.fromisoformat(item["until"]["S"]),
        is_lifted=item.get("is_lifted", {}).get("BOOL", False),
    )


def _outage_of(item: _Item) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(item["since"]["S"]), datetime.fromisoformat(item["until"]["S"])


def _pulse_of(item: _Item) -> PulseMemory:
    looked_at = _text(item, "looked_at")
    watch_until = _text(item, "watch_until")
    stocked_at = _text(item, "stocked_at")
    return PulseMemory(
        looked_at=datetime.fromisoformat(looked_at) if looked_at else None,
        level_per_minute=float(item["level_per_minute"]["N"]),
        looks=int(item["looks"]["N"]),
        watched=tuple(one["S"] for one in item.get("watched", {}).get("L", ())),
        watch_until=datetime.fromisoformat(watch_until) if watch_until else None,
        swept_to=_text(item, "swept_to"),
        stock=float(item["stock"]["N"]) if stocked_at else None,
        stocked_at=datetime.fromisoformat(stocked_at) if stocked_at else None,
    )


def _closed_at(incident: Incident) -> datetime:
    return incident.closed_at or incident.updated_at


def _iso(moment: datetime) -> str:
    """UTC in a form that sorts."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _epoch(moment: datetime) -> _Item:
    return {"N": f"{moment.timestamp():.6f}"}


def _epoch_seconds(moment: datetime) -> _Item:
    return {"N": str(int(moment.timestamp()))}


def _require_closed(incident: Incident) -> None:
    if not incident.is_closed:
        raise InvalidTransitionError(f"incident {incident.id} is not closed: {incident.state}")


def _stale(incident: Incident, item: _Item) -> StaleIncidentError:
    found = "nothing"
    if item:
        found = f"{_text(item, 'id')} version {item.get('version', {}).get('N')}"
    return StaleIncidentError(
        f"incident {incident.id} version {incident.version} is not what is stored: {found}"
    )
