"""Whether holding a function only delays its events, by which lever, and for how long.

A hold is an experiment on a function that may be healthy. So it is made only where nothing is
lost and nobody is refused:

- DynamoDB and Kinesis: reserved concurrency 0. A batch that does not reach the function counts no
  attempt, its records wait in the stream (Lambda developer guide, *Using Lambda with DynamoDB
  streams*, *Using Lambda with Kinesis*).
- SQS: the mappings are paused. A reserved concurrency is never used: a poller that finds no room
  has received the message, and received too often it goes to the dead-letter queue (Lambda
  developer guide, *Configuring maximum concurrency for Amazon SQS event sources*).
- Asynchronous events only: capped at the normal peak. Throttled events are tried again until they
  are too old (Lambda developer guide, *How Lambda handles asynchronous invocation errors*).

A pause holds the queues alone: what else invokes the function goes on, and nobody is refused. So
beside queues there may be anything that lies on no loop. Of other mixtures none is held: a
reservation is one for all sources, and a queue's pollers must never meet it.

UNCONFIRMED A-034: how long each takes to be in force. Where it takes longer, less arrives to be
judged by, and the function is let go.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.detection.lateness import LATEST
from functions.domain.detection.price import USD_PER_GB_SECOND, USD_PER_REQUEST
from functions.domain.holding.facts import HoldFacts, MappingFacts
from functions.domain.holding.watch import HoldPlan, Lever

# How often what waits comes back where only a loop does that: twice as often as a generous writer
# writes for each event. Two rounds must show it.
GENERATIONS: Final = 12.0
LONGEST_HELD_SECONDS: Final = 15 * 60.0  # both times together
TRIAL_SECONDS: Final = 3 * 60.0
BACKOFF_SECONDS: Final = 2 * 60.0  # until most of what was throttled for minutes is tried again
LONGEST_TRIAL_SECONDS: Final = 20 * 60.0
LONGEST_CHEAP_TRIAL_SECONDS: Final = 6 * 3600.0  # where more waited than was seen, see `HoldPlan`
RESERVATION_SECONDS: Final = 10.0  # until a reserved concurrency is in force
PAUSE_SECONDS: Final = 90.0  # until a mapping is disabled, or enabled again
# Mean durations, until nearly all that ran has ended: more where that is half a minute at most.
ENDING_TIMES: Final = (3.0, 5.0)
ENDING_SECONDS: Final = 30.0
PULSE_SECONDS: Final = 60.0  # between two judgements
QUIET_MINUTES: Final = 1  # whole ones, the first time; the second time one more
SHARE_TO_BIND: Final = 0.4  # of the concurrency before: a higher cap takes too little away
AGE_TIMES: Final = 2.0  # the longest hold, that events must be kept for
FEW_RECEIVES: Final = 2
LEAST_STREAM_RETENTION_HOURS: Final = 24.0  # DynamoDB's, and the least of Kinesis
SECONDS_PER_HOUR: Final = 3600
_MB_PER_GB: Final = 1024
_POLLED_STREAMS: Final = frozenset({SourceKind.TABLE, SourceKind.STREAM})


class NotHeldReason(StrEnum):
    """Why a function cannot be held."""

    UNKNOWN_SOURCES = "unknown sources"
    SYNCHRONOUS = "synchronous"  # requests would be refused, or nobody knows what comes
    MIXED_SOURCES = "mixed sources"  # no one lever delays all of them
    UNKNOWN_MAPPING = "unknown mapping"  # a trigger without the facts that show what it loses
    PROVISIONED_MODE = "provisioned mode"
    PROVISIONED_CONCURRENCY = "provisioned concurrency"
    FEW_RECEIVES = "few receives"
    SHORT_RETENTION = "short retention"
    SHORT_AGE = "short age"
    UNKNOWN_DURATION = "unknown duration"
    DOES_NOT_BIND = "does not bind"
    TOO_SLOW = "too slow"
    HELD_OFTEN = "held often"
    BACKLOG_BEFORE = "backlog before"  # another function of its loop feeds it for long
    # Of a function in danger that is not capped either, see `functions.domain.holding.callers`.
    NO_PEAK = "no peak"
    CAPPED_LATELY = "capped lately"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHeld:
    """A function is not held, and why.

    Attributes
    ----------
    value, bound
        What was found, and what it would have to be; in the reason's unit: seconds, concurrent
        executions or receives. ``None`` where there is nothing to compare.
    """

    reason: NotHeldReason
    value: float | None = None
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How a function runs, before it is held.

    Attributes
    ----------
    normal_concurrency
        Its usual peak; ``None`` where it has no history.
    concurrency
        Concurrent executions in the spike; ``None`` where unknown.
    mean_duration_seconds
        ``None`` where unknown.
    reserved_concurrency
        ``None`` where nothing is reserved.
    account_concurrency
        Concurrent executions that the account may have; ``None`` where unknown.
    """

    normal_concurrency: int | None
    concurrency: float | None
    mean_duration_seconds: float | None
    timeout_seconds: float
    memory_mb: int = 0
    architecture: str = "x86_64"
    reserved_concurrency: int | None = None
    account_concurrency: int | None = None

    def bound_cap(self, peak: float | None) -> int:
        """A cap at its usual peak: 1 at least, and no more than people have reserved for it."""
        cap = max(1, math.ceil(peak or 1))
        return min(cap, self.reserved_concurrency or cap)


