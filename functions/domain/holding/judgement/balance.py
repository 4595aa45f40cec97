"""What arrived since a spike began, against what the function's own executions wrote.

A loop that multiplies its events soon has more of them waiting than a trial can turn over, so its
generations cannot be counted. But the trial shows how many events each execution writes, and the
spike has been counted from its beginning. All that arrived came from somewhere: from outside, or
from executions. Of a function that ends, each event from outside leads to a few more at most, so a
good share of all came from outside. Of a loop hardly any did: what its executions wrote accounts
for the whole of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.holding.judgement.case import Case
from functions.domain.holding.judgement.tally import BASE_MINUTES, GUARD_MINUTES
from functions.domain.holding.watch import Lever

MULTIPLIES: Final = 1.07  # events written for each, from which on more and more of them wait
LEAST_RUNS: Final = 200.0  # in the trial, that show how much each writes
FEW_FROM_OUTSIDE: Final = 0.07  # of all that arrived: each led to fourteen
# By which the executions may account for more than arrived. Less than they multiply by: else a
# function with nothing waiting, of which as much runs as arrives, would do.
OVERSHOOT: Final = 0.05
MAY_MULTIPLY: Final = 1.05  # of figures that are not settled
ROUGHLY: Final = 0.3  # the same, both ways, of figures that are not settled
ALIKE: Final = (0.75, 1.33)  # what arrived in a minute before, over what its executions wrote
EVEN: Final = (0.88, 1.12)  # the same from minute to minute before, once they are settled
BUSY_SHARE: Final = 0.7  # of the busiest of these minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The account of a spike, from its beginning until a little was let go.

    Attributes
    ----------
    arrived
        Events, with those that waited already when the spike began.
    ran
        Invocations.
    written_each
        Events that arrived for each invocation of the trial.
    is_alike
        Whether as many arrived for each in the minutes before the hold.
    multiplies
        Events that arrived for each that ran in the trial, at least.
    """

    arrived: float
    ran: float
    written_each: float
    is_alike: bool
    multiplies: float

    @classmethod
    def of(cls, case: Case) -> Self | None:
        """The account; ``None`` where its beginning is not known, or the trial shows too little."""
        tally, held = case.tally, case.tally.seen(case.held)
        minutes = _choose_minutes(case)
        waited = _count_waiting_before(case)
        # What comes while it is held, under a cap its own doing too, is not the trial's.
        ran = _count_runs(case, minutes)
        ran -= _count_runs(case, held) * len(minutes) / max(1, len(held))
        more = (tally.rate(minutes) - tally.rate(held)) * len(minutes)
        if len(tally.known(minutes)) < len(minutes) and not case.is_capped:
            # Invocations may be late: as many ran as could.
            most = case.served_per_minute[0] / tally.batch / case.count_times_slower(minutes)
            ran = max(ran, most * len(minutes))
        if ran < LEAST_RUNS or waited is None:
            return None
        each = max(0.0, more) / ran
        spike = range(_find_first(case), tally.index(case.watch.held_until or tally.now))
        return cls(
            arrived=waited + sum(tally.arrived[at] for at in spike),
            ran=_count_runs(case, spike),
            written_each=each,
            is_alike=_is_alike(case, each),
            multiplies=each / case.full_batch,
        )

    @classmethod
    def of_before(cls, case: Case) -> Self | None:
        """The same before the trial, by what was written for each in the minutes before the hold.

        Rough: some of the figures are late.
        """
        tally, waited = case.tally, _count_waiting_before(case)
        busy = _find_busy(case)
        ran = _count_runs(case, busy)
        if ran < LEAST_RUNS or waited is None:
            return None
        each = tally.rate(busy) * len(busy) / ran
        spike = range(_find_first(case), busy[-1] + 1)
        return cls(
            arrived=waited + sum(tally.arrived[at] for at in spike),
            ran=_count_runs(case, spike),
            written_each=each,
            is_alike=_are_alike(case, each, tally.known(busy), EVEN),
            multiplies=each / case.full_batch,
        )

    @property
    def may_show_loop(self) -> bool:
        """Whether its executions account for all of it, roughly: a short trial will do."""
        is_roughly_even = abs(self.from_outside) <= ROUGHLY
        return self.multiplies >= MAY_MULTIPLY and self.is_alike and is_roughly_even

    @property
    def from_outside(self) -> float:
        """Share of what arrived that no execution wrote; below 0 where they wrote more."""
        return (self.arrived - self.written_each * self.ran) / max(1.0, self.arrived)

    @property
    def shows_loop(self) -> bool:
        """Whether its own executions account for all of it, and multiply its events."""
        is_even = -OVERSHOOT <= self.from_outside <= FEW_FROM_OUTSIDE
        return self.multiplies >= MULTIPLIES and self.is_alike and is_even


