"""Functions that choose: conditions, `Fn::If`, `Fn::Select`, `Fn::FindInMap`.

A condition is true, false or, where it depends on something that the templates do not tell,
``None``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.intrinsics.values import (
    NO_VALUE,
    Symbol,
    are_same,
    combine,
    is_known,
)
from cdk_loopbreaker.templates.model import MaybeList, MaybeText, Partial, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.intrinsics.evaluator import Evaluator, Function
    from cdk_loopbreaker.templates.intrinsics.values import Result
    from cdk_loopbreaker.templates.model import Value


_MOST_WAYS: Final = 200
_INDEX: Final = re.compile(r"[0-9]{1,6}")


def judge_condition(evaluator: Evaluator, name: str) -> bool | None:
    """Whether a named condition holds."""
    conditions = evaluator.stack.section("Conditions")
    if name not in conditions:
        evaluator.report(f"condition {name} does not exist")
        return None

    def judge() -> Result:
        verdict = _judge(evaluator, conditions[name])
        return Unknown(f"condition {name}") if verdict is None else verdict

    verdict = evaluator.once("condition", name, judge)
    return verdict if isinstance(verdict, bool) else None


def _judge(evaluator: Evaluator, raw: object) -> bool | None:
    """Whether an expression holds."""
    if evaluator.effort.is_too_deep:
        return None
    evaluator.effort.depth += 1
    try:
        return _judge_expression(evaluator, raw)
    finally:
        evaluator.effort.depth -= 1


def _judge_expression(evaluator: Evaluator, raw: object) -> bool | None:
    match raw:
        case {"Condition": str(name)}:
            return judge_condition(evaluator, name)
        case {"Fn::Equals": [one, other]}:
            return _judge_equality(evaluator.evaluate(one), evaluator.evaluate(other))
        case {"Fn::Not": [one]}:
            verdict = _judge(evaluator, one)
            return None if verdict is None else not verdict
        case {"Fn::And": list(several)}:
            verdicts = [_judge(evaluator, one) for one in several]
            return False if False in verdicts else (None if None in verdicts else True)
        case {"Fn::Or": list(several)}:
            verdicts = [_judge(evaluator, one) for one in several]
            return True if True in verdicts else (None if None in verdicts else False)
    value = evaluator.evaluate(raw)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if not isinstance(value, Unknown | Partial):
        evaluator.report(
            "a condition cannot be read: it takes Fn::Equals, Fn::And, Fn::Or, Fn::Not"
        )
    return None


def _judge_equality(one: Result, other: Result) -> bool | None:
    """Whether two values are equal; a text that is made up may equal any other."""
    if one is NO_VALUE or other is NO_VALUE:
        return one is other
    if isinstance(one, Symbol) or isinstance(other, Symbol):
        is_same = one == other and isinstance(one, Symbol) and isinstance(other, Symbol)
        return True if is_same else None
    if is_known(one) and is_known(other):
        return _normalize(one) == _normalize(other)
    return None


def _normalize(value: Value) -> Value:
    """CloudFormation compares texts: a number or truth value of YAML is one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _evaluate_if(evaluator: Evaluator, argument: object) -> Result:
    match argument:
        case [str(name), one, other]:
            verdict = judge_condition(evaluator, name)
            if verdict is not None:
                return evaluator.evaluate(one if verdict else other)
            ways = (evaluator.evaluate(one), evaluator.evaluate(other))
            if not are_same(*ways):
                evaluator.is_joined = True
            return combine(*ways, f"condition {name}")
    evaluator.report("Fn::If cannot be read: it takes [condition, value, value]")
    return Unknown("Fn::If")


def _evaluate_condition(evaluator: Evaluator, argument: object) -> Result:
    """An expression in the place of a value."""
    del argument
    evaluator.report("a condition stands in the place of a value")
    return Unknown("a condition")


