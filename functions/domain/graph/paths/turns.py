"""Who is followed next when not everything can be: the order in which a budget is spent.

Places are followed as they come while there is plenty. Once half of the budget is spent, whoever
had least of it comes first, so that one function with a thousand prefixes, or one bus with a
thousand rules, does not take what the others need.
"""

import heapq
from collections import deque
from typing import Final

# What takes more than this part of the budget at once waits until the others had their turn.
_LARGE: Final = 64


class Turns:
    """Places that wait to be followed, and the steps that are left for that.

    Parameters
    ----------
    most
        Steps of all places together.
    """

    __slots__ = (
        "_at",
        "_by",
        "_half",
        "_heap",
        "_large",
        "_last",
        "_left",
        "_of",
        "_own",
        "_waiting",
    )

    def __init__(self, most: int) -> None:
        self._left, self._half, self._large = most, most // 2, most // _LARGE
        self._waiting: deque[int] = deque()
        # Of those who wait for their turn: their places, and the first one of each by its rank.
        self._own: dict[str, deque[int]] = {}
        self._heap: list[tuple[int, int, int]] = []
        self._last = ""  # who had the last turn, and has no place in the heap
        self._of: list[tuple[str, str, int]] = []  # by place: owner, where it is, its steps at most
        self._by: dict[str, int] = {}
        self._at: dict[str, int] = {}

    def add(self, place: int, owner: str, where: str, steps: int) -> None:
        """Let a place wait; places come in the order of their numbers.

        Parameters
        ----------
        owner
            Whose writing led there first.
        where
            The resource.
        steps
            What following it takes at most.
        """
        self._of.append((owner, where, steps))
        self._waiting.append(place)

    def next(self) -> int | None:
        """The place whose turn it is; ``None`` when none waits."""
        while self._waiting:
            place = self._waiting.popleft()
            owner, _, steps = self._of[place]
            if self._left > self._half and steps <= self._large:
                return place
            self._own.setdefault(owner, deque()).append(place)
            if len(self._own[owner]) == 1 and owner != self._last:
                heapq.heappush(self._heap, self._rank(place))
        if self._own.get(self._last):
            heapq.heappush(self._heap, self._rank(self._own[self._last][0]))
        self._last = ""
        if not self._heap:
            return None
        *_, place = heapq.heappop(self._heap)
        self._last = self.owner(place)
        self._own[self._last].popleft()
        return place

    def owner(self, place: int) -> str:
        """Whose writing led to a place first."""
        return self._of[place][0]

    def spend(self, place: int, steps: int) -> bool:
        """Count steps of a place; whether there were so many left."""
        if steps > self._left:
            return False
        owner, where, _ = self._of[place]
        self._left -= steps
        self._by[owner] = self._by.get(owner, 0) + steps
        self._at[where] = self._at.get(where, 0) + steps
        return True

    def _rank(self, place: int) -> tuple[int, int, int]:
        owner, where, _ = self._of[place]
        return self._by.get(owner, 0), self._at.get(where, 0), place
