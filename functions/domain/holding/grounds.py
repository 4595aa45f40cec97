"""What a hold showed, as the grounds of an assessment: for the log, the record and the notice."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.holding.callers import UnderCap
from functions.domain.holding.judgement.case import Figures
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldVerdict,
    Release,
    ReleaseReason,
    Shown,
    UntoldReason,
)
from functions.domain.holding.plan import GENERATIONS, NotHeld, NotHeldReason
from functions.domain.holding.watch import HoldPlan

_NOT_HELD: Final[Mapping[NotHeldReason, tuple[Reason, Unit]]] = MappingProxyType(
    {
        NotHeldReason.UNKNOWN_SOURCES: (Reason.SOURCES_UNKNOWN, Unit.NONE),
        NotHeldReason.SYNCHRONOUS: (Reason.CALLERS_WAIT, Unit.NONE),
        NotHeldReason.MIXED_SOURCES: (Reason.SOURCES_MIXED, Unit.NONE),
        NotHeldReason.UNKNOWN_MAPPING: (Reason.MAPPING_UNKNOWN, Unit.NONE),
        NotHeldReason.PROVISIONED_MODE: (Reason.PROVISIONED_MODE, Unit.NONE),
        NotHeldReason.PROVISIONED_CONCURRENCY: (Reason.PROVISIONED_CONCURRENCY, Unit.NONE),
        NotHeldReason.FEW_RECEIVES: (Reason.FEW_RECEIVES, Unit.RECEIVES),
        NotHeldReason.SHORT_RETENTION: (Reason.SHORT_RETENTION, Unit.SECONDS),
        NotHeldReason.SHORT_AGE: (Reason.SHORT_AGE, Unit.SECONDS),
        NotHeldReason.UNKNOWN_DURATION: (Reason.DURATION_UNKNOWN, Unit.NONE),
        NotHeldReason.DOES_NOT_BIND: (Reason.CAP_TOO_HIGH, Unit.CONCURRENT),
        NotHeldReason.HELD_OFTEN: (Reason.HELD_OFTEN, Unit.TIMES),
        NotHeldReason.TOO_SLOW: (Reason.CYCLE_TOO_SLOW, Unit.SECONDS),
        NotHeldReason.BACKLOG_BEFORE: (Reason.BACKLOG_BEFORE, Unit.SECONDS),
        NotHeldReason.NO_PEAK: (Reason.PEAK_UNKNOWN, Unit.DAYS),
        NotHeldReason.CAPPED_LATELY: (Reason.CAPPED_LATELY, Unit.NONE),
    }
)
_RELEASED: Final[Mapping[ReleaseReason, Reason]] = MappingProxyType(
    {
        ReleaseReason.NOT_ARRIVING: Reason.NOTHING_ARRIVES,
        ReleaseReason.STILL_ARRIVING: Reason.FED_FROM_OUTSIDE,
        ReleaseReason.WRITES_EXPLAIN: Reason.WRITES_EXPLAIN,
        ReleaseReason.NOT_COME_BACK: Reason.NOT_COME_BACK,
        ReleaseReason.ENDED: Reason.ENDED_IN_TRIAL,
        ReleaseReason.UNLIKE_TRIAL: Reason.UNLIKE_TRIAL,
        ReleaseReason.CAME_ON: Reason.CAME_ON,
        ReleaseReason.FEW_GENERATIONS: Reason.FEW_GENERATIONS,
    }
)
_UNTOLD: Final[Mapping[UntoldReason, Reason]] = MappingProxyType(
    {
        UntoldReason.UNCOUNTED: Reason.UNCOUNTED,
        UntoldReason.TOO_MUCH_OUTSIDE: Reason.TOO_MUCH_OUTSIDE,
        UntoldReason.TOO_SLOW: Reason.CYCLE_TOO_SLOW,
        UntoldReason.TOO_DEAR: Reason.TRIAL_TOO_DEAR,
        UntoldReason.DATA_LATE: Reason.DATA_LATE,
    }
)


def explain_not_held(why: NotHeld) -> Ground:
    """Why a function is not held."""
    reason, unit = _NOT_HELD[why.reason]
    return Ground(reason=reason, value=why.value, unit=unit, reference=why.bound)


def explain_imagined_cap(plan: HoldPlan) -> Ground:
    """How callers would be refused, where nothing may be changed."""
    return Ground(reason=Reason.WOULD_BE_CAPPED, value=plan.cap, unit=Unit.CONCURRENT)


def explain_cap(figures: UnderCap) -> tuple[Ground, ...]:
    """What was seen under a cap in danger."""
    grounds = [
        Ground(reason=Reason.CAPPED_FOR, value=round(figures.minutes), unit=Unit.MINUTES),
        Ground(reason=Reason.CALLERS_REFUSED, value=figures.refused, unit=Unit.INVOCATIONS),
    ]
    if figures.asked_per_minute is not None:
        asked = figures.asked_per_minute
        grounds.append(Ground(reason=Reason.STILL_ASKED, value=asked, unit=Unit.ATTEMPTS))
    return tuple(grounds)


def explain_hold(verdict: HoldVerdict) -> tuple[Ground, ...]:
    """What a hold has shown so far, what decides first."""
    return tuple(_explain(verdict))


def _explain(verdict: HoldVerdict) -> Iterator[Ground]:
    figures = verdict.figures
    match verdict:
        case Shown(is_beside_work=True):
            yield Ground(reason=Reason.LOOP_BESIDE_WORK)
        case Shown():
            yield Ground(reason=Reason.COMES_BACK)
        case Release(reason=reason):
            yield Ground(reason=_RELEASED[reason])
        case CannotTell(reason=untold):
            yield Ground(reason=_UNTOLD[untold])
        case _:
            pass
    yield from _list_figures(figures)


def _list_figures(figures: Figures) -> Iterator[Ground]:
    yield Ground(reason=Reason.HELD_FOR, value=round(figures.minutes), unit=Unit.MINUTES)
    if figures.held_per_minute is not None:
        yield Ground(
            reason=Reason.ARRIVED_WHILE_HELD,
            value=figures.held_per_minute,
            unit=Unit.EVENTS_PER_MINUTE,
            reference=figures.before_per_minute,
        )
    if figures.waiting is not None:
        yield Ground(reason=Reason.LET_GO, value=round(figures.waiting), unit=Unit.EVENTS)
    if figures.wrote_minutes is not None:
        yield Ground(
            reason=Reason.WROTE_NO_MORE,
            value=round(figures.wrote_minutes, 1),
            unit=Unit.MINUTES,
            reference=round(figures.writer_minutes or 0.0, 1),
        )
    elif figures.written_for_each is not None:
        yield Ground(reason=Reason.WROTE_ALL, value=figures.written_for_each, unit=Unit.EVENTS)
    elif figures.waiting is not None and figures.generations is not None:
        yield Ground(
            reason=Reason.CAME_BACK,
            value=figures.generations,
            unit=Unit.TIMES,
            reference=GENERATIONS,
        )
    if figures.again_per_minute is not None:
        yield Ground(
            reason=Reason.ARRIVED_HELD_AGAIN,
            value=figures.again_per_minute,
            unit=Unit.EVENTS_PER_MINUTE,
            reference=figures.trial_per_minute,
        )
