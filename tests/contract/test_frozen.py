"""Records as earlier versions have stored them: what today's code reads in them, and undoes.

`tests/frozen` holds them, and says how a new set is written.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account.inventory import build_account
from functions.aws.incidents.way_back import name_of, parse_hold_end
from functions.aws.records.chart_store import ChartStore
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.fact_store import FactStore
from functions.aws.records.graph_summary import LoopBookStore, pack_summary, unpack_summary
from functions.aws.records.incidents.incident_record import dump_incident, load_incident
from functions.aws.records.table import Table
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.diagnosis.record import BOOK_RECORD, REMEDIATION_RECORD
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.diagnosis.triage import Progress
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
from functions.workflows.diagnosis.run import undo_remediations
from functions.workflows.holding.end_hold import HoldEnder, Outcome
from sandbox.scenarios.provision import create_ledger
from tests.contract.stage import an_incident, unique
from tests.frozen.sets import read, set_names, story_names
from tests.frozen.stage import fill, ledger_of, put_items, settings_of
from tests.frozen.told.staging import ChartStage
from tests.functional.scene import NOON, Scene
from tests.unit.domain.diagnosis.samples import NOW as DAY
from tests.unit.domain.diagnosis.samples import Hospital

if TYPE_CHECKING:
    from functions.domain.incidents.incident import Incident
    from sandbox.local_aws import LocalAws
    from tests.frozen.stage import KeptLedger

FIRST: Final = "2026-11-23-68b12d2"
PULSES: Final = 3
MINUTE: Final = timedelta(minutes=1)
LONG_AGO: Final = NOON - timedelta(days=30)
GRAPH_AT: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
GRAPH_LATER: Final = GRAPH_AT + timedelta(days=1, hours=1)
# Their graphs mean something else: see `SCHEMA` and `VERSION` beside them.
REREAD: Final = {FIRST}
STORIES: Final = [(name, story) for name in set_names() for story in story_names(name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a record says of the function ``orders``.

    Attributes
    ----------
    state
        Of its live incident; ``None`` where there is none.
    prior
        What was reserved before.
    provisioned, mappings
        What else the snapshot holds: by version or alias, and by whether they were enabled.
    theirs
        What is reserved after a restore, where a person has set it; ``()`` for what was before.
    probation
        How far a probation has got; empty for none.
    is_stopped
        Whether it is known when the reservation of 0 took effect.
    is_for_callers
        Whether it is no hold, but a cap in danger.
    asked
        The rollback that puts it back.
    """

    state: IncidentState | None
    prior: int | None = None
    provisioned: dict[str, int] | None = None
    mappings: tuple[bool, ...] | None = None
    theirs: tuple[int | None, ...] = ()
    phase: str = ""
    probation: str = ""
    is_shown: bool = False
    is_stopped: bool = False
    is_for_callers: bool = False
    asked: str = "all"


