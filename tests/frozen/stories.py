"""What happens before a record is frozen: each story leaves records of some kinds behind.

A story is told with one function, ``orders``, as it goes in an account.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import READS, ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.aws.records.chart_store import ChartStore
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.fact_store import FactStore
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.facts import DenialSource, DeniedCall
from functions.domain.diagnosis.triage import Progress
from functions.domain.errors import (
    BusyError,
    LoopbreakerError,
    NoticeUndeliveredError,
    RefusedError,
)
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.graph.refresh import RefreshIntervals
from functions.domain.incidents.policy import EXEMPT_TAG, Mode, Policy
from functions.domain.pulse.memory import PulseMemory
from functions.domain.requests.request import StopRequest
from functions.domain.requests.terms import RestoreMode, RestoreTerms
from functions.domain.signal import SignalKind
from functions.workflows.diagnosis.remediate import plan_remediation, remediate, undo
from functions.workflows.diagnosis.run import run_diagnosis
from functions.workflows.graph.graphs import Graphs
from functions.workflows.graph.refresh_graph import GraphRefresh
from functions.workflows.holding.end_hold import HoldEnder
from tests.fakes.faults import SimulatedCrash
from tests.functional.chart.scene import PLACE
from tests.functional.chart.scene import Scene as ChartScene
from tests.functional.contain.danger.callers import USUAL, callers
from tests.functional.contain.hold.held import suspected
from tests.functional.scene import NOON, QUEUE, TABLE_STREAM, Scene
from tests.unit.domain.diagnosis.samples import NOW as DAY
from tests.unit.domain.diagnosis.samples import CrashError, Hospital, logless
from tests.unit.workflows.diagnosis.test_remediate import CASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.aws.account.facts import Facts
    from functions.aws.records.table import Table
    from functions.domain.diagnosis.ports import RemediationContext
    from tests.frozen.stage import Stage
    from tests.functional.contain.hold.held import Held

DENIED: Final = RefusedError("AccessDeniedException: explicit deny")
BUSY: Final = BusyError("TooManyRequestsException: (tried 6 times)")
TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:orders"
MINUTES_TO_A_VERDICT: Final = 60


# -- containments ---------------------------------------------------------------------------------


def notified(stage: Stage) -> None:
    """People were told of an exempt function."""
    scene = Scene()
    scene.add_runaway(reserved=5, tags={EXEMPT_TAG: "true"})
    stage.begin(scene)
    scene.contributor()


def contained(stage: Stage) -> None:
    """At 0, with its mapping disabled; another one was disabled before."""
    scene = _with_everything()
    stage.begin(scene)
    scene.contributor()


def ordered(stage: Stage) -> None:
    """Stopped by order of a person, in observe mode."""
    scene = _with_everything()
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
    scene = _with_everything()
    stage.begin(scene)
    scene.account.faults.fail("publish", SimulatedCrash("died"))
    scene.survives(scene.contributor)


def containing(stage: Stage) -> None:
    """The run died just after it had made room for the reservation of 0, and set it."""
    scene = _with_everything()
    stage.begin(scene)
    scene.account.faults.fail("reserve", SimulatedCrash("died"), skip=1, lost=True)
    scene.survives(scene.contributor)


def containing_half(stage: Stage) -> None:
    """The run died before it disabled the mapping."""
    scene = _with_everything()
    stage.begin(scene)
    scene.account.faults.fail("switch_mapping", SimulatedCrash("died"))
    scene.survives(scene.contributor)


def containing_refused(stage: Stage) -> None:
    """AWS takes no reservation, again and again."""
    scene = _with_everything()
    stage.begin(scene)
    scene.account.faults.fail("reserve", BUSY, times=-1)
    scene.survives(scene.contributor)
    scene.pulse(2)


def follow_up_refused(stage: Stage) -> None:
    """At 0, and AWS does not let the mapping be disabled."""
    scene = _with_everything()
    stage.begin(scene)
    scene.account.faults.fail("switch_mapping", DENIED, times=-1)
    scene.survives(scene.contributor)


def released(stage: Stage) -> None:
    """A person has set another reservation."""
    contained(stage)
    _scene(stage).account.reserves("orders", 3)
    _scene(stage).pulse()


def running_away_again(stage: Stage) -> None:
    """The same, and it ran away again within the hour: people were told, and nothing is done."""
    released(stage)
    scene = _scene(stage)
    scene.now += timedelta(minutes=20)
    scene.burn()
    scene.survives(scene.contributor)


def restoring(stage: Stage) -> None:
    """The run that restores died before it enabled the mapping."""
    contained(stage)
    scene = _scene(stage)
    scene.account.faults.fail("switch_mapping", SimulatedCrash("died"))
    scene.survives(lambda: scene.rollback("orders"))


def restoring_pending(stage: Stage) -> None:
    """AWS is still changing the mapping that is to be enabled."""
    contained(stage)
    scene = _scene(stage)
    scene.account.faults.fail("switch_mapping", BUSY, times=-1)
    scene.rollback("orders")


def restore_refused(stage: Stage) -> None:
    """AWS does not let the reservation be put back."""
    contained(stage)
    scene = _scene(stage)
    scene.account.faults.fail("reserve", DENIED, times=-1)
    scene.rollback("orders")


def probation(stage: Stage) -> None:
    """A person asked for it carefully: a little is let go."""
    contained(stage)
    _ask_carefully(stage)


def probation_held_again(stage: Stage) -> None:
    """It came back, and is held again, to see whether that stops."""
    _come_back(stage, until="held again")


def probation_failed(stage: Stage) -> None:
    """It came back, and is stopped again."""
    _come_back(stage, until="")


def probation_over(stage: Stage) -> None:
    """The guard was gone, and a schedule ended it; the incident is filed."""
    contained(stage)
    _ask_carefully(stage)
    scene = _scene(stage)
    scene.pulse()
    stored = scene.incident()
    scene.now += timedelta(hours=2)
    HoldEnder(world=scene.world, sleep=scene.sleep).end(stored.id, "orders")


def probation_refused(stage: Stage) -> None:
    """AWS refuses the reservation that it needs."""
    contained(stage)
    scene = _scene(stage)
    scene.account.faults.fail("reserve", DENIED, times=-1)
    _ask_carefully(stage)


def restored(stage: Stage) -> None:
    """A person asked for it; the incident is filed."""
    contained(stage)
    _scene(stage).rollback("orders")
    _scene(stage).pulse()


def restored_unsent(stage: Stage) -> None:
    """The same, and SNS did not take the notice."""
    contained(stage)
    scene = _scene(stage)
    scene.account.faults.fail("publish", NoticeUndeliveredError("NotFound"), times=-1)
    scene.rollback("orders")


def unsent_aside(stage: Stage) -> None:
    """The same, and the function ran away once more."""
    restored_unsent(stage)
    scene = _scene(stage)
    scene.now += timedelta(hours=4)
    scene.account.metrics.habit("orders", 150.0)
    scene.burn()
    scene.survives(scene.contributor)


def ended(stage: Stage) -> None:
    """What people were told of is over."""
    notified(stage)
    scene = _scene(stage)
    for _ in range(3):
        scene.now += timedelta(minutes=16)
        scene.calm("orders", 30)
        scene.pulse()


def deleted(stage: Stage) -> None:
    """A person deleted the function."""
    contained(stage)
    _scene(stage).account.delete("orders")
    _scene(stage).pulse()


def superseded(stage: Stage) -> None:
    """A released function ran away again after an hour: a new incident goes on."""
    released(stage)
    scene = _scene(stage)
    scene.now += timedelta(hours=2)
    scene.burn()
    scene.survives(scene.contributor)


def tagged(stage: Stage) -> None:
    """It was stopped while the ledger could not be reached; that is over, and noted."""
    scene = _with_everything()
    ledger = stage.begin(scene)
    ledger.read_tag_key()
    with ledger.away(), suppress(LoopbreakerError):
        scene.survives(scene.contributor)
    scene.now += timedelta(minutes=1)
    ledger.read_live()


# -- holds ----------------------------------------------------------------------------------------


def capping(stage: Stage) -> None:
    """The run died just after it had set the cap."""
    story = _suspected(stage, SourceKind.ASYNCHRONOUS, reserved=50)
    story.scene.account.faults.fail("reserve", SimulatedCrash("died"), lost=True)
    story.scene.survives(story.scene.contributor)


def held_by_cap(stage: Stage) -> None:
    """Held by a cap, for watching."""
    _held(stage, SourceKind.ASYNCHRONOUS, reserved=50)


def held_at_zero(stage: Stage) -> None:
    """Held at 0, for watching: the records of its table wait."""
    _held(stage, SourceKind.TABLE, reserved=50)


def held_paused(stage: Stage) -> None:
    """Its queue is paused, for watching."""
    _held(stage, SourceKind.QUEUE, reserved=50)


def trial_by_cap(stage: Stage) -> None:
    """A little is let go."""
    _until(_held(stage, SourceKind.ASYNCHRONOUS, reserved=50), "capped trial")


def trial_of_queue(stage: Stage) -> None:
    """A little is let go: the mapping is enabled, and limited."""
    _until(_held(stage, SourceKind.QUEUE, reserved=50), "capped trial")


def held_again(stage: Stage) -> None:
    """Held for the second time."""
    _until(_held(stage, SourceKind.QUEUE, reserved=50), "capped held again")


def shown(stage: Stage) -> None:
    """It is shown to feed itself, and stays held until people decide."""
    story = _held(stage, SourceKind.QUEUE, reserved=50)
    story.pass_minutes(25)


def expiring(stage: Stage) -> None:
    """The same, and people were told that events which wait are given up soon."""
    story = _held(stage, SourceKind.QUEUE, reserved=50)
    story.pass_minutes(25)
    story.scene.now += timedelta(hours=48)
    story.pass_minutes(3)


def second_trial(stage: Stage) -> None:
    """The event graph is certain: it has to be shown twice."""
    story = _held(stage, SourceKind.TABLE, reserved=50, is_certain=True)
    _until(story, "capped held again")
    _until(story, "capped trial")


def stopped_after_hold(stage: Stage) -> None:
    """It was shown twice, and is stopped."""
    story = _held(stage, SourceKind.QUEUE, reserved=50, is_certain=True)
    story.pass_minutes(45)


def capped_in_danger(stage: Stage) -> None:
    """Its callers wait, and it is in danger: capped at its normal peak."""
    story = callers()
    stage.begin(story.scene)
    story.scene.contributor()


def danger_over(stage: Stage) -> None:
    """The same after its callers gave up: the cap was taken back, and the incident is filed."""
    story = callers()
    stage.begin(story.scene)
    story.scene.contributor()
    story.asked = USUAL
    story.pass_minutes(18)


def would_be_capped(stage: Stage) -> None:
    """In observe mode people were told of the cap that there would be."""
    story = callers(policy=Policy(mode=Mode.OBSERVE))
    stage.begin(story.scene)
    story.scene.contributor()


def lifted(stage: Stage) -> None:
    """People feed it: it was let go, and the incident is filed."""
    story = _held(stage, SourceKind.ASYNCHRONOUS, is_loop=False, reserved=50)
    story.pass_minutes(14)


# -- what is remembered besides --------------------------------------------------------------------


def memory(stage: Stage) -> None:
    """The pulse's memory, attempts, and rollback requests with each outcome."""
    ledger = stage.begin(Scene())
    ledger.remember_pulse(
        PulseMemory(
            looked_at=NOON,
            level_per_minute=812.5,
            looks=3,
            watched=("orders", "bills"),
            watch_until=NOON + timedelta(minutes=20),
            swept_to="orders",
            stock=2.5,
            stocked_at=NOON,
        )
    )
    for minute in range(2):
        ledger.count_attempt("tag 0123", NOON + timedelta(minutes=minute))
    for nonce in ("begun", "done", "failed"):
        ledger.claim_request(nonce, f"request of {nonce}", NOON)
    ledger.settle_request("done", "request of done", is_done=True)
    ledger.settle_request("failed", "request of failed", is_done=False)


