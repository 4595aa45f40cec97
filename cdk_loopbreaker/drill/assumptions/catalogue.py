"""Every assumption about AWS that the code relies on. `docs/assumptions.md` shows them.

An id is given once. The id of an assumption that is no longer made moves to `RETIRED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.assumptions.deployment import DEPLOYMENT
from cdk_loopbreaker.drill.assumptions.filtering import FILTERING
from cdk_loopbreaker.drill.assumptions.invocation import INVOCATION
from cdk_loopbreaker.drill.assumptions.observation import OBSERVATION
from cdk_loopbreaker.drill.assumptions.permissions import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdk_loopbreaker.drill.assumptions.model import Assumption, MeasureName

ASSUMPTIONS: Final[tuple[Assumption, ...]] = tuple(
    sorted(
        (*INVOCATION, *OBSERVATION, *PERMISSIONS, *FILTERING, *DEPLOYMENT), key=lambda one: one.id
    )
)
# Of assumptions that were made once: what AWS does is known now, or nothing rests on it any more.
RETIRED: Final[frozenset[str]] = frozenset()


def list_measured_by(measure: MeasureName) -> tuple[Assumption, ...]:
    """The assumptions that a measure of a drill answers."""
    return tuple(one for one in ASSUMPTIONS if one.measure is measure)


def format_page_table(assumptions: Iterable[Assumption] = ASSUMPTIONS) -> str:
    """The table of `docs/assumptions.md`."""
    lines = ["| id | assumption | where | if it is wrong | drill |", "|---|---|---|---|---|"]
    for one in assumptions:
        files = ", ".join(f"`{file}`" for file in one.files)
        how = f"`{one.measure}`" if one.measure else f"not measured: {one.reason}"
        lines.append(f"| {one.id} | {one.claim} | {files} | {one.if_wrong} | {how} |")
    return "\n".join(lines) + "\n"
