"""What a cap shows about a function: a loop's demand follows its supply, people's does not.

A loop that is held at a few concurrent executions produces fewer events for itself, so that its
attempts collapse, yet it stays pinned at the cap and is throttled minute after minute. Work from
outside either falls back below the cap, or goes on asking for as much as before.

That a demand collapsed, or ended, is told from settled minutes only, see
`functions.domain.lateness`: a datapoint that is still filling looks like both.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from functions.domain.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.evidence import Evidence, LoopProof, Series
from functions.domain.lateness import count_young
from functions.domain.policy import Policy
from functions.domain.spike import assess, mean_duration_seconds

SETTLING = timedelta(minutes=1)  # until the cap is in force and what ran before it has ended
BEFORE_MINUTES = 3  # the highest of which the demand under the cap is compared with
PINNED_MINUTES = 5  # in a row at the cap and throttled, with a demand that collapsed
CONTRADICTED_TIMES = 3  # so much longer, each, where the event graph rules a loop out
COLLAPSED_SHARE = 0.4  # of the rate before the cap
CEILING_SHARE = 0.5  # of the account, before the cap: such a loop has a long queue to try again
TELLING_MINUTES = 9  # within which a demand that collapses did so because of the cap
OUTSIDE_MINUTES = 15  # after which a demand that goes on is people's, or another machine's
CAP_SHARE_TIMES = 1.2  # where the cap leaves more than that of the concurrency before
STEADY_TIMES = 3.0  # the highest over the lowest of these minutes; bursts end by more
EVEN_TIMES = 1.25  # the same for a demand that collapsed only after a while
LESSENED_SHARE = 0.7  # of the rate before, for demand that lessened at once but did not collapse
LESSENED_TIMES = 1.1  # and is this even ever since, as shards that take turns are
STEADY_SIGMAS = 2.0
BELOW_MINUTES = 3  # in a row without a throttle, at a fraction of the rate before
EMPTY_MINUTES = 10  # in a row without any datapoint: pollers that back off are silent for less
FREE_MINUTES = 20  # without a throttle at the old rate: the cap binds nothing
# What the rate alone would excuse a function by; under a cap it is the cap that keeps it low.
_EXCUSES = frozenset(
    {
        Reason.BELOW_FLOOR,
        Reason.NOT_SUSTAINED,
        Reason.WITHIN_RECENT,
        Reason.HAS_PRECEDENT,
        Reason.FOLLOWS_CLOCK,
        Reason.SUBSIDING,
        Reason.UNLIKE_LOOP,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minute:
    """A settled minute; ``None`` where CloudWatch has no datapoint: unknown, not 0.

    UNCONFIRMED: that Lambda sends Throttles of 0 with the invocations of a minute. Where it does
    not, no minute counts as free, and the cap is lifted by `OUTSIDE_MINUTES` instead.
    """

    served: float | None
    refused: float | None
    running: float | None

    @property
    def attempts(self) -> float:
        return _count(self.served) + _count(self.refused)

    @property
    def is_empty(self) -> bool:
        return self.served is None and self.refused is None and self.running is None

    @property
    def is_free(self) -> bool:
        return self.refused == 0

    def is_pinned(self, cap: int) -> bool:
        return _count(self.refused) > 0 and _count(self.running) >= cap


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
    rows = _minutes(evidence, capped_at + SETTLING)
    young = min(len(rows), _count_young(evidence))
    # Only settled minutes tell that a demand is *not* there.
    minutes = rows[: len(rows) - young]
    held = _held(rows, young, cap)
    before = _before(evidence.recent.invocations, capped_at)
    is_proven = evidence.proof is LoopProof.CERTAIN
    if (is_proven and held) or _is_loop(evidence, minutes, cap, capped_at):
        accusing = (one for one in seen.grounds if one.reason not in _EXCUSES)
        grounds = (*_grounds(held, cap), *accusing)
        return replace(seen, verdict=Verdict.RUNAWAY, grounds=grounds)
    free = _newest(minutes, lambda one: one.is_free)
    gone = _newest(minutes, lambda one: one.is_empty)
    newest = minutes[-BELOW_MINUTES:]
    fallen = all(_count(one.served) <= COLLAPSED_SHARE * before for one in newest)
    if gone >= EMPTY_MINUTES:
        return replace(seen, verdict=Verdict.CALM, grounds=_below(minutes[-gone:], cap))
    if (free >= BELOW_MINUTES and fallen) or free >= FREE_MINUTES:
        return replace(seen, verdict=Verdict.CALM, grounds=_below(minutes[-free:], cap))
    if len(minutes) >= OUTSIDE_MINUTES * _patience(evidence):
        asked = minutes[-1].attempts
        ground = Ground(
            reason=Reason.OUTSIDE_DEMAND, value=asked, unit=Unit.PER_MINUTE, reference=before
        )
        return replace(seen, verdict=Verdict.CALM, grounds=(ground,))
    grounds = _grounds(held, cap) if _pinned(minutes, cap) else ()
    return replace(seen, verdict=Verdict.SUSPECTED, grounds=(*grounds, *seen.grounds))


def _is_loop(evidence: Evidence, minutes: list[_Minute], cap: int, capped_at: datetime) -> bool:
    """Whether minutes in a row at the cap, throttled, are those of a loop."""
    if _pinned(minutes, cap) < PINNED_MINUTES * _patience(evidence):
        return False
    before = _before(evidence.recent.invocations, capped_at)
    most = _expected_share(evidence, cap, capped_at) * before
    newest = [one.attempts for one in minutes[-PINNED_MINUTES:]]
    if all(one.attempts <= most for one in minutes) and _is_steady(newest, STEADY_TIMES):
        return True  # its demand collapsed with its supply, at once
    if len(minutes) > TELLING_MINUTES * _patience(evidence):
        return False  # by now people have come and gone by themselves
    if max(newest) <= most and _is_steady(newest, EVEN_TIMES):
        return True  # after a while, and goes round evenly since
    asked = [one.attempts for one in minutes]
    if max(asked) <= LESSENED_SHARE * before and _is_steady(asked, LESSENED_TIMES):
        return True  # it asks for less from the first minute on, and never for more again
    return _was_at_ceiling(evidence) and max(newest[-2:]) <= most


def _expected_share(evidence: Evidence, cap: int, capped_at: datetime) -> float:
    """What a loop can still ask for: no more than the cap leaves of its concurrency."""
    running = _before(evidence.recent.concurrency, capped_at)
    return max(COLLAPSED_SHARE, CAP_SHARE_TIMES * cap / running if running > cap else 0.0)


def _is_steady(counts: list[float], times: float) -> bool:
    return max(counts) <= times * min(counts) + STEADY_SIGMAS * math.sqrt(max(counts))


def _patience(evidence: Evidence) -> int:
    return CONTRADICTED_TIMES if evidence.proof is LoopProof.RULED_OUT else 1


def _was_at_ceiling(evidence: Evidence) -> bool:
    """Whether it held much of the account's concurrency within the last hours."""
    account = evidence.account_concurrency
    if account is None or account <= 0:
        return False
    highest = max((_count(value) for value in evidence.recent.concurrency.values), default=0.0)
    return highest >= CEILING_SHARE * account


