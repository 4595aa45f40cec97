"""Saving counts versions; what is closed is filed away."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import InvalidTransitionError, StaleIncidentError
from functions.domain.incidents.history import LiveLedger, PastIncident
from functions.domain.incidents.states import IncidentState
from functions.domain.pulse.memory import PulseMemory
from tests.contract.incidents.ledger.records import (
    HOUR,
    ended,
    noted,
    opened,
    told,
)
from tests.contract.stage import NOON, Stage, an_incident


def test_saving_counts_the_version(stage: Stage) -> None:
    """Each write carries the next version."""
    incident = opened(stage, "orders")

    saved = stage.ledger.save(incident.leased(NOON))

    assert saved == replace(incident.leased(NOON), version=2)
    assert stage.ledger.find("orders") == saved


def test_saving_twice_is_stale(stage: Stage) -> None:
    """Of two runs with the same version only one writes, even when they would write the same."""
    incident = opened(stage, "orders")
    stage.ledger.save(incident.leased(NOON))

    with pytest.raises(StaleIncidentError):
        stage.ledger.save(incident.leased(NOON))


def test_saving_nothing_is_stale(stage: Stage) -> None:
    """An incident that is not stored cannot be saved."""
    with pytest.raises(StaleIncidentError, match="not what is stored: nothing"):
        stage.ledger.save(an_incident("orders"))


def test_saving_over_another_incident_is_stale(stage: Stage) -> None:
    """The function's next incident is not written over by its last."""
    incident = opened(stage, "orders")

    with pytest.raises(StaleIncidentError):
        stage.ledger.save(replace(incident, id="other"))


def test_live_holds_all_that_is_open(stage: Stage) -> None:
    """One read brings every open incident and the pulse's memory."""
    b, a = opened(stage, "b"), noted(stage, "a")
    memory = PulseMemory(
        looked_at=NOON,
        level_per_minute=12.5,
        looks=3,
        watched=("orders", "mails"),
        watch_until=NOON + timedelta(minutes=12),
        swept_to="orders-import",
        stock=7.25,
        stocked_at=NOON,
    )
    stage.ledger.remember_pulse(memory)

    assert stage.ledger.read_live() == LiveLedger(incidents=(a, b), pulse=memory)


def test_the_pulse_forgets(stage: Stage) -> None:
    """The last memory counts, one without a look as well."""
    stage.ledger.remember_pulse(PulseMemory(looked_at=NOON, level_per_minute=1.0, looks=1))
    stage.ledger.remember_pulse(PulseMemory())

    assert stage.ledger.read_live().pulse == PulseMemory()


def test_a_closed_incident_waits_for_its_notices(stage: Stage) -> None:
    """Closed but not filed away, it is live, and no longer open."""
    closed = stage.ledger.save(told(ended(opened(stage, "orders"), NOON)))

    assert stage.ledger.find("orders") is None
    assert stage.ledger.read_live().incidents == (closed,)
    assert stage.ledger.read_live().past == ()


def test_filing_away(stage: Stage) -> None:
    """Filed away it is no longer live, except as a stretch of time that is no precedent."""
    at = NOON + timedelta(minutes=7)
    closed = stage.ledger.save(ended(opened(stage, "orders"), at))

    stage.ledger.file_away(closed)

    past = PastIncident(function="orders", since=NOON - timedelta(minutes=9), until=at)
    assert stage.ledger.read_live() == LiveLedger(past=(past,))
    assert stage.ledger.read_closed("orders", NOON) == (
        replace(closed, version=closed.version + 1),
    )


def test_a_lifted_cap_is_filed_as_one(stage: Stage) -> None:
    """What a cap showed to be no loop stays a precedent."""
    moves = (
        IncidentState.CAPPING,
        IncidentState.CAPPED,
        IncidentState.RESTORING,
        IncidentState.LIFTED,
    )
    lifted = opened(stage, "orders")
    for state in moves:
        lifted = stage.ledger.save(lifted.to(state, NOON))

    stage.ledger.file_away(lifted)

    live = stage.ledger.read_live()
    assert [one.is_lifted for one in live.past] == [True]
    assert (live.troubles("orders"), live.was_lifted("orders", NOON)) == ((), True)


