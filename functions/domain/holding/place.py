"""Which function of a loop is held: each round passes all of them, so that one is enough.

The suspected one is held, unless another place shows more:

- *It cannot be held*: then another one that can be, since all of them see the same rounds.
- *Another one works off a backlog*: it goes on writing for as long as that lasts, whatever is held
  behind it, so that a loop looks as if others fed it. Held itself, the bottleneck writes nothing,
  and what arrives there stops at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from functions.domain.holding.plan import NotHeld, NotHeldReason

# What waits at a function's sources may take it so long, and a hold still shows it: the first
# whole minute that counts begins later than that.
BACKLOG_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlace:
    """One function of a loop, as a place to hold it.

    Attributes
    ----------
    why_not
        Why it cannot be held; ``None`` where it can be, as far as is known.
    backlog_seconds
        How long it would go on if nothing arrived any more; 0 where that is unknown.
    """

    function: str
    why_not: NotHeld | None = None
    backlog_seconds: float = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether it goes on for too long, for who is held behind it, with what waits."""
        return self.backlog_seconds > BACKLOG_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Where a loop is held. `because`: why not at the suspected function, if it is elsewhere."""

    place: HoldPlace
    because: NotHeld | None = None


def choose_where_to_hold(suspected: HoldPlace, others: Sequence[HoldPlace]) -> Chosen | NotHeld:
    """Which function of a loop to hold; why none, where that shows nothing or loses something.

    Where several are behind, each feeds the others, and no one place shows more than another.

    Parameters
    ----------
    others
        On the same loop, for certain.
    """
    behind = [one for one in others if one.is_behind]
    is_bottleneck = len(behind) == 1 and not suspected.is_behind
    if is_bottleneck and behind[0].why_not is None:
        feeds = NotHeld(
            reason=NotHeldReason.BACKLOG_BEFORE,
            value=behind[0].backlog_seconds,
            bound=BACKLOG_SECONDS,
        )
        return Chosen(place=behind[0], because=suspected.why_not or feeds)
    if suspected.why_not is None:
        return Chosen(place=suspected)
    is_fed = bool(behind) or suspected.is_behind
    is_spent = suspected.why_not.reason is NotHeldReason.HELD_OFTEN
    able = sorted(one.function for one in others if one.why_not is None)
    if is_fed or is_spent or not able:
        return suspected.why_not
    place = next(one for one in others if one.function == able[0])
    return Chosen(place=place, because=suspected.why_not)


def without(places: Sequence[HoldPlace], function: str, why_not: NotHeld) -> tuple[HoldPlace, ...]:
    """The places, after it was found that one of them cannot be held."""
    return tuple(
        replace(one, why_not=why_not) if one.function == function else one for one in places
    )
