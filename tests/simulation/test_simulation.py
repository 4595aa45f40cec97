"""Random schedules hold every rule, and every rule can be broken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

import tests.fake_table
from functions.domain.detection.evidence import Evidence
from functions.domain.errors import BusyError
from functions.domain.incidents import decision
from functions.domain.incidents.history import WHATEVER_CLOSED
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.notice import Notice
from functions.domain.notices.outbox import OutboxNotice
from functions.domain.probation import verdict
from functions.workflows.holding.progress import HoldProgress
from functions.workflows.incidents.reconcile import Reconciler
from functions.workflows.notices.events import EventDelivery
from functions.workflows.probation.watch import ProbationWatch
from functions.workflows.rollback import rollback
from functions.workflows.rollback.rollback import Rollback
from tests.fakes.functions import FakeFunctions
from tests.fakes.ledger import FakeLedger
from tests.simulation.__main__ import replay, show
from tests.simulation.drawing import draw
from tests.simulation.play import Play, play
from tests.simulation.schedule import (
    Asks,
    AsksOtherwise,
    Away,
    Deploys,
    Ends,
    Schedule,
    Shifts,
    Starts,
    Wakes,
    Weather,
)
from tests.simulation.shorten import shorten
from tests.simulation.world.traffic import Demand

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from functions.domain.incidents.incident import Incident

SEEDS: Final = 2_000
# Of them, played once more with a pulse that comes so late in its minute.
LATE_PULSES: Final = 200
LATE: Final = 45.0
_OPEN: Final = FakeLedger.open
PART: Final = 50

# A function runs away and is stopped; a person asks for it in the end.
STOPPED: Final = Schedule(
    seed=0,
    seconds=300.0,
    response="throttle",
    blast_radius=3,
    weather=Weather(),
    functions=(
        Starts(
            name="orders",
            reserved=None,
            provisioned=5,
            mappings=(True,),
            demand=Demand.CEILING,
            since=480.0,
        ),
    ),
    events=(Wakes(at=5.0, kind="contributor", function="orders", twice=None),),
    faults=(),
)


# Found among 100,000 and mended: a stop without the ledger between the decision to hold a function
# and the plan of the hold; an order to stop a function while it is restored; orders to stop a held
# function that others had stopped; a spike before an order, whose metrics came after the restore;
# probations of capped functions that people went on using.
FOUND: Final = (
    *(37_542, 5_421, 7_993, 9_283, 10_726, 13_104, 13_704, 617, 836, 1_191),
    *(203_036, 203_334, 11_981, 14_122, 14_283, 27_107, 62_075, 64_009, 74_568),
    *(80_331, 82_089, 85_051, 95_832),
)


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_broke_a_rule_breaks_none(seed: int) -> None:
    """What was found once is not lost when others are drawn."""
    assert play(draw(seed)).broken == []


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_every_rule_holds_in_random_schedules(first: int) -> None:
    """Whatever goes wrong, whoever changes what: see `tests.simulation.rules`."""
    broken = {
        seed: sorted({one.rule for one in told.broken})
        for seed in range(first, first + PART)
        if (told := play(draw(seed))).broken
    }

    assert not broken, f"{broken}\n\n{show(min(broken), shortens=True)}"


@pytest.mark.parametrize("first", range(0, LATE_PULSES, PART))
def test_every_rule_holds_with_pulses_that_wait(first: int) -> None:
    """Late in the minute, each waits for the next one while others change what it has read."""
    drawn = {seed: draw(seed) for seed in range(first, first + PART)}
    broken = {
        seed: rules
        for seed, one in drawn.items()
        if (rules := rules_broken(replace(one, weather=replace(one.weather, pulse_second=LATE))))
    }

    assert not broken


def test_a_seed_tells_the_same_story_again() -> None:
    """The order of things follows from the seed, not from the machine's threads."""
    once, again = (play(draw(7), tells=True).story for _ in range(2))

    assert once == again


