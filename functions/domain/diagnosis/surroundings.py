"""Who invokes, or names, each function: read once out of the account that the event graph reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from functions.domain.account import Account, MappingDescription
from functions.domain.diagnosis.facts import FoundTrigger, NamedCaller


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Triggers, callers and mappings by the name of the function that they lead to.

    Alarms are not among an account's descriptions: who reads them adds their triggers.
    """

    triggers: Mapping[str, tuple[FoundTrigger, ...]]
    callers: Mapping[str, tuple[NamedCaller, ...]]
    mappings: Mapping[str, tuple[MappingDescription, ...]]

    @classmethod
    def of(cls, account: Account) -> Self:
        """Index an account, in one pass over it."""
        raise NotImplementedError
