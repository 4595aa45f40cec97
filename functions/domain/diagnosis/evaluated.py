"""What became of findings in a round: with what was decided about each."""

from dataclasses import dataclass

from functions.domain.diagnosis.authorization import RemedyDecision
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.finding import Examination, Finding
from functions.domain.diagnosis.remediation import Remediation


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedFinding:
    """A finding with what was decided about its remedy, and the remediation where there is one."""

    finding: Finding
    decision: RemedyDecision
    remediation: Remediation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedFunction:
    """One function after a round: its facts, and its findings with what was decided.

    `checks` is how many checks there are.
    """

    facts: FunctionUnderDiagnosis
    examination: Examination
    checks: int
    judged: tuple[EvaluatedFinding, ...] = ()
