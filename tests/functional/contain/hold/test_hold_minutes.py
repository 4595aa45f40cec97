"""When in a minute a hold is judged: what is changed late in one spoils the next as well."""

from datetime import datetime, timedelta

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.errors import LedgerUnavailableError
from functions.domain.holding.watch import Phase
from functions.domain.signal import SignalKind
from tests.functional.contain.hold.held import Held, held

HELD_KINDS = [SourceKind.ASYNCHRONOUS, SourceKind.QUEUE, SourceKind.TABLE]


def _at_second(story: Held, second: int) -> None:
    story.scene.now = story.scene.now.replace(second=second)


def _let_go_at(story: Held) -> datetime:
    """When the trial of the hold began."""
    watch = story.scene.incident().watch
    assert watch is not None
    assert watch.trial_at is not None
    return watch.trial_at


@pytest.mark.parametrize("kind", HELD_KINDS)
def test_a_pulse_late_in_the_minute_judges_early_in_the_next(kind: SourceKind) -> None:
    """What follows from a hold begins early in a minute: the trial, for one."""
    story = held(kind)
    began = story.scene.now.replace(second=45)

    number = 0
    while not story.describe().endswith(Phase.TRIAL):  # each waits in its minute
        story.scene.now = began + timedelta(minutes=number)
        story.pass_minutes(1)
        number += 1

    assert _let_go_at(story).second == 1


@pytest.mark.parametrize("second", [0, 12, 30])
def test_an_early_pulse_judges_at_once(second: int) -> None:
    """There is enough left of the minute for what it changes."""
    story = held(SourceKind.QUEUE)
    _at_second(story, second)

    story.pass_minutes(6)

    assert story.scene.slept == 0
    assert _let_go_at(story).second == second


def test_nobody_waits_while_nothing_is_held() -> None:
    """A pulse that only looks at the account ends within its minute."""
    story = held(SourceKind.QUEUE, is_loop=False)
    story.pass_minutes(14)
    assert story.describe() == "none"

    _at_second(story, 59)
    story.scene.pulse()

    assert story.scene.slept == 0


def test_another_signal_waits_for_nothing() -> None:
    """An alarm is answered when it comes."""
    story = held(SourceKind.QUEUE)
    _at_second(story, 45)

    for kind in (SignalKind.ALARM, SignalKind.SWEEP, SignalKind.DROPS):
        story.scene.signal(kind)

    assert story.scene.slept == 0


def test_who_has_no_time_to_wait_judges_at_once() -> None:
    """Lambda would end the run in its sleep."""
    story = held(SourceKind.QUEUE)
    story.pass_minutes(1)
    _at_second(story, 45)
    story.scene.seconds_left = 75.0

    story.pass_minutes(3)

    assert story.scene.slept == 0
    assert story.describe().endswith(Phase.TRIAL)


def test_who_was_restored_during_the_wait_is_left_alone() -> None:
    """The records are read again after it."""
    story = held(SourceKind.QUEUE)
    _at_second(story, 45)
    story.scene.before_sleep = lambda: story.scene.rollback("orders")

    story.pass_minutes(2)

    assert story.scene.slept > 0
    assert story.describe() == "none"
    assert [one.enabled for one in story.scene.account.by_uuid.values()] == [True]


def test_a_ledger_that_is_away_after_the_wait_is_tried_by_the_next_pulse() -> None:
    """Nothing is lost by that: the hold is judged a minute later."""
    story = held(SourceKind.QUEUE)
    story.pass_minutes(1)
    _at_second(story, 45)
    scene = story.scene
    away = LedgerUnavailableError("away")
    scene.before_sleep = lambda: scene.account.faults.fail("read_live", away)

    story.pass_minutes(1)
    scene.before_sleep = lambda: None
    story.pass_minutes(3)

    assert story.describe().endswith(Phase.TRIAL)
