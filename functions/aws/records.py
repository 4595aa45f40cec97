"""Incidents as text for the ledger, and back.

A record is JSON: a version, then the incident by its fields' names. The fields are read from the
dataclasses themselves, so that none can be forgotten: fields that a record lacks take their
defaults, fields that it has in excess are left alone.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from datetime import datetime
from enum import Enum
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from functions.domain.errors import LedgerUnavailableError
from functions.domain.incident import Incident, NoticeStatus

if TYPE_CHECKING:
    from functions.domain.incident import OutboxNotice

RECORD_VERSION: Final = 1
# DynamoDB takes 400 KB an item, names and the other attributes included.
MOST_RECORD_BYTES: Final = 350_000
CUT: Final = "\n[cut to fit the ledger]"
_KIND: Final = "kind"  # tells the members of a union of dataclasses apart
_SHORTEST_BODY: Final = 200

_T = TypeVar("_T")


class UnreadableRecordError(LedgerUnavailableError):
    """When the ledger holds a record that this version cannot read."""


def dump_incident(incident: Incident, most_bytes: int = MOST_RECORD_BYTES) -> str:
    """The record of an incident, no longer than `most_bytes`.

    What does not fit is cut from the notices: first from those that are sent, then from the
    longest. Everything that restoring needs stays.
    """
    text = _dump(incident)
    while len(text.encode(errors="surrogatepass")) > most_bytes:
        shorter = _with_shorter_notice(incident)
        if shorter is None:
            break
        incident = shorter
        text = _dump(incident)
    return text


def load_incident(text: str) -> Incident:
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
        return _read(Incident, record["incident"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecordError(
            f"not a record of an incident: {type(error).__name__} {error}: {text[:200]!r}"
        ) from error


def _dump(incident: Incident) -> str:
    return json.dumps(
        {"record": RECORD_VERSION, "incident": _plain(incident)},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _with_shorter_notice(incident: Incident) -> Incident | None:
    def order(notice: OutboxNotice) -> tuple[bool, int]:
        return notice.status is NoticeStatus.SENT, len(notice.body)

    candidates = [one for one in incident.outbox if len(one.body) > _SHORTEST_BODY]
    if not candidates:
        return None
    longest = max(candidates, key=order)
    keep = max(_SHORTEST_BODY - len(CUT), len(longest.body) // 2 - len(CUT))
    if longest.status is NoticeStatus.SENT:
        keep = _SHORTEST_BODY - len(CUT)
    shorter = dataclasses.replace(longest, body=longest.body[:keep] + CUT)
    outbox = tuple(shorter if one is longest else one for one in incident.outbox)
    return dataclasses.replace(incident, outbox=outbox)


def _plain(value: Any) -> Any:
    """A value in JSON's terms."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        fields = {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {_KIND: type(value).__name__, **fields}
    return value


def _read(hint: type[_T], value: Any) -> _T:
    """A dataclass out of its record."""
    hints = _hints(cast("Any", hint))
    return hint(**{name: _value(hints[name], value[name]) for name in hints if name in value})


def _value(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _one_of(get_args(hint), value)
    if origin is tuple:
        return tuple(_value(get_args(hint)[0], one) for one in value)
    if dataclasses.is_dataclass(hint):
        return _read(hint, value)  # type: ignore[arg-type]
    if hint is datetime:
        return datetime.fromisoformat(value)
    if issubclass(hint, Enum):
        return hint(value)
    if not isinstance(value, (int, float) if hint is float else hint):
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value


def _one_of(hints: tuple[Any, ...], value: Any) -> Any:
    if value is None:
        if types.NoneType not in hints:
            raise TypeError(f"None where one of {hints} belongs")
        return None
    others = [one for one in hints if one is not types.NoneType]
    if len(others) == 1:
        return _value(others[0], value)
    return _read({one.__name__: one for one in others}[value[_KIND]], value)


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)
