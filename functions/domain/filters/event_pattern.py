"""Event patterns against a partly known event.

EventBridge rules, FilterCriteria of event source mappings and filters of pipes share the language:
`Create event patterns` and `Comparison operators` of the EventBridge user guide, `Control which
events Lambda sends to your function` of the Lambda developer guide.

NO is only said where it is proved for every event that fits what is known. A pattern, or a part
of it, that cannot be read lets everything pass sometimes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from functions.domain.account.strict_json import Json, UnreadableJsonError, read_json
from functions.domain.filters.comparisons import (
    Test,
    UnreadableFilterError,
    find_unknown,
    match_field,
    read_tests,
)
from functions.domain.filters.match import Match, MatchReason
from functions.domain.filters.symbolic_values import (
    Absent,
    Fields,
    Known,
    Like,
    Listed,
    OneOf,
    Unknown,
)
from functions.domain.iam.likelihood import Likelihood, all_of, any_of

_ANYTHING: Final = Unknown()
# A pattern of 4,096 characters takes some 50 KB once it is read.
_CACHED: Final = 1_024


@dataclass(frozen=True, slots=True)
class EventPattern:
    """A pattern that was read: every field and every group of alternatives has to pass.

    Attributes
    ----------
    values
        By field: the comparisons of its value, of which one has to pass.
    objects
        By field: the pattern of an object.
    alternatives
        For each ``$or`` its patterns, of which one has to pass.
    is_flat
        Whether its fields are values, never objects.
    """

    values: tuple[tuple[str, tuple[Test, ...]], ...] = ()
    objects: tuple[tuple[str, "EventPattern"], ...] = ()
    alternatives: tuple[tuple["EventPattern", ...], ...] = ()
    is_flat: bool = False


@lru_cache(maxsize=_CACHED)
def read_pattern(text: str, *, is_flat: bool = False) -> EventPattern:
    """Read a pattern.

    Parameters
    ----------
    is_flat
        For patterns whose fields are values, never objects.

    Raises
    ------
    UnreadableFilterError
        With the field and what is wrong with it.
    """
    try:
        document = read_json(text)
    except UnreadableJsonError as error:
        raise UnreadableFilterError(str(error)) from error
    return _parse_pattern(document, "", is_flat=is_flat)


def match_pattern(pattern: str, event: Known) -> Match:
    """Whether an event passes a pattern (JSON text; empty passes everything)."""
    if not pattern:
        return Match(passes=Likelihood.YES, reason=MatchReason.NO_FILTER)
    try:
        return judge(read_pattern(pattern), event)
    except UnreadableFilterError as error:
        return Match(passes=Likelihood.MAYBE, reason=MatchReason.UNREADABLE, words=str(error))


def match_patterns(patterns: Iterable[str], event: Known) -> Match:
    """Whether an event passes one of several patterns (FilterCriteria; none passes everything)."""
    found = [match_pattern(pattern, event) for pattern in patterns]
    if not found:
        return Match(passes=Likelihood.YES, reason=MatchReason.NO_FILTER)
    likelihood = any_of(each.passes for each in found)
    return next(each for each in found if each.passes is likelihood)


def judge(pattern: EventPattern, event: Known) -> Match:
    """Whether an event passes a pattern that was read, and which field decides."""
    likelihood = _match(pattern, event)
    if likelihood is Likelihood.YES:
        return Match(passes=likelihood, reason=MatchReason.FITS)
    place = _place(pattern, event, likelihood)
    if likelihood is Likelihood.NO:
        is_impossible = _match(pattern, _ANYTHING) is Likelihood.NO
        reason = MatchReason.IMPOSSIBLE if is_impossible else MatchReason.EXCLUDED
        return Match(passes=likelihood, reason=reason, place=place)
    name = _find_unknown(pattern)
    if name:
        words = f"unknown comparison {name}"
        return Match(passes=likelihood, reason=MatchReason.UNREADABLE, place=place, words=words)
    return Match(passes=likelihood, reason=MatchReason.UNDECIDED, place=place)


def _parse_pattern(document: Json, place: str, *, is_flat: bool) -> EventPattern:
    if not isinstance(document, Mapping) or not document:
        raise UnreadableFilterError(f"{place or 'the filter'}: is not an object with fields")
    values: list[tuple[str, tuple[Test, ...]]] = []
    objects: list[tuple[str, EventPattern]] = []
    alternatives: list[tuple[EventPattern, ...]] = []
    for name, value in document.items():
        where = f"{place}.{name}" if place else name
        if name == "$or":
            if not isinstance(value, list) or not value:
                raise UnreadableFilterError(f"{where}: is not a list of patterns")
            alternatives.append(
                tuple(_parse_pattern(each, where, is_flat=is_flat) for each in value)
            )
        elif isinstance(value, Mapping) and not is_flat:
            objects.append((name, _parse_pattern(value, where, is_flat=is_flat)))
        else:
            values.append((name, read_tests(value, where)))
    found = EventPattern(tuple(values), tuple(objects), tuple(alternatives), is_flat)
    _refuse_overriding(found, place)
    return found


def _refuse_overriding(pattern: EventPattern, place: str) -> None:
    """Say of a pattern that asks for a field both inside and outside of ``$or`` nothing.

    UNCONFIRMED A-032: whether EventBridge takes one. Its engine (aws/event-ruler) lets the
    alternative override what stands outside, instead of asking both.
    """
    if not pattern.alternatives:
        return
    outside = _list_paths(EventPattern(pattern.values, pattern.objects))
    inside = frozenset[str]().union(
        *(_list_paths(choice) for choices in pattern.alternatives for choice in choices)
    )
    for name in sorted(outside & inside):
        where = f"{place}.{name}" if place else name
        raise UnreadableFilterError(f"{where}: is asked for inside and outside of $or")


def _list_paths(pattern: EventPattern) -> frozenset[str]:
    """The fields that a pattern compares, each as its path."""
    found = {name for name, _ in pattern.values}
    found.update(f"{name}.{path}" for name, inner in pattern.objects for path in _list_paths(inner))
    return frozenset(found).union(
        *(_list_paths(choice) for choices in pattern.alternatives for choice in choices)
    )


def _match(pattern: EventPattern, known: Known) -> Likelihood:
    match known:
        case Fields():
            return all_of(likelihood for _, likelihood in _evaluate_parts(pattern, known))
        case Listed(items=items):
            # The elements' fields as lists: what EventBridge does, but that it also wants the
            # fields to be of one element.
            flat = _match(
                pattern, Fields({name: _collect_column(items, name) for name in _names(pattern)})
            )
            return Likelihood.NO if flat is Likelihood.NO else Likelihood.MAYBE
        case Absent():
            # UNCONFIRMED A-033: whether exists: false is true of a field of an object that is not
            # there.
            absent = _match(pattern, Fields({}, is_closed=True))
            return Likelihood.NO if absent is Likelihood.NO else Likelihood.MAYBE
        case Unknown() | OneOf() | Like():
            # Lambda reads a text as JSON where the pattern asks for an object.
            return _match(pattern, Fields({}))


def _evaluate_parts(pattern: EventPattern, known: Fields) -> Iterable[tuple[str, Likelihood]]:
    for name, tests in pattern.values:
        yield name, match_field(tests, _find_field(pattern, known, name))
    for name, inner in pattern.objects:
        yield name, _match(inner, _find_field(pattern, known, name))
    for choices in pattern.alternatives:
        yield "$or", any_of(_match(choice, known) for choice in choices)


def _find_field(pattern: EventPattern, known: Fields, name: str) -> Known:
    """What is known of a field. EventBridge takes the name ``a.b`` for the field b of a, too."""
    return _ANYTHING if "." in name and not pattern.is_flat else known.get(name)


def _collect_column(items: tuple[Known, ...], name: str) -> Known:
    found: list[Known] = []
    for item in items:
        match item:
            case Fields():
                found.append(item.get(name))
            case Listed(items=inner):
                found.append(_collect_column(inner, name))
            case _:
                return Unknown()
    return Listed(tuple(found))


def _names(pattern: EventPattern) -> frozenset[str]:
    """The fields that a pattern asks for on its own level."""
    own = frozenset(name for name, _ in (*pattern.values, *pattern.objects))
    return own.union(
        *(_names(choice) for choices in pattern.alternatives for choice in choices),
    )


def _place(pattern: EventPattern, known: Known, likelihood: Likelihood) -> str:
    """The path of the first field that decides, as far down as it is one field."""
    fields = known if isinstance(known, Fields) else Fields({})
    for name, found in _evaluate_parts(pattern, fields):
        if found is not likelihood:
            continue
        wanted = dict(pattern.objects).get(name)
        inner = _place(wanted, fields.get(name), likelihood) if wanted else ""
        return f"{name}.{inner}" if inner else name
    return ""


def _find_unknown(pattern: EventPattern) -> str:
    """A comparison that is not known here; empty for none."""
    inner = [wanted for _, wanted in pattern.objects]
    inner.extend(choice for choices in pattern.alternatives for choice in choices)
    own = (find_unknown(tests) for _, tests in pattern.values)
    return next(filter(None, (*own, *map(_find_unknown, inner))), "")
