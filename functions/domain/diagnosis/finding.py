"""What a check found: one entry of AWS's troubleshooting pages, in one function."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from functions.domain.diagnosis.facts import FunctionUnderDiagnosis, Part
from functions.domain.diagnosis.remedy import Remedy
from functions.domain.notices.text import format_number


class Certainty(StrEnum):
    """How sure a finding is. Only a certain one is ever cured without a person."""

    CERTAIN = "certain"
    LIKELY = "likely"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One piece of evidence: words, and a number with its unit where there is one.

    `reference` is what `value` was compared with, in the same unit; `reference_words` names it.
    """

    words: str
    value: float | None = None
    unit: str = ""
    reference: float | None = None
    reference_words: str = ""

    def compose_sentence(self) -> str:
        """The observation as a sentence.

        >>> Observation(
        ...     words="p95 duration",
        ...     value=2700,
        ...     unit="ms",
        ...     reference=3000,
        ...     reference_words="the timeout",
        ... ).compose_sentence()
        'p95 duration: 2,700 ms, the timeout is 3,000 ms.'
        """
        text = self.words
        if self.value is not None:
            text += f": {_format_amount(self.value, self.unit)}"
        if self.reference is not None:
            text += f", {self.reference_words or 'compared with'} is "
            text += _format_amount(self.reference, self.unit)
        return f"{text}."


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingKey:
    """What makes two findings the same one, whatever the numbers of the day."""

    function: str
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with one function, and what would cure it.

    Attributes
    ----------
    entry
        Stable name of the check, such as ``no_logs``.
    title
        The entry in a few words, for subjects: ``no logs``.
    summary
        What is wrong, as one sentence that names the function.
    causes
        Stable names of what causes it, sorted: people are notified again of a finding with a new
        cause. Never numbers.
    evidence
        The most telling first.
    remedies
        The best first.
    page
        URL of the AWS page that the check rests on.
    gaps
        What could not be read for it, in words.
    """

    function: str
    entry: str
    title: str
    certainty: Certainty
    summary: str
    causes: tuple[str, ...]
    evidence: tuple[Observation, ...]
    remedies: tuple[Remedy, ...]
    page: str
    function_arn: str = ""
    gaps: tuple[str, ...] = ()

    @property
    def key(self) -> FindingKey:
        """What makes it the same finding tomorrow."""
        return FindingKey(function=self.function, entry=self.entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One entry of AWS's pages as code.

    Attributes
    ----------
    needs
        The parts of the facts without which its silence proves nothing.
    helps
        Further parts whose absence a finding mentions.
    is_conclusive
        Whether its silence means health, with all of `needs` read: a function that was not invoked
        shows nothing of its logs.
    """

    entry: str
    title: str
    page: str
    needs: frozenset[Part]
    examine: Callable[[FunctionUnderDiagnosis], Finding | None]
    is_conclusive: Callable[[FunctionUnderDiagnosis], bool]
    helps: frozenset[Part] = frozenset()

    def compose_finding(
        self,
        facts: FunctionUnderDiagnosis,
        *,
        certainty: Certainty,
        summary: str,
        causes: tuple[str, ...],
        evidence: tuple[Observation, ...],
        remedies: tuple[Remedy, ...],
    ) -> Finding:
        """Its finding about a function, with what could not be read."""
        return Finding(
            function=facts.name,
            function_arn=facts.function.arn,
            entry=self.entry,
            title=self.title,
            certainty=certainty,
            summary=summary,
            causes=causes,
            evidence=evidence,
            remedies=remedies,
            page=self.page,
            gaps=facts.describe_gaps(*self.needs, *self.helps),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What all checks said of one function.

    Attributes
    ----------
    complete
        Entries whose silence counts: all that they need was read.
    exists
        False for a function that is gone.
    """

    function: str
    findings: tuple[Finding, ...] = ()
    complete: frozenset[str] = frozenset()
    exists: bool = True


def _format_amount(value: float, unit: str) -> str:
    if unit == "%":
        return f"{format_number(value)} %"
    return f"{format_number(value)} {unit}".rstrip()
