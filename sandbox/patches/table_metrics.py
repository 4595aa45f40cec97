"""AWS/DynamoDB SuccessfulRequestLatency by TableName and Operation, TimeToLiveDeletedItemCount.

Each operation is one function of the emulator, for requests as well as for Step Functions and
IoT. The number of samples is what counts: one for each successful request and table, and so one for
a BatchWriteItem of 25 items, after which the stream has 25 records. A condition that does not hold
is no success.

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.world import World

NAMESPACE: Final = "AWS/DynamoDB"

_BY_SERVICE: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_REAPER: Final = "dynamodb-ttl-reaper"
_FAILED = 400
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


def apply(world: World) -> None:
    """Count successful requests, and let what has expired be deleted."""
    check(dynamodb, "_parse_partiql", ("statement", "parameters"))
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
        token, began = _is_inside.set(True), time.monotonic()
        try:
            answer = original(data)
        finally:
            _is_inside.reset(token)
        if answer[0] < _FAILED:
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
