"""The event graph names the functions that may loop, and the pulse reads these by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.deployment.guard_cost import LOOKS_IN_STOCK, METRICS_PER_CHECK
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import LedgerUnavailableError, MetricsUnavailableError
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.policy import Policy, Response
from functions.domain.pulse.account_pulse import WATCHED_FOR
from functions.domain.pulse.look_budget import LookBudget
from functions.domain.pulse.memory import PulseMemory
from functions.domain.signal import Signal, SignalKind
from tests.functional.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY = 5  # minutes, for as many functions on loops as there are here
ON_LOOPS = 31
LEVEL = 50_000.0  # of the account, which moves by a tenth each minute
LOOP = 5_000.0
QUIET = 30.0


class NoisyAccount(Scene):
    """A thousand functions. A loop that adds a tenth is as high as the account's own noise."""

    def __init__(self, proof: LoopProof = LoopProof.POSSIBLE, policy: Policy | None = None) -> None:
        super().__init__(policy)
        self.functions = 1_000
        self.account.add("orders")
        self.account.metrics.habit("orders", 150.0)
        for number in range(ON_LOOPS - 1):
            self.know(f"other-{number:02}", LoopProof.POSSIBLE)
        self.know("orders", proof)
        self._record("crowd", [self._noise(back) for back in range(180, 0, -1)])
        self._record("orders", [QUIET] * 180)

    def know(self, name: str, proof: LoopProof) -> None:
        """Let the event graph have the function on a loop."""
        self.loops.stored[name] = LoopStatus(proof=proof, at=self.now)

    def forget(self) -> None:
        """Let there be no event graph."""
        self.loops.stored.clear()

    def run(self, loop: Sequence[float | None]) -> int | None:
        """Let minutes pass with their pulses; after how many the loop was looked at."""
        for minute, value in enumerate(loop, start=1):
            self.now += timedelta(minutes=1)
            self._record("crowd", [self._noise(0)])
            self._record("orders", [value])
            self.account.journal.clear()
            self.survives(lambda: self.signal(SignalKind.PULSE))
            if self.is_looked_at("orders"):
                return minute
        return None

    def is_looked_at(self, name: str) -> bool:
        """Whether the last pulse read all about a function."""
        return any(name in one.arguments["functions"] for one in self.account.calls("recent"))

    @property
    def read(self) -> list[str]:
        """What the last pulse read by name."""
        return [
            name for one in self.account.calls("invocations") for name in one.arguments["functions"]
        ]

    def _noise(self, back: int) -> float:
        minute = int(self.now.timestamp()) // 60 - back
        return LEVEL * (1.1 if minute * 7919 % 5 in (0, 2) else 1.0)

    def _record(self, name: str, counts: Sequence[float | None]) -> None:
        quiet = [0.0] * len(counts)
        self.account.metrics.record(
            name,
            until=self.now,
            invocations=counts,
            concurrency=[1.0] * len(counts),
            throttles=quiet,
            errors=quiet,
            duration_ms=[10.0] * len(counts),
        )


@pytest.mark.parametrize("waited", range(EVERY))
@pytest.mark.parametrize("proof", [LoopProof.CERTAIN, LoopProof.POSSIBLE])
def test_a_loop_that_the_account_hides_is_looked_at_within_five_minutes(
    proof: LoopProof, waited: int
) -> None:
    """Whenever it begins, and whatever turn its function has."""
    scene = NoisyAccount(proof)
    assert scene.run([QUIET] * waited) is None

    minutes = scene.run([LOOP] * EVERY)

    assert minutes is not None


def test_it_is_stopped_like_any_other_candidate() -> None:
    """What is found by name goes the way of all evidence."""
    scene = NoisyAccount()

    scene.run([LOOP] * EVERY)
    scene.run([LOOP])

    assert scene.account.by_name["orders"].reserved == 0


def test_without_an_event_graph_nothing_changes() -> None:
    """Nothing is read by name, and the noise hides the loop."""
    scene = NoisyAccount()
    scene.forget()

    assert scene.run([LOOP] * EVERY) is None
    assert not scene.account.calls("invocations")


