"""Trying a change again while AWS says that something else is being done to the same thing."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import ClientError

from functions.aws.translate import code_of, words_of
from functions.domain.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

ATTEMPTS: Final = 6
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Six attempts with growing pauses, at most about 12 s of them.

    Parameters
    ----------
    sleep, randomness
        For the pauses between attempts.
    """

    sleep: Callable[[float], None] = time.sleep
    randomness: random.Random = field(default_factory=random.SystemRandom)

    def through(self, what: str, codes: frozenset[str], call: Callable[[], _T]) -> _T:
        """The answer of a call, tried again while AWS refuses with one of some codes.

        Throttling and AWS's own failures were tried again by the client before they arrive here.

        Raises
        ------
        BusyError
            When AWS refuses with one of these codes the last time, too.
        ClientError
            With any other code.
        """
        for attempt in range(ATTEMPTS):
            if attempt:
                self.pause(attempt)
            try:
                return call()
            except ClientError as error:
                if code_of(error) not in codes:
                    raise
                last = error
        raise BusyError(f"{what}: {words_of(last)} (tried {ATTEMPTS} times)") from last

    def pause(self, attempt: int) -> None:
        """Wait before an attempt, the second being number 1."""
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
        self.sleep(self.randomness.uniform(longest / 2, longest))
