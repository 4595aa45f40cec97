"""Strongly connected components and shortest ways in a graph of whole numbers.

Nodes are 0 to n-1; `successors[node]` lists where its edges lead. Nothing here recurses, so that
chains of any length are followed.
"""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any

Adjacency = Sequence[Sequence[int]]


def components(successors: Adjacency) -> list[list[int]]:  # noqa: C901 (one pass, in one place)
    """The strongly connected components, in no particular order (Tarjan 1972)."""
    size = len(successors)
    order = [-1] * size  # when a node was first seen
    low = [0] * size  # the earliest node that it leads back to
    is_open = [False] * size
    stack: list[int] = []
    found: list[list[int]] = []
    clock = 0
    for root in range(size):
        if order[root] >= 0:
            continue
        order[root] = low[root] = clock
        clock += 1
        stack.append(root)
        is_open[root] = True
        ways = [(root, iter(successors[root]))]
        while ways:
            node, rest = ways[-1]
            for after in rest:
                if order[after] < 0:
                    order[after] = low[after] = clock
                    clock += 1
                    stack.append(after)
                    is_open[after] = True
                    ways.append((after, iter(successors[after])))
                    break
                if is_open[after]:
                    low[node] = min(low[node], order[after])
            else:
                ways.pop()
                if ways:
                    before = ways[-1][0]
                    low[before] = min(low[before], low[node])
                if low[node] == order[node]:
                    part: list[int] = []
                    while True:
                        member = stack.pop()
                        is_open[member] = False
                        part.append(member)
                        if member == node:
                            break
                    found.append(part)
    return found


def cyclic(successors: Adjacency) -> list[list[int]]:
    """The components in which something leads back to itself."""
    return [
        part for part in components(successors) if len(part) > 1 or part[0] in successors[part[0]]
    ]


def least_rotation(items: Sequence[Any]) -> int:
    """Where a circle of items begins so that it comes first in order, in time linear in its length.

    >>> least_rotation("cab")
    1
    """
    size = len(items)
    one, other, length = 0, 1, 0
    while one < size and other < size and length < size:
        first, second = items[(one + length) % size], items[(other + length) % size]
        if first == second:
            length += 1
            continue
        # None of the places that were compared can be better than the other beginning.
        if first > second:
            one += length + 1
        else:
            other += length + 1
        if one == other:
            other += 1
        length = 0
    return min(one, other)


class Budget:
    """How many edges may still be looked at: bounds a search over a whole account."""

    __slots__ = ("left",)

    def __init__(self, edges: int) -> None:
        self.left = edges

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0


def shortest_way(
    before: Sequence[Sequence[tuple[int, int]]],
    starts: Collection[int],
    goal: int,
    budget: Budget,
    is_allowed: Callable[[int], bool],
) -> list[int] | None:
    """The edges of a shortest way from one of `starts` to `goal`; ``None`` for none.

    It is looked for from its end, because a node has few predecessors more often than few
    successors.

    Parameters
    ----------
    before
        For each node its incoming edges: (node they come from, number of the edge).
    budget
        Is charged with what is looked at. The search ends without a way when it is spent.
    is_allowed
        Which edges may be used, by number.
    """
    if goal in starts:
        return []
    after: dict[int, tuple[int, int]] = {goal: (-1, -1)}
    waiting = deque([goal])
    while waiting and not budget.is_spent:
        node = waiting.popleft()
        edges = before[node]
        budget.left -= len(edges) + 1
        for origin, edge in edges:
            if origin in after or not is_allowed(edge):
                continue
            after[origin] = (node, edge)
            if origin in starts:
                return _collect_edges(after, origin)
            waiting.append(origin)
    return None


def _collect_edges(after: dict[int, tuple[int, int]], start: int) -> list[int]:
    way: list[int] = []
    node, edge = after[start]
    while edge >= 0:
        way.append(edge)
        node, edge = after[node]
    return way
