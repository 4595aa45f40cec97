"""Frozen dataclasses in JSON's terms, and back.

The fields are read from the dataclasses themselves, so that none can be forgotten: fields that a
record lacks take their defaults, fields that it has in excess are left alone. Members of a union
of dataclasses are told apart by their class's name.
"""

import dataclasses
import functools
import types
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_KIND: Final = "kind_"

_T = TypeVar("_T")


def to_plain(value: Any) -> Any:
    """A value in JSON's terms."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        fields = {one.name: to_plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {_KIND: type(value).__name__, **fields}
    return value


def from_plain(hint: type[_T], value: Any) -> _T:
    """A dataclass out of its record.

    Raises
    ------
    TypeError, ValueError, KeyError, AttributeError
        When the record has another form.
    """
    hints = _hints(cast("Any", hint))
    return hint(**{name: _value(hints[name], value[name]) for name in hints if name in value})


def _value(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _one_of(get_args(hint), value)
    if origin is tuple:
        return tuple(_value(get_args(hint)[0], one) for one in value)
    if dataclasses.is_dataclass(hint):
        return from_plain(hint, value)  # type: ignore[arg-type]
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
    return from_plain({one.__name__: one for one in others}[value[_KIND]], value)


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)
