"""Minutes that last longer while the sandbox waits for a processor."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from sandbox.timing.starvation import (
    MOST_TIMES,
    ProcessorAccount,
    ProcessorSeconds,
    Starvation,
    compute_times,
)
from tests.sandbox.timing.hands import SPEED, Hands

if TYPE_CHECKING:
    from pathlib import Path


class _Kernel:
    """What a kernel tells of threads, in files."""

    def __init__(self, proc: Path) -> None:
        self._proc = proc

    def tell(
        self, pid: int, tid: int, ran: float, waited: float, children: tuple[int, ...] = ()
    ) -> None:
        """Write how long a thread ran and waited, in seconds, and which processes it began."""
        task = self._proc / str(pid) / "task" / str(tid)
        task.mkdir(parents=True, exist_ok=True)
        (task / "schedstat").write_text(f"{ran * 1e9:.0f} {waited * 1e9:.0f} 7\n")
        (task / "children").write_text("".join(f"{one} " for one in children))


def test_a_slower_clock_goes_on_from_where_it_is() -> None:
    """Its pace changes and its time does not jump."""
    hands = Hands()
    clock = hands.clock()
    began = clock.now()

    hands.real += 1
    clock.run_slower(4)
    slowed = clock.now()
    hands.real += 1
    clock.run_slower(1)
    hands.real += 1

    assert slowed == pytest.approx(began + SPEED)
    assert clock.now() == pytest.approx(began + SPEED + SPEED / 4 + SPEED)


def test_a_clock_is_never_slower_than_real_time() -> None:
    """It would fall behind the clock of the functions under test."""
    hands = Hands()
    clock = hands.clock()
    began = clock.now()

    clock.run_slower(10 * SPEED)
    hands.real += 10

    assert clock.now() == pytest.approx(began + 10)


def test_a_slowed_clock_stands_still_at_its_limit() -> None:
    """A change of pace gives back nothing of the time for which it stood."""
    hands = Hands()
    clock = hands.clock()
    limit = clock.now() + 30
    clock.go_no_further_than(limit)
    hands.real += 5

    clock.run_slower(2)
    hands.real += 5

    assert clock.now() == limit
    assert clock.is_standing()


@pytest.mark.parametrize(
    ("ran", "waited", "times"),
    [
        (0.0, 0.0, 1.0),  # nothing runs
        (1.0, 0.0, 1.0),  # an idle machine
        (1.0, 3.0, 1.0),  # as they wait for each other
        (1.0, 7.0, 2.0),
        (0.01, 1.0, 2.0),  # little ran, and what waited was not more than a second
        (1.0, 100.0, MOST_TIMES),
    ],
)
def test_a_minute_lasts_longer_by_what_was_waited_for(
    ran: float, waited: float, times: float
) -> None:
    """Of a second: beyond what is ordinary, and by no more than was waited."""
    assert compute_times(ProcessorSeconds(ran, waited), 1.0) == pytest.approx(times)


def test_the_threads_of_all_descendants_count(tmp_path: Path) -> None:
    """What begins between two looks counts in full, what ends does not count against it."""
    kernel = _Kernel(tmp_path)
    kernel.tell(10, 10, ran=5, waited=5)
    kernel.tell(10, 11, ran=1, waited=1, children=(20, 30))
    kernel.tell(20, 20, ran=2, waited=3)
    account = ProcessorAccount(10, tmp_path)

    first = account.look()
    kernel.tell(10, 10, ran=6, waited=7)
    kernel.tell(10, 11, ran=1, waited=1, children=(30,))
    kernel.tell(30, 31, ran=0.5, waited=0.25)

    assert first == ProcessorSeconds()
    assert account.look() == ProcessorSeconds(1.5, 2.25)
    assert account.look() == ProcessorSeconds()


def test_a_kernel_that_tells_nothing_leaves_the_clock_alone(tmp_path: Path) -> None:
    """Minutes are as long as they are meant to be then."""
    hands = Hands()
    account = ProcessorAccount(10, tmp_path)

    assert not account.is_told()
    assert Starvation(hands.clock(), account).start(threading.Event()) is None


def test_a_starved_sandbox_slows_its_clock_and_recovers(tmp_path: Path) -> None:
    """The last looks count, and those before are soon forgotten."""
    hands = Hands()
    clock, kernel = hands.clock(), _Kernel(tmp_path)
    kernel.tell(10, 10, ran=1, waited=1)
    starvation = Starvation(clock, ProcessorAccount(10, tmp_path))

    starvation.look()
    idle = clock.pace
    kernel.tell(10, 10, ran=2, waited=12)
    starvation.look()
    starved = clock.pace
    for look in range(1, 15):
        kernel.tell(10, 10, ran=2 + look, waited=12)
        starvation.look()

    assert (idle, clock.pace) == (SPEED, SPEED)
    assert starved == pytest.approx(SPEED / 3)


@pytest.mark.skipif(
    not ProcessorAccount().is_told(), reason="this kernel does not tell of processors"
)
def test_this_process_is_told_of() -> None:
    """A thread that computes is seen to have run."""
    account = ProcessorAccount(os.getpid())
    account.look()
    sum(number * number for number in range(300_000))

    assert account.look().ran > 0
