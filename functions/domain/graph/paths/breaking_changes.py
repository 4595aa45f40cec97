"""Which single change breaks a loop, and every other loop that it is tangled up with.

A change is tried by taking its edges out of the component and looking for cycles again, so that
what is said to break everything does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from functions.domain.graph.model import (
    Change,
    Cut,
    Edge,
    EdgeReason,
    EdgeSpec,
    Loop,
    Means,
    NodeKind,
    wildcards_of,
)
from functions.domain.graph.paths.cycles import cyclic
from functions.domain.graph.paths.limits import USUAL, Allowance, Limits
from functions.domain.graph.paths.search import Cycle, list_successors
from functions.domain.graph.propagation.graph import Propagation, Rank
from functions.domain.graph.writes.permission import WildcardTarget
from functions.domain.notices.graph.text import describe_change

MOST_CUTS: Final = 3  # of one loop
_MOST_TRIED: Final = 40
_MOST_TOGETHER: Final = 4
_WORK: Final = 500_000  # edges looked at while trying, for one component
_DESCRIBING: Final = 5  # of one edge, in edges looked at

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
_NEVER_ALONE: Final = frozenset(
    {Means.REPLICATION, Means.DELIVERY, Means.HTTP, Means.TRANSFORM, Means.MOVED_BACK}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLoop:
    """A loop with its way through the flow."""

    way: Cycle
    loop: Loop


def find_cuts(
    flow: Propagation, listed: Sequence[ListedLoop], limits: Limits = USUAL
) -> list[tuple[Cut, ...]]:
    """For each loop what breaks it, best first."""
    found: list[tuple[Cut, ...]] = [()] * len(listed)
    left = Allowance(limits.cuts)
    # What hangs together with little comes first, so that it is tried whatever else there is.
    for members, part in sorted(_group_by_component(flow, listed), key=lambda one: len(one[1])):
        work = Allowance(min(_WORK, left.left))
        left.spend(work.left)
        component = _Component(flow, part, [listed[index] for index in members], work)
        for number, index in enumerate(members):
            found[index] = component.list_cuts(number)
        left.spend(-work.left)  # what was not needed
    return found


def _group_by_component(
    flow: Propagation, listed: Sequence[ListedLoop]
) -> Iterable[tuple[list[int], list[int]]]:
    """The loops of each component, and the component's edges.

    Components that share a function, invoked asynchronously in one and not in the other, are one:
    who is told that nothing loops any more means the function.
    """
    edges = [edge for edge, rank in enumerate(flow.ranks) if rank <= Rank.POSSIBLE]
    number: dict[int, int] = {}
    by_function: dict[str, int] = {}
    for index, part in enumerate(cyclic(list_successors(flow, edges))):
        names = [name for place in part if (name := flow.functions[place])]
        known = {by_function[name] for name in names if name in by_function}
        group = min(known, default=index)
        for place, other in number.items() if len(known) > 1 else ():
            number[place] = group if other in known else other
        for name, other in by_function.items() if len(known) > 1 else ():
            by_function[name] = group if other in known else other
        number.update(dict.fromkeys(part, group))
        by_function.update(dict.fromkeys(names, group))
    inside: dict[int, list[int]] = {}
    for edge in edges:
        found = number.get(flow.sources[edge])
        if found is not None and found == number.get(flow.targets[edge]):
            inside.setdefault(found, []).append(edge)
    members: dict[int, list[int]] = {}
    for index, one in enumerate(listed):
        members.setdefault(number[flow.sources[one.way[0]]], []).append(index)
    for group, indexes in members.items():
        yield indexes, inside[group]


class _Component:
    """Loops that share edges, directly or through others."""

    __slots__ = (
        "_actions",
        "_ends",
        "_flow",
        "_functions",
        "_loops",
        "_names",
        "_order",
        "_own",
        "_sample",
        "_size",
        "_statements",
        "_taken",
        "_together",
        "_tries",
        "_work",
        "_writers",
    )

    def __init__(
        self, flow: Propagation, edges: list[int], listed: list[ListedLoop], work: Allowance
    ) -> None:
        self._flow = flow
        self._work = work
        # What is too large to be tried once is not described edge by edge either.
        is_described = work.has(_DESCRIBING * len(edges))
        work.spend(_DESCRIBING * len(edges) if is_described else work.left)
        self._tries: dict[tuple[Change, ...], tuple[int, bool]] = {}
        self._ends: list[tuple[int, int]] = []  # of each edge, by the number of its place here
        self._taken: dict[Change, list[int]] = {}  # the edges that a change takes away
        self._names: list[str] = []
        self._actions: dict[Change, dict[str, None]] = {}
        self._statements: dict[Change, dict[str, None]] = {}
        numbers: dict[int, int] = {}
        for index, edge in enumerate(edges if is_described else ()):
            for place in (flow.sources[edge], flow.targets[edge]):
                if place not in numbers:
                    numbers[place] = len(self._names)
                    self._names.append(flow.functions[place])
            self._ends.append((numbers[flow.sources[edge]], numbers[flow.targets[edge]]))
            change, info = _find_change(flow, edge), flow.infos[edge]
            if change is not None:
                self._taken.setdefault(change, []).append(index)
            if change is not None and isinstance(info, EdgeSpec) and info.actions:
                self._actions.setdefault(change, {}).update(dict.fromkeys(info.actions))
                said = f"policy {info.policy}, {info.sid}"
                self._statements.setdefault(change, {})[said] = None
        self._sample: dict[Change, Edge] = {}
        self._loops: dict[Change, set[int]] = {}  # which loops a change breaks
        self._writers: dict[Change, dict[str, None]] = {}
        self._functions = [frozenset(one.loop.functions) for one in listed]
        self._size = len(edges) + sum(map(len, self._functions))
        self._own: list[tuple[Change, ...]] = []
        for number, one in enumerate(listed):
            self._own.append(self._take_in(number, one.loop))
        ranked = sorted(self._loops, key=lambda one: (-len(self._loops[one]), self._rank_harm(one)))
        self._order = {change: index for index, change in enumerate(ranked)}
        self._together = self._find_fewest()

    def _take_in(self, number: int, loop: Loop) -> tuple[Change, ...]:
        found: dict[Change, None] = {}
        before = loop.edges[-1]
        for edge in loop.edges:
            change = edge.change
            found[change] = None
            self._sample.setdefault(change, edge)
            self._loops.setdefault(change, set()).add(number)
            if before.source.kind is NodeKind.FUNCTION:
                self._writers.setdefault(change, {})[before.source.name] = None
            before = edge
        return tuple(found)

    def list_cuts(self, number: int) -> tuple[Cut, ...]:
        """What breaks one loop: what breaks the whole component first, then what breaks most."""
        own = self._own[number]
        alone = [change for change in own if change.means not in _NEVER_ALONE] or list(own)
        tried = sorted(alone, key=self._order.__getitem__)[:_MOST_TRIED]
        tries = [((change,), *self._try((change,))) for change in tried]
        tries.sort(key=lambda one: (not one[2], -one[1], self._rank_harm(one[0][0])))
        cuts = [self._make_cut(changes) for changes, *_ in tries[:MOST_CUTS]]
        if not cuts[0].is_complete and self._together is not None:
            cuts.insert(1, self._together)
        return tuple(cuts[:MOST_CUTS])

    def _rank_harm(self, change: Change) -> tuple[int, Change]:
        return _measure_pain(self._sample[change]), change

    def _make_cut(self, changes: tuple[Change, ...]) -> Cut:
        broken, is_complete = self._try(changes)
        return Cut(
            changes=changes,
            words=tuple(map(self._describe, changes)),
            loops_broken=broken,
            loops=len(self._own),
            is_complete=is_complete,
        )

    def _try(self, changes: tuple[Change, ...]) -> tuple[int, bool]:
        found = self._tries.get(changes)
        if found is None:
            found = self._tries[changes] = self._count_broken(frozenset(changes))
        return found

    def _describe(self, change: Change) -> str:
        edge = self._sample[change]
        actions = tuple(self._actions.get(change, ())) or edge.actions
        return describe_change(
            replace(edge, actions=actions),
            tuple(self._writers.get(change, ())),
            more_statements=max(0, len(self._statements.get(change, ())) - 1),
        )

    def _find_fewest(self) -> Cut | None:
        """Few changes that break every loop of the component, if no single one does.

        At each step the change is taken that breaks most of what is left: not always the fewest,
        but never many more.
        """
        left = set(range(len(self._own)))
        chosen: list[Change] = []
        while left and len(chosen) < _MOST_TOGETHER:
            best = min(
                self._order, key=lambda one: (-len(self._loops[one] & left), self._order[one])
            )
            chosen.append(best)
            left -= self._loops[best]
        if left or len(chosen) < 2:  # noqa: PLR2004 (together)
            return None
        cut = self._make_cut(tuple(chosen))
        return cut if cut.is_complete else None

    def _count_broken(self, changes: frozenset[Change]) -> tuple[int, bool]:
        """How many loops some changes break, and whether nothing loops any more.

        In a component too large to be tried again and again the loops are counted that lose an
        edge, and nothing is said to be complete.
        """
        if not self._work.has(self._size):
            return len(set().union(*(self._loops[change] for change in changes))), False
        self._work.spend(self._size)
        gone = {edge for change in changes for edge in self._taken.get(change, ())}
        after: list[list[int]] = [[] for _ in self._names]
        for edge, (source, target) in enumerate(self._ends):
            if edge not in gone:
                after[source].append(target)
        left: dict[str, set[int]] = {}  # the parts of what is left that each function is in
        for number, part in enumerate(cyclic(after)):
            for place in part:
                if self._names[place]:
                    left.setdefault(self._names[place], set()).add(number)
        empty: set[int] = set()
        whole = (
            set.intersection(*(left.get(one, empty) for one in own)) for own in self._functions
        )
        return sum(not one for one in whole), not left


def _measure_pain(edge: Edge) -> int:
    """What a change costs people: the narrower, the less."""
    if edge.is_broad:
        return 0
    if edge.reason is EdgeReason.NAMED_BY_ENVIRONMENT and edge.means is Means.PERMISSION:
        return 4
    return _GENTLENESS.get(edge.means, 5)


def _find_change(flow: Propagation, edge: int) -> Change | None:
    """The change that takes an edge away. What leads on from a wildcard stays."""
    if flow.is_wildcard(flow.sources[edge]):
        return None
    wildcard = flow.places[flow.targets[edge]]
    if not isinstance(wildcard, WildcardTarget):
        return flow.edge(edge).change
    info = flow.infos[edge]
    if not isinstance(info, EdgeSpec):
        return None
    return Change(means=info.means, id=info.id, what=wildcards_of(wildcard.kind))
