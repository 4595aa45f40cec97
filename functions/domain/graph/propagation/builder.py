"""Places and edges as they are found, within the work that one graph may take."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from functions.domain.graph.model import (
    Certainty,
    Doubt,
    EdgeReason,
    EdgeSpec,
    Means,
    Node,
    NodeKind,
)
from functions.domain.graph.paths.limits import Allowance, Limits
from functions.domain.graph.paths.turns import Turns
from functions.domain.graph.payloads import Invoked, Payload, is_removal
from functions.domain.graph.propagation.graph import (
    OUT_OF_SIGHT,
    Info,
    Place,
    Propagation,
    Rank,
    Unobserved,
)
from functions.domain.graph.propagation.index import AccountIndex
from functions.domain.graph.triggers.filters import count_steps
from functions.domain.graph.writes.permission import WildcardTarget, WritePermission

RANKS: Final[Mapping[Certainty, Rank]] = MappingProxyType(
    {
        Certainty.CERTAIN: Rank.CERTAIN,
        Certainty.POSSIBLE: Rank.POSSIBLE,
        Certainty.RULED_OUT: Rank.RULED_OUT,
    }
)


class Builder:
    """Builds one graph.

    Attributes
    ----------
    acting
        Who is written or followed for: whose places the new ones are.
    edges
        The edges that may still be made.
    """

    __slots__ = (
        "_costs",
        "_numbers",
        "_permissions",
        "_undecided",
        "acting",
        "edges",
        "flow",
        "turns",
        "with_ruled_out",
    )

    def __init__(self, index: AccountIndex, limits: Limits, *, with_ruled_out: bool) -> None:
        self.with_ruled_out = with_ruled_out
        # One half of the edges is for what functions write, the other for what leads on.
        self.edges = Allowance(limits.edges // 2)
        self.turns = Turns(limits.passages)
        self.acting = ""
        self._costs = {
            node: sum(count_steps(edge.event_filter) for edge in own)
            for node, own in index.triggers_of.items()
        }
        self._permissions = index.permissions
        self._undecided = index.account.undecided
        self._numbers: dict[Place, int] = {}
        self.flow = Propagation(unreadable_filters=index.triggers.unreadable_filters)

    def number(self, place: Place) -> int:
        """The number of a place, which is new where nothing led there yet."""
        found = self._numbers.get(place)
        if found is None:
            found = self._numbers[place] = len(self.flow.places)
            self.flow.places.append(place)
            is_function = isinstance(place, tuple) and place[0].kind is NodeKind.FUNCTION
            self.flow.functions.append(place[0].name if is_function else "")  # type: ignore[index]
            self.turns.add(found, self.acting, *self._compute_effort(place))
        return found

    def knows(self, place: Place) -> bool:
        """Whether a place was reached."""
        return place in self._numbers

    def _compute_effort(self, place: Place) -> tuple[str, int]:
        """Where a place is, and the steps of following it."""
        match place:
            case WildcardTarget():
                return f"{place.kind} {place.pattern}", len(self._permissions.members(place))
            case Unobserved():
                return place.name, 0
            case node, _:
                return node.arn, self._costs.get(node, 0)

    def join(self, source: int, target: int, rank: Rank, info: Info) -> None:
        """Join two places, unless what is ruled out is not wanted."""
        if rank is Rank.RULED_OUT and not self.with_ruled_out:
            return
        self.flow.sources.append(source)
        self.flow.targets.append(target)
        self.flow.ranks.append(rank)
        self.flow.infos.append(info)

    def carry(self, sources: Iterable[int], target: int, edge: EdgeSpec) -> None:
        """Join places by what may carry events."""
        for source in sources:
            spec = edge
            if self._undecided and self._is_undecided(source, target, edge.id):
                spec = edge.weaken(EdgeReason.UNDECIDED)
            self.join(source, target, RANKS[spec.certainty], spec)

    def _is_undecided(self, source: int, target: int, means_id: str) -> bool:
        """Whether it is not known that an edge or one of its ends exists."""
        ends = (self.flow.places[source], self.flow.places[target])
        return means_id in self._undecided or any(
            isinstance(place, tuple) and place[0].arn in self._undecided for place in ends
        )

    def place(self, node: Node, payload: Payload, *, is_async: bool = True) -> int:
        """The place of a node with a payload; of a function, by the way it is invoked."""
        if node.kind is NodeKind.FUNCTION:
            return self.number((node, Invoked(is_async=is_async)))
        return self.number((node, payload))

    def doubt(self, ways: Iterable[int], doubt: Doubt) -> None:
        """Let places lead out of sight, for a reason."""
        for way in ways:
            self.join(way, self.number(OUT_OF_SIGHT), Rank.UNSEEN, doubt)

    def may_go_on(self, number: int, steps: int) -> bool:
        """Whether there are steps and edges left for a place; a doubt is cast where not."""
        if not self.edges.is_spent and self.turns.spend(number, steps):
            return True
        self.doubt((number,), Doubt.BUDGET)
        return False

    def grant(
        self,
        ways: Iterable[int],
        grants: Iterable[WritePermission],
        role_arn: str,
        means: Means = Means.PERMISSION,
    ) -> None:
        """Join writers with what permissions of a role let them write to."""
        for grant in grants:
            if grant.edge.certainty is Certainty.RULED_OUT and not self.with_ruled_out:
                continue
            if isinstance(grant.target, WildcardTarget):
                target = self.number(grant.target)
                if grant.target.kind is NodeKind.LOG_GROUP:
                    # Every basic execution role may write to every log group, and none does.
                    for way in ways:
                        self.join(way, target, Rank.UNSEEN, Doubt.LOGS)
                    continue
            else:
                target = self.place(grant.target, grant.payload)
            edge = grant.edge
            if means is Means.TASK:
                edge = edge.weaken(EdgeReason.ONLY_SOMETIMES)
            elif is_removal(grant.payload):
                edge = edge.weaken(EdgeReason.ONLY_ONCE)
            self.carry(ways, target, replace(edge, means=means, id=role_arn))