def plan_hold(
    sources: Sequence[Source],
    facts: HoldFacts,
    running: Running,
    most_usd_per_minute: float | None = None,
) -> HoldPlan | NotHeld:
    """How to hold a function, or why it must not be.

    Parameters
    ----------
    sources
        Of the function, all of them.
    most_usd_per_minute
        What a trial may cost; ``None``: any price.
    """
    levers = _choose_levers(sources, facts)
    if isinstance(levers, NotHeld):
        return levers
    duration = running.mean_duration_seconds
    if duration is None or duration <= 0 or running.timeout_seconds <= 0:
        return NotHeld(reason=NotHeldReason.UNKNOWN_DURATION)
    if not running.concurrency:
        return NotHeld(reason=NotHeldReason.DOES_NOT_BIND)
    cap = running.bound_cap(running.normal_concurrency) if Lever.CAP in levers else None
    most = SHARE_TO_BIND * running.concurrency
    if cap is not None and cap > most:
        return NotHeld(reason=NotHeldReason.DOES_NOT_BIND, value=cap, bound=most)
    mappings = [one for one in facts.mappings if one.is_enabled]
    if Lever.PAUSE in levers:
        mappings = [one for one in mappings if one.kind is SourceKind.QUEUE]
    transition = PAUSE_SECONDS if Lever.PAUSE in levers else RESERVATION_SECONDS
    settling = transition + _estimate_ending(running, duration)
    held = settling + (1 + QUIET_MINUTES) * MINUTE_SECONDS + PULSE_SECONDS
    again = held + MINUTE_SECONDS + LATEST.total_seconds()
    if held + again > LONGEST_HELD_SECONDS:
        return NotHeld(
            reason=NotHeldReason.TOO_SLOW, value=held + again, bound=LONGEST_HELD_SECONDS
        )
    waits = max((_compute_longest_wait(one) for one in mappings), default=0.0)
    cycle = duration + waits
    needed = GENERATIONS * cycle
    if needed > LONGEST_TRIAL_SECONDS:
        return NotHeld(reason=NotHeldReason.TOO_SLOW, value=needed, bound=LONGEST_TRIAL_SECONDS)
    trial = TRIAL_SECONDS + (BACKOFF_SECONDS - transition if Lever.CAP in levers else 0.0)
    plan = HoldPlan(
        levers=levers,
        cap=cap,
        settling_seconds=settling,
        opening_seconds=transition,
        held_seconds=held,
        held_again_seconds=again,
        trial_seconds=max(trial, GENERATIONS * duration),
        longest_trial_seconds=LONGEST_TRIAL_SECONDS + LATEST.total_seconds(),
        ran_before=running.concurrency,
        around_seconds=cycle,
        batch_size=_find_largest_batch(mappings),
        usd_per_event=_estimate_usd_per_event(running, duration),
        most_usd_per_minute=most_usd_per_minute,
        kept_seconds=_compute_kept_seconds(levers, mappings, facts),
        account_concurrency=running.account_concurrency,
    )
    plan = replace(plan, stretched_trial_seconds=_compute_stretched_seconds(plan))
    return _find_loss(plan, mappings, facts) or plan


def _choose_levers(sources: Sequence[Source], facts: HoldFacts) -> tuple[Lever, ...] | NotHeld:
    kinds = {one.kind for one in sources}
    if not kinds:
        return NotHeld(reason=NotHeldReason.UNKNOWN_SOURCES)
    mapped = {one.kind for one in facts.mappings if one.is_enabled}
    own = {one.kind for one in sources if not one.is_outside}
    if own == {SourceKind.QUEUE} and SourceKind.QUEUE in mapped and mapped <= kinds:
        return (Lever.PAUSE,)
    if SourceKind.OTHER in kinds | mapped or SourceKind.URL in kinds:
        return NotHeld(reason=NotHeldReason.SYNCHRONOUS)
    is_asynchronous = SourceKind.ASYNCHRONOUS in kinds
    if not is_asynchronous and kinds - mapped:
        return NotHeld(reason=NotHeldReason.UNKNOWN_MAPPING)
    levers = []
    if SourceKind.QUEUE in kinds | mapped:
        levers.append(Lever.PAUSE)
    if _POLLED_STREAMS & (kinds | mapped):
        levers.append(Lever.ZERO)
    if is_asynchronous:
        levers.append(Lever.CAP)
    if len(levers) > 1:
        return NotHeld(reason=NotHeldReason.MIXED_SOURCES)
    if levers != [Lever.PAUSE] and facts.has_provisioned_concurrency is not False:
        # A reserved concurrency cannot be below it.
        return NotHeld(reason=NotHeldReason.PROVISIONED_CONCURRENCY)
    return tuple(levers)


