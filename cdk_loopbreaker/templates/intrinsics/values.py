"""Values of which parts may be unknown: how they are joined, compared and told apart."""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from cdk_loopbreaker.templates.model import (
    MaybeList,
    MaybeMapping,
    MaybeText,
    Partial,
    Unknown,
    mark_optional,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdk_loopbreaker.templates.model import Value


class Absent(Enum):
    """`AWS::NoValue`: the property or element is left out."""

    NO_VALUE = "AWS::NoValue"


NO_VALUE: Final = Absent.NO_VALUE
Result: TypeAlias = "Value | Literal[Absent.NO_VALUE]"
_MOST_CAUSES: Final = 5


class Symbol(str):
    """A text made up for what has no value: a parameter, or the account and Region of a stack.

    It equals itself, and may equal any other.
    """

    __slots__ = ()


def join_texts(values: Iterable[Value], delimiter: str = "") -> str | Partial | Unknown:
    """One text out of several; unknown pieces stay visible in it. Made-up ones make it made up.

    >>> join_texts(["a", Unknown("parameter P"), "b"]).pattern
    'a*b'
    """
    pieces: list[str | Unknown] = []
    is_made_up = False
    for number, value in enumerate(values):
        if number and delimiter:
            _append(pieces, delimiter)
        is_made_up = is_made_up or isinstance(value, Symbol)
        text = read_text(value)
        for piece in text.pieces if isinstance(text, Partial) else (text,):
            _append(pieces, piece)
    if not pieces:
        return ""
    if len(pieces) == 1:
        only = pieces[0]
        return Symbol(only) if is_made_up and isinstance(only, str) else only
    return Partial(tuple(pieces))


def _append(pieces: list[str | Unknown], piece: str | Unknown) -> None:
    """Add a piece, such that neither two texts nor two unknown pieces follow each other."""
    last = pieces[-1] if pieces else None
    if isinstance(piece, str):
        if isinstance(last, str):
            pieces[-1] = last + piece
        elif piece:
            pieces.append(piece)
    elif isinstance(last, Unknown):
        causes = dict.fromkeys((*last.why.split(", "), *piece.why.split(", ")))
        pieces[-1] = Unknown(", ".join(list(causes)[:_MOST_CAUSES]))
    else:
        pieces.append(piece)


def read_text(value: Value) -> str | Partial | Unknown:
    """A value as CloudFormation writes it into a text."""
    if isinstance(value, MaybeText):
        return Unknown(value.why)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Partial | Unknown):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return Unknown("a list or mapping where a text belongs")


def measure(value: Value) -> int:
    """How many characters a text has, or elements a list."""
    if isinstance(value, Partial):
        return sum(len(one) for one in value.pieces if isinstance(one, str))
    return len(value) if isinstance(value, str | list) else 0


def is_known(value: object) -> bool:
    """Whether a value and everything in it is known."""
    if isinstance(value, Unknown | Partial | MaybeText | MaybeList | MaybeMapping):
        return False
    if isinstance(value, dict):
        return all(is_known(one) for one in value.values())
    return all(is_known(one) for one in value) if isinstance(value, list) else True


def write_json(value: Value) -> str | Partial | Unknown:
    """JSON of a value. Unknown pieces stand inside of their quotes.

    >>> write_json({"a": [Unknown("parameter P"), 1]}).pattern
    '{"a":["*",1]}'
    """
    return join_texts(_write_pieces(value))


def _write_pieces(value: Value) -> Iterable[Value]:
    if isinstance(value, Unknown):
        yield from ('"', value, '"')
    elif isinstance(value, Partial):
        yield '"'
        for piece in value.pieces:
            yield json.dumps(piece)[1:-1] if isinstance(piece, str) else piece
        yield '"'
    elif isinstance(value, dict):
        for number, (key, one) in enumerate(value.items()):
            yield f"{',' if number else '{'}{json.dumps(str(key))}:"
            yield from _write_pieces(one)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield "," if number else "["
            yield from _write_pieces(one)
        yield "]" if value else "[]"
    else:
        yield json.dumps(value)


def are_same(one: Result, other: Result) -> bool:
    """Whether two values are equal, and of the same kind: a marked text equals a plain one."""
    return repr(one) == repr(other)


def combine(one: Result, other: Result, why: str) -> Result:
    """What holds of a value that is one or the other, where nobody can tell which.

    Lists are joined and mappings merged, so that everything that may be there is there. What is
    not there both ways is marked. Two different texts are unknown.
    """
    if one is NO_VALUE or other is NO_VALUE:
        there = other if one is NO_VALUE else one
        return there if there is NO_VALUE else mark_optional(there, why)
    if are_same(one, other):
        return one
    if isinstance(one, list) or isinstance(other, list):
        return MaybeList(join_lists(one, other), why)
    if isinstance(one, dict) and isinstance(other, dict):
        merged = {
            key: combine(one.get(key, NO_VALUE), other.get(key, NO_VALUE), why)
            for key in dict.fromkeys((*one, *other))
        }
        return {key: value for key, value in merged.items() if value is not NO_VALUE}
    return Unknown(why)


def join_lists(*values: Result) -> list[Value]:
    """One list of all elements, each once; a value that is no list is an element."""
    joined: dict[str, Value] = {}
    for value in values:
        if value is not NO_VALUE:
            for element in value if isinstance(value, list) else [value]:
                joined.setdefault(repr(element), element)
    return list(joined.values())
