"""Whether a spike can be the function's own doing: the question is who feeds it.

A loop feeds itself, so what it adds to the invocations must have arrived at the sources that lie
on the loop, or may lie on one. Where less arrived there than the spike has, the spike has another
cause: people, a load test, a backlog, retries. That is told without touching the function, from
counts that CloudWatch publishes by default.

What a loop would need is taken generously, so that late or missing counts never acquit one:

- A young minute (see `functions.domain.detection.lateness`) may show that enough has arrived. That
too
  little has arrived is told from settled minutes only.
- Arrivals are upper bounds, the usual level before the spike is taken low for them and high for
  the invocations.
- A source that nothing counts, a queue without a datapoint, and a function that takes longer than
  the spike has lasted leave it untold.

Which sources there are, and which lie on a loop, is what the event graph knows. It hears of changes
minutes late (CloudTrail), and a loop often begins with a change: whoever asks must know whether the
graph has seen the account as it was when the spike began, see
`functions.domain.detection.acquittal`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from functions.domain.detection.arrivals import Arrivals, SourceKind
from functions.domain.detection.evidence import MINUTE_SECONDS, Series

LEAST_MINUTES = 2  # of a spike, that are compared
MOST_MINUTES = 10  # the newest so many of them: who feeds it may change
BASE_MINUTES = 60  # before the spike, but for those next to it
GUARD_MINUTES = 4
OWN_SHARE = 0.2  # of what a spike adds: where no more than this can be a loop's, it is none
OUTSIDE_SHARE = 0.5  # of what a spike adds, that arrived on no loop: it is fed from there
FAILING_SHARE = 0.5  # of the invocations that end in an error: they are tried again
MOST_ERRORS = 0.9  # beyond that share the number of attempts says nothing any more
LOW, HIGH = 0.25, 0.75  # quantiles that stand for a usual level, taken low or high


class Fed(StrEnum):
    """Where the invocations of a spike come from."""

    OUTSIDE = "outside"  # what arrives on no loop of the function carries it
    BACKLOG = "backlog"  # it works off what had arrived before
    RETRIES = "retries"  # what fails is tried again
    ITSELF = "itself"  # what arrives where a loop would feed it could carry it
    PENDING = "pending"  # that can be told, but not yet
    UNTOLD = "untold"  # not everything is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeding:
    """Who feeds a spike, with the numbers.

    Attributes
    ----------
    added_per_minute
        Invocations a minute that the spike adds.
    own_per_minute
        At most so many of them can be the function's own doing.
    """

    fed: Fed
    added_per_minute: float = 0.0
    own_per_minute: float = 0.0

    @property
    def is_acquitted(self) -> bool:
        """Whether the spike is not the function's own doing."""
        return self.fed in (Fed.OUTSIDE, Fed.BACKLOG, Fed.RETRIES)


