"""AWS/DynamoDB: requests and write capacity by table, and what expires.

SuccessfulRequestLatency by TableName and Operation, ConsumedWriteCapacityUnits and
TimeToLiveDeletedItemCount by TableName.

Each operation is one function of the emulator, for requests as well as for Step Functions and
IoT. The number of samples is what counts: one for each successful request and table, and so one for
a BatchWriteItem of 25 items, after which the stream has 25 records. A condition that does not hold
is no success.

Write capacity is that of the table, without its indexes: for each item one unit for each started
kilobyte of its old or its new form, whichever is larger, and twice that in a transaction. A write
that changes nothing consumes it, and so does one whose condition does not hold; a transaction that
is cancelled consumes none here, which nobody could confirm.

Not counted: what AppSync writes, and what is replicated from another Region. An import of a table
is counted as PutItem, which it is not on AWS.

Items expire by the real time that their writers know, and are deleted in the next virtual minute;
AWS takes hours or days. Their stream records say that DynamoDB deleted them, as on AWS.
"""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from ministack.core.responses import request_scope
from ministack.services import dynamodb

from sandbox.patches.hooks import check, replace
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.world import World

NAMESPACE: Final = "AWS/DynamoDB"

_BY_SERVICE: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_REAPER: Final = "dynamodb-ttl-reaper"
_FAILED = 400
_writes: contextvars.ContextVar[_Writes | None] = contextvars.ContextVar(
    "sandbox_dynamodb_writes", default=None
)
"""The items that the operation at work has written."""

_WRITES_ONE: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_TRANSACTIONS: Final = frozenset({"TransactWriteItems", "ExecuteTransaction"})
_CONDITION_FAILED: Final = b"ConditionalCheckFailedException"
_is_inside: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "sandbox_inside_dynamodb", default=False
)
"""Whether an operation is at work, which may use others."""


def _of_one(data: Mapping[str, Any]) -> list[str]:
    return [data["TableName"]]


def _of_batch(data: Mapping[str, Any]) -> list[str]:
    return list(data["RequestItems"])


def _of_transaction(data: Mapping[str, Any]) -> list[str]:
    return [one["TableName"] for item in data["TransactItems"] for one in item.values()]


def _of_statements(key: str) -> Callable[[Mapping[str, Any]], list[str]]:
    def tables(data: Mapping[str, Any]) -> list[str]:
        return [
            table
            for one in data.get(key, [data])
            if (table := _of_statement(one["Statement"], one.get("Parameters") or []))
        ]

    return tables


def _of_statement(statement: str, parameters: list[Any]) -> str | None:
    try:
        return str(dynamodb._parse_partiql(statement, parameters)["table"])
    except ValueError:
        # A batch succeeds although one of its statements is none.
        return None


_OPERATIONS: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Iterable[str]]]]] = {
    "_put_item": ("PutItem", _of_one),
    "_get_item": ("GetItem", _of_one),
    "_update_item": ("UpdateItem", _of_one),
    "_delete_item": ("DeleteItem", _of_one),
    "_query": ("Query", _of_one),
    "_scan": ("Scan", _of_one),
    "_batch_write_item": ("BatchWriteItem", _of_batch),
    "_batch_get_item": ("BatchGetItem", _of_batch),
    "_transact_write_items": ("TransactWriteItems", _of_transaction),
    "_transact_get_items": ("TransactGetItems", _of_transaction),
    "_execute_statement": ("ExecuteStatement", _of_statements("")),
    "_batch_execute_statement": ("BatchExecuteStatement", _of_statements("Statements")),
    "_execute_transaction": ("ExecuteTransaction", _of_statements("TransactStatements")),
}
"""By function of the emulator, the operation and the tables that a request is about."""


class _Writes:
    """Units of write capacity by table."""

    def __init__(self) -> None:
        self.units: dict[str, float] = {}

    def add(self, table: Mapping[str, Any], *forms: Any) -> None:
        """Note that an item was written, by its old and its new form."""
        largest = max((dynamodb._item_size_bytes(one) for one in forms if one), default=0)
        self.add_units(table["TableName"], dynamodb._capacity_kb(largest))

    def add_units(self, table: str, units: float) -> None:
        """Note that capacity was consumed."""
        self.units[table] = self.units.get(table, 0.0) + units


def apply(world: World) -> None:
    """Count successful requests and writes, and let what has expired be deleted."""
    check(dynamodb, "_parse_partiql", ("statement", "parameters"))
    check(dynamodb, "_item_size_bytes", ("item",))
    check(dynamodb, "_capacity_kb", ("nbytes",))
    _note_writes()
    for function, (operation, tables_of) in _OPERATIONS.items():
        _count(world, function, operation, tables_of)
    _let_items_expire(world)


