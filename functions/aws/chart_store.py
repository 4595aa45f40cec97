"""What `chart` remembers from one run to the next, in the ledger's table.

===============  ========================  =========================================================
pk               sk                        item
===============  ========================  =========================================================
chart            state                     whose turn it is, which facts are valid, what was told
chart            book                      the loops, for `contain`: see `loop_book`
chart-changes    <kind>#<name>             what is to be read again; 2 days (TTL)
chart-notices    <id>                      a notice that is not known to be sent
account#...      <part of the facts>       see `reading.storage`
===============  ========================  =========================================================

Only the run that holds the turn writes, but for changes, which anybody may note. What was told and
the notices that tell it are written in one transaction: a crash between the two cannot happen.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from botocore.exceptions import ClientError

from functions.aws.loop_book import BOOK, CHART, packed
from functions.aws.observability import logger
from functions.aws.reading.changes import Change, ChangeKind
from functions.aws.reading.storage import Manifest  # noqa: TC001 - its fields are read from it
from functions.aws.translate import AWS_ERRORS, code_of, words_of
from functions.domain.errors import LedgerUnavailableError, LoopbreakerError
from functions.domain.incidents.incident import NoticeStatus
from functions.domain.serialization import Form, UnreadableError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from functions.domain.graph.summary import LoopBook
    from functions.domain.notices.incident import Notice

IAM_ACTIONS: Final = frozenset(
    {
        # TransactWriteItems asks for the actions of its items.
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
)

_STATE: Final = "state"
_CHANGES: Final = "chart-changes"
_NOTICES: Final = "chart-notices"
_CHANGES_KEPT: Final = timedelta(days=2)
_REFUSED: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})
_LONGEST_KEY: Final = 900  # DynamoDB takes 1,024 bytes
# Keys of loops that were told of, the oldest forgotten first: 16 characters each.
MOST_TOLD: Final = 10_000

_Item: TypeAlias = dict[str, Any]
_T = TypeVar("_T")


class TurnLostError(LoopbreakerError):
    """When another run has taken over: this one was held up for longer than it may take."""


class PassKind(StrEnum):
    """How thorough a reading is."""

    FULL = "full"  # everything
    LIGHT = "light"  # all lists, and the details of what is new on them


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A reading that goes on in the next run. `runs` have been spent on it."""

    kind: PassKind
    manifest: Manifest
    runs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartState:
    """Where charting stands.

    Attributes
    ----------
    facts
        The complete facts that the book was made of; ``None`` before the first.
    full_at, listed_at
        When the last full pass, and the last pass of any kind, began to be read.
    going
        A pass that is not at its end.
    told
        Keys of the loops that people were told of, oldest first.
    told_gaps
        Missing permissions that people were told of, as ``area|action``.
    """

    facts: Manifest | None = None
    full_at: datetime | None = None
    listed_at: datetime | None = None
    going: Pass | None = None
    told: tuple[str, ...] = ()
    told_gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedChange:
    """A change with the mark of its last note: a later one of the same kind has another."""

    change: Change
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartNotice:
    """A notice on its way."""

    id: str
    subject: str
    body: str
    status: NoticeStatus = NoticeStatus.PENDING
    claimed_at: datetime | None = field(default=None)


