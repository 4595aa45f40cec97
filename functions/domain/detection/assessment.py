"""What the evidence means: a verdict with its grounds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """How sure the guard is that a function invokes itself in a loop."""

    CALM = "calm"  # nothing unusual
    BUSY = "busy"  # unusual, and explained
    SUSPECTED = "suspected"  # a spike with no precedent and no explanation
    RUNAWAY = "runaway"  # a spike with proof, or with a shape that only a loop has


class Reason(StrEnum):
    """Why a verdict was given. Each stands in a `Ground` with its numbers."""

    NO_DATA = "no_data"
    BELOW_FLOOR = "below_floor"
    NOT_SUSTAINED = "not_sustained"
    WITHIN_RECENT = "within_recent"
    HAS_PRECEDENT = "has_precedent"
    FOLLOWS_CLOCK = "follows_clock"
    SUBSIDING = "subsiding"
    BACKLOG = "backlog"
    UNLIKE_LOOP = "unlike_loop"
    LOOP_RULED_OUT = "loop_ruled_out"
    ABOVE_FLOOR = "above_floor"
    ABOVE_RECENT = "above_recent"
    NO_PRECEDENT = "no_precedent"
    NO_HISTORY = "no_history"
    HISTORY_UNREAD = "history_unread"
    SUSTAINED = "sustained"
    GROWING = "growing"
    PLATEAU = "plateau"
    AT_CEILING = "at_ceiling"
    THROTTLED = "throttled"
    NATIVE_DROPS = "native_drops"
    LOOP_PROVEN = "loop_proven"
    DEMAND_FELL = "demand_fell"
    PINNED_AT_CAP = "pinned_at_cap"
    THROTTLED_BY_CAP = "throttled_by_cap"
    BELOW_CAP = "below_cap"
    OUTSIDE_DEMAND = "outside_demand"
    # What makes it urgent, see `functions.domain.detection.danger`.
    STARVES_OTHERS = "starves_others"
    BURNS_FAST = "burns_fast"
    # Why a function is not held.
    SOURCES_UNKNOWN = "sources_unknown"
    CALLERS_WAIT = "callers_wait"
    SOURCES_MIXED = "sources_mixed"
    MAPPING_UNKNOWN = "mapping_unknown"
    PROVISIONED_MODE = "provisioned_mode"
    PROVISIONED_CONCURRENCY = "provisioned_concurrency"
    FEW_RECEIVES = "few_receives"
    SHORT_RETENTION = "short_retention"
    SHORT_AGE = "short_age"
    DURATION_UNKNOWN = "duration_unknown"
    CAP_TOO_HIGH = "cap_too_high"
    HELD_OFTEN = "held_often"
    BACKLOG_BEFORE = "backlog_before"
    PEAK_UNKNOWN = "peak_unknown"
    CAPPED_LATELY = "capped_lately"
    # What enforce mode would do to the callers of a function in danger.
    WOULD_BE_CAPPED = "would_be_capped"
    # What was seen under a cap in danger.
    CAPPED_FOR = "capped_for"
    CALLERS_REFUSED = "callers_refused"
    STILL_ASKED = "still_asked"
    # Who feeds a spike, told from what arrived without touching the function.
    FED_BY_OTHERS = "fed_by_others"
    WORKS_OFF = "works_off"
    TRIED_AGAIN = "tried_again"
    # What a hold showed.
    HELD_FOR = "held_for"
    ARRIVED_WHILE_HELD = "arrived_while_held"
    LET_GO = "let_go"
    CAME_BACK = "came_back"
    WROTE_ALL = "wrote_all"
    WROTE_NO_MORE = "wrote_no_more"
    ARRIVED_HELD_AGAIN = "arrived_held_again"
    COMES_BACK = "comes_back"
    LOOP_BESIDE_WORK = "loop_beside_work"
    NOTHING_ARRIVES = "nothing_arrives"
    FED_FROM_OUTSIDE = "fed_from_outside"
    WRITES_EXPLAIN = "writes_explain"
    NOT_COME_BACK = "not_come_back"
    ENDED_IN_TRIAL = "ended_in_trial"
    UNLIKE_TRIAL = "unlike_trial"
    CAME_ON = "came_on"
    FEW_GENERATIONS = "few_generations"
    # Why a hold cannot show it.
    UNCOUNTED = "uncounted"
    TOO_MUCH_OUTSIDE = "too_much_outside"
    CYCLE_TOO_SLOW = "cycle_too_slow"
    TRIAL_TOO_DEAR = "trial_too_dear"
    DATA_LATE = "data_late"


_SHAPES = (Reason.PLATEAU, Reason.GROWING, Reason.AT_CEILING)
_DANGERS = (Reason.STARVES_OTHERS, Reason.BURNS_FAST)


class Unit(StrEnum):
    """Units of the numbers in a ground, as they are printed."""

    PER_MINUTE = "invocations a minute"
    MINUTES = "minutes"
    DAYS = "days"
    CONCURRENT = "concurrent executions"
    TIMES = "times"
    THROTTLES = "throttled invocations a minute"
    ATTEMPTS = "attempts a minute"
    DROPS = "invocations dropped by AWS"
    SECONDS = "seconds"
    RECEIVES = "receives"
    EVENTS = "events"
    INVOCATIONS = "invocations"
    EVENTS_PER_MINUTE = "events a minute"
    USD_PER_MINUTE = "dollars a minute"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One reason with its numbers.

    Attributes
    ----------
    value
        What was seen, in `unit`.
    reference
        What it was compared with, in `unit`; ``None`` where there is nothing to compare.
    """

    reason: Reason
    value: float | None = None
    unit: Unit = Unit.NONE
    reference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Invocations a minute, and when they were measured."""

    per_minute: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CapFigures:
    """A function before the guard's cap and under it: figures of two different moments.

    Attributes
    ----------
    under
        What ran under the cap; ``None`` while no minute of it is complete.
    asked_per_minute
        The same with the invocations that the cap turned away.
    """

    before: Rate
    under: Rate | None = None
    asked_per_minute: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The verdict on one function at one moment.

    Attributes
    ----------
    rate_per_minute
        Invocations a minute now: the highest of the newest complete datapoints.
    normal_per_minute
        What the function usually does in a minute; ``None`` where it has no history.
    since
        When the unusual rate began; ``None`` for a calm function.
    grounds
        The reasons, the most telling first.
    normal_concurrency
        The function's usual peak concurrency, for a cap; ``None`` where unknown.
    concurrency
        Concurrent executions now: the highest of the newest datapoints; ``None`` where unknown.
    mean_duration_ms
        Mean duration of its recent invocations, for the cost; ``None`` where unknown.
    invocations_since
        Invocations recorded since `since`.
    cap
        For a function that was capped: the rate before the cap and the one under it. The highest
        of the newest datapoints may then be of either, and is not shown.
    """

    function: str
    verdict: Verdict
    at: datetime
    grounds: tuple[Ground, ...]
    rate_per_minute: float = 0.0
    normal_per_minute: float | None = None
    since: datetime | None = None
    normal_concurrency: int | None = None
    concurrency: float | None = None
    mean_duration_ms: float | None = None
    invocations_since: float = 0.0
    cap: CapFigures | None = None

    def has(self, reason: Reason) -> bool:
        """Whether `reason` is among the grounds."""
        return any(ground.reason is reason for ground in self.grounds)

    @property
    def is_shaped(self) -> bool:
        """Whether the traffic looks like a loop's, and is not only new."""
        return are_shaped(self.grounds)

    @property
    def is_in_danger(self) -> bool:
        """Whether it does harm that does not wait, see `functions.domain.detection.danger`."""
        return any(self.has(one) for one in _DANGERS)


def are_shaped(grounds: Iterable[Ground]) -> bool:
    """Whether one of these grounds is a loop's shape."""
    return any(one.reason in _SHAPES for one in grounds)