def findings(stage: Stage) -> None:
    """The book of findings, open and closed ones; how far a check has come; marks of changes."""
    store = _store(stage)
    context = replace(Hospital().context, remediations=store)
    nothing = RemedyPolicy(kinds=frozenset(), memory_ceiling_mb=None)
    run_diagnosis((logless(), CASES["memory"]), context, nothing, DAY)
    run_diagnosis((CASES["memory"],), context, nothing, DAY + timedelta(hours=1))
    store.save_progress(Progress(began_at=DAY, after="orders", finished_at=DAY))
    store.touch(("orders", "role/orders-role"), DAY)
    denied = DeniedCall(
        source=DenialSource.CLOUDTRAIL,
        principal_arn="arn:aws:iam::123456789012:role/clerk",
        message="not authorized to perform: lambda:InvokeFunction",
        last_at=DAY,
    )
    store.remember_denial("orders", denied, DAY)


def treatment_applying(stage: Stage) -> None:
    """The run died in the middle of a remedy."""
    hospital, context = _context(stage)
    opened = context.remediations.open(_planned("permissions"))
    hospital.crash(4, "after")
    with suppress(CrashError):
        remediate(opened, context, DAY)


def treatments_applied(stage: Stage) -> None:
    """Remedies of all kinds are in force, each of a function of its own."""
    for name in CASES:
        _, context = _context(stage, name)
        remediate(context.remediations.open(replace(_planned(name), function=name)), context, DAY)


