"""What is only nearly a loop: cycles that something rules out, with what does.

For each function that is on no loop, the cycle through it with the fewest edges that are ruled
out. The graph itself leaves such edges out. Here they show that look-alikes are refused for the
right reason.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.model import Loop
from functions.domain.graph.paths.search import describe_edges, search
from functions.domain.graph.propagation.graph import Rank
from functions.domain.graph.propagation.propagate import propagate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.domain.account.inventory import Account
    from functions.domain.graph.model import Edge
    from functions.domain.graph.paths.search import Cycle
    from functions.domain.graph.propagation.graph import Propagation

_LOOPING: Final = {LoopProof.CERTAIN, LoopProof.POSSIBLE}
_MOST_RULED_OUT: Final = 2  # what more than two things rule out is not near


def near_loops(account: Account) -> tuple[Loop, ...]:
    """Cycles that something rules out: at most one for a function, each begun at its first one."""
    flow = propagate(account, with_ruled_out=True)
    proofs = search(flow).proofs
    known: dict[tuple[int, int], Edge] = {}
    found: dict[str, Loop] = {}
    for name in sorted(flow.places_of):
        if proofs[name] in _LOOPING:
            continue
        ways = [way for place in flow.places_of[name] if (way := _cheapest(flow, place))]
        if ways:
            loop = Loop(
                edges=describe_edges(flow, min(ways, key=lambda way: _cost(flow, way)), known)
            )
            found.setdefault(loop.key, loop.seen_from(min(loop.functions)))
    return tuple(found.values())


def _cost(flow: Propagation, way: Cycle) -> tuple[int, int]:
    return sum(flow.ranks[edge] is Rank.RULED_OUT for edge in way), len(way)


def _cheapest(flow: Propagation, place: int) -> Cycle:
    """The cycle through a place with the fewest edges that are ruled out (Dijkstra 1959)."""
    after: dict[int, list[int]] = {}
    for edge in sorted(range(len(flow.sources)), key=lambda edge: (flow.ranks[edge], edge)):
        if flow.ranks[edge] is not Rank.UNSEEN:
            after.setdefault(flow.sources[edge], []).append(edge)
    came: dict[int, int] = {}
    done: set[int] = set()
    waiting: list[tuple[int, int, int, int]] = [(0, 0, place, -1)]
    while waiting:
        ruled_out, length, node, edge = heapq.heappop(waiting)
        if node == place and edge >= 0:
            return _walked(flow, came, edge)
        if node in done:
            continue
        done.add(node)
        came[node] = edge
        for following in after.get(node, ()):
            target = flow.targets[following]
            cost = ruled_out + (flow.ranks[following] is Rank.RULED_OUT)
            if cost <= _MOST_RULED_OUT and (target not in done or target == place):
                heapq.heappush(waiting, (cost, length + 1, target, following))
    return ()


def _walked(flow: Propagation, came: Mapping[int, int], last: int) -> Cycle:
    way = [last]
    while (edge := came[flow.sources[way[-1]]]) >= 0:
        way.append(edge)
    return tuple(reversed(way))
