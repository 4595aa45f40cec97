"""What a scan could not see, grouped by what people can do about it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.domain.account.inventory import Area, Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenArea:
    """The gaps of one area that have one reason.

    Attributes
    ----------
    action
        The IAM action that is missing; empty where the reason is another.
    resources
        Names or ARNs of single things; empty where the whole area is missing.
    words
        AWS's words, or ours, about the first of them.
    """

    area: Area
    action: str
    resources: tuple[str, ...]
    words: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the area was seen."""
        return not self.resources


def group_gaps(gaps: Iterable[Gap]) -> tuple[UnseenArea, ...]:
    """The gaps by area and missing action, whole areas first.

    Where a whole area is missing for want of an action, the single things in it add nothing.
    """
    groups: defaultdict[tuple[Area, str], list[Gap]] = defaultdict(list)
    for gap in gaps:
        groups[gap.area, gap.action].append(gap)
    found = []
    for (area, action), own in groups.items():
        whole = next((gap for gap in own if not gap.resource), None)
        found.append(
            UnseenArea(
                area=area,
                action=action,
                resources=() if whole else tuple(sorted(gap.resource for gap in own)),
                words=(whole or own[0]).words,
            )
        )
    return tuple(sorted(found, key=lambda one: (not one.is_whole, one.area, one.action)))