def _count(
    world: World,
    function: str,
    operation: str,
    tables_of: Callable[[Mapping[str, Any]], Iterable[str]],
) -> None:
    def act(data: dict[str, Any]) -> Any:
        if _is_inside.get():
            return original(data)
        token, began, writes = _is_inside.set(True), time.monotonic(), _Writes()
        writing = _writes.set(writes)
        try:
            answer = original(data)
        finally:
            _writes.reset(writing)
            _is_inside.reset(token)
        is_done = answer[0] < _FAILED
        # A condition that does not hold, or the deletion of what is not there.
        is_vain = is_done or _CONDITION_FAILED in answer[2]
        if operation in _WRITES_ONE and not writes.units and is_vain:
            writes.add_units(dynamodb._normalize_table_name(data["TableName"]), 1.0)
        factor = 2.0 if operation in _TRANSACTIONS else 1.0
        for table, units in writes.units.items():
            world.count(NAMESPACE, "ConsumedWriteCapacityUnits", factor * units, TableName=table)
        if is_done:
            milliseconds = (time.monotonic() - began) * 1000.0
            for table in {dynamodb._normalize_table_name(one) for one in tables_of(data)}:
                world.count(
                    NAMESPACE,
                    "SuccessfulRequestLatency",
                    milliseconds,
                    unit="Milliseconds",
                    TableName=table,
                    Operation=operation,
                )
        return answer

    original = replace(dynamodb, function, act, ("data",))


def _note_writes() -> None:
    def set_item(table: dict[str, Any], pk_val: Any, sk_val: Any, item: dict[str, Any]) -> Any:
        old = original_set(table, pk_val, sk_val, item)
        _note(table, old, item)
        return old

    def remove_item(table: dict[str, Any], pk_val: Any, sk_val: Any) -> Any:
        old = original_remove(table, pk_val, sk_val)
        _note(table, old)
        return old

    original_set = replace(dynamodb, "_set_item", set_item, ("table", "pk_val", "sk_val", "item"))
    original_remove = replace(dynamodb, "_remove_item", remove_item, ("table", "pk_val", "sk_val"))


def _note(table: dict[str, Any], *forms: Any) -> None:
    """Note a write of the operation at work, if it is one of this Region's own table."""
    writes = _writes.get()
    if (
        writes is not None
        and dynamodb._tables.get_scoped(ACCOUNT_ID, REGION, table["TableName"]) is table
    ):
        writes.add(table, *forms)


def _let_items_expire(world: World) -> None:
    check(
        dynamodb,
        "_emit_stream_event",
        ("table_name", "event_name", "old_item", "new_item", "replicate"),
    )

    def remove(table: dict[str, Any], pk_val: Any, sk_val: Any) -> Any:
        # The emulator's own thread looks once in a real minute and tells the stream nothing.
        if threading.current_thread().name == _REAPER:
            return None
        return original_remove(table, pk_val, sk_val)

    original_remove = replace(dynamodb, "_remove_item", remove, ("table", "pk_val", "sk_val"))

    def build(
        table: dict[str, Any],
        event_name: str,
        old_item: dict[str, Any] | None,
        new_item: dict[str, Any] | None,
        view_type: str,
    ) -> dict[str, Any]:
        record: dict[str, Any] = original_build(table, event_name, old_item, new_item, view_type)
        return record | {"userIdentity": dict(_BY_SERVICE)} if _expires.get() else record

    original_build = replace(
        dynamodb,
        "_build_change_record",
        build,
        ("table", "event_name", "old_item", "new_item", "view_type"),
    )

    def expire() -> None:
        for (account, region, name), setting in dynamodb._ttl_settings.all_items():
            table = dynamodb._tables.get_scoped(account, region, name)
            attribute = setting.get("AttributeName")
            if table is None or not attribute or setting.get("TimeToLiveStatus") != "ENABLED":
                continue
            with request_scope(account, region):
                for key, sort_key, item in _expired(table, attribute, time.time()):
                    if dynamodb._remove_item(table, key, sort_key) is not None:
                        _emit(name, item)
                        world.count(NAMESPACE, "TimeToLiveDeletedItemCount", TableName=name)

    world.on_tick.append(expire)


_expires: contextvars.ContextVar[bool] = contextvars.ContextVar("sandbox_expires", default=False)


def _emit(table: str, item: dict[str, Any]) -> None:
    token = _expires.set(True)
    try:
        dynamodb._emit_stream_event(table, "REMOVE", item, None)
    finally:
        _expires.reset(token)


def _expired(
    table: Mapping[str, Any], attribute: str, now: float
) -> list[tuple[Any, Any, dict[str, Any]]]:
    """The items whose time is over, with their keys. Only a number is a time."""
    return [
        (key, sort_key, item)
        for key, items in list(table["items"].items())
        for sort_key, item in list(items.items())
        if (until := (item.get(attribute) or {}).get("N")) is not None and float(until) <= now
    ]
