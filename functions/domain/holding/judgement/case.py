"""A hold that is under way, laid out: its minutes, and what a loop would do in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.holding.judgement.tally import Tally
from functions.domain.holding.plan import BACKOFF_SECONDS, GENERATIONS, LONGEST_TRIAL_SECONDS
from functions.domain.holding.watch import Lever, Watch

TURNS: Final = 1.35  # a trial is longer than the cycle asks for, by this
GUESSED_TIMES: Final = 1.2  # durations, and so many seconds, in which an event comes back
GUESSED_SECONDS: Final = 1.5
BACK_SHARE: Final = 0.3  # of what a loop would send during the trial: less, and it did not return
CLOSING_SHARE: Final = 0.5  # of what comes in a minute of the trial: less, and it stood still in it
BACKOFF_MINUTES: Final = 1  # of a trial under a cap, that what was throttled needs to come back


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was seen, for people. Rates are events a minute; ``None`` where not known yet.

    Attributes
    ----------
    written_for_each
        Events that its executions wrote for each that they were given, where that alone accounts
        for all that arrived since it began.
    wrote_minutes, writer_minutes
        Of a loop inside a busy function: in how many minutes before the hold it wrote as much as in
        the trial, and one that writes for what it is sent would have.
    """

    minutes: float
    normal_per_minute: float = 0.0
    before_per_minute: float = 0.0
    held_per_minute: float | None = None
    trial_per_minute: float | None = None
    again_per_minute: float | None = None
    waiting: float | None = None
    generations: float | None = None
    written_for_each: float | None = None
    wrote_minutes: float | None = None
    writer_minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A hold, and what a loop would do in it."""

    tally: Tally
    figures: Figures

    @property
    def watch(self) -> Watch:
        """The hold, as it is stored."""
        return self.tally.watch

    @property
    def is_capped(self) -> bool:
        """Whether something runs while it is held."""
        return Lever.CAP in self.watch.plan.levers

    @property
    def held(self) -> range:
        """The minutes of the first hold in which nothing ran any more."""
        end = self.watch.held_until or self.tally.now
        return self.tally.whole(self.watch.held_at + self.watch.plan.settling, end)

    @property
    def trial(self) -> range:
        """The minutes in which all that was let go ran."""
        begin = self.watch.trial_at or self.tally.now
        begin += self.watch.plan.opening
        if self.is_capped:
            begin += timedelta(minutes=BACKOFF_MINUTES)
        return self.tally.whole(begin, self.watch.again_at or self.tally.now)

    @property
    def again(self) -> range:
        """The minutes of the second hold in which nothing ran any more."""
        begin = (self.watch.again_at or self.tally.now) + self.watch.plan.settling
        return self.tally.whole(begin, self.tally.now)

    @property
    def closing(self) -> range:
        """The minutes from the second hold until it stood still; empty while that is not settled.

        In the last of them much less came than in a minute of the trial: it stood still for a good
        part of it.
        """
        tally = self.tally
        began = tally.index(self.watch.again_at or tally.now)
        most = self.outside + CLOSING_SHARE * (tally.rate(self.trial) - self.outside)
        again = self.again
        for at in range(began, tally.settled):
            if tally.arrived[at] <= most or at in again:
                return range(began, at + 1)
        return range(0)

    @property
    def trial_ends(self) -> datetime:
        """When the trial has lasted as long as it was meant to."""
        seconds = self.watch.trial_seconds or self.watch.plan.trial_seconds
        return self.watch.since + self.watch.plan.opening + timedelta(seconds=seconds)

    @property
    def outside(self) -> float:
        """What goes on arriving while it is held, at most."""
        held, again = self.tally.seen(self.held), self.tally.seen(self.again)
        return max(self.tally.rate(held), self.tally.rate(again) if again else 0.0)

    @property
    def unwritten(self) -> float:
        """The same without what the executions under a cap can have written themselves.

        A loop under a cap goes on writing as much as the cap lets run: that is not from outside.
        """
        held, again = self.tally.seen(self.held), self.tally.seen(self.again)
        return max(self.tally.unserved(held), self.tally.unserved(again))

    @property
    def waiting(self) -> float:
        """What waited when a little was let go, at most."""
        until = self.watch.held_until or self.tally.now
        noted = max(self.watch.waiting or 1.0, self.tally.queued(self.held) or 0.0)
        if self.watch.plan.levers == (Lever.PAUSE,):
            return noted
        counted = self.tally.waiting(until)
        return counted + noted if Lever.PAUSE in self.watch.plan.levers else counted

    @property
    def served_per_minute(self) -> tuple[float, float]:
        """Events a minute that the trial lets go: with batches as before, and with full ones."""
        invocations = (self.watch.trial_concurrency or 1) * MINUTE_SECONDS / self.tally.duration
        return invocations * self.tally.batch, invocations * self.most_for_each

    @property
    def most_for_each(self) -> float:
        """Events that a loop writes for each invocation, at most: full batches, and its fan-out."""
        return self.full_batch * self.fan_out

    @property
    def fan_out(self) -> float:
        """Events that arrived for each that was served before the hold, at least."""
        served = self.served_before_per_minute * self.full_batch
        return max(1.0, self.tally.before_per_minute / served) if served > 0 else 1.0

    @property
    def served_before_per_minute(self) -> float:
        """Invocations just before the hold; as few as were seen until that is settled."""
        before, counted = self.tally.before, self.tally.counts.invocations.values
        if len(self.tally.known(before)) < len(before) or not before:
            return self.watch.served_before_per_minute
        return sum(counted[at] or 0.0 for at in before) / len(before)

    @property
    def full_batch(self) -> float:
        """Events of one invocation at most."""
        return 1.0 if self.is_capped else self.watch.plan.batch_size or math.inf

    @property
    def expected(self) -> float:
        """Arrivals a minute that a loop would send during the trial, at least."""
        fed = max(1.0, self.tally.before_per_minute - self.outside)
        return min(fed, self.served_per_minute[0]) / self.times_slower

    @property
    def times_slower(self) -> float:
        """How many times as long as before an execution of the trial takes, and 1 at least."""
        return self.count_times_slower(self.tally.known(self.trial))

    def count_times_slower(self, minutes: Sequence[int]) -> float:
        """The same in the newest of these minutes that has a datapoint."""
        durations = self.tally.counts.duration_ms.values
        newest = next((one for at in reversed(minutes) if (one := durations[at])), 0.0)
        return max(1.0, newest / 1000 / self.tally.duration)

    @property
    def most_expected(self) -> float:
        """The same at most, of a loop that multiplies as it did before."""
        fed = max(1.0, self.tally.before_per_minute - self.outside)
        return min(fed, self.served_per_minute[1])

    @property
    def affordable_concurrency(self) -> float:
        """The concurrency whose price is within the bound."""
        plan = self.watch.plan
        if plan.most_usd_per_minute is None or plan.usd_per_event <= 0:
            return math.inf
        invocations = plan.most_usd_per_minute / plan.usd_per_event
        return invocations * self.tally.duration / MINUTE_SECONDS

    def guess_round(self, lag_seconds: float = 0.0) -> float:
        """Seconds until an event comes back, at most, where its polling lies so far behind."""
        lasts = GUESSED_TIMES * self.tally.duration + GUESSED_SECONDS + lag_seconds
        return max(lasts, self.watch.plan.around_seconds)

    def estimate_under_way(self, rate: float, more_seconds: float = 0.0) -> float:
        """Events of so many a minute that have not come back yet, where that takes so much more."""
        return rate * self.guess_round(more_seconds) / MINUTE_SECONDS

    def compute_trial_seconds(
        self, waiting: float, outside: float, most: float = LONGEST_TRIAL_SECONDS
    ) -> float:
        """How long a loop needs to come back often enough, at the rate that it had before."""
        plan = self.watch.plan
        own = self.tally.before_per_minute - outside
        if self.watch.trial_concurrency is not None:
            own = min(own, self.served_per_minute[0]) / self.times_slower
        spare = own - GENERATIONS * outside
        if spare <= 0:
            return plan.trial_seconds
        lead = plan.opening_seconds / MINUTE_SECONDS + 1
        events = GENERATIONS * (waiting + outside * lead)
        seconds = TURNS * events / spare * MINUTE_SECONDS + self.backoff
        return min(most, max(plan.trial_seconds, seconds))

    @property
    def backoff(self) -> float:
        """Seconds until what was throttled is back."""
        return BACKOFF_SECONDS if self.is_capped else 0.0


def _count_generations(case: Case) -> float | None:
    """How often what waited came back, at least; ``None`` before the trial."""
    tally, begin = case.tally, case.watch.trial_at
    if begin is None:
        return None
    end = tally.index(case.watch.again_at or tally.now) + 1
    minutes = range(tally.index(begin), min(end, len(tally.arrived)))
    arrived = sum(tally.arrived[at] for at in minutes)
    more = max(0.0, arrived - case.outside * len(minutes))
    return more / (case.waiting + case.unwritten * len(minutes))


def count_figures(tally: Tally, minutes: float) -> Figures:
    """What is known by now, so many minutes after the hold."""
    plain = Figures(minutes=minutes)
    case = Case(tally=tally, figures=plain)
    held, trial, again = (tally.seen(one) for one in (case.held, case.trial, case.again))
    is_trial, is_again = tally.watch.trial_at is not None, tally.watch.again_at is not None
    return replace(
        plain,
        normal_per_minute=tally.normal_per_minute,
        before_per_minute=tally.before_per_minute,
        held_per_minute=tally.rate(held) if held else None,
        trial_per_minute=tally.rate(trial) if trial and is_trial else None,
        again_per_minute=tally.rate(again) if again and is_again else None,
        waiting=case.waiting if is_trial else None,
        generations=_count_generations(case),
    )
