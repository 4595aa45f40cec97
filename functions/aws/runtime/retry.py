"""Trying a call again while what is in its way may pass.

The AWS SDK tries throttling and AWS's own failures again by itself (see `clients`). This is for
what it takes for an answer: something else is being done to the same thing.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import get_code, get_message
from functions.domain.errors import BusyError, LoopbreakerError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class RetriesExhaustedError(LoopbreakerError):
    """When a call fails in its last attempt, too, for a reason that may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A number of attempts with growing pauses between them.

    Attributes
    ----------
    attempts
        How often a call is tried in all.
    first_pause_seconds, longest_pause_seconds
        The pause before the second attempt, and what no pause exceeds. Each is twice as long as
        the one before; at random, up to half of it is left out.
    sleep, randomness
        For the pauses.
    """

    attempts: int
    first_pause_seconds: float
    longest_pause_seconds: float
    sleep: Callable[[float], None] = time.sleep
    randomness: random.Random = field(default_factory=random.SystemRandom)

    def call(self, call: Callable[[], _T], *, may_pass: Callable[[Exception], bool]) -> _T:
        """Answer what the call answers.

        Raises
        ------
        RetriesExhaustedError
            When the last attempt fails for a reason that may pass.
        Exception
            At once, when an attempt fails for any other reason.
        """
        for attempt in range(self.attempts):
            if attempt:
                self.pause(attempt)
            try:
                return call()
            except Exception as error:
                if not may_pass(error):
                    raise
                last = error
        raise RetriesExhaustedError(f"{get_message(last)} (tried {self.attempts} times)") from last

    def change(self, about: str, codes: frozenset[str], call: Callable[[], _T]) -> _T:
        """Answer what the call answers, tried again while AWS refuses with one of some codes.

        Raises
        ------
        BusyError
            When AWS refuses with one of these codes the last time, too. `about` is told in it.
        ClientError
            With any other code.
        """

        def is_busy(error: Exception) -> bool:
            return isinstance(error, ClientError) and get_code(error) in codes

        try:
            return self.call(call, may_pass=is_busy)
        except RetriesExhaustedError as error:
            raise BusyError(f"{about}: {error}") from error

    def pause(self, attempt: int) -> None:
        """Wait before an attempt, the second being number 1."""
        longest = min(self.longest_pause_seconds, self.first_pause_seconds * 2.0 ** (attempt - 1))
        self.sleep(self.randomness.uniform(longest / 2, longest))


# For changes of a function, a mapping or a role: at most about 12 s of pauses.
CHANGES: Final = Retry(attempts=6, first_pause_seconds=0.5, longest_pause_seconds=4.0)
