"""A small stage for stories: one account, one guard, time that moves only when told to."""

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.detection.arrivals import Source
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import NOTHING_KNOWN, LoopStatus, OnLoop
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import Policy, Response
from functions.domain.notices.events.ports import NoEvents
from functions.domain.notices.notice import Deployment
from functions.domain.requests.terms import RestoreTerms
from functions.domain.signal import Signal, SignalKind
from functions.workflows.detection.collect_evidence import EvidenceCollector, run_one_by_one
from functions.workflows.detection.report import PartlyFailedError, TriageReport
from functions.workflows.detection.triage import Triage
from functions.workflows.holding.observe import HoldObserver
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.notices.events import EventDelivery
from functions.workflows.requests.ordered_stop import OrderedStop
from functions.workflows.rollback.results import Result
from functions.workflows.rollback.rollback import Rollback
from tests.fakes.account import FakeAccount
from tests.fakes.faults import SimulatedCrash
from tests.fakes.resources import FakeFunction
from tests.unit.domain.diagnosis.samples import Hospital

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.domain.notices.events.ports import EventOutlet

NOON = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
OWN = frozenset({"Loopbreaker-contain", "Loopbreaker-restore", "Loopbreaker-protect"})
TABLE_STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"


@dataclass(slots=True)
class QuietLog:
    """Keeps what was logged."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, message: str, **fields: object) -> None:
        """Keep it."""
        self.lines.append((message, fields))

    def error(self, message: str, **fields: object) -> None:
        """See the port."""

    def exception(self, message: str, **fields: object) -> None:
        """Keep it."""
        self.lines.append((message, fields))


@dataclass(slots=True)
class FakeLoops:
    """A stored event graph: what it knows is seen after it was read, as with the real one."""

    stored: dict[str, LoopStatus] = field(default_factory=dict)
    together: frozenset[str] = frozenset()  # functions on one and the same loop
    feeding: dict[str, tuple[Source, ...]] = field(default_factory=dict)
    read: dict[str, LoopStatus] = field(default_factory=dict)
    read_sources: dict[str, tuple[Source, ...]] = field(default_factory=dict)

    def refresh(self) -> None:
        """See the port."""
        self.read = dict(self.stored)
        self.read_sources = dict(self.feeding)

    def of(self, function: str) -> LoopStatus:
        """See the port."""
        return self.read.get(function, NOTHING_KNOWN)

    def find_sources(self, function: str) -> tuple[Source, ...]:
        """See the port."""
        return self.read_sources.get(function, ())

    def find_mates(self, function: str) -> frozenset[str]:
        """See the port."""
        return self.together - {function} if function in self.together else frozenset()

    def list_on_loops(self) -> tuple[OnLoop, ...]:
        """See the port."""
        return tuple(
            OnLoop(
                function=name,
                proof=known.proof,
                loop="together" if name in self.together else name,
            )
            for name, known in self.read.items()
            if known.proof in (LoopProof.CERTAIN, LoopProof.POSSIBLE)
        )


class Scene:
    """The guard with fakes all round it."""

    def __init__(self, policy: Policy | None = None, *, concurrency: int = 1000) -> None:
        self.account = FakeAccount(concurrency=concurrency)
        # What is suspected is stopped, unless a story is about holds.
        stops = Policy(response=Response.THROTTLE)
        self.policy = replace(policy or stops, own_functions=OWN)
        self.now = NOON
        self.log = QuietLog()
        self.slept = 0.0
        self.before_sleep: Callable[[], object] = lambda: None  # what others do meanwhile
        self.seconds_left = math.inf  # of each run
        self.loops = FakeLoops()
        self.hospital = Hospital()
        self.events: EventOutlet = NoEvents()
        self.functions: int | None = None  # in the account, as far as AWS says

    @property
    def world(self) -> Context:
        """The ports, with a place."""
        return Context(
            functions=self.account.functions,
            ledger=self.account.ledger,
            publisher=self.account.publisher,
            way_back=self.account.way_back,
            deployment=Deployment(
                region="us-east-1", account="123456789012", stack_name="Loopbreaker"
            ),
            clock=lambda: self.now,
            loops=self.loops,
            events=self.events,
        )

    @property
    def guard(self) -> Triage:
        """A guard as a fresh execution environment has it."""
        gathering = EvidenceCollector(
            functions=self.account.functions,
            metrics=self.account.metrics,
            account_concurrency=self.account.concurrency,
            side_by_side=run_one_by_one,
            loops=self.loops,
            count=lambda: self.functions,
        )
        enforcer = Enforcer(
            world=self.world,
            policy=self.policy,
            holding=HoldObserver(gathering=gathering, facts=self.account.hold_facts),
            diagnosis=self.account.examined,
        )
        return Triage(enforcer=enforcer, gathering=gathering, log=self.log, sleep=self.sleep)

    def add_runaway(self, name: str = "orders", **given: Any) -> FakeFunction:
        """A function that was quiet for two weeks and hits the concurrency ceiling right now."""
        function = self.account.add(name, **given)
        self.account.metrics.habit(name, 150.0)
        self.burn(name)
        return function

    def burn(self, name: str = "orders", minutes: int = 8) -> None:
        """Let a function run away for the last minutes, from 30 a minute to the ceiling."""
        before = 180 - minutes
        ceiling = float(self.account.concurrency)
        self.account.metrics.record(
            name,
            until=self.now,
            invocations=[30.0] * before + [3_000.0, *[30_000.0] * (minutes - 1)],
            concurrency=[2.0] * before + [ceiling / 2, *[ceiling] * (minutes - 1)],
            throttles=[0.0] * before + [0.0, *[9_000.0] * (minutes - 1)],
            errors=[0.0] * 180,
            duration_ms=[120.0] * 180,
        )

    def calm(self, name: str, minutes: int = 15) -> None:
        """Let a function stand still for the last minutes."""
        self.account.metrics.record(
            name,
            until=self.now,
            invocations=[0.0] * minutes,
            concurrency=[0.0] * minutes,
            throttles=[0.0] * minutes,
        )

    def signal(self, kind: SignalKind, *functions: str, actor: str = "") -> TriageReport:
        """Send one signal."""
        signal = Signal(kind=kind, at=self.now, id="1", functions=functions, actor=actor)
        try:
            return self.guard.handle(signal, lambda: self.seconds_left)
        finally:
            self.events.flush(lambda: 60.0)

    def connect_sinks(self) -> None:
        """Let the guard publish events on a bus and in chat."""
        self.events = EventDelivery(
            to=(self.account.bus, self.account.chat),
            deployment=self.world.deployment,
            clock=lambda: self.now,
            log=self.log,
        )

    def contributor(self, name: str = "orders") -> TriageReport:
        """The signal that names a function."""
        return self.signal(SignalKind.CONTRIBUTOR, name)

    def contributor_without_ledger(self) -> None:
        """The same while the ledger is unavailable: the function is stopped all the same."""
        self.account.ledger.is_down = True
        with pytest.raises(PartlyFailedError):
            self.contributor()
        self.account.ledger.is_down = False

    def pulse(self, minutes: int = 1) -> None:
        """Let pulses pass; what fails is tried again by the next."""
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            try:
                self.signal(SignalKind.PULSE)
            except PartlyFailedError:
                continue

    def chart(self, name: str = "orders", proof: LoopProof = LoopProof.POSSIBLE) -> None:
        """The event graph has read a function now."""
        drawn = f"{name} ─SendMessage▶ {name}" if proof is LoopProof.CERTAIN else ""
        self.loops.stored[name] = LoopStatus(proof=proof, drawing=drawn, at=self.now)

    def rollback(self, *asked: str) -> tuple[Result, ...]:
        """What the deployment with the rollback flag does, by force: some loops are closed."""
        return replace(self.rollbacks, terms=RestoreTerms(is_forced=True)).of(asked)

    @property
    def rollbacks(self) -> Rollback:
        """Who puts functions back."""
        return Rollback(world=self.world, sleep=self.sleep, remediation=self.hospital.context)

    @property
    def orders(self) -> OrderedStop:
        """Who stops functions for people."""
        guard = self.guard
        return OrderedStop(enforcer=guard.enforcer, gathering=guard.gathering, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass for whoever waits."""
        self.before_sleep()
        self.slept += seconds
        self.now += timedelta(seconds=seconds)

    def survives(self, run: Any) -> bool:
        """Whether a run ends without its process dying; the next process lives again."""
        try:
            run()
        except SimulatedCrash:
            return False
        except PartlyFailedError:
            return True
        finally:
            self.account.faults.revive()
        return True

    def incident(self, name: str = "orders") -> Incident:
        """The function's stored incident."""
        stored = self.account.ledger.stored(name)
        assert stored is not None
        return stored

    @property
    def subjects(self) -> list[str]:
        """Subjects of all notices sent."""
        return [mail.subject for mail in self.account.publisher.sent]
