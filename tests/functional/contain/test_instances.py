"""Functions on Lambda Managed Instances: stopped by their scaling, having no reservation."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.errors import BusyError, RefusedError
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.policy import Mode, Policy
from functions.domain.incidents.states import IncidentState
from functions.workflows.detection.report import PartlyFailedError
from functions.workflows.rollback.results import Restored
from tests.examples import examples
from tests.fakes.resources import FakeFunction
from tests.functional.scene import QUEUE, Scene

LATEST = "$LATEST.PUBLISHED"
Instances = dict[str, tuple[int | None, int | None]]


def add(scene: Scene, instances: Instances) -> FakeFunction:
    """A function with these versions on instances, which runs away."""
    return scene.add_runaway(is_on_instances=True, instances=dict(instances))


def test_every_version_is_scaled_to_zero_and_its_mappings_paused() -> None:
    """Nothing is reserved: AWS would refuse it."""
    scene = Scene()
    orders = add(scene, {LATEST: (3, None), "7": (5, 40)})
    mapping = scene.account.add_mapping("orders", QUEUE)

    scene.contributor()

    assert orders.instances == {LATEST: (0, 0), "7": (0, 0)}
    assert (mapping.enabled, orders.reserved) == (False, None)
    assert scene.incident().state is IncidentState.CONTAINED
    assert "STOPPED orders" in scene.subjects[0]
    assert "It runs on Lambda Managed Instances." in scene.account.publisher.sent[0].body
    assert scene.account.calls("reserve", "unreserve", "reserved_concurrency") == []


_COUNTS = st.none() | st.integers(1, 50)
_INSTANCES = st.dictionaries(
    st.sampled_from([LATEST, "1", "2", "31"]),
    st.tuples(st.none() | st.integers(0, 50), _COUNTS),
    min_size=1,
)


@settings(max_examples=examples(30), deadline=None)
@given(_INSTANCES)
def test_restoring_brings_back_exactly_what_was_there(instances: Instances) -> None:
    """restore(contain(x)) = x for each version, Lambda's own defaults included."""
    scene = Scene()
    orders = add(scene, instances)
    scene.contributor()
    assert set(orders.instances.values()) == {(0, 0)}
    for _ in range(3):
        scene.pulse()
    assert scene.incident().state is IncidentState.CONTAINED

    (result,) = scene.rollback("orders")

    assert result == Restored(function="orders", text="restored")
    assert orders.instances == instances


def test_a_version_that_is_off_stays_off() -> None:
    """What was at 0 before the guard came is none of its business."""
    scene = Scene()
    orders = add(scene, {LATEST: (3, None), "6": (0, 0)})
    scene.contributor()

    scene.rollback("orders")

    assert orders.instances == {LATEST: (3, None), "6": (0, 0)}


def test_what_a_person_scaled_meanwhile_is_left_alone() -> None:
    """Somebody's own scaling is a release: noticed, named in the mail, not overwritten."""
    scene = Scene()
    orders = add(scene, {LATEST: (3, None), "7": (5, 40)})
    scene.contributor()
    scene.calm("orders")
    orders.instances["7"] = (1, 2)

    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED
    scene.rollback("orders")

    assert orders.instances == {LATEST: (3, None), "7": (1, 2)}


def _pass_calmly(scene: Scene) -> None:
    """Let three hours pass without an invocation."""
    for _ in range(36):
        scene.now += timedelta(minutes=4)
        scene.calm("orders", 180)
        scene.pulse()


def _release(orders: FakeFunction, how: str) -> None:
    """Let somebody scale a version again, publish a new one, or replace one by another."""
    if how == "scaled":
        orders.instances["7"] = (1, 2)
    else:
        orders.instances["8"] = (None, None)
    if how == "replaced":
        del orders.instances["7"]


@pytest.mark.parametrize(
    ("how", "others", "named"),
    [
        ("scaled", {"7": (1, 2)}, {"6"}),
        ("published", {"7": (3, None), "8": (None, None)}, {"6", "7"}),
        ("replaced", {"8": (None, None)}, {"6"}),
    ],
)
def test_versions_that_are_still_at_zero_stay_in_the_record(
    how: str, others: Instances, named: set[str]
) -> None:
    """The mail names them, no calm ends the incident, and a restore brings them back."""
    scene = Scene()
    orders = add(scene, {"6": (5, 40), "7": (3, None)})
    scene.contributor()
    scene.calm("orders", 180)
    _release(orders, how)

    scene.pulse()
    body = scene.account.publisher.sent[-1].body
    _pass_calmly(scene)

    assert {one for one in ("6", "7") if f"Scaling of {one}: 0;" in body} == named
    assert "unless something invokes a version that is still at 0" in body
    assert scene.incident().state is IncidentState.RELEASED
    scene.rollback("orders")
    assert scene.subjects[-1].startswith("[Loopbreaker] RESTORED orders")
    assert orders.instances == {"6": (5, 40), **others}


@pytest.mark.parametrize("how", ["scaled", "deleted"])
def test_an_incident_ends_once_no_version_is_at_zero(how: str) -> None:
    """What others have scaled again or deleted needs no restore."""
    scene = Scene()
    orders = add(scene, {"6": (5, 40), "7": (3, None)})
    scene.contributor()
    scene.calm("orders", 180)
    orders.instances["7"] = (3, None)
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED
    if how == "scaled":
        orders.instances["6"] = (1, None)
    else:
        del orders.instances["6"]

    _pass_calmly(scene)

    assert scene.account.ledger.stored("orders") is None


