"""What a probation shows: whether what is let go comes back.

The rules are those of a hold (see `functions.domain.holding.judgement`). That something is there is
concluded from young minutes too, that it is not there from settled ones only. How often events came
back is `rounds`: what arrived beyond what arrives from outside, over what waited. A loop passes
every bound; a function that writes about its work stays below what it writes for each event.

What comes back is held again before anything is concluded: people who begin to send when they hear
that the function is back do not stop with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from functions.domain.holding.judgement.case import BACK_SHARE
from functions.domain.holding.judgement.conclusion import FEW_GENERATIONS, FEW_SHARE, SIGMAS
from functions.domain.holding.judgement.outside import OUTSIDE_SHARE
from functions.domain.holding.judgement.tally import Counts, MinuteCounts
from functions.domain.holding.plan import ENDING_SECONDS, ENDING_TIMES, RESERVATION_SECONDS
from functions.domain.probation.record import (
    HELD_AGAIN_AT_MOST,
    LET_GO_AT_MOST,
    OPENING,
    STAGE,
    Probation,
    ProbationFigures,
    ProbationOutcome,
    ProbationPhase,
)

ENOUGH_TIMES: Final = 1.1  # of the rounds that show a loop, counted: it may be held back
ENOUGH_ROUNDS: Final = 20.0  # that only a loop goes: no second trial shows them once more
LEAST_MINUTES: Final = 3  # whole ones, of what is let go
BEFORE_MINUTES: Final = 10  # in which nothing ran, that tell what arrives from outside
FALLEN_SHARE: Final = 0.7  # of what arrived from outside before
_RESERVATION: Final = timedelta(seconds=RESERVATION_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOn:
    """Nothing to do yet."""

    figures: ProbationFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class LetMoreGo:
    """Nothing comes back so far: let the next mapping go."""

    figures: ProbationFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldBack:
    """Something comes back: hold it as before, to see whether that stops."""

    figures: ProbationFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclude:
    """It is over."""

    outcome: ProbationOutcome
    figures: ProbationFigures


ProbationVerdict: TypeAlias = GoOn | LetMoreGo | HoldBack | Conclude


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbationCounts:
    """What is counted of a function on probation.

    Attributes
    ----------
    counts
        Of all that may lie on its loop.
    contained_at
        Since when it was stopped or held before; ``None`` where unknown.
    is_polled
        Whether event source mappings invoke it.
    is_more_held
        Whether a mapping of it is still to be let go.
    usual_per_minute
        What arrives usually, of a function that was held under a cap: what people send was served
        under it, so that it does not stand out. 0 for others.
    """

    counts: Counts
    contained_at: datetime | None
    is_polled: bool
    is_more_held: bool = False
    usual_per_minute: float = 0.0


def judge_probation(
    probation: Probation, counted: ProbationCounts, now: datetime
) -> ProbationVerdict:
    """What to do with a function on probation."""
    let_go_at = probation.let_go_at or probation.since
    passed = ((probation.again_at or now) - let_go_at) / timedelta(minutes=1)
    laid = MinuteCounts.lay_out(counted.counts, now)
    plain = ProbationFigures(minutes=max(0.0, passed))
    case = None
    if laid is not None:
        since = range(laid.index(let_go_at), laid.settled)
        # A queue that was inactive publishes nothing at first: nobody knows what arrived.
        case = (
            None
            if laid.has_hole(since)
            else _Trial(probation=probation, counted=counted, laid=laid)
        )
    figures = plain if case is None else case.count_figures(plain)
    match probation.phase:
        case ProbationPhase.LET_GO:
            return _judge_let_go(case, probation, counted, figures, now)
        case ProbationPhase.HELD_AGAIN:
            return _judge_held_again(case, probation, figures, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A probation with its minutes."""

    probation: Probation
    counted: ProbationCounts
    laid: MinuteCounts

    @property
    def let_go_at(self) -> datetime:
        return self.probation.let_go_at or self.probation.since

    @property
    def minutes(self) -> range:
        """The whole minutes in which something was let go."""
        begin = self.let_go_at + _RESERVATION
        return self.laid.whole(begin, self.probation.again_at or self.laid.now)

    @property
    def every_minute(self) -> range:
        """The same with the broken ones at its ends: a few events are gone within the first."""
        end = self.laid.index(self.probation.again_at or self.laid.now) + 1
        first = max(0, self.laid.index(self.let_go_at))
        return range(first, min(max(first, end), len(self.laid.arrived)))

    @property
    def of_all(self) -> range:
        """Those of them in which all of it was."""
        opening = OPENING if self.counted.is_polled else _RESERVATION
        begin = (self.probation.last_let_go_at or self.let_go_at) + opening
        return self.laid.whole(begin, self.probation.again_at or self.laid.now)

    @property
    def again(self) -> range:
        """The minutes in which it was held again, and nothing ran any more."""
        longest = max((one or 0.0 for one in self.laid.counts.duration_ms.values), default=0.0)
        few, many = ENDING_TIMES
        ending = max(few * longest / 1000, min(many * longest / 1000, ENDING_SECONDS))
        lever = OPENING if self.probation.before is None else _RESERVATION
        begin = (self.probation.again_at or self.laid.now) + lever + timedelta(seconds=ending)
        return self.laid.whole(begin, self.laid.now)

    @property
    def before(self) -> range:
        """The minutes before, in which it stood still, or ran under a cap."""
        end = self.let_go_at
        begin = end - timedelta(minutes=BEFORE_MINUTES)
        since = self.counted.contained_at
        if since is not None:
            begin = max(begin, since + OPENING)
        return self.laid.whole(begin, end)

    @property
    def outside(self) -> float:
        """What arrives a minute from others, by the newest minutes in which nothing ran."""
        known = self.laid.known(self.again) if self.probation.again_at is not None else []
        if known and self.probation.falls_silent:
            return self.laid.rate(known)
        return self.outside_before

    @property
    def outside_before(self) -> float:
        """What did before it was let go, at least; 0 where less than that arrives by now.

        Whoever has stopped sending explains nothing of what still comes.
        """
        measured = self._measure_before()
        seen = self.laid.seen(self.minutes)
        has_fallen = bool(seen) and self.laid.rate(seen) < FALLEN_SHARE * measured
        return 0.0 if has_fallen else measured

    def _measure_before(self) -> float:
        minutes = self.laid.seen(self.before)
        ran = self.laid.counts.invocations.values
        left = [max(0.0, self.laid.arrived[at] - (ran[at] or 0.0)) for at in minutes]
        measured = sum(left) / len(left) if left else 0.0
        return max(measured, self.counted.usual_per_minute)

    @property
    def waiting(self) -> float:
        """Events that waited when it was let go, at least 1."""
        laid, end = self.laid, self.laid.index(self.let_go_at)
        queued = laid.queued(range(max(0, end - BEFORE_MINUTES), end + 1)) or 0.0
        since = self.counted.contained_at
        first = 0 if since is None else max(0, laid.index(since))
        ran = laid.counts.invocations.values
        unserved = sum(laid.arrived[at] - (ran[at] or 0.0) for at in range(first, max(first, end)))
        # Asynchronous events do not wait for a function that is stopped: they are given up.
        does_wait = self.counted.is_polled or not self.probation.was_stopped
        return max(1.0, queued, unserved if does_wait else 0.0)

    def count_more(self, minutes: Sequence[int]) -> float:
        """What arrived in these minutes beyond what arrives from outside, at least."""
        outside = self.outside * len(minutes)
        arrived = sum(self.laid.arrived[at] for at in minutes)
        return max(0.0, arrived - outside - SIGMAS * math.sqrt(outside))

    def count_runs(self, minutes: Sequence[int]) -> float:
        """Invocations in these minutes, as far as they are known."""
        ran = self.laid.counts.invocations.values
        return sum(ran[at] or 0.0 for at in minutes)

    def count_rounds(self) -> float:
        """How often what waited came back, at least."""
        minutes = self.every_minute
        return self.count_more(minutes) / (self.waiting + self.outside * len(minutes))

    @property
    def comes_back(self) -> bool:
        """Whether what arrives is a good share of what runs, by what is seen."""
        minutes = self.laid.seen(self.minutes)
        most = BACK_SHARE * max(1.0, self.count_runs(minutes))
        return bool(minutes) and self.count_more(minutes) >= most

    @property
    def is_enough(self) -> bool:
        """Whether it came back often enough to be held again."""
        is_long = len(self.minutes) >= LEAST_MINUTES
        return is_long and self.comes_back and self.count_rounds() >= ENOUGH_TIMES * ENOUGH_ROUNDS

    def count_figures(self, plain: ProbationFigures) -> ProbationFigures:
        """What is known by now, for people."""
        again = self.laid.seen(self.again) if self.probation.again_at is not None else []
        minutes = self.laid.seen(self.minutes)
        return replace(
            plain,
            let_go=self.waiting,
            rounds=self.count_rounds(),
            ran=self.count_runs(self.every_minute),
            outside_per_minute=self.outside,
            per_minute=self.laid.rate(minutes) if minutes else None,
            again_per_minute=self.laid.rate(again) if again else None,
        )