def treatment_undoing(stage: Stage) -> None:
    """The run that undoes a remedy died."""
    hospital, context = _context(stage)
    applied = remediate(context.remediations.open(_planned("memory")), context, DAY)
    hospital.crash(2, "after")
    with suppress(CrashError):
        undo(applied, context, DAY + timedelta(hours=1), "alice")


def treatments_closed(stage: Stage) -> None:
    """One was undone, AWS refused one, the function of one was deleted."""
    _, context = _context(stage)
    done = remediate(context.remediations.open(_planned("memory")), context, DAY)
    undo(done, context, DAY + timedelta(hours=1), "alice")
    hospital, context = _context(stage, "refused")
    hospital.refusals = {"put_inline_policy": DENIED}
    remediate(
        context.remediations.open(replace(_planned("logs"), function="refused")), context, DAY
    )
    hospital, context = _context(stage, "gone")
    gone = context.remediations.open(replace(_planned("memory"), function="gone"))
    hospital.is_deleted = True
    remediate(gone, context, DAY)


def chart(stage: Stage) -> None:
    """The graph was made; SNS took no notice of it; a change waits; a full pass goes on."""
    run = ChartStage(stage.open_table())
    run.scene.topic.broken = True
    run.refresh().tick()
    run.scene.now += timedelta(days=1)
    run.scene.calls = 15
    run.refresh().tick()
    store = ChartStore(stage.open_table(), holder="somebody")
    store.note(
        [Change(kind=ChangeKind.ROLE, name="orders-role")],
        "mark",
        run.scene.now,
    )


