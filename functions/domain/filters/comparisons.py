"""The comparisons that filters are made of, each against what is known of one field.

EventBridge, Lambda and SNS share them. Where their guides leave open what a comparison does, or say
different things, the answer is MAYBE.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import inf
from typing import Final, TypeAlias, TypeGuard

from functions.domain.account.strict_json import Json
from functions.domain.errors import LoopbreakerError
from functions.domain.filters.match import agree
from functions.domain.filters.symbolic_values import (
    Absent,
    Fields,
    Known,
    Like,
    Listed,
    OneOf,
    Scalar,
    Unknown,
)
from functions.domain.iam.likelihood import Likelihood, all_of, any_of, negate
from functions.domain.iam.wildcard import Glob, covers, overlaps, read_glob

_FACTS: Final = {True: Likelihood.YES, False: Likelihood.NO}
_NUMERIC_SIZES: Final = frozenset({2, 4})
# Of a float's exactness; EventBridge takes no more than five billions.
_LARGEST_NUMBER: Final = 1e15


class UnreadableFilterError(LoopbreakerError):
    """When a filter has a shape that is not understood: names the field and what is wrong."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text that one of the patterns matches."""

    patterns: tuple[Glob, ...]
    is_any_case: bool = False


@dataclass(frozen=True, slots=True)
class Exactly:
    """A number, true, false or null."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Between:
    """A number within bounds, which count if they are `includes`."""

    low: float = -inf
    high: float = inf
    includes_low: bool = False
    includes_high: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no number lies between."""
        if self.low == self.high:
            return not (self.includes_low and self.includes_high)
        return self.low > self.high

    def holds(self, number: float) -> bool:
        """Whether a number lies between."""
        is_above = number >= self.low if self.includes_low else number > self.low
        return is_above and (number <= self.high if self.includes_high else number < self.high)


