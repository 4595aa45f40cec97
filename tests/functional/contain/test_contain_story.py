"""Stories of the guard: what it does about a runaway function, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import BusyError, LedgerUnavailableError, NoticeUndeliveredError
from functions.domain.incidents.policy import Mode, Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from tests.functional.scene import OWN, QUEUE, TABLE_STREAM, Scene


def test_a_runaway_function_is_throttled_its_mappings_paused_and_people_told() -> None:
    """A named runaway ends at 0, with its mappings disabled, one incident and one notice."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    enabled = scene.account.add_mapping("orders", TABLE_STREAM)
    disabled = scene.account.add_mapping("orders", QUEUE, enabled=False)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 0
    assert (enabled.enabled, disabled.enabled) == (False, False)
    incident = scene.incident()
    assert incident.state is IncidentState.CONTAINED
    assert incident.snapshot is not None
    assert incident.snapshot.reserved_concurrency == 5
    assert len(scene.subjects) == 1
    assert "STOPPED orders" in scene.subjects[0]


def test_at_most_four_calls_come_before_the_throttle() -> None:
    """A signal that names the function leads to the throttle in four calls."""
    scene = Scene()
    scene.add_runaway()

    scene.contributor()

    names = [call.name for call in scene.account.journal]
    assert names.index("functions.reserve") <= 4


def test_at_most_five_calls_come_before_the_throttle_when_nobody_is_named() -> None:
    """An account-wide alarm leads to the throttle in five calls."""
    scene = Scene()
    scene.add_runaway()

    scene.signal(SignalKind.ALARM)

    names = [call.name for call in scene.account.journal]
    assert names.index("functions.reserve") <= 5


def test_a_second_signal_changes_nothing_and_tells_nobody() -> None:
    """Duplicates leave one incident, one true snapshot and one notice."""
    scene = Scene()
    scene.add_runaway(reserved=7)

    for _ in range(3):
        scene.contributor()
        scene.signal(SignalKind.ALARM)
        scene.now += timedelta(seconds=5)

    incident = scene.incident()
    assert incident.snapshot is not None
    assert incident.snapshot.reserved_concurrency == 7
    assert len(scene.subjects) == 1
    assert len(scene.account.calls("reserve")) == 1


def test_restoring_puts_back_exactly_what_was_there() -> None:
    """None, a number and each mapping come back as they were."""
    for reserved in (None, 3):
        scene = Scene()
        scene.add_runaway(reserved=reserved)
        enabled = scene.account.add_mapping("orders", TABLE_STREAM)
        disabled = scene.account.add_mapping("orders", QUEUE, enabled=False)
        scene.contributor()

        results = scene.rollback("orders")

        assert [one.text for one in results] == ["restored"]
        assert scene.account.by_name["orders"].reserved == reserved
        assert (enabled.enabled, disabled.enabled) == (True, False)
        assert scene.account.ledger.stored("orders") is None
        assert len(scene.subjects) == 2


def test_provisioned_concurrency_is_removed_first_and_put_back_last() -> None:
    """AWS refuses 0 with provisioned concurrency: it is snapshotted, removed and restored."""
    scene = Scene()
    scene.add_runaway(reserved=10, provisioned={"live": 4, "canary": 1})

    scene.contributor()
    contained = scene.account.by_name["orders"]
    assert (contained.reserved, contained.provisioned) == (0, {})
    scene.rollback("all")

    restored = scene.account.by_name["orders"]
    assert (restored.reserved, restored.provisioned) == (10, {"live": 4, "canary": 1})