STORIES: Final[dict[str, Callable[[Stage], None]]] = {
    one.__name__: one
    for one in (
        notified,
        contained,
        notice_claimed,
        ordered,
        contained_without_reservation,
        contained_on_instances,
        containing,
        containing_half,
        containing_refused,
        follow_up_refused,
        released,
        running_away_again,
        restoring,
        restoring_pending,
        restore_refused,
        probation,
        probation_held_again,
        probation_failed,
        probation_over,
        probation_refused,
        restored,
        restored_unsent,
        unsent_aside,
        ended,
        deleted,
        superseded,
        tagged,
        capping,
        held_by_cap,
        held_at_zero,
        held_paused,
        trial_by_cap,
        trial_of_queue,
        held_again,
        shown,
        expiring,
        second_trial,
        stopped_after_hold,
        capped_in_danger,
        danger_over,
        would_be_capped,
        lifted,
        memory,
        findings,
        treatment_applying,
        treatments_applied,
        treatment_undoing,
        treatments_closed,
        chart,
    )
}


# -- how they begin -------------------------------------------------------------------------------


def _scene(stage: Stage) -> Scene:
    assert stage.scene is not None
    return stage.scene


def _ask_carefully(stage: Stage) -> None:
    careful = RestoreTerms(mode=RestoreMode.PROBATION)
    replace(_scene(stage).rollbacks, terms=careful).of(("orders",))


