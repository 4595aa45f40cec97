"""Opening incidents, one for each function, within the blast radius."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.incidents.history import WHATEVER_CLOSED, LiveLedger
from functions.domain.incidents.ports import (
    AlreadyOpen,
    BlastRadius,
    BlastRadiusReached,
    LatelyClosed,
    Opened,
)
from functions.domain.incidents.states import IncidentState
from tests.contract.incidents.ledger.records import (
    HOUR,
    ONE,
    THREE,
    ended,
    given_up,
    held,
    noted,
    opened,
    restored,
    told,
)
from tests.contract.stage import NOON, Stage, an_incident


def test_opens_an_incident(stage: Stage) -> None:
    """What was opened is found, with the version that the ledger gave it."""
    incident = an_incident("orders")

    opening = stage.ledger.open(incident, THREE)

    assert opening == Opened(incident=replace(incident, version=1))
    assert stage.ledger.find("orders") == replace(incident, version=1)


def test_opening_again_is_harmless(stage: Stage) -> None:
    """The same incident opened a second time answers what is stored, changed as it may be."""
    incident = opened(stage, "orders", most=1)
    changed = stage.ledger.save(incident.leased(NOON))

    assert stage.ledger.open(an_incident("orders"), ONE) == Opened(incident=changed)


def test_two_runs_that_decide_in_the_same_second_do_not_open_the_same_incident(
    stage: Stage,
) -> None:
    """Each would take the other's lease for its own."""
    first = opened(stage, "orders")
    second = an_incident("orders", NOON + timedelta(milliseconds=300))
    assert second.id == first.id

    assert stage.ledger.open(second, THREE) == AlreadyOpen(incident=first)


def test_one_open_incident_a_function(stage: Stage) -> None:
    """A second incident of the function is refused, with the first in the answer."""
    first = opened(stage, "orders")

    later = stage.ledger.open(an_incident("orders", NOON + HOUR), THREE)

    assert later == AlreadyOpen(incident=first)
    assert stage.ledger.find("orders") == first


def test_finds_nothing_where_nothing_is_open(stage: Stage) -> None:
    """A function without trouble has no incident."""
    assert stage.ledger.find("orders") is None
    assert stage.ledger.read_live() == LiveLedger()


def test_keeps_the_blast_radius(stage: Stage) -> None:
    """When all places are taken, nothing is opened and the answer names who has them."""
    for name in ("c", "a", "b"):
        opened(stage, name)

    refused = stage.ledger.open(an_incident("d", NOON + timedelta(minutes=59)), THREE)

    assert refused == BlastRadiusReached(contained=("a", "b", "c"))
    assert stage.ledger.find("d") is None


def test_open_goes_before_the_blast_radius(stage: Stage) -> None:
    """A function that is open already is answered so, whether or not a place is free."""
    first = opened(stage, "orders", most=1)

    later = stage.ledger.open(an_incident("orders", NOON + timedelta(minutes=1)), ONE)

    assert later == AlreadyOpen(incident=first)


def test_a_place_is_free_after_its_window(stage: Stage) -> None:
    """The window slides: a place counts until its own hour is over, to the second."""
    opened(stage, "a", most=1)

    early = stage.ledger.open(an_incident("b", NOON + HOUR - timedelta(seconds=1)), ONE)
    in_time = stage.ledger.open(an_incident("b", NOON + HOUR), ONE)

    assert early == BlastRadiusReached(contained=("a",))
    assert isinstance(in_time, Opened)


def test_a_closed_incident_keeps_its_place(stage: Stage) -> None:
    """The blast radius counts what was done within the window, undone or not."""
    stage.ledger.file_away(stage.ledger.save(ended(opened(stage, "a", most=1), NOON)))

    assert stage.ledger.open(an_incident("b"), ONE) == BlastRadiusReached(contained=("a",))


def test_a_stop_that_was_refused_gives_its_place_back(stage: Stage) -> None:
    """The guard did nothing: a real loop must not find the blast radius used up by that."""
    refused = given_up(stage, held(stage, "a", NOON), NOON)

    assert isinstance(stage.ledger.open(an_incident("b"), ONE), Opened)
    assert stage.ledger.hold(refused, ONE) == BlastRadiusReached(contained=("b",))


def test_a_cap_that_was_lifted_gives_its_place_back(stage: Stage) -> None:
    """It was no loop, and nothing lasts; a stop that a person took back counts to its end."""
    restored(stage, held(stage, "a", NOON), IncidentState.LIFTED, NOON)
    restored(stage, held(stage, "b", NOON), IncidentState.RESTORED, NOON)

    assert stage.ledger.open(an_incident("c"), ONE) == BlastRadiusReached(contained=("b",))


