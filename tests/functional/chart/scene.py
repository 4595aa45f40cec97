"""A stage for stories of the chart: one account, one memory, time that moves when told to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import READS, ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.aws.records.fact_store import FactStore
from functions.domain.errors import NoticeUndeliveredError
from functions.domain.graph.refresh import RefreshIntervals
from functions.domain.notices.notice import Deployment
from functions.workflows.graph.graphs import Graphs
from functions.workflows.graph.refresh_graph import GraphRefresh
from tests.fake_chart import FakeChartMemory, FakeChartStore
from tests.fakes.faults import SimulatedCrash
from tests.functional.scene import QuietLog
from tests.unit.aws.account.test_storage import FragileTable

if TYPE_CHECKING:
    from bench.worlds.paged_account import PagedAccount
    from functions.aws.account.facts import Facts
    from functions.domain.account.configuration_change import Change
    from functions.domain.notices.notice import Notice
    from functions.workflows.graph.refresh_graph import RefreshReport

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PLACE = Deployment(region=REGION, account=ACCOUNT, stack_name="Loopbreaker", deploy_flags="")


@dataclass(slots=True)
class FakeTopic:
    """Keeps what is sent; `broken` refuses it."""

    sent: list[Notice] = field(default_factory=list)
    broken: bool = False

    def publish(self, notice: Notice) -> None:
        """See the port."""
        if self.broken:
            raise NoticeUndeliveredError("NotFound")
        assert notice.event is not None, f"a mail without its twin: {notice.subject}"
        self.sent.append(notice)


class Scene:
    """`chart` with fakes all round it.

    Attributes
    ----------
    calls
        How many calls a run may make before its time is up; ``None`` for any number.
    """

    def __init__(self, functions: int = 20, *, accepted: dict[str, str] | None = None) -> None:
        self.aws: PagedAccount = grown(functions)
        self.memory = FakeChartMemory()
        self.table = FragileTable()
        self.topic = FakeTopic()
        self.log = QuietLog()
        self.now = NOON
        self.calls: int | None = None
        self.accepted = accepted or {}
        self.runs = 0
        self.held: frozenset[str] = frozenset()  # mappings that the guard has disabled

    def refresh(self) -> GraphRefresh[Facts]:
        """A run in a fresh execution environment."""
        self.runs += 1
        graphs = Graphs(self.accepted)
        asker = ReadClient(
            self.aws.client,
            RateLimiter({}),
            retry=replace(READS, sleep=lambda _: None),
            is_time_up=lambda: self.calls is not None and asker.calls.total() >= self.calls,
        )
        store = FakeChartStore(self.memory, holder=f"run {self.runs}")
        return GraphRefresh(
            store=store,
            facts=FactStore(self.table, account=ACCOUNT, region=REGION, partition="aws"),
            reader=AccountReader(asker, suspects=graphs.suspects, side_by_side=run_one_by_one),
            graphs=graphs,
            publisher=self.topic,
            deployment=PLACE,
            intervals=RefreshIntervals(),
            until=self.now + timedelta(minutes=15),
            clock=lambda: self.now,
            log=self.log,
            held_mappings=lambda: self.held,
            names=self,
        )

    def add_alias(self, deployment: Deployment) -> Deployment:
        """See the port `AccountNames`."""
        return replace(deployment, account_alias="prod-eu")

    def tick(self, minutes: float = 2) -> RefreshReport:
        """Let time pass, then tick."""
        self.now += timedelta(minutes=minutes)
        return self.refresh().tick()

    def dying_tick(self) -> bool:
        """A tick that may die; whether it did. Its turn ends when its time is up."""
        try:
            self.tick(minutes=16)
        except SimulatedCrash:
            return True
        return False

    def note(self, *changes: Change) -> None:
        """Note changes."""
        FakeChartStore(self.memory).note(changes, f"mark {self.now}", self.now)

    @property
    def subjects(self) -> list[str]:
        """Subjects of all that was sent."""
        return [one.subject for one in self.topic.sent]

    def add_loop(self, number: int = 3, *, is_possible: bool = False) -> str:
        """Let a function write to the table whose stream invokes it; answers its name.

        A possible one may write to every table.
        """
        name = f"orders-{number:05}"
        table = self.aws.arn("dynamodb", f"table/fresh-{number}")
        role = self.aws.roles[f"arn:aws:iam::{ACCOUNT}:role/{name}-role"]
        role["RolePolicyList"][0]["PolicyDocument"]["Statement"].append(
            {
                "Sid": "Loop",
                "Effect": "Allow",
                "Action": "dynamodb:PutItem",
                "Resource": "*" if is_possible else table,
            }
        )
        uuid = f"fresh-{number}"
        self.aws.mappings[uuid] = {
            "UUID": uuid,
            "FunctionArn": self.aws.arn("lambda", f"function:{name}"),
            "EventSourceArn": f"{table}/stream/2026-01-01T00:00:00.000",
            "State": "Enabled",
        }
        return name