_S = IncidentState
_EVERYTHING: Final = Meaning(
    state=_S.CONTAINED,
    prior=5,
    provisioned={"live": 3},
    mappings=(True, False),
    is_stopped=True,
)
_HELD: Final = Meaning(state=_S.CAPPED, prior=50, phase="held")
MEANINGS: Final = {
    "notified": Meaning(state=_S.NOTIFIED),
    "contained": _EVERYTHING,
    "notice_claimed": _EVERYTHING,
    "ordered": _EVERYTHING,
    "contained_without_reservation": Meaning(
        state=_S.CONTAINED, provisioned={}, mappings=(), is_stopped=True
    ),
    "contained_on_instances": Meaning(
        state=_S.CONTAINED, provisioned={}, mappings=(True,), is_stopped=True
    ),
    "containing": replace(_EVERYTHING, state=_S.CONTAINING, mappings=None, is_stopped=False),
    "containing_half": replace(_EVERYTHING, state=_S.CONTAINING),
    "containing_refused": Meaning(state=_S.CONTAINING, prior=5),
    "follow_up_refused": _EVERYTHING,
    "released": replace(_EVERYTHING, state=_S.RELEASED, theirs=(3,)),
    "running_away_again": replace(_EVERYTHING, state=_S.RELEASED, theirs=(3,)),
    "restoring": replace(_EVERYTHING, state=_S.RESTORING),
    "restoring_pending": replace(_EVERYTHING, state=_S.RESTORING),
    "restore_refused": _EVERYTHING,
    "probation": replace(_EVERYTHING, state=_S.CAPPED, probation="let go"),
    "probation_held_again": replace(_EVERYTHING, state=_S.CAPPED, probation="held again"),
    "probation_failed": _EVERYTHING,
    "probation_over": Meaning(state=None),
    "probation_refused": _EVERYTHING,
    "restored": Meaning(state=None),
    "restored_unsent": replace(_EVERYTHING, state=_S.RESTORED),
    "unsent_aside": _EVERYTHING,
    "ended": Meaning(state=None),
    "deleted": Meaning(state=None),
    "superseded": replace(_EVERYTHING, prior=3, theirs=(3,)),
    "tagged": Meaning(state=None),
    "capping": replace(_HELD, state=_S.CAPPING),
    "capped": Meaning(state=_S.CAPPED, prior=50),
    "stopped_after_cap": Meaning(state=_S.CONTAINED, prior=50, provisioned={}, mappings=(True,)),
    "held_by_cap": _HELD,
    "held_at_zero": replace(_HELD, is_stopped=True),
    "held_paused": replace(_HELD, mappings=(True,)),
    "trial_by_cap": replace(_HELD, phase="trial"),
    "trial_of_queue": replace(_HELD, phase="trial", mappings=(True,)),
    "held_again": replace(_HELD, phase="held again", mappings=(True,)),
    "shown": replace(_HELD, phase="held again", mappings=(True,), is_shown=True),
    "expiring": replace(_HELD, phase="held again", mappings=(True,), is_shown=True),
    "second_trial": replace(_HELD, phase="trial", is_stopped=True),
    "stopped_after_hold": replace(
        _HELD, state=_S.CONTAINED, phase="held again", mappings=(True,), is_stopped=True
    ),
    "capped_in_danger": Meaning(state=_S.CAPPED, phase="held", is_for_callers=True),
    "danger_over": Meaning(state=None),
    "would_be_capped": Meaning(state=_S.NOTIFIED),
    "lifted": Meaning(state=None),
}
# The first version read the mappings together with what is provisioned, and knew no phases; where a
# cap came first it kept the moment of the cap only.
EARLIER_MEANINGS: Final = {
    (FIRST, "containing"): replace(_EVERYTHING, state=_S.CONTAINING, is_stopped=False),
    (FIRST, "capping"): Meaning(state=_S.CAPPING, prior=50),
    # Its tags had no seal: since then a person has to name the function.
    (FIRST, "tagged"): Meaning(state=None, asked="orders"),
}
INCIDENTS: Final = [(name, story) for name, story in STORIES if story in MEANINGS]
_OTHERS: Final = {
    "memory",
    "findings",
    "treatment_applying",
    "treatments_applied",
    "treatment_undoing",
    "treatments_closed",
    "chart",
}


def meaning_of(name: str, story: str) -> Meaning:
    """What a story of a set means."""
    return EARLIER_MEANINGS.get((name, story), MEANINGS[story])


