"""Everything that events can do in the account, as a graph of whole numbers.

A place is a node with what is known of what lies in it, so that every filter is asked about what
really may come by. A function has two places: asynchronous invocations also reach destinations.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

from functions.domain.graph.model import Doubt, Edge, EdgeSpec, Node
from functions.domain.graph.payloads import Payload
from functions.domain.graph.writes.permission import WildcardMember, WildcardTarget


class Rank(IntEnum):
    """How sure an edge is, for searching."""

    CERTAIN = 0
    POSSIBLE = 1
    UNSEEN = 2  # nobody looked, or nobody can: never part of a loop, but of a doubt
    RULED_OUT = 3


@dataclass(frozen=True, slots=True)
class Unobserved:
    """Where events are not seen any more, though they may go on."""

    name: str


OUT_OF_SIGHT: Final = Unobserved("out of sight")  # may lead to any function
Place: TypeAlias = tuple[Node, Payload] | WildcardTarget | Unobserved
Info: TypeAlias = EdgeSpec | WildcardMember | Doubt | Unobserved


@dataclass(slots=True)
class Propagation:
    """The graph. Edge ``e`` goes from ``sources[e]`` to ``targets[e]``.

    Attributes
    ----------
    functions
        By place: the function's name, or nothing.
    places_of
        By function name: its places.
    """

    places: list[Place] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    places_of: dict[str, tuple[int, ...]] = field(default_factory=dict)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    ranks: list[Rank] = field(default_factory=list)
    infos: list[Info] = field(default_factory=list)
    unreadable_filters: int = 0
    unreadable_policies: int = 0

    def edge(self, first: int, second: int | None = None) -> Edge:
        """The edge with a number; for one that leads to a wildcard with the one that leads on."""
        last = first if second is None else second
        source, target = self._get_node(self.sources[first]), self._get_node(self.targets[last])
        spec = self.infos[first]
        member = None if second is None else self.infos[second]
        if not isinstance(spec, EdgeSpec):
            raise TypeError(f"edge {first} is not one of events")
        if isinstance(member, WildcardMember):
            spec = member.narrow(spec)
        return spec.between(source, target)

    def is_wildcard(self, place: int) -> bool:
        """Whether a place only stands for many."""
        return isinstance(self.places[place], WildcardTarget)

    def _get_node(self, place: int) -> Node:
        found = self.places[place]
        if isinstance(found, tuple):
            return found[0]
        raise TypeError(f"place {place} is no node")
