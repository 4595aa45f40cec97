"""What incidents of earlier versions say, and what is put back of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from functions.aws.incidents.way_back import name_of, parse_hold_end
from functions.aws.records.incidents.incident_record import dump_incident, load_incident
from functions.aws.records.table import Table
from functions.domain.incidents.ports import (
    Attempts,
    BlastRadius,
    BlastRadiusReached,
    LatelyClosed,
    Opened,
    RequestClaim,
)
from functions.domain.incidents.states import IncidentState
from functions.domain.pulse.memory import PulseMemory
from functions.workflows.holding.end_hold import HoldEnder, Outcome
from sandbox.scenarios.provision import create_ledger
from tests.contract.frozen.thawing import (
    FIRST,
    INCIDENTS,
    LONG_AGO,
    MEANINGS,
    MINUTE,
    OTHERS,
    PULSES,
    STORIES,
    Meaning,
    meaning_of,
    of_orders,
    thaw,
)
from tests.contract.stage import an_incident, unique
from tests.frozen.sets import set_names
from tests.frozen.stage import items_of, settings_of
from tests.functional.scene import NOON

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws


def test_every_story_has_a_meaning() -> None:
    """A story whose records nobody looks at would say nothing."""
    assert {story for _, story in STORIES} == MEANINGS.keys() | OTHERS


@pytest.mark.parametrize(("name", "story"), INCIDENTS)
def test_a_record_says_what_it_said(name: str, story: str) -> None:
    """The state, and what was there before the guard changed anything."""
    frozen, meaning = thaw(name, story), meaning_of(name, story)

    incident = of_orders(frozen.ledger)

    if incident is None:
        assert meaning.state is None
        return
    snapshot = incident.snapshot
    provisioned = None if snapshot is None else snapshot.provisioned
    mappings = None if snapshot is None else snapshot.mappings
    assert meaning == Meaning(
        state=incident.state,
        prior=incident.prior,
        provisioned=(
            None if provisioned is None else {one.qualifier: one.requested for one in provisioned}
        ),
        mappings=None if mappings is None else tuple(one.enabled for one in mappings),
        theirs=meaning.theirs,
        phase="" if incident.watch is None else incident.watch.phase,
        probation="" if incident.probation is None else incident.probation.phase,
        is_shown=incident.is_shown,
        is_stopped=incident.stopped_at is not None,
        is_for_callers=incident.watch is not None and incident.watch.plan.is_for_callers,
        asked=meaning.asked,
    )


@pytest.mark.thorough
@pytest.mark.parametrize("pulses", [0, PULSES])
@pytest.mark.parametrize(("name", "story"), INCIDENTS)
def test_a_rollback_puts_everything_back(name: str, story: str, pulses: int) -> None:
    """At once, or after today's guard has gone on with what it found."""
    frozen, meaning = thaw(name, story), meaning_of(name, story)
    scene, wanted = frozen.scene, frozen.wanted
    for theirs in meaning.theirs:
        wanted["functions"]["orders"]["reserved"] = theirs
    if story == "deleted":
        wanted = {"functions": {}, "mappings": {}}

    scene.pulse(pulses)
    scene.now += timedelta(minutes=2)  # no run works on it any more
    scene.rollback(meaning.asked)

    assert settings_of(scene.account) == wanted
    assert not any("UNREADABLE" in one for one in scene.subjects)
    incident = of_orders(frozen.ledger)
    assert incident is None or incident.is_closed or incident.state is IncidentState.NOTIFIED


@pytest.mark.thorough
@pytest.mark.parametrize("name", set_names())
def test_it_is_the_same_with_a_table_of_dynamodb(shared_aws: LocalAws, name: str) -> None:
    """All that a set holds is as the table in memory has it, and a function is put back."""
    client = shared_aws.client("dynamodb")
    for story in ("memory", "chart", "findings"):
        table = create_ledger(client, unique("frozen"))
        told = thaw(name, story, Table(lambda: client, table)).told
        assert items_of(client, table) == told["items"]
    table = create_ledger(client, unique("frozen"))
    frozen = thaw(name, "contained", Table(lambda: client, table))

    frozen.scene.rollback("all")

    assert settings_of(frozen.scene.account) == frozen.wanted


@pytest.mark.parametrize(("name", "story"), INCIDENTS)
def test_what_is_read_is_written_and_read_again(name: str, story: str) -> None:
    """Nothing that was read is lost by today's code when it writes the record again."""
    ledger = thaw(name, story).ledger
    for incident in ledger.read_live().incidents:
        assert load_incident(dump_incident(incident)) == incident
        if not incident.is_closed:
            assert ledger.save(incident) == replace(incident, version=incident.version + 1)
            assert ledger.find("orders") == replace(incident, version=incident.version + 1)
    for closed in ledger.read_closed("orders", LONG_AGO):
        assert load_incident(dump_incident(closed)) == closed