@dataclass(frozen=True, slots=True)
class Within:
    """An address of a network."""

    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there, or is not."""

    is_there: bool


@dataclass(frozen=True, slots=True)
class NoneOf:
    """A value that is there and passes none of these."""

    tests: tuple["Text | Exactly", ...]


@dataclass(frozen=True, slots=True)
class Strange:
    """A comparison that is not known here."""

    name: str


Test: TypeAlias = Text | Exactly | Between | Within | Exists | NoneOf | Strange


def read_tests(listed: Json, place: str) -> tuple[Test, ...]:
    """Read the list of alternatives of a field.

    Raises
    ------
    UnreadableFilterError
        For a shape that AWS would not have taken. A comparison with an unknown name is `Strange`.
    """
    if not isinstance(listed, list) or not listed:
        raise UnreadableFilterError(f"{place}: is not a list of values")
    return tuple(_test(item, place) for item in listed)


def match_field(tests: tuple[Test, ...], known: Known) -> Likelihood:
    """Whether what is known of a field passes one of the alternatives."""
    match known:
        case OneOf(values=values):
            return agree(any_of(_match_scalar(test, value) for test in tests) for value in values)
        case Like(patterns=patterns):
            return agree(
                any_of(_match_text(test, read_glob(pattern)) for test in tests)
                for pattern in patterns
            )
        case Absent():
            if Exists(is_there=False) in tests:
                return Likelihood.YES
            return Likelihood.MAYBE if find_unknown(tests) else Likelihood.NO
        case Unknown():
            return _match_anything(tests)
        case Listed():
            return any_of(_match_list(test, tuple(_flatten(known))) for test in tests)
        case Fields():
            return any_of(_match_object(test) for test in tests)


def find_unknown(tests: Iterable[Test]) -> str:
    """The name of a comparison that is not known here; empty for none."""
    return next((test.name for test in tests if isinstance(test, Strange)), "")


def _match_scalar(test: Test, value: Scalar) -> Likelihood:
    if isinstance(value, str):
        return _match_text(test, Glob.literal(value))
    match test:
        case Exists():
            return _FACTS[test.is_there]
        case Strange():
            return Likelihood.MAYBE
        case NoneOf():
            return all_of(_is_not(inner, value) for inner in test.tests)
        case Between():
            return _FACTS[_is_number(value) and test.holds(value)]
        case Exactly():
            return _is_equal(test.value, value)
        case Text():
            # A number is no text, but a filter may have been written as if it were.
            is_alike = _is_among(test, Glob.literal(_write_scalar(value))) is not Likelihood.NO
            return Likelihood.MAYBE if is_alike else Likelihood.NO
        case Within():
            return Likelihood.NO


def _is_not(test: "Text | Exactly", value: Scalar) -> Likelihood:
    if isinstance(test, Exactly) and _is_number(test.value) is _is_number(value):
        return negate(_is_equal(test.value, value))
    # UNCONFIRMED A-025: what anything-but says of a value of another type than its own.
    return Likelihood.MAYBE


def _match_text(test: Test, known: Glob) -> Likelihood:
    """Against a text that a pattern describes."""
    match test:
        case Exists():
            return _FACTS[test.is_there]
        case Strange():
            return Likelihood.MAYBE
        case NoneOf():
            return all_of(
                negate(_match_text(inner, known)) if isinstance(inner, Text) else Likelihood.MAYBE
                for inner in test.tests
            )
        case Text():
            return _is_among(test, known)
        case Within():
            return _is_within(test, known)
        case Between():
            return Likelihood.NO if test.is_empty else _find_number(known)
        case Exactly():
            if _is_number(test.value):
                return _find_number(known)
            # SNS keeps its attributes as texts, true and false among them.
            is_alike = overlaps(known, Glob.literal(_write_scalar(test.value)))
            return Likelihood.MAYBE if is_alike else Likelihood.NO


def _is_among(test: Text, known: Glob) -> Likelihood:
    patterns = test.patterns
    if test.is_any_case:
        # Services lower and raise other alphabets each in their own way.
        is_plain = all(str(glob).isascii() for glob in (known, *patterns))
        patterns, known = tuple(glob.lower() for glob in patterns), known.lower()
        if not is_plain:
            return Likelihood.MAYBE
    if not any(overlaps(own, known) for own in patterns):
        return Likelihood.NO
    # A pattern that is not exact takes in too much, so that a sure fit needs one that is.
    is_sure = any(own.is_exact and covers(own, known) for own in patterns)
    return Likelihood.YES if is_sure else Likelihood.MAYBE


def _is_within(test: Within, known: Glob) -> Likelihood:
    text = str(known)
    if not known.is_literal:
        return Likelihood.MAYBE
    try:
        return _FACTS[ip_address(text) in test.network]
    except ValueError:
        # UNCONFIRMED A-026: that what is no address passes no network; AWS may read more forms than
        # Python. Nothing but letters is certainly none.
        return Likelihood.NO if text.isalpha() else Likelihood.MAYBE


def _find_number(known: Glob) -> Likelihood:
    """A text where a number is wanted: some services keep their numbers as texts."""
    if not known.is_literal:
        return Likelihood.MAYBE
    try:
        float(str(known))
    except ValueError:
        return Likelihood.NO
    return Likelihood.MAYBE


def _is_equal(own: Scalar, value: Scalar) -> Likelihood:
    if isinstance(own, bool) or isinstance(value, bool) or own is None or value is None:
        return _FACTS[own is value]
    if own != value:
        return Likelihood.NO
    # EventBridge compares numbers as they are written: 300, 300.0 and 3.0e2 are not the same.
    return Likelihood.YES if isinstance(own, int) and isinstance(value, int) else Likelihood.MAYBE


def _match_anything(tests: tuple[Test, ...]) -> Likelihood:
    """Against a field of which nothing is known."""
    is_impossible = all(isinstance(test, Between) and test.is_empty for test in tests)
    return Likelihood.NO if is_impossible else Likelihood.MAYBE


def _match_list(test: Test, items: tuple[Known, ...]) -> Likelihood:
    """Against a list: it passes if one element does."""
    there = tuple(item for item in items if not isinstance(item, Absent))
    match test:
        case Exists() | Strange():
            # UNCONFIRMED A-027: whether an empty list, or one of objects, is there.
            is_there = isinstance(test, Exists) and any(
                isinstance(item, OneOf | Like) for item in there
            )
            return _FACTS[test.is_there] if is_there else Likelihood.MAYBE  # type: ignore[union-attr]
        case NoneOf():
            # UNCONFIRMED A-028: whether all elements have to differ, or one is enough.
            found = [match_field((test,), item) for item in there]
            return agree((any_of(found), all_of(found)))
        case Text() | Exactly() | Between() | Within():
            return any_of(match_field((test,), item) for item in there)


def _match_object(test: Test) -> Likelihood:
    """Against an object where a value is wanted."""
    match test:
        case Text() | Exactly() | Between() | Within():
            return Likelihood.NO
        case Exists() | NoneOf() | Strange():
            # UNCONFIRMED A-029: exists and anything-but are documented for leaves only.
            return Likelihood.MAYBE


def _flatten(known: Listed) -> Iterable[Known]:
    for item in known.items:
        if isinstance(item, Listed):
            yield from _flatten(item)
        else:
            yield item


def _is_number(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _write_scalar(value: Scalar) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


# Reading


def _test(item: Json, place: str) -> Test:
    if isinstance(item, str):
        return Text((Glob.literal(item),))
    if item is None or isinstance(item, bool | int | float):
        return Exactly(item)
    if not isinstance(item, Mapping) or len(item) != 1:
        raise UnreadableFilterError(f"{place}: holds something that is no comparison")
    ((name, argument),) = item.items()
    match name:
        case "exists" if isinstance(argument, bool):
            return Exists(argument)
        case "numeric":
            return _parse_between(argument, place)
        case "cidr" if isinstance(argument, str):
            return _parse_within(argument, place)
        case "anything-but":
            return _parse_none_of(argument, place)
        case "prefix" | "suffix" | "wildcard" | "equals-ignore-case":
            return _parse_text(name, argument, place)
        case "exists" | "cidr":
            raise UnreadableFilterError(f"{place}: {name} is not followed by what it takes")
        case _:
            return Strange(ascii(name)[:40])


def _parse_text(name: str, argument: Json, place: str) -> Text:
    if name in ("prefix", "suffix") and isinstance(argument, Mapping):
        inner = argument.get("equals-ignore-case")
        if len(argument) == 1 and isinstance(inner, str):
            return Text((_parse_affix(name, inner, place),), is_any_case=True)
    if not isinstance(argument, str):
        raise UnreadableFilterError(f"{place}: {name} is not followed by a text")
    return Text((_parse_affix(name, argument, place),), is_any_case=name == "equals-ignore-case")


def _parse_affix(name: str, text: str, place: str) -> Glob:
    match name:
        case "prefix":
            return Glob.literal(text) + Glob.anything()
        case "suffix":
            return Glob.anything() + Glob.literal(text)
        case "wildcard":
            return _parse_wildcard(text, place)
        case _:
            return Glob.literal(text)


def _parse_wildcard(text: str, place: str) -> Glob:
    r"""EventBridge's notation: ``*`` is any text, ``\*`` and ``\\`` are the characters."""
    found: list[str] = []
    is_escaped = False
    for character in text:
        if is_escaped and character not in "*\\":
            raise UnreadableFilterError(f"{place}: wildcard holds an unknown escape")
        if character == "\\" and not is_escaped:
            is_escaped = True
            continue
        is_wild = character == "*" and not is_escaped
        found.append(f"${{{character}}}" if character in "*?$" and not is_wild else character)
        is_escaped = False
    if is_escaped:
        raise UnreadableFilterError(f"{place}: wildcard ends in an escape")
    return Glob.parse("".join(found))