_UNTOLD = Feeding(fed=Fed.UNTOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """A spike of a function, laid out for comparing it with what arrived.

    Attributes
    ----------
    invocations, errors
        Of the function, a minute, on the same grid as the arrivals.
    first
        The index of the spike's first minute.
    young
        How many of the newest minutes are young, see `functions.domain.detection.lateness`.
    taking
        How long one execution takes; ``None`` where unknown.
    floor_per_minute
        A loop that adds less is not acted upon.
    """

    invocations: Series
    errors: Series
    first: int
    young: int
    taking: timedelta | None
    floor_per_minute: float


def find_feeding(spike: Spike, arrivals: Sequence[Arrivals]) -> Feeding:
    """Who feeds a spike.

    Parameters
    ----------
    arrivals
        Of every source of the function: one that is left out is one that cannot feed it. Empty
        where the sources are not known.
    """
    own = [one for one in arrivals if not one.source.is_outside]
    counted = [one.counts for one in own if one.counts is not None]
    if not arrivals or spike.taking is None or len(counted) < len(own):
        return _UNTOLD
    if any(not _is_beside(one, spike.invocations) for one in counted):
        return _UNTOLD
    length = len(spike.invocations.values)
    newest = range(max(spike.first, length - MOST_MINUTES), length)
    usual = _Usual.before(spike, counted)
    seen = _compare(spike, counted, usual, newest)
    if len(newest) >= LEAST_MINUTES and seen.fed is Fed.ITSELF:
        return seen
    # What a first execution writes it may write at its end.
    begin = spike.first + math.ceil(spike.taking.total_seconds() / MINUTE_SECONDS)
    end = length - spike.young
    settled = range(max(begin, end - MOST_MINUTES), end)
    if len(settled) < LEAST_MINUTES:
        return Feeding(fed=Fed.PENDING)
    if any(_is_silent(one, settled) for one in own):
        return _UNTOLD
    told = _compare(spike, counted, usual, settled)
    if told.fed is Fed.ITSELF:
        return told
    return replace(told, fed=_name_cause(spike, arrivals, usual, told.added_per_minute, settled))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usual:
    """The levels before a spike, a minute, each taken as `HIGH` or `LOW` as acquits nobody.

    Attributes
    ----------
    own
        Arrivals at each source that may be the function's own doing.
    """

    invocations: float
    errors: float
    own: tuple[float, ...]

    @classmethod
    def before(cls, spike: Spike, own: Sequence[Series]) -> "_Usual":
        """As they were before this spike."""
        return cls(
            invocations=_compute_usual(spike.invocations, spike.first, HIGH),
            errors=_compute_usual(spike.errors, spike.first, LOW),
            own=tuple(_compute_usual(one, spike.first, LOW) for one in own),
        )


def _compare(spike: Spike, own: Sequence[Series], usual: _Usual, minutes: range) -> Feeding:
    """What the spike adds in these minutes, and how much of it may be the function's own doing."""
    added = _mean(spike.invocations, minutes) - usual.invocations
    arrived = sum(
        max(0.0, _mean(one, minutes) - before) for one, before in zip(own, usual.own, strict=True)
    )
    # What fails is tried again: so many attempts, in the mean, for each event that arrives.
    could = arrived / (1 - min(MOST_ERRORS, _compute_failing_share(spike, usual, minutes)))
    # A lesser loop beside a spike is none of its doing; in a lull of the spike it may be.
    lesser = spike.floor_per_minute if added >= spike.floor_per_minute else 0.0
    is_own = could > max(lesser, OWN_SHARE * added)
    return Feeding(
        fed=Fed.ITSELF if is_own else Fed.OUTSIDE,
        added_per_minute=max(0.0, added),
        own_per_minute=could,
    )


def _name_cause(
    spike: Spike, arrivals: Sequence[Arrivals], usual: _Usual, added: float, minutes: range
) -> Fed:
    """Why there is a spike that cannot be the function's own doing."""
    outside = [one.counts for one in arrivals if one.source.is_outside]
    arrived = sum(
        max(0.0, _mean(one, minutes) - _compute_usual(one, spike.first, HIGH))
        for one in outside
        if one is not None
    )
    if arrived >= OUTSIDE_SHARE * added:
        return Fed.OUTSIDE
    if _compute_failing_share(spike, usual, minutes) >= FAILING_SHARE:
        return Fed.RETRIES
    return Fed.OUTSIDE if None in outside else Fed.BACKLOG


def _compute_failing_share(spike: Spike, usual: _Usual, minutes: range) -> float:
    """The share of the invocations that end in an error: of all, or of what the spike adds.

    The higher one counts: work that goes well beside a failing spike says nothing about it.
    """
    ran, failed = _mean(spike.invocations, minutes), _mean(spike.errors, minutes)
    added = ran - usual.invocations
    failed_more = failed - usual.errors
    shares = [part / whole for part, whole in ((failed, ran), (failed_more, added)) if whole > 0]
    return min(1.0, max(shares, default=0.0))


def _is_silent(arrivals: Arrivals, minutes: range) -> bool:
    """Whether a missing datapoint leaves open what arrived.

    A queue that was inactive for six hours publishes nothing at first (SQS developer guide,
    *Available CloudWatch metrics*). The others publish nothing where nothing arrives.
    """
    if arrivals.source.kind is not SourceKind.QUEUE or arrivals.counts is None:
        return False
    return any(arrivals.counts.values[index] is None for index in minutes)


def _is_beside(series: Series, invocations: Series) -> bool:
    """Whether two series can be compared minute by minute."""
    return (series.start, series.period_seconds, len(series.values)) == (
        invocations.start,
        invocations.period_seconds,
        len(invocations.values),
    )


def _mean(series: Series, minutes: range) -> float:
    values = [series.values[index] or 0.0 for index in minutes if index < len(series.values)]
    return sum(values) / len(values) if values else 0.0


def _compute_usual(series: Series, first: int, quantile: float) -> float:
    """The level before the spike; 0 where there was nothing before."""
    end = max(0, first - GUARD_MINUTES)
    before = sorted([value or 0.0 for value in series.values[max(0, end - BASE_MINUTES) : end]])
    return before[min(len(before) - 1, int(quantile * len(before)))] if before else 0.0