def multiplies(case: Case) -> bool:
    """Whether it multiplies its events, so that a short trial shows it and a long one does not.

    What waits then is more than any trial turns over, and grows while it runs.
    """
    before = Balance.of_before(case)
    if before is None or not before.may_show_loop:
        return False
    if case.watch.trial_at is None:
        return True
    if _count_runs(case, case.tally.known(case.trial)) < LEAST_RUNS:
        minutes = case.watch.plan.trial_seconds / MINUTE_SECONDS
        return case.served_per_minute[0] / case.tally.batch * minutes >= LEAST_RUNS
    balance = Balance.of(case)
    return balance is not None and balance.may_show_loop


def multiplies_in_trial(case: Case) -> bool:
    """Whether it multiplied its events in the trial, as far as that is known."""
    balance = Balance.of(case)
    return balance is not None and balance.multiplies >= MAY_MULTIPLY


def wrote_all(case: Case) -> bool:
    """Whether the settled minutes of the trial show already that it wrote all of its events."""
    if _count_runs(case, case.tally.known(case.trial)) < LEAST_RUNS:
        return False
    balance = Balance.of(case)
    return balance is not None and balance.shows_loop


def _choose_minutes(case: Case) -> list[int]:
    """The minutes from the trial until it stood still, or of the trial, as far as they are settled.

    While these show too little, those that are seen. What an execution writes may be counted a
    minute after it: of all of them that makes no difference.
    """
    tally, closing = case.tally, case.closing
    if closing and case.watch.trial_at is not None:
        return list(range(tally.index(case.watch.trial_at), closing.stop))
    settled = tally.known(case.trial)
    return settled if _count_runs(case, settled) >= LEAST_RUNS else tally.seen(case.trial)


def _count_runs(case: Case, minutes: Iterable[int]) -> float:
    served = case.tally.counts.invocations.values
    return sum(served[at] or 0.0 for at in minutes)


def _find_first(case: Case) -> int:
    return case.tally.index(case.watch.spike_since) - GUARD_MINUTES


def _count_waiting_before(case: Case) -> float | None:
    """How many events waited when the spike began, at most; ``None`` where that is unknown."""
    tally, watch, first = case.tally, case.watch, _find_first(case)
    if first < 1:
        return None
    if Lever.PAUSE in watch.plan.levers:
        # What a queue does not say of the spike is not nothing.
        if watch.plan.levers != (Lever.PAUSE,) or tally.has_hole(range(first, tally.settled)):
            return None
        return tally.queued([first])
    lasted = watch.held_at - watch.spike_since
    # Of what is polled in turn nothing that waited before the spike is left to be let go.
    if Lever.ZERO in watch.plan.levers and (
        watch.lag_seconds is None or timedelta(seconds=watch.lag_seconds) > lasted
    ):
        return None
    served = tally.counts.invocations.values
    base = range(max(0, first - BASE_MINUTES), first)
    if not any(served[at] for at in base):
        return None
    left = most = 0.0
    for at in reversed(base):
        left += tally.arrived[at] - (served[at] or 0.0)
        most = max(most, left)
    return most


def _find_busy(case: Case) -> list[int]:
    """The minutes just before the hold in which as much ran as in any of them, or nearly."""
    served = case.tally.counts.invocations.values
    ran = {at: served[at] or 0.0 for at in case.tally.before if at < len(served)}
    return [at for at, count in ran.items() if count and count > BUSY_SHARE * max(ran.values())]


def _is_alike(case: Case, each: float) -> bool:
    busy = _find_busy(case)
    return bool(busy) and _are_alike(case, each, busy, ALIKE)


def _are_alike(
    case: Case, each: float, minutes: Iterable[int], bounds: tuple[float, float]
) -> bool:
    tally, (low, high) = case.tally, bounds
    served = tally.counts.invocations.values
    return all(
        low * each <= tally.arrived[at] / (served[at] or 1.0) <= high * each for at in minutes
    )
