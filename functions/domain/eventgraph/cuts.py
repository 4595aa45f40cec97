"""Which single change breaks a loop, and every other loop that it is tangled up with.

A change is tried by taking its edges out of the component and looking for cycles again, so that
what is said to break everything does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from functions.domain.eventgraph.cycles import cyclic
from functions.domain.eventgraph.flow import Flow, Granted, Rank
from functions.domain.eventgraph.model import Change, Cut, Edge, EdgeReason, Loop, Means, NodeKind
from functions.domain.eventgraph.search import Way, successors
from functions.domain.eventgraph.words import change_words

MOST_CUTS: Final = 3  # of one loop
_MOST_TRIED: Final = 40
_MOST_TOGETHER: Final = 4
_WORK: Final = 2_000_000  # edges looked at while trying, for one component

# What is asked of people first: what costs them least. A filter or a narrower statement leaves all
# that they meant in place.
_GENTLENESS: Final[Mapping[Means, int]] = {
    Means.NOTIFICATION: 1,
    Means.RULE: 1,
    Means.SUBSCRIPTION: 2,
    Means.MAPPING: 2,
    Means.PIPE: 2,
    Means.ACCOUNT_LOG_SUBSCRIPTION: 1,
    Means.LOG_SUBSCRIPTION: 1,
    Means.DEAD_LETTER: 1,
    Means.DESTINATION: 1,
    Means.REDRIVE: 1,
    Means.PERMISSION: 3,
    Means.TASK: 4,
    Means.RUNTIME_LOGS: 4,
}
_NEVER_ALONE: Final = frozenset({Means.REPLICATION, Means.DELIVERY, Means.HTTP, Means.TRANSFORM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A loop with its way through the flow."""

    way: Way
    loop: Loop


def cuts_of(flow: Flow, listed: Sequence[Listed]) -> list[tuple[Cut, ...]]:
    """For each loop what breaks it, best first."""
    found: list[tuple[Cut, ...]] = [()] * len(listed)
    for members, part in _components(flow, listed):
        component = _Component(flow, part, [listed[index] for index in members])
        for index in members:
            found[index] = component.cuts(listed[index])
    return found


def _components(flow: Flow, listed: Sequence[Listed]) -> Iterable[tuple[list[int], list[int]]]:
    """The loops of each component, and the component's edges."""
    edges = [edge for edge, rank in enumerate(flow.ranks) if rank <= Rank.POSSIBLE]
    number = {
        place: index for index, part in enumerate(cyclic(successors(flow, edges))) for place in part
    }
    inside: dict[int, list[int]] = {}
    for edge in edges:
        part = number.get(flow.sources[edge])
        if part is not None and part == number.get(flow.targets[edge]):
            inside.setdefault(part, []).append(edge)
    members: dict[int, list[int]] = {}
    for index, one in enumerate(listed):
        members.setdefault(number[flow.sources[one.way[0]]], []).append(index)
    for part, indexes in members.items():
        yield indexes, inside[part]


