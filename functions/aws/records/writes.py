"""Writes to the table and their conditions, as data, and in DynamoDB's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.aws.records.items import Item


class WriteCondition:
    """What must hold of the stored item for a write to be done; `&` and `|` join two."""

    __slots__ = ()

    def __and__(self, other: WriteCondition) -> WriteCondition:
        return Both(self, other)

    def __or__(self, other: WriteCondition) -> WriteCondition:
        return Either(self, other)


@dataclass(frozen=True, slots=True)
class AttributeAbsent(WriteCondition):
    """That the stored item does not have an attribute; with `pk`: that nothing is stored."""

    name: str


@dataclass(frozen=True, slots=True)
class Compare(WriteCondition):
    """That an attribute of the stored item compares so with a value.

    Nothing compares with an attribute that is absent, but that it is not equal (`<>`).
    UNCONFIRMED A-004: the latter is what local implementations of DynamoDB do. It matters for the
    record of a rollback that an earlier version has claimed: the outcome is written there, or not,
    which is harmless.
    """

    name: str
    operator: str  # =, <>, <=
    value: Item


@dataclass(frozen=True, slots=True)
class Both(WriteCondition):
    """That both of two conditions hold."""

    one: WriteCondition
    other: WriteCondition


@dataclass(frozen=True, slots=True)
class Either(WriteCondition):
    """That one of two conditions holds, or both."""

    one: WriteCondition
    other: WriteCondition


NEW: Final = AttributeAbsent("pk")


@dataclass(frozen=True, slots=True, kw_only=True)
class PutItem:
    """Writes a whole item, in place of whatever is stored."""

    item: Item
    condition: WriteCondition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Sets, removes and counts up attributes; the others stay as they are."""

    key: Item
    values: Mapping[str, Item]
    removed: tuple[str, ...] = ()
    added: Mapping[str, Item] = field(default_factory=lambda: MappingProxyType({}))
    condition: WriteCondition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Removes an item."""

    key: Item
    condition: WriteCondition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionCheck:
    """Changes nothing; the condition has to hold for the other writes."""

    key: Item
    condition: WriteCondition


Write: TypeAlias = PutItem | Update | Delete | ConditionCheck

VERBS: Final[Mapping[type[Write], str]] = {
    PutItem: "Put",
    Update: "Update",
    Delete: "Delete",
    ConditionCheck: "ConditionCheck",
}


def request_of(write: Write, table: str) -> dict[str, Any]:
    """The parameters of the call, which are those of an entry of a transaction, too."""
    expression = _Expression()
    request: dict[str, Any] = {"TableName": table}
    match write:
        case PutItem():
            request["Item"] = write.item
        case Update():
            request["Key"] = write.key
            request["UpdateExpression"] = expression.update(write)
        case Delete() | ConditionCheck():
            request["Key"] = write.key
    if write.condition is not None:
        request["ConditionExpression"] = expression.write_condition(write.condition)
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if expression.names:
        request["ExpressionAttributeNames"] = expression.names
    if expression.values:
        request["ExpressionAttributeValues"] = expression.values
    return request


@dataclass(slots=True)
class _Expression:
    """Conditions and updates in DynamoDB's words; all names are placeholders, many are reserved."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Item] = field(default_factory=dict)

    def write_condition(self, condition: WriteCondition) -> str:
        match condition:
            case AttributeAbsent():
                return f"attribute_not_exists({self._name(condition.name)})"
            case Compare():
                name, value = self._name(condition.name), self._add_value(condition.value)
                return f"{name} {condition.operator} {value}"
            case Both():
                one, other = (
                    self.write_condition(condition.one),
                    self.write_condition(condition.other),
                )
                return f"({one} AND {other})"
            case Either():
                one, other = (
                    self.write_condition(condition.one),
                    self.write_condition(condition.other),
                )
                return f"({one} OR {other})"
            case _:
                raise TypeError(f"{type(condition).__name__} is no condition")

    def update(self, update: Update) -> str:
        assignments = [self._name(n) + " = " + self._add_value(v) for n, v in update.values.items()]
        additions = [self._name(n) + " " + self._add_value(v) for n, v in update.added.items()]
        removals = [self._name(name) for name in update.removed]
        clauses = {"SET": assignments, "REMOVE": removals, "ADD": additions}
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)

    def _name(self, name: str) -> str:
        self.names[f"#{name}"] = name
        return f"#{name}"

    def _add_value(self, value: Item) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder
