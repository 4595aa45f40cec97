"""A probation as data: a function is let go a little because a person asked for it, and watched.

It is a hold that begins with its trial. A little is let go. What comes back is held again, to see
whether it stops with the function; what does not is restored. Everything here is stored in the
record of an incident, so it consists of plain values.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

# A queue's mapping takes 2 at least (Lambda API reference, *ScalingConfig*), and must never meet a
# smaller reservation: each message that finds no room counts a receive, and ends in a dead-letter
# queue (Lambda developer guide, *Configuring maximum concurrency for Amazon SQS event sources*).
LEAST_FOR_QUEUES: Final = 2
LEAST: Final = 1
# Mappings that are let go one after the other; with the last of them come all that are left.
MOST_STAGES: Final = 4
# How long each of them runs before the next, and how long everything runs after the last, at most.
STAGE: Final = timedelta(minutes=5)
LET_GO_AT_MOST: Final = timedelta(minutes=10)
HELD_AGAIN_AT_MOST: Final = timedelta(minutes=12)
# Until a mapping polls again after it was enabled; a reservation takes seconds. UNCONFIRMED
# where it takes longer, there is less to be judged by.
OPENING: Final = timedelta(seconds=90)
PULSE: Final = timedelta(minutes=1)


class ProbationPhase(StrEnum):
    """How far a probation has got."""

    LET_GO = "let go"
    HELD_AGAIN = "held again"


class ProbationOutcome(StrEnum):
    """What a probation has shown."""

    # It is restored.
    NOT_COME_BACK = "not come back"
    FED_FROM_OUTSIDE = "fed from outside"  # it goes on arriving while the function stands still
    FEW_ROUNDS = "few rounds"  # where a loop would have had many
    # It is restored as well, since a person asked for it and nothing speaks against it.
    NOTHING_RAN = "nothing ran"
    UNCOUNTED = "uncounted"
    LOOP_CUT = "loop cut"  # another function of its loop stood still, so nothing could come back
    DATA_LATE = "data late"
    NOT_WATCHED = "not watched"  # the guard was gone, and a schedule ended it
    GUARD_REMOVED = "guard removed"  # with its stack
    # It is held as before.
    CAME_BACK = "came back"
    TOO_MANY_WAIT = "too many wait"  # it came back as it was let go, and not often enough to tell
    NOT_SETTLED = "not settled"  # it came back, and the figures that would tell more are late


PASSED: Final = frozenset(
    {
        ProbationOutcome.NOT_COME_BACK,
        ProbationOutcome.FED_FROM_OUTSIDE,
        ProbationOutcome.FEW_ROUNDS,
    }
)
FAILED: Final = frozenset(
    {
        ProbationOutcome.CAME_BACK,
        ProbationOutcome.TOO_MANY_WAIT,
        ProbationOutcome.NOT_SETTLED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbationFigures:
    """What was seen, for people. Rates are events a minute; ``None`` where not known.

    Attributes
    ----------
    minutes
        For how long it was let go.
    let_go
        Events that waited when it was let go, at least 1.
    rounds
        How often they came back, at least.
    ran
        Invocations meanwhile, as far as they are known.
    outside_per_minute
        What arrived before, while nothing ran.
    again_per_minute
        What arrived while it was held again.
    """

    minutes: float
    let_go: float | None = None
    rounds: float | None = None
    ran: float | None = None
    outside_per_minute: float | None = None
    per_minute: float | None = None
    again_per_minute: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probation:
    """A probation that is under way.

    Attributes
    ----------
    begun_at
        When the person asked for it.
    before
        The guard's reservation that was in force before: 0, or a cap; ``None`` where it was held by
        its mappings alone.
    found
        What the guard had reserved when it began: of a hold in its trial more than `before`. It is
        reserved again where AWS refuses the first steps; ``None`` as for `before`.
    was_stopped
        Whether it was stopped before, rather than held.
    concurrency
        What is reserved while it is let go; ``None`` as for `before`.
    stages
        How many steps its mappings are let go in; 0 where none was disabled.
    phase, since
        Where it stands, and when that was put in force.
    let_go_at, last_let_go_at, again_at
        When the first and the last of it was let go, and when it was held again; ``None`` for what
        is to come.
    is_watched
        Whether `contain` has seen it. `restore` has let it go by a clock of its own.
    outcome, figures
        ``None`` until it is over.
    """

    begun_at: datetime
    before: int | None
    found: int | None = None
    was_stopped: bool
    concurrency: int | None
    stages: int
    phase: ProbationPhase
    since: datetime
    let_go_at: datetime | None = None
    last_let_go_at: datetime | None = None
    again_at: datetime | None = None
    is_watched: bool = False
    outcome: ProbationOutcome | None = None
    figures: ProbationFigures | None = None

    @property
    def ends_at(self) -> datetime:
        """When it is over at the latest."""
        let_go = STAGE * max(0, self.stages - 1) + OPENING + LET_GO_AT_MOST
        return (self.let_go_at or self.begun_at) + let_go + HELD_AGAIN_AT_MOST

    @property
    def is_announced(self) -> bool:
        """Whether people were told that it has begun."""
        return self.let_go_at is not None

    @property
    def falls_silent(self) -> bool:
        """Whether nothing runs while it is held again: a cap leaves something."""
        return not self.before

    def in_force(self, at: datetime) -> Self:
        """The probation once its phase is in force, which may be some time after it was planned."""
        match self.phase:
            case ProbationPhase.LET_GO:
                first = self.let_go_at or at
                return replace(self, since=at, let_go_at=first, last_let_go_at=at)
            case ProbationPhase.HELD_AGAIN:
                return replace(self, since=at, again_at=at)

    def watched(self, at: datetime) -> Self:
        """The probation from the first look at it on.

        Pulses come each minute: who let it go earlier than that had a clock that is behind, or the
        pulses in between were lost, and what was let go is not to be judged without its beginning.
        """
        first = max(at - PULSE, self.let_go_at or at)
        return replace(self, is_watched=True, since=first, let_go_at=first, last_let_go_at=first)

    def concluded(self, outcome: ProbationOutcome, figures: ProbationFigures | None) -> Self:
        """The probation once it is over."""
        return replace(self, outcome=outcome, figures=figures)
