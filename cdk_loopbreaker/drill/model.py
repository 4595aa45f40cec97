"""What a drill does and what it found, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from functions.domain.requests.drill import FUNCTION_PREFIX

if TYPE_CHECKING:
    from datetime import datetime


class Depth(StrEnum):
    """How far a drill goes."""

    BELL = "bell"  # an alarm without a cause
    DRY = "dry"  # everything up to the change
    LIVE = "live"  # loops are stopped and restored


class LoopKind(StrEnum):
    """What events go round through."""

    SQS = "sqs"
    DYNAMODB = "dynamodb"
    EVENTS = "events"

    @property
    def words(self) -> str:
        """For people."""
        names = {"sqs": "SQS", "dynamodb": "a DynamoDB stream", "events": "EventBridge"}
        return names[self.value]


class Helper(StrEnum):
    """Functions of a drill that are no loop."""

    HEALTHY = "healthy"  # busy, fed from outside
    PROBE = "probe"  # answers whoever runs the drill


class Phase(StrEnum):
    """What happens to a loop, in the usual order."""

    FIRST_INVOCATION = "first_invocation"
    DATAPOINT = "datapoint"
    SIGNAL = "signal"
    VERDICT = "verdict"
    HELD = "held"
    ZERO = "zero"
    FIRST_REFUSED = "first_refused"
    NOTICE = "notice"
    RESTORED = "restored"


class Outcome(StrEnum):
    """What was measured of an assumption."""

    CONTRADICTED = "contradicted"
    SETTLED = "settled"  # the code leaves it open, and AWS does one of it
    CONFIRMED = "confirmed"
    NOT_MEASURED = "not measured"


class Clock(Protocol):
    """The time by which CloudWatch's minutes pass."""

    def now(self) -> datetime:
        """The present moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so many of its seconds pass."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the parts of a drill are called."""

    id: str

    @property
    def stack(self) -> str:
        """The CloudFormation stack."""
        return f"{STACK_PREFIX}{self.id}"

    def function(self, kind: LoopKind | Helper) -> str:
        """A function; its name puts DRILL into the subject of every notice."""
        return f"{FUNCTION_PREFIX}{self.id}-{kind}"

    def role(self, kind: LoopKind | Helper) -> str:
        """The role of a function."""
        return f"{STACK_PREFIX}{self.id}-{kind}"

    def resource(self, what: str) -> str:
        """A queue, a table or a bus."""
        return f"{STACK_PREFIX}{self.id}-{what}"


STACK_PREFIX = "loopbreaker-drill-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that a drill proves; `is_passed` is ``None`` for what could not be seen."""

    title: str
    is_passed: bool | None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was measured of one assumption."""

    id: str
    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something else that was measured."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopResult:
    """What became of one loop.

    Attributes
    ----------
    moments
        When each phase was seen first, at most `resolution_seconds` late; phases that were not
        seen are missing.
    ending
        How the guard dealt with it, in words.
    tokens, lost
        Events that went round, and those of them that did not come back after the restore;
        ``None`` where that was not seen.
    invocations
        Rounds that were begun.
    before, after
        The settings that a containment may change, as text.
    """

    kind: LoopKind
    function: str
    began_at: datetime
    moments: dict[Phase, datetime] = field(default_factory=dict)
    ending: str = ""
    is_stopped: bool = False
    tokens: int = 0
    lost: int | None = None
    invocations: int = 0
    usd: float = 0.0
    before: str = ""
    after: str = ""
    subjects: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_restored(self) -> bool:
        """Whether what is there equals what was there before."""
        return bool(self.before) and self.before == self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """All that a drill found.

    Attributes
    ----------
    checks
        What it proves; it passed if none of them failed.
    most_usd, usd
        The most that it can cost, and what it cost as far as it is known.
    """

    id: str
    depth: Depth
    account: str
    region: str
    began_at: datetime
    ended_at: datetime
    resolution_seconds: float
    guard: dict[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    loops: tuple[LoopResult, ...] = ()
    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()
    most_usd: float = 0.0
    usd: float = 0.0
    is_interrupted: bool = False

    @property
    def is_passed(self) -> bool:
        """Whether everything that could be seen was as it should be."""
        return not self.is_interrupted and all(one.is_passed is not False for one in self.checks)
