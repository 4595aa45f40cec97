"""What a cap shows: legitimate traffic falls back below it, a loop stays pinned at it."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

from functions.domain.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.evidence import Evidence, LoopProof, Series
from functions.domain.policy import Policy
from functions.domain.spike import assess

SETTLING = timedelta(minutes=1)  # until the new reservation is in force everywhere
PINNED_MINUTES = 5  # at the cap and throttled before it is a loop
BELOW_MINUTES = 5  # below the cap and not throttled before it is lifted


def judge_cap(evidence: Evidence, cap: int, capped_at: datetime, policy: Policy) -> Assessment:
    """What a function does under a cap says about it.

    Returns
    -------
    Assessment
        `RUNAWAY` when it stays pinned at the cap with throttles, `CALM` when it fell back below
        (lift the cap), `SUSPECTED` while that is undecided (keep it).
    """
    seen = assess(evidence, policy)
    concurrency = _after(evidence.recent.concurrency, capped_at + SETTLING)
    throttles = _after(evidence.recent.throttles, capped_at + SETTLING)
    invocations = _after(evidence.recent.invocations, capped_at + SETTLING)
    length = min(len(concurrency), len(throttles), len(invocations))
    pinned = below = 0
    for index in range(length):
        refused = throttles[index] or 0.0
        if refused > 0 and (concurrency[index] or 0.0) >= cap:
            pinned, below = pinned + 1, 0
        elif refused == 0 and (concurrency[index] or 0.0) <= cap:
            below += 1
    if evidence.proof is LoopProof.CERTAIN and pinned:
        ground = Ground(reason=Reason.LOOP_PROVEN)
        return replace(seen, verdict=Verdict.RUNAWAY, grounds=(ground, *seen.grounds))
    highest = max((value for value in concurrency if value is not None), default=0.0)
    if pinned >= PINNED_MINUTES:
        ground = Ground(
            reason=Reason.PINNED_AT_CAP, value=highest, unit=Unit.CONCURRENT, reference=cap
        )
        return replace(seen, verdict=Verdict.RUNAWAY, grounds=(ground, *seen.grounds))
    if below >= BELOW_MINUTES:
        ground = Ground(reason=Reason.BELOW_CAP, value=highest, unit=Unit.CONCURRENT, reference=cap)
        return replace(seen, verdict=Verdict.CALM, grounds=(ground,))
    return replace(seen, verdict=Verdict.SUSPECTED)


def _after(series: Series, moment: datetime) -> tuple[float | None, ...]:
    first = math.ceil((moment - series.start).total_seconds() / series.period_seconds)
    return series.values[max(0, first) :]
