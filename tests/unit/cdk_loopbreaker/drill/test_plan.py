"""How much a drill runs, and the most that it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_loopbreaker.drill.model import LoopKind
from cdk_loopbreaker.drill.plan import (
    RESERVED,
    TIMEOUT_SECONDS,
    TooBusyError,
    estimate_usd,
    plan_dry,
    plan_live,
)
from cdk_loopbreaker.drill.reports.html_report import format_cents
from functions.domain.holding.plan import SHARE_TO_BIND
from functions.domain.incidents.policy import Policy

PAGE: Final = (Path(__file__).resolve().parents[4] / "docs/drill.md").read_text()
FLOOR = Policy().floor_per_minute


def test_a_live_drill_of_the_default_floor_is_small() -> None:
    """About 12,000 invocations a loop, and less than a dollar in the dearest Region."""
    plan = plan_live(FLOOR, tuple(LoopKind))

    assert [one.kind for one in plan.loops] == list(LoopKind)
    assert all(one.most_invocations <= 13_000 for one in plan.loops)
    assert plan.most_invocations <= 50_000
    assert 0.01 < plan.most_usd < 1.0


def test_the_page_states_the_most_that_it_makes_and_costs() -> None:
    """With the default floor and all loops."""
    plan = plan_live(FLOOR, tuple(LoopKind))

    assert f"at most {plan.most_invocations:,} invocations" in PAGE
    assert f"costs at most {format_cents(plan.most_usd)}:" in PAGE


@given(st.integers(1, 1_700))
def test_loops_can_be_above_the_floor(floor: int) -> None:
    """At their concurrency and the duration of a round, by a good margin; none runs too long."""
    for one in plan_live(floor, tuple(LoopKind)).loops:
        if one.period_seconds < TIMEOUT_SECONDS:
            assert 60 * RESERVED[one.kind] / one.period_seconds >= 1.3 * floor
        assert one.rounds >= 1


def test_a_floor_that_two_executions_cannot_reach_is_refused() -> None:
    """With what is possible."""
    with pytest.raises(TooBusyError, match="floor_per_minute of the deployed guard is 50,000"):
        plan_live(50_000, tuple(LoopKind))


@given(st.integers(1, 100_000))
def test_a_dry_drill_stays_below_the_floor(floor: int) -> None:
    """The guard does nothing about it by itself; an invocation ends before its time is up."""
    (one,) = plan_dry(floor).loops

    assert 60 * one.tokens / one.period_seconds < floor or one.period_seconds == 25.0
    assert one.period_seconds < TIMEOUT_SECONDS


def test_the_loop_through_events_can_be_held() -> None:
    """A cap of 1 takes enough away of what runs there; it would not of two."""
    assert SHARE_TO_BIND * RESERVED[LoopKind.EVENTS] >= 1
    assert SHARE_TO_BIND * 2 < 1


@pytest.mark.parametrize("kind", LoopKind)
def test_costs_grow_with_what_runs(kind: LoopKind) -> None:
    """None is free."""
    assert 0 < estimate_usd(kind, 1, 0.1) < estimate_usd(kind, 2, 0.1) < 1e-4