def test_observe_mode_tells_once_and_changes_nothing() -> None:
    """In observe mode people are told once, however often the signal comes."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    scene.add_runaway()

    for _ in range(3):
        scene.contributor()
        scene.now += timedelta(minutes=1)
        scene.burn()
        scene.signal(SignalKind.PULSE)

    assert scene.account.by_name["orders"].reserved is None
    assert len(scene.subjects) == 1
    assert "WOULD STOP orders" in scene.subjects[0]


@pytest.mark.parametrize("tag", ["true", "True", " TRUE "])
def test_an_exempt_function_is_never_touched(tag: str) -> None:
    """The tag keeps a function untouched; people are told all the same."""
    scene = Scene()
    scene.add_runaway(tags={"loopbreaker:exempt": tag})

    scene.contributor()

    assert scene.account.by_name["orders"].reserved is None
    assert len(scene.subjects) == 1


def test_a_function_of_the_guard_is_never_touched() -> None:
    """The guard does not even look at its own functions."""
    scene = Scene()
    scene.add_runaway("Loopbreaker-contain")

    scene.contributor("Loopbreaker-contain")
    scene.signal(SignalKind.ALARM)

    assert scene.account.by_name["Loopbreaker-contain"].reserved is None
    assert scene.subjects == []


def test_past_the_blast_radius_people_are_told_and_the_next_free_place_is_used() -> None:
    """Two of three are contained; the third is once the window has passed."""
    scene = Scene(
        Policy(
            blast_radius=2,
            blast_radius_window=timedelta(minutes=30),
            response=Response.THROTTLE,
        )
    )
    for name in ("a", "b", "c"):
        scene.add_runaway(name)

    scene.signal(SignalKind.ALARM)
    assert sorted(one.reserved is None for one in scene.account.by_name.values()) == [
        False,
        False,
        True,
    ]
    assert len(scene.subjects) == 3

    for _ in range(31):
        scene.now += timedelta(minutes=1)
        for name, one in scene.account.by_name.items():
            if one.reserved is None:
                scene.burn(name)
        scene.signal(SignalKind.PULSE)

    assert [one.reserved for one in scene.account.by_name.values()] == [0, 0, 0]


def test_a_release_by_a_person_is_told_and_not_fought() -> None:
    """Within the cooling-off a released function is watched, even when it runs away again."""
    scene = Scene()
    scene.add_runaway()
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    scene.account.reserves("orders", 20)

    scene.pulse()
    assert "orders" in scene.subjects[-1]
    assert scene.incident().state is IncidentState.RELEASED
    scene.now += timedelta(minutes=5)
    scene.burn()
    scene.pulse(3)

    assert scene.account.by_name["orders"].reserved == 20
    assert mapping.enabled is False
    assert len(scene.subjects) == 3


def test_a_released_function_that_runs_away_after_the_cooling_off_is_contained_anew() -> None:
    """The person's value is what is restored then, and the mapping that was paused before."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    scene.account.reserves("orders", 20)
    scene.pulse()
    scene.now += timedelta(minutes=70)
    scene.burn()

    scene.pulse()
    assert scene.account.by_name["orders"].reserved == 0
    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 20
    assert mapping.enabled is True


def test_the_actor_of_a_release_is_named_where_cloudtrail_told() -> None:
    """A change event brings who released the function into the notice."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.functions.unreserve("orders")
    scene.now += timedelta(minutes=1)

    scene.signal(
        SignalKind.CHANGE, "orders", actor="arn:aws:sts::123456789012:assumed-role/deploy/ann"
    )

    assert "assumed-role/deploy/ann" in scene.account.publisher.sent[-1].body


@pytest.mark.parametrize("function", sorted(OWN))
def test_a_change_of_the_guards_own_is_no_signal(function: str) -> None:
    """It wakes nobody to look; what it may hide is found by the next pulse."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.functions.unreserve("orders")
    scene.now += timedelta(minutes=1)
    before = len(scene.account.calls())

    scene.signal(
        SignalKind.CHANGE,
        "orders",
        actor=f"arn:aws:sts::123456789012:assumed-role/Loopbreaker-Role0A1B/{function}",
    )

    assert len(scene.account.calls()) == before
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED


def test_a_deleted_function_closes_its_incident_and_says_so() -> None:
    """There is nothing to put back any more."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.delete("orders")

    scene.pulse()

    assert scene.account.ledger.stored("orders") is None
    assert scene.account.ledger.filed("orders")[0].state is IncidentState.DELETED
    assert len(scene.subjects) == 2


def test_with_the_ledger_down_the_function_is_contained_and_the_snapshot_kept() -> None:
    """The tag holds the snapshot; once the ledger is back, the containment is completed there."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    orders = scene.account.by_name["orders"]
    assert orders.reserved == 0
    assert "reserved=5" in orders.tags[SNAPSHOT_TAG]
    assert "--reserved-concurrent-executions 5" in scene.account.publisher.sent[-1].body

    scene.account.ledger.is_down = False
    scene.pulse()
    assert SNAPSHOT_TAG not in orders.tags
    assert mapping.enabled is False
    scene.rollback("orders")
    assert (orders.reserved, mapping.enabled) == (5, True)


