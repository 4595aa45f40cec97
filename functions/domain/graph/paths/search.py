"""Loops in a flow, and what is proved about each function.

What is on a cycle is told by strongly connected components, for all functions at once. Then one
shortest loop is looked for, for each function and each way it is triggered: enough to say how it
loops, and no more of them than functions and triggers, however many ways a wildcard opens.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.model import Doubt, Edge
from functions.domain.graph.paths.cycles import Budget, cyclic, least_rotation, shortest_way
from functions.domain.graph.paths.limits import USUAL, Allowance, Limits
from functions.domain.graph.propagation.graph import Propagation, Rank

MOST_TRIGGERS: Final = 20  # of one function
_WORK: Final = 4_000  # edges looked at, for each function of the account
_LEAST_WORK: Final = 200_000
_DESCRIBING: Final = 10  # of one edge, in edges looked at
_SMALL: Final = 2_000  # edges that hang together

_SEEN_OR_NOT: Final = (Rank.CERTAIN, Rank.POSSIBLE, Rank.UNSEEN)

Cycle: TypeAlias = tuple[int, ...]
Trigger: TypeAlias = tuple[int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found.

    Attributes
    ----------
    ways
        Each loop as the numbers of its edges; the last one enters the function that the first one
        leaves.
    unlisted
        Functions on a loop of which none is listed.
    parts
        By rank, for each place on a cycle of edges up to that rank: the number of its component.
    """

    ways: tuple[Cycle, ...]
    proofs: Mapping[str, LoopProof]
    doubts: Mapping[str, tuple[Doubt, ...]]
    unlisted: int
    parts: Mapping[Rank, Mapping[int, int]]


def search(flow: Propagation, limits: Limits = USUAL) -> Found:
    """Find the loops of a flow.

    What is proved of a function never depends on the limits: only which loops are listed does.
    """
    return _Search(flow, limits).run()


def list_successors(flow: Propagation, edges: Iterable[int]) -> list[list[int]]:
    """Where each place leads by some of the edges."""
    found: list[list[int]] = [[] for _ in flow.places]
    for edge in edges:
        found[flow.sources[edge]].append(flow.targets[edge])
    return found