def _evaluate_select(evaluator: Evaluator, argument: object) -> Result:
    match argument:
        case [number, list(several)]:
            index = _read_index(evaluator.evaluate(number))
            # Only the chosen one is evaluated, as long as no element can vanish before it.
            if index is not None and index < len(several) and not _may_vanish(several):
                return evaluator.evaluate(several[index])
            values = evaluator.evaluate(several)
        case [number, raw]:
            index, values = _read_index(evaluator.evaluate(number)), evaluator.evaluate(raw)
        case _:
            evaluator.report("Fn::Select cannot be read: it takes [index, list]")
            return Unknown("Fn::Select")
    if isinstance(values, Unknown | Partial | MaybeList):
        return Unknown(values.why)  # the place of an element depends on those before it
    if not isinstance(values, list) or index is None:
        evaluator.report("Fn::Select cannot be read: it takes [index, list]")
        return Unknown("Fn::Select")
    if index < len(values):
        chosen: Value = values[index]
        return chosen
    if is_known(values):
        evaluator.report(f"Fn::Select takes element {index} of a list of {len(values)}")
    return Unknown(f"element {index} of a list")


def _may_vanish(several: list[object]) -> bool:
    return any(isinstance(one, dict) and ("Fn::If" in one or "Ref" in one) for one in several)


def _read_index(value: Result) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return int(value) if isinstance(value, str) and _INDEX.fullmatch(value) else None


def _evaluate_map(evaluator: Evaluator, argument: object) -> Result:
    """`Fn::FindInMap`, with the default value of AWS::LanguageExtensions."""
    match argument:
        case [name, first, second]:
            default: object = None
        case [name, first, second, {"DefaultValue": default}]:
            pass
        case _:
            evaluator.report("Fn::FindInMap cannot be read: it takes [map, key, key]")
            return Unknown("Fn::FindInMap")
    keys: list[str] = []
    for one in (name, first, second):
        key = evaluator.evaluate(one)
        if isinstance(key, Unknown | Partial | MaybeText):
            return Unknown(key.why)
        if isinstance(key, Symbol):
            return _join_all(evaluator, [name, first, second], default)
        keys.append("" if key is NO_VALUE else str(_normalize(key)))
    found: object = evaluator.stack.section("Mappings")
    for text in keys:
        found = found.get(text) if isinstance(found, dict) else None
    if found is not None:
        value = evaluator.once("mapping", "\n".join(keys), lambda: evaluator.evaluate(found))
        return value if value is NO_VALUE else evaluator.spend(value)
    if default is not None:
        return evaluator.evaluate(default)
    evaluator.report(f"Fn::FindInMap finds nothing under {', '.join(keys)}")
    return Unknown("Fn::FindInMap")


def _join_all(evaluator: Evaluator, path: list[object], default: object) -> Result:
    """What holds of all values that a map may give for keys that are made up."""
    why = "a key of Fn::FindInMap"
    level: list[object] = [evaluator.stack.section("Mappings")]
    for one in path:
        key = evaluator.evaluate(one)
        if key is NO_VALUE:
            return Unknown(why)
        wanted = None if isinstance(key, Symbol) else str(_normalize(key))
        level = [
            value
            for map_ in level
            if isinstance(map_, dict)
            for name, value in map_.items()
            if wanted in {None, name}
        ]
    level += [] if default is None else [default]
    if not level or len(level) > _MOST_WAYS:
        return Unknown(why)
    ways = [evaluator.evaluate(one) for one in level]
    found = ways[0]
    for way in ways[1:]:
        found = combine(found, way, why)
    evaluator.is_joined = evaluator.is_joined or len({repr(one) for one in ways}) > 1
    return found


CHOICES: Final[Mapping[str, Function]] = {
    "Fn::If": _evaluate_if,
    "Fn::Select": _evaluate_select,
    "Fn::FindInMap": _evaluate_map,
    "Fn::Equals": _evaluate_condition,
    "Fn::And": _evaluate_condition,
    "Fn::Or": _evaluate_condition,
    "Fn::Not": _evaluate_condition,
}