def test_a_second_stop_knows_what_the_first_one_scaled() -> None:
    """A new version loops: what was there before the first stop comes back with the rest."""
    scene = Scene()
    orders = add(scene, {"7": (5, 40)})
    scene.contributor()
    orders.instances["8"] = (3, 9)
    scene.pulse()
    scene.now += timedelta(minutes=70)
    scene.burn()

    scene.contributor()
    assert orders.instances == {"7": (0, 0), "8": (0, 0)}
    scene.now += timedelta(minutes=5)
    scene.calm("orders", 180)
    scene.rollback("orders")

    assert orders.instances == {"7": (5, 40), "8": (3, 9)}


def test_a_second_stop_leaves_to_others_what_they_scaled() -> None:
    """What they set since the first stop is what was there before the second."""
    scene = Scene()
    orders = add(scene, {"6": (2, 2), "7": (5, 40)})
    scene.contributor()
    orders.instances["8"] = (3, 9)
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED
    orders.instances["7"] = (1, 2)
    del orders.instances["6"]
    scene.now += timedelta(minutes=70)
    scene.burn()

    scene.contributor()
    scene.now += timedelta(minutes=5)
    scene.calm("orders", 180)
    scene.rollback("orders")

    assert orders.instances == {"7": (1, 2), "8": (3, 9)}
    assert "left alone" not in scene.subjects[-1]


def test_a_version_that_is_gone_keeps_nothing_from_being_restored() -> None:
    """Versions are deleted by deployments."""
    scene = Scene()
    orders = add(scene, {LATEST: (3, None), "7": (5, 40)})
    scene.contributor()
    del orders.instances["7"]

    (result,) = scene.rollback("orders")

    assert result == Restored(function="orders", text="restored")
    assert orders.instances == {LATEST: (3, None)}


def test_a_refused_version_leaves_all_as_they_were() -> None:
    """A function is stopped or it is not: people are notified that it is not."""
    scene = Scene()
    orders = add(scene, {LATEST: (3, None), "7": (5, 40)})
    scene.account.faults.fail("scale", RefusedError("AccessDenied"), skip=1)

    scene.contributor()

    assert orders.instances == {LATEST: (3, None), "7": (5, 40)}
    assert scene.incident().state is IncidentState.NOTIFIED
    assert "COULD NOT STOP" in scene.subjects[0]


def test_a_busy_version_is_stopped_by_the_next_pulse() -> None:
    """What is stopped stays so meanwhile, and a restore brings back the true values."""
    scene = Scene()
    orders = add(scene, {LATEST: (3, None), "7": (5, 40)})
    scene.account.faults.fail("scale", BusyError("ResourceConflictException"), skip=1)

    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert orders.instances in ({LATEST: (0, 0), "7": (5, 40)}, {LATEST: (3, None), "7": (0, 0)})
    scene.pulse()

    assert (scene.incident().state, set(orders.instances.values())) == (
        IncidentState.CONTAINED,
        {(0, 0)},
    )
    scene.calm("orders")
    scene.rollback("orders")
    assert orders.instances == {LATEST: (3, None), "7": (5, 40)}


def test_without_its_scaling_people_are_told_how_to_stop_it() -> None:
    """Nothing is tried that AWS would refuse."""
    scene = Scene()
    add(scene, {})

    scene.contributor()
    scene.contributor()

    assert scene.incident().decided == DecisionReason.SCALING_UNKNOWN
    assert len(scene.subjects) == 1
    assert "CANNOT BE STOPPED, ACT NOW: orders" in scene.subjects[0]
    assert "put-function-scaling-config" in scene.account.publisher.sent[0].body
    assert scene.account.calls("reserve", "scale") == []


def test_one_that_is_stopped_already_is_left_alone() -> None:
    """The newest minutes may still be those of before."""
    scene = Scene()
    add(scene, {LATEST: (0, 0)})

    scene.contributor()

    assert scene.account.ledger.stored("orders") is None
    assert scene.subjects == []


def test_observing_changes_nothing() -> None:
    """Observe mode reports and leaves the scaling as it is."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    orders = add(scene, {LATEST: (3, None)})

    scene.contributor()

    assert orders.instances == {LATEST: (3, None)}
    assert "WOULD STOP" in scene.subjects[0]


def test_without_the_ledger_it_is_stopped_and_the_notice_holds_what_was_there() -> None:
    """The commands that put it back are in the mail."""
    scene = Scene()
    orders = add(scene, {LATEST: (3, 9)})
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert orders.instances == {LATEST: (0, 0)}
    body = scene.account.publisher.sent[0].body
    assert "MinExecutionEnvironments=3,MaxExecutionEnvironments=9" in body


def test_a_durable_function_is_stopped_and_its_executions_are_named() -> None:
    """Stopping them could not be undone, so that is left to people."""
    scene = Scene()
    orders = scene.add_runaway(is_durable=True)

    scene.contributor()

    assert orders.reserved == 0
    body = scene.account.publisher.sent[0].body
    assert "ITS DURABLE EXECUTIONS" in body
    assert "aws lambda list-durable-executions-by-function --function-name orders" in body
    scene.now += timedelta(minutes=1)
    scene.calm("orders")
    scene.rollback("orders")
    assert orders.reserved is None