def _find_loss(
    plan: HoldPlan, mappings: Sequence[MappingFacts], facts: HoldFacts
) -> NotHeld | None:
    """Why an event could be lost while it waits; ``None`` where none can."""
    least = AGE_TIMES * plan.longest.total_seconds()
    if Lever.CAP in plan.levers:
        return _check_kept_long_enough(
            NotHeldReason.SHORT_AGE, facts.maximum_event_age_seconds, least
        )
    for one in mappings:
        found = _find_loss_of_queue(one, least) if one.kind is SourceKind.QUEUE else None
        if one.kind in _POLLED_STREAMS:
            found = _find_loss_of_stream(one, least)
        if found is not None:
            return found
    return None


def _compute_stretched_seconds(plan: HoldPlan) -> float | None:
    """How long a trial may last at most; ``None``: as long as any."""
    if plan.kept_seconds is None:
        return None
    spare = plan.kept_seconds / AGE_TIMES - plan.longest.total_seconds()
    longest = plan.longest_trial_seconds
    most = min(LONGEST_CHEAP_TRIAL_SECONDS + LATEST.total_seconds(), longest + spare)
    return most if most > longest else None


def _compute_kept_seconds(
    levers: Sequence[Lever], mappings: Sequence[MappingFacts], facts: HoldFacts
) -> float | None:
    """How long the events are kept that are given up first; ``None`` where that is unknown."""
    if Lever.CAP in levers:
        return facts.maximum_event_age_seconds
    kept = [
        one.queue_retention_seconds
        if one.kind is SourceKind.QUEUE
        else _compute_kept_in_stream(one)
        for one in mappings
    ]
    known = [one for one in kept if one is not None]
    return min(known, default=None) if len(known) == len(kept) else None


def _compute_kept_in_stream(mapping: MappingFacts) -> float:
    kept = _get_stream_retention_seconds(mapping)
    return min(kept, mapping.maximum_record_age_seconds or kept)


def _get_stream_retention_seconds(mapping: MappingFacts) -> float:
    return (mapping.stream_retention_hours or LEAST_STREAM_RETENTION_HOURS) * SECONDS_PER_HOUR


def _find_loss_of_queue(mapping: MappingFacts, least: float) -> NotHeld | None:
    if mapping.is_provisioned_mode is None:
        return NotHeld(reason=NotHeldReason.UNKNOWN_MAPPING)
    if mapping.is_provisioned_mode:
        return NotHeld(reason=NotHeldReason.PROVISIONED_MODE)
    receives = mapping.max_receive_count
    if receives is not None and receives <= FEW_RECEIVES:
        return NotHeld(reason=NotHeldReason.FEW_RECEIVES, value=receives, bound=FEW_RECEIVES + 1)
    return _check_kept_long_enough(
        NotHeldReason.SHORT_RETENTION, mapping.queue_retention_seconds, least
    )


def _find_loss_of_stream(mapping: MappingFacts, least: float) -> NotHeld | None:
    if mapping.maximum_record_age_seconds is not None:
        found = _check_kept_long_enough(
            NotHeldReason.SHORT_AGE, mapping.maximum_record_age_seconds, least
        )
        if found is not None:
            return found
    return _check_kept_long_enough(
        NotHeldReason.SHORT_RETENTION, _get_stream_retention_seconds(mapping), least
    )


def _check_kept_long_enough(
    reason: NotHeldReason, seconds: float | None, least: float
) -> NotHeld | None:
    """Whether events are kept for less than this. What is unknown is too short."""
    if seconds is None or seconds < least:
        return NotHeld(reason=reason, value=seconds, bound=least)
    return None


def _estimate_ending(running: Running, duration: float) -> float:
    """Seconds until nearly all that ran has ended."""
    few, many = ENDING_TIMES
    ending = max(few * duration, min(many * duration, ENDING_SECONDS))
    return min(running.timeout_seconds, ending)


def _compute_longest_wait(mapping: MappingFacts) -> float:
    """How long an event waits at most before an idle function is given it."""
    return (mapping.batching_window_seconds or 0.0) + (mapping.delay_seconds or 0.0)


def _find_largest_batch(mappings: Sequence[MappingFacts]) -> int | None:
    sizes = [one.batch_size for one in mappings]
    known = [one for one in sizes if one is not None]
    return max(known, default=1) if len(known) == len(sizes) else None


def _estimate_usd_per_event(running: Running, duration: float) -> float:
    price = USD_PER_GB_SECOND.get(running.architecture, min(USD_PER_GB_SECOND.values()))
    return USD_PER_REQUEST + running.memory_mb / _MB_PER_GB * duration * price
