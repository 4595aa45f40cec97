"""`Ref`, `Fn::GetAtt`, `Fn::ImportValue`, `Fn::GetStackOutput`: values of something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.intrinsics.parameters import (
    PSEUDO,
    read_parameter,
    read_pseudo_parameter,
)
from cdk_loopbreaker.templates.intrinsics.values import NO_VALUE
from cdk_loopbreaker.templates.model import Partial, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.intrinsics.evaluator import Evaluator, Function
    from cdk_loopbreaker.templates.intrinsics.values import Result
    from cdk_loopbreaker.templates.model import Value

_OUTPUTS: Final = "Outputs."


def refer(evaluator: Evaluator, name: str) -> Result:
    """What `Ref` gives for a parameter, pseudo parameter or resource."""
    if name.startswith(PSEUDO):
        return read_pseudo_parameter(evaluator, name)
    parameters = evaluator.stack.section("Parameters")
    if name in parameters:
        return evaluator.once(
            "parameter", name, lambda: read_parameter(evaluator, name, parameters[name])
        )
    if name in evaluator.stack.section("Resources"):
        return evaluator.neighbours.identify(evaluator, name).ref
    evaluator.report(f"{name} is referred to and is neither a resource nor a parameter")
    return Unknown(f"{name}, which does not exist")


def read_attribute(evaluator: Evaluator, name: str, attribute: str) -> Value:
    """What `Fn::GetAtt` gives."""
    if name not in evaluator.stack.section("Resources"):
        evaluator.report(f"{name} is referred to and is no resource")
        return Unknown(f"{name}, which does not exist")
    if attribute.startswith(_OUTPUTS):
        return _read_nested_output(evaluator, name, attribute.removeprefix(_OUTPUTS))
    value = evaluator.neighbours.identify(evaluator, name).attributes.get(attribute)
    return Unknown(f"attribute {attribute} of {name}") if value is None else value


def _read_nested_output(evaluator: Evaluator, name: str, output: str) -> Value:
    nested = evaluator.neighbours.find_nested(evaluator, name)
    if nested is None:
        return Unknown(f"output {output} of {name}")  # its template is reported as missing
    value = nested.read_output(output)
    if value is None:
        evaluator.report(f"output {output} of {name} does not exist in {nested.stack.file}")
        return Unknown(f"output {output} of {name}, which does not exist")
    return value


def _evaluate_ref(evaluator: Evaluator, argument: object) -> Result:
    if isinstance(argument, str):
        return refer(evaluator, argument)
    return _refuse(evaluator, "Ref", "the name of a resource or parameter")


def _evaluate_attribute(evaluator: Evaluator, argument: object) -> Result:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    match argument:
        case [str(name), str(attribute)]:
            return read_attribute(evaluator, name, attribute)
        case [str(name), "Outputs", str(output)]:
            return read_attribute(evaluator, name, f"{_OUTPUTS}{output}")
        case [str(name), attribute]:  # AWS::LanguageExtensions lets functions stand here
            text = evaluator.evaluate_text(attribute)
            if text is not None:
                return read_attribute(evaluator, name, text)
            return Unknown(f"an attribute of {name}")
    return _refuse(evaluator, "Fn::GetAtt", "[resource, attribute]")


def _evaluate_import(evaluator: Evaluator, argument: object) -> Result:
    name = evaluator.evaluate(argument)
    if not isinstance(name, str):
        why = name.why if isinstance(name, Unknown | Partial) else "no text"
        evaluator.report(f"the name of an import is not known ({why})")
        return Unknown(f"an import ({why})")
    value = evaluator.neighbours.find_export(evaluator.stack, name)
    if value is None:
        evaluator.report(f"{name} is imported, and no template that was read exports it")
        return Unknown(f"import {name}")
    return value


def _evaluate_stack_output(evaluator: Evaluator, argument: object) -> Result:
    if not isinstance(argument, dict):
        return _refuse(evaluator, "Fn::GetStackOutput", "StackName and OutputName")
    stack = evaluator.evaluate(argument.get("StackName"))
    output = evaluator.evaluate(argument.get("OutputName"))
    region = evaluator.evaluate(argument.get("Region"))
    if region is NO_VALUE:
        region = evaluator.stack.region
    if not (isinstance(stack, str) and isinstance(output, str) and isinstance(region, str)):
        evaluator.report("the stack or output of an Fn::GetStackOutput is not known")
        return Unknown("output of another stack")
    value = evaluator.neighbours.find_output(evaluator.stack, stack, region, output)
    if value is None:
        evaluator.report(f"output {output} of stack {stack} is in no template that was read")
        return Unknown(f"output {output} of stack {stack}")
    return value


def _refuse(evaluator: Evaluator, function: str, allowed: str) -> Unknown:
    evaluator.report(f"{function} cannot be read: it takes {allowed}")
    return Unknown(function)


REFERENCES: Final[Mapping[str, Function]] = {
    "Ref": _evaluate_ref,
    "Fn::GetAtt": _evaluate_attribute,
    "Fn::ImportValue": _evaluate_import,
    "Fn::GetStackOutput": _evaluate_stack_output,
}
