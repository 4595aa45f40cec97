"""A loop inside a busy function: it writes for as long as it runs, whatever waited meanwhile.

Where much comes from outside, hardly anything can be seen to go round against it. But a function
that writes about what it is sent catches up. Once it is let go, it writes for what came while it
stood still, as it does for what comes now: as much as in all the time since it was held. A loop
writes as much as before for as long as it runs, and nothing for what had waited.

That is asked only where nothing has changed outside: as much comes from there as all that was usual
before the spike. A function that writes more because it is sent more is no such case.

A healthy function whose writing does not follow the number of events looks the same: one that
writes so many a minute, or for each batch where batches become larger while events wait. Whoever
acts on it must know.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.holding.judgement.case import Case
from functions.domain.holding.plan import GENERATIONS
from functions.domain.holding.watch import Lever

MUCH_OUTSIDE: Final = 1 / (2 * GENERATIONS)  # of what is more than usual: its rounds show less well
LEAST_USUAL: Final = 20.0  # events a minute: of fewer the counts say too little
SPIKE_TIMES: Final = 2.0  # what was usual, that arrived before the hold at least
AS_USUAL: Final = 1.3  # times more or less than what was usual
LEAST_STILL: Final = 0.3  # of the time in which it ran, that it stood still before
LEFT_SHARE: Final = 0.3  # of what waited, that may wait still at the end of the trial
LEVEL: Final = (0.7, 1.5)  # what it writes when it has caught up, over what it wrote before
NOTHING_WRITTEN: Final = 0.1  # for this share of what had waited at most: a loop
ALL_WRITTEN: Final = 0.6  # for this share of it at least: no loop
SIGMAS: Final = 3.0


def may_loop_beside_work(case: Case) -> bool:
    """Whether its spike came on top of usual work, and that work still comes, as far as is seen.

    So much of it that what goes round can hardly be counted against it.
    """
    tally = case.tally
    usual, before = tally.normal_per_minute, tally.before_per_minute
    least = max(LEAST_USUAL, MUCH_OUTSIDE * (before - usual))
    if usual < least or before < SPIKE_TIMES * usual:
        return False
    held, again = tally.seen(case.held), tally.seen(case.again)
    return all(_comes_as_usual(case, minutes) for minutes in (held, again) if minutes)


def _comes_as_usual(case: Case, minutes: Sequence[int]) -> bool:
    """Whether as much came from outside in these minutes as was usual; of late figures, not more.

    Under a cap what its own executions may have written is not counted for more.
    """
    tally, usual = case.tally, case.tally.normal_per_minute
    if tally.unserved(minutes) > AS_USUAL * usual + SIGMAS * math.sqrt(usual / len(minutes)):
        return False
    known = tally.known(minutes)
    least = usual / AS_USUAL - SIGMAS * math.sqrt(usual / max(1, len(known)))
    return not known or tally.rate(known) >= least


def is_level_again(case: Case, minutes: Sequence[int]) -> bool:
    """Whether it wrote about as much in one of these minutes as before the hold."""
    written = _estimate_written(case)
    low, high = (share * written for share in LEVEL)
    outside = _estimate_outside(case)
    return any(low / case.times_slower <= case.tally.arrived[at] - outside for at in minutes) and (
        case.tally.rate(minutes) - outside <= high
    )


def _estimate_outside(case: Case) -> float:
    """What comes from outside a minute; under a cap the usual, for it writes a part of the rest."""
    tally = case.tally
    return tally.normal_per_minute if case.is_capped else tally.rate(tally.seen(case.held))


def _estimate_written(case: Case) -> float:
    """What it wrote a minute before the hold."""
    return max(1.0, case.tally.before_per_minute - _estimate_outside(case))


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchingUp:
    """What it wrote from the trial until it stood still, in minutes of what it wrote before.

    Attributes
    ----------
    wrote
        So many minutes' worth, and `uncertain` by so many.
    ran
        Minutes' worth of executions as before, that the trial gave it the time for.
    still
        Minutes in which it stood still before that, at least; what runs under a cap is taken off.
    """

    wrote: float
    uncertain: float
    ran: float
    still: float

    @classmethod
    def of(cls, case: Case) -> Self | None:
        """What the trial shows of that; ``None`` where it shows nothing."""
        tally, watch, closing = case.tally, case.watch, case.closing
        if not closing or watch.trial_at is None:
            return None
        trial = range(tally.index(watch.trial_at), closing.stop)
        held_at = watch.first_again_at or watch.held_at
        shares = _share_minutes(case, range(tally.index(held_at), closing.stop))
        active = [at for at in trial if shares.get(at)]
        if not active:
            return None
        ran = sum(shares[at] for at in active)
        still = sum(1.0 - shares[at] for at in shares if at < active[0])
        if still < LEAST_STILL * ran or not _has_caught_up(case, still):
            return None
        minutes = range(active[0], closing.stop)
        total = sum(tally.arrived[at] for at in minutes)
        written = _estimate_written(case)
        return cls(
            wrote=(total - _estimate_outside(case) * len(minutes)) / written,
            uncertain=SIGMAS * math.sqrt(total) / written,
            ran=ran,
            still=still,
        )

    @property
    def caught_up(self) -> float:
        """Share of what had waited, that it wrote for: below 0 where it wrote less than before."""
        return (self.wrote - self.ran) / self.still

    @property
    def shows_loop(self) -> bool:
        """Whether it wrote nothing for what had waited."""
        return self.caught_up + self.uncertain / self.still <= NOTHING_WRITTEN

    @property
    def shows_writer(self) -> bool:
        """Whether it wrote for most of it."""
        return self.caught_up >= ALL_WRITTEN


def _share_minutes(case: Case, minutes: Sequence[int]) -> dict[int, float]:
    """What ran in each minute, over what ran in a minute before the hold; 1 at most."""
    served, before = case.tally.counts.invocations.values, case.tally.before
    usual = sum(served[at] or 0.0 for at in before) / max(1, len(before))
    return {at: min(1.0, (served[at] or 0.0) / usual) for at in minutes} if usual else {}


def _has_caught_up(case: Case, still: float) -> bool:
    """Whether nearly all that waited was served by the end of the trial.

    Of a stream its IteratorAge shows that, of a queue what may be received.
    """
    tally, watch = case.tally, case.watch
    known = tally.known(case.trial)
    if not known:
        return False
    if Lever.CAP in watch.plan.levers:
        return tally.waiting(watch.again_at or tally.now) <= LEFT_SHARE * case.waiting
    if Lever.PAUSE in watch.plan.levers:
        left = tally.queued(known[-1:])
        return left is not None and left <= LEFT_SHARE * still * _estimate_outside(case)
    lag = tally.counts.lag_ms
    age = None if lag is None or known[-1] >= len(lag.values) else lag.values[known[-1]]
    return age is not None and age / 1000 <= LEFT_SHARE * MINUTE_SECONDS + case.guess_round()
