"""Facts as JSON, and back: by the fields of their dataclasses, without what is as by default.

Readers are put together once for each type, because an account of 10,000 functions has some
hundred thousand values.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

_Reader = Callable[[Any], Any]
_NO_DEFAULT: Final = object()


class UnreadableFactsError(ValueError):
    """When stored facts do not have the shape that this version writes."""


def plain(value: Any) -> Any:
    """A value in JSON's terms."""
    if value is None or isinstance(value, str | bool | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    fields: dict[str, Any] = {}
    cls: Any = type(value)
    for name, default in _fields(cls):
        one = getattr(value, name)
        if one != default:
            fields[name] = plain(one)
    return fields


def reader(shape: Any) -> _Reader:
    """What makes a value of the shape out of JSON's terms.

    It raises `UnreadableFactsError` for anything else.
    """
    made = _reader(shape)

    def read(told: Any) -> Any:
        try:
            return made(told)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise UnreadableFactsError(f"{shape}: {type(error).__name__} {error}") from error

    return read


@functools.cache
def _fields(cls: Any) -> tuple[tuple[str, Any], ...]:
    found = []
    for one in dataclasses.fields(cls):
        default: Any = _NO_DEFAULT
        if one.default is not dataclasses.MISSING:
            default = one.default
        elif one.default_factory is not dataclasses.MISSING:
            default = one.default_factory()
        found.append((one.name, default))
    return tuple(found)


@functools.cache
def _reader(shape: Any) -> _Reader:
    origin = get_origin(shape)
    if origin in {Union, types.UnionType}:
        return _optional(shape)
    if origin is tuple:
        each = _reader(get_args(shape)[0])
        return lambda told: tuple([each(one) for one in _typed(told, list)])
    if origin is not None and issubclass(origin, Mapping):
        value = _reader(get_args(shape)[1])
        return lambda told: {key: value(one) for key, one in _typed(told, dict).items()}
    if dataclasses.is_dataclass(shape):
        return _dataclass(shape)
    if shape is datetime:
        return datetime.fromisoformat
    if issubclass(shape, Enum):
        members: _Reader = shape
        return members
    return lambda told: _typed(told, shape)


def _optional(shape: Any) -> _Reader:
    (only,) = (one for one in get_args(shape) if one is not types.NoneType)
    each = _reader(only)
    return lambda told: None if told is None else each(told)


def _dataclass(shape: Any) -> _Reader:
    hints = get_type_hints(shape)
    readers = {one.name: _reader(hints[one.name]) for one in dataclasses.fields(shape)}

    def read(told: Any) -> Any:
        # A field of a later version is left alone.
        return shape(**{name: readers[name](one) for name, one in told.items() if name in readers})

    return read


def _typed(told: Any, wanted: type) -> Any:
    if not isinstance(told, wanted):
        # Without the value, which is logged with the error and may be anything.
        raise TypeError(f"{type(told).__name__} where {wanted.__name__} belongs")
    return told
