"""Measures of the stack itself: its creation, its way into the event graph, and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.measures.context import judge, leave
from functions.aws.runtime.errors import get_code

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.measures.context import MeasureContext
    from cdk_loopbreaker.drill.model import Finding

_LATEST_SECONDS: Final = 15 * 60.0
_FAILED_CONDITION: Final = "ConditionalCheckFailedException"


def measure_creation(context: MeasureContext) -> tuple[Finding, ...]:
    """Whether mappings came to be that need a policy of the same stack."""
    failed = [one for one in context.stack_failures if "Mapping" in one]
    text = "; ".join(failed) or "the mappings of the stack were created at the first try"
    return (judge("A-053", is_confirmed=not failed, text=text),)


def measure_graph(context: MeasureContext) -> tuple[Finding, ...]:
    """How soon the event graph is notified of the functions of the stack."""
    if context.graph_at is None:
        return (
            leave(
                "A-020",
                "the log of chart does not name the functions: there is no trail, or it is late",
            ),
        )
    seconds = (context.graph_at - context.created_at).total_seconds()
    text = f"chart was notified {max(0.0, seconds):.0f} s after the stack was there"
    return (judge("A-020", is_confirmed=seconds <= _LATEST_SECONDS, text=text),)


def measure_writes(context: MeasureContext) -> tuple[Finding, ...]:
    """Whether an attribute that is absent is unequal to a value."""
    table = context.stage.names.resource("progress")
    client = context.stage.clients("dynamodb")
    key = {"token": {"S": "conditional-write"}}
    client.put_item(TableName=table, Item=key)
    try:
        client.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET done = :yes",
            ConditionExpression="absent <> :other",
            ExpressionAttributeValues={":yes": {"BOOL": True}, ":other": {"S": "a value"}},
        )
    except Exception as error:
        if get_code(error) != _FAILED_CONDITION:
            raise
        is_unequal = False
    else:
        is_unequal = True
    text = f"a write under the condition was {'carried out' if is_unequal else 'refused'}"
    return (judge("A-004", is_confirmed=is_unequal, text=text),)