class ChartStore:
    """The store, as one run uses it.

    Parameters
    ----------
    holder
        Names the run; a retry of the same run has the same name and goes on with its turn.
    """

    def __init__(self, client: DynamoDBClient, table: str, *, holder: str) -> None:
        self._client = client
        self._table = table
        self._holder = holder

    # -- the turn

    def take_turn(self, now: datetime, until: datetime) -> ChartState | None:
        """Where charting stands, if no other run is at it; ``None`` if one is.

        A state that this version cannot read counts as none: everything is read anew.

        Raises
        ------
        LedgerUnavailableError
        """
        try:
            answer = _call(
                functools.partial(
                    self._client.update_item,
                    TableName=self._table,
                    Key=_key(CHART, _STATE),
                    UpdateExpression="SET holder = :holder, held_until = :until",
                    ConditionExpression=(
                        "attribute_not_exists(held_until) OR held_until <= :now OR holder = :holder"
                    ),
                    ExpressionAttributeValues={
                        ":holder": {"S": self._holder},
                        ":until": _epoch(until),
                        ":now": _epoch(now),
                    },
                    ReturnValues="ALL_NEW",
                )
            )
        except _RefusedError:
            return None
        return _state_of(cast("_Item", answer["Attributes"]))

    def state(self) -> ChartState:
        """Where charting stands, for whoever only reads: another run may be moving it on.

        Raises
        ------
        LedgerUnavailableError
        """
        page = _call(
            functools.partial(
                self._client.query,
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk = :sk",
                ExpressionAttributeValues={":pk": {"S": CHART}, ":sk": {"S": _STATE}},
                ConsistentRead=True,
            )
        )
        return _state_of(cast("_Item", next(iter(page["Items"]), {})))

    def end_turn(self) -> None:
        """Let the next run have its turn; nothing happens where another has it already."""
        try:
            _call(
                functools.partial(
                    self._client.update_item,
                    TableName=self._table,
                    Key=_key(CHART, _STATE),
                    UpdateExpression="SET held_until = :never",
                    ConditionExpression="holder = :holder",
                    ExpressionAttributeValues={
                        ":holder": {"S": self._holder},
                        ":never": {"N": "0"},
                    },
                )
            )
        except _RefusedError:
            logger.info("the turn had passed on")

    def save(self, state: ChartState, notices: Sequence[ChartNotice] = ()) -> None:
        """Write where charting stands together with the notices that follow from it.

        Raises
        ------
        TurnLostError
            When another run has the turn. Nothing is written then.
        LedgerUnavailableError
        """
        state = replace(state, told=state.told[-MOST_TOLD:])
        update: _Item = {
            "TableName": self._table,
            "Key": _key(CHART, _STATE),
            "UpdateExpression": "SET #record = :record",
            "ConditionExpression": "holder = :holder",
            "ExpressionAttributeNames": {"#record": "record"},
            "ExpressionAttributeValues": {
                ":record": {"B": zlib.compress(json.dumps(to_json(state, Form.SPARSE)).encode())},
                ":holder": {"S": self._holder},
            },
        }
        puts = [{"Put": {"TableName": self._table, "Item": _notice_item(one)}} for one in notices]
        try:
            if puts:
                items: Any = [{"Update": update}, *puts]
                _call(functools.partial(self._client.transact_write_items, TransactItems=items))
            else:
                _call(functools.partial(self._client.update_item, **update))
        except _RefusedError as error:
            raise TurnLostError(str(error)) from error

    # -- changes

    def note(self, changes: Iterable[Change], mark: str, now: datetime) -> None:
        """Note what is to be read again; noting it twice is one note.

        Raises
        ------
        LedgerUnavailableError
        """
        for change in changes:
            item: _Item = {
                **_key(_CHANGES, _change_key(change)),
                "kind": {"S": change.kind.value},
                "name": {"S": change.name},
                "mark": {"S": mark},
                "expires_at": {"N": str(int((now + _CHANGES_KEPT).timestamp()))},
            }
            _call(functools.partial(self._client.put_item, TableName=self._table, Item=item))

    def noted(self) -> tuple[NotedChange, ...]:
        """All that is to be read again. A note that cannot be read is logged and left out."""
        found = []
        for item in self._items(_CHANGES):
            try:
                change = Change(kind=ChangeKind(item["kind"]["S"]), name=item["name"]["S"])
            except (KeyError, ValueError) as error:
                logger.warning("unreadable note", key=item["sk"]["S"], why=str(error))
                continue
            found.append(NotedChange(change=change, mark=item["mark"]["S"]))
        return tuple(found)

    def forget(self, noted: Iterable[NotedChange]) -> None:
        """Delete notes that were worked in; one that was noted again meanwhile stays."""
        for one in noted:
            with contextlib.suppress(_RefusedError):  # noted again meanwhile: it stays
                _call(
                    functools.partial(
                        self._client.delete_item,
                        TableName=self._table,
                        Key=_key(_CHANGES, _change_key(one.change)),
                        ConditionExpression="mark = :mark",
                        ExpressionAttributeValues={":mark": {"S": one.mark}},
                    )
                )

    # -- notices

    def notices(self) -> tuple[ChartNotice, ...]:
        """The notices that are not known to be sent, oldest first."""
        return tuple(_notice_of(item) for item in self._items(_NOTICES))

    def keep_notice(self, notice: ChartNotice) -> None:
        """Write a notice as it is now."""
        _call(
            functools.partial(
                self._client.put_item, TableName=self._table, Item=_notice_item(notice)
            )
        )

    def drop_notice(self, notice: ChartNotice) -> None:
        """Delete a notice that was sent."""
        _call(
            functools.partial(
                self._client.delete_item, TableName=self._table, Key=_key(_NOTICES, notice.id)
            )
        )

    # -- the book

    def write_book(self, book: LoopBook) -> None:
        """Replace the book that `contain` reads.

        Raises
        ------
        LedgerUnavailableError
        """
        item: _Item = {
            **_key(CHART, BOOK),
            "at": {"S": book.at.isoformat()},
            "data": {"B": packed(book)},
        }
        _call(functools.partial(self._client.put_item, TableName=self._table, Item=item))

    def _items(self, partition: str) -> list[_Item]:
        request: Any = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
            "ConsistentRead": True,
        }
        found: list[_Item] = []
        while True:
            page: Any = _call(functools.partial(self._client.query, **request))
            found += page["Items"]
            if not page.get("LastEvaluatedKey"):
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def notice_id(now: datetime, number: int, notice: Notice) -> str:
    """An id by which notices of one moment sort in their order."""
    text = f"{notice.subject}\n{notice.body}"
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:12]
    return f"{now.isoformat(timespec='microseconds')}#{number:03}#{digest}"


