"""The hold as data: how it is done, how far it has got, and what was seen so far.

A hold has three phases. The function is held, and what arrives at its own sources must stop. A
little is let go, and it must come back round after round. The function is held again, and it must
stop once more: people who happen to come back during the trial do not stop at our command.

Everything here is stored in the record of an incident, so it consists of plain values.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from functions.domain.detection.arrivals import Source


class Lever(StrEnum):
    """How a function is held."""

    ZERO = "zero"  # reserved concurrency 0; its event source mappings stay enabled
    PAUSE = "pause"  # its event source mappings are disabled; the reservation is left alone
    CAP = "cap"  # a reserved concurrency above 0: what is asynchronous is delayed, not refused


class Phase(StrEnum):
    """How far a hold has got."""

    HELD = "held"
    TRIAL = "trial"  # a little is let go
    HELD_AGAIN = "held again"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlan:
    """How a function is held, and for how long.

    Attributes
    ----------
    levers
        In the order in which they are put in force.
    cap
        The reserved concurrency while it is held by `CAP`; ``None`` for the other levers.
    settling_seconds
        From the call that holds until nothing runs any more: the lever is in force, and what ran
        has ended.
    opening_seconds
        From the call that lets go until the lever is lifted.
    held_seconds, held_again_seconds
        The longest that the function is held, the first and the second time.
    trial_seconds, longest_trial_seconds
        How long it is let go: at least, and where the events go round slowly at most.
    ran_before
        Concurrent executions before the hold: a trial allows no more, or a little more where a busy
        function has to catch up.
    stretched_trial_seconds
        How long a trial lasts at most where so much waited that `longest_trial_seconds` do not
        tell, if all of it costs no more than those may cost; ``None``: no longer.
    around_seconds
        How long an event of a loop goes round at most, by what is known of its parts.
    batch_size
        Most events of one invocation; ``None`` where unknown.
    usd_per_event
        What one execution costs at least; 0 where unknown.
    most_usd_per_minute
        A trial may not be dearer; ``None``: any price.
    kept_seconds
        How long its events are kept at least, while they wait; ``None`` where unknown.
    is_for_callers
        Whether it is no hold, but a cap in danger: see `functions.domain.holding.callers`.
    account_concurrency
        Concurrent executions that the account may have; ``None`` where unknown.
    """

    levers: tuple[Lever, ...]
    cap: int | None
    settling_seconds: float
    opening_seconds: float
    held_seconds: float
    held_again_seconds: float
    trial_seconds: float
    longest_trial_seconds: float
    ran_before: float
    around_seconds: float = 0.0
    batch_size: int | None = None
    usd_per_event: float = 0.0
    most_usd_per_minute: float | None = None
    kept_seconds: float | None = None
    is_for_callers: bool = False
    stretched_trial_seconds: float | None = None
    account_concurrency: int | None = None

    @property
    def longest(self) -> timedelta:
        """The whole of it at most, from the first call to the last: it ends by itself then."""
        seconds = self.held_seconds + self.opening_seconds + self.longest_trial_seconds
        return timedelta(seconds=seconds + self.held_again_seconds)

    @property
    def stretch(self) -> timedelta:
        """By how much a trial may last longer where very much waited."""
        longest = self.longest_trial_seconds
        return timedelta(seconds=max(0.0, (self.stretched_trial_seconds or longest) - longest))

    @property
    def settling(self) -> timedelta:
        """See `settling_seconds`."""
        return timedelta(seconds=self.settling_seconds)

    @property
    def opening(self) -> timedelta:
        """See `opening_seconds`."""
        return timedelta(seconds=self.opening_seconds)

    @property
    def least_trial(self) -> int:
        """The least concurrency that a trial can be given.

        A mapping of a queue takes 2 at least (Lambda API reference, *ScalingConfig*).
        """
        return 2 if Lever.PAUSE in self.levers else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A hold that is under way. Rates are events a minute.

    Attributes
    ----------
    since
        When the current phase was put in force.
    held_at, trial_at, again_at
        The same of each phase; ``None`` for those to come.
    spike_since
        When the unusual rate began.
    sources
        Of the function, those on no loop too: only the others are held against it.
    normal_per_minute
        Usual arrivals before the spike.
    before_per_minute
        Arrivals just before the hold; 0 where they were not known then.
    served_before_per_minute
        Invocations just before the hold.
    lag_seconds
        How far its polling of streams lay behind before the hold: the highest IteratorAge of the
        last minutes, all its streams together. ``None`` where there is none or it is unknown: of a
        stream nothing can be concluded then.
    waiting
        Events that waited when a little was let go; ``None`` until then.
    outside_per_minute
        What goes on arriving while nothing runs; ``None`` until it is known.
    trial_concurrency
        ``None`` until then. `trial_seconds` then is how long that takes.
    depth, depth_at
        Messages in its queues at the first look after it was held again; in a trial, at the first
        look that found little of what had waited, where that is asked for.
    generations
        How often what waited came back during the trial; ``None`` until it is known.
    rounds
        How many trials have begun, two at most.
    first_trial_at, first_again_at
        Of the first round, once the second has begun.
    stretched_seconds
        By how much its trials last longer than planned, see `HoldPlan.stretched_trial_seconds`.
    is_retry
        Whether there is a second trial because the first one showed nothing. Else the first one has
        shown a loop, and the second is to show it once more.
    """

    plan: HoldPlan
    phase: Phase
    since: datetime
    held_at: datetime
    spike_since: datetime
    sources: tuple[Source, ...]
    normal_per_minute: float
    before_per_minute: float
    served_before_per_minute: float
    lag_seconds: float | None = None
    trial_at: datetime | None = None
    again_at: datetime | None = None
    waiting: float | None = None
    outside_per_minute: float | None = None
    trial_concurrency: int | None = None
    trial_seconds: float | None = None
    depth: float | None = None
    depth_at: datetime | None = None
    generations: float | None = None
    rounds: int = 1
    first_trial_at: datetime | None = None
    first_again_at: datetime | None = None
    stretched_seconds: float = 0.0
    is_retry: bool = False

    @property
    def longest(self) -> timedelta:
        """The whole of it at most, with all its rounds."""
        stretched = 1 if self.is_retry else self.rounds
        more = timedelta(seconds=self.stretched_seconds) * stretched
        return self.plan.longest * self.rounds + more

    @property
    def is_last_round(self) -> bool:
        """Whether what it shows is enough to stay held for: the second one.

        That people come and go with one short trial happens by chance.
        """
        return self.rounds > 1

    @property
    def was_shown(self) -> bool:
        """Whether an earlier round has shown a loop."""
        return self.rounds > 1 and not self.is_retry

    @property
    def was_cut_short(self) -> bool:
        """Whether the first trial ended before the shortest one that counts how often it returns.

        What seems to multiply its events is shown sooner, by what each execution writes.
        """
        began, ended = self.first_trial_at or self.trial_at, self.first_again_at or self.again_at
        shortest = self.plan.opening + timedelta(seconds=self.plan.trial_seconds)
        return began is not None and ended is not None and ended - began < shortest

    @property
    def ends_at(self) -> datetime:
        """When it ends by itself at the latest."""
        return self.held_at + self.longest

    @property
    def longest_trial(self) -> timedelta:
        """How long the present trial may last, from the moment that the lever is lifted."""
        return timedelta(seconds=self.plan.longest_trial_seconds + self.stretched_seconds)

    @property
    def held_until(self) -> datetime | None:
        """When anything was let go for the first time; ``None`` before that."""
        return self.first_trial_at or self.trial_at

    @property
    def let_go_concurrency(self) -> int:
        """How much of it the trial lets run at a time."""
        return self.trial_concurrency or self.plan.least_trial

    @property
    def lost_from(self) -> datetime | None:
        """When the first of the events that wait are given up, at the earliest."""
        kept = self.plan.kept_seconds
        return None if kept is None else self.held_at + timedelta(seconds=kept)

    @property
    def notified_again_at(self) -> datetime | None:
        """When a second mail says that events wait: half of the time that is left to them."""
        kept = self.plan.kept_seconds
        return None if kept is None else self.held_at + timedelta(seconds=kept / 2)

    def in_force(self, at: datetime) -> Self:
        """The watch once its phase is in force, which may be some time after it was planned."""
        match self.phase:
            case Phase.HELD:
                return replace(self, since=at, held_at=at)
            case Phase.TRIAL:
                return replace(self, since=at, trial_at=at)
            case Phase.HELD_AGAIN:
                return replace(self, since=at, again_at=at)

    def taken_back(self) -> Self:
        """The watch after AWS refused the change that its phase begins with."""
        match self.phase:
            case Phase.HELD:
                return self
            case Phase.TRIAL if self.rounds > 1:
                return replace(
                    self,
                    phase=Phase.HELD_AGAIN,
                    since=self.first_again_at or self.since,
                    trial_at=self.first_trial_at,
                    again_at=self.first_again_at,
                    first_trial_at=None,
                    first_again_at=None,
                    trial_seconds=None if self.trial_seconds is None else self.trial_seconds / 2,
                    rounds=1,
                    stretched_seconds=0.0 if self.is_retry else self.stretched_seconds,
                    is_retry=False,
                )
            case Phase.TRIAL:
                return replace(self, phase=Phase.HELD, since=self.held_at, trial_at=None)
            case Phase.HELD_AGAIN:
                return replace(
                    self, phase=Phase.TRIAL, since=self.trial_at or self.since, again_at=None
                )

    def letting_go(
        self,
        at: datetime,
        *,
        concurrency: int,
        seconds: float,
        waiting: float,
        outside_per_minute: float,
    ) -> Self:
        """The watch once a little is let go."""
        return replace(
            self,
            phase=Phase.TRIAL,
            since=at,
            trial_at=at,
            trial_concurrency=concurrency,
            trial_seconds=seconds,
            waiting=waiting,
            outside_per_minute=outside_per_minute,
        )

    def holding_again(self, at: datetime) -> Self:
        """The watch once it is held for the second time."""
        return replace(
            self, phase=Phase.HELD_AGAIN, since=at, again_at=at, depth=None, depth_at=None
        )

    def letting_go_again(self, at: datetime) -> Self:
        """The watch once a little is let go for the second time: as much, for twice as long.

        The function may have become slower, and who shows less the second time is not stopped.
        """
        return replace(
            self,
            phase=Phase.TRIAL,
            since=at,
            trial_at=at,
            again_at=None,
            first_trial_at=self.trial_at,
            first_again_at=self.again_at,
            depth=None,
            depth_at=None,
            trial_seconds=None if self.trial_seconds is None else 2 * self.trial_seconds,
            rounds=self.rounds + 1,
        )

    def trying_longer(self, at: datetime, stretched_seconds: float) -> Self:
        """The watch once as much is let go again, for longer: the first trial showed nothing."""
        again = self.letting_go_again(at)
        return replace(again, stretched_seconds=stretched_seconds, is_retry=True)

    def stretching(self, seconds: float) -> Self:
        """The watch whose trials may last so much longer than planned."""
        return replace(self, stretched_seconds=seconds)

    def seeing(self, depth: float, at: datetime) -> Self:
        """The watch with the first look at its queues after it was held again."""
        return replace(self, depth=depth, depth_at=at)
