"""What a cap shows about a function: a loop's demand follows its supply, people's does not.

A loop that is held at a few concurrent executions produces fewer events for itself, so that its
attempts collapse, yet it stays pinned at the cap and is throttled minute after minute. Work from
outside either falls back below the cap, or goes on asking for as much as before.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from functions.domain.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.evidence import Evidence, LoopProof, Series
from functions.domain.policy import Policy
from functions.domain.spike import LATE_MINUTES, assess

SETTLING = timedelta(minutes=1)  # until the cap is in force and what ran before it has ended
BEFORE = timedelta(minutes=5)  # whose highest rate the demand under the cap is compared with
PINNED_MINUTES = 5  # in a row at the cap and throttled, with a demand that collapsed
PINNED_EVENLY_MINUTES = 7  # the same with a demand that stays, but does not vary at all
PINNED_LONGEST_MINUTES = 30  # in a row, whatever the demand
CONTRADICTED_TIMES = 3  # so much longer, each, where the event graph rules a loop out
COLLAPSED_SHARE = 0.5  # of the rate before the cap
EVEN_SIGMAS = 1.5  # of a count; independent work varies by more within these minutes
EVEN_SHARE = 0.03
BELOW_MINUTES = 3  # in a row without a throttle, at a fraction of the rate before
FREE_MINUTES = 20  # without a throttle at the old rate: the cap binds nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minute:
    served: float
    refused: float
    running: float

    @property
    def attempts(self) -> float:
        return self.served + self.refused


def judge_cap(evidence: Evidence, cap: int, capped_at: datetime, policy: Policy) -> Assessment:
    """What a function does under a cap says about it.

    Returns
    -------
    Assessment
        `RUNAWAY` when it stays pinned at the cap with throttles, `CALM` when it fell back below
        (lift the cap), `SUSPECTED` while that is undecided (keep it).
    """
    seen = assess(evidence, policy)
    if seen.has(Reason.NO_DATA):
        return replace(seen, verdict=Verdict.SUSPECTED)
    minutes = _minutes(evidence, capped_at + SETTLING)
    before = _highest(evidence.recent.invocations, capped_at - BEFORE, capped_at)
    pinned = _newest(minutes, lambda one: one.refused > 0 and one.running >= cap)
    if pinned:
        is_loop = _is_loop(minutes[-pinned:], before, evidence.proof)
        verdict = Verdict.RUNAWAY if is_loop else Verdict.SUSPECTED
        grounds = _grounds(minutes[-pinned:], pinned, cap)
        return replace(seen, verdict=verdict, grounds=(*grounds, *seen.grounds))
    free = _newest(minutes, lambda one: one.refused == 0)
    fallen = all(one.served <= COLLAPSED_SHARE * before for one in minutes[-BELOW_MINUTES:])
    if (free >= BELOW_MINUTES and fallen) or free >= FREE_MINUTES:
        return replace(seen, verdict=Verdict.CALM, grounds=_below(minutes[-free:], cap))
    return replace(seen, verdict=Verdict.SUSPECTED)


def _is_loop(pinned: list[_Minute], before: float, proof: LoopProof) -> bool:
    """Whether minutes in a row at the cap, throttled, are those of a loop."""
    if proof is LoopProof.CERTAIN:
        return True
    times = CONTRADICTED_TIMES if proof is LoopProof.RULED_OUT else 1
    if len(pinned) >= PINNED_LONGEST_MINUTES * times:
        return True
    newest = [one.attempts for one in pinned[-PINNED_MINUTES:]]
    if len(pinned) >= PINNED_MINUTES * times:
        return sum(newest[-2:]) / 2 <= COLLAPSED_SHARE * before or (
            len(pinned) >= PINNED_EVENLY_MINUTES * times and _is_even(newest)
        )
    return False


def _is_even(counts: list[float]) -> bool:
    mean = sum(counts) / len(counts)
    return max(counts) - min(counts) <= EVEN_SIGMAS * math.sqrt(mean) + EVEN_SHARE * mean


def _minutes(evidence: Evidence, since: datetime) -> list[_Minute]:
    """The minutes from `since` on, without the newest ones that CloudWatch may not have yet."""
    recent = evidence.recent
    columns = [
        _after(series, since)
        for series in (recent.invocations, recent.throttles, recent.concurrency)
    ]
    rows = list(zip_longest(*columns))
    for _ in range(LATE_MINUTES):
        if rows and all(value is None for value in rows[-1]):
            rows.pop()
    return [
        _Minute(served=_count(served), refused=_count(refused), running=_count(running))
        for served, refused, running in rows
    ]


def _newest(minutes: list[_Minute], holds: Callable[[_Minute], bool]) -> int:
    """For how many of the newest minutes in a row something holds."""
    count = 0
    while count < len(minutes) and holds(minutes[-count - 1]):
        count += 1
    return count


def _grounds(minutes: list[_Minute], pinned: int, cap: int) -> tuple[Ground, ...]:
    """What was seen at the cap in the newest minutes."""
    return (
        Ground(
            reason=Reason.PINNED_AT_CAP,
            value=max(one.running for one in minutes),
            unit=Unit.CONCURRENT,
            reference=cap,
        ),
        Ground(reason=Reason.SUSTAINED, value=pinned, unit=Unit.MINUTES),
        Ground(reason=Reason.THROTTLED, value=minutes[-1].refused, unit=Unit.THROTTLES),
    )


def _below(minutes: list[_Minute], cap: int) -> tuple[Ground, ...]:
    return (
        Ground(
            reason=Reason.BELOW_CAP,
            value=max(one.running for one in minutes),
            unit=Unit.CONCURRENT,
            reference=cap,
        ),
    )


def _after(series: Series, moment: datetime) -> tuple[float | None, ...]:
    first = math.ceil((moment - series.start).total_seconds() / series.period_seconds)
    return series.values[max(0, first) :]


def _highest(series: Series, start: datetime, end: datetime) -> float:
    values = series.values[
        max(0, math.floor((start - series.start).total_seconds() / series.period_seconds)) : max(
            0, math.ceil((end - series.start).total_seconds() / series.period_seconds)
        )
    ]
    return max((_count(value) for value in values), default=0.0)


def _count(value: float | None) -> float:
    return value if value is not None and 0 <= value < math.inf else 0.0
