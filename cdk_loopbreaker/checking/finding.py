"""What a check reports."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.domain.graph.model import Certainty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdk_loopbreaker.checking.rules import Rule
    from cdk_loopbreaker.templates.model import Place, Problem
    from functions.domain.graph.model import GraphSize, Loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One edge of a loop as a sentence without its full stop, and where it is declared."""

    text: str
    certainty: Certainty
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A person's word that a finding is intended.

    Attributes
    ----------
    source
        Where it was said: ``tag of function orders``, ``file accepted.yaml``.
    """

    reason: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that a part of the templates breaks.

    Attributes
    ----------
    functions
        Names of the functions that it is about, in the order of the loop.
    summary
        One sentence, with its full stop.
    steps
        The edges of the loop, the trigger of its first function first; empty for other rules.
    evidence
        For rules without a loop: what shows it, as sentences.
    advice
        What to change, best first, as sentences without full stops.
    place
        Where to begin to look; ``None`` where the templates declare nothing of it.
    fingerprint
        The same for the same finding in the next check: of the rule and the names of the resources.
    """

    rule: Rule
    certainty: Certainty
    account: str
    region: str
    functions: tuple[str, ...]
    summary: str
    fingerprint: str
    steps: tuple[Step, ...] = ()
    evidence: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    place: Place | None = None
    loop: Loop | None = None
    accepted: Acceptance | None = None

    @property
    def is_certain(self) -> bool:
        """Whether the configuration leaves no doubt."""
        return self.certainty is Certainty.CERTAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """How many functions of an account and Region are on which kind of loop."""

    account: str
    region: str
    counts: GraphSize


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a check found.

    Attributes
    ----------
    problems
        What could not be resolved: loops through it cannot be ruled out.
    unused
        Entries of the file with accepted findings that accept nothing, in words.
    """

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    accounts: tuple[AccountSummary, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that nobody has accepted."""
        return tuple(one for one in self.findings if one.accepted is None)

    def count_failing(self, fail_on: str) -> int:
        """How many open findings fail a check with a bound: certain, possible or never."""
        return sum(is_failing(one, fail_on) for one in self.open)


def is_failing(finding: Finding, fail_on: str) -> bool:
    """Whether an open finding fails a check with this bound."""
    return fail_on == "possible" or (fail_on == "certain" and finding.is_certain)


def rank_finding(finding: Finding) -> tuple[bool, str, tuple[str, ...], str]:
    """Where a finding stands in a report: certain ones first, then by rule and function."""
    return (not finding.is_certain, finding.rule.id, finding.functions, finding.fingerprint)


def compute_fingerprint(rule: Rule, names: Iterable[str]) -> str:
    """The identity of a finding: 16 hexadecimal digits of its rule and its resources' names.

    It does not depend on lines, files, policies or certainties, so that a finding stays the same
    one while its surroundings change.
    """
    text = "\n".join((rule.id, *sorted(set(names))))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]
