"""Frozen dataclasses in JSON's terms, and back: the one way for all that is stored.

The fields are read from the dataclasses themselves, so that none can be forgotten: fields that a
record lacks take their defaults, fields that it has in excess are left alone. A field may be a
dataclass, a union of them, an enum, a moment, a mapping with texts for keys, or a tuple whose
entries have one type.

Readers and writers are put together once for each type, because an account of 10,000 functions has
some hundred thousand values. What needs no conversion is taken as it is, without a call.
"""

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from functions.domain.errors import LoopbreakerError

_T = TypeVar("_T")
_Reader: TypeAlias = Callable[[Any], Any]
_Writer: TypeAlias = Callable[[Any, "Form"], Any]
_Types: TypeAlias = frozenset[type[Any]]

_KIND: Final = "kind_"
_JSONS_OWN: Final = frozenset({str, bool, int, float, types.NoneType})
# A whole number is a number: JSON does not tell 2.0 from 2 everywhere.
_AS_STORED: Final[Mapping[Any, _Types]] = {
    str: frozenset({str}),
    bool: frozenset({bool}),
    int: frozenset({int, bool}),
    float: frozenset({float, int, bool}),
}
_NONE: Final[_Types] = frozenset({types.NoneType})
_NO_TYPES: Final[_Types] = frozenset()
_NO_DEFAULT: Final = object()


class Form(Enum):
    """How a dataclass is written. All forms are read alike."""

    NAMED = auto()
    """With the name of its class, by which the members of a union are told apart."""
    SPARSE = auto()
    """Without the fields that are as by default."""
    PLAIN = auto()
    """With its fields, and nothing else."""


class UnreadableError(LoopbreakerError):
    """When what is stored does not have the shape that this version writes.

    Attributes
    ----------
    field
        The way to the value, such as ``Incident.steps.0.status``; empty where it is unknown.
    """

    def __init__(self, why: str, field: str = "") -> None:
        super().__init__(f"{field}: {why}" if field else why)
        self.why = why
        self.field = field


_MISFITS: Final = (UnreadableError, TypeError, ValueError, KeyError, AttributeError)


def to_json(value: Any, form: Form) -> Any:
    """A value in JSON's terms."""
    cls: Any = type(value)
    return value if cls in _JSONS_OWN else _make_writer(cls)(value, form)


def to_row(value: Any) -> list[Any]:
    """The values of a dataclass in the order of its fields, without their names."""
    cls: Any = type(value)
    return [to_json(getattr(value, name), Form.PLAIN) for name in _names(cls)]


def from_json(shape: type[_T], stored: Any) -> _T:
    """A value of the shape, whichever form it was written in.

    Raises
    ------
    UnreadableError
        When it has another shape. The error names the field, and no value that has the wrong type:
        it is logged, and may be anything.
    """
    hashable: Any = shape
    read: Callable[[Any], _T] = _make_reader(hashable)
    try:
        return read(stored)
    except _MISFITS as error:
        raise _make_error(error, getattr(shape, "__name__", str(shape))) from error


def from_row(shape: type[_T], stored: Any) -> _T:
    """A dataclass of what `to_row` has written. Raises `UnreadableError`."""
    cls: Any = shape
    try:
        fields = dict(zip(_names(cls), _check_type(stored, list), strict=True))
    except _MISFITS as error:
        raise _make_error(error, shape.__name__) from error
    return from_json(shape, fields)


def _make_error(error: Exception, name: str) -> UnreadableError:
    """What is wrong, and where: in a field, or an entry, of that name."""
    if isinstance(error, UnreadableError):
        return UnreadableError(error.why, f"{name}.{error.field}" if error.field else name)
    return UnreadableError(f"{type(error).__name__} {error}", name)


@functools.cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(cls))


@functools.cache
def _list_defaults(cls: Any) -> tuple[tuple[str, Any], ...]:
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
def _make_writer(cls: Any) -> _Writer:
    if issubclass(cls, Enum):
        return lambda value, _form: value.value
    if issubclass(cls, str):  # of a class of its own
        return lambda value, _form: value
    if issubclass(cls, tuple | list):
        return _write_entries
    if issubclass(cls, Mapping):
        return _write_mapping
    if issubclass(cls, datetime):
        return lambda value, _form: value.isoformat()
    return _make_dataclass_writer(cls)