CLOSED: Final = {
    "restored": IncidentState.RESTORED,
    "restored_unsent": IncidentState.RESTORED,
    "unsent_aside": IncidentState.RESTORED,
    "probation_over": IncidentState.RESTORED,
    "ended": IncidentState.ENDED,
    "deleted": IncidentState.DELETED,
    "superseded": IncidentState.SUPERSEDED,
    "lifted": IncidentState.LIFTED,
    "danger_over": IncidentState.LIFTED,
}


@pytest.mark.parametrize(("name", "story"), [one for one in STORIES if one[1] in CLOSED])
def test_what_is_over_is_remembered(name: str, story: str) -> None:
    """A closed incident is found among the closed ones, with the state that it ended in."""
    ledger = thaw(name, story).ledger

    (closed,) = ledger.read_closed("orders", LONG_AGO)
    past = [one for one in ledger.read_live().past if one.function == "orders"]

    assert closed.state is CLOSED[story]
    assert closed.closed_at is not None
    assert all(one.until == closed.closed_at for one in past)
    assert len(past) == (story != "restored_unsent")  # it is not filed yet


@pytest.mark.parametrize("name", set_names())
def test_who_was_put_back_is_not_stopped_for_the_same_trouble(name: str) -> None:
    """What is new must have begun after the last incident was closed."""
    frozen = thaw(name, "restored")

    opening = frozen.ledger.open(an_incident("orders", frozen.closed_at - MINUTE), None)

    assert opening == LatelyClosed(closed_at=frozen.closed_at)


@pytest.mark.parametrize("name", set_names())
def test_a_place_within_the_blast_radius_stays_taken(name: str) -> None:
    """What the earlier version stopped counts."""
    frozen = thaw(name, "contained")
    now = frozen.scene.now
    radius = BlastRadius(most=3, window=timedelta(hours=1))

    openings = [frozen.ledger.open(an_incident(one, now), radius) for one in ("a", "b", "c")]

    assert [type(one) for one in openings] == [Opened, Opened, BlastRadiusReached]
    assert openings[-1] == BlastRadiusReached(contained=("a", "b", "orders"))


@pytest.mark.parametrize("name", set_names())
def test_what_the_pulse_remembers(name: str) -> None:
    """When it looked last, and what it watches; what an earlier version did not know is empty."""
    frozen = thaw(name, "memory")
    later = PulseMemory(swept_to="orders", stock=2.5, stocked_at=NOON)

    memory = frozen.ledger.read_live().pulse

    assert memory == replace(
        PulseMemory() if name == FIRST else later,
        looked_at=NOON,
        level_per_minute=812.5,
        looks=3,
        watched=("orders", "bills"),
        watch_until=NOON + timedelta(minutes=20),
    )
    frozen.ledger.remember_pulse(memory)
    assert frozen.ledger.read_live().pulse == memory


@pytest.mark.parametrize("name", set_names())
def test_a_rollback_that_was_carried_out_is_not_carried_out_again(name: str) -> None:
    """CloudFormation may send its properties again; a record without an outcome counts as done."""
    ledger = thaw(name, "memory").ledger
    wanted = {
        "begun": RequestClaim.UNDER_WAY,
        "done": RequestClaim.DONE,
        "failed": RequestClaim.MINE,
    }
    if name == FIRST:
        wanted = {"claimed": RequestClaim.DONE}

    assert {one: ledger.claim_request(one, "another", NOON + MINUTE) for one in wanted} == wanted


@pytest.mark.parametrize("name", [one for one in set_names() if one != FIRST])
def test_attempts_are_counted_on(name: str) -> None:
    """What was tried before is not tried anew at once."""
    ledger = thaw(name, "memory").ledger

    assert ledger.read_attempts("tag 0123") == Attempts(count=2, last_at=NOON + MINUTE)


@pytest.mark.parametrize("name", [one for one in set_names() if one != FIRST])
def test_an_outage_is_remembered(name: str) -> None:
    """A tag of that time is believed without a seal."""
    assert thaw(name, "tagged").ledger.read_live().outages == ((NOON, NOON + MINUTE),)


@pytest.mark.parametrize("name", [one for one in set_names() if one != FIRST])
def test_the_schedule_of_a_hold_ends_it(name: str) -> None:
    """The event that it was made with is still understood, and it is found by the same name."""
    frozen = thaw(name, "held_by_cap")
    (schedule,) = frozen.told["schedules"]
    end = parse_hold_end(json.loads(schedule["input"]))
    assert name_of(end.incident_id) == schedule["name"]

    ending = HoldEnder(world=frozen.scene.world, sleep=frozen.scene.sleep)
    outcome = ending.end(end.incident_id, end.function)

    assert outcome is Outcome.ENDED
    assert settings_of(frozen.scene.account) == frozen.wanted