def test_a_pulse_reads_a_few_functions_in_one_call() -> None:
    """Each of them once within five minutes."""
    scene = NoisyAccount()
    read: list[str] = []
    for _ in range(EVERY):
        scene.run([QUIET])
        assert len(scene.account.calls("invocations")) == 1
        assert len(scene.read) <= -(-ON_LOOPS // EVERY)
        read += scene.read

    assert sorted(read) == sorted(scene.loops.stored)


@pytest.mark.parametrize("waited", range(EVERY))
def test_a_lost_pulse_loses_no_loop(waited: int) -> None:
    """Its turn comes again before the rise is old."""
    scene = NoisyAccount()
    scene.run([QUIET] * waited)
    scene.account.faults.fail(
        "invocations", MetricsUnavailableError("CloudWatch is down"), times=EVERY
    )

    assert scene.run([LOOP] * EVERY) is None
    assert scene.run([LOOP] * EVERY) is not None


@pytest.mark.parametrize("waited", range(EVERY))
def test_late_data_delays_it_by_as_much_as_it_is_late(waited: int) -> None:
    """Three minutes late, and a part of it at first: a gap is no calm."""
    scene = NoisyAccount()
    scene.run([QUIET] * waited)
    late = 3

    found = None
    for minute in range(1, EVERY + late + 2):
        scene.now += timedelta(minutes=1)
        known = [LOOP if number < minute - late else None for number in range(minute)]
        if minute > late:
            known[minute - late - 1] = 0.3 * LOOP
        scene._record("orders", known)
        scene._record("crowd", [scene._noise(0)])
        scene.account.journal.clear()
        scene.survives(lambda: scene.signal(SignalKind.PULSE))
        if scene.is_looked_at("orders"):
            found = minute
            break

    assert found is not None
    assert found <= EVERY + late


def test_a_reading_that_fails_stops_nothing_else() -> None:
    """The pulse looks at a function that multiplies the account, and says what failed."""
    scene = NoisyAccount()
    scene.account.faults.fail("invocations", MetricsUnavailableError("no answer"), times=-1)
    scene.add_runaway("payments")

    scene.pulse()

    assert scene.account.by_name["payments"].reserved == 0
    failed = [fields["about"] for message, fields in scene.log.lines if message == "failed"]
    assert failed == ["loops"]


def test_a_graph_that_fails_stops_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where it breaks its word never to raise."""
    scene = NoisyAccount()
    monkeypatch.setattr(type(scene.loops), "list_on_loops", lambda _: 1 / 0)
    scene.add_runaway("payments")

    scene.pulse()

    assert scene.account.by_name["payments"].reserved == 0


def test_loops_are_read_while_the_ledger_cannot_be() -> None:
    """Nothing is counted then, and the loop is found all the same."""
    scene = NoisyAccount()
    scene.account.faults.fail("read_live", LedgerUnavailableError("DynamoDB is down"), times=-1)

    assert scene.run([LOOP] * EVERY) is not None


def test_who_is_exempt_or_has_an_incident_is_not_read() -> None:
    """The first are never touched, the others are looked after anyway."""
    exempt = frozenset({"other-03"})
    scene = NoisyAccount(policy=Policy(response=Response.THROTTLE, exempt=exempt))
    scene.run([LOOP] * 2 * EVERY)
    scene.run([LOOP])
    assert scene.incident().is_closed is False

    read: list[str] = []
    for _ in range(2 * EVERY):
        scene.run([0.0])
        read += scene.read

    assert {"other-03", "orders"}.isdisjoint(read)
    assert len(set(read)) == ON_LOOPS - 2


@pytest.mark.parametrize(("seconds", "calls"), [(59.0, 0), (61.0, 1)])
def test_a_run_that_is_nearly_over_reads_nobody(seconds: float, calls: int) -> None:
    """What it has found so far is still to be written down."""
    scene = NoisyAccount()
    pulse = Signal(kind=SignalKind.PULSE, at=scene.now, id="1")

    scene.guard.handle(pulse, lambda: seconds)

    assert len(scene.account.calls("invocations")) == calls


# -- what a check costs ------------------------------------------------------------------------


def _stock(scene: Scene) -> float:
    stock = scene.account.ledger.read_live().pulse.stock
    assert stock is not None
    return stock


def test_a_check_is_paid_for_with_the_minutes_in_which_it_is_repeated() -> None:
    """Seven metrics, and those of the watch that follows a spike too young to tell."""
    scene = NoisyAccount()
    scene.account.ledger.remember_pulse(PulseMemory(stock=LOOKS_IN_STOCK, stocked_at=scene.now))
    budget = LookBudget.of(1_000)

    scene.run([700.0, 1_900.0, 800.0, 1_500.0, 700.0])

    checks = 1 + WATCHED_FOR // timedelta(minutes=1)
    assert scene.account.ledger.read_live().pulse.watched == ("orders",)
    assert _stock(scene) == pytest.approx(
        LOOKS_IN_STOCK - checks * METRICS_PER_CHECK / budget.metrics_per_look
    )


def test_a_check_that_fails_is_paid_for() -> None:
    """As a look is."""
    scene = NoisyAccount()
    scene.account.ledger.remember_pulse(PulseMemory(stock=LOOKS_IN_STOCK, stocked_at=scene.now))
    scene.account.faults.fail("recent", MetricsUnavailableError("no answer"), times=-1)

    scene.run([LOOP] * EVERY)

    assert _stock(scene) < LOOKS_IN_STOCK


def test_without_money_nobody_is_checked() -> None:
    """Nothing is left in stock, in an account whose budget adds nothing."""
    scene = NoisyAccount()
    far = scene.now + timedelta(days=1)
    scene.account.ledger.remember_pulse(PulseMemory(stock=0.0, stocked_at=far))

    assert scene.run([LOOP] * 2 * EVERY) is None


def test_a_function_that_stays_busy_rests() -> None:
    """It is looked at after its rise, and then left alone, though it is read on."""
    scene = NoisyAccount(policy=Policy(response=Response.NOTIFY))
    scene.account.metrics.habit("orders", 5 * 2_000.0)  # as on other days
    looked_at = [minute for minute in range(90) if scene.run([1_000.0]) is not None]

    assert looked_at
    assert len(looked_at) <= 6
    assert looked_at[-1] <= 30


def test_whoever_was_put_on_watch_is_not_checked_a_second_time() -> None:
    """One check a minute is enough."""
    scene = NoisyAccount()
    memory = scene.account.ledger.read_live().pulse
    watching = replace(memory, watched=("orders",), watch_until=scene.now + WATCHED_FOR)
    scene.account.ledger.remember_pulse(watching)

    read: list[str] = []
    for _ in range(EVERY):
        scene.run([700.0])
        read += scene.read

    assert "orders" not in read
    assert len(read) == ON_LOOPS - 1
