"""Which loops people have not been told of yet."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from functions.domain.graph.model import Loop, LoopKey

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def news(
    told: Collection[LoopKey],
    loops: Iterable[Loop],
    accepted: Mapping[str, str] = _NOTHING,
    own: Collection[str] = (),
) -> tuple[Loop, ...]:
    """The loops that deserve a warning, in their order.

    Parameters
    ----------
    told
        Keys of every loop that a warning was sent for, ever: a loop that was away for a while, or
        less certain because something could not be read, is not told of again.
    accepted
        Reasons by function name, beside the tags that the loops already know of.
    own
        The guard's functions. What one of them changes may wake it again; it passes over what it
        did itself, so a loop through no other function is none. A loop through others as well is
        told of.
    """
    known = set(told)
    found: list[Loop] = []
    for loop in loops:
        is_accepted = loop.accepted is not None or any(name in accepted for name in loop.functions)
        is_own = all(name in own for name in loop.functions)
        if not is_accepted and not is_own and loop.key not in known:
            known.add(loop.key)
            found.append(loop)
    return tuple(found)
