"""Functions that make texts and lists: `Sub`, `Join`, `Split`, `Base64`, `ToJsonString`, ..."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.intrinsics.references import read_attribute, refer
from cdk_loopbreaker.templates.intrinsics.values import (
    NO_VALUE,
    Symbol,
    is_known,
    join_texts,
    write_json,
)
from cdk_loopbreaker.templates.model import MaybeList, MaybeText, Partial, Unknown
from cdk_loopbreaker.templates.property_values import find_optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.intrinsics.evaluator import Evaluator, Function
    from cdk_loopbreaker.templates.intrinsics.values import Result
    from cdk_loopbreaker.templates.model import Value

# Neither may hold a brace: a search that runs on to the end of a long text takes for ever.
_VARIABLE: Final = re.compile(r"\$\{([^${}]*)\}")
_DYNAMIC: Final = re.compile(r"(\{\{resolve:[^{}]*\}\})")


def read_dynamic_references(text: str) -> Value:
    """A text of which ``{{resolve:ssm:/name}}`` is only known when it is deployed."""
    return join_texts(
        Unknown(f"dynamic reference {one[10:-2]}") if _DYNAMIC.fullmatch(one) else one
        for one in _DYNAMIC.split(text)
    )


def _evaluate_sub(evaluator: Evaluator, argument: object) -> Result:
    match argument:
        case str(text):
            variables: Mapping[str, object] = {}
        case [str(text), dict(variables)]:
            pass
        case [str(text)]:
            variables = {}
        case _:
            return _refuse(evaluator, "Fn::Sub", "a text, or [text, variables]")
    pieces: list[Value] = []
    for number, part in enumerate(_VARIABLE.split(text)):
        if number % 2 == 0:
            pieces.append(part)
        elif part.startswith("!"):
            pieces.append(f"${{{part[1:]}}}")
        else:
            pieces.append(_read_variable(evaluator, part.strip(), variables))
    joined = join_texts(pieces)
    if isinstance(joined, str) and "{{resolve:" in joined:
        return read_dynamic_references(joined)
    return evaluator.spend(joined)


def _read_variable(evaluator: Evaluator, name: str, variables: Mapping[str, object]) -> Value:
    if name in variables:
        value = evaluator.evaluate(variables[name])
    elif "." in name:
        resource, _, attribute = name.partition(".")
        value = read_attribute(evaluator, resource, attribute)
    else:
        value = refer(evaluator, name)
    return "" if value is NO_VALUE else value


def _evaluate_join(evaluator: Evaluator, argument: object) -> Result:
    match argument:
        case [str(delimiter), raw]:
            values = evaluator.evaluate(raw)
            if isinstance(values, MaybeList):
                return Unknown(values.why)
            if isinstance(values, list):
                evaluator.spend(values)
                return evaluator.spend(join_texts(values, delimiter))
            if isinstance(values, Unknown):
                return values
    return _refuse(evaluator, "Fn::Join", "[delimiter, list]")


def _evaluate_split(evaluator: Evaluator, argument: object) -> Result:
    match argument:
        case [str(delimiter), raw] if delimiter:
            text = evaluator.evaluate(raw)
            if isinstance(text, MaybeText):
                return Unknown(text.why)
            if isinstance(text, str):
                evaluator.spend(text)
                parts = text.split(delimiter)
                return [Symbol(one) for one in parts] if isinstance(text, Symbol) else [*parts]
            if isinstance(text, Partial):
                return _split_partial(text, delimiter)
            if isinstance(text, Unknown):
                return text
    return _refuse(evaluator, "Fn::Split", "[delimiter, text]")


def _split_partial(text: Partial, delimiter: str) -> Value:
    """Parts before the first unknown piece are known; it may hold any number of the others."""
    first = text.pieces[0]
    if not isinstance(first, str):
        return Unknown(text.why)
    *known, last = first.split(delimiter)
    return [*known, join_texts([last, Unknown(text.why)])]


def _evaluate_base64(evaluator: Evaluator, argument: object) -> Result:
    text = evaluator.evaluate(argument)
    if isinstance(text, str) and not isinstance(text, MaybeText):
        return evaluator.spend(base64.b64encode(text.encode()).decode())
    if isinstance(text, Unknown | Partial | MaybeText):
        return Unknown(text.why)
    return _refuse(evaluator, "Fn::Base64", "a text")


def _evaluate_json(evaluator: Evaluator, argument: object) -> Result:
    value = evaluator.evaluate(argument)
    if value is NO_VALUE:
        return NO_VALUE
    why = find_optional(value)
    return Unknown(why) if why else evaluator.spend(write_json(value))


def _evaluate_length(evaluator: Evaluator, argument: object) -> Result:
    values = evaluator.evaluate(argument)
    if isinstance(values, list):
        return len(values) if is_known(values) else Unknown("the length of a list")
    if isinstance(values, Unknown):
        return values
    return _refuse(evaluator, "Fn::Length", "a list")


def _know_not(why: str) -> Function:
    return lambda _evaluator, _argument: Unknown(why)


def _refuse(evaluator: Evaluator, function: str, allowed: str) -> Unknown:
    evaluator.report(f"{function} cannot be read: it takes {allowed}")
    return Unknown(function)


TEXTS: Final[Mapping[str, Function]] = {
    "Fn::Sub": _evaluate_sub,
    "Fn::Join": _evaluate_join,
    "Fn::Split": _evaluate_split,
    "Fn::Base64": _evaluate_base64,
    "Fn::ToJsonString": _evaluate_json,
    "Fn::Length": _evaluate_length,
    # Only the Region knows its zones, and no edge of a graph depends on an address range.
    "Fn::GetAZs": _know_not("availability zones"),
    "Fn::Cidr": _know_not("address ranges"),
}