def _write_entries(value: Any, form: Form) -> Any:
    return [one if type(one) in _JSONS_OWN else to_json(one, form) for one in value]


def _write_mapping(value: Any, form: Form) -> Any:
    return {
        key: one if type(one) in _JSONS_OWN else to_json(one, form) for key, one in value.items()
    }


def _make_dataclass_writer(cls: Any) -> _Writer:
    fields = _list_defaults(cls)

    def write(value: Any, form: Form) -> Any:
        is_sparse = form is Form.SPARSE
        written: dict[str, Any] = {_KIND: cls.__name__} if form is Form.NAMED else {}
        for name, default in fields:
            one = getattr(value, name)
            if not is_sparse or one != default:
                written[name] = one if type(one) in _JSONS_OWN else to_json(one, form)
        return written

    return write


@functools.cache
def _make_reader(shape: Any) -> _Reader:
    origin = get_origin(shape)
    if shape is Any:
        return lambda stored: stored
    if origin in {Union, types.UnionType}:
        return _union_reader(shape)
    if origin is tuple:
        return _make_tuple_reader(get_args(shape)[0])
    if origin is not None and issubclass(origin, Mapping):
        return _make_mapping_reader(get_args(shape)[1])
    if dataclasses.is_dataclass(shape):
        return _make_dataclass_reader(shape)
    if shape is datetime:
        return datetime.fromisoformat
    if issubclass(shape, Enum):
        members: _Reader = shape
        return members
    wanted = (int, float) if shape is float else shape
    return lambda stored: _check_type(stored, wanted)


@functools.cache
def _find_stored_types(shape: Any) -> _Types:
    """The types of the values that are read as they are stored: all of them fit the shape."""
    if get_origin(shape) in {Union, types.UnionType}:
        members = [_find_stored_types(one) for one in get_args(shape) if one is not types.NoneType]
        none = _NONE if len(members) < len(get_args(shape)) else _NO_TYPES
        return none | members[0] if len(members) == 1 else none
    return _AS_STORED.get(shape, _NO_TYPES)


def _union_reader(shape: Any) -> _Reader:
    shapes = [one for one in get_args(shape) if one is not types.NoneType]
    is_optional = len(shapes) < len(get_args(shape))
    only = _make_reader(shapes[0]) if len(shapes) == 1 else None
    by_kind = {one.__name__: _make_reader(one) for one in shapes}

    def read(stored: Any) -> Any:
        if stored is None and is_optional:
            return None
        if only is not None:
            return only(stored)
        return by_kind[_check_type(stored, dict)[_KIND]](stored)

    return read


def _make_tuple_reader(shape: Any) -> _Reader:
    read_entry, as_stored = _make_reader(shape), _find_stored_types(shape)

    def read(stored: Any) -> Any:
        values: list[Any] = []
        try:
            for one in _check_type(stored, list):
                # In a loop: their number is that of the misfit.
                values.append(one if type(one) in as_stored else read_entry(one))  # noqa: PERF401
        except _MISFITS as error:
            if not isinstance(stored, list):
                raise
            raise _make_error(error, str(len(values))) from error
        return tuple(values)

    return read


def _make_mapping_reader(shape: Any) -> _Reader:
    read_entry, as_stored = _make_reader(shape), _find_stored_types(shape)

    def read(stored: Any) -> Any:
        values: dict[str, Any] = {}
        for name, one in _check_type(stored, dict).items():
            try:
                values[name] = one if type(one) in as_stored else read_entry(one)
            except _MISFITS as error:
                raise _make_error(error, name) from error
        return values

    return read


def _make_dataclass_reader(shape: Any) -> _Reader:
    hints = get_type_hints(shape)
    readers = {
        name: (_find_stored_types(hints[name]), _make_reader(hints[name])) for name in _names(shape)
    }

    def read(stored: Any) -> Any:
        values: dict[str, Any] = {}
        for name, one in _check_type(stored, dict).items():
            if name in readers:  # a field of a later version is left alone
                as_stored, read_field = readers[name]
                try:
                    values[name] = one if type(one) in as_stored else read_field(one)
                except _MISFITS as error:
                    raise _make_error(error, name) from error
        return shape(**values)

    return read


def _check_type(stored: Any, wanted: Any) -> Any:
    if not isinstance(stored, wanted):
        name = "number" if isinstance(wanted, tuple) else wanted.__name__
        raise TypeError(f"{type(stored).__name__} where {name} belongs")
    return stored
