"""What the page of the guard shows, as data: read by a workflow, drawn by the modules beside this.

All of it is bounded. What is left out is counted, and what could not be read is said.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from functions.domain.deployment.guard_cost import GuardCost
from functions.domain.notices.graph.outline import LoopOutline
from functions.domain.requests.summary import (
    EndedIncident,
    OpenIncident,
    RemedyInForce,
    ReportedFinding,
)

MOST_CARDS: Final = 6
"""Open incidents that are shown with their traffic and their loop."""

MOST_ROWS: Final = 60
"""Further open incidents that are listed, one line each."""

MOST_FINDINGS: Final = 20
MOST_NAMES: Final = 20
MOST_LOOPS: Final = 6
MOST_ENDED: Final = 20


class View(StrEnum):
    """The parts of the page. A dashboard has a widget for each."""

    INCIDENTS = "incidents"
    HISTORY = "history"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadPart:
    """Something that could not be read: what, as the beginning of a sentence, and AWS's words."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something happened to a function, in a word or two."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTraffic:
    """Datapoints of a function on a regular grid, oldest first; ``None`` where there is none.

    Attributes
    ----------
    invocations, throttles
        Sums of each period.
    """

    start: datetime
    period_seconds: int
    invocations: tuple[float | None, ...]
    throttles: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownIncident:
    """An open incident with all that is drawn of it.

    Attributes
    ----------
    moments
        In their order; those that are drawn into the traffic.
    traffic
        ``None`` where it could not be read.
    outline
        Its loop; ``None`` where none is known.
    closed_by, broken_by
        What closes the loop, and the change that breaks it, in words.
    """

    incident: OpenIncident
    moments: tuple[Moment, ...] = ()
    traffic: ShownTraffic | None = None
    outline: LoopOutline | None = None
    closed_by: tuple[str, ...] = ()
    broken_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLoop:
    """A certain loop of the configuration that nobody accepted, by one of its functions."""

    function: str
    outline: LoopOutline
    broken_by: str = ""
    is_stopped_by_aws: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsPart:
    """What is open now.

    Attributes
    ----------
    shown
        The incidents that matter most, held ones first; `others`: further ones.
    incidents_open, held
        How many there are; `held` with those that are known by their tags alone.
    tagged, unreadable
        As in `StatusAnswer`, the first ones; `tagged_count`, `unreadable_count`: of so many.
    """

    shown: tuple[ShownIncident, ...] = ()
    others: tuple[OpenIncident, ...] = ()
    incidents_open: int = 0
    held: int = 0
    tagged: tuple[str, ...] = ()
    tagged_count: int = 0
    unreadable: tuple[str, ...] = ()
    unreadable_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsPart:
    """What the diagnosis found, newest first, and the remedies that are in force."""

    findings: tuple[ReportedFinding, ...] = ()
    findings_open: int = 0
    remedies: tuple[RemedyInForce, ...] = ()
    remedies_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPart:
    """What the event graph says of the account.

    Attributes
    ----------
    read_at
        When the account was read; ``None`` while there is no graph.
    functions, gaps
        How many functions it has, and how many things could not be read.
    certain, possible
        Functions on certain and on possible loops.
    loops
        The first certain loops, for drawings.
    """

    read_at: datetime | None = None
    functions: int = 0
    gaps: int = 0
    certain: int = 0
    possible: int = 0
    loops: tuple[KnownLoop, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """How many incidents ended on a day of UTC that begins at `day`.

    Attributes
    ----------
    loops
        Those of functions that were stopped, or that people were asked about.
    lifted
        Those that Loopbreaker put back itself: no loop was shown.
    reported
        Those in which nothing was changed.
    """

    day: datetime
    loops: int = 0
    lifted: int = 0
    reported: int = 0

    @property
    def total(self) -> int:
        """All of the day."""
        return self.loops + self.lifted + self.reported


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPart:
    """The last 90 days.

    Attributes
    ----------
    days
        Oldest first, today last; each day has an entry.
    ended
        The newest ones, of `ended_count` in all.
    """

    days: tuple[DayCount, ...]
    ended: tuple[EndedIncident, ...] = ()
    ended_count: int = 0


class AlarmState(StrEnum):
    """The states of an alarm in CloudWatch's words."""

    OK = "OK"
    ALARM = "ALARM"
    NO_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardAlarm:
    """One of the guard's alarms.

    Attributes
    ----------
    name
        As in CloudWatch.
    state
        Text of `AlarmState`.
    since
        When it went to that state.
    description
        What it means that it goes off.
    period_seconds
        Of its metric; 0 where it has several.
    queue
        The queue that it watches; empty for other metrics.
    is_per_function
        Whether it watches each function by itself.
    """

    name: str
    state: str
    since: datetime | None = None
    description: str = ""
    period_seconds: int = 0
    queue: str = ""
    is_per_function: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedNumber:
    """A number with what it is of; ``None`` where it is not known."""

    name: str
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPart:
    """How the guard itself is.

    Attributes
    ----------
    alarms
        Those on the guard; ``None`` where they could not be read.
    pulse_at
        The newest minute in which `contain` ran; ``None`` for none within the last hours.
    is_measured
        Whether the metrics could be read.
    errors
        Failed runs of each guard function within a day.
    waiting
        Messages in the guard's queues of dead letters, by what they are.
    reserved
        Executions that are reserved for `contain` and `restore`.
    cost
        What the guard costs a month, as far as it can be told.
    """

    alarms: tuple[GuardAlarm, ...] | None = None
    pulse_at: datetime | None = None
    is_measured: bool = False
    errors: tuple[NamedNumber, ...] = ()
    waiting: tuple[NamedNumber, ...] = ()
    reserved: tuple[NamedNumber, ...] = ()
    cost: GuardCost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The page as data. A part is ``None`` where it was not asked for, or could not be read."""

    at: datetime
    region: str = ""
    account: str = ""
    incidents: IncidentsPart | None = None
    findings: FindingsPart | None = None
    graph: GraphPart | None = None
    history: HistoryPart | None = None
    health: HealthPart | None = None
    unread: tuple[UnreadPart, ...] = ()