def test_a_function_that_was_contained_without_the_ledger_can_be_restored_from_its_tag() -> None:
    """The tag is enough for a rollback."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.ledger.is_down = True
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.account.ledger.is_down = False

    scene.rollback("all")

    orders = scene.account.by_name["orders"]
    assert (orders.reserved, orders.tags) == (5, {})


def test_a_signal_that_is_tried_again_does_not_stop_what_the_ledger_took_over() -> None:
    """Nobody has written down when that trouble began: its minutes count as the trouble's."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.ledger.is_down = True
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.account.ledger.is_down = False
    scene.pulse()
    scene.now += timedelta(minutes=1)
    scene.rollback("orders")

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 5


def test_without_any_place_for_the_snapshot_nothing_is_changed() -> None:
    """Ledger, tags and SNS all down: losing the snapshot would be worse than the loop."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.ledger.is_down = True
    scene.account.faults.fail("tag", BusyError("slow down"), times=-1)
    scene.account.faults.fail("publish", NoticeUndeliveredError("no"), times=-1)

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert scene.account.by_name["orders"].reserved == 5


def test_without_the_ledger_the_blast_radius_still_holds() -> None:
    """Tagged functions count."""
    scene = Scene(Policy(blast_radius=1, response=Response.THROTTLE))
    scene.add_runaway("a")
    scene.add_runaway("b")
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.signal(SignalKind.ALARM)

    assert sorted(one.reserved is None for one in scene.account.by_name.values()) == [False, True]


def test_a_notice_that_sns_does_not_take_is_sent_by_the_next_pulse_once() -> None:
    """The function is contained all the same; the notice waits in the outbox."""
    scene = Scene()
    scene.add_runaway()
    scene.account.faults.fail("publish", NoticeUndeliveredError("down"), times=1)

    scene.contributor()
    assert scene.account.by_name["orders"].reserved == 0
    assert scene.subjects == []
    scene.pulse(3)

    assert len(scene.subjects) == 1
    assert "again" not in scene.subjects[0]


def test_a_notice_whose_answer_is_lost_is_not_sent_every_minute() -> None:
    """SNS may have delivered it each time; once it answers, the notice comes within minutes."""
    scene = Scene()
    scene.add_runaway()
    scene.account.faults.fail("publish", NoticeUndeliveredError("no answer"), times=8)

    scene.contributor()
    scene.pulse(30)
    early = list(scene.subjects)
    scene.pulse(30)

    assert early == []
    assert len(scene.subjects) == 1


def test_a_refused_throttle_is_told_with_awss_words_and_tried_again() -> None:
    """When AWS throttles the control plane, people hear of it once and the pulse goes on."""
    scene = Scene()
    scene.add_runaway()
    scene.account.faults.fail("reserve", BusyError("Rate exceeded"), times=1)

    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert "Rate exceeded" in scene.account.publisher.sent[-1].body
    scene.pulse()

    assert scene.account.by_name["orders"].reserved == 0
    assert len(scene.subjects) == 2


def test_a_restore_that_aws_refuses_leaves_the_function_contained_and_says_why() -> None:
    """The unreserved minimum: AWS's words come back, the mapping stays paused, others restore."""
    scene = Scene()
    scene.add_runaway("a", reserved=300)
    scene.add_runaway("b", reserved=1)
    mapping = scene.account.add_mapping("a", QUEUE)
    scene.signal(SignalKind.ALARM)
    scene.account.add("greedy", reserved=700)

    results = {one.function: one for one in scene.rollback("all")}

    assert "below its minimum value of [100]" in results["a"].text
    assert (scene.account.by_name["a"].reserved, mapping.enabled) == (0, False)
    assert scene.incident("a").state is IncidentState.CONTAINED
    assert scene.account.by_name["b"].reserved == 1
    scene.account.delete("greedy")
    assert [one.text for one in scene.rollback("a")] == ["restored"]
    assert (scene.account.by_name["a"].reserved, mapping.enabled) == (300, True)


