"""A probation as it is stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from functions.domain.probation.record import (
    FAILED,
    HELD_AGAIN_AT_MOST,
    PASSED,
    PULSE,
    Probation,
    ProbationPhase,
)
from functions.domain.serialization import Form, from_json, to_json

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BEGUN = Probation(
    begun_at=NOON,
    before=0,
    was_stopped=True,
    concurrency=1,
    stages=2,
    phase=ProbationPhase.LET_GO,
    since=NOON,
)


def test_it_ends_at_a_time() -> None:
    """Whatever becomes of it: later, where it was let go later."""
    later = BEGUN.in_force(NOON + timedelta(minutes=3))

    assert BEGUN.ends_at - NOON > HELD_AGAIN_AT_MOST
    assert later.ends_at - BEGUN.ends_at == timedelta(minutes=3)


def test_what_is_let_go_later_does_not_begin_it_anew() -> None:
    """The first moment stays, the last moves."""
    first = BEGUN.in_force(NOON)
    second = first.in_force(NOON + timedelta(minutes=5))

    assert (second.let_go_at, second.last_let_go_at) == (NOON, NOON + timedelta(minutes=5))
    assert not BEGUN.is_announced
    assert first.is_announced


def test_a_clock_that_is_behind_does_not_end_it_early() -> None:
    """It is counted from a pulse before the first look on."""
    seen = BEGUN.in_force(NOON).watched(NOON + timedelta(minutes=50))
    usual = BEGUN.in_force(NOON).watched(NOON + PULSE / 2)

    assert seen.let_go_at == NOON + timedelta(minutes=50) - PULSE
    assert usual.let_go_at == NOON


def test_only_a_cap_leaves_something_running() -> None:
    """At 0 or with its mappings disabled nothing runs."""
    assert BEGUN.falls_silent
    assert replace(BEGUN, before=None).falls_silent
    assert not replace(BEGUN, before=3).falls_silent


def test_an_outcome_is_one_thing() -> None:
    """Nothing has passed and failed."""
    assert not PASSED & FAILED


def test_it_is_stored_and_read() -> None:
    """With all that it knows."""
    stored = to_json(BEGUN.in_force(NOON), Form.SPARSE)

    assert from_json(Probation, stored) == BEGUN.in_force(NOON)