def _count_young(evidence: Evidence) -> int:
    """How many of the newest minutes are young: longer where the executions take long."""
    taking = timedelta(seconds=mean_duration_seconds(evidence) or 0.0)
    return count_young(evidence.recent.invocations, evidence.now, taking=taking)


def _minutes(evidence: Evidence, since: datetime) -> list[_Minute]:
    """The minutes from `since` on, with the young ones."""
    recent = evidence.recent
    columns = (
        _after(series, since)
        for series in (recent.invocations, recent.throttles, recent.concurrency)
    )
    return [
        _Minute(served=served, refused=refused, running=running)
        for served, refused, running in zip_longest(*columns)
    ]


def _held(rows: list[_Minute], young: int, cap: int) -> list[_Minute]:
    """The newest minutes in a row that were pinned at the cap, young ones too.

    What is there may be told from young minutes: that a minute is at the cap and throttled.
    """
    for dropped in range(young + 1):
        known = rows[: len(rows) - dropped]
        pinned = _pinned(known, cap)
        if pinned:
            return known[len(known) - pinned :]
    return []


def _newest(minutes: list[_Minute], holds: Callable[[_Minute], bool]) -> int:
    """For how many of the newest minutes in a row something holds."""
    count = 0
    while count < len(minutes) and holds(minutes[-count - 1]):
        count += 1
    return count


def _pinned(minutes: list[_Minute], cap: int) -> int:
    """For how many of the newest minutes in a row it is at the cap and throttled."""
    return _newest(minutes, lambda one: one.is_pinned(cap))


def _grounds(minutes: Sequence[_Minute], cap: int) -> tuple[Ground, ...]:
    """What was seen at the cap in these minutes."""
    return (
        Ground(
            reason=Reason.PINNED_AT_CAP,
            value=max(_count(one.running) for one in minutes),
            unit=Unit.CONCURRENT,
            reference=cap,
        ),
        Ground(reason=Reason.SUSTAINED, value=len(minutes), unit=Unit.MINUTES),
        Ground(reason=Reason.THROTTLED, value=minutes[-1].refused, unit=Unit.THROTTLES),
    )


def _below(minutes: list[_Minute], cap: int) -> tuple[Ground, ...]:
    return (
        Ground(
            reason=Reason.BELOW_CAP,
            value=max(_count(one.running) for one in minutes),
            unit=Unit.CONCURRENT,
            reference=cap,
        ),
    )


def _after(series: Series, moment: datetime) -> tuple[float | None, ...]:
    first = math.ceil((moment - series.start).total_seconds() / series.period_seconds)
    return series.values[max(0, first) :]


def _before(series: Series, capped_at: datetime) -> float:
    """The highest of the last whole minutes before the cap."""
    end = math.floor((capped_at - series.start).total_seconds() / series.period_seconds)
    values = series.values[max(0, end - BEFORE_MINUTES) : max(0, end)]
    return max((_count(value) for value in values), default=0.0)


def _count(value: float | None) -> float:
    return value if value is not None and 0 <= value < math.inf else 0.0
