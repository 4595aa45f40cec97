"""The accounts that templates describe, and where each part of them is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.model import Place, Problem
    from functions.domain.account.inventory import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedAccount:
    """An account and Region as templates describe it.

    Attributes
    ----------
    account
        What the event graph is built from. What the templates do not tell is a gap of it, so that
        nothing is ruled out for want of knowledge.
    places
        By ARN of a resource, or by what an edge of the graph goes by (the UUID of a mapping, the
        ARN of a subscription, rule or role, ...): where it is declared. By the ARN of a role and
        the name of a policy, with a space between: where the policy is.
    problems
        What could not be brought into the account, beside what the reading reported.
    """

    account: Account
    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[Problem, ...] = ()
