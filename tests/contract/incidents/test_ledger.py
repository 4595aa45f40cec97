from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.domain.errors import InvalidTransitionError, StaleIncidentError
from functions.domain.incidents.history import WHATEVER_CLOSED, LiveLedger, PastIncident
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.ports import (
    REQUEST_LASTS,
    AlreadyOpen,
    Attempts,
    BlastRadius,
    BlastRadiusReached,
    LatelyClosed,
    Opened,
    RequestClaim,
)
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.pulse.memory import PulseMemory
from tests.contract.stage import NOON, Stage, an_incident

HOUR = timedelta(hours=1)
THREE = BlastRadius(most=3, window=HOUR)
ONE = BlastRadius(most=1, window=HOUR)


def opened(stage: Stage, function: str, at: datetime = NOON, most: int = 3) -> Incident:
    """An incident that was opened with a place within the blast radius."""
    opening = stage.ledger.open(an_incident(function, at), BlastRadius(most=most, window=HOUR))
    assert isinstance(opening, Opened)
    return opening.incident


def noted(stage: Stage, function: str, at: datetime = NOON) -> Incident:
    """An incident of which people are only told."""
    opening = stage.ledger.open(an_incident(function, at), None)
    assert isinstance(opening, Opened)
    return opening.incident


def ended(incident: Incident, at: datetime) -> Incident:
    """The incident, closed."""
    return incident.to(IncidentState.ENDED, at)


def told(incident: Incident) -> Incident:
    """The incident with a notice that waits to be sent."""
    return incident.with_notice(Transition.NOTIFIED, "subject", "body")


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


def held(stage: Stage, function: str, at: datetime, most: int = 1) -> Incident:
    """An incident whose snapshot is written and whose function was stopped."""
    incident = an_incident(function, at).to(IncidentState.CONTAINING, at).with_reservation(0, None)
    opening = stage.ledger.open(
        replace(incident, contained_at=at),
        BlastRadius(most=most, window=HOUR),
        known_until=WHATEVER_CLOSED,
    )
    assert isinstance(opening, Opened)
    return opening.incident


def restored(stage: Stage, incident: Incident, closing: IncidentState, at: datetime) -> None:
    """Close an incident by putting its function back."""
    closed = incident.to(IncidentState.RESTORING, at).to(closing, at)
    stage.ledger.file_away(stage.ledger.save(closed))


def given_up(stage: Stage, incident: Incident, at: datetime) -> Incident:
    """The incident after AWS refused the stop."""
    return stage.ledger.save(
        replace(incident.to(IncidentState.NOTIFIED, at), snapshot=None, steps=(), target=None)
    )


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


def test_holding_takes_a_place(stage: Stage) -> None:
    """An incident that begins to hold its function takes one of the places."""
    incident = noted(stage, "a")

    held = stage.ledger.hold(replace(incident, memory_mb=256), ONE)

    assert held == Opened(incident=replace(incident, memory_mb=256, version=2))
    assert stage.ledger.find("a") == replace(incident, memory_mb=256, version=2)
    assert stage.ledger.open(an_incident("b"), ONE) == BlastRadiusReached(contained=("a",))


def test_holding_needs_a_free_place(stage: Stage) -> None:
    """Without a free place the incident stays as it is."""
    opened(stage, "a", most=1)
    incident = noted(stage, "b")

    refused = stage.ledger.hold(replace(incident, memory_mb=256), ONE)

    assert refused == BlastRadiusReached(contained=("a",))
    assert stage.ledger.find("b") == incident


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("held_before", [False, True])
def test_holding_again_takes_no_second_place(stage: Stage, most: int, *, held_before: bool) -> None:
    """An incident that has a place keeps it, even where others have become free since."""
    radius = BlastRadius(most=most, window=HOUR)
    others = [opened(stage, f"other-{n}", NOON - timedelta(minutes=50)) for n in range(most - 1)]
    if held_before:
        first = stage.ledger.hold(noted(stage, "a"), radius)
        assert isinstance(first, Opened)
        incident = first.incident
    else:
        incident = opened(stage, "a", most=most)

    later = NOON + timedelta(minutes=20)
    held = stage.ledger.hold(incident.to(IncidentState.CONTAINING, later), radius)

    assert isinstance(held, Opened)
    later = NOON + timedelta(minutes=21)
    free = [stage.ledger.open(an_incident(f"late-{n}", later), radius) for n in range(most)]
    assert len(others) == sum(isinstance(one, Opened) for one in free)


