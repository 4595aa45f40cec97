"""The benchmark of the hold: it counts what its plays end with."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from bench.detection.holds.held import CONFOUNDERS, HEALTHY, LOOPS, draw_table, play_pool
from bench.detection.holds.held_world import LOOP, Subject, World
from functions.domain.detection.arrivals import SourceKind


def test_loops_are_shown_and_people_released() -> None:
    """In a few plays of each; every held one is counted once."""
    loops = play_pool("queue", LOOPS["queue"], 4, 1, lambda: None)
    people = play_pool("burst", HEALTHY["burst of 5 to 60 minutes"], 4, 1, lambda: None)

    assert loops.shown == loops.held > 0
    assert people.shown == 0
    for one in (loops, people):
        ends = one.shown_twice + sum(one.released.values()) + sum(one.not_told.values())
        assert one.held == ends
        assert one.plays == one.held + one.not_suspected + sum(one.not_held.values())
        assert json.loads(json.dumps(one.to_json()))["held"] == one.held


def test_what_follows_the_function_is_kept_apart() -> None:
    """No count tells clients that wait for each answer from a loop."""
    assert not CONFOUNDERS.keys() & (HEALTHY.keys() | LOOPS.keys())


@pytest.mark.parametrize("pool", [*CONFOUNDERS, *HEALTHY, *LOOPS])
def test_every_pool_has_functions_to_play(pool: str) -> None:
    """Each has traffic from outside, or feeds itself."""
    make = {**CONFOUNDERS, **HEALTHY, **LOOPS}[pool]

    made = make(np.random.default_rng(1))

    assert made.seeds > 0 or any(made.outside(second) > 0 for second in range(0, 3600, 5))


def test_the_same_seed_plays_the_same() -> None:
    """So that a figure can be reproduced."""
    make = HEALTHY["erratic bursts"]

    first, second = (play_pool("erratic", make, 3, 5, lambda: None) for _ in range(2))

    assert first.to_json() == second.to_json()


def test_a_loop_goes_round_at_the_speed_of_its_cycle() -> None:
    """Fifty events of a second and the way back."""
    subject = Subject(kind=SourceKind.TABLE, fan_out=1.0, seeds=50, seconds=1.0, latency=0.5, cv=0)
    world = World(subject, np.random.default_rng(1))

    world.run_until(300)

    assert 1_500 <= world.started[3] <= 2_100
    assert sum(world.arrived[0]) > 20 * 50
    assert LOOP < 0


def test_a_healthy_function_writes_what_it_was_told_to() -> None:
    """Two for each event from outside, and nothing for those."""
    subject = Subject(
        kind=SourceKind.TABLE, outside=lambda second: 600.0 if second < 60 else 0, writes=(2.0,)
    )
    world = World(subject, np.random.default_rng(1))

    world.run_until(300)

    assert sum(world.started) == sum(world.arrived[0])
    assert world.waiting == world.in_flight == 0
    assert 1_500 < sum(world.started) < 2_100


def test_the_table_names_every_pool() -> None:
    """With what was not told, by reason."""
    out = io.StringIO()
    records = [play_pool("mixture", LOOPS["beside other work"], 2, 1, lambda: None)]

    Console(file=out, width=200).print(draw_table("loops", records))

    assert "mixture" in out.getvalue()
