"""A loop in as few words as a drawing needs, small enough to be stored beside the loops in words.

An account is read by `chart`; who draws a loop later has neither its ARNs nor its statements.
"""

from dataclasses import dataclass
from typing import Final

from functions.domain.graph.model import Edge, Loop, NodeKind
from functions.domain.notices.text import clean, cut_middle

MOST_DRAWN: Final = 8
"""Steps at the beginning and at the end of a loop that are drawn."""

_LONGEST_NAME: Final = 120
_LONGEST_LABEL: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineStep:
    """A node, and how events pass on from it to the next.

    Attributes
    ----------
    certainty
        Text of `Certainty`.
    """

    kind: NodeKind
    name: str
    label: str
    means: str
    certainty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOutline:
    """A loop as it is drawn: each step leads to the next, and the last to the first.

    Attributes
    ----------
    left_out
        Steps that are not listed. They lie behind the node with the number `MOST_DRAWN`, whose own
        step is the first of them.
    functions
        How many functions are on it.
    """

    steps: tuple[OutlineStep, ...]
    left_out: int = 0
    functions: int = 1

    @property
    def length(self) -> int:
        """How many steps the loop has."""
        return len(self.steps) - 1 + self.left_out if self.left_out else len(self.steps)

    def list_hops(self) -> tuple[tuple[OutlineStep, OutlineStep], ...]:
        """Each listed step with the one that it leads to; without the one to what is left out."""
        following = (*self.steps[1:], self.steps[0])
        return tuple(
            hop
            for number, hop in enumerate(zip(self.steps, following, strict=True))
            if not (self.left_out and number == MOST_DRAWN)
        )


def outline_loop(loop: Loop) -> LoopOutline:
    """Take what is drawn out of a loop; of a long one its beginning and its end."""
    edges = loop.edges
    left_out = len(edges) - 2 * MOST_DRAWN
    if left_out <= 1:
        shown, left_out = edges, 0
    else:
        shown = (*edges[: MOST_DRAWN + 1], *edges[-MOST_DRAWN:])
    return LoopOutline(
        steps=tuple(map(_outline_step, shown)),
        left_out=left_out,
        functions=len(set(loop.functions)),
    )


def _outline_step(edge: Edge) -> OutlineStep:
    return OutlineStep(
        kind=edge.source.kind,
        name=cut_middle(clean(edge.source.name, 400), _LONGEST_NAME),
        label=clean(edge.label or edge.means.value, _LONGEST_LABEL),
        means=edge.means.value,
        certainty=edge.certainty.value,
    )
