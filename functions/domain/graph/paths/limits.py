"""How much of an account one graph looks at, counted in steps, and who gives way.

A hostile or merely large account must not keep the rest of it from being read. So everything whose
work can grow faster than the account is counted, each kind on an account of its own, and what costs
least is looked at first. What is not looked at is said: it casts the doubt `Doubt.BUDGET` (*not
read: budget*) on the functions concerned, so that none of them passes for ruled out.

Steps are counted, not timed, so that the same account gives the same graph on every machine. One is
about a microsecond of a processor of 2020s servers; ``python -m bench attacks`` measures what they
really take. All of them together are `CPU_SECONDS` there. The function `chart` has 1,024 MiB, which
is 0.58 of a virtual processor, and keeps 300 seconds for what comes after its reading: two graphs,
the book and the notices. So the budget leaves a factor of two for a slower processor.
"""

from dataclasses import dataclass
from typing import Final

CPU_SECONDS: Final = 40.0
"""What the dearest graph may take, of a processor as in the benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most of each kind of work.

    Attributes
    ----------
    policies
        Steps of laying the statements of roles side by side, and beside resources.
    grants
        Writes that policies allow: of roles, and of the wildcards that they share.
    definitions
        Steps of reading definitions of state machines.
    decisions
        Steps of asking whether a role may do what the configuration says it does.
    passages
        Steps of asking filters whether something passes.
    edges
        Edges of the graph: what its memory is made of.
    search
        Edges that are looked at while loops are looked for.
    cuts
        Edges that are looked at while changes are tried that break loops.
    listed
        Edges of all loops that are listed.
    """

    policies: int = 12_000_000
    grants: int = 800_000
    definitions: int = 8_000_000
    decisions: int = 4_000_000
    passages: int = 8_000_000
    edges: int = 1_000_000
    search: int = 16_000_000
    cuts: int = 4_000_000
    listed: int = 200_000


USUAL: Final = Limits()


class Allowance:
    """Steps that are left of one kind of work.

    Attributes
    ----------
    left
        May become negative: what was begun is done to its end.
    """

    __slots__ = ("left",)

    def __init__(self, most: int) -> None:
        self.left = most

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0

    def has(self, steps: int) -> bool:
        """Whether so many are left."""
        return steps <= self.left

    def spend(self, steps: int) -> None:
        """Count steps that are done."""
        self.left -= steps


def fair_share(wanted: list[int], most: int) -> int:
    """The most that one of many may have, so that all together have no more than `most`.

    Who wants less than that gets all of it, and leaves the rest to the others.

    >>> fair_share([1, 2, 30, 40], 23)
    10
    """
    left = most
    waiting = sorted(wanted)
    for index, one in enumerate(waiting):
        share = left // (len(waiting) - index)
        if one > share:
            return share
        left -= one
    return max(waiting, default=0)
