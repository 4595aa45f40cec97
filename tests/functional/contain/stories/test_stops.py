"""A runaway function from the signal to the restore."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import BusyError
from functions.domain.incidents.policy import Mode, Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from tests.functional.scene import QUEUE, TABLE_STREAM, Scene


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
    """In observe mode people are notified once, however often the signal comes."""
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
    """The tag keeps a function untouched; people are notified all the same."""
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
