"""CloudWatch metric math, as far as the guard's alarms and queries need it."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Line = dict[int, float]
Value = float | Line | list[Line]

_WORD = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/^()<>,\[\]]))"
)
_COMPARE: dict[str, Callable[[float, float], float]] = {
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else float("nan"),
    "^": operator.pow,
}
_LOGIC: dict[str, Callable[[float, float], float]] = {
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
    "||": lambda a, b: float(bool(a) or bool(b)),
}
_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "MAX": max,
    "MIN": min,
    "AVG": lambda values: sum(values) / len(values),
}


class MathError(ValueError):
    """When an expression cannot be read or computed."""


class Expression:
    """One expression over named lines.

    Parameters
    ----------
    text
        The expression.
    lines
        What each id stands for.
    metric_ids
        The ids which ``METRICS()`` names.
    buckets
        All buckets of the queried range, which FILL completes to.
    """

    def __init__(
        self,
        text: str,
        *,
        lines: Mapping[str, Value],
        metric_ids: Iterable[str],
        buckets: Iterable[int],
    ) -> None:
        self._text = text
        self._lines = lines
        self._metric_ids = tuple(metric_ids)
        self._buckets = tuple(buckets)
        self._words = _split(text)
        self._at = 0

    def value(self) -> list[Line]:
        """The lines which the expression yields; a number becomes a line without gaps."""
        value = self._either()
        if self._at != len(self._words):
            raise self._error()
        if isinstance(value, list):
            return value
        if isinstance(value, dict):
            return [value]
        return [dict.fromkeys(self._buckets, value)]

    def _error(self) -> MathError:
        word = self._words[self._at] if self._at < len(self._words) else "the end"
        return MathError(f"Error in expression '{self._text}': cannot read {word}")

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _take(self, expected: str | None = None) -> str:
        word = self._peek()
        if not word or (expected is not None and word != expected):
            raise self._error()
        self._at += 1
        return word

    def _either(self) -> Value:
        return self._chain(self._comparison, _LOGIC)

    def _comparison(self) -> Value:
        return self._chain(self._sum, _COMPARE)

    def _sum(self) -> Value:
        return self._chain(self._product, {sign: _ARITHMETIC[sign] for sign in "+-"})

    def _product(self) -> Value:
        return self._chain(self._power, {sign: _ARITHMETIC[sign] for sign in "*/"})

    def _power(self) -> Value:
        return self._chain(self._operand, {"^": _ARITHMETIC["^"]})

    def _chain(
        self,
        operand: Callable[[], Value],
        signs: Mapping[str, Callable[[float, float], float]],
    ) -> Value:
        value = operand()
        while self._peek().upper() in signs:
            compute = signs[self._take().upper()]
            value = _combine(compute, value, operand())
        return value

    def _operand(self) -> Value:
        word = self._take()
        if word == "-":
            return _combine(operator.mul, -1.0, self._operand())
        if word == "(":
            value = self._either()
            self._take(")")
            return value
        if word == "[":
            return [line for value in self._arguments("]") for line in _as_lines(value)]
        if word[0].isdigit():
            return float(word)
        if self._peek() == "(":
            return self._call(word.upper())
        if word in self._lines:
            return self._lines[word]
        raise MathError(f"Error in expression '{self._text}': {word} is not defined")

    def _arguments(self, closing: str) -> list[Value]:
        values: list[Value] = []
        while self._peek() != closing:
            values.append(self._either())
            if self._peek() != closing:
                self._take(",")
        self._take(closing)
        return values

    def _call(self, name: str) -> Value:
        self._take("(")
        if name == "METRICS":
            return self._metrics()
        if name == "FILL":
            return self._fill()
        values = self._arguments(")")
        if name in _REDUCE and values:
            return _reduce(_REDUCE[name], values)
        if name == "IF" and len(values) in (2, 3):
            return _choose(values[0], values[1], values[2] if len(values) > 2 else None)  # noqa: PLR2004
        if name == "ABS" and len(values) == 1:
            return _combine(lambda a, _: abs(a), values[0], 0.0)
        raise MathError(f"Error in expression '{self._text}': {name} is not supported here")

    def _metrics(self) -> list[Line]:
        pattern = "" if self._peek() == ")" else self._take().strip("\"'")
        self._take(")")
        return [
            line
            for name in self._metric_ids
            if pattern in name
            for line in _as_lines(self._lines[name])
        ]

    def _fill(self) -> Value:
        subject = self._either()
        self._take(",")
        how = self._peek().upper()
        if how in ("REPEAT", "LINEAR"):
            self._take()
            filler: Value | None = None
        else:
            filler = self._either()
        self._take(")")
        if isinstance(subject, list):
            return [self._filled(line, filler) for line in subject]
        return self._filled(subject, filler) if isinstance(subject, dict) else subject

    def _filled(self, line: Line, filler: Value | None) -> Line:
        full: Line = {}
        last: float | None = None
        for bucket in self._buckets:
            if bucket in line:
                last = line[bucket]
            elif isinstance(filler, dict):
                last = filler.get(bucket)
            elif isinstance(filler, (int, float)):
                last = float(filler)
            if last is not None:
                full[bucket] = last
        return full


def _split(text: str) -> list[str]:
    words, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _WORD.match(stripped, at)
        if match is None:
            raise MathError(f"Error in expression '{text}': cannot read {stripped[at:]}")
        words.append(match.group().strip())
        at = match.end()
    return words


def _as_lines(value: Value) -> list[Line]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise MathError("Error in expression: a number stands where a metric is expected")


def _combine(compute: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, list):
        return [_line(_combine(compute, line, right)) for line in left]
    if isinstance(right, list):
        return [_line(_combine(compute, left, line)) for line in right]
    if isinstance(left, dict) and isinstance(right, dict):
        pairs = {at: compute(value, right[at]) for at, value in left.items() if at in right}
    elif isinstance(left, dict):
        number = _number(right)
        pairs = {at: compute(value, number) for at, value in left.items()}
    elif isinstance(right, dict):
        pairs = {at: compute(left, value) for at, value in right.items()}
    else:
        return compute(left, right)
    return {at: value for at, value in pairs.items() if value == value}  # noqa: PLR0124


def _line(value: Value) -> Line:
    if not isinstance(value, dict):
        raise MathError("Error in expression: a number stands where a metric is expected")
    return value


def _number(value: Value) -> float:
    if isinstance(value, (dict, list)):
        raise MathError("Error in expression: a metric stands where a number is expected")
    return value


def _reduce(reduce: Callable[[list[float]], float], values: list[Value]) -> Value:
    if len(values) == 1 and isinstance(values[0], dict):
        return reduce(list(values[0].values())) if values[0] else {}
    lines = [line for value in values for line in _as_lines(value)]
    at_bucket: dict[int, list[float]] = {}
    for line in lines:
        for at, value in line.items():
            at_bucket.setdefault(at, []).append(value)
    return {at: reduce(at_bucket[at]) for at in sorted(at_bucket)}


def _choose(condition: Value, then: Value, otherwise: Value | None) -> Value:
    if not isinstance(condition, dict):
        chosen = then if _number(condition) else otherwise
        return {} if chosen is None else chosen
    line: Line = {}
    for at, truth in condition.items():
        chosen = then if truth else otherwise
        value = chosen.get(at) if isinstance(chosen, dict) else chosen
        if value is not None:
            line[at] = _number(value)
    return line