def test_filing_away_checks_the_version(stage: Stage) -> None:
    """What somebody else changed since is not filed away."""
    closed = ended(opened(stage, "orders"), NOON)
    saved = stage.ledger.save(closed)

    with pytest.raises(StaleIncidentError):
        stage.ledger.file_away(closed)

    assert stage.ledger.read_live().incidents == (saved,)


def test_filing_away_twice_is_stale(stage: Stage) -> None:
    """What is filed away already is not there any more."""
    closed = stage.ledger.save(ended(opened(stage, "orders"), NOON))
    stage.ledger.file_away(closed)

    with pytest.raises(StaleIncidentError):
        stage.ledger.file_away(closed)


def test_only_closed_incidents_are_filed_away(stage: Stage) -> None:
    """Filing away what is open is a mistake of the caller's."""
    incident = opened(stage, "orders")

    with pytest.raises(InvalidTransitionError):
        stage.ledger.file_away(incident)


def test_a_new_incident_does_not_wait_for_old_notices(stage: Stage) -> None:
    """A function may run away again while the last notice of its former incident is unsent."""
    old = stage.ledger.save(told(ended(opened(stage, "orders"), NOON)))

    new = opened(stage, "orders", NOON + HOUR)

    assert stage.ledger.find("orders") == new
    assert stage.ledger.read_live().incidents == (new, old)
    past = PastIncident(function="orders", since=NOON - timedelta(minutes=9), until=NOON)
    assert stage.ledger.read_live().past == (past,)


def test_an_old_incident_is_finished_beside_the_new(stage: Stage) -> None:
    """The former incident's notice is sent and it is filed away; the new one stays as it is."""
    old = stage.ledger.save(told(ended(opened(stage, "orders"), NOON)))
    new = opened(stage, "orders", NOON + HOUR)

    sent = stage.ledger.save(old.with_notice_as(old.outbox[0].sent()))
    stage.ledger.file_away(sent)

    assert stage.ledger.read_live().incidents == (new,)
    assert [old.id] == [one.id for one in stage.ledger.read_closed("orders", NOON - HOUR)]
    with pytest.raises(StaleIncidentError):
        stage.ledger.save(sent)


def test_closed_ones_newest_first(stage: Stage) -> None:
    """The closed incidents of one function, filed away or not, after a moment."""
    ids = []
    for hour in range(4):
        at = NOON + hour * HOUR
        closed = stage.ledger.save(ended(opened(stage, "orders", at), at + timedelta(minutes=1)))
        ids.append(closed.id)
        if hour < 3:
            stage.ledger.file_away(closed)
    stage.ledger.save(ended(noted(stage, "other"), NOON + 9 * HOUR))

    since = NOON + HOUR + timedelta(minutes=1)

    assert [ids[3], ids[2]] == [one.id for one in stage.ledger.read_closed("orders", since)]
    assert stage.ledger.read_closed("nobody", NOON - HOUR) == ()


def test_what_is_filed_away_is_listed_for_all_functions(stage: Stage) -> None:
    """Newest first, whichever way it was filed away, with how it ended and whether it was held."""
    first = ended(opened(stage, "orders"), NOON + HOUR)
    stage.ledger.file_away(stage.ledger.save(replace(first, contained_at=NOON)))
    second = stage.ledger.save(ended(noted(stage, "invoices"), NOON + 2 * HOUR))
    stage.ledger.file_away(second)
    released = opened(stage, "labels", most=3)
    again = an_incident("labels", NOON + 3 * HOUR)
    stage.ledger.supersede(ended(released, NOON + 3 * HOUR), again, None)

    found = stage.ledger.read_filed(NOON)

    assert [(one.function, one.state, one.was_held) for one in found] == [
        ("labels", "ended", False),
        ("invoices", "ended", False),
        ("orders", "ended", True),
    ]
    assert [one.id for one in found] == [released.id, second.id, first.id]
    assert [one.until for one in found] == [NOON + hours * HOUR for hours in (3, 2, 1)]


def test_what_was_filed_away_before_a_moment_is_not_listed(stage: Stage) -> None:
    """Nor is what ended in that moment."""
    incident = stage.ledger.save(ended(opened(stage, "orders"), NOON + HOUR))
    stage.ledger.file_away(incident)

    assert stage.ledger.read_filed(NOON + HOUR) == ()
    assert len(stage.ledger.read_filed(NOON + HOUR - timedelta(microseconds=1))) == 1
