"""What a look at a hold leads to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from functions.domain.holding.judgement.case import Figures
from functions.domain.holding.watch import Watch


class ReleaseReason(StrEnum):
    """Why a function does not feed itself."""

    NOT_ARRIVING = "not arriving"  # nothing arrives that a loop would send
    STILL_ARRIVING = "still arriving"  # while it was held
    WRITES_EXPLAIN = "writes explain"  # a few events written for each from outside
    NOT_COME_BACK = "not come back"  # when a little was let go
    ENDED = "ended"  # it came back, and stopped although it ran
    UNLIKE_TRIAL = "unlike trial"  # more came, or less evenly, than what was let go can write
    CAME_ON = "came on"  # although it was held again
    FEW_GENERATIONS = "few generations"  # where a loop would have had many


class UntoldReason(StrEnum):
    """Why nothing can be concluded."""

    UNCOUNTED = "uncounted"  # a source without a count, or a queue whose depth is unknown
    TOO_MUCH_OUTSIDE = "too much from outside"  # for the generations to show
    TOO_SLOW = "too slow"  # what waits does not go round often enough
    TOO_DEAR = "too dear"
    DATA_LATE = "data late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do yet. `watch` is the one to keep: it may hold something new."""

    watch: Watch
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """Let a little go: at this concurrency, for so many seconds from then on."""

    concurrency: int
    seconds: float
    waiting: float
    outside_per_minute: float
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLonger:
    """Let as much go again, for twice as long and more: the trial showed nothing.

    Attributes
    ----------
    seconds
        More than twice as long, at most.
    reason
        Why it did not.
    """

    seconds: float
    reason: UntoldReason
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAgain:
    """The trial is over: hold it as before."""

    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The function feeds itself, or something that follows it step by step does.

    Attributes
    ----------
    is_beside_work
        Whether what others send hides what goes round: that is concluded from what it wrote, and
        not from what came back. Such a function is never stopped, it stays held for people.
    """

    figures: Figures
    is_beside_work: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The function does not feed itself: put everything back."""

    reason: ReleaseReason
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """It may feed itself, and a hold does not show it."""

    reason: UntoldReason
    figures: Figures


HoldVerdict: TypeAlias = Wait | LetGo | TryLonger | HoldAgain | Shown | Release | CannotTell

# What lets a certain loop go that was shown once: the first round was chance.
_FROM_OUTSIDE: Final = frozenset(
    {ReleaseReason.STILL_ARRIVING, ReleaseReason.CAME_ON, ReleaseReason.WRITES_EXPLAIN}
)
# Where nothing could be counted, holding on would hold whoever is not to blame.
_RELEASED_UNTOLD: Final = frozenset({UntoldReason.UNCOUNTED, UntoldReason.DATA_LATE})


def may_be_stopped(verdict: Shown, watch: Watch, *, is_certain: bool) -> bool:
    """Whether a loop is stopped at 0: it was shown twice, by what went round, and is certain.

    Parameters
    ----------
    is_certain
        Whether the event graph is certain of a loop through it.
    """
    return watch.was_shown and is_certain and not verdict.is_beside_work


def is_released(verdict: Shown | Release | CannotTell, watch: Watch, *, is_certain: bool) -> bool:
    """Whether a function is let go at the end of its hold; else it stays held for people.

    Parameters
    ----------
    is_certain
        Whether the event graph is certain of a loop through it. Such a one that was shown once may
        have been fixed since, which people decide.
    """
    match verdict:
        case Shown():
            return False
        case Release(reason=why):
            return not (watch.was_shown and is_certain) or why in _FROM_OUTSIDE
        case CannotTell(reason=limit):
            return not watch.was_shown and limit in _RELEASED_UNTOLD