@dataclass(slots=True)
class Frozen:
    """A frozen story, with today's code in the account that it left behind."""

    told: dict[str, Any]
    client: Any
    table: str
    scene: Scene = field(default_factory=Scene)

    def open_table(self) -> Table:
        """The table, for a store of today."""
        return Table(lambda: self.client, self.table)

    @property
    def ledger(self) -> KeptLedger:
        """Today's ledger."""
        ledger: Any = self.scene.account.ledger
        found: KeptLedger = ledger
        return found

    @property
    def closed_at(self) -> datetime:
        """When the one closed incident was closed."""
        (closed,) = self.ledger.read_closed("orders", LONG_AGO)
        assert closed.closed_at is not None
        return closed.closed_at

    @property
    def wanted(self) -> dict[str, Any]:
        """The settings from before the guard did anything."""
        wanted: dict[str, Any] = deepcopy(self.told["before"])
        return wanted


def thaw(aws: LocalAws, name: str, story: str) -> Frozen:
    """Put the items of a story into a table, and its settings into an account."""
    told, client = read(name, story), aws.client("dynamodb")
    table = create_ledger(client, unique("frozen"))
    put_items(client, table, told["items"])
    frozen = Frozen(told=told, client=client, table=table)
    if "now" in told:
        frozen.scene.now = datetime.fromisoformat(told["now"]) + timedelta(minutes=2)
        fill(frozen.scene.account, told["found"])
        ledger_of(frozen.scene, client, table, story)
    return frozen


def of_orders(ledger: KeptLedger) -> Incident | None:
    """The live incident, closed or not, that is in its function's place."""
    live = ledger.read_live()
    assert live.unreadable == ()
    newest = sorted(live.incidents, key=lambda one: one.opened_at)
    return newest[-1] if newest else None


def test_every_story_has_a_meaning() -> None:
    """A story whose records nobody looks at would say nothing."""
    assert {story for _, story in STORIES} == MEANINGS.keys() | _OTHERS


@pytest.mark.parametrize(("name", "story"), INCIDENTS)
def test_a_record_says_what_it_said(shared_aws: LocalAws, name: str, story: str) -> None:
    """The state, and what was there before the guard changed anything."""
    frozen, meaning = thaw(shared_aws, name, story), meaning_of(name, story)

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


@pytest.mark.parametrize("pulses", [0, PULSES])
@pytest.mark.parametrize(("name", "story"), INCIDENTS)
def test_a_rollback_puts_everything_back(
    shared_aws: LocalAws, name: str, story: str, pulses: int
) -> None:
    """At once, or after today's guard has gone on with what it found."""
    frozen, meaning = thaw(shared_aws, name, story), meaning_of(name, story)
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


@pytest.mark.parametrize(("name", "story"), INCIDENTS)
def test_what_is_read_is_written_and_read_again(
    shared_aws: LocalAws, name: str, story: str
) -> None:
    """Nothing that was read is lost by today's code when it writes the record again."""
    ledger = thaw(shared_aws, name, story).ledger
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
def test_what_is_over_is_remembered(shared_aws: LocalAws, name: str, story: str) -> None:
    """A closed incident is found among the closed ones, with the state that it ended in."""
    ledger = thaw(shared_aws, name, story).ledger

    (closed,) = ledger.read_closed("orders", LONG_AGO)
    past = [one for one in ledger.read_live().past if one.function == "orders"]

    assert closed.state is CLOSED[story]
    assert closed.closed_at is not None
    assert all(one.until == closed.closed_at for one in past)
    assert len(past) == (story != "restored_unsent")  # it is not filed yet


@pytest.mark.parametrize("name", set_names())
def test_who_was_put_back_is_not_stopped_for_the_same_trouble(
    shared_aws: LocalAws, name: str
) -> None:
    """What is new must have begun after the last incident was closed."""
    frozen = thaw(shared_aws, name, "restored")

    opening = frozen.ledger.open(an_incident("orders", frozen.closed_at - MINUTE), None)

    assert opening == LatelyClosed(closed_at=frozen.closed_at)


