"""Condition blocks against what is known of a request: yes, no, or nobody here can tell.

Operators: `IAM JSON policy elements: Condition operators` of the IAM user guide. An operator or
key that is not known here makes a line unknown, never true or false.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias

from functions.domain.iam.arn import ARN_PARTS
from functions.domain.iam.document import Condition
from functions.domain.iam.wildcard import Glob, as_glob, covers, overlaps


class Truth(StrEnum):
    """Whether something holds."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


Context: TypeAlias = Mapping[str, tuple[str, ...] | None]
"""Values by condition key (any case). A missing key or ``None``: unknown. Empty: not sent.

A value with ``*`` or ``?`` stands for every value that it matches, so that a source ARN may be
known in parts.
"""

_FOR_ALL: Final = "forallvalues:"
_FOR_ANY: Final = "foranyvalue:"
_IF_EXISTS: Final = "ifexists"
_LONGEST_NUMBER: Final = 64
_LONGEST_DATE: Final = 40
_FACTS: Final = {True: Truth.YES, False: Truth.NO}


def every(truths: Iterable[Truth]) -> Truth:
    """All of them: NO as soon as one is NO, YES for none."""
    found = frozenset(truths)
    if Truth.NO in found:
        return Truth.NO
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.YES


def some(truths: Iterable[Truth]) -> Truth:
    """One of them: YES as soon as one is YES, NO for none."""
    found = frozenset(truths)
    if Truth.YES in found:
        return Truth.YES
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.NO


def opposite(truth: Truth) -> Truth:
    """Its opposite; what is unknown stays unknown."""
    match truth:
        case Truth.YES:
            return Truth.NO
        case Truth.NO:
            return Truth.YES
        case Truth.UNKNOWN:
            return Truth.UNKNOWN


def hold(conditions: Iterable[Condition], context: Context) -> Truth:
    """Whether all lines hold: NO as soon as one is known not to; YES for none."""
    return every(holds(condition, context) for condition in conditions)