def test_a_simple_schedule_breaks_no_rule() -> None:
    """The schedule that the tests below sabotage holds every rule by itself."""
    told = play(STOPPED)

    assert told.broken == []
    assert told.changes > 0
    assert told.mails > 0


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


def test_a_schedule_is_made_as_short_as_it_still_breaks_the_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has nothing to do with it is left out."""
    monkeypatch.setattr(Rollback, "of", lambda *_given: ())
    late = Wakes(at=200.0, kind="contributor", function="orders", twice=10.0)
    slow = replace(
        STOPPED, events=(*STOPPED.events, late), weather=Weather(slowness=1, late_minutes=1)
    )

    shortest = shorten(slow, "prior")

    assert len(shortest.events) == 1
    assert shortest.weather == Weather()


def test_a_seed_is_told_in_plain_english() -> None:
    """With the command that plays it again."""
    told = show(7, shortens=True)

    assert "seed 7:" in told
    assert "what happened" in told
    assert replay(7) in told


def rules_broken(schedule: Schedule) -> set[str]:
    """The rules that a schedule breaks."""
    return {one.rule for one in play(schedule).broken}


# A function is suspected and capped; the schedule that ends its hold fires, and again later.
HELD: Final = replace(
    STOPPED,
    response="hold",
    functions=(replace(STOPPED.functions[0], provisioned=0, demand=Demand.PLATEAU, mappings=()),),
    events=(
        *STOPPED.events,
        Ends(at=40.0, function="orders", late=100.0),
    ),
)


def test_an_end_that_lets_go_and_keeps_no_record_breaks_a_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The incident is closed while its cap is in force."""
    assert rules_broken(HELD) == set()
    monkeypatch.setattr(FakeFunctions, "unreserve", lambda *_given: None)

    assert "held" in rules_broken(HELD)


# A function is stopped; its owner mends it, or not, and asks for it on probation.
TRIED: Final = replace(
    STOPPED,
    seconds=2_700.0,
    functions=(replace(STOPPED.functions[0], reserved=20),),
    events=(
        *STOPPED.events,
        AsksOtherwise(at=400.0, functions=("orders",), careful=True, again=300.0),
    ),
)
MENDED: Final = replace(
    TRIED,
    events=(*TRIED.events, Shifts(at=390.0, function="orders", demand=Demand.QUIET)),
)


@pytest.mark.parametrize(
    ("schedule", "state", "lead"),
    [
        (MENDED, None, "RESTORED orders, probation passed"),
        (TRIED, IncidentState.CONTAINED, "STOPPED AGAIN: orders"),
    ],
)
def test_a_probation_ends_by_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, schedule: Schedule, state: IncidentState | None, lead: str
) -> None:
    """A mended function is as it was, a looping one is at 0 and recorded; one mail each."""
    stage = Play(schedule)
    found: list[tuple[object, int | None, int, int, bool]] = []

    def note() -> None:
        stored = stage.account.ledger.stored("orders")
        is_open = stored is not None and not stored.is_closed
        function = stage.account.by_name["orders"]
        found.append(
            (
                stored.state if stored is not None and is_open else None,
                function.reserved,
                function.provisioned.get("live", 0),
                sum(one.enabled for one in stage.account.by_uuid.values()),
                is_open,
            )
        )

    monkeypatch.setattr(stage, "_calm_down", _after(note, stage._calm_down))

    told = stage.run()

    subjects = [subject for _, subject in stage.account.mails]
    assert told.broken == []
    at_zero = (state, 0, 0, 0, True)
    assert found == [(None, 20, 5, 1, False) if state is None else at_zero]
    assert sum("ON PROBATION" in one for one in subjects) == 1
    assert sum(lead in one for one in subjects) == 1


