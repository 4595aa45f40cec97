"""Incidents in every state that is stored, but those of holds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.errors import (
    BusyError,
    LoopbreakerError,
    NoticeUndeliveredError,
    RefusedError,
)
from functions.domain.incidents.policy import EXEMPT_TAG, Mode
from functions.domain.requests.request import StopRequest
from functions.domain.signal import SignalKind
from functions.workflows.holding.end_hold import HoldEnder
from tests.fakes.faults import SimulatedCrash
from tests.frozen.told.staging import (
    MINUTES_TO_A_VERDICT,
    ask_carefully,
    build_full_scene,
    get_scene,
)
from tests.functional.scene import QUEUE, Scene

if TYPE_CHECKING:
    from tests.frozen.stage import Stage

DENIED: Final = RefusedError("AccessDeniedException: explicit deny")
BUSY: Final = BusyError("TooManyRequestsException: (tried 6 times)")


def notified(stage: Stage) -> None:
    """People were told of an exempt function."""
    scene = Scene()
    scene.add_runaway(reserved=5, tags={EXEMPT_TAG: "true"})
    stage.begin(scene)
    scene.contributor()


def contained(stage: Stage) -> None:
    """At 0, with its mapping disabled; another one was disabled before."""
    scene = build_full_scene()
    stage.begin(scene)
    scene.contributor()


def ordered(stage: Stage) -> None:
    """Stopped by order of a person, in observe mode."""
    scene = build_full_scene()
    scene.policy = replace(scene.policy, mode=Mode.OBSERVE)
    stage.begin(scene)
    anna = "arn:aws:iam::123456789012:user/anna"
    order = StopRequest(id="0b3d1e9a52c44b7e", function="orders", ordered_by=anna)
    scene.orders.stop(order, "orders")


def contained_without_reservation(stage: Stage) -> None:
    """At 0, and nothing was reserved before."""
    scene = Scene()
    scene.add_runaway(is_durable=True)
    stage.begin(scene)
    scene.contributor()


def contained_on_instances(stage: Stage) -> None:
    """Each version scaled to 0."""
    scene = Scene()
    scene.add_runaway(
        is_on_instances=True, instances={"$LATEST.PUBLISHED": (3, None), "7": (5, 40)}
    )
    scene.account.add_mapping("orders", QUEUE)
    stage.begin(scene)
    scene.contributor()


def notice_claimed(stage: Stage) -> None:
    """At 0, and the run died while it sent the notice: nobody knows whether it went out."""
    scene = build_full_scene()
    stage.begin(scene)
    scene.account.faults.fail("publish", SimulatedCrash("died"))
    scene.survives(scene.contributor)


def containing(stage: Stage) -> None:
    """The run died just after it had made room for the reservation of 0, and set it."""
    scene = build_full_scene()
    stage.begin(scene)
    scene.account.faults.fail("reserve", SimulatedCrash("died"), skip=1, lost=True)
    scene.survives(scene.contributor)


def containing_half(stage: Stage) -> None:
    """The run died before it disabled the mapping."""
    scene = build_full_scene()
    stage.begin(scene)
    scene.account.faults.fail("switch_mapping", SimulatedCrash("died"))
    scene.survives(scene.contributor)


def containing_refused(stage: Stage) -> None:
    """AWS takes no reservation, again and again."""
    scene = build_full_scene()
    stage.begin(scene)
    scene.account.faults.fail("reserve", BUSY, times=-1)
    scene.survives(scene.contributor)
    scene.pulse(2)


def follow_up_refused(stage: Stage) -> None:
    """At 0, and AWS does not let the mapping be disabled."""
    scene = build_full_scene()
    stage.begin(scene)
    scene.account.faults.fail("switch_mapping", DENIED, times=-1)
    scene.survives(scene.contributor)


def released(stage: Stage) -> None:
    """A person has set another reservation."""
    contained(stage)
    get_scene(stage).account.reserves("orders", 3)
    get_scene(stage).pulse()


def running_away_again(stage: Stage) -> None:
    """The same, and it ran away again within the hour: people were told, and nothing is done."""
    released(stage)
    scene = get_scene(stage)
    scene.now += timedelta(minutes=20)
    scene.burn()
    scene.survives(scene.contributor)


def restoring(stage: Stage) -> None:
    """The run that restores died before it enabled the mapping."""
    contained(stage)
    scene = get_scene(stage)
    scene.account.faults.fail("switch_mapping", SimulatedCrash("died"))
    scene.survives(lambda: scene.rollback("orders"))


def restoring_pending(stage: Stage) -> None:
    """AWS is still changing the mapping that is to be enabled."""
    contained(stage)
    scene = get_scene(stage)
    scene.account.faults.fail("switch_mapping", BUSY, times=-1)
    scene.rollback("orders")


def restore_refused(stage: Stage) -> None:
    """AWS does not let the reservation be put back."""
    contained(stage)
    scene = get_scene(stage)
    scene.account.faults.fail("reserve", DENIED, times=-1)
    scene.rollback("orders")


def probation(stage: Stage) -> None:
    """A person asked for it carefully: a little is let go."""
    contained(stage)
    ask_carefully(stage)


def probation_held_again(stage: Stage) -> None:
    """It came back, and is held again, to see whether that stops."""
    _come_back(stage, until="held again")


def probation_failed(stage: Stage) -> None:
    """It came back, and is stopped again."""
    _come_back(stage, until="")


def probation_over(stage: Stage) -> None:
    """The guard was gone, and a schedule ended it; the incident is filed."""
    contained(stage)
    ask_carefully(stage)
    scene = get_scene(stage)
    scene.pulse()
    stored = scene.incident()
    scene.now += timedelta(hours=2)
    HoldEnder(world=scene.world, sleep=scene.sleep).end(stored.id, "orders")


def probation_refused(stage: Stage) -> None:
    """AWS refuses the reservation that it needs."""
    contained(stage)
    scene = get_scene(stage)
    scene.account.faults.fail("reserve", DENIED, times=-1)
    ask_carefully(stage)


def restored(stage: Stage) -> None:
    """A person asked for it; the incident is filed."""
    contained(stage)
    get_scene(stage).rollback("orders")
    get_scene(stage).pulse()


def restored_unsent(stage: Stage) -> None:
    """The same, and SNS did not take the notice."""
    contained(stage)
    scene = get_scene(stage)
    scene.account.faults.fail("publish", NoticeUndeliveredError("NotFound"), times=-1)
    scene.rollback("orders")


def unsent_aside(stage: Stage) -> None:
    """The same, and the function ran away once more."""
    restored_unsent(stage)
    scene = get_scene(stage)
    scene.now += timedelta(hours=4)
    scene.account.metrics.habit("orders", 150.0)
    scene.burn()
    scene.survives(scene.contributor)


def ended(stage: Stage) -> None:
    """What people were told of is over."""
    notified(stage)
    scene = get_scene(stage)
    for _ in range(3):
        scene.now += timedelta(minutes=16)
        scene.calm("orders", 30)
        scene.pulse()


def deleted(stage: Stage) -> None:
    """A person deleted the function."""
    contained(stage)
    get_scene(stage).account.delete("orders")
    get_scene(stage).pulse()


def superseded(stage: Stage) -> None:
    """A released function ran away again after an hour: a new incident goes on."""
    released(stage)
    scene = get_scene(stage)
    scene.now += timedelta(hours=2)
    scene.burn()
    scene.survives(scene.contributor)


def tagged(stage: Stage) -> None:
    """It was stopped while the ledger could not be reached; that is over, and noted."""
    scene = build_full_scene()
    ledger = stage.begin(scene)
    ledger.read_tag_key()
    with ledger.away(), suppress(LoopbreakerError):
        scene.survives(scene.contributor)
    scene.now += timedelta(minutes=1)
    ledger.read_live()


def _come_back(stage: Stage, *, until: str) -> None:
    """On probation, it writes as much as it is given, and nothing while it is held."""
    contained(stage)
    scene = get_scene(stage)
    ask_carefully(stage)
    for _ in range(MINUTES_TO_A_VERDICT):
        stored = scene.incident()
        if stored.probation is None or stored.probation.phase == until:
            return
        scene.now += timedelta(minutes=1)
        served = 100.0 * (scene.account.by_name["orders"].reserved or 0)
        scene.account.metrics.record(
            "orders",
            until=scene.now,
            invocations=[served],
            concurrency=[served / 100.0],
            throttles=[0.0],
            errors=[0.0],
            duration_ms=[600.0],
        )
        queue = Source(kind=SourceKind.QUEUE, name="orders")
        scene.account.metrics.record_arrivals(queue, until=scene.now, counts=[served])
        others = Source(kind=SourceKind.ASYNCHRONOUS, name="orders")
        scene.account.metrics.record_arrivals(others, until=scene.now, counts=[0.0])
        scene.survives(lambda: scene.signal(SignalKind.PULSE))
    raise AssertionError(f"orders is not {until} within {MINUTES_TO_A_VERDICT} minutes")
