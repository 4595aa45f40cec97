"""A call is tried again while what is in its way may pass, and no longer."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.worlds.paged_account import refusal
from functions.aws.runtime.retry import CHANGES, RetriesExhaustedError, Retry
from functions.domain.errors import BusyError

BUSY = frozenset({"ConcurrentModification"})


@dataclass
class Call:
    """A call that fails as often as told."""

    failures: list[Exception]
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> str:
        """The answer."""
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    def retry(self, seed: int = 1, **numbers: float) -> Retry:
        """Five attempts, without waiting."""
        given = {"first_pause_seconds": 1.0, "longest_pause_seconds": 8.0} | numbers
        return Retry(
            attempts=5,
            sleep=self.pauses.append,
            randomness=random.Random(seed),  # noqa: S311
            **given,
        )


def is_os_error(error: Exception) -> bool:
    """What passes here."""
    return isinstance(error, OSError)


def test_what_may_pass_is_tried_again() -> None:
    """The answer counts that comes in the end, after a pause for each failure."""
    call = Call([OSError("reset"), OSError("reset")])

    assert call.retry().call(call, may_pass=is_os_error) == "done"
    assert len(call.pauses) == 2


def test_what_does_not_pass_is_raised_at_once() -> None:
    """No attempt is spent on what none changes."""
    call = Call([OSError("reset"), ValueError("odd"), OSError("reset")])

    with pytest.raises(ValueError, match="odd"):
        call.retry().call(call, may_pass=is_os_error)

    assert (len(call.failures), len(call.pauses)) == (1, 1)


def test_the_last_failure_says_how_often_it_was_tried() -> None:
    """Whoever reads it knows that it was not the first attempt."""
    call = Call([OSError(f"reset {number}") for number in range(9)])

    with pytest.raises(RetriesExhaustedError, match=r"^reset 4 \(tried 5 times\)$") as raised:
        call.retry().call(call, may_pass=is_os_error)

    assert isinstance(raised.value.__cause__, OSError)
    assert (len(call.failures), len(call.pauses)) == (4, 4)


@given(
    seed=st.integers(),
    first=st.floats(min_value=0.01, max_value=10),
    longest=st.floats(min_value=0.01, max_value=100),
)
def test_pauses_grow_up_to_the_longest(seed: int, first: float, longest: float) -> None:
    """Each is twice as long as the one before, and at random up to half of it shorter."""
    call = Call([OSError()] * 4)
    retry = call.retry(seed, first_pause_seconds=first, longest_pause_seconds=longest)

    retry.call(call, may_pass=is_os_error)

    whole = [min(longest, first * factor) for factor in (1, 2, 4, 8)]
    assert all(one / 2 <= pause <= one for one, pause in zip(whole, call.pauses, strict=True))


def test_a_change_that_stays_refused_is_busy() -> None:
    """The domain's error names what was to be changed, AWS's words and the attempts."""
    call = Call([refusal("ConcurrentModification", "Put") for _ in range(9)])

    with pytest.raises(BusyError, match=r"^orders-role: Concurrent.* \(tried 5 times\)$"):
        call.retry().change("orders-role", BUSY, call)


class Longest(random.Random):
    """Draws the upper end."""

    def uniform(self, a: float, b: float) -> float:
        """What takes longest."""
        return max(a, b)


def test_a_change_waits_for_twelve_seconds_at_most() -> None:
    """The run that waits for it has to end in time."""
    pauses: list[float] = []
    retry = replace(CHANGES, sleep=pauses.append, randomness=Longest())

    for attempt in range(1, retry.attempts):
        retry.pause(attempt)

    assert pauses == [0.5, 1, 2, 4, 4]
