"""The IAM actions that write to each kind of resource, and what they leave behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from functions.domain.filters.s3_keys import EVENTS_BY_ACTION
from functions.domain.graph.model import Node, NodeKind
from functions.domain.graph.payloads import ANYTHING, Changed, Invoked, Moved, Payload, Put, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAction:
    """One way of writing to a kind of resource: actions that leave the same behind."""

    actions: tuple[str, ...]
    payload: Callable[[Node], Payload]


def _make_constant(payload: Payload) -> Callable[[Node], Payload]:
    return lambda _: payload


def _make_stored(action: str) -> Callable[[Node], Payload]:
    return lambda node: Stored(node.name, action)


S3_ACTIONS: Final = tuple(EVENTS_BY_ACTION)
MOVE: Final = "sqs:StartMessageMoveTask"
RERUN: Final = "states:RedriveExecution"
_INSERTS: Final = _make_constant(Changed(("INSERT", "MODIFY")))
_REMOVES: Final = _make_constant(Changed(("REMOVE",)))
_ANY: Final = _make_constant(ANYTHING)
# Service authorization reference. Moving messages back also takes the right to send them to where
# they go (`Configure queue permissions for a dead-letter queue redrive`), which is not asked for
# here. TransactWriteItems needs the actions of its items; CopyObject
# and CompleteMultipartUpload need s3:PutObject. PartiQLUpdate and PartiQLDelete touch what is
# there; UpdateItem also makes what is not.
WRITE_ACTIONS: Final[Mapping[NodeKind, tuple[WriteAction, ...]]] = {
    NodeKind.QUEUE: (
        WriteAction(actions=("sqs:SendMessage",), payload=_ANY),
        WriteAction(actions=(MOVE,), payload=_make_constant(Moved())),
    ),
    NodeKind.TOPIC: (WriteAction(actions=("sns:Publish",), payload=_ANY),),
    NodeKind.TABLE: (
        WriteAction(actions=("dynamodb:PutItem", "dynamodb:UpdateItem"), payload=_INSERTS),
        WriteAction(actions=("dynamodb:DeleteItem",), payload=_REMOVES),
        WriteAction(actions=("dynamodb:BatchWriteItem",), payload=_make_constant(Changed())),
        WriteAction(
            actions=("dynamodb:PartiQLInsert",), payload=_make_constant(Changed(("INSERT",)))
        ),
        WriteAction(
            actions=("dynamodb:PartiQLUpdate",), payload=_make_constant(Changed(("MODIFY",)))
        ),
        WriteAction(actions=("dynamodb:PartiQLDelete",), payload=_REMOVES),
    ),
    NodeKind.STREAM: (
        WriteAction(actions=("kinesis:PutRecord", "kinesis:PutRecords"), payload=_ANY),
    ),
    NodeKind.DELIVERY_STREAM: (
        WriteAction(actions=("firehose:PutRecord", "firehose:PutRecordBatch"), payload=_ANY),
    ),
    NodeKind.BUS: (WriteAction(actions=("events:PutEvents",), payload=_make_constant(Put())),),
    NodeKind.STATE_MACHINE: (
        WriteAction(
            actions=("states:StartExecution", "states:StartSyncExecution", RERUN),
            payload=_ANY,
        ),
    ),
    NodeKind.FUNCTION: (
        WriteAction(
            actions=("lambda:InvokeFunction", "lambda:InvokeAsync"),
            payload=_make_constant(Invoked(is_async=True)),
        ),
    ),
    NodeKind.LOG_GROUP: (WriteAction(actions=("logs:PutLogEvents",), payload=_ANY),),
    NodeKind.BUCKET: tuple(
        WriteAction(actions=(action,), payload=_make_stored(action)) for action in S3_ACTIONS
    ),
}
ARN_HEADS: Final[Mapping[NodeKind, tuple[str, str]]] = {
    NodeKind.QUEUE: ("sqs", ""),
    NodeKind.TOPIC: ("sns", ""),
    NodeKind.TABLE: ("dynamodb", "table/"),
    NodeKind.STREAM: ("kinesis", "stream/"),
    NodeKind.DELIVERY_STREAM: ("firehose", "deliverystream/"),
    NodeKind.BUS: ("events", "event-bus/"),
    NodeKind.STATE_MACHINE: ("states", "stateMachine:"),
    NodeKind.FUNCTION: ("lambda", "function:"),
    NodeKind.LOG_GROUP: ("logs", "log-group:"),
    NodeKind.BUCKET: ("s3", ""),
}
EVERY_ACTION: Final = tuple(
    (kind, way, action)
    for kind, ways in WRITE_ACTIONS.items()
    for way in ways
    for action in way.actions
)
_NAMES_CACHED: Final = 65_536
_CUT_AT_COLON: Final = frozenset({NodeKind.STATE_MACHINE, NodeKind.FUNCTION, NodeKind.LOG_GROUP})
_CUT_AT_SLASH: Final = frozenset({NodeKind.TABLE, NodeKind.BUCKET, NodeKind.STREAM})
_FIELDS: Final = 6


def list_asked(node: Node, action: str) -> tuple[str, ...]:
    """The ARN patterns of which a statement must reach one for an action to write to a node."""
    match node.kind:
        case NodeKind.STATE_MACHINE if action == RERUN:
            return (f"{node.arn.replace(':stateMachine:', ':execution:')}:*",)
        case NodeKind.BUCKET:
            return (f"{node.arn}/?*",)  # no object has an empty key
        case NodeKind.LOG_GROUP:
            return (f"{node.arn}:*",)
        case NodeKind.FUNCTION:
            return node.arn, f"{node.arn}:*"
        case _:
            return (node.arn,)


@lru_cache(maxsize=_NAMES_CACHED)
def read_name(kind: NodeKind, pattern: str) -> str | None:
    """The one name that a pattern names, though perhaps in any Region; ``None`` for a wildcard.

    >>> read_name(NodeKind.TABLE, "arn:aws:dynamodb:*:*:table/orders/index/*")
    'orders'
    """
    service, prefix = ARN_HEADS[kind]
    fields = pattern.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS or fields[2] != service or not fields[5].startswith(prefix):
        return None
    name = fields[5][len(prefix) :]
    if kind in _CUT_AT_COLON:
        name = name.split(":", 1)[0]
    elif kind in _CUT_AT_SLASH:
        name = name.split("/", 1)[0]
    return None if any(one in name for one in "*?$") or not name else name