def test_holding_anew_after_the_window(stage: Stage) -> None:
    """A place that has run out is no place: holding again needs one that is free."""
    incident = opened(stage, "a", most=1)
    later = NOON + 2 * HOUR
    opened(stage, "b", later, most=1)

    refused = stage.ledger.hold(incident.to(incident.state, later), ONE)

    assert refused == BlastRadiusReached(contained=("b",))


def test_holding_checks_the_version(stage: Stage) -> None:
    """What somebody else changed since is not written over."""
    incident = noted(stage, "a")
    stage.ledger.save(incident.leased(NOON))

    with pytest.raises(StaleIncidentError, match=r"1 is not what is stored: a-\S+ version 2"):
        stage.ledger.hold(incident, THREE)


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


def released(stage: Stage, function: str, most: int = 3) -> Incident:
    """An incident of a function that somebody has released."""
    incident = opened(stage, function, most=most)
    changed = replace(incident, state=IncidentState.RELEASED, released_at=NOON)
    return stage.ledger.save(changed)


def test_superseding(stage: Stage) -> None:
    """The old incident is filed away and the new one open, in one go."""
    later = NOON + timedelta(minutes=10)
    old = released(stage, "orders").to(IncidentState.SUPERSEDED, later)
    new = an_incident("orders", later)

    opening = stage.ledger.supersede(old, new, THREE)

    assert opening == Opened(incident=replace(new, version=1))
    assert stage.ledger.read_live().incidents == (replace(new, version=1),)
    past = PastIncident(function="orders", since=NOON - timedelta(minutes=9), until=later)
    assert stage.ledger.read_live().past == (past,)
    assert [old.id] == [one.id for one in stage.ledger.read_closed("orders", NOON)]


def test_superseding_keeps_unsent_notices(stage: Stage) -> None:
    """An old incident with a notice to send stays among the live ones until it is sent."""
    later = NOON + timedelta(minutes=10)
    old = told(released(stage, "orders").to(IncidentState.SUPERSEDED, later))

    stage.ledger.supersede(old, an_incident("orders", later), THREE)

    new, kept = stage.ledger.read_live().incidents
    assert (new.opened_at, kept) == (later, replace(old, version=old.version + 1))
    sent = stage.ledger.save(kept.with_notice_as(kept.outbox[0].sent()))
    stage.ledger.file_away(sent)
    assert stage.ledger.read_live().incidents == (new,)


def test_superseding_needs_a_place(stage: Stage) -> None:
    """Without a free place both stay as they are."""
    incident = released(stage, "orders", most=1)
    opened(stage, "other", NOON + HOUR, most=1)
    later = NOON + HOUR + timedelta(minutes=10)

    refused = stage.ledger.supersede(
        incident.to(IncidentState.SUPERSEDED, later), an_incident("orders", later), ONE
    )

    assert refused == BlastRadiusReached(contained=("other",))
    assert stage.ledger.find("orders") == incident


def test_superseding_what_is_done_already_needs_no_place(stage: Stage) -> None:
    """What is true already is written down, whether or not a place is free, and takes none."""
    incident = released(stage, "orders", most=1)
    later = NOON + HOUR + timedelta(minutes=10)
    ledger: Any = stage.ledger  # the port asks for a blast radius

    early = ledger.supersede(
        incident.to(IncidentState.SUPERSEDED, NOON), an_incident("orders", NOON + HOUR / 2), None
    )

    assert isinstance(early, Opened)
    assert isinstance(stage.ledger.open(an_incident("other", later), ONE), Opened)


def test_superseding_checks_the_version(stage: Stage) -> None:
    """What somebody else changed since is not superseded."""
    incident = released(stage, "orders")
    saved = stage.ledger.save(incident)
    later = NOON + timedelta(minutes=10)

    with pytest.raises(StaleIncidentError):
        stage.ledger.supersede(
            incident.to(IncidentState.SUPERSEDED, later), an_incident("orders", later), THREE
        )

    assert stage.ledger.find("orders") == saved


def test_superseding_again_is_harmless(stage: Stage) -> None:
    """The same once more answers what is stored."""
    later = NOON + timedelta(minutes=10)
    old = released(stage, "orders").to(IncidentState.SUPERSEDED, later)
    new = an_incident("orders", later)

    assert stage.ledger.supersede(old, new, THREE) == stage.ledger.supersede(old, new, THREE)


