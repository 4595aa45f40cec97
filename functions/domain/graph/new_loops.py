"""Which loops people have not been notified of yet, and by which mail they are."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from functions.domain.graph.model import Certainty, Loop, NativeStop

DIGEST_EVERY: Final = timedelta(days=7)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
# After the key of a certain loop that AWS stops: should it not do so any more, the loop is new.
_STOPPED_BY_AWS: Final = "/aws"


def find_new_loops(
    notified: Collection[str],
    loops: Iterable[Loop],
    accepted: Mapping[str, str] = _NOTHING,
    own: Collection[str] = (),
) -> tuple[Loop, ...]:
    """Find the loops that people are to be notified of, in their order.

    Parameters
    ----------
    notified
        `make_notified_key` of every loop that people were notified of, ever: a loop that was away
        for a while, or less certain because something could not be read, is not reported again.
    accepted
        Reasons by function name, beside the tags that the loops already know of.
    own
        The guard's functions. What one of them changes may wake it again; it passes over what it
        did itself, so a loop through no other function is none. A loop through others as well is
        reported.
    """
    known = set(notified)
    found: list[Loop] = []
    for loop in loops:
        is_accepted = loop.accepted is not None or any(name in accepted for name in loop.functions)
        is_own = all(name in own for name in loop.functions)
        key = make_notified_key(loop)
        if not is_accepted and not is_own and not known & {loop.key, key}:
            known.add(key)
            found.append(loop)
    return tuple(found)


def make_notified_key(loop: Loop) -> str:
    """Make the key under which it is kept that people were notified of a loop.

    The key of a loop changes with its certainty (`Loop.key`), so a possible one that becomes
    certain is new. A certain one that AWS stops has a key of its own for the same reason.
    """
    return f"{loop.key}{_STOPPED_BY_AWS}" if is_stopped_by_aws(loop) else loop.key


def is_stopped_by_aws(loop: Loop) -> bool:
    """Whether a loop is certain, and AWS ends each round of it by itself."""
    return loop.certainty is Certainty.CERTAIN and loop.native_stop is NativeStop.PROBABLY


def is_for_digest(loop: Loop) -> bool:
    """Whether a loop comes in the weekly digest, rather than in a mail of its own."""
    return loop.certainty is not Certainty.CERTAIN or is_stopped_by_aws(loop)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTime:
    """Whether a digest is due, and from when on the next week is counted.

    Attributes
    ----------
    at
        When the last digest was due, whether or not there was anything to report.
    """

    is_due: bool
    at: datetime


def plan_digest(last: datetime | None, now: datetime) -> DigestTime:
    """Find out whether a digest is due: at the first reading of an account, then weekly.

    The weeks are counted from the first one: a loop that appears between two digests waits for the
    next, however long ago the last one was.
    """
    if last is None:
        return DigestTime(is_due=True, at=now)
    weeks = (now - last) // DIGEST_EVERY
    return DigestTime(is_due=weeks > 0, at=last + max(weeks, 0) * DIGEST_EVERY)
