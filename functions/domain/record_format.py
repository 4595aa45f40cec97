"""The text of a record: JSON with the version of its form, so that a later one can be told."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from functions.domain.errors import LedgerUnavailableError
from functions.domain.serialization import Form, UnreadableError, from_json, to_json

RECORD_VERSION: Final = 1

_T = TypeVar("_T")


class UnreadableRecordError(LedgerUnavailableError):
    """When a stored text is no record that this version can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFormat(Generic[_T]):
    """How values of one class are stored.

    Attributes
    ----------
    name
        Where the value stands in the record.
    upgrade
        What makes today's fields of those of an earlier version.
    """

    name: str
    shape: type[_T]
    upgrade: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def dump(self, value: _T) -> str:
        """The record of a value."""
        return dump_json({"record": RECORD_VERSION, self.name: to_json(value, Form.NAMED)})

    def load(self, text: str) -> _T:
        """Read a record.

        Raises
        ------
        UnreadableRecordError
            When it is no record, or one of a later version.
        """
        try:
            record = json.loads(text)
            version = record["record"]
            if version > RECORD_VERSION:
                raise UnreadableRecordError(
                    f"the record is of version {version}, this code reads up to {RECORD_VERSION}"
                )
            stored = record[self.name]
            return from_json(self.shape, self.upgrade(stored) if self.upgrade else stored)
        except (UnreadableError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = "" if isinstance(error, UnreadableError) else f"{type(error).__name__} "
            raise UnreadableRecordError(
                f"not a record of {self.name}: {why}{error}: {text[:200]!r}"
            ) from error


def dump_json(value: Any) -> str:
    """The shortest text of a value that is JSON's."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
