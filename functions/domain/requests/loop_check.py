"""Whether the loop of a function is still closed, as far as the event graph can tell."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import STALE_AFTER, LoopStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLoop:
    """The function is on a certain loop, as it was read at `at`."""

    at: datetime
    drawing: str
    broken_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKnown:
    """The graph does not tell, and why, as a clause."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotClosed:
    """The graph is not certain of any loop of the function, or a person has accepted it."""


LoopCheck: TypeAlias = ClosedLoop | NotKnown | NotClosed


def check_loop(known: LoopStatus, changed_at: datetime | None, now: datetime) -> LoopCheck:
    """Whether a function that is about to run again is on a loop that is certain.

    Parameters
    ----------
    changed_at
        When the function was changed last; ``None`` where that is unknown.
    """
    if known.at is None:
        return NotKnown(why="there is no event graph to check its loop by")
    if changed_at is not None and changed_at > known.at:
        return NotKnown(why="the event graph is older than its last change")
    if now - known.at > STALE_AFTER:
        return NotKnown(why="the event graph is older than two days")
    if known.proof is not LoopProof.CERTAIN:
        return NotClosed()
    return ClosedLoop(at=known.at, drawing=known.drawing, broken_by=known.broken_by)
