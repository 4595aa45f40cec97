"""A drill from its beginning to its report, and the removal of everything that it made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.aws.functions import DrillFunctions
from cdk_loopbreaker.drill.aws.series import SeriesWatch
from cdk_loopbreaker.drill.aws.stacks import (
    create_stack,
    delete_stack,
    find_stacks,
    list_failures,
)
from cdk_loopbreaker.drill.bell import ring
from cdk_loopbreaker.drill.dry import check_permissions, run_dry
from cdk_loopbreaker.drill.healthy import check_healthy, keep_busy
from cdk_loopbreaker.drill.live import LoopWatch, check_loops
from cdk_loopbreaker.drill.measures.context import MeasureContext
from cdk_loopbreaker.drill.measures.registry import (
    AFTER_THE_LOOPS,
    MEASURES,
    complete,
    measure,
)
from cdk_loopbreaker.drill.model import Check, Depth, DrillReport, Helper
from cdk_loopbreaker.drill.places import wait_for_place
from cdk_loopbreaker.drill.stage import POLL_SECONDS
from cdk_loopbreaker.drill.template import build_template
from cdk_loopbreaker.operating.errors import OperatingError
from functions.domain.notices.text import clean
from functions.domain.requests.terms import RestoreTerms

if TYPE_CHECKING:
    from datetime import datetime

    from cdk_loopbreaker.drill.aws.clients import Clients
    from cdk_loopbreaker.drill.model import Figure, Finding, LoopResult, Names
    from cdk_loopbreaker.drill.plan import DrillPlan
    from cdk_loopbreaker.drill.stage import Stage
    from cdk_loopbreaker.operating.client import GuardClient

# How long a drill waits at most for the event graph to know its functions.
_GRAPH_MINUTES: Final = 16.0
# From the notification of a change to a graph that has it: two runs of `chart`, and some.
_CHARTED_MINUTES: Final = 4.0
_NOT_THIS_DEPTH: Final = "a live drill measures it"
_NOT_SO_FAR: Final = "the drill ended before it was measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillOptions:
    """What is wanted of a drill.

    Attributes
    ----------
    leaves_one
        Whether a place within the blast radius stays free for a real runaway.
    """

    depth: Depth
    plan: DrillPlan
    leaves_one: bool = True
    poll_seconds: float = POLL_SECONDS


@dataclass(slots=True)
class Drill:
    """One drill."""

    stage: Stage
    options: DrillOptions
    checks: list[Check] = field(default_factory=list)
    loops: list[LoopResult] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> DrillReport:
        """Carry it out, whatever happens remove what it made, and report.

        What cannot be done is a check that failed. An interrupted drill is reported as one.
        """
        began, is_interrupted = self.stage.clock.now(), False
        try:
            self._carry_out()
        except OperatingError as error:
            self.checks.append(
                Check(title="The drill is carried out", is_passed=False, text=str(error))
            )
        except KeyboardInterrupt:
            is_interrupted = True
            self.stage.say("Interrupted")
        finally:
            self._clean_up()
        why = _NOT_SO_FAR if self.options.depth is Depth.LIVE else _NOT_THIS_DEPTH
        settings = self.stage.guard.settings
        return DrillReport(
            id=self.stage.names.id,
            depth=self.options.depth,
            account=self.stage.guard.account,
            region=self.stage.clients.region,
            began_at=began,
            ended_at=self.stage.clock.now(),
            resolution_seconds=self.options.poll_seconds,
            guard={
                "mode": settings.mode,
                "response": settings.response,
                "floor_per_minute": str(settings.floor_per_minute),
                "blast_radius": str(settings.blast_radius),
            },
            checks=tuple(self.checks),
            loops=tuple(self.loops),
            figures=tuple(self.figures),
            findings=complete(self.findings, why),
            most_usd=self.options.plan.most_usd,
            usd=sum(one.usd for one in self.loops),
            is_interrupted=is_interrupted,
        )

    def _carry_out(self) -> None:
        rung = ring(self.stage)
        self.checks += rung.checks
        self.figures += rung.figures
        match self.options.depth:
            case Depth.BELL:
                return
            case Depth.DRY:
                self._create(())
                done = run_dry(self.stage, self.options.plan)
                self.checks += done.checks
                self.loops.append(done.loop)
            case Depth.LIVE:
                self._run_live()

    def _create(self, helpers: tuple[Helper, ...]) -> datetime:
        """Create the stack; when it was there."""
        stage = self.stage
        kinds = [one.kind for one in self.options.plan.loops]
        template = build_template(
            stage.names, kinds, helpers, stage.guard.settings.notice_topic_arn
        )
        stage.say(f"Creating the stack {stage.names.stack}")
        create_stack(stage.clients, stage.names, template)
        return stage.clock.now()

    def _run_live(self) -> None:
        stage, plan = self.stage, self.options.plan
        created = self._create((Helper.HEALTHY, Helper.PROBE))
        functions = DrillFunctions(stage.clients, stage.names)
        context = MeasureContext(
            stage=stage,
            functions=functions,
            created_at=created,
            stack_failures=list_failures(stage.clients, stage.names.stack),
        )
        try:
            self.checks.append(check_permissions(stage, plan.loops[0].kind))
            self._measure_while_the_graph_is_read(context)
            healthy_before = functions.describe_settings(Helper.HEALTHY)
            for number, one in enumerate(plan.loops, 1):
                wait_for_place(stage, leaves_one=self.options.leaves_one)
                series = SeriesWatch(stage.clients, stage.names.function(one.kind))
                watch = LoopWatch(stage, functions, one, series)
                context.series.append(watch.series)
                if number == len(plan.loops):
                    stage.say("The healthy function gets busy beside it")
                    with keep_busy(stage, functions, plan):
                        self.loops.append(watch.run())
                else:
                    self.loops.append(watch.run())
            self.checks += check_loops(self.loops, is_acting=stage.guard.is_acting)
            self.checks.append(check_healthy(stage, functions, healthy_before))
            self.findings += measure(context, [one for one in MEASURES if one in AFTER_THE_LOOPS])
        finally:
            self.figures += context.figures

    def _measure_while_the_graph_is_read(self, context: MeasureContext) -> None:
        """Loops are stopped only if the event graph knows them, which takes it some minutes."""
        stage = self.stage

        def is_noted() -> bool:
            if context.graph_at is None and stage.log.read_chart(stage.names.id):
                context.graph_at = stage.clock.now()
                stage.say("The event graph is notified of the new functions")
            return context.graph_at is not None

        for name in MEASURES:
            if name not in AFTER_THE_LOOPS:
                self.findings += measure(context, (name,))
                is_noted()
        gone = (stage.clock.now() - context.created_at) / timedelta(minutes=1)
        left = max(0.0, _GRAPH_MINUTES - gone)
        if left and not is_noted():
            stage.say(f"Waiting up to {left:.0f} min for the event graph to know the functions")
        if stage.wait_for(is_noted, left) and context.graph_at is not None:
            ready = context.graph_at + timedelta(minutes=min(_CHARTED_MINUTES, left))
            stage.clock.sleep(max(0.0, (ready - stage.clock.now()).total_seconds()))

    def _clean_up(self) -> None:
        """Remove what the drill made; what is left is a check that failed."""
        stage = self.stage
        try:
            if not any(one.name == stage.names.stack for one in find_stacks(stage.clients)):
                return
            stage.say(f"Removing the stack {stage.names.stack}")
            remove(stage.clients, stage.client, stage.names)
        except OperatingError as error:
            self.checks.append(
                Check(title="Everything is removed", is_passed=False, text=str(error))
            )
            stage.say(clean(str(error), 300))
        else:
            self.checks.append(
                Check(title="Everything is removed", is_passed=True, text=stage.names.stack)
            )


def remove(clients: Clients, client: GuardClient, names: Names) -> None:
    """Restore what the guard holds of a drill's functions, and remove the stack.

    Raises
    ------
    DrillError, OperatingError
    """
    prefix = names.function(Helper.PROBE).removesuffix(Helper.PROBE)
    held = [
        one.function
        for one in client.read_status().open
        if one.is_restorable and one.function.startswith(prefix)
    ]
    if held:
        client.restore(tuple(held), terms=RestoreTerms(is_forced=True))
    delete_stack(clients, names)