def test_a_function_takes_one_place_however_often_it_is_held(stage: Stage) -> None:
    """Restored and stopped three times, it leaves the other places to others."""
    for minutes in (0, 10, 20):
        at = NOON + timedelta(minutes=minutes)
        restored(stage, held(stage, "a", at, most=3), IncidentState.RESTORED, at)

    later = NOON + timedelta(minutes=30)
    others = [stage.ledger.open(an_incident(name, later), THREE) for name in "bcd"]

    assert [type(one) for one in others] == [Opened, Opened, BlastRadiusReached]
    assert others[2] == BlastRadiusReached(contained=("a", "b", "c"))
    late = NOON + HOUR + timedelta(minutes=19)
    assert isinstance(stage.ledger.open(an_incident("e", late), ONE), BlastRadiusReached)


def test_what_was_held_before_counts_although_the_next_stop_is_refused(stage: Stage) -> None:
    """A function that was stopped within the window is one of those that were."""
    restored(stage, held(stage, "a", NOON), IncidentState.RESTORED, NOON)
    later = NOON + timedelta(minutes=10)
    given_up(stage, held(stage, "a", later), later)

    refused = stage.ledger.open(an_incident("b", later), ONE)

    assert refused == BlastRadiusReached(contained=("a",))


def test_what_is_done_already_is_counted_and_never_refused(stage: Stage) -> None:
    """It takes a place where there is one, and is written down where there is none."""
    done = replace(ONE, is_binding=False)

    counted, beyond = (stage.ledger.open(an_incident(name), done) for name in ("a", "b"))

    assert isinstance(counted, Opened)
    assert isinstance(beyond, Opened)
    assert stage.ledger.open(an_incident("c"), ONE) == BlastRadiusReached(contained=("a",))


def test_telling_takes_no_place(stage: Stage) -> None:
    """Incidents that change nothing do not count."""
    for name in ("a", "b"):
        noted(stage, name)

    assert isinstance(stage.ledger.open(an_incident("c"), ONE), Opened)


def test_opening_over_a_closed_incident_needs_a_place(stage: Stage) -> None:
    """The blast radius holds there, too, and leaves the former incident where it is."""
    old = stage.ledger.save(told(ended(opened(stage, "orders", most=1), NOON)))

    opened(stage, "other", NOON + HOUR, most=1)
    later = an_incident("orders", NOON + HOUR + timedelta(minutes=5))
    refused = stage.ledger.open(later, ONE, known_until=WHATEVER_CLOSED)

    assert refused == BlastRadiusReached(contained=("other",))
    assert old in stage.ledger.read_live().incidents


@pytest.mark.parametrize("is_filed", [True, False], ids=["filed", "with an unsent notice"])
@pytest.mark.parametrize("radius", [THREE, None], ids=["to hold", "to tell"])
def test_what_was_before_the_last_closure_opens_nothing(
    stage: Stage, radius: BlastRadius | None, *, is_filed: bool
) -> None:
    """A trouble that began before the function's last incident was closed may be that incident."""
    closed = ended(opened(stage, "orders"), NOON)
    if is_filed:
        stage.ledger.file_away(stage.ledger.save(closed))
    else:
        stage.ledger.save(told(closed))
    soon = an_incident("orders", NOON + timedelta(minutes=8))  # it began nine minutes earlier

    refused = stage.ledger.open(soon, radius)

    assert refused == LatelyClosed(closed_at=NOON)
    assert stage.ledger.find("orders") is None
    before = stage.ledger.open(soon, radius, known_until=NOON - timedelta(seconds=1))
    assert before == LatelyClosed(closed_at=NOON), "what is known is of before that"
    known = stage.ledger.read_live().known_until("orders")
    assert isinstance(stage.ledger.open(soon, radius, known_until=known), Opened)


@pytest.mark.parametrize("is_filed", [True, False], ids=["filed", "with an unsent notice"])
def test_what_began_after_the_last_closure_is_new(stage: Stage, *, is_filed: bool) -> None:
    """A function may run away again at once."""
    closed = ended(opened(stage, "orders"), NOON)
    if is_filed:
        stage.ledger.file_away(stage.ledger.save(closed))
    else:
        stage.ledger.save(told(closed))

    opening = stage.ledger.open(an_incident("orders", NOON + timedelta(minutes=9)), THREE)

    assert isinstance(opening, Opened)


def test_the_closure_of_another_function_is_none_of_its_business(stage: Stage) -> None:
    """Each function has its own past."""
    stage.ledger.file_away(stage.ledger.save(ended(opened(stage, "orders"), NOON)))

    opening = stage.ledger.open(an_incident("mails", NOON + timedelta(minutes=1)), THREE)

    assert isinstance(opening, Opened)
