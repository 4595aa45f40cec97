"""Whose function it is, when it was last changed, and where its runbook is.

People at the guard ask this first, so it is kept in the incident as it was before anything of the
guard's changed it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.domain.detection.evidence import FunctionFacts

RUNBOOK_TAG: Final = "loopbreaker:runbook"
# Compared without regard to case. AWS's guidance on tags has no fixed names.
OWNER_TAGS: Final = ("owner", "team", "squad", "contact")
# CloudFormation gives it to what it creates (CloudFormation user guide, *Resource tag*).
STACK_TAG: Final = "aws:cloudformation:stack-name"
_LONGEST: Final = 120
# A tag's value has at most 256 characters. Nothing that could end the link, or hide where it leads.
_LINK: Final = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~/?#=&%+,:-]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOrigin:
    """What is known of where a function comes from.

    Attributes
    ----------
    owners
        Tags that name an owner, such as ``team: payments``.
    stack
        The CloudFormation stack that created it; empty for none.
    changed_at
        When its code or configuration was last changed, as Lambda tells (API reference,
        *FunctionConfiguration*).
    runbook
        A link to what its owners want done; empty for none.
    """

    owners: tuple[str, ...] = ()
    stack: str = ""
    changed_at: datetime | None = None
    runbook: str = ""


def read_origin(facts: FunctionFacts) -> FunctionOrigin | None:
    """What its tags and Lambda tell of a function; ``None`` for nothing."""
    origin = FunctionOrigin(
        owners=_list_owners(facts.tags),
        stack=facts.tags.get(STACK_TAG, "")[:_LONGEST],
        changed_at=facts.last_modified,
        runbook=_find_runbook(facts.tags),
    )
    return None if origin == FunctionOrigin() else origin


def _list_owners(tags: Mapping[str, str]) -> tuple[str, ...]:
    """One for each name, in the order of the names."""
    found = {key.lower(): value for key, value in sorted(tags.items()) if value.strip()}
    return tuple(
        f"{name}: {found[name].strip()[:_LONGEST]}" for name in OWNER_TAGS if name in found
    )


def _find_runbook(tags: Mapping[str, str]) -> str:
    link = tags.get(RUNBOOK_TAG, "").strip()
    return link if _LINK.fullmatch(link) else ""
