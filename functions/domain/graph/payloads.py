"""What lies in a resource, as far as it is known.

An edge that writes and the trigger behind it can only be judged together: whether a notification
on ``input/`` fires depends on the keys that the writer may write. So what a writer puts somewhere
is kept as a payload, and every filter on the way is asked about that payload: see `filters`.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from functions.domain.graph.model import Node, NodeKind


@dataclass(frozen=True, slots=True)
class Stored:
    """What an S3 action did to objects of a bucket whose keys match `keys`, but no `excluded`."""

    bucket: str
    action: str
    keys: str = "*"
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """Records of a table's stream; `events` are of INSERT, MODIFY and REMOVE."""

    events: tuple[str, ...] = ("INSERT", "MODIFY", "REMOVE")


@dataclass(frozen=True, slots=True)
class Put:
    """An event that PutEvents put on a bus. Patterns of what is known; empty: anything."""

    sources: tuple[str, ...] = ()
    detail_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Announced:
    """The event by which S3 tells a bus what was stored."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Called:
    """An event that an AWS service sends about calls of its API, asked for by a rule.

    Attributes
    ----------
    source
        ``aws.ec2``; ``aws.`` where the rule asks for no source.
    rule
        ARN of the rule, or of what else listens; empty on a bus that the event was forwarded to,
        where every rule may hear of it.
    """

    source: str
    rule: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose body is not known. `is_bare`: without message attributes."""

    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class Invoked:
    """What reaches a function. Destinations only hear of asynchronous invocations."""

    is_async: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Messages that somebody moves out of a dead-letter queue, to where they came from."""


Payload: TypeAlias = Stored | Changed | Put | Announced | Called | Message | Invoked | Moved
ANYTHING: Final = Message()
_CREATED: Final = frozenset({"s3:PutObject", "s3:ReplicateObject"})
_DELETED: Final = frozenset({"s3:DeleteObject", "s3:DeleteObjectVersion"})
REMOVED: Final = ("REMOVE",)


def is_created(payload: Payload) -> bool:
    """Whether objects came into being."""
    return isinstance(payload, Stored) and payload.action in _CREATED


def is_removal(payload: Payload) -> bool:
    """Whether something was taken away, which nobody can do twice."""
    match payload:
        case Changed():
            return payload.events == REMOVED
        case Stored():
            return payload.action in _DELETED
        case _:
            return False


def describe_arrival(target: Node) -> Payload:
    """What is known of something that reached a node in a way that says nothing of it."""
    match target.kind:
        case NodeKind.BUCKET:
            return Stored(target.name, "s3:PutObject")
        case NodeKind.TABLE:
            return Changed()
        case NodeKind.BUS:
            return Put()
        case _:
            return ANYTHING