def _parse_none_of(argument: Json, place: str) -> NoneOf | Strange:
    if isinstance(argument, Mapping):
        if len(argument) != 1:
            raise UnreadableFilterError(f"{place}: anything-but holds several comparisons")
        ((name, inner),) = argument.items()
        if name not in ("prefix", "suffix", "wildcard", "equals-ignore-case"):
            return Strange(ascii(name)[:40])
        items = inner if isinstance(inner, list) else [inner]
        texts = tuple(_parse_text(name, item, place) for item in items)
        if not texts:
            raise UnreadableFilterError(f"{place}: anything-but holds nothing")
        return NoneOf(texts)
    tests: list[Text | Exactly] = []
    for item in argument if isinstance(argument, list) else (argument,):
        if isinstance(item, list | Mapping):
            raise UnreadableFilterError(f"{place}: anything-but holds something that is no value")
        tests.append(Text((Glob.literal(item),)) if isinstance(item, str) else Exactly(item))
    if not tests:
        raise UnreadableFilterError(f"{place}: anything-but holds nothing")
    return NoneOf(tuple(tests))


def _parse_between(argument: Json, place: str) -> Between:
    if not isinstance(argument, list) or len(argument) not in _NUMERIC_SIZES:
        raise UnreadableFilterError(f"{place}: numeric is not followed by one or two comparisons")
    found = Between()
    for sign, number in zip(argument[::2], argument[1::2], strict=True):
        bound = _bound(number, place)
        is_new = {"<": found.high == inf, ">": found.low == -inf}
        match sign:
            case "=" if len(argument) == min(_NUMERIC_SIZES):
                found = Between(bound, bound, includes_low=True, includes_high=True)
            case ">" | ">=" if is_new[">"]:
                found = replace(found, low=bound, includes_low=sign == ">=")
            case "<" | "<=" if is_new["<"]:
                found = replace(found, high=bound, includes_high=sign == "<=")
            case _:
                raise UnreadableFilterError(f"{place}: numeric holds a sign in the wrong place")
    return found


def _bound(number: Json, place: str) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise UnreadableFilterError(f"{place}: numeric holds something that is no number")
    if abs(number) > _LARGEST_NUMBER:
        raise UnreadableFilterError(f"{place}: numeric holds a number that is too large")
    return number


def _parse_within(argument: str, place: str) -> Within:
    try:
        return Within(ip_network(argument, strict=False))
    except ValueError as error:
        raise UnreadableFilterError(f"{place}: cidr is no network") from error
