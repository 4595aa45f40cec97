"""Which loops are told of."""

from __future__ import annotations

import pytest

from functions.domain.eventgraph.model import (
    Acceptance,
    Certainty,
    Edge,
    EdgeReason,
    Loop,
    Means,
    Node,
    NodeKind,
)
from functions.domain.eventgraph.news import news

GUARD = ("Loopbreaker-contain", "Loopbreaker-restore")


def edge(source: Node, target: Node) -> Edge:
    """Something passes from one to the other."""
    return Edge(
        source=source,
        target=target,
        means=Means.RULE,
        certainty=Certainty.POSSIBLE,
        reason=EdgeReason.FILTER_MAY_FIT,
    )


def loop_through(*functions: str, accepted: Acceptance | None = None) -> Loop:
    """A loop that goes from each function by way of a bus to the next one."""
    nodes = [
        node
        for name in functions
        for node in (
            Node(kind=NodeKind.BUS, arn=f"bus-{name}", name=f"bus-{name}"),
            Node(kind=NodeKind.FUNCTION, arn=name, name=name),
        )
    ]
    following = (*nodes[1:], nodes[0])
    return Loop(
        edges=tuple(edge(one, two) for one, two in zip(nodes, following, strict=True)),
        accepted=accepted,
    )


def test_a_loop_is_told_of_once() -> None:
    """What was told is told no more, nor is the same loop twice at once."""
    loop, other = loop_through("enrich"), loop_through("price")

    assert news((loop.key,), (loop, other, other)) == (other,)


def test_an_accepted_loop_is_not_told_of() -> None:
    """Neither by a tag nor by the deployment's flag."""
    tagged = loop_through("requeue", accepted=Acceptance(by="requeue", reason="ends by itself"))
    flagged = loop_through("archive", "compress")

    assert news((), (tagged, flagged), accepted={"compress": "flag"}) == ()


@pytest.mark.parametrize("functions", [GUARD[:1], GUARD])
def test_the_guard_does_not_accuse_itself(functions: tuple[str, ...]) -> None:
    """Its functions wake each other, and pass over what they did themselves."""
    assert news((), (loop_through(*functions),), own=GUARD) == ()


def test_a_loop_by_way_of_the_guard_is_told_of() -> None:
    """Another function on it may answer the guard with what wakes the guard."""
    loop = loop_through("Loopbreaker-contain", "post-to-chat")

    assert news((), (loop,), own=GUARD) == (loop,)
