"""What a tag adds to the ledger, whatever the ledger knows already."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import ProvisionedConcurrency
from functions.domain.errors import StaleIncidentError
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.snapshot import TaggedSnapshot
from functions.workflows.incidents.adopt import adopt, was_closed_since
from tests.functional.scene import NOON, QUEUE, Scene

CAP = 3
TAGGED_AT = NOON + timedelta(minutes=10)
NOW = TAGGED_AT + timedelta(minutes=5)


def _scene() -> Scene:
    scene = Scene()
    scene.account.add("orders", reserved=0)
    scene.now = NOW
    return scene


def _adopt(scene: Scene, reserved: int | None, **given: object) -> Incident | None:
    facts = scene.account.functions.describe("orders")
    tagged = TaggedSnapshot(
        **{"reserved_concurrency": reserved, "at": TAGGED_AT, **given}  # type: ignore[arg-type]
    )
    return adopt(facts, tagged, scene.world, NOW)


def _known(scene: Scene, state: IncidentState, prior: int | None = 50) -> Incident:
    """An incident of NOON that the ledger has, in some state."""
    scene.now = NOON
    scene.burn()
    scene.account.reserves("orders", prior)
    scene.account.metrics.habit("orders", 150.0)
    scene.contributor()
    scene.account.reserves("orders", 0)
    contained = scene.incident()
    known = replace(contained, state=state)
    if state in {IncidentState.CAPPED, IncidentState.CAPPING}:
        steps = known.with_reservation(CAP, prior).steps
        known = replace(known, steps=steps, target=CAP, written=(CAP,), stopped_at=None)
    if state is IncidentState.RELEASED:
        known = replace(known, released_to=FoundReservation(reserved_concurrency=70))
    if state is IncidentState.NOTIFIED:
        known = replace(known, snapshot=None, steps=(), written=(), target=None, stopped_at=None)
    scene.now = NOW
    return scene.account.ledger.save(known)


def test_a_stop_that_the_ledger_knows_nothing_of_becomes_an_incident() -> None:
    """With the moment of the tag, held by this run."""
    scene = _scene()

    incident = _adopt(scene, 5)

    assert incident == scene.incident()
    assert incident is not None
    assert incident.state is IncidentState.CONTAINING
    assert (incident.prior, incident.target, incident.stopped_at) == (5, 0, TAGGED_AT)
    assert incident.is_leased(NOW)


def test_an_incident_that_only_told_people_takes_the_tag_over() -> None:
    """The same incident goes on."""
    scene = _scene()
    known = _known(scene, IncidentState.NOTIFIED)

    incident = _adopt(scene, 5)

    assert incident is not None
    assert (incident.id, incident.state, incident.prior) == (
        known.id,
        IncidentState.CONTAINING,
        5,
    )


@pytest.mark.parametrize("state", [IncidentState.CAPPED, IncidentState.CAPPING])
@pytest.mark.parametrize("tagged", [CAP, 50])
def test_a_stop_of_a_capped_function_belongs_to_its_incident(
    state: IncidentState, tagged: int
) -> None:
    """Whether the tag holds the cap or what was there before it: the snapshot stays."""
    scene = _scene()
    known = _known(scene, state)

    incident = _adopt(scene, tagged)

    assert incident is not None
    assert (incident.id, incident.prior, incident.written) == (known.id, 50, (CAP, 0))
    assert incident.state is IncidentState.CONTAINING
    assert incident.stopped_at == TAGGED_AT
    assert incident.contained_at == known.contained_at


def test_a_value_that_somebody_set_under_the_cap_is_what_a_restore_brings_back() -> None:
    """20 is neither the cap nor what was there before it: a person's, set meanwhile."""
    scene = _scene()
    known = _known(scene, IncidentState.CAPPED)

    incident = _adopt(scene, 20)

    assert incident is not None
    assert incident.prior == 20
    assert incident.id != known.id
    assert scene.account.ledger.read_closed("orders", NOON)[0].state is IncidentState.SUPERSEDED


def test_a_recorded_stop_needs_no_tag() -> None:
    """The same prior, and the function is at 0 by the record."""
    scene = _scene()
    known = _known(scene, IncidentState.CONTAINED)

    assert _adopt(scene, 50) is None
    assert scene.incident() == known


def test_a_stop_after_a_release_that_nobody_noticed_has_its_own_snapshot() -> None:
    """The record says contained; the tag was written when 20 were reserved."""
    scene = _scene()
    _known(scene, IncidentState.CONTAINED)

    incident = _adopt(scene, 20)

    assert incident is not None
    assert incident.prior == 20


