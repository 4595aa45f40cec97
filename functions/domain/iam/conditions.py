"""Condition blocks against what is known of a request: yes, no, or nobody here can tell.

Operators: `IAM JSON policy elements: Condition operators` of the IAM user guide. An operator or
key that is not known here makes a line unknown, never true or false.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias

from functions.domain.iam.arn import ARN_PARTS
from functions.domain.iam.document import Condition
from functions.domain.iam.likelihood import Likelihood, all_of, any_of, negate
from functions.domain.iam.wildcard import Glob, covers, overlaps, read_glob

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
_FACTS: Final = {True: Likelihood.YES, False: Likelihood.NO}


def hold(conditions: Iterable[Condition], context: Context) -> Likelihood:
    """Whether all lines hold: NO as soon as one is known not to; YES for none."""
    return all_of(holds(condition, context) for condition in conditions)


def find_undecided(
    conditions: Iterable[Condition], context: Context
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """The lines that do not hold, and those that nobody here can decide."""
    truths = [(line, holds(line, context)) for line in conditions]
    return (
        tuple(line for line, truth in truths if truth is Likelihood.NO),
        tuple(line for line, truth in truths if truth is Likelihood.MAYBE),
    )


def holds(condition: Condition, context: Context) -> Likelihood:
    """Whether one line of a Condition block holds."""
    operator = condition.operator.lower()
    sent = _get_values(condition.key, context)
    if operator == "null":
        return _is_absent(condition.values, sent)
    is_all, is_any = operator.startswith(_FOR_ALL), operator.startswith(_FOR_ANY)
    operator = operator.removeprefix(_FOR_ALL).removeprefix(_FOR_ANY)
    is_lenient = operator.endswith(_IF_EXISTS)
    operator = operator.removesuffix(_IF_EXISTS)
    compare, is_negated = _OPERATORS.get(operator, (_compare_unknown, False))
    if sent is None or compare is _compare_unknown:
        return Likelihood.MAYBE
    if not sent:
        # A negated operator holds for a key that was not sent, and so does ForAllValues; what is
        # asked of any value does not.
        return _FACTS[is_lenient or is_all or (is_negated and not is_any)]
    answers = (
        negate(fits) if is_negated else fits
        for fits in (any_of(compare(own, value) for own in condition.values) for value in sent)
    )
    if is_all:
        return all_of(answers)
    if is_any:
        return any_of(answers)
    # Without a set operator a key has one value. UNCONFIRMED A-061: what AWS does with more.
    return next(answers) if len(sent) == 1 else Likelihood.MAYBE


def _get_values(key: str, context: Context) -> tuple[str, ...] | None:
    """The values of a key, whose case does not count."""
    if key in context:
        return context[key]
    wanted = key.lower()
    return next((value for own, value in context.items() if own.lower() == wanted), None)


def _is_absent(values: tuple[str, ...], sent: tuple[str, ...] | None) -> Likelihood:
    wanted = {value.lower() for value in values}
    if sent is None or not wanted or not wanted <= {"true", "false"}:
        return Likelihood.MAYBE
    return _FACTS[("false" if sent else "true") in wanted]


def _compare_unknown(own: str, value: str) -> Likelihood:
    """For operators that are not known here."""
    del own, value
    return Likelihood.MAYBE


def _fits(own: Glob, value: str) -> Likelihood:
    """Whether a value, perhaps known in parts, is matched by a pattern of the policy."""
    known = read_glob(value)
    if not overlaps(own, known):
        return Likelihood.NO
    return Likelihood.YES if covers(own, known) else Likelihood.MAYBE


def _parse_exact(text: str) -> Glob:
    """A value that is compared as it is, but for its variables."""
    if "${" not in text:
        return Glob.literal(text)
    parts = re.split(r"(\$\{[^{}]*\})", text)
    found = Glob.literal("")
    for part in parts:
        is_variable = part.startswith("${") and part.endswith("}")
        found += Glob.parse(part) if is_variable else Glob.literal(part)
    return found


def _equals(own: str, value: str) -> Likelihood:
    return _fits(_parse_exact(own), value)


def _equals_any_case(own: str, value: str) -> Likelihood:
    return _fits(_parse_exact(own).lower(), value.lower())


def _match_like(own: str, value: str) -> Likelihood:
    return _fits(read_glob(own), value)


def _match_arn(own: str, value: str) -> Likelihood:
    """Part by part: a wildcard does not reach beyond a colon, but in the last part."""
    wanted, known = own.split(":", ARN_PARTS - 1), value.split(":", ARN_PARTS - 1)
    if "${" in own or len(known) < ARN_PARTS:
        # A variable may hold colons; a value known as `*` may be any ARN.
        return _fits(read_glob(own), value)
    if len(wanted) < ARN_PARTS:
        # UNCONFIRMED A-041: what ArnLike does with a pattern of fewer parts, such as `*`. Nothing
        # is concluded from it, neither that it fits nor that it does not.
        return Likelihood.MAYBE
    return all_of(_fits(read_glob(a), b) for a, b in zip(wanted, known, strict=True))


def _compare_bool(own: str, value: str) -> Likelihood:
    return _equals_any_case(own, value)


def _make_ordered(read: Callable[[str], object], wanted: frozenset[int]) -> "Comparison":
    """Compare values that have an order: `wanted` holds the signs that fit."""

    def compare(own: str, value: str) -> Likelihood:
        a, b = read(own), read(value)
        if a is None or b is None:
            return Likelihood.MAYBE
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


def _parse_date(text: str) -> datetime | None:
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


def _match_address(own: str, value: str) -> Likelihood:
    try:
        network, address = ip_network(own, strict=False), ip_address(value)
    except ValueError:
        return Likelihood.MAYBE
    return _FACTS[address in network]


Comparison: TypeAlias = Callable[[str, str], Likelihood]

_LESS: Final = frozenset({-1})
_SAME: Final = frozenset({0})
_MORE: Final = frozenset({1})

_OPERATORS: Final[Mapping[str, tuple[Comparison, bool]]] = {
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_any_case, False),
    "stringnotequalsignorecase": (_equals_any_case, True),
    "stringlike": (_match_like, False),
    "stringnotlike": (_match_like, True),
    "arnequals": (_match_arn, False),
    "arnlike": (_match_arn, False),
    "arnnotequals": (_match_arn, True),
    "arnnotlike": (_match_arn, True),
    "bool": (_compare_bool, False),
    "binaryequals": (_equals, False),
    "ipaddress": (_match_address, False),
    "notipaddress": (_match_address, True),
    **{
        f"{kind}{name}": (_make_ordered(read, wanted), is_negated)
        for kind, read in (("numeric", _number), ("date", _parse_date))
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
