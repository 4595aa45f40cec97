"""How far a story has to be played, and on which stage."""

from __future__ import annotations

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
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.graph.refresh import RefreshIntervals
from functions.domain.requests.terms import RestoreMode, RestoreTerms
from functions.workflows.diagnosis.remediate import plan_remediation
from functions.workflows.graph.graphs import Graphs
from functions.workflows.graph.refresh_graph import GraphRefresh
from tests.functional.chart.scene import PLACE
from tests.functional.chart.scene import Scene as ChartScene
from tests.functional.contain.hold.held import suspected
from tests.functional.scene import QUEUE, TABLE_STREAM, Scene
from tests.unit.domain.diagnosis.samples import NOW as DAY
from tests.unit.domain.diagnosis.samples import Hospital
from tests.unit.workflows.diagnosis.remedies.cases import CASES

if TYPE_CHECKING:
    from functions.aws.account.facts import Facts
    from functions.aws.records.table import Table
    from functions.domain.detection.arrivals import SourceKind
    from functions.domain.diagnosis.ports import RemediationContext
    from tests.frozen.stage import Stage
    from tests.functional.contain.hold.held import Held

TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:orders"
MINUTES_TO_A_VERDICT: Final = 60


def get_scene(stage: Stage) -> Scene:
    """The scene of a stage."""
    assert stage.scene is not None
    return stage.scene


def ask_carefully(stage: Stage) -> None:
    """A person deploys with a rollback on probation."""
    careful = RestoreTerms(mode=RestoreMode.PROBATION)
    replace(get_scene(stage).rollbacks, terms=careful).of(("orders",))


def build_full_scene() -> Scene:
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


def begin_suspected(
    stage: Stage,
    kind: SourceKind,
    *,
    is_loop: bool = True,
    is_certain: bool = False,
    **given: Any,
) -> Held:
    """A function that is suspected."""
    story = suspected(kind, is_loop=is_loop, **given)
    if is_certain:
        known = LoopStatus(proof=LoopProof.CERTAIN, at=story.scene.now)
        story.scene.loops.stored["orders"] = known
    stage.begin(story.scene)
    return story


def begin_held(stage: Stage, kind: SourceKind, **given: Any) -> Held:
    """A function that is held."""
    story = begin_suspected(stage, kind, **given)
    story.scene.contributor()
    return story


def play_until(story: Held, wanted: str) -> None:
    """Let minutes pass until its hold has come so far."""
    for _ in range(MINUTES_TO_A_VERDICT):
        if story.describe() == wanted:
            return
        story.pass_minutes(1)
    raise AssertionError(f"it is {story.describe()}, not {wanted}")


def open_store(stage: Stage) -> DiagnosisStore:
    """The store of the diagnosis, on the table of a stage."""
    return DiagnosisStore(stage.open_table())


def build_context(stage: Stage, function: str = "orders") -> tuple[Hospital, RemediationContext]:
    """What remedies of a function are carried out with."""
    hospital = Hospital()
    stage.hospitals[function] = hospital
    return hospital, replace(hospital.context, remediations=open_store(stage))


def plan_remedy(name: str) -> Any:
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