@pytest.mark.parametrize("name", set_names())
def test_a_place_within_the_blast_radius_stays_taken(shared_aws: LocalAws, name: str) -> None:
    """What the earlier version stopped counts."""
    frozen = thaw(shared_aws, name, "contained")
    now = frozen.scene.now
    radius = BlastRadius(most=3, window=timedelta(hours=1))

    openings = [frozen.ledger.open(an_incident(one, now), radius) for one in ("a", "b", "c")]

    assert [type(one) for one in openings] == [Opened, Opened, BlastRadiusReached]
    assert openings[-1] == BlastRadiusReached(contained=("a", "b", "orders"))


@pytest.mark.parametrize("name", set_names())
def test_what_the_pulse_remembers(shared_aws: LocalAws, name: str) -> None:
    """When it looked last, and what it watches; what an earlier version did not know is empty."""
    frozen = thaw(shared_aws, name, "memory")
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
def test_a_rollback_that_was_carried_out_is_not_carried_out_again(
    shared_aws: LocalAws, name: str
) -> None:
    """CloudFormation may send its properties again; a record without an outcome counts as done."""
    ledger = thaw(shared_aws, name, "memory").ledger
    wanted = {
        "begun": RequestClaim.UNDER_WAY,
        "done": RequestClaim.DONE,
        "failed": RequestClaim.MINE,
    }
    if name == FIRST:
        wanted = {"claimed": RequestClaim.DONE}

    assert {one: ledger.claim_request(one, "another", NOON + MINUTE) for one in wanted} == wanted


@pytest.mark.parametrize("name", [one for one in set_names() if one != FIRST])
def test_attempts_are_counted_on(shared_aws: LocalAws, name: str) -> None:
    """What was tried before is not tried anew at once."""
    ledger = thaw(shared_aws, name, "memory").ledger

    assert ledger.read_attempts("tag 0123") == Attempts(count=2, last_at=NOON + MINUTE)


@pytest.mark.parametrize("name", [one for one in set_names() if one != FIRST])
def test_an_outage_is_remembered(shared_aws: LocalAws, name: str) -> None:
    """A tag of that time is believed without a seal."""
    assert thaw(shared_aws, name, "tagged").ledger.read_live().outages == ((NOON, NOON + MINUTE),)


@pytest.mark.parametrize("name", [one for one in set_names() if one != FIRST])
def test_the_schedule_of_a_hold_ends_it(shared_aws: LocalAws, name: str) -> None:
    """The event that it was made with is still understood, and it is found by the same name."""
    frozen = thaw(shared_aws, name, "held_by_cap")
    (schedule,) = frozen.told["schedules"]
    end = parse_hold_end(json.loads(schedule["input"]))
    assert name_of(end.incident_id) == schedule["name"]

    ending = HoldEnder(world=frozen.scene.world, sleep=frozen.scene.sleep)
    outcome = ending.end(end.incident_id, end.function)

    assert outcome is Outcome.ENDED
    assert settings_of(frozen.scene.account) == frozen.wanted


# -- findings and remediations ---------------------------------------------------------------------


@pytest.mark.parametrize("name", set_names())
def test_findings_are_read(shared_aws: LocalAws, name: str) -> None:
    """What is open, what was closed, how far a check has come, and what was changed since."""
    store = store_of(thaw(shared_aws, name, "findings"))

    book = store.read_findings()

    assert [(one.function, one.entry) for one in book.open] == [("orders", "too_slow")]
    assert book.open[0].told_causes == ("memory_full", "near_timeout")
    assert [one.finding.entry for one in book.closed] == ["no_logs"]
    assert BOOK_RECORD.load(BOOK_RECORD.dump(book)) == book
    assert store.save_book(book) == store.read_findings() == replace(book, version=book.version + 1)
    assert store.read_progress() == Progress(began_at=DAY, after="orders", finished_at=DAY)
    assert store.read_touched() == dict.fromkeys(("orders", "role/orders-role"), DAY.isoformat())
    ((denied,),) = store.read_denials(DAY).values()
    assert (denied.principal_arn.rpartition("/")[2], denied.last_at) == ("clerk", DAY)


