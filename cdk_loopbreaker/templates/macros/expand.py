"""Macros of a template: carried out where that needs no AWS, reported where it does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.macros.includes import expand_includes, include_at_top
from cdk_loopbreaker.templates.macros.loops import LoopExpansion
from cdk_loopbreaker.templates.macros.serverless import (
    TRANSFORM,
    expand_serverless,
    is_serverless,
)

if TYPE_CHECKING:
    from cdk_loopbreaker.templates.documents.document import Document
    from cdk_loopbreaker.templates.intrinsics.evaluator import Evaluator
    from cdk_loopbreaker.templates.intrinsics.stack import Stack
    from cdk_loopbreaker.templates.macros.serverless import Expansion

_CARRIED_OUT: Final = frozenset({TRANSFORM, "AWS::LanguageExtensions", "AWS::Include"})
_WITHOUT_RESOURCES: Final = frozenset(
    {"AWS::CodeDeployBlueGreen", "AWS::SecretsManager-2024-09-16"}
)


def expand_macros(document: Document, evaluator: Evaluator) -> Stack:
    """A stack with its macros carried out: loops, included files, SAM.

    Raises
    ------
    TemplateError
        When a macro refuses the template.
    """
    stack = evaluator.stack
    folder = stack.path.parent
    _report_others(evaluator)
    body: object = include_at_top(dict(stack.body), folder, evaluator.report)
    if document.has_macros:
        body = expand_includes(body, folder, evaluator.report)
        loops = LoopExpansion(evaluate=evaluator.evaluate, report=evaluator.report, file=stack.file)
        body = loops.expand(body)
    if not isinstance(body, dict):
        return stack
    if not is_serverless(body):
        return replace(stack, body=body)
    expansion = _expand_serverless(document, body, evaluator)
    return replace(stack, body=expansion.body, origins=expansion.origins)


def _expand_serverless(
    document: Document, body: dict[str, object], evaluator: Evaluator
) -> Expansion:
    """SAM needs a value for some parameters; a second try has texts made up for the others."""
    region = evaluator.stack.region
    values = {name: evaluator.refer(name) for name in evaluator.stack.section("Parameters")}
    known = {name: value for name, value in values.items() if isinstance(value, str)}
    try:
        return expand_serverless(document, body, known, region)
    except TemplateError:
        if known.keys() == values.keys():
            raise
    return expand_serverless(document, body, {name: name for name in values} | known, region)


def _report_others(evaluator: Evaluator) -> None:
    """Report macros that are not carried out: they may add and change anything."""
    declared = evaluator.stack.body.get("Transform")
    for one in declared if isinstance(declared, list) else [declared]:
        name = one.get("Name") if isinstance(one, dict) else one
        if isinstance(name, str) and name not in _CARRIED_OUT | _WITHOUT_RESOURCES:
            evaluator.report(f"macro {name} is not carried out here; what it changes is not known")
