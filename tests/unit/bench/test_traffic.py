"""The closed-loop simulation: what a cap does to loops, and to people."""

import numpy as np
import pytest

from bench.worlds.traffic import Function, Loop, Source


def rng() -> np.random.Generator:
    """The same chance in each run."""
    return np.random.default_rng(1)


def test_a_loop_of_fan_out_one_is_flat_at_its_cycle_rate() -> None:
    """60 x seeds / (duration + latency) a minute."""
    function = Function(rng(), loop=Loop(seeds=24, seconds=0.8, latency=0.7))

    rates = [function.minute().invocations for _ in range(4)]

    assert np.mean(rates) == pytest.approx(60 * 24 / 1.5, rel=0.06)
    assert max(rates) - min(rates) < 0.05 * np.mean(rates)


def test_a_loop_of_fan_out_two_fills_the_account() -> None:
    """Growth ends at 60 x concurrency / duration, with throttles."""
    function = Function(rng(), loop=Loop(fan_out=2.0, seconds=1.0))

    last = [function.minute() for _ in range(4)][-1]

    assert last.concurrency == 1000
    assert last.invocations == pytest.approx(60_000, rel=0.1)
    assert last.throttles > 0


def test_a_capped_loop_stays_pinned_and_asks_for_less() -> None:
    """Its demand follows its supply."""
    function = Function(rng(), loop=Loop(seeds=24, seconds=0.8, latency=0.7))
    before = [function.minute() for _ in range(3)][-1]

    after = [function.minute(reserved=1) for _ in range(6)][2:]

    assert all(one.concurrency == 1 and one.throttles > 0 for one in after)
    assert all(one.invocations + one.throttles < 0.4 * before.invocations for one in after)


def test_people_go_on_asking() -> None:
    """Their demand does not care about the cap, and they are served again when it is lifted."""
    function = Function(rng(), seconds=0.8, source=Source.SYNC)
    _ = [function.minute(1000) for _ in range(2)]

    capped = [function.minute(1000, reserved=1) for _ in range(5)][-1]
    lifted = [function.minute(1000) for _ in range(3)][-1]

    assert capped.invocations + capped.throttles >= 900
    assert lifted.throttles == 0


def test_nothing_starts_at_concurrency_zero() -> None:
    """Throttled to 0 is stopped."""
    function = Function(rng(), loop=Loop(seeds=24))
    function.minute()

    assert [function.minute(reserved=0) for _ in range(3)][-1].invocations == 0


@pytest.mark.parametrize("kind", ["s3", "sns", "sqs", "dynamodb", "eventbridge", "invoke", "http"])
def test_each_kind_of_loop_keeps_itself_alive(kind: str) -> None:
    """Whatever the trigger, the events come back."""
    loop = Loop(kind=kind, seeds=20, seconds=0.4, latency=0.2, lanes=4)
    function = Function(rng(), loop=loop)

    assert [function.minute() for _ in range(3)][-1].invocations > 60
    assert not function.is_burnt_out


def test_recorded_parameters_are_understood() -> None:
    """The parameters that come with recorded runs, defaults included."""
    loop = Loop.of({"kind": "sqs", "k": 2, "n0": 5, "d": 1.5, "l": None, "batch": None})

    assert (loop.fan_out, loop.seeds, loop.batch, loop.latency) == (2.0, 5, 10, 0.1)