def test_what_a_person_restored_by_hand_is_not_claimed() -> None:
    """A mapping that somebody has enabled again is not one that the restore has restored."""
    scene = Scene()
    scene.add_runaway()
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    mapping.enabled = True

    scene.rollback("orders")

    body = scene.account.publisher.sent[-1].body
    assert "already as before, enabled; not by this restore." in " ".join(body.split())
    assert "Reserved concurrency: restored, nothing reserved." in body


def test_what_a_person_changed_while_contained_is_left_alone() -> None:
    """A reservation that somebody set meanwhile is not overwritten, and that is said."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.account.reserves("orders", 50)

    results = scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 50
    assert "50 are reserved now" in results[0].text


def test_a_rollback_of_nothing_changes_nothing() -> None:
    """A function that is not held stays as it is; an unknown one is refused by name."""
    scene = Scene()
    scene.account.add("orders", reserved=4)

    held, unknown = scene.rollback("orders", "ordres")

    assert held.text == "was not held; nothing was changed"
    assert "no such function" in unknown.text
    assert scene.account.by_name["orders"].reserved == 4


def test_a_loop_of_yesterday_is_no_precedent() -> None:
    """A function that ran away, was stopped and restored is stopped again the next day."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.rollback("orders")
    scene.now += timedelta(days=1)
    scene.burn()

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 0


def test_an_incident_that_only_told_ends_by_itself_when_the_loop_does() -> None:
    """In observe mode the end is told too, once."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    scene.add_runaway()
    scene.contributor()
    scene.now += timedelta(minutes=20)
    scene.calm("orders", 18)

    scene.pulse(6)

    assert scene.account.ledger.stored("orders") is None
    assert len(scene.subjects) == 2


def test_late_data_ends_no_incident() -> None:
    """Ten minutes below the floor have to be settled before anybody is notified of an end."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    scene.add_runaway()
    scene.contributor()
    scene.now += timedelta(minutes=12)
    scene.calm("orders", 12)

    scene.signal(SignalKind.PULSE)
    assert scene.incident().state is IncidentState.NOTIFIED
    scene.pulse(2)

    assert scene.account.ledger.stored("orders") is None


def test_an_incident_that_only_waits_for_its_end_is_checked_every_five_minutes() -> None:
    """After the first 20 minutes: seven metrics a minute are $3 a month for each."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    scene.add_runaway()
    scene.contributor()
    scene.burn(minutes=180)

    checked = []
    for _ in range(40):
        scene.now += timedelta(minutes=1)
        scene.account.metrics.record("orders", until=scene.now, invocations=[30_000.0])
        before = len(scene.account.journal)
        scene.signal(SignalKind.PULSE)
        called = [call.method for call in scene.account.journal[before:]]
        checked.append("recent" in called)

    assert checked[:20] == [True] * 20
    assert sum(checked[20:]) == 4


def test_a_policy_that_begins_to_enforce_contains_what_was_only_observed() -> None:
    """The pulse decides again about open incidents."""
    scene = Scene(Policy(mode=Mode.OBSERVE, response=Response.THROTTLE))
    scene.add_runaway(reserved=2)
    scene.contributor()
    scene.policy = replace(scene.policy, mode=Mode.ENFORCE)
    scene.now += timedelta(minutes=1)
    scene.burn()

    scene.pulse()

    assert scene.account.by_name["orders"].reserved == 0
    assert len(scene.subjects) == 2


def test_one_function_that_cannot_be_read_does_not_keep_the_others_running() -> None:
    """An error about one candidate surfaces after the others were dealt with."""
    scene = Scene()
    scene.add_runaway("a")
    scene.add_runaway("b")
    scene.account.faults.fail("describe", BusyError("Rate exceeded"), times=1)

    with pytest.raises(PartlyFailedError, match="Rate exceeded"):
        scene.signal(SignalKind.ALARM)

    assert sorted(one.reserved is None for one in scene.account.by_name.values()) == [False, True]


def test_a_cleared_alarm_restores_nothing() -> None:
    """The alarm clears because the function was throttled."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()

    scene.signal(SignalKind.CLEARED)

    assert scene.account.by_name["orders"].reserved == 0