class _RefusedError(Exception):
    """When a condition does not hold."""


def _state_of(item: _Item) -> ChartState:
    record = item.get("record", {}).get("B")
    if record is None:
        return ChartState()
    try:
        return from_json(ChartState, json.loads(zlib.decompress(record)))
    except (UnreadableError, ValueError, zlib.error) as error:
        logger.warning("unreadable state of the chart", why=str(error))
        return ChartState()


def _notice_item(notice: ChartNotice) -> _Item:
    item: _Item = {
        **_key(_NOTICES, notice.id),
        "subject": {"S": notice.subject},
        "body": {"S": notice.body},
        "status": {"S": notice.status.value},
    }
    if notice.claimed_at is not None:
        item["claimed_at"] = {"S": notice.claimed_at.isoformat()}
    return item


def _notice_of(item: _Item) -> ChartNotice:
    claimed = item.get("claimed_at", {}).get("S")
    return ChartNotice(
        id=item["sk"]["S"],
        subject=item["subject"]["S"],
        body=item["body"]["S"],
        status=NoticeStatus(item["status"]["S"]),
        claimed_at=datetime.fromisoformat(claimed) if claimed else None,
    )


def _change_key(change: Change) -> str:
    key = f"{change.kind.value}#{change.name}"
    if len(key.encode(errors="backslashreplace")) <= _LONGEST_KEY:
        return key
    digest = hashlib.sha256(change.name.encode(errors="backslashreplace")).hexdigest()
    return f"{change.kind.value}#{digest}"


def _key(partition: str, sort: str) -> _Item:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def _epoch(moment: datetime) -> _Item:
    return {"N": f"{moment.timestamp():.6f}"}


def _call(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except AWS_ERRORS as error:
        if isinstance(error, ClientError) and code_of(error) in _REFUSED:
            raise _RefusedError(words_of(error)) from error
        raise LedgerUnavailableError(words_of(error)) from error
