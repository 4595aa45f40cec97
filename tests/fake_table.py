"""The table in memory: the stores work on it as they do on DynamoDB.

Conditions are data, so they are not written a second time here. They are evaluated as DynamoDB does
(developer guide, *Comparison operator and function reference*); `tests/contract/test_table.py`
compares both.
"""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from functions.aws.records.items import read_text
from functions.aws.records.table import Table
from functions.aws.records.writes import (
    AttributeAbsent,
    Both,
    Compare,
    ConditionCheck,
    Delete,
    Either,
    PutItem,
    Update,
)
from functions.domain.errors import LedgerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functions.aws.records.items import Item
    from functions.aws.records.table import Refusals
    from functions.aws.records.writes import Write, WriteCondition

MOST_ITEM_BYTES: Final = 400_000


class MemoryTable(Table):
    """Twin of `functions.aws.records.table.Table`.

    Attributes
    ----------
    items
        By partition and sort key.
    """

    def __init__(self) -> None:
        super().__init__(_no_client, "memory", randomness=random.Random(1))  # noqa: S311
        self.items: dict[tuple[str, str], Item] = {}

    def get(self, key: Item, *, is_consistent: bool = True) -> Item | None:
        """See `Table`."""
        found = self.items.get(_place_of(key))
        return None if found is None else dict(found)

    def query(
        self,
        partition: str,
        *,
        only: str = "",
        after: str = "",
        newest_first: bool = False,
        attribute: str = "",
    ) -> Iterator[Item]:
        """See `Table`."""
        wanted = [
            key
            for key in self.items
            if key[0] == partition and key[1] >= after and (not only or key[1] == only)
        ]
        for key in sorted(wanted, key=lambda one: one[1].encode(), reverse=newest_first):
            item = dict(self.items[key])
            yield {attribute: item[attribute]} if attribute else item

    def write(self, *writes: Write) -> Refusals | None:
        """See `Table`."""
        stored = [self.items.get(_place_of(_key_of(one)), {}) for one in writes]
        refused: Refusals = [
            None if holds(one.condition, item) else dict(item)
            for one, item in zip(writes, stored, strict=True)
        ]
        if any(one is not None for one in refused):
            return refused
        written = {
            _place_of(_key_of(one)): _result_of(one, item)
            for one, item in zip(writes, stored, strict=True)
        }
        for item in written.values():
            _require_fitting(item)
        for place, item in written.items():
            self.items.pop(place, None)
            if item:
                self.items[place] = item
        return None

    def update(self, update: Update) -> Item | None:
        """See `Table`."""
        return self.get(update.key) if self.write(update) is None else None


def holds(condition: WriteCondition | None, item: Item) -> bool:
    """Whether a condition holds of what is stored; ``{}`` for nothing."""
    match condition:
        case None:
            return True
        case AttributeAbsent():
            return condition.name not in item
        case Compare():
            return _compares(condition, item.get(condition.name))
        case Both():
            return holds(condition.one, item) and holds(condition.other, item)
        case Either():
            return holds(condition.one, item) or holds(condition.other, item)
        case _:
            raise TypeError(type(condition).__name__)


def _compares(condition: Compare, stored: Item | None) -> bool:
    if stored is None or stored.keys() != condition.value.keys():
        return condition.operator == "<>"
    one, other = _comparable(stored), _comparable(condition.value)
    match condition.operator:
        case "=":
            return bool(one == other)
        case "<>":
            return bool(one != other)
        case "<=":
            return bool(one <= other)
        case _:
            raise ValueError(condition.operator)


def _comparable(attribute: Item) -> Any:
    ((kind, value),) = attribute.items()
    if kind == "N":
        return Decimal(value)
    return value.encode() if kind == "S" else value


def _result_of(write: Write, stored: Item) -> Item:
    """The item as it is once it is written; empty for none."""
    match write:
        case PutItem():
            return dict(write.item)
        case Update():
            item = {**write.key, **stored, **write.values}
            for name, one in write.added.items():
                total = Decimal(item.get(name, {"N": "0"})["N"]) + Decimal(one["N"])
                item[name] = {"N": str(total)}
            return {name: one for name, one in item.items() if name not in write.removed}
        case Delete():
            return {}
        case ConditionCheck():
            return stored


def _require_fitting(item: Item) -> None:
    if _size_of(item) > MOST_ITEM_BYTES:
        raise LedgerUnavailableError(
            "ValidationException: Item size has exceeded the maximum allowed size"
        )


def _key_of(write: Write) -> Item:
    return write.item if isinstance(write, PutItem) else write.key


def _place_of(key: Item) -> tuple[str, str]:
    return read_text(key, "pk"), read_text(key, "sk")


def _size_of(item: Item) -> int:
    """About what DynamoDB counts: names and values in bytes, where they are long."""
    return sum(
        len(name) + len(value.encode(errors="surrogatepass") if isinstance(value, str) else value)
        for name, attribute in item.items()
        for value in attribute.values()
        if isinstance(value, str | bytes)
    )


def _no_client() -> Any:
    raise AssertionError("the table in memory asks nobody")
