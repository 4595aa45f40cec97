"""Edges to and from what is not observed: what keeps a function from being ruled out."""

from collections.abc import Callable, Iterator
from typing import Final

from functions.domain.graph.model import Doubt, Means, NodeKind
from functions.domain.graph.nodes import node_of
from functions.domain.graph.payloads import ANYTHING, Invoked
from functions.domain.graph.propagation.builder import Builder
from functions.domain.graph.propagation.gaps import read_gaps
from functions.domain.graph.propagation.graph import OUT_OF_SIGHT, Rank, Unobserved
from functions.domain.graph.propagation.index import AccountIndex
from functions.domain.graph.writes.permission import RolePermissions
from functions.domain.graph.writes.write_actions import WRITE_ACTIONS

_WITH_POLICIES: Final = frozenset(
    {
        NodeKind.QUEUE,
        NodeKind.TOPIC,
        NodeKind.BUCKET,
        NodeKind.BUS,
        NodeKind.TABLE,
        NodeKind.STREAM,
    }
)


class GapDoubts:
    """Casts doubts where nobody could look."""

    __slots__ = ("_builder", "_gaps", "_index")

    def __init__(self, index: AccountIndex, builder: Builder) -> None:
        self._index, self._builder = index, builder
        self._gaps = read_gaps(index.account)

    def doubt_writes(self, name: str, profile: RolePermissions) -> None:
        """Doubts about what a function writes to where nobody could look."""
        ways = self._builder.flow.places_of[name]
        if self._gaps.is_everything or name in self._gaps.functions:
            self._builder.doubt(ways, Doubt.AREA)
            return
        for kind in sorted(self._gaps.kinds):
            if self._index.permissions.reaches(profile, kind):
                self._builder.doubt(ways, Doubt.AREA)
                return

    def doubt_places(self, lead_on: Callable[[], None]) -> None:
        """Doubts about resources, and what may come back out of what is not observed.

        Parameters
        ----------
        lead_on
            Follows the places that are reached by these doubts only.
        """
        for number in range(len(self._builder.flow.places)):
            self._doubt_place(number)
        everybody = [way for ways in self._builder.flow.places_of.values() for way in ways]
        if self._builder.knows(OUT_OF_SIGHT):
            number = self._builder.number(OUT_OF_SIGHT)
            for way in everybody:
                self._builder.join(number, way, Rank.UNSEEN, OUT_OF_SIGHT)
        for doubt, entries in self._list_entries(lead_on).items():
            if not entries:
                continue
            number = self._builder.number(Unobserved(doubt.value))
            for way in everybody:
                self._builder.join(way, number, Rank.UNSEEN, doubt)
            for entry in sorted(entries):
                self._builder.join(number, entry, Rank.UNSEEN, doubt)
        lead_on()

    def _doubt_place(self, number: int) -> None:
        """Doubts about where a resource leads."""
        place = self._builder.flow.places[number]
        if not isinstance(place, tuple):
            return
        node = place[0]
        if node in self._gaps.nodes:
            self._builder.doubt((number,), Doubt.RESOURCE)
        elif node.kind in self._gaps.kinds:
            self._builder.doubt((number,), Doubt.AREA)

    def _list_entries(self, lead_on: Callable[[], None]) -> dict[Doubt, set[int]]:
        """What anybody may call without a permission of IAM, and what may have unread triggers."""
        found: dict[Doubt, set[int]] = {Doubt.HTTP: set(), Doubt.BROKER: set()}
        for doubt, kind in ((Doubt.HTTP, NodeKind.API), (Doubt.BROKER, NodeKind.BROKER)):
            for node in self._index.resources.of(kind):
                if node in self._index.triggers_of:
                    found[doubt].add(self._builder.number((node, ANYTHING)))
        lead_on()
        known = {
            trigger.target
            for triggers in self._index.triggers_of.values()
            for trigger in triggers
            if trigger.means is Means.HTTP
        }
        for node in self._index.triggers.url_callable - known:
            found[Doubt.HTTP].add(self._builder.number((node, Invoked(is_async=False))))
        found[Doubt.RESOURCE] = set(self._list_unread())
        return found

    def _list_unread(self) -> Iterator[int]:
        """Places of which it is not known what sends events to them."""
        for function in self._index.functions:
            if (
                not function.is_policy_known
                or function.name in self._gaps.entries
                or node_of(function.arn) in self._index.triggers.unfollowed
            ):
                yield from self._builder.flow.places_of[function.name]
        for node in sorted(self._gaps.open_nodes):
            if node.kind not in _WITH_POLICIES:
                yield self._builder.number((node, ANYTHING))
        for kind in sorted(_WITH_POLICIES):
            for node in self._index.resources.of(kind):
                if self._gaps.is_open or node in self._gaps.open_nodes:
                    for way in WRITE_ACTIONS[kind]:
                        yield self._builder.number((node, way.payload(node)))
