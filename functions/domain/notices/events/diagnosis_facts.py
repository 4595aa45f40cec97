"""What events about the diagnosis say, as data: see `functions.domain.notices.events.facts`."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFact:
    """A finding of the diagnosis.

    Attributes
    ----------
    function
        The function's name.
    entry
        A stable name of what was found, such as ``no_logs``.
    title
        The same in a few words.
    summary
        What is wrong, as a sentence.
    certainty
        ``certain`` or ``possible``.
    state
        ``new``, ``new_cause``, ``returned``, ``closed`` or ``open``.
    causes
        Stable names of what causes it.
    evidence
        What showed it, as sentences.
    remedy
        What would fix it, as a sentence.
    first_seen_at
        When it was found first.
    """

    function: str
    entry: str
    title: str
    summary: str
    certainty: str
    state: str
    causes: tuple[str, ...] = ()
    causes_left_out: int = 0
    evidence: tuple[str, ...] = ()
    evidence_left_out: int = 0
    remedy: str | None = None
    first_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFact:
    """One change of a remedy.

    Attributes
    ----------
    step
        What it changes, in words.
    status
        What became of it, such as ``done`` or ``failed``.
    restored
        What became of its undoing.
    """

    step: str
    status: str
    restored: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyFact:
    """A remedy that Loopbreaker applied, or undid.

    Attributes
    ----------
    id
        The same in all events of the remedy.
    function
        The function's name.
    entry
        The finding that it is against, such as ``no_logs``.
    kind
        The kind that the deployment allows, such as ``logs``.
    title
        The finding in a few words.
    summary
        The finding as a sentence.
    remedy
        What was done, as a sentence.
    state
        Where it stands, such as ``applied``.
    opened_at
        When it was begun.
    steps
        Its changes.
    asked_by
        Who asked for the undoing.
    """

    id: str
    function: str
    entry: str
    kind: str
    title: str
    summary: str
    remedy: str
    state: str
    opened_at: datetime
    steps: tuple[StepFact, ...] = ()
    steps_left_out: int = 0
    asked_by: str | None = None
