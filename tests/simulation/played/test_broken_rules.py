"""Code that is broken on purpose breaks the rule that it should."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

import tests.fake_table
from functions.domain.detection.evidence import Evidence
from functions.domain.errors import BusyError
from functions.domain.incidents import decision
from functions.domain.incidents.history import WHATEVER_CLOSED
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.notice import Notice
from functions.domain.notices.outbox import OutboxNotice
from functions.workflows.incidents.reconcile import Reconciler
from functions.workflows.notices.events import EventDelivery
from functions.workflows.rollback import rollback
from functions.workflows.rollback.rollback import Rollback
from tests.fakes.functions import FakeFunctions
from tests.fakes.ledger import FakeLedger
from tests.simulation.play import play
from tests.simulation.played.playing import (
    STOPPED,
    rules_broken,
)
from tests.simulation.schedule import (
    Asks,
    Away,
    Deploys,
    Shifts,
    Wakes,
    Weather,
)
from tests.simulation.world.traffic import Demand

if TYPE_CHECKING:
    from datetime import datetime

    from functions.domain.incidents.incident import Incident

_OPEN: Final = FakeLedger.open


def test_a_restore_that_does_nothing_breaks_the_rule_of_the_prior(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """People do not have their settings back."""
    monkeypatch.setattr(Rollback, "of", lambda *_given: ())

    assert "prior" in rules_broken(STOPPED)


def test_an_incident_that_is_closed_too_early_breaks_the_rule_of_what_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The function is still stopped, and nobody knows."""
    monkeypatch.setattr(FakeFunctions, "unreserve", lambda *_given: None)
    unprovisioned = replace(STOPPED.functions[0], provisioned=0)

    assert "held" in rules_broken(replace(STOPPED, functions=(unprovisioned,)))


def test_pulses_that_go_on_failing_break_the_rule_of_settling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing goes wrong any more, and yet they end with errors."""

    def fail(*_given: Any) -> None:
        raise BusyError("as ever")

    monkeypatch.setattr(Reconciler, "tend", fail)

    assert "settles" in rules_broken(STOPPED)


def test_pulses_that_change_a_function_each_time_break_the_rule_of_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One change after the other."""

    def change(tending: Reconciler, incident: Incident, *_given: Any) -> None:
        for _ in range(30):
            tending.enforcer.world.functions.reserve(incident.function, 0)

    monkeypatch.setattr(Reconciler, "tend", change)

    assert "bounded" in rules_broken(STOPPED)


def test_events_that_nobody_sends_break_the_rule_of_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are in the record, and stay there."""
    monkeypatch.setattr(EventDelivery, "flush", lambda *_given: None)

    assert "events" in rules_broken(STOPPED)


def test_events_that_are_never_marked_break_the_rule_of_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each pulse sends them again."""
    monkeypatch.setattr(OutboxNotice, "event_tried", lambda notice, *_given: notice)

    assert "events" in rules_broken(STOPPED)


def test_mails_without_end_break_the_rule_of_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mail after the other."""

    def mail(tending: Reconciler, incident: Incident, *_given: Any) -> None:
        event = NoticeEvent(
            kind=EventKind.NOTICE_SENT, severity=EventSeverity.INFO, at=incident.updated_at
        )
        for _ in range(10):
            tending.enforcer.world.publisher.publish(
                Notice(subject=incident.function, body="again", event=event)
            )

    monkeypatch.setattr(Reconciler, "tend", mail)

    assert "bounded" in rules_broken(STOPPED)


@pytest.mark.parametrize(
    "flags",
    [
        Deploys(at=1.0, observes=False, exempt=("orders",)),
        Deploys(at=1.0, observes=True, exempt=()),
    ],
)
def test_a_stop_of_what_is_protected_breaks_the_rule_of_protection(
    monkeypatch: pytest.MonkeyPatch, flags: Deploys
) -> None:
    """By the flag `exempt`, and in observe mode."""
    schedule = replace(STOPPED, events=(flags, *STOPPED.events))
    assert rules_broken(schedule) == set()

    monkeypatch.setattr(decision, "_find_barrier", lambda *_given: None)

    assert "protected" in rules_broken(schedule)


def test_a_record_that_is_too_large_breaks_the_rule_of_fitting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DynamoDB would refuse it."""
    monkeypatch.setattr(tests.fake_table, "MOST_ITEM_BYTES", 1_000)

    assert "fits" in rules_broken(STOPPED)


def test_a_second_stop_for_the_same_minutes_breaks_the_rule_of_respect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loop is over, a person has restored the function, and a late signal stops it again."""
    late = Wakes(at=150.0, kind="contributor", function="orders", twice=None)
    over = Shifts(at=60.0, function="orders", demand=Demand.QUIET)
    schedule = replace(
        STOPPED, events=(*STOPPED.events, over, Asks(at=90.0, functions=("orders",)), late)
    )
    assert rules_broken(schedule) == set()

    monkeypatch.setattr(Evidence, "without", lambda evidence, *_given: evidence)
    monkeypatch.setattr(FakeLedger, "open", _always_open)

    assert "respected" in rules_broken(schedule)


def _always_open(ledger: FakeLedger, incident: Incident, *given: Any, **_more: Any) -> Any:
    """Whatever was closed before."""
    return _OPEN(ledger, incident, *given, known_until=WHATEVER_CLOSED)


def test_a_restore_that_believes_its_own_clock_breaks_the_rule_of_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its clock is behind the one that wrote the record: it takes the stop for a later one."""
    asks = Asks(at=20.0, functions=("orders",))
    skewed = replace(
        STOPPED, seed=3, weather=Weather(clock_seconds=60.0), events=(*STOPPED.events, asks)
    )
    assert rules_broken(skewed) == set()

    def is_later(incident: Incident | None, _first: object, began: datetime) -> bool:
        return incident is not None and incident.opened_at > began

    monkeypatch.setattr(rollback, "_is_of_later_stop", is_later)

    assert "answered" in rules_broken(skewed)


def test_a_process_without_the_key_leaves_a_tag_without_a_seal() -> None:
    """It cannot read the key while the ledger is away; a person names the function in the end."""
    away = Away(port="ledger", since=0.0, until=90.0, loses=False, methods=frozenset())
    keyless = replace(STOPPED, weather=Weather(keyless=1.0), faults=(away,))

    told = play(keyless, tells=True)

    assert told.broken == []
    tagging = [one.text for one in told.story if "tag(" in one.text and "signal" in one.text]
    assert tagging
    assert not any("seal=" in one for one in tagging)


def test_an_error_of_the_code_breaks_the_rule_of_soundness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No fault of AWS explains a `KeyError`."""

    def stumble(*_given: Any) -> None:
        raise KeyError("orders")

    monkeypatch.setattr(Reconciler, "tend", stumble)

    assert "sound" in rules_broken(STOPPED)
