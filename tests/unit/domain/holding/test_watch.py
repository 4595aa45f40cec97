"""A hold as it is stored."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from functions.domain.serialization import Form, from_json, to_json

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WATCH = Watch(
    plan=HoldPlan(
        levers=(Lever.PAUSE, Lever.ZERO),
        cap=None,
        settling_seconds=95.0,
        opening_seconds=90.0,
        held_seconds=275.0,
        held_again_seconds=575.0,
        trial_seconds=180.0,
        longest_trial_seconds=1440.0,
        ran_before=50.0,
    ),
    phase=Phase.HELD,
    since=NOW,
    held_at=NOW,
    spike_since=NOW - timedelta(minutes=5),
    sources=(Source(kind=SourceKind.QUEUE, name="orders", loop=LoopProof.POSSIBLE),),
    normal_per_minute=20.0,
    before_per_minute=1800.0,
    served_before_per_minute=1800.0,
)


def test_a_watch_is_kept_in_json() -> None:
    """In each of its phases."""
    trial = WATCH.letting_go(
        NOW, concurrency=6, seconds=180.0, waiting=50.0, outside_per_minute=20.0
    )
    again = trial.holding_again(NOW).seeing(52.0, NOW)

    for watch in (WATCH, trial, again):
        kept = json.loads(json.dumps(to_json(watch, Form.NAMED)))
        assert from_json(Watch, kept) == watch


def test_each_phase_notes_when_it_began() -> None:
    """And keeps the moments of those before."""
    later = NOW + timedelta(minutes=4)
    trial = WATCH.letting_go(
        later, concurrency=6, seconds=180.0, waiting=50.0, outside_per_minute=20.0
    )
    again = trial.holding_again(later + timedelta(minutes=5))

    assert (trial.phase, trial.since, trial.held_at) == (Phase.TRIAL, later, NOW)
    assert (again.phase, again.trial_at) == (Phase.HELD_AGAIN, later)
    assert again.since == again.again_at == later + timedelta(minutes=5)


def test_the_longest_hold_is_known_before_it_begins() -> None:
    """Whatever puts everything back by itself needs to know."""
    assert WATCH.plan.longest == timedelta(seconds=275 + 90 + 1440 + 575)


def test_a_trial_that_lasts_longer_ends_later() -> None:
    """In both rounds: the second trial is as long."""
    plan = replace(WATCH.plan, stretched_trial_seconds=3840.0)
    usual = replace(WATCH, plan=plan)

    longer = usual.stretching(600.0)

    assert (WATCH.plan.stretch, plan.stretch) == (timedelta(0), timedelta(minutes=40))
    assert longer.longest_trial - usual.longest_trial == timedelta(minutes=10)
    assert longer.ends_at - usual.ends_at == timedelta(minutes=10)
    second = replace(longer, rounds=2)
    assert second.ends_at - replace(usual, rounds=2).ends_at == timedelta(minutes=20)


def test_a_trial_that_told_nothing_is_followed_by_a_longer_one() -> None:
    """Only that one lasts longer, and it is no second showing."""
    plan = replace(WATCH.plan, stretched_trial_seconds=3840.0)
    first = replace(WATCH, plan=plan, trial_at=NOW, again_at=NOW, phase=Phase.HELD_AGAIN)

    longer = first.trying_longer(NOW + timedelta(minutes=9), 600.0)

    assert (longer.phase, longer.rounds, longer.is_retry) == (Phase.TRIAL, 2, True)
    assert (longer.is_last_round, longer.was_shown) == (True, False)
    assert longer.held_until == first.trial_at
    assert longer.longest == 2 * first.longest + timedelta(minutes=10)
    assert longer.taken_back() == first