def _come_back(stage: Stage, *, until: str) -> None:
    """On probation, it writes as much as it is given, and nothing while it is held."""
    contained(stage)
    scene = _scene(stage)
    _ask_carefully(stage)
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


def _with_everything() -> Scene:
    """A runaway function with all that a containment may change, and that may lose events."""
    scene = Scene()
    scene.add_runaway(
        reserved=5,
        provisioned={"live": 3},
        memory_mb=512,
        timeout_seconds=30,
        architecture="arm64",
        dead_letter_arn=f"{QUEUE}-dead",
        pushed=(Trigger(kind=TriggerKind.ASYNC, service="SNS", source_arn=TOPIC),),
    )
    scene.account.add_mapping("orders", QUEUE)
    scene.account.add_mapping("orders", TABLE_STREAM, enabled=False)
    return scene


def _suspected(
    stage: Stage,
    kind: SourceKind,
    *,
    is_loop: bool = True,
    is_certain: bool = False,
    **given: Any,
) -> Held:
    story = suspected(kind, is_loop=is_loop, **given)
    if is_certain:
        known = LoopStatus(proof=LoopProof.CERTAIN, at=story.scene.now)
        story.scene.loops.stored["orders"] = known
    stage.begin(story.scene)
    return story


def _held(stage: Stage, kind: SourceKind, **given: Any) -> Held:
    story = _suspected(stage, kind, **given)
    story.scene.contributor()
    return story


def _until(story: Held, wanted: str) -> None:
    for _ in range(MINUTES_TO_A_VERDICT):
        if story.describe() == wanted:
            return
        story.pass_minutes(1)
    raise AssertionError(f"it is {story.describe()}, not {wanted}")


def _store(stage: Stage) -> DiagnosisStore:
    return DiagnosisStore(stage.open_table())


def _context(stage: Stage, function: str = "orders") -> tuple[Hospital, RemediationContext]:
    hospital = Hospital()
    stage.hospitals[function] = hospital
    return hospital, replace(hospital.context, remediations=_store(stage))


def _planned(name: str) -> Any:
    """The remediation of one kind of remedy, planned and not yet stored."""
    (finding,) = examine(CASES[name]).findings
    return plan_remediation(finding, finding.remedies[0], DAY)


class ChartStage:
    """`chart` that keeps its memory, and the facts, in a table."""

    def __init__(self, table: Table) -> None:
        self.scene = ChartScene(functions=8)
        self.scene.add_loop(3)
        self._table = table

    def refresh(self) -> GraphRefresh[Facts]:
        """A run in a fresh execution environment."""
        scene = self.scene
        scene.runs += 1
        graphs = Graphs(scene.accepted)
        asker = ReadClient(
            scene.aws.client,
            RateLimiter({}),
            retry=replace(READS, sleep=lambda _: None),
            is_time_up=lambda: scene.calls is not None and asker.calls.total() >= scene.calls,
        )
        return GraphRefresh(
            store=ChartStore(self._table, holder=f"run {scene.runs}"),
            facts=FactStore(self._table, account=ACCOUNT, region=REGION, partition="aws"),
            reader=AccountReader(asker, suspects=graphs.suspects, side_by_side=run_one_by_one),
            graphs=graphs,
            publisher=scene.topic,
            deployment=PLACE,
            intervals=RefreshIntervals(),
            until=scene.now + timedelta(minutes=15),
            clock=lambda: scene.now,
            log=scene.log,
        )
