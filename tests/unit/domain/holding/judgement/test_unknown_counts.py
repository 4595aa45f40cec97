"""Counts that are missing or late, and the time that a hold is given."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from bench.detection.holds import held_play
from bench.detection.holds.held_play import Play
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import Series
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.judgement.verdict import judge_hold
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldVerdict,
    Release,
    Shown,
    UntoldReason,
)
from functions.domain.holding.watch import Phase, Watch
from tests.unit.domain.holding.judgement.playing import (
    HELD,
    PUNCTUAL,
    make_loop,
    play_out,
    show_late,
)


class _Blind(Play):
    """A hold of which something is not counted."""

    change: Callable[[Counts], Counts]

    @property
    def counts(self) -> Counts:
        return type(self).change(super().counts)


def _lose_arrivals(counts: Counts) -> Counts:
    return replace(counts, arrivals=(replace(counts.arrivals[0], counts=None),))


def _lose_depth(counts: Counts) -> Counts:
    arrivals = (replace(counts.arrivals[0], waiting=None),)
    return replace(counts, waiting=None, arrivals=arrivals)


def _lose_points(counts: Counts) -> Counts:
    series = counts.arrivals[0].counts
    assert series is not None
    gone = replace(series, values=(None,) * len(series.values))
    return replace(counts, arrivals=(replace(counts.arrivals[0], counts=gone),))


@pytest.mark.parametrize("change", [_lose_arrivals, _lose_depth, _lose_points])
def test_what_is_not_counted_cannot_be_told(change: Callable[[Counts], Counts]) -> None:
    """A queue's missing datapoint does not say that nothing was sent."""
    blind = type("Blind", (_Blind,), {"change": staticmethod(change)})
    play: Play = blind(make_loop(SourceKind.QUEUE), np.random.default_rng(1), show_late([PUNCTUAL]))

    verdict = play.run().verdict

    assert isinstance(verdict, CannotTell)
    assert verdict.reason is UntoldReason.UNCOUNTED


@pytest.mark.thorough
def test_a_hold_ends_in_the_time_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever phase its data fail to come."""
    limits: list[timedelta] = []

    def noting(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        limits.append(watch.plan.longest - (now - watch.held_at))
        if watch.phase is Phase.HELD_AGAIN:  # nothing more comes in
            now_ = watch.since
            counts = replace(counts, waiting=None)
            return judge_hold(watch, _cut(counts, now_), now)
        return judge_hold(watch, counts, now)

    monkeypatch.setattr(held_play, "judge_hold", noting)
    for kind in HELD:
        ended = play_out(make_loop(kind))
        assert isinstance(ended.verdict, CannotTell | Release | Shown)
    assert min(limits) >= timedelta(0)


def _cut(counts: Counts, until: datetime) -> Counts:
    """The counts as if nothing had come in since."""

    def cut(series: Series) -> Series:
        keep = int((until - series.start) / timedelta(minutes=1))
        return replace(
            series, values=(*series.values[:keep], *[None] * (len(series.values) - keep))
        )

    arrivals = tuple(
        replace(one, counts=None if one.counts is None else cut(one.counts))
        for one in counts.arrivals
    )
    return replace(counts, arrivals=arrivals, invocations=cut(counts.invocations))