def undecided(
    conditions: Iterable[Condition], context: Context
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """The lines that do not hold, and those that nobody here can decide."""
    truths = [(line, holds(line, context)) for line in conditions]
    return (
        tuple(line for line, truth in truths if truth is Truth.NO),
        tuple(line for line, truth in truths if truth is Truth.UNKNOWN),
    )


def holds(condition: Condition, context: Context) -> Truth:
    """Whether one line of a Condition block holds."""
    operator = condition.operator.lower()
    sent = _sent(condition.key, context)
    if operator == "null":
        return _is_absent(condition.values, sent)
    is_all, is_any = operator.startswith(_FOR_ALL), operator.startswith(_FOR_ANY)
    operator = operator.removeprefix(_FOR_ALL).removeprefix(_FOR_ANY)
    is_lenient = operator.endswith(_IF_EXISTS)
    operator = operator.removesuffix(_IF_EXISTS)
    compare, is_negated = _OPERATORS.get(operator, (_unknown, False))
    if sent is None or compare is _unknown:
        return Truth.UNKNOWN
    if not sent:
        # A negated operator holds for a key that was not sent, and so does ForAllValues; what is
        # asked of any value does not.
        return _FACTS[is_lenient or is_all or (is_negated and not is_any)]
    answers = (
        opposite(fits) if is_negated else fits
        for fits in (some(compare(own, value) for own in condition.values) for value in sent)
    )
    if is_all:
        return every(answers)
    if is_any:
        return some(answers)
    # Without a set operator a key has one value; what AWS does with more is not documented.
    return next(answers) if len(sent) == 1 else Truth.UNKNOWN


def _sent(key: str, context: Context) -> tuple[str, ...] | None:
    """The values of a key, whose case does not count."""
    if key in context:
        return context[key]
    wanted = key.lower()
    return next((value for own, value in context.items() if own.lower() == wanted), None)


def _is_absent(values: tuple[str, ...], sent: tuple[str, ...] | None) -> Truth:
    wanted = {value.lower() for value in values}
    if sent is None or not wanted or not wanted <= {"true", "false"}:
        return Truth.UNKNOWN
    return _FACTS[("false" if sent else "true") in wanted]


def _unknown(own: str, value: str) -> Truth:
    """For operators that are not known here."""
    del own, value
    return Truth.UNKNOWN


def _fits(own: Glob, value: str) -> Truth:
    """Whether a value, perhaps known in parts, is matched by a pattern of the policy."""
    known = as_glob(value)
    if not overlaps(own, known):
        return Truth.NO
    return Truth.YES if covers(own, known) else Truth.UNKNOWN


def _exact(text: str) -> Glob:
    """A value that is compared as it is, but for its variables."""
    if "${" not in text:
        return Glob.literal(text)
    parts = re.split(r"(\$\{[^{}]*\})", text)
    found = Glob.literal("")
    for part in parts:
        is_variable = part.startswith("${") and part.endswith("}")
        found += Glob.parse(part) if is_variable else Glob.literal(part)
    return found


def _equals(own: str, value: str) -> Truth:
    return _fits(_exact(own), value)


def _equals_any_case(own: str, value: str) -> Truth:
    return _fits(_exact(own).lower(), value.lower())


def _like(own: str, value: str) -> Truth:
    return _fits(as_glob(own), value)


def _arn_like(own: str, value: str) -> Truth:
    """Part by part: a wildcard does not reach beyond a colon, but in the last part."""
    wanted, known = own.split(":", ARN_PARTS - 1), value.split(":", ARN_PARTS - 1)
    if "${" in own or len(known) < ARN_PARTS:
        # A variable may hold colons; a value known as `*` may be any ARN.
        return _fits(as_glob(own), value)
    if len(wanted) < ARN_PARTS:
        # UNCONFIRMED: what ArnLike does with a pattern of fewer parts, such as `*`. Nothing is
        # concluded from it, neither that it fits nor that it does not.
        return Truth.UNKNOWN
    return every(_fits(as_glob(a), b) for a, b in zip(wanted, known, strict=True))


def _bool(own: str, value: str) -> Truth:
    return _equals_any_case(own, value)


def _ordered(read: Callable[[str], object], wanted: frozenset[int]) -> "Comparison":
    """Compare values that have an order: `wanted` holds the signs that fit."""

    def compare(own: str, value: str) -> Truth:
        a, b = read(own), read(value)
        if a is None or b is None:
            return Truth.UNKNOWN
        sign = (b > a) - (b < a)  # type: ignore[operator]
        return _FACTS[sign in wanted]

    return compare


def _number(text: str) -> Decimal | None:
    if len(text) > _LONGEST_NUMBER:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _date(text: str) -> datetime | None:
    """An instant: ISO 8601, or seconds since 1970."""
    number = _number(text)
    try:
        if number is not None:
            return datetime.fromtimestamp(float(number), UTC)
        if len(text) > _LONGEST_DATE:
            return None
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _address(own: str, value: str) -> Truth:
    try:
        network, address = ip_network(own, strict=False), ip_address(value)
    except ValueError:
        return Truth.UNKNOWN
    return _FACTS[address in network]


Comparison: TypeAlias = Callable[[str, str], Truth]

_LESS: Final = frozenset({-1})
_SAME: Final = frozenset({0})
_MORE: Final = frozenset({1})

_OPERATORS: Final[Mapping[str, tuple[Comparison, bool]]] = {
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_any_case, False),
    "stringnotequalsignorecase": (_equals_any_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (_arn_like, False),
    "arnlike": (_arn_like, False),
    "arnnotequals": (_arn_like, True),
    "arnnotlike": (_arn_like, True),
    "bool": (_bool, False),
    "binaryequals": (_equals, False),
    "ipaddress": (_address, False),
    "notipaddress": (_address, True),
    **{
        f"{kind}{name}": (_ordered(read, wanted), is_negated)
        for kind, read in (("numeric", _number), ("date", _date))
        for name, wanted, is_negated in (
            ("equals", _SAME, False),
            ("notequals", _SAME, True),
            ("lessthan", _LESS, False),
            ("lessthanequals", _LESS | _SAME, False),
            ("greaterthan", _MORE, False),
            ("greaterthanequals", _MORE | _SAME, False),
        )
    },
}
