"""What a scan of deployed accounts returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from cdk_loopbreaker.checking.finding import Finding
    from functions.domain.account.inventory import Account
    from functions.domain.graph.model import EventGraph, Loop


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedAccount:
    """One account and Region.

    Attributes
    ----------
    account
        As it was read: functions with their settings, triggers, roles, and `gaps`, which are what
        could not be seen.
    graph
        Its loops, certain ones first, and for each function whether a loop is ruled out.
    near_loops
        What is ruled out, as a loop with the edge that rules it out: the ones that people ask for.
    findings
        By the rules of the check (LB001 to LB024), certain ones first. Their places are ``None``.
    is_complete
        False where the reading was stopped before its end.
    """

    account: Account
    graph: EventGraph
    near_loops: tuple[Loop, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """All accounts and Regions of one scan, in the order in which they were asked for.

    Attributes
    ----------
    at
        When the scan was made; of a saved one when it was saved.
    alias
        Name of the account as people gave it; empty for none.
    unused
        Entries of the file with accepted findings that accept nothing, in words.
    """

    accounts: tuple[ScannedAccount, ...]
    at: datetime
    alias: str = ""
    unused: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all accounts and Regions."""
        return tuple(finding for one in self.accounts for finding in one.findings)