def _judge_let_go(
    case: _Trial | None,
    probation: Probation,
    counted: ProbationCounts,
    figures: ProbationFigures,
    now: datetime,
) -> ProbationVerdict:
    last = probation.last_let_go_at or probation.since
    comes_back = case is not None and case.comes_back
    if case is not None and case.is_enough:
        return HoldBack(figures=figures)
    if counted.is_more_held:
        is_next = now >= last + STAGE and not comes_back
        if is_next:
            return LetMoreGo(figures=figures)
    elif case is not None and not comes_back:
        known = case.laid.known(case.of_all)
        if len(known) >= LEAST_MINUTES and case.count_runs(case.every_minute) > 0:
            return Conclude(outcome=_name_pass(case), figures=figures)
    if now < last + OPENING + LET_GO_AT_MOST:
        return GoOn(figures=figures)
    if case is None:
        return Conclude(outcome=ProbationOutcome.UNCOUNTED, figures=figures)
    if comes_back:
        return HoldBack(figures=figures)
    is_known = len(case.laid.known(case.of_all)) >= LEAST_MINUTES
    ran = case.count_runs(case.every_minute)
    outcome = ProbationOutcome.NOTHING_RAN if is_known and not ran else ProbationOutcome.DATA_LATE
    return Conclude(outcome=outcome, figures=figures)