def test_response_notify_only_tells_about_a_suspected_function() -> None:
    """With `response=notify` a spike without proof changes nothing."""
    scene = Scene(Policy(response=Response.NOTIFY))
    scene.account.add("orders")
    scene.account.metrics.habit("orders", 150.0)
    flat = [30.0] * 172 + [4_000.0] * 8
    scene.account.metrics.record("orders", until=scene.now, invocations=flat)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved is None
    assert len(scene.subjects) == 1


def test_a_ledger_that_dies_after_the_throttle_loses_nothing() -> None:
    """The snapshot was written before; the next pulse finishes and tells."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.faults.fail("ledger.save", LedgerUnavailableError("gone"), times=1)

    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.now += timedelta(minutes=1)
    scene.pulse()

    assert scene.incident().state is IncidentState.CONTAINED
    assert len(scene.subjects) == 1
    scene.rollback("orders")
    assert scene.account.by_name["orders"].reserved == 5


def _slow_runaway(scene: Scene) -> None:
    scene.account.add("render")
    scene.account.metrics.habit("render", 10.0)
    scene.account.metrics.record(
        "render",
        until=scene.now,
        invocations=[2.0] * 94 + [400.0] * 86,
        concurrency=[5.0] * 94 + [1000.0] * 86,
        throttles=[0.0] * 94 + [900.0] * 86,
        errors=[0.0] * 180,
        duration_ms=[150_000.0] * 180,
    )


def test_an_alarm_on_the_account_finds_a_loop_of_long_invocations() -> None:
    """No function is busy, and one holds all that the account has."""
    scene = Scene()
    _slow_runaway(scene)

    scene.signal(SignalKind.ALARM)

    assert scene.account.by_name["render"].reserved == 0


def test_a_sweep_asks_once_only() -> None:
    """A second query over all functions is for an account in trouble."""
    scene = Scene()
    scene.account.add("render")

    scene.signal(SignalKind.SWEEP)

    assert "most_concurrent" not in [call.method for call in scene.account.journal]


def test_what_a_restored_function_did_before_is_not_held_against_it() -> None:
    """A minute after the rollback the newest datapoints are still those of the stopped loop.

    Also while its incident waits for its last notice to be sent.
    """
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.faults.fail("publish", NoticeUndeliveredError("no answer"), times=1)
    scene.rollback("orders")

    scene.pulse(2)

    assert scene.account.by_name["orders"].reserved is None
    assert [subject for subject in scene.subjects if "STOPPED" in subject] == scene.subjects[:1]


@pytest.mark.parametrize("kind", [SignalKind.CONTRIBUTOR, SignalKind.ALARM, SignalKind.PULSE])
@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=2)])
def test_what_was_put_back_is_not_stopped_for_what_was_before(
    kind: SignalKind, later: timedelta
) -> None:
    """A late signal, right after the rollback, still sees the minutes of the former trouble."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.rollback("orders")
    scene.now += later

    scene.signal(kind, *(["orders"] if kind is SignalKind.CONTRIBUTOR else []))

    assert scene.account.by_name["orders"].reserved == 5
    assert [one.split()[1] for one in scene.subjects] == ["STOPPED", "RESTORED"]


def test_what_was_put_back_is_stopped_when_it_runs_away_again() -> None:
    """The minutes since the rollback are enough, however short it was ago."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.rollback("orders")
    scene.now += timedelta(minutes=9)
    scene.burn(minutes=8)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 0
    assert [one.split()[1] for one in scene.subjects] == ["STOPPED", "RESTORED", "STOPPED"]


def test_an_unsent_notice_of_the_past_changes_nothing_about_that() -> None:
    """The former incident is known whether or not it could be filed away."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.account.faults.fail("publish", NoticeUndeliveredError("no SNS"), times=-1)
    scene.rollback("orders")
    scene.now += timedelta(minutes=1)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 5
