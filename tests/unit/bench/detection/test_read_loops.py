"""The benchmark of functions that are read by name judges what it says it judges."""

from typing import Any

import numpy as np

from bench.detection.data import MINUTES_A_DAY, Row
from bench.detection.read_loops import ReadLoopsRecord, judge_all
from functions.domain.incidents.policy import Policy

POLICY = Policy(floor_per_minute=500)


def _rows(busy: float) -> list[Row]:
    """Functions that are busy by turns of a minute: together they are as loud as a loop."""
    rng = np.random.default_rng(5)
    return [
        Row(
            name=str(number),
            pool="day",
            group=str(number),
            counts=busy * rng.integers(0, 2, MINUTES_A_DAY).astype(float),
            seconds=0.1,
        )
        for number in range(30)
    ]


def _judge(busy: float, *kinds: tuple[float, int, float | None], **given: Any) -> ReadLoopsRecord:
    (record,) = judge_all(
        _rows(busy),
        30,
        POLICY,
        rng=np.random.default_rng(1),
        tick=lambda: None,
        kinds=kinds,
        accounts=1,
        each=8,
        **given,
    )
    return record


def test_without_a_graph_only_looks_see_loops() -> None:
    """Then it does not matter on which function a loop is."""
    record = _judge(400.0, (0.0, 1, None))

    assert (record.on_loops, record.every_minutes) == (0, 0)
    assert record.seen == record.seen_unknown


def test_few_functions_on_loops_are_all_read_in_time() -> None:
    """Whatever the account does; of other functions nothing is known."""
    record = _judge(400.0, (0.07, 1, None))

    assert (record.on_loops, record.every_minutes) == (2, 5)
    assert record.seen["30 %"] == (8, 8)
    assert record.seen_unknown["30 %"][0] < 8


def test_a_function_that_is_as_busy_itself_hides_its_loop() -> None:
    """Nothing stands out of its own level: the share is that of the looks."""
    record = _judge(4_000.0, (0.07, 1, None))

    assert record.seen["5 %"] == record.seen_unknown["5 %"] == (0, 8)


def test_readings_that_are_too_seldom_miss_loops() -> None:
    """One within twelve minutes is often later than the fifth datapoint."""
    often = _judge(400.0, (0.2, 1, 0.9))
    seldom = _judge(400.0, (0.2, 1, 0.3))

    assert (often.every_minutes, seldom.every_minutes) == (5, 12)
    assert often.seen["30 %"] > seldom.seen["30 %"]


def test_the_price_is_within_the_budget() -> None:
    """The pulse, readings, checks, and looks together."""
    for kinds in ((0.0, 1, None), (0.05, 1, None), (0.5, 2, None), (1.0, 1, None)):
        record = _judge(400.0, kinds)

        assert record.usd <= record.most_usd * 1.1