class _Component:
    """Loops that share edges, directly or through others."""

    __slots__ = (
        "_actions",
        "_changes",
        "_edges",
        "_flow",
        "_listed",
        "_ranked",
        "_sample",
        "_tried",
        "_work",
    )

    def __init__(self, flow: Flow, edges: list[int], listed: list[Listed]) -> None:
        self._flow, self._edges, self._listed = flow, edges, listed
        self._work = _WORK
        self._changes = {edge: _change_of(flow, edge) for edge in edges}
        self._actions: dict[Change, dict[str, None]] = {}
        for edge in edges:
            change, info = self._changes[edge], flow.infos[edge]
            if change is not None and isinstance(info, Granted):
                known = self._actions.setdefault(change, {})
                known.update(dict.fromkeys(info.grant.actions))
        self._tried: dict[frozenset[Change], bool] = {}
        self._sample: dict[Change, Edge] = {}
        counts: dict[Change, int] = {}
        for one in listed:
            changes = {made.change: made for made in one.loop.edges}
            for change, made in changes.items():
                counts[change] = counts.get(change, 0) + 1
                self._sample.setdefault(change, made)
        self._ranked = sorted(counts, key=lambda change: (-counts[change], self._harm(change)))

    def cuts(self, one: Listed) -> tuple[Cut, ...]:
        """What breaks one loop: what breaks the whole component first, then what breaks most."""
        own = list(dict.fromkeys(edge.change for edge in one.loop.edges))
        own = [change for change in own if change.means not in _NEVER_ALONE] or own
        order = {change: index for index, change in enumerate(self._ranked)}
        tried = sorted(own, key=order.__getitem__)[:_MOST_TRIED]
        cuts = [self._cut((change,)) for change in tried]
        cuts.sort(
            key=lambda cut: (not cut.is_complete, -cut.loops_broken, self._harm(cut.changes[0]))
        )
        if not cuts[0].is_complete:
            together = self._together()
            if together is not None:
                cuts.insert(1, together)
        return tuple(cuts[:MOST_CUTS])

    def _harm(self, change: Change) -> tuple[int, Change]:
        return _pain(self._sample[change]), change

    def _cut(self, changes: tuple[Change, ...]) -> Cut:
        taken = frozenset(changes)
        broken = sum(any(edge.change in taken for edge in one.loop.edges) for one in self._listed)
        return Cut(
            changes=changes,
            words=tuple(self._words(change) for change in changes),
            loops_broken=broken,
            loops=len(self._listed),
            is_complete=broken == len(self._listed) and self._breaks_all(taken),
        )

    def _words(self, change: Change) -> str:
        edge = self._sample[change]
        writers = dict.fromkeys(name for one in self._listed for name in _writers(one, change))
        actions = tuple(self._actions.get(change, {})) or edge.actions
        return change_words(replace(edge, actions=actions), tuple(writers))

    def _together(self) -> Cut | None:
        """The fewest changes that were found to break every loop of the component."""
        left = list(self._listed)
        chosen: list[Change] = []
        while left and len(chosen) < _MOST_TOGETHER:
            counts: dict[Change, int] = {}
            for one in left:
                for change in {edge.change for edge in one.loop.edges}:
                    counts[change] = counts.get(change, 0) + 1
            best = min(counts, key=lambda change: (-counts[change], self._harm(change)))
            chosen.append(best)
            left = [one for one in left if all(edge.change != best for edge in one.loop.edges)]
        if left or len(chosen) < 2:  # noqa: PLR2004 (together)
            return None
        cut = self._cut(tuple(chosen))
        return cut if cut.is_complete else None

    def _breaks_all(self, changes: frozenset[Change]) -> bool:
        """Whether nothing of the component loops any more without the edges of some changes."""
        known = self._tried.get(changes)
        if known is not None:
            return known
        if self._work <= 0:
            return False
        self._work -= len(self._edges)
        flow = self._flow
        edges = [edge for edge in self._edges if not self._is_taken(edge, changes)]
        numbers: dict[int, int] = {}
        after: list[list[int]] = []
        for edge in edges:
            for place in (flow.sources[edge], flow.targets[edge]):
                if place not in numbers:
                    numbers[place] = len(after)
                    after.append([])
            after[numbers[flow.sources[edge]]].append(numbers[flow.targets[edge]])
        names = {number: flow.functions[place] for place, number in numbers.items()}
        is_broken = not any(any(names[place] for place in part) for part in cyclic(after))
        self._tried[changes] = is_broken
        return is_broken

    def _is_taken(self, edge: int, changes: frozenset[Change]) -> bool:
        """Whether a change takes an edge away. What leads on from a hub stays."""
        change = self._changes[edge]
        return change is not None and change in changes


def _writers(one: Listed, change: Change) -> Iterable[str]:
    """The functions of a loop that write what a changed trigger would hear of."""
    edges = one.loop.edges
    for before, after in pairwise((edges[-1], *edges)):
        if after.change == change and before.source.kind is NodeKind.FUNCTION:
            yield before.source.name


def _pain(edge: Edge) -> int:
    """What a change costs people: the narrower, the less."""
    if edge.is_broad:
        return 0
    if edge.reason is EdgeReason.NAMED_BY_ENVIRONMENT and edge.means is Means.PERMISSION:
        return 4
    return _GENTLENESS.get(edge.means, 5)


def _change_of(flow: Flow, edge: int) -> Change | None:
    """The change that takes an edge away; one to a hub only goes with its whole statement."""
    if flow.is_hub(flow.sources[edge]):
        return None
    if not flow.is_hub(flow.targets[edge]):
        return flow.edge(edge).change
    info = flow.infos[edge]
    if not isinstance(info, Granted):
        return None
    statement = f"{info.grant.policy}/{info.grant.sid}"
    return Change(means=info.means, id=info.role_arn, what=statement)
