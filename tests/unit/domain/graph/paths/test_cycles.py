"""Components and shortest ways, held against networkx."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.graph.paths.cycles import (
    Budget,
    components,
    cyclic,
    least_rotation,
    shortest_way,
)
from tests.examples import examples

SIZE: Final = 12
graphs: Final = st.lists(
    st.lists(st.integers(0, SIZE - 1), max_size=4), min_size=SIZE, max_size=SIZE
)


def oracle(successors: list[list[int]]) -> nx.MultiDiGraph[int]:
    """The same graph in networkx."""
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(successors)))
    graph.add_edges_from((node, after) for node, own in enumerate(successors) for after in own)
    return graph


@given(st.lists(st.integers(0, 2), min_size=1, max_size=12))
def test_a_circle_begins_where_it_comes_first(items: list[int]) -> None:
    """The beginning that is found is that of the least of all rotations."""
    rotations = [items[start:] + items[:start] for start in range(len(items))]

    first = least_rotation(items)

    assert rotations[first] == min(rotations)


@given(graphs)
@settings(max_examples=examples(300))
def test_components_are_those_of_networkx(successors: list[list[int]]) -> None:
    """Strongly connected components are found as networkx finds them."""
    expected = {frozenset(part) for part in nx.strongly_connected_components(oracle(successors))}

    assert expected == {frozenset(part) for part in components(successors)}


@given(graphs)
def test_cyclic_are_the_nodes_on_cycles(successors: list[list[int]]) -> None:
    """A node is in a cyclic component exactly if networkx finds a cycle through it."""
    graph = oracle(successors)
    expected = {
        node
        for node in graph
        if any(node == after or nx.has_path(graph, after, node) for after in successors[node])
    }

    assert expected == {node for part in cyclic(successors) for node in part}


@given(graphs, st.sets(st.integers(0, SIZE - 1), min_size=1, max_size=3), st.integers(0, SIZE - 1))
@settings(max_examples=examples(300))
def test_shortest_way_is_as_short_as_that_of_networkx(
    successors: list[list[int]], starts: set[int], goal: int
) -> None:
    """The way leads from a start to the goal, edge by edge, and none is shorter."""
    edges = [(node, after) for node, own in enumerate(successors) for after in own]
    before: list[list[tuple[int, int]]] = [[] for _ in successors]
    for number, (node, after) in enumerate(edges):
        before[after].append((node, number))
    lengths = nx.single_source_shortest_path_length(oracle(successors).reverse(), goal)

    way = shortest_way(before, starts, goal, Budget(10_000), lambda _: True)

    expected = min((lengths[start] for start in starts if start in lengths), default=None)
    assert expected == (None if way is None else len(way))
    if way:
        assert edges[way[0]][0] in starts
        assert edges[way[-1]][1] == goal
        steps = [edges[number] for number in way]
        assert all(a[1] == b[0] for a, b in pairwise(steps))


def test_forbidden_edges_are_not_used() -> None:
    """A way only uses edges that are allowed."""
    before = [[(1, 0)], [(2, 1)], []]

    assert shortest_way(before, {2}, 0, Budget(100), lambda edge: edge != 1) is None


def test_a_spent_budget_ends_the_search() -> None:
    """A search gives up when it may not look at more edges."""
    before: list[list[tuple[int, int]]] = [[], *[[(0, 0)] for _ in range(50)]]
    for node in range(2, 51):
        before[node] = [(node - 1, node)]

    assert shortest_way(before, {1}, 50, Budget(10), lambda _: True) is None


@pytest.mark.thorough
def test_long_chains_do_not_recurse() -> None:
    """A cycle of a hundred thousand nodes is one component."""
    size = 100_000
    ring = [[(node + 1) % size] for node in range(size)]

    assert [size] == [len(part) for part in cyclic(ring)]
