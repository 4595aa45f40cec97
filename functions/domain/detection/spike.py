"""Whether a function's traffic is new, so that its cause is asked for: an assessment of evidence.

Pure and cheap: no artefact, no state, a few constants that `docs/detection-figures.md` lists. A
function is suspected when its rate is new, for the last hours and for this time of day, and stays
so for some minutes: a loop need not be even. A shape that a loop has and bursts of real work seldom
have makes it urgent, after two minutes:

- a step onto a plateau that is flatter than arrivals of independent work can be (fan-out 1);
- growth by the same factor minute after minute (fan-out above 1, or retries);
- the account's concurrency filled within a few of the function's own durations.

A function in danger (see `functions.domain.detection.danger`) is suspected after one minute,
whatever its shape.

The newest minutes may be missing or partial, see `functions.domain.detection.lateness`: the
evidence is judged as of each of them, and the gravest verdict counts.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from functions.domain.detection.assessment import (
    Assessment,
    Ground,
    Reason,
    Unit,
    Verdict,
    are_shaped,
)
from functions.domain.detection.evidence import Evidence, LoopProof
from functions.domain.detection.precedent import DAYS_NEEDED, compute_highest_mean
from functions.domain.detection.shapes import Shape, find_pinned, find_shape
from functions.domain.detection.traffic import (
    GROWTH_GUARD_MINUTES,
    GUARD_MINUTES,
    HISTORY_MINUTES,
    NEWEST_MINUTES,
    SUBSIDED_SHARE,
    SUSTAINED_MINUTES,
    KnownTraffic,
    SpikeTraffic,
    is_sound,
    lay_out,
    make_rate_ground,
    read_as_of,
)
from functions.domain.incidents.policy import Policy

UNUSUAL_TIMES = 3.0  # a rate this far above the normal is busy, below it calm
BACKLOG_GAP_MINUTES = 5
BACKLOG_GAP_SHARE = 0.3
BACKLOG_TIMES = 1.5
NORMAL_PERCENTILE = 0.95
_GRAVITY = {Verdict.CALM: 0, Verdict.BUSY: 1, Verdict.SUSPECTED: 2, Verdict.RUNAWAY: 3}
# No reading says more than that: what AWS dropped counts in each of them.
_GRAVEST = (_GRAVITY[Verdict.SUSPECTED], True)


def assess(evidence: Evidence, policy: Policy) -> Assessment:
    """The verdict on one function. Bad or missing data is never worse than `CALM`.

    Parameters
    ----------
    evidence
        See `Evidence`. Without facts the account's limit stands for the function's ceiling;
        without precedent the shape alone is judged, and the grounds say so.
    policy
        Its floor, below which nothing is ever more than `BUSY`.
    """
    counts = evidence.recent.invocations
    if not is_sound(counts):
        return Assessment(
            function=evidence.function,
            verdict=Verdict.CALM,
            at=evidence.now,
            grounds=(Ground(reason=Reason.NO_DATA),),
        )
    known = lay_out(evidence, policy)
    readings = read_as_of(evidence, policy, known)
    gravest = _judge_reading(evidence, known, next(readings))
    while gravest.weight < _GRAVEST and (reading := next(readings, None)) is not None:
        gravest = max(gravest, _judge_reading(evidence, known, reading), key=lambda one: one.weight)
    return _conclude(evidence, gravest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """The verdict on one reading of the evidence.

    Attributes
    ----------
    grounds
        As far as they are told apart from those of `_explain_unsuspicious`, which are asked for
        once: of the reading that counts.
    start
        The first unusual minute of its shape.
    """

    traffic: SpikeTraffic
    verdict: Verdict
    grounds: tuple[Ground, ...]
    shape: Shape | None = None
    start: int | None = None

    @property
    def weight(self) -> tuple[int, bool]:
        return _GRAVITY[self.verdict], are_shaped(self.grounds)


def _judge_reading(evidence: Evidence, known: KnownTraffic, traffic: SpikeTraffic) -> _Judged:
    rate, dropped = _measure_rate(traffic), known.dropped
    if rate < traffic.floor:
        below = make_rate_ground(Reason.BELOW_FLOOR, rate, traffic.floor)
        verdict = Verdict.BUSY if dropped else Verdict.CALM
        return _Judged(traffic=traffic, verdict=verdict, grounds=(*dropped, below))
    shape = find_shape(traffic)
    if shape is None:
        verdict = Verdict.BUSY if dropped or _is_busy(traffic, rate) else Verdict.CALM
        return _Judged(traffic=traffic, verdict=verdict, grounds=dropped)
    start = _find_start(traffic, shape.first, shape.level)
    backlog = _find_backlog(traffic, shape, start)
    if backlog is None:
        verdict, grounds = _suspect(evidence, known, traffic, shape)
    else:
        verdict, grounds = Verdict.BUSY, (*dropped, backlog, *shape.grounds)
    return _Judged(traffic=traffic, verdict=verdict, grounds=grounds, shape=shape, start=start)


def _suspect(
    evidence: Evidence, known: KnownTraffic, traffic: SpikeTraffic, shape: Shape
) -> tuple[Verdict, tuple[Ground, ...]]:
    """What a shape that nothing explains leads to."""
    dropped = known.dropped
    pinned = find_pinned(traffic, shape)
    danger = () if traffic.danger is None else traffic.danger.grounds
    grounds = (
        *dropped,
        *danger,
        *pinned,
        *shape.grounds,
        *_explain_novelty(evidence, traffic, shape),
    )
    # That AWS itself found the function invoking itself is proof. No shape is, and no graph: it
    # shows that a circle is closed, not that something goes round in it.
    verdict = Verdict.RUNAWAY if dropped else Verdict.SUSPECTED
    match evidence.proof:
        case LoopProof.CERTAIN:
            return verdict, (Ground(reason=Reason.LOOP_PROVEN), *grounds)
        case LoopProof.RULED_OUT if not dropped:
            return Verdict.BUSY, (Ground(reason=Reason.LOOP_RULED_OUT), *grounds)
        case _:
            return verdict, grounds


def _explain_novelty(evidence: Evidence, traffic: SpikeTraffic, shape: Shape) -> tuple[Ground, ...]:
    """How new the level is, and how much history that was judged by."""
    recent = compute_highest_mean(traffic.values, shape.first - GUARD_MINUTES, SUSTAINED_MINUTES)
    grounds = [make_rate_ground(Reason.ABOVE_RECENT, shape.level, recent)]
    known = traffic.find_precedent()
    if known is not None:
        grounds.append(make_rate_ground(Reason.NO_PRECEDENT, shape.level, known.highest_per_minute))
    days = 0.0 if known is None else known.days
    if evidence.precedent is None:
        grounds.append(Ground(reason=Reason.HISTORY_UNREAD))
    elif days < DAYS_NEEDED:
        grounds.append(
            Ground(
                reason=Reason.NO_HISTORY,
                value=0.0 if known is None else max(0.1, round(days, 1)),
                unit=Unit.DAYS,
                reference=DAYS_NEEDED,
            )
        )
    return tuple(grounds)


def _find_backlog(traffic: SpikeTraffic, shape: Shape, start: int) -> Ground | None:
    """The work of an outage that is caught up with: no more of it than was missing before."""
    before = traffic.values[:start]
    busy = list(filter(None, before))
    if len(busy) < HISTORY_MINUTES // 2:
        return None
    normal = median(busy)
    gap = 0
    while gap < len(before) and before[-gap - 1] < BACKLOG_GAP_SHARE * normal:
        gap += 1
    if gap < BACKLOG_GAP_MINUTES or gap == len(before):
        return None
    missing = gap * normal - sum(before[-gap:])
    extra = sum(traffic.values[start:]) - normal * (len(traffic.values) - start)
    if extra > BACKLOG_TIMES * missing:
        return None
    return make_rate_ground(Reason.BACKLOG, shape.level, normal)


def _is_busy(traffic: SpikeTraffic, rate: float) -> bool:
    """Whether the rate of a function that is not suspected is unusual."""
    values = traffic.values
    if len(values) <= HISTORY_MINUTES:
        return False
    return rate >= UNUSUAL_TIMES * median(values[: -SUSTAINED_MINUTES - 1])


def _explain_unsuspicious(traffic: SpikeTraffic, rate: float) -> Ground:
    """Why a function above the floor is not suspected."""
    values = traffic.values
    last = len(values) - 1
    if last < HISTORY_MINUTES:
        return Ground(
            reason=Reason.NO_HISTORY,
            value=last + 1,
            unit=Unit.MINUTES,
            reference=HISTORY_MINUTES + 1,
        )
    pairs = pairwise(values[-NEWEST_MINUTES:])
    if not any(min(pair) >= traffic.floor for pair in pairs):
        above = sum(1 for value in values[-NEWEST_MINUTES:] if value >= traffic.floor)
        return Ground(
            reason=Reason.NOT_SUSTAINED,
            value=above,
            unit=Unit.MINUTES,
            reference=SUSTAINED_MINUTES,
        )
    explained = traffic.find_explanation(rate, last - GROWTH_GUARD_MINUTES, 1, UNUSUAL_TIMES / 2)
    if explained is not None:
        return explained
    peak = max(values[-GROWTH_GUARD_MINUTES:])
    if values[-1] < values[-2] < peak and values[-1] < SUBSIDED_SHARE * peak:
        return make_rate_ground(Reason.SUBSIDING, values[-1], peak)
    return make_rate_ground(Reason.UNLIKE_LOOP, rate, median(values[: -SUSTAINED_MINUTES - 1]))


def _find_start(traffic: SpikeTraffic, first: int, level: float) -> int:
    """Where the unusual minutes began: as far back as the rate stands out."""
    values = traffic.values
    usual = max(2 * median(values[:first] or [0.0]), 0.01 * level, 1.0)
    while first > 0 and values[first - 1] > usual:
        first -= 1
    return first


def _measure_rate(traffic: SpikeTraffic) -> float:
    return max(traffic.values[-NEWEST_MINUTES:])


def _conclude(evidence: Evidence, judged: _Judged) -> Assessment:
    traffic, shape, grounds = judged.traffic, judged.shape, judged.grounds
    values = traffic.values
    newest = len(values) - 1
    rate = _measure_rate(traffic)
    if shape is None and rate >= traffic.floor:
        grounds = (*grounds, _explain_unsuspicious(traffic, rate))
    start = judged.start
    if shape is None and judged.verdict is not Verdict.CALM and rate > 0:
        start = _find_start(traffic, newest, rate)
    before = len(values) if start is None else start
    seen = any(value is not None for value in evidence.recent.invocations.values[:before])
    return Assessment(
        function=evidence.function,
        verdict=judged.verdict,
        at=evidence.now,
        grounds=grounds,
        rate_per_minute=rate,
        normal_per_minute=median(values[:before]) if seen else None,
        since=None if start is None else evidence.recent.invocations.moment(start),
        normal_concurrency=_find_normal_concurrency(
            traffic.concurrency[: max(0, before - GUARD_MINUTES)]
        ),
        concurrency=max(traffic.concurrency[-NEWEST_MINUTES:]) or None,
        mean_duration_ms=(
            None if traffic.duration_seconds is None else 1000 * traffic.duration_seconds
        ),
        invocations_since=0.0 if start is None else sum(values[start:]),
    )


def _find_normal_concurrency(concurrency: list[float]) -> int | None:
    """The usual peak: what 95 % of its active minutes stay within."""
    active = sorted(filter(None, concurrency))
    if not active:
        return None
    return math.ceil(active[min(len(active) - 1, math.floor(NORMAL_PERCENTILE * len(active)))])
