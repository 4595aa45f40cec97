"""What is stored beside incidents: memory, findings, treatments, the chart."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from functions.aws.records.chart_store import ChartStore
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.facts import DenialSource, DeniedCall
from functions.domain.diagnosis.triage import Progress
from functions.domain.pulse.memory import PulseMemory
from functions.workflows.diagnosis.remediate import remediate, undo
from functions.workflows.diagnosis.run import run_diagnosis
from tests.frozen.told.incidents import DENIED
from tests.frozen.told.staging import ChartStage, build_context, open_store, plan_remedy
from tests.functional.scene import NOON, Scene
from tests.unit.domain.diagnosis.samples import NOW as DAY
from tests.unit.domain.diagnosis.samples import CrashError, Hospital, logless
from tests.unit.workflows.diagnosis.remedies.cases import CASES

if TYPE_CHECKING:
    from tests.frozen.stage import Stage


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
    store = open_store(stage)
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
    hospital, context = build_context(stage)
    opened = context.remediations.open(plan_remedy("permissions"))
    hospital.crash(4, "after")
    with suppress(CrashError):
        remediate(opened, context, DAY)


def treatments_applied(stage: Stage) -> None:
    """Remedies of all kinds are in force, each of a function of its own."""
    for name in CASES:
        _, context = build_context(stage, name)
        remediate(
            context.remediations.open(replace(plan_remedy(name), function=name)), context, DAY
        )


def treatment_undoing(stage: Stage) -> None:
    """The run that undoes a remedy died."""
    hospital, context = build_context(stage)
    applied = remediate(context.remediations.open(plan_remedy("memory")), context, DAY)
    hospital.crash(2, "after")
    with suppress(CrashError):
        undo(applied, context, DAY + timedelta(hours=1), "alice")


def treatments_closed(stage: Stage) -> None:
    """One was undone, AWS refused one, the function of one was deleted."""
    _, context = build_context(stage)
    done = remediate(context.remediations.open(plan_remedy("memory")), context, DAY)
    undo(done, context, DAY + timedelta(hours=1), "alice")
    hospital, context = build_context(stage, "refused")
    hospital.refusals = {"put_inline_policy": DENIED}
    remediate(
        context.remediations.open(replace(plan_remedy("logs"), function="refused")), context, DAY
    )
    hospital, context = build_context(stage, "gone")
    gone = context.remediations.open(replace(plan_remedy("memory"), function="gone"))
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
