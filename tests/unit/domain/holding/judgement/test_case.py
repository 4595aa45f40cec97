"""What a hold lays out: figures that are late are replaced by those that are settled."""

import pytest

from functions.domain.holding.judgement.case import Case, Figures
from functions.domain.holding.judgement.tally import Tally
from tests.unit.domain.holding.judgement.counted_holds import (
    HELD_AT,
    SPIKE_PER_MINUTE,
    find_moment,
    make_counts,
    make_watch,
)

# Invocations were counted later than arrivals when the function was held.
SEEN_AT_FIRST = 1_000.0


@pytest.mark.parametrize(("now", "fan_out"), [(HELD_AT + 1, 2.0), (HELD_AT + 9, 1.0)])
def test_what_was_served_before_a_hold_is_counted_again(now: int, fan_out: float) -> None:
    """A function that serves what arrives writes no more than that."""
    arrived = [20.0] * 64 + [SPIKE_PER_MINUTE] * 6 + [0.0] * (now - HELD_AT)
    watch = make_watch(served_before_per_minute=SEEN_AT_FIRST)
    tally = Tally.of(watch, make_counts(arrived, arrived), find_moment(now))
    assert tally is not None

    case = Case(tally=tally, figures=Figures(minutes=0))

    assert case.fan_out == pytest.approx(fan_out)
