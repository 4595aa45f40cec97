"""What is only nearly a loop: cycles that something rules out, with what does.

For each function that is on no loop, the cycle through it with the fewest edges that are ruled
out. The graph itself leaves such edges out. Here they show why there is no loop.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.model import Loop
from functions.domain.graph.paths.cycles import cyclic
from functions.domain.graph.paths.limits import USUAL, Allowance
from functions.domain.graph.paths.search import describe_edges, list_successors, search
from functions.domain.graph.propagation.graph import Rank
from functions.domain.graph.propagation.propagate import propagate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.domain.account.inventory import Account
    from functions.domain.graph.model import Edge
    from functions.domain.graph.paths.limits import Limits
    from functions.domain.graph.paths.search import Cycle
    from functions.domain.graph.propagation.graph import Propagation

_LOOPING: Final = {LoopProof.CERTAIN, LoopProof.POSSIBLE}
_MOST_RULED_OUT: Final = 2  # what more than two things rule out is not near
# Edges looked at: for all functions, and for one of them.
_WORK: Final = 2_000_000
_WORK_OF_ONE: Final = 50_000


def find_near_loops(account: Account, limits: Limits = USUAL) -> tuple[Loop, ...]:
    """Cycles that something rules out: at most one for a function, each begun at its first one.

    In a large account the functions that come last by name may be left out: what is looked at is
    bounded.
    """
    flow = propagate(account, limits=limits, with_ruled_out=True)
    proofs = search(flow, limits).proofs
    near = _NearSearch(flow)
    known: dict[tuple[int, int], Edge] = {}
    found: dict[str, Loop] = {}
    for name in sorted(flow.places_of):
        if proofs[name] in _LOOPING:
            continue
        cycle = near.find(flow.places_of[name])
        if cycle:
            loop = Loop(edges=describe_edges(flow, cycle, known))
            found.setdefault(loop.key, loop.seen_from(min(loop.functions)))
    return tuple(found.values())


class _NearSearch:
    """The search for cycles with few edges that are ruled out."""

    __slots__ = ("_after", "_flow", "_part_of", "_work")

    def __init__(self, flow: Propagation) -> None:
        self._flow = flow
        self._work = Allowance(_WORK)
        seen = [edge for edge, rank in enumerate(flow.ranks) if rank is not Rank.UNSEEN]
        # What hangs together in no way lies on no cycle.
        parts = cyclic(list_successors(flow, seen))
        self._part_of = {place: number for number, part in enumerate(parts) for place in part}
        self._after: dict[int, list[int]] = {}
        for edge in sorted(seen, key=lambda edge: (flow.ranks[edge], edge)):
            part = self._part_of.get(flow.sources[edge])
            if part is not None and part == self._part_of.get(flow.targets[edge]):
                self._after.setdefault(flow.sources[edge], []).append(edge)

    def find(self, places: tuple[int, ...]) -> Cycle:
        """The best cycle through one of the places of a function; empty for none."""
        cycles = [
            cycle for place in places if place in self._part_of and (cycle := self._search(place))
        ]
        return min(cycles, key=self._compute_cost, default=())

    def _compute_cost(self, cycle: Cycle) -> tuple[int, int]:
        return sum(self._flow.ranks[edge] is Rank.RULED_OUT for edge in cycle), len(cycle)

    def _search(self, place: int) -> Cycle:
        """The cycle through a place with the fewest edges that are ruled out (Dijkstra 1959)."""
        flow = self._flow
        work = Allowance(_WORK_OF_ONE)
        came: dict[int, int] = {}
        done: set[int] = set()
        waiting: list[tuple[int, int, int, int]] = [(0, 0, place, -1)]
        while waiting and not work.is_spent and not self._work.is_spent:
            ruled_out, length, node, edge = heapq.heappop(waiting)
            if node == place and edge >= 0:
                return self._collect_edges(came, edge)
            if node in done:
                continue
            done.add(node)
            came[node] = edge
            following = self._after.get(node, ())
            work.spend(len(following) + 1)
            self._work.spend(len(following) + 1)
            for one in following:
                target = flow.targets[one]
                cost = ruled_out + (flow.ranks[one] is Rank.RULED_OUT)
                if cost <= _MOST_RULED_OUT and (target not in done or target == place):
                    heapq.heappush(waiting, (cost, length + 1, target, one))
        return ()

    def _collect_edges(self, came: Mapping[int, int], last: int) -> Cycle:
        cycle = [last]
        while (edge := came[self._flow.sources[cycle[-1]]]) >= 0:
            cycle.append(edge)
        return tuple(reversed(cycle))
