"""What a guard function answers to a direct request.

The answer is ``{"loopbreaker": {"version": 1, "answer": "status", ...}}``. Fields may be added:
a reader leaves alone what it does not know, and a field that is missing has its default. So a
command line of another version understands it. Texts are meant for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from functions.domain.errors import LoopbreakerError
from functions.domain.page.overview import Overview
from functions.domain.requests.request import MARK, VERSION
from functions.domain.requests.summary import (
    EndedIncident,
    OpenIncident,
    RemedyInForce,
    ReportedFinding,
)
from functions.domain.serialization import Form, UnreadableError, from_json, to_json

_ANSWER: Final = "answer"


class AnswerError(LoopbreakerError):
    """When an answer has a shape that no version of Loopbreaker sends."""


class RestoreOutcome(StrEnum):
    """What became of a function that was to be restored."""

    RESTORED = "restored"
    PENDING = "pending"  # it runs again; a mapping of it is still to be enabled
    NOT_HELD = "not_held"
    UNKNOWN = "unknown"  # there is no such function
    REFUSED = "refused"
    UNSURE = "unsure"  # nobody knows for sure that Loopbreaker holds it; nothing was changed
    ON_PROBATION = "on_probation"  # a little is let go, and watched
    LOOP_CLOSED = "loop_closed"  # its loop is still closed; nothing was changed


class StopOutcome(StrEnum):
    """What became of an order to stop a function."""

    STOPPED = "stopped"
    ALREADY = "already"  # it was stopped before
    UNDER_WAY = "under_way"  # written down; the guard goes on with it each minute
    REFUSED = "refused"  # nothing is stopped; the text says why, and how to go on
    UNKNOWN = "unknown"  # there is no such function


class Rejection(StrEnum):
    """Why a request was not carried out."""

    INVALID = "invalid"  # another request may do
    UNAVAILABLE = "unavailable"  # the same may succeed later
    REPEATED = "repeated"  # its id was carried out before
    UNDER_WAY = "under_way"  # its id is being carried out


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAnswer:
    """What is contained or held now, of which a page holds some.

    Attributes
    ----------
    at
        When this was read.
    open
        The open incidents of this page, in the order of their ids.
    next_after
        What the next page is asked for with; empty where this is the last one. What follows is in
        the first page alone.
    tagged
        Functions that were stopped while the ledger was unavailable, known by their tags alone.
    unreadable
        Functions whose record cannot be read.
    findings
        The newest open findings of the diagnosis, of `findings_open` in all.
    """

    at: datetime
    open: tuple[OpenIncident, ...] = ()
    next_after: str = ""
    tagged: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    remedies: tuple[RemedyInForce, ...] = ()
    findings: tuple[ReportedFinding, ...] = ()
    findings_open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAnswer:
    """Ended incidents, newest first.

    Attributes
    ----------
    known_since
        How far back this history goes.
    has_more
        Whether there are older ones: ask for those before the last one's end and id.
    """

    at: datetime
    ended: tuple[EndedIncident, ...] = ()
    known_since: datetime | None = None
    has_more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewAnswer:
    """The page of the guard as data."""

    overview: Overview


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    """What became of one function; `outcome` is the text of a `RestoreOutcome`."""

    function: str
    outcome: str
    text: str

    @property
    def is_done(self) -> bool:
        """Whether nothing of the guard's keeps the function from running, or soon will."""
        return self.outcome in {
            RestoreOutcome.RESTORED,
            RestoreOutcome.PENDING,
            RestoreOutcome.NOT_HELD,
            RestoreOutcome.ON_PROBATION,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAnswer:
    """What became of each function that was to be restored."""

    results: tuple[RestoreResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAnswer:
    """What became of an order to stop a function; `outcome` is the text of a `StopOutcome`.

    Attributes
    ----------
    commands
        With which a person goes on by hand, where the guard must not or cannot.
    """

    function: str
    outcome: str
    text: str
    incident_id: str = ""
    commands: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the function is stopped."""
        return self.outcome in {StopOutcome.STOPPED, StopOutcome.ALREADY}


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalAnswer:
    """What the guard would do about a function of a drill; nothing was changed.

    Attributes
    ----------
    verdict, decision
        As text of `Verdict` and `DecisionReason`; no decision where nothing was unusual yet.
    why
        The grounds of the verdict, as sentences.
    is_proven
        Whether the event graph proves the loop.
    incident_id
        Of the incident that was recorded; empty where none was.
    subject
        Of the notice; empty where none was composed.
    is_sent
        Whether SNS took the notice.
    """

    function: str
    verdict: str
    decision: str = ""
    why: tuple[str, ...] = ()
    is_proven: bool = False
    incident_id: str = ""
    subject: str = ""
    is_sent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedAnswer:
    """Nothing was done; `reason` is the text of a `Rejection`."""

    reason: str
    text: str


Answer: TypeAlias = (
    StatusAnswer
    | HistoryAnswer
    | OverviewAnswer
    | RestoreAnswer
    | StopAnswer
    | RehearsalAnswer
    | RejectedAnswer
)
_SHAPES: Final[Mapping[str, type[Answer]]] = {
    "status": StatusAnswer,
    "history": HistoryAnswer,
    "overview": OverviewAnswer,
    "restore": RestoreAnswer,
    "stop": StopAnswer,
    "rehearse": RehearsalAnswer,
    "rejected": RejectedAnswer,
}


def write_answer(answer: Answer) -> dict[str, Any]:
    """Write an answer in JSON's terms."""
    (name,) = (one for one, shape in _SHAPES.items() if isinstance(answer, shape))
    return {MARK: {"version": VERSION, _ANSWER: name, **to_json(answer, Form.PLAIN)}}


def parse_answer(payload: object) -> Answer:
    """Read what `write_answer` has written, or a later version of it.

    Raises
    ------
    AnswerError
        When it has another shape.
    """
    fields = payload.get(MARK) if isinstance(payload, Mapping) else None
    if not isinstance(fields, Mapping):
        raise AnswerError("it is no answer of Loopbreaker's")
    name = fields.get(_ANSWER)
    shape = _SHAPES.get(name) if isinstance(name, str) else None
    if shape is None:
        raise AnswerError("it is an answer of an unknown kind")
    try:
        return from_json(shape, dict(fields))
    except UnreadableError as error:
        raise AnswerError(str(error)) from error