TREATED: Final = {
    "treatment_applying": {"orders": RemediationState.APPLYING},
    "treatments_applied": dict.fromkeys(
        ("logs", "memory", "permissions", "traces"), RemediationState.APPLIED
    ),
    "treatment_undoing": {"orders": RemediationState.UNDOING},
    "treatments_closed": {
        "gone": RemediationState.DELETED,
        "orders": RemediationState.UNDONE,
        "refused": RemediationState.FAILED,
    },
}


@pytest.mark.parametrize(("name", "story"), [one for one in STORIES if one[1] in TREATED])
def test_remedies_are_undone(shared_aws: LocalAws, name: str, story: str) -> None:
    """Each is in its state, and what it changed is put back exactly."""
    frozen = thaw(shared_aws, name, story)
    store = store_of(frozen)

    remediations = store.read_remediations()

    assert {one.function: one.state for one in remediations} == TREATED[story]
    for one in remediations:
        assert REMEDIATION_RECORD.load(REMEDIATION_RECORD.dump(one)) == one
        hospital = treated(frozen.told["treated"][one.function])
        context = replace(hospital.context, remediations=store)
        undo_remediations((one.function,), context, DAY + timedelta(hours=2))
        untouched = replace(Hospital(), is_deleted=hospital.is_deleted)
        assert hospital.state == untouched.state
    assert all(one.is_closed for one in store.read_remediations())


def store_of(frozen: Frozen) -> DiagnosisStore:
    """Today's store of findings and remediations."""
    return DiagnosisStore(frozen.open_table())


def treated(told: dict[str, Any]) -> Hospital:
    """An account in which a function was remediated."""
    keyed: dict[str, Any] = {
        one: {tuple(key): text for *key, text in told[one]} for one in ("policies", "statements")
    }
    return Hospital(**{**told, **keyed})


# -- the event graph -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", set_names())
def test_the_event_graph_goes_on(shared_aws: LocalAws, name: str) -> None:
    """A notice that waits is sent, a loop that was told is not told again, the account is read."""
    frozen = thaw(shared_aws, name, "chart")
    store = ChartStore(frozen.open_table(), holder="today")
    before, (waiting,) = store.state(), store.read_notices()
    (noted,) = store.read_noted()
    stage = ChartStage(frozen.open_table())
    stage.scene.now = GRAPH_LATER

    while not stage.refresh().tick().is_complete:
        pass

    assert (before.full_at, before.facts is not None) == (GRAPH_AT, True)
    assert before.going is not None
    assert noted.change == Change(kind=ChangeKind.ROLE, name="orders-role")
    assert stage.scene.subjects == [waiting.subject]
    assert store.read_notices() == ()
    assert store.state().told == before.told
    books = LoopBookStore(frozen.open_table(), clock=lambda: GRAPH_LATER)
    book = books.load()
    assert book is not None
    assert book.proof("orders-00003") is LoopProof.CERTAIN


@pytest.mark.parametrize("name", set_names())
def test_a_graph_of_an_earlier_version_is_read_or_left_alone(
    shared_aws: LocalAws, name: str
) -> None:
    """Where its meaning has changed since, nothing is known until the account is read anew."""
    frozen = thaw(shared_aws, name, "chart")
    now = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)

    book = LoopBookStore(frozen.open_table(), clock=lambda: now).load()

    if name in REREAD:
        assert book is None
        return
    assert book is not None
    assert (book.at, book.proof("orders-00003")) == (GRAPH_AT, LoopProof.CERTAIN)
    assert book.proof("orders-00006") is not LoopProof.CERTAIN
    assert unpack_summary(pack_summary(book)) == book
    state = ChartStore(frozen.open_table(), holder="today").state()
    assert state.facts is not None
    store = FactStore(frozen.open_table(), account=ACCOUNT, region=REGION, partition="aws")
    facts = store.load(state.facts)
    assert len(build_account(facts).functions) == 8