def _after(first: Callable[[], None], then: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        then()

    return both


def test_a_probation_that_believes_everything_breaks_a_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A loop passes it."""
    assert rules_broken(TRIED) == set()
    monkeypatch.setattr(verdict._Trial, "comes_back", property(lambda _case: False))
    monkeypatch.setattr(verdict._Trial, "is_enough", property(lambda _case: False))

    assert "probation" in rules_broken(TRIED)


def test_a_probation_that_nobody_ends_breaks_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is let go for ever: no pulse watches it, and no schedule fires."""
    monkeypatch.setattr(ProbationWatch, "watch", lambda *_given: None)
    monkeypatch.setattr(Play, "end_hold", lambda *_given: None)

    assert "settles" in rules_broken(MENDED)


def test_random_schedules_have_probations_of_both_ends() -> None:
    """Else the rules would say nothing about them."""
    ends = {"probation passed": 0, "AGAIN:": 0}
    for seed in range(SEEDS):
        schedule = draw(seed)
        if any(isinstance(one, AsksOtherwise) for one in schedule.events):
            stage = Play(schedule)
            stage.run()
            for end in ends:
                ends[end] += sum(end in subject for _, subject in stage.account.mails)
        if all(ends.values()):
            return
    raise AssertionError(ends)


# Callers that wait fill the account, and do not give up.
CALLED: Final = replace(
    HELD,
    seconds=1_500.0,
    functions=(replace(HELD.functions[0], demand=Demand.CALLERS, since=120.0),),
    events=STOPPED.events,
)


@pytest.mark.parametrize(
    ("shifts", "end"),
    [
        ((), "danger goes on"),
        ((Shifts(at=200.0, function="orders", demand=Demand.QUIET),), "is in danger no more"),
    ],
)
def test_callers_in_danger_are_capped_for_a_while(shifts: tuple[Shifts, ...], end: str) -> None:
    """Whether they give up or not: nothing is held in the end."""
    stage = Play(replace(CALLED, events=(*CALLED.events, *shifts)))

    told = stage.run()

    subjects = [subject for _, subject in stage.account.mails]
    assert told.broken == []
    assert sum("CAPPED AT 2 orders" in one for one in subjects) == 1
    assert sum("CAP REMOVED: orders" in one and end in one for one in subjects) == 1


def test_a_cap_that_nobody_takes_back_breaks_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over, no schedule fires, and its callers are refused on."""
    monkeypatch.setattr(HoldProgress, "_look_at_cap", lambda *_given: None)
    monkeypatch.setattr(Play, "end_hold", lambda *_given: None)

    assert "settles" in rules_broken(CALLED)


def test_random_schedules_have_callers_that_are_capped() -> None:
    """Else the rules would say nothing about caps."""
    stages = (Play(draw(seed)) for seed in range(PART))

    assert any(
        stage.run() and any("CAPPED AT 2" in subject for _, subject in stage.account.mails)
        for stage in stages
    )


# Two functions on a loop of which the graph is certain; a signal is about the first.
LOOPED: Final = replace(
    HELD,
    functions=(
        replace(HELD.functions[0], provisioned=5),
        replace(HELD.functions[0], name="billing", mappings=(True,)),
    ),
    events=STOPPED.events,
    loop=frozenset({"orders", "billing"}),
    is_certain=True,
)


def test_a_loop_is_held_at_the_function_that_can_be() -> None:
    """The one that is suspected has provisioned concurrency; the other one polls a queue."""
    stage = Play(LOOPED)

    told = stage.run()

    assert told.broken == []
    assert {one.function for one in stage.account.changes if one.takes} == {"billing"}


def test_a_loop_that_stands_still_anywhere_runs_nowhere() -> None:
    """What the one does not write, the other does not get."""
    stage = Play(replace(LOOPED, response="notify"))
    stage.account.by_name["billing"].reserved = 0
    minutes = stage.account.simulated.minutes

    minutes["orders"].settle(300.0)

    assert set(minutes["orders"].invocations[-5:]) == {None}
    assert None not in minutes["orders"].invocations[:-5]
