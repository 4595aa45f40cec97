"""Reads values of properties, whatever their type: a template may have anything anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.templates.model import (
    MaybeList,
    MaybeMapping,
    MaybeText,
    Partial,
    Unknown,
    mark_optional,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.templates.model import Value

# Deeper than any property of CloudFormation, and far below Python's own limit.
_DEEPEST: Final = 100
_NOTHING: Final[Mapping[str, Any]] = {}
_UNKNOWN: Final = (Unknown, Partial)
_OPTIONAL: Final = (MaybeText, MaybeList, MaybeMapping)
TOO_DEEP: Final = Unknown("a value that is nested too deeply")


def read_text(value: Value) -> str:
    """A text that is known as a whole, also of a number or a boolean; empty for anything else."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            return ""


def read_number(value: Value, default: int) -> int:
    """A whole number, also where it is written as a text."""
    text = read_text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _DEEPEST else default


def read_flag(value: Value, *, default: bool) -> bool:
    """A boolean, also where it is written as a text; the default for anything else."""
    return {"true": True, "false": False}.get(read_text(value).lower(), default)


def read_list(value: Value) -> tuple[Value, ...]:
    """The elements of a list, or the one value that stands where a list is expected."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def read_mapping(value: Value) -> Mapping[str, Value]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else _NOTHING


def read_path(value: Value, *names: str) -> Value:
    """What is found under names, one within the other.

    It is unknown where something on the way is, perhaps left out where something on the way may
    be, and ``None`` where it is not there.
    """
    why = ""
    for name in names:
        if is_unknown(value):
            return value
        if isinstance(value, MaybeMapping):
            why = why or value.why
        value = read_mapping(value).get(name)
    return mark_optional(value, why) if why and value is not None else value


def is_unknown(value: Value) -> bool:
    """Whether a value is not known, or not as a whole."""
    return isinstance(value, Unknown | Partial)


def is_doubtful(value: Value) -> bool:
    """Whether a value is not known, or may be left out: what must hold before it forbids."""
    return isinstance(value, (*_UNKNOWN, *_OPTIONAL))


def get_doubt(value: Value) -> str:
    """Why a value is doubtful by itself, whatever is in it; empty where it is not."""
    return str(getattr(value, "why", "")) if is_doubtful(value) else ""


def find_unknown(value: Value) -> str:
    """What is not known of a value or within it; empty where all of it is known."""
    return next(_list_causes(value, _UNKNOWN, 0), "")


def find_optional(value: Value) -> str:
    """What decides whether a value or something within it is left out; empty for nothing."""
    return next(_list_causes(value, _OPTIONAL, 0), "")


def find_doubt(value: Value) -> str:
    """Why a value that forbids or filters is no fact; empty where all of it is one."""
    return find_unknown(value) or find_optional(value)


def _list_causes(value: Value, wanted: tuple[type, ...], depth: int) -> Iterator[str]:
    """Why values are of the wanted kinds, this one and those within it."""
    if isinstance(value, wanted):
        yield getattr(value, "why", "")
    elif depth > _DEEPEST:
        yield TOO_DEEP.why
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _list_causes(one, wanted, depth + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _list_causes(one, wanted, depth + 1)


def is_too_deep(value: Value, depth: int = 0) -> bool:
    """Whether a value nests deeper than any property does, and than Python can write."""
    if depth > _DEEPEST:
        return True
    if isinstance(value, Mapping):
        return any(is_too_deep(one, depth + 1) for one in value.values())
    return isinstance(value, list | tuple) and any(is_too_deep(one, depth + 1) for one in value)


def write_json(value: Value) -> str:
    """A value as JSON. All of it is known: see `find_unknown`."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_write_other)


def _write_other(value: object) -> object:
    """Mappings that are no dictionaries, what is not known, and dates of YAML."""
    if isinstance(value, Unknown | Partial):
        return f"<{value.why}>"
    return dict(value) if isinstance(value, Mapping) else str(value)


def remove_unknown(pattern: Value) -> Value:
    """A pattern of events without the fields that are not known as a whole, or may be left out.

    What is left lets at least as many events pass. ``None`` where nothing is left.
    """
    return _remove_unknown(pattern, 0)


def _remove_unknown(value: Value, depth: int) -> Value:
    if is_doubtful(value) or depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        kept = {name: _remove_unknown(one, depth + 1) for name, one in value.items()}
        # A field without values is one without a condition, but was an empty one always.
        left = {name: one for name, one in kept.items() if one is not None}
        return left or (value if not value else None)
    if isinstance(value, list | tuple):
        elements = [_remove_unknown(one, depth + 1) for one in value]
        # One more value lets more events pass: without knowing it, any event may.
        is_cut = any(a is None and b is not None for a, b in zip(elements, value, strict=True))
        return None if is_cut else elements
    return value
