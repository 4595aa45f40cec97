"""Whether the account as a whole moved enough to look at its functions one by one.

The pulse reads three account-wide series a minute. A look costs one Metrics Insights query over
all functions, so it is made only on a rise that neither the last hours nor other days explain,
and not again at a level that was looked at and explained.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from functions.domain.evidence import MINUTE_SECONDS, AccountSeries, Series, floor_to
from functions.domain.policy import Policy
from functions.domain.ports import PulseMemory


class PulseReason(StrEnum):
    """Why the pulse looks closer, or why it does not."""

    NO_DATA = "no_data"
    BELOW_FLOOR = "below_floor"  # the rise is smaller than the smallest loop that is looked for
    STEADY = "steady"  # no rise
    NOT_SUSTAINED = "not_sustained"
    FOLLOWS_CLOCK = "follows_clock"  # the same minute of the hours before was like this
    HAS_PRECEDENT = "has_precedent"  # the same hour of other days was like this
    LOOKED_ALREADY = "looked_already"  # a look at this level found nothing
    RISEN = "risen"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Look at the functions now."""

    reason: PulseReason
    level_per_minute: float
    expected_per_minute: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Nothing to look at."""

    reason: PulseReason
    level_per_minute: float = 0.0
    expected_per_minute: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsPrecedent:
    """A rise that the last hours do not explain: ask for 14 days of 5-minute sums of the account.

    `consider_with` then answers.
    """

    reason: PulseReason
    level_per_minute: float
    expected_per_minute: float


Consideration: TypeAlias = Look | Quiet | NeedsPrecedent

RISE_SHARE = 0.08  # of what is expected: a loop of 10 % is to be seen through the noise
SUSTAINED_MINUTES = 2
REST = timedelta(minutes=15)  # after a look that found nothing, doubled with each in a row
LONGEST_REST = timedelta(hours=6)
RISEN_FURTHER = 1.25  # times the level of the last look, which ends the rest


def consider(
    account: AccountSeries, memory: PulseMemory, policy: Policy, now: datetime
) -> Consideration:
    """Whether to look closer, as far as the last hours can say."""
    counts = account.invocations
    values = [value or 0.0 for value in counts.values]
    if counts.period_seconds != MINUTE_SECONDS or len(values) <= SUSTAINED_MINUTES:
        return Quiet(reason=PulseReason.NO_DATA)
    if not all(0 <= value < math.inf for value in values):
        return Quiet(reason=PulseReason.NO_DATA)
    if counts.values[-1] is None or values[-1] < values[-2]:
        values.pop()  # may still be partial
    level = min(values[-SUSTAINED_MINUTES:])
    before = sorted(values[-30:-SUSTAINED_MINUTES]) or [0.0]
    expected = before[len(before) // 2]
    rise = level - expected
    if rise < policy.floor_per_minute:
        return Quiet(
            reason=PulseReason.BELOW_FLOOR, level_per_minute=level, expected_per_minute=expected
        )
    if rise < RISE_SHARE * expected:
        return Quiet(
            reason=PulseReason.STEADY, level_per_minute=level, expected_per_minute=expected
        )
    if _is_resting(memory, level, now):
        return Quiet(
            reason=PulseReason.LOOKED_ALREADY, level_per_minute=level, expected_per_minute=expected
        )
    return NeedsPrecedent(
        reason=PulseReason.RISEN, level_per_minute=level, expected_per_minute=expected
    )


def consider_with(asked: NeedsPrecedent, precedent: Series | None, now: datetime) -> Look | Quiet:
    """The answer once the account's precedent is there (``None``: it could not be read)."""
    highest = _precedent_at(precedent, now)
    if highest is not None and asked.level_per_minute <= highest:
        return Quiet(
            reason=PulseReason.HAS_PRECEDENT,
            level_per_minute=asked.level_per_minute,
            expected_per_minute=highest,
        )
    return Look(
        reason=asked.reason,
        level_per_minute=asked.level_per_minute,
        expected_per_minute=asked.expected_per_minute,
    )


def after_look(
    memory: PulseMemory, *, found: bool, level_per_minute: float, now: datetime
) -> PulseMemory:
    """What to remember of a look: one that found nothing makes the next one wait longer."""
    return PulseMemory(
        looked_at=now, level_per_minute=level_per_minute, looks=0 if found else memory.looks + 1
    )


def _is_resting(memory: PulseMemory, level: float, now: datetime) -> bool:
    if memory.looked_at is None or memory.looks == 0:
        return False
    rest = min(LONGEST_REST, REST * 2 ** min(10, memory.looks - 1))
    return now - memory.looked_at < rest and level < RISEN_FURTHER * memory.level_per_minute


def _precedent_at(precedent: Series | None, now: datetime) -> float | None:
    """The second highest rate at this time of day, give or take half an hour, on other days."""
    if precedent is None or precedent.period_seconds <= 0:
        return None
    day = 86_400 // precedent.period_seconds
    near = 1_800 // precedent.period_seconds
    at = (
        int((floor_to(now, precedent.period_seconds) - precedent.start).total_seconds())
        // precedent.period_seconds
    )
    seen: list[float] = []
    for days in range(1, 15):
        middle = at - days * day
        around = precedent.values[max(0, middle - near) : max(0, middle + near + 1)]
        highest = max((value for value in around if value is not None), default=None)
        if highest is not None:
            seen.append(highest * MINUTE_SECONDS / precedent.period_seconds)
    return sorted(seen)[-2] if len(seen) > 1 else None
