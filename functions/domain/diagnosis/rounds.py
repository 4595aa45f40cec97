"""A round: what was examined is entered, cured where that is allowed, and told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.domain.diagnosis.book import Change
from functions.domain.diagnosis.consent import RemedyDecision, RemedyPolicy
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.finding import Examination, Finding
from functions.domain.diagnosis.ports import Practice
from functions.domain.diagnosis.treatment import Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding with what was decided about its remedy, and the treatment where there is one."""

    finding: Finding
    decision: RemedyDecision
    treatment: Treatment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One function after a round: its facts, and its findings with what was decided."""

    facts: FunctionUnderDiagnosis
    examination: Examination
    judged: tuple[Judged, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round did."""

    patients: tuple[Patient, ...]
    changes: tuple[Change, ...]


def make_round(
    examined: Sequence[FunctionUnderDiagnosis],
    practice: Practice,
    policy: RemedyPolicy,
    now: datetime,
    gone: Sequence[str] = (),
) -> Round:
    """Examine functions, cure what may be cured, tell what is new or over.

    Parameters
    ----------
    gone
        Names of functions of the book that no longer exist.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the infirmary does. Making the round again is harmless.
    """
    raise NotImplementedError


def tend(practice: Practice, now: datetime) -> None:
    """Finish treatments that a dead run left, send what is due, and the weekly list."""
    raise NotImplementedError


def undo_for(
    functions: Sequence[str], practice: Practice, now: datetime, actor: str = ""
) -> tuple[Treatment, ...]:
    """Undo every treatment that is in force on some functions (none named: on all)."""
    raise NotImplementedError
