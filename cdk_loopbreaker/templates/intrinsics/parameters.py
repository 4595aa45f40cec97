"""Values of a stack's parameters, and of the pseudo parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.intrinsics.values import NO_VALUE, Symbol, measure
from cdk_loopbreaker.templates.model import Unknown

if TYPE_CHECKING:
    from cdk_loopbreaker.templates.intrinsics.evaluator import Evaluator
    from cdk_loopbreaker.templates.intrinsics.values import Result
    from cdk_loopbreaker.templates.model import Value

PSEUDO: Final = "AWS::"
MOST_CHARACTERS: Final = 4_096  # CloudFormation quotas, *Parameter values*
_FROM_PARAMETER_STORE: Final = "AWS::SSM::Parameter::"


def read_pseudo_parameter(evaluator: Evaluator, name: str) -> Result:
    """The value of ``AWS::Region`` and its kind."""
    stack = evaluator.stack
    match name.removeprefix(PSEUDO):
        case "AccountId":
            return stack.account if stack.is_account_known else Symbol(stack.account)
        case "Region":
            return stack.region if stack.is_region_known else Symbol(stack.region)
        case "Partition":
            return stack.partition
        case "URLSuffix":
            return stack.url_suffix
        case "StackName":
            return stack.name
        case "StackId":
            return stack.id
        case "NoValue":
            return NO_VALUE
        case "NotificationARNs":
            return []
    evaluator.report(f"{name} is no pseudo parameter of CloudFormation")
    return Unknown(name)


def read_parameter(evaluator: Evaluator, name: str, declared: object) -> Value:
    """The value of a parameter: the given one, its default, or the only one that is allowed.

    A parameter of Parameter Store holds a name there, not the value.
    """
    parameter = declared if isinstance(declared, dict) else {}
    kind = str(parameter.get("Type", "String"))
    if kind.startswith(_FROM_PARAMETER_STORE) and kind != f"{_FROM_PARAMETER_STORE}Name":
        return _stand_in(evaluator, name, "parameter {} from Parameter Store")
    given = evaluator.stack.arguments.get(name)
    if given is None:
        given = _read_scalar(parameter.get("Default"))
    if given is None:
        allowed = parameter.get("AllowedValues")
        if isinstance(allowed, list) and len(allowed) == 1:
            given = _read_scalar(allowed[0])
    if given is None:
        return _stand_in(evaluator, name, "parameter {}")
    if measure(given) > MOST_CHARACTERS:
        evaluator.report(f"parameter {name} has more than {MOST_CHARACTERS:,} characters")
        return Unknown(f"parameter {name}")
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    if is_list and isinstance(given, str):
        return [one.strip() for one in given.split(",")]
    return given


def _stand_in(evaluator: Evaluator, name: str, words: str) -> Value:
    symbol = evaluator.symbols.get(name)
    return Unknown(words.format(name)) if symbol is None else Symbol(symbol)


def _read_scalar(value: object) -> str | None:
    """A default as CloudFormation passes it: a text, whatever YAML made of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
