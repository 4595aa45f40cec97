"""Carrying a remedy out and undoing it, from a written snapshot to a sent notice."""

from datetime import datetime

from functions.domain.diagnosis.finding import Finding
from functions.domain.diagnosis.ports import Practice
from functions.domain.diagnosis.remedy import Remedy
from functions.domain.diagnosis.treatment import Treatment


def planned(finding: Finding, remedy: Remedy, now: datetime) -> Treatment:
    """The treatment of a finding by a remedy that `consent.decide` allowed; not stored yet."""
    raise NotImplementedError


def treat(treatment: Treatment, practice: Practice, now: datetime) -> Treatment:
    """Carry out what a stored treatment says, and tell people. Resumes wherever it stopped."""
    raise NotImplementedError


def undo(treatment: Treatment, practice: Practice, now: datetime, actor: str = "") -> Treatment:
    """Put everything back that a treatment changed, tell people, close it."""
    raise NotImplementedError
