"""What `chart` remembers from one run to the next, in the ledger's table.

===============  ========================  =========================================================
pk               sk                        item
===============  ========================  =========================================================
chart            state                     whose turn it is, which facts are valid, what was told
chart            book                      the loops, for `contain`: see `loop_book`
chart-changes    <kind>#<name>             what is to be read again; 2 days (TTL)
chart-notices    <id>                      a notice that is not known to be sent
account#...      <part of the facts>       see `fact_store`
===============  ========================  =========================================================

Only the run that holds the turn writes, but for changes, which anybody may note. What was told and
the notices that tell it are written in one transaction: a crash between the two cannot happen.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.records.graph_summary import BOOK, CHART, pack_summary
from functions.aws.records.items import (
    build_key,
    pack,
    read_item,
    read_text,
    unpack,
    write_epoch,
    write_expiry,
)
from functions.aws.records.writes import AttributeAbsent, Compare, Delete, PutItem, Update
from functions.aws.runtime.observability import logger
from functions.domain.account.configuration_change import Change
from functions.domain.graph.refresh import (
    ChartState,
    NotedChange,
    TurnLostError,
)
from functions.domain.notices.outbox import OutboxEvent, OutboxNotice
from functions.domain.record_format import UnreadableRecordError
from functions.domain.serialization import Form, UnreadableError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from functions.aws.records.items import Item
    from functions.aws.records.table import Table
    from functions.aws.records.writes import WriteCondition
    from functions.domain.graph.summary import LoopBook

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
_LONGEST_KEY: Final = 900  # DynamoDB takes 1,024 bytes
# Keys of loops that people were notified of, the oldest forgotten first: 16 characters each.
MOST_TOLD: Final = 10_000


class ChartStore:
    """The store, as one run uses it.

    Parameters
    ----------
    holder
        Names the run; a retry of the same run has the same name and goes on with its turn.
    """

    def __init__(self, table: Table, *, holder: str) -> None:
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
        item = self._table.update(
            Update(
                key=build_key(CHART, _STATE),
                values={"holder": {"S": self._holder}, "held_until": write_epoch(until)},
                condition=AttributeAbsent("held_until")
                | Compare("held_until", "<=", write_epoch(now))
                | self._has_turn(),
            )
        )
        return None if item is None else _state_of(item)

    def state(self) -> ChartState:
        """Where charting stands, for whoever only reads: another run may be moving it on.

        Raises
        ------
        LedgerUnavailableError
        """
        return _state_of(next(self._table.query(CHART, only=_STATE), {}))

    def end_turn(self) -> None:
        """Let the next run have its turn; nothing happens where another has it already."""
        update = Update(
            key=build_key(CHART, _STATE),
            values={"held_until": {"N": "0"}},
            condition=self._has_turn(),
        )
        if self._table.write(update) is not None:
            logger.info("the turn had passed on")

    def save(self, state: ChartState, notices: Sequence[OutboxNotice] = ()) -> None:
        """Write where charting stands together with the notices that follow from it.

        Raises
        ------
        TurnLostError
            When another run has the turn. Nothing is written then.
        LedgerUnavailableError
        """
        state = replace(state, told=state.told[-MOST_TOLD:])
        update = Update(
            key=build_key(CHART, _STATE),
            values={"record": pack(json.dumps(to_json(state, Form.SPARSE)))},
            condition=self._has_turn(),
        )
        if self._table.write(update, *(_put_notice(one) for one in notices)) is not None:
            raise TurnLostError(f"{self._holder} has lost its turn")

    def _has_turn(self) -> WriteCondition:
        return Compare("holder", "=", {"S": self._holder})

    # -- changes

    def note(self, changes: Iterable[Change], mark: str, now: datetime) -> None:
        """Note what is to be read again; noting it twice is one note.

        Raises
        ------
        LedgerUnavailableError
        """
        for change in changes:
            item = {
                **build_key(_CHANGES, _change_key(change)),
                "kind": {"S": change.kind.value},
                "name": {"S": change.name},
                "mark": {"S": mark},
                "expires_at": write_expiry(now + _CHANGES_KEPT),
            }
            self._table.write(PutItem(item=item))

    def read_noted(self) -> tuple[NotedChange, ...]:
        """All that is to be read again. A note that cannot be read is logged and left out."""
        found = []
        for item in self._table.query(_CHANGES):
            try:
                change = read_item(Change, item)
            except UnreadableError as error:
                logger.warning("unreadable note", key=read_text(item, "sk"), why=str(error))
                continue
            found.append(NotedChange(change=change, mark=read_text(item, "mark")))
        return tuple(found)

    def forget(self, noted: Iterable[NotedChange]) -> None:
        """Delete notes that were worked in; one that was noted again meanwhile stays."""
        for one in noted:
            is_last_note = Compare("mark", "=", {"S": one.mark})
            key = build_key(_CHANGES, _change_key(one.change))
            self._table.write(Delete(key=key, condition=is_last_note))

    # -- notices

    def read_notices(self) -> tuple[OutboxNotice, ...]:
        """The notices that are not known to be sent, oldest first."""
        return tuple(_parse_notice(item) for item in self._table.query(_NOTICES))

    def keep_notice(self, notice: OutboxNotice) -> None:
        """Write a notice as it is now; one that was sent, its event too, is deleted."""
        if notice.is_settled:
            self._table.write(Delete(key=build_key(_NOTICES, notice.id)))
        else:
            self._table.write(_put_notice(notice))

    # -- the book

    def write_book(self, book: LoopBook) -> None:
        """Replace the book that `contain` reads.

        Raises
        ------
        LedgerUnavailableError
        """
        item = {
            **build_key(CHART, BOOK),
            "at": {"S": book.at.isoformat()},
            "data": {"B": pack_summary(book)},
        }
        self._table.write(PutItem(item=item))


def _state_of(item: Item) -> ChartState:
    if "record" not in item:
        return ChartState()
    try:
        return from_json(ChartState, json.loads(unpack(item, "record")))
    except (UnreadableRecordError, UnreadableError, ValueError) as error:
        logger.warning("unreadable state of the chart", why=str(error))
        return ChartState()


def _put_notice(notice: OutboxNotice) -> PutItem:
    item = {
        **build_key(_NOTICES, notice.id),
        "subject": {"S": notice.subject},
        "body": {"S": notice.body},
        "status": {"S": notice.status.value},
    }
    if notice.attempts:
        item["attempts"] = {"N": str(notice.attempts)}
    if notice.claimed_at is not None:
        item["claimed_at"] = {"S": notice.claimed_at.isoformat()}
    if notice.twin is not None:
        item["event"] = {"S": json.dumps(to_json(notice.twin, Form.SPARSE))}
    return PutItem(item=item)


def _parse_notice(item: Item) -> OutboxNotice:
    notice = read_item(OutboxNotice, {**item, "id": item["sk"]})
    if "event" not in item:
        return notice
    return replace(notice, twin=from_json(OutboxEvent, json.loads(read_text(item, "event"))))


def _change_key(change: Change) -> str:
    key = f"{change.kind.value}#{change.name}"
    if len(key.encode(errors="backslashreplace")) <= _LONGEST_KEY:
        return key
    digest = hashlib.sha256(change.name.encode(errors="backslashreplace")).hexdigest()
    return f"{change.kind.value}#{digest}"
