"""State machines of templates, with their definitions as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.templates.model import Partial, Unknown
from cdk_loopbreaker.templates.property_values import (
    is_unknown,
    read_mapping,
    read_text,
)
from functions.domain.account.inventory import StateMachine
from functions.domain.account.state_machines import AccountLocation, read_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.templates.account.scope import AccountScope
    from cdk_loopbreaker.templates.model import Resource, Value

# What stands for an unknown piece of a definition: digits, because a definition may have one where
# JSON wants a number, and more of them than anybody writes.
_TOKEN: Final = "90210" * 6
# What the reader of definitions takes for an argument that only the execution knows.
_LATER: Final = "{% unknown %}"
_SUBSTITUTION: Final = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_DEEPEST: Final = 100


def describe_state_machines(scope: AccountScope) -> Iterator[StateMachine]:
    """The state machines. One without a definition here has an empty one, which nobody can read."""
    place = AccountLocation(partition=scope.partition, region=scope.region, account=scope.account)
    for resource in scope.list_of("AWS::StepFunctions::StateMachine"):
        scope.place(resource, resource.arn)
        role = resource.properties.get("RoleArn")
        machine = StateMachine(
            arn=resource.arn, role_arn=read_text(role), definition=_write(scope, resource)
        )
        reading = read_machine(machine, place)
        scope.refer(one.arn for one in reading.tasks)
        yield machine


def _write(scope: AccountScope, resource: Resource) -> str:
    told = resource.properties
    substitutions = read_mapping(told.get("DefinitionSubstitutions"))
    definition: Any = told.get("Definition")
    if not isinstance(definition, Mapping):
        text = _mark_unknown(told.get("DefinitionString"))
        text = _SUBSTITUTION.sub(
            lambda found: (
                _mark_unknown(substitutions[found[1]]) if found[1] in substitutions else found[0]
            ),
            text,
        )
        try:
            definition = json.loads(text)
        except (ValueError, RecursionError):
            scope.note_problem(resource, "its definition is not in the template, or is no JSON")
            return ""
    unread: dict[str, None] = {}
    cleared = _clear(definition, substitutions, unread, 0)
    if unread:
        words = f"a part of its definition is not known: {', '.join(unread)}"
        scope.note_problem(resource, words)
    return json.dumps(cleared, separators=(",", ":"), ensure_ascii=False, default=str)


def _mark_unknown(value: Value) -> str:
    """A text with a token for each unknown piece."""
    if isinstance(value, Partial):
        return "".join(_TOKEN if isinstance(one, Unknown) else one for one in value.pieces)
    return _TOKEN if isinstance(value, Unknown) else read_text(value)


def _clear(
    value: Any, substitutions: Mapping[str, Value], unread: dict[str, None], depth: int
) -> Any:
    """A definition in which what is not known is left for the execution to say."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        cleared = {
            name: _clear(one, substitutions, unread, depth + 1) for name, one in value.items()
        }
        if cleared.get("Resource") == _LATER:
            # It may be any integration: what the machine's role may invoke, it may invoke.
            cleared["Resource"] = "arn:aws:states:::lambda:invoke"
            cleared.pop("Parameters", None)
            cleared.pop("Arguments", None)
        return cleared
    if isinstance(value, list | tuple):
        return [_clear(one, substitutions, unread, depth + 1) for one in value]
    if is_unknown(value):
        unread[value.why] = None
        return _LATER
    if isinstance(value, str):
        text = _SUBSTITUTION.sub(
            lambda found: (
                _mark_unknown(substitutions[found[1]]) if found[1] in substitutions else found[0]
            ),
            value,
        )
        if _TOKEN in text:
            unread["see its substitutions and references"] = None
            return _LATER
        return text
    return value