@pytest.mark.parametrize("tagged", [50, 70, 3, None])
def test_after_a_release_every_value_is_somebody_elses(tagged: int | None) -> None:
    """Also one that the guard had written before, or had found before."""
    scene = _scene()
    known = _known(scene, IncidentState.RELEASED)
    scene.account.ledger.save(replace(known, written=(3, 0)))

    incident = _adopt(scene, tagged)

    assert incident is not None
    assert (incident.prior, incident.state) == (tagged, IncidentState.CONTAINING)


def test_a_stop_before_the_release_was_noticed_may_have_found_the_guards_cap() -> None:
    """What was taken for a release was that stop: nobody has set the cap's value."""
    scene = _scene()
    known = _known(scene, IncidentState.RELEASED)
    noticed = replace(
        known,
        written=(CAP,),
        released_at=TAGGED_AT + timedelta(minutes=1),
        released_to=FoundReservation(reserved_concurrency=0),
        stopped_at=None,
    )
    scene.account.ledger.save(noticed)

    incident = _adopt(scene, CAP)

    assert incident is not None
    assert incident.prior == 50


def test_a_stop_in_the_middle_of_a_restore_has_its_own_snapshot() -> None:
    """Else the restore would close the incident of a function at 0."""
    scene = _scene()
    known = _known(scene, IncidentState.RESTORING)

    incident = _adopt(scene, 50)

    assert incident is not None
    assert incident.id != known.id
    assert (incident.prior, incident.state) == (50, IncidentState.CONTAINING)


@pytest.mark.parametrize("at", [NOON - timedelta(seconds=1), NOON])
def test_a_tag_of_the_recorded_stop_or_before_it_adds_nothing(at: object) -> None:
    """It could not be taken off after it was adopted."""
    for state in (IncidentState.CONTAINED, IncidentState.RESTORING, IncidentState.RELEASED):
        scene = _scene()
        known = _known(scene, state)

        assert _adopt(scene, 7, at=at) is None
        assert scene.incident() == known


def test_an_adopted_tag_that_stays_adds_nothing_a_second_time() -> None:
    """The incident has the name of the tag's moment, and may be anywhere by now."""
    scene = _scene()
    incident = _adopt(scene, 5)
    assert incident is not None
    restoring = replace(incident, state=IncidentState.RESTORING).unleased()
    stored = scene.account.ledger.save(restoring)

    assert _adopt(scene, 5) is None
    assert scene.incident() == stored


def test_an_incident_that_another_run_works_on_is_left_to_it() -> None:
    """The tag stays until its snapshot is recorded."""
    scene = _scene()
    known = _known(scene, IncidentState.CAPPED)
    scene.account.ledger.save(known.leased(NOW))

    with pytest.raises(StaleIncidentError):
        _adopt(scene, CAP)


def test_removed_provisioned_concurrency_is_adopted_as_done() -> None:
    """It need not be removed again, and comes back with the rest, beside what was there before."""
    removed = (ProvisionedConcurrency(qualifier="live", requested=5),)
    scene = _scene()

    incident = _adopt(scene, 9, provisioned=removed)

    assert incident is not None
    assert incident.snapshot is not None
    assert incident.snapshot.provisioned == removed
    assert [one.status for one in incident.left_beside] == [StepStatus.DONE]


def test_what_a_former_incident_left_is_taken_along() -> None:
    """Its mapping is disabled still, the provisioned concurrency is of the new stop."""
    scene = _scene()
    mapping = scene.account.add_mapping("orders", QUEUE)
    _known(scene, IncidentState.RELEASED)
    assert mapping.enabled is False
    removed = (ProvisionedConcurrency(qualifier="live", requested=5),)

    incident = _adopt(scene, 20, provisioned=removed)

    assert incident is not None
    scene.account.ledger.save(incident.unleased())
    scene.rollback("orders")
    orders = scene.account.by_name["orders"]
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (20, {"live": 5}, True)


@pytest.mark.parametrize(("qualifiers", "is_known"), [((), True), (("live",), False)])
def test_a_closed_stop_knows_only_what_it_has_recorded(
    qualifiers: tuple[str, ...], *, is_known: bool
) -> None:
    """One that came after the tag's, when nothing provisioned was left, does not put that back."""
    scene = _scene()
    known = _known(scene, IncidentState.CONTAINED)
    scene.account.reserves("orders", 50)
    scene.now = NOW + timedelta(minutes=1)
    closed = known.to(IncidentState.RELEASED, scene.now).to(IncidentState.ENDED, scene.now)
    scene.account.ledger.file_away(scene.account.ledger.save(closed))
    tagged = TaggedSnapshot(
        reserved_concurrency=50,
        at=NOON - timedelta(minutes=1),
        provisioned=tuple(ProvisionedConcurrency(qualifier=one, requested=4) for one in qualifiers),
    )
    facts = scene.account.functions.describe("orders")

    assert was_closed_since(facts, tagged, scene.account.ledger) is is_known