class _Search:
    """One search."""

    __slots__ = ("_after", "_before", "_budget", "_flow", "_listed", "_sorted", "_ways")

    def __init__(self, flow: Propagation, limits: Limits) -> None:
        self._flow = flow
        self._listed = Allowance(limits.listed)
        # Surer edges first, so that of two ways of one length the surer one is found.
        self._sorted = sorted(range(len(flow.sources)), key=lambda edge: (flow.ranks[edge], edge))
        self._before: list[list[tuple[int, int]]] = [[] for _ in flow.places]
        self._after: list[list[int]] = [[] for _ in flow.places]
        for edge in self._sorted:
            self._before[flow.targets[edge]].append((flow.sources[edge], edge))
            self._after[flow.sources[edge]].append(edge)
        most = max(_LEAST_WORK, _WORK * len(flow.places_of))
        self._budget = Budget(min(most, limits.search))
        self._ways: dict[tuple[str, Trigger], Cycle] = {}

    def run(self) -> Found:
        flow = self._flow
        by_rank = {rank: self._number_parts(rank) for rank in _SEEN_OR_NOT}
        certain = self._find_loops(Rank.CERTAIN, by_rank[Rank.CERTAIN])
        possible = self._find_loops(Rank.POSSIBLE, by_rank[Rank.POSSIBLE])
        parts = by_rank[Rank.UNSEEN]
        proofs: dict[str, LoopProof] = {}
        doubts: dict[str, tuple[Doubt, ...]] = {}
        by_part = self._list_doubts(parts)
        for name, places in flow.places_of.items():
            inside = [parts[place] for place in places if place in parts]
            if name in certain:
                proofs[name] = LoopProof.CERTAIN
            elif name in possible:
                proofs[name] = LoopProof.POSSIBLE
            elif inside:
                proofs[name] = LoopProof.UNKNOWN
                found = {doubt for part in inside for doubt in by_part.get(part, ())}
                doubts[name] = tuple(sorted(found))
            else:
                proofs[name] = LoopProof.RULED_OUT
        listed = {flow.functions[flow.sources[edge]] for way in self._ways.values() for edge in way}
        return Found(
            ways=self._drop_repeated(self._ways.values()),
            proofs=proofs,
            doubts=doubts,
            unlisted=len((certain | possible) - listed),
            parts=by_rank,
        )

    def _number_parts(self, rank: Rank) -> dict[int, int]:
        """The number of its component, for each place on a cycle of edges up to a rank."""
        edges = (edge for edge in self._sorted if self._flow.ranks[edge] <= rank)
        parts = cyclic(list_successors(self._flow, edges))
        return {place: number for number, part in enumerate(parts) for place in part}

    def _list_doubts(self, parts: Mapping[int, int]) -> dict[int, set[Doubt]]:
        flow = self._flow
        found: dict[int, set[Doubt]] = {}
        for edge in self._sorted:
            if flow.ranks[edge] is not Rank.UNSEEN:
                continue
            part = parts.get(flow.sources[edge])
            info = flow.infos[edge]
            is_inside = part is not None and part == parts.get(flow.targets[edge])
            if part is not None and is_inside and isinstance(info, Doubt):
                found.setdefault(part, set()).add(info)
        return found

    def _find_loops(self, rank: Rank, parts: Mapping[int, int]) -> set[str]:
        """Functions on a loop of edges up to a rank. Their loops are kept in `_ways`."""
        flow = self._flow
        places, edges = Counter(parts.values()), self._count_edges(parts, rank)
        found = [
            (edges[parts[place]] if edges[parts[place]] > _SMALL else 0, name, place)
            for name in sorted(flow.places_of)
            for place in flow.places_of[name]
            if place in parts
        ]
        told: set[int] = set()
        # What hangs together with much comes last: it must not use up what is left for the others.
        for _, name, place in sorted(found, key=lambda one: one[:2]):
            part = parts[place]
            if part in told:
                continue
            self._close(name, place, rank, parts)
            if edges[part] == places[part]:
                told.add(part)  # it is one ring, the same from every function on it
        return {name for _, name, _ in found}

    def _count_edges(self, parts: Mapping[int, int], rank: Rank) -> Counter[int]:
        """How many edges up to a rank each component has."""
        flow = self._flow
        return Counter(
            parts[flow.sources[edge]]
            for edge in self._sorted
            if flow.ranks[edge] <= rank
            and flow.sources[edge] in parts
            and parts[flow.sources[edge]] == parts.get(flow.targets[edge])
        )

    def _close(self, name: str, place: int, rank: Rank, parts: Mapping[int, int]) -> None:
        """Find the shortest loop for each way in which a function is triggered."""
        flow = self._flow
        leaving: dict[int, int] = {}
        for edge in self._after[place]:
            if flow.ranks[edge] <= rank:
                leaving.setdefault(flow.targets[edge], edge)
        looked = 0
        for origin, edge in self._before[place]:
            if flow.ranks[edge] > rank or parts.get(origin) != parts[place]:
                continue
            self._budget.left -= _DESCRIBING
            key = (name, self._identify_trigger(origin, edge))
            if key in self._ways:
                continue
            looked += 1
            if looked > MOST_TRIGGERS or self._budget.is_spent or self._listed.is_spent:
                return
            way = self._find_way(place, origin, leaving, rank)
            if way is not None:
                self._listed.spend(len(way) + 1)
                self._ways[key] = (*way, edge)

    def _find_way(
        self, place: int, goal: int, leaving: Mapping[int, int], rank: Rank
    ) -> list[int] | None:
        if place == goal:
            return []
        flow = self._flow
        found = shortest_way(
            self._before,
            leaving.keys(),
            goal,
            self._budget,
            lambda edge: flow.ranks[edge] <= rank,
        )
        if found is None:
            return None
        first = flow.sources[found[0]] if found else goal
        return [leaving[first], *found]

    def _identify_trigger(self, origin: int, edge: int) -> Trigger:
        """What makes two ways of being triggered different: not what lies in the resource."""
        flow = self._flow
        place = flow.places[origin]
        if not isinstance(place, tuple):
            return origin, "", ""
        described = flow.edge(edge)
        # What other functions write into it comes from them, by whatever means.
        by = "" if described.is_write else f"{described.means.name} {described.id}"
        return -1, place[0].arn, by

    def _drop_repeated(self, ways: Iterable[Cycle]) -> tuple[Cycle, ...]:
        """The same cycle is found from every function on it."""
        found: dict[Cycle, Cycle] = {}
        for way in ways:
            first = least_rotation(way)
            found.setdefault(way[first:] + way[:first], way)
        return tuple(found.values())


def describe_edges(
    flow: Propagation, way: Cycle, known: dict[tuple[int, int], Edge]
) -> tuple[Edge, ...]:
    """The edges of a loop as people know them: what leads through a wildcard is one edge.

    Parameters
    ----------
    known
        Edges that were described before: long loops share most of theirs.
    """
    found: list[Edge] = []
    for number, after in pairwise((*way, way[0])):
        if flow.is_wildcard(flow.sources[number]):
            continue
        key = (number, after if flow.is_wildcard(flow.targets[number]) else -1)
        edge = known.get(key)
        if edge is None:
            edge = known[key] = flow.edge(number, after if key[1] >= 0 else None)
        found.append(edge)
    return tuple(found)
