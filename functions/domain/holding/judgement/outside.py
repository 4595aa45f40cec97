"""Whether a function that is held is fed from outside: concluded as soon as it is seen."""

import math
from collections.abc import Sequence
from typing import Final

from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.holding.judgement.case import Case
from functions.domain.holding.judgement.catching_up import may_loop_beside_work
from functions.domain.holding.outcomes import Release, ReleaseReason

OUTSIDE_SHARE: Final = 0.5  # of the arrivals before, that go on while it is held
BACKLOG_SHARE: Final = 0.2  # of what ran just before the hold: if less arrived, it was there before
MOST_WRITES: Final = 6.0  # events for each, that a function that ends may write


def judge_outside(case: Case) -> Release | None:
    """Whether it is fed from outside: that something arrives is concluded as soon as it is seen."""
    tally = case.tally
    before = tally.before_per_minute
    is_empty = before < 1 and len(tally.known(tally.before)) == len(tally.before)
    if is_empty or _works_off(case):
        return Release(reason=ReleaseReason.NOT_ARRIVING, figures=case.figures)
    seen = tally.seen(case.held)
    if not seen:
        return None
    still = tally.unserved(seen)
    # A cap leaves a loop this share of its arrivals, and half of the rest is people's.
    left = min(1.0, (case.watch.plan.cap or 0) / case.watch.plan.ran_before)
    is_free = tally.rate(seen) >= (left + OUTSIDE_SHARE * (1 - left)) * before
    if is_free or still >= OUTSIDE_SHARE * before:
        return Release(reason=ReleaseReason.STILL_ARRIVING, figures=case.figures)
    if is_explained_by_writes(case) and not may_loop_beside_work(case):
        return Release(reason=ReleaseReason.WRITES_EXPLAIN, figures=case.figures)
    return None


def is_explained_by_writes(case: Case, most: float = MOST_WRITES) -> bool:
    """Whether a few events written for each that came from outside are all that arrived before."""
    outside = count_least_outside(case, case.tally.seen(case.held))
    return (1 + most) * outside >= case.tally.before_per_minute


def count_least_outside(case: Case, held: Sequence[int]) -> float:
    """What arrives a minute from outside, at least, while the function is held.

    Of a few events in one minute, the last that ran may have come late: less is certain.
    """
    still = case.tally.unserved(held)
    return still - math.sqrt(still / max(1, len(held)))


def _works_off(case: Case) -> bool:
    """Whether much more ran just before the hold than arrived: it works off what was there.

    A loop writes at least one event for each that it is given, and within the minute where it goes
    round faster.
    """
    tally = case.tally
    newest = tally.known(tally.before[-1:])
    if not newest or case.watch.plan.around_seconds > MINUTE_SECONDS / 2:
        return False
    ran = tally.counts.invocations.values[newest[0]] or 0.0
    return ran > 0 and tally.rate(newest) < BACKLOG_SHARE * ran