def _name_pass(case: _Trial) -> ProbationOutcome:
    """Whether what ran was counted where it arrived: else nothing can come back there."""
    is_counted = case.counted.is_polled or any(case.laid.arrived)
    return ProbationOutcome.NOT_COME_BACK if is_counted else ProbationOutcome.UNCOUNTED


def _judge_held_again(
    case: _Trial | None, probation: Probation, figures: ProbationFigures, now: datetime
) -> ProbationVerdict:
    again_at = probation.again_at or probation.since
    if case is not None:
        minutes = case.laid.seen(case.minutes)
        own = case.laid.rate(minutes) - case.outside_before
        seen = case.laid.seen(case.again)
        more = case.laid.rate(seen) - case.outside_before
        goes_on = more >= OUTSIDE_SHARE * max(1.0, own)
        if probation.falls_silent and seen and goes_on:
            return Conclude(outcome=ProbationOutcome.FED_FROM_OUTSIDE, figures=figures)
        is_settled = case.laid.index(again_at) < case.laid.settled
        is_silent = bool(case.laid.known(case.again)) or not probation.falls_silent
        if is_settled and is_silent:
            return Conclude(outcome=_name_own_doing(case), figures=figures)
    if now < again_at + HELD_AGAIN_AT_MOST:
        return GoOn(figures=figures)
    return Conclude(outcome=ProbationOutcome.NOT_SETTLED, figures=figures)


def _name_own_doing(case: _Trial) -> ProbationOutcome:
    """What it is that came back by the function's own doing, once all minutes are settled."""
    rounds, minutes = case.count_rounds(), case.minutes
    if case.count_more(minutes) < BACK_SHARE * max(1.0, case.count_runs(minutes)):
        return ProbationOutcome.NOT_COME_BACK  # the runs were late, and they were many
    if rounds >= ENOUGH_ROUNDS:
        return ProbationOutcome.CAME_BACK
    possible = case.count_runs(minutes) / (case.waiting + case.outside * len(minutes))
    is_few = rounds < min(FEW_GENERATIONS, FEW_SHARE * possible)
    return ProbationOutcome.FEW_ROUNDS if is_few else ProbationOutcome.TOO_MANY_WAIT