def test_only_closed_incidents_are_superseded(stage: Stage) -> None:
    """Superseding what is open is a mistake of the caller's."""
    incident = released(stage, "orders")

    with pytest.raises(InvalidTransitionError):
        stage.ledger.supersede(incident, an_incident("orders", NOON + HOUR), THREE)


def test_a_request_is_claimed_once(stage: Stage) -> None:
    """A nonce belongs to the request that brought it first, and to its retries."""
    claims = [
        stage.ledger.claim_request("nonce", request, NOON)
        for request in ("first", "first", "second", "first")
    ]

    mine = RequestClaim.MINE
    assert claims == [mine, mine, RequestClaim.UNDER_WAY, mine]
    assert stage.ledger.claim_request("another", "second", NOON) is mine


@pytest.mark.parametrize(
    ("is_done", "claim"), [(True, RequestClaim.DONE), (False, RequestClaim.MINE)]
)
def test_a_request_that_failed_may_be_taken_over(
    stage: Stage, *, is_done: bool, claim: RequestClaim
) -> None:
    """One that was carried out is not carried out again, however late."""
    stage.ledger.claim_request("nonce", "first", NOON)
    stage.ledger.settle_request("nonce", "first", is_done=is_done)

    assert stage.ledger.claim_request("nonce", "second", NOON + HOUR) is claim


def test_a_request_without_an_outcome_is_over_after_a_while(stage: Stage) -> None:
    """A run that died claimed it and told nothing."""
    stage.ledger.claim_request("nonce", "first", NOON)
    early, late = NOON + REQUEST_LASTS - timedelta(seconds=1), NOON + REQUEST_LASTS

    assert stage.ledger.claim_request("nonce", "second", early) is RequestClaim.UNDER_WAY
    assert stage.ledger.claim_request("nonce", "second", late) is RequestClaim.MINE


def test_only_who_has_a_request_settles_it(stage: Stage) -> None:
    """A run that comes to itself after another took over decides nothing any more."""
    stage.ledger.claim_request("nonce", "first", NOON)
    stage.ledger.claim_request("nonce", "second", NOON + REQUEST_LASTS)

    stage.ledger.settle_request("nonce", "first", is_done=False)
    stage.ledger.settle_request("unknown", "first", is_done=False)

    claim = stage.ledger.claim_request("nonce", "third", NOON + REQUEST_LASTS)
    assert claim is RequestClaim.UNDER_WAY


def test_a_repeated_delivery_that_fails_makes_nothing_undone(stage: Stage) -> None:
    """What succeeded may be sent again by CloudFormation for years."""
    stage.ledger.claim_request("nonce", "first", NOON)
    stage.ledger.settle_request("nonce", "first", is_done=True)

    assert stage.ledger.claim_request("nonce", "first", NOON) is RequestClaim.MINE
    stage.ledger.settle_request("nonce", "first", is_done=False)

    assert stage.ledger.claim_request("nonce", "second", NOON + HOUR) is RequestClaim.DONE


def test_attempts_are_counted(stage: Stage) -> None:
    """Each matter by itself, with the moment of the last one."""
    assert stage.ledger.read_attempts("a") == Attempts()

    stage.ledger.count_attempt("a", NOON)
    stage.ledger.count_attempt("a", NOON + HOUR)
    stage.ledger.count_attempt("b", NOON)

    assert stage.ledger.read_attempts("a") == Attempts(count=2, last_at=NOON + HOUR)
    assert stage.ledger.read_attempts("b") == Attempts(count=1, last_at=NOON)


def test_as_many_as_allowed_at_the_same_moment(stage: Stage) -> None:
    """Of eight functions at the same moment, exactly three are opened."""
    names = [f"function-{number}" for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        openings = list(pool.map(lambda name: stage.ledger.open(an_incident(name), THREE), names))

    assert sum(isinstance(one, Opened) for one in openings) == 3
    assert sum(isinstance(one, BlastRadiusReached) for one in openings) == 5
    assert len(stage.ledger.read_live().incidents) == 3


def test_one_of_many_at_the_same_moment(stage: Stage) -> None:
    """Of eight incidents of one function at the same moment, exactly one is opened."""
    incidents = [an_incident("orders", NOON + timedelta(seconds=number)) for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        openings = list(pool.map(lambda one: stage.ledger.open(one, ONE), incidents))

    (winner,) = [one.incident for one in openings if isinstance(one, Opened)]
    assert openings.count(AlreadyOpen(incident=winner)) == 7
    taken = stage.ledger.open(an_incident("b"), ONE)
    assert taken == BlastRadiusReached(contained=("orders",))


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
