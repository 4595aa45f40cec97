"""Every small account of the corpus gives the loops, the near ones and the proofs that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from functions.domain.graph.build import build
from functions.domain.graph.paths.near_loops import find_near_loops
from tests.corpus.description import cases, read_case

if TYPE_CHECKING:
    from pathlib import Path

    from functions.domain.graph.model import Edge, Loop
    from tests.corpus.description import Case

CASES: Final = cases()


def edge_text(edge: Edge) -> str:
    """An edge as the accounts write it."""
    return (
        f"{edge.source.name} -{edge.label}-> {edge.target.name}:"
        f" {edge.certainty.value} ({edge.reason.value})"
    )


def loop_text(loop: Loop) -> tuple[str, ...]:
    """A loop as the accounts write it."""
    return tuple(map(edge_text, loop.edges))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_account(case: Case) -> None:
    """The account gives exactly the loops, near loops, proofs, doubts and the cut that it says."""
    graph = build(case.account)

    assert sorted(case.loops) == sorted(map(loop_text, graph.loops))
    expected = dict(
        zip(case.loops, zip(case.protected, case.broad, case.accepted, strict=True), strict=True)
    )
    assert expected == {
        loop_text(loop): (
            loop.is_protected_by_aws,
            loop.is_broad,
            loop.accepted.reason if loop.accepted else None,
        )
        for loop in graph.loops
    }
    assert sorted(case.ruled_out) == sorted(map(loop_text, find_near_loops(case.account)))
    assert case.proofs == {name: proof.value for name, proof in graph.proofs.items()}
    doubts = {name: [one.value for one in found] for name, found in graph.doubts.items()}
    assert case.doubts == {name: doubts[name] for name in case.doubts}
    if case.cut:
        assert case.cut == graph.loops[0].cuts[0].words[0]


def test_a_part_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    """An account with a trigger that is not understood would only look like one without a loop."""
    path = tmp_path / "new.json"
    path.write_text('{"why": "New.", "proofs": {}, "topic_rules": []}')

    with pytest.raises(ValueError, match="topic_rules: read that into the account"):
        read_case(path)


def test_enough_accounts() -> None:
    """The corpus holds loops of every kind and as many look-alikes, each with its reason."""
    assert len(CASES) >= 90
    assert min(sum(bool(case.loops) for case in CASES), sum(not case.loops for case in CASES)) >= 35
    assert all(case.why.endswith(".") for case in CASES)
