"""What was counted during a hold, minute by minute, with what late data leave open."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final, Self

from functions.domain.detection.arrivals import Arrivals, SourceKind
from functions.domain.detection.evidence import MINUTE_SECONDS, Series
from functions.domain.detection.lateness import count_young
from functions.domain.holding.watch import Lever, Watch

BEFORE_MINUTES: Final = 3
BASE_MINUTES: Final = 60
GUARD_MINUTES: Final = 4
LONGEST_COUNTED: Final = timedelta(hours=24)  # a spike of days is counted from there on
QUEUED_SECONDS: Final = 1.0  # that an asynchronous event waits in Lambda's queue, at most
_MINUTE: Final = timedelta(seconds=MINUTE_SECONDS)


def find_counted_from(watch: Watch, now: datetime) -> datetime:
    """From when on a hold is judged by what is counted: what was usual before the spike."""
    since = watch.spike_since - timedelta(minutes=BASE_MINUTES + GUARD_MINUTES + 1)
    return max(since, now - LONGEST_COUNTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What is counted at a function and its sources, all series on the same grid of minutes.

    Attributes
    ----------
    arrivals
        Of the function's own sources: those that are not outside.
    waiting
        Events in its queues now, of all three kinds: visible, delayed and in flight
        (GetQueueAttributes). ``None`` where it has no queue, or that is unknown: then the series
        beside the arrivals show what may be received, minutes later.
    lag_ms
        How far the polling of its streams lies behind, the most of each minute (IteratorAge);
        ``None`` where it has no stream, or that is not read.
    """

    arrivals: tuple[Arrivals, ...]
    invocations: Series
    errors: Series
    duration_ms: Series
    waiting: float | None = None
    lag_ms: Series | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteCounts:
    """What was counted, minute by minute up to `now`.

    Attributes
    ----------
    arrived
        In each minute, at least; a minute that is still young may be short of some.
    is_seen
        Whether each source has a datapoint for the minute.
    settled
        How many of the minutes are settled: their values are the truth.
    """

    counts: Counts
    now: datetime
    arrived: tuple[float, ...]
    is_seen: tuple[bool, ...]
    settled: int

    @classmethod
    def lay_out(cls, counts: Counts, now: datetime) -> "MinuteCounts | None":
        """The counts laid out; ``None`` where what arrives is not counted at every source."""
        own = [one.counts for one in counts.arrivals if one.counts is not None]
        if not own or len(own) < len(counts.arrivals) or not _are_beside(counts.invocations, own):
            return None
        length = len(counts.invocations.values)
        return MinuteCounts(
            counts=counts,
            now=now,
            arrived=tuple(sum(one.values[at] or 0.0 for one in own) for at in range(length)),
            is_seen=tuple(all(one.values[at] is not None for one in own) for at in range(length)),
            settled=length - count_young(counts.invocations, now),
        )

    def has_hole(self, minutes: Iterable[int]) -> bool:
        """Whether a settled minute leaves open what arrived.

        A queue that was inactive for six hours publishes nothing at first (SQS developer guide,
        *Available CloudWatch metrics*). The others publish nothing where nothing arrives.
        """
        queues = [
            one.counts.values
            for one in self.counts.arrivals
            if one.source.kind is SourceKind.QUEUE and one.counts is not None
        ]
        return any(values[at] is None for values in queues for at in minutes if at >= 0)

    def index(self, moment: datetime) -> int:
        """The minute that a moment lies in."""
        return math.floor((moment - self.counts.invocations.start) / _MINUTE)

    def whole(self, begin: datetime, end: datetime) -> range:
        """The minutes that lie wholly between two moments."""
        first = math.ceil((begin - self.counts.invocations.start) / _MINUTE)
        last = min(len(self.arrived), self.index(min(end, self.now)))
        return range(max(0, first), max(0, first, last))

    def seen(self, minutes: Iterable[int]) -> list[int]:
        """Those of the minutes that each source has a datapoint for, or that are settled."""
        return [at for at in minutes if self.is_seen[at] or at < self.settled]

    def known(self, minutes: Iterable[int]) -> list[int]:
        """Those of the minutes that are settled."""
        return [at for at in minutes if at < self.settled]

    def rate(self, minutes: Sequence[int]) -> float:
        """Arrivals a minute in these minutes."""
        return sum(self.arrived[at] for at in minutes) / len(minutes) if minutes else 0.0

    def queued(self, minutes: Iterable[int]) -> float | None:
        """The most messages that waited in its queues in one of these minutes."""
        queues = [one.waiting for one in self.counts.arrivals if one.waiting is not None]
        totals = [
            sum(one.values[at] or 0.0 for one in queues)
            for at in minutes
            if all(at < len(one.values) and one.values[at] is not None for one in queues)
        ]
        return max(totals, default=None) if queues else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally(MinuteCounts):
    """The counts of a hold laid out, from the base before the spike up to `now`."""

    watch: Watch

    @classmethod
    def of(cls, watch: Watch, counts: Counts, now: datetime) -> Self | None:
        """The counts laid out; ``None`` where they leave open what arrived at some source."""
        laid = MinuteCounts.lay_out(counts, now)
        if laid is None:
            return None
        tally = cls(
            watch=watch,
            counts=counts,
            now=now,
            arrived=laid.arrived,
            is_seen=laid.is_seen,
            settled=laid.settled,
        )
        since = range(tally.index(watch.held_at) - BEFORE_MINUTES, tally.settled)
        return None if tally.has_hole(since) else tally

    def unserved(self, minutes: Sequence[int]) -> float:
        """Arrivals a minute that what ran under the hold cannot have written.

        Only under a cap does anything run. What is not known yet is taken to be at the cap.
        """
        if Lever.CAP not in self.watch.plan.levers:
            return self.rate(minutes)
        left = [self.arrived[at] - self._compute_served(at) for at in minutes]
        return sum(max(0.0, one) for one in left) / len(left) if left else 0.0

    def _compute_served(self, at: int) -> float:
        served = self.counts.invocations.values[at]
        cap = (self.watch.plan.cap or 0) * MINUTE_SECONDS / self.duration
        return cap if at >= self.settled else served or 0.0

    @property
    def before(self) -> list[int]:
        """The last whole minutes before the hold."""
        end = self.index(self.watch.held_at)
        first = max(0, self.index(self.watch.spike_since), end - BEFORE_MINUTES)
        return list(range(first, min(end, len(self.arrived)))) or list(range(max(0, end - 1), end))

    @property
    def before_per_minute(self) -> float:
        """Arrivals just before the hold; the most that it may have been until that is settled."""
        if len(self.known(self.before)) == len(self.before):
            return self.rate(self.before)
        most = max((self.arrived[at] for at in self.before), default=0.0)
        return max(self.watch.before_per_minute, self.watch.served_before_per_minute, most)

    @property
    def normal_per_minute(self) -> float:
        """Usual arrivals before the spike."""
        end = self.index(self.watch.spike_since) - GUARD_MINUTES
        base = self.arrived[max(0, end - BASE_MINUTES) : max(0, end)]
        return median(base) if base else self.watch.normal_per_minute

    @property
    def duration(self) -> float:
        """Mean seconds of one execution before the hold, at most: a late datapoint may be low."""
        end = self.index(self.watch.held_at)
        newest = self.counts.duration_ms.values[max(0, end - BEFORE_MINUTES) : end]
        longest = max((value for value in newest if value is not None), default=0.0)
        served = self.watch.served_before_per_minute
        ran = self.watch.plan.ran_before * MINUTE_SECONDS / served if served > 0 else 0.0
        return max(longest / 1000, ran) or 1.0

    @property
    def batch(self) -> float:
        """Events of one invocation before the hold, in the mean."""
        served = self.watch.served_before_per_minute
        if Lever.CAP in self.watch.plan.levers or served <= 0:
            return 1.0
        most = self.watch.plan.batch_size or math.inf
        return min(most, max(1.0, self.before_per_minute / served))

    @property
    def depth(self) -> float | None:
        """How many messages wait in its queues now; ``None`` if unknown."""
        return self.counts.waiting

    @property
    def has_queued(self) -> bool:
        """Whether there is a series of waiting messages for each queue."""
        queues = [one for one in self.counts.arrivals if one.source.kind is SourceKind.QUEUE]
        return bool(queues) and all(one.waiting is not None for one in queues)

    def waiting(self, until: datetime) -> float:
        """How many events wait at a moment of the first hold, those in queues aside, at most."""
        end = min(self.index(until), len(self.arrived))
        if Lever.CAP in self.watch.plan.levers:
            return max(1.0, self._in_lambda(end))
        if Lever.ZERO in self.watch.plan.levers:
            return max(1.0, self._in_streams(end))
        return 1.0

    def _in_lambda(self, end: int) -> float:
        """Of asynchronous events: what arrived and was not served, ever since any minute.

        What fails is tried again: it leaves Lambda's queue by success, or is counted here for good.
        """
        left = most = 0.0
        for at in reversed(range(end)):
            left += self.arrived[at] - self._count_succeeded(at)
            most = max(most, left)
        return most + self.before_per_minute * QUEUED_SECONDS / MINUTE_SECONDS

    def _in_streams(self, end: int) -> float:
        """What arrived since the minute of the hold and was not served, and what lay behind then.

        A batch is taken to be as small as in the minutes before: it grows where events wait.
        """
        first = self.index(self.watch.held_at)
        served = self.counts.invocations.values
        batches = [self.arrived[at] / (served[at] or 1) for at in self.before if served[at]]
        batch = max(1.0, min(batches, default=1.0))
        left = sum(self.arrived[at] - batch * (served[at] or 0.0) for at in range(first, end))
        running = self.before_per_minute * self.duration / MINUTE_SECONDS
        return max(running, left + self._count_behind(first))

    def _count_behind(self, first: int) -> float:
        """Records of the time by which the polling lay behind before the hold."""
        minutes = (self.watch.lag_seconds or 0.0) / MINUTE_SECONDS
        whole = math.floor(minutes)
        behind = sum(self.arrived[at] for at in range(max(0, first - whole), first))
        at = first - whole - 1
        more = self.arrived[at] if 0 <= at < len(self.arrived) else 0.0
        return behind + (minutes - whole) * max(more, self.before_per_minute)

    def _count_succeeded(self, at: int) -> float:
        ran = self.counts.invocations.values[at] or 0.0
        failed = self.counts.errors.values
        return max(0.0, ran - ((failed[at] or 0.0) if at < len(failed) else 0.0))


def _are_beside(invocations: Series, own: Sequence[Series]) -> bool:
    form = (invocations.start, invocations.period_seconds, len(invocations.values))
    return all((one.start, one.period_seconds, len(one.values)) == form for one in own)
