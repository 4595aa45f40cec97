"""Playing a schedule: the real guard and the real rollback on the simulated account."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from functions.aws.incidents.signals import parse_signal
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import (
    LoopbreakerError,
)
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.policy import Mode, Policy, Response
from functions.domain.notices.notice import Deployment
from functions.domain.requests.answer import parse_answer
from functions.domain.requests.request import StopRequest, build_event
from functions.domain.requests.terms import RestoreMode, RestoreTerms
from functions.domain.signal import Signal, SignalKind
from functions.workflows.detection.collect_evidence import EvidenceCollector, run_one_by_one
from functions.workflows.detection.report import PartlyFailedError
from functions.workflows.detection.triage import Triage
from functions.workflows.holding.end_hold import HoldEnder
from functions.workflows.holding.observe import HoldObserver
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.notices.events import EventDelivery
from functions.workflows.requests.answer_direct import answer_at_contain
from functions.workflows.requests.ordered_stop import OrderedStop
from functions.workflows.rollback.answer_request import RollbackRequest, answer_request
from functions.workflows.rollback.rollback import Rollback
from tests.fakes.faults import SimulatedCrash
from tests.functional.scene import OWN, FakeLoops
from tests.simulation import rules
from tests.simulation.finish import converge, put_all_back
from tests.simulation.schedule import (
    Asks,
    AsksOtherwise,
    Deploys,
    Ends,
    Orders,
    Wakes,
)
from tests.simulation.told import Journal, Ordered, Restored, Told, describe_process
from tests.simulation.turns import Process, Run, Turns
from tests.simulation.world.account import SimulatedAccount
from tests.simulation.world.misfortune import Misfortune
from tests.simulation.world.people import People
from tests.simulation.world.ports import StaleReads
from tests.simulation.world.traffic import NOON, Demand
from tests.simulation.world.trail import Trail
from tests.unit.domain.diagnosis.samples import Hospital

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from tests.simulation.schedule import (
        Event,
        Schedule,
    )


CONTAIN_SECONDS: Final = 120.0  # the functions' timeouts in stacks/components/guard_functions.py
RESTORE_SECONDS: Final = 900.0
MINUTE: Final = 60.0
_TRIES_AFTER: Final = (60.0, 120.0)  # Lambda's retries of an asynchronous invocation
PLACE: Final = Deployment(region="us-east-1", account="123456789012", stack_name="Loopbreaker")


class Play:
    """One schedule on the stage."""

    def __init__(self, schedule: Schedule, *, tells: bool = False) -> None:
        weather = schedule.weather
        self.schedule = schedule
        self.turns = Turns()
        self.account = SimulatedAccount(
            self.turns, late_minutes=weather.late_minutes, stale=StaleReads(weather.tags_seconds)
        )
        self.account.loop = schedule.loop
        proof = LoopProof.CERTAIN if schedule.is_certain else LoopProof.POSSIBLE
        self.loops = FakeLoops(
            stored={one: LoopStatus(proof=proof, at=NOON) for one in schedule.loop},
            together=schedule.loop,
        )
        self.told = Told()
        self.policy = self._policy(observes=False, exempt=())
        self.policies: list[tuple[float, Policy]] = [(-1.0, self.policy)]
        self.stirred: list[tuple[float, str]] = []  # when something happened to a function
        self.over: list[Run] = []
        self.restored: list[Restored] = []
        self.ordered: list[Ordered] = []
        self.tried: list[tuple[float, tuple[str, ...]]] = []  # when a person asked carefully
        self._counts: dict[str, int] = {}
        self._random = Random(f"{schedule.seed} pulses")
        self._remediation = Hospital().context
        self._pulses_in: Process | None = None  # between two pulses that do not overlap
        self._misfortune = Misfortune(schedule, self.account)
        trail = Trail(schedule, self.turns, self._see_change)
        self.account.on_change = trail.of_guard
        self.account.on_schedule = self._keep_schedule
        self.account.ledger.clock_of = self._clock_of
        self._people = People(schedule, self.account, trail)
        if tells:
            self.account.story = self.told.story
        for one in schedule.functions:
            self._people.create(one.name)

    def run(self) -> Told:
        """Play it to its end and check it."""
        schedule = self.schedule
        try:
            for event in schedule.events:
                self.turns.at(event.at, partial(self._happen, event))
            for minute in range(int(schedule.seconds // MINUTE)):
                if self._random.random() >= schedule.weather.pulse_loses:
                    self.turns.at(schedule.weather.pulse_second + minute * MINUTE, self.pulse)
            self.turns.after = lambda: rules.check_held(self)
            self.turns.go(schedule.seconds)
            self._calm_down()
            converge(self)
            put_all_back(self)
        finally:
            self.turns.stop()
        rules.check_bounds(self)
        rules.check_protected(self)
        rules.check_respected(self)
        rules.check_events(self)
        rules.check_probation(self)
        self.told.changes = len(self.account.changes)
        self.told.mails = len(self.account.mails)
        return self.told

    def say(self, text: str) -> None:
        """Add a line to the story, where somebody listens."""
        self.account.say(text)

    # Runs of the guard

    def pulse(self) -> None:
        """The schedule of every minute."""
        self._contain("pulse", Signal(kind=SignalKind.PULSE, at=self._clock(), id="1"))

    def wake(self, kind: str, function: str) -> None:
        """A signal of an alarm or of AWS Health."""
        names = (function,) if function else ()
        signal = Signal(kind=SignalKind(kind), at=self._clock(), id="1", functions=names)
        self.stir(function)
        self._contain("signal", signal)

    def _see_change(self, event: Mapping[str, Any]) -> None:
        self._contain("event", parse_signal(event))

    def ask(self, functions: tuple[str, ...]) -> Run:
        """A deployment with the rollback flag, by force."""
        number = self._number("rollback")
        request = RollbackRequest(
            id=f"request-{number}",
            functions=functions,
            nonce=f"nonce-{number}",
            terms=RestoreTerms(is_forced=True),
        )
        self.stir("")
        return self._roll_back(f"rollback {number}", request, 1)

    def ask_otherwise(self, event: AsksOtherwise, number: int) -> None:
        """A person wants functions back, not by force; the number is that of the request."""
        mode = RestoreMode.PROBATION if event.careful else RestoreMode.NOW
        request = RollbackRequest(
            id=f"careful-{number}",
            functions=event.functions,
            nonce=f"careful-{number}",
            terms=RestoreTerms(mode=mode),
        )
        self.stir("")
        if event.careful:
            self.tried.append((self.turns.now, event.functions))
        self._roll_back(f"careful {self._number('careful')}", request, 1)

    def order(self, function: str, number: int) -> None:
        """A person's order to stop a function; the number is that of the request."""
        self.stir(function)
        order = Ordered(function, self.turns.now)
        self.ordered.append(order)
        self._order(f"order {self._number('order')}", order, number, 1)

    def _order(self, label: str, order: Ordered, number: int, attempt: int) -> None:
        run = self._new_run(label, attempt, CONTAIN_SECONDS)
        run.memory["denies_exempt"] = True
        run.memory["policy"] = replace(self.policy, mode=Mode.ENFORCE)
        triage = self._guard(run, self.policy)
        stopping = OrderedStop(
            enforcer=triage.enforcer, gathering=triage.gathering, sleep=self.turns.pause
        )
        request = StopRequest(
            id=f"request-{number}", function=order.function, ordered_by="a person"
        )

        def again() -> None:
            self._order(label, order, number, attempt + 1)

        def body() -> None:
            try:
                answer = parse_answer(answer_at_contain(build_event(request), stopping, label))
            finally:
                self._flush(run, triage.enforcer.world)
            self.account.say(f"answers: {answer}", run)

        def ended() -> None:
            order.answered_at = self.turns.now
            self._ended(run, attempt, again)

        run.memory["ended"] = ended
        self.turns.begin(run, body)

    def stir(self, function: str) -> None:
        """Note that something happened to a function (empty for all of them)."""
        self.stirred.append((self.turns.now, function))

    def _contain(self, kind: str, signal: Signal) -> None:
        self._contain_once(f"{kind} {self._number(kind)}", signal, 1)

    def _contain_once(self, label: str, signal: Signal, attempt: int) -> None:
        policy = self.policy
        run = self._new_run(label, attempt, CONTAIN_SECONDS)
        run.memory["denies_exempt"] = True
        run.memory["policy"] = policy

        def again() -> None:
            self._contain_once(label, signal, attempt + 1)

        def body() -> None:
            guard = self._guard(run, policy)
            try:
                guard.handle(signal)
            finally:
                self._flush(run, guard.enforcer.world)

        run.memory["ended"] = lambda: self._ended(run, attempt, again)
        self.turns.begin(run, body)

    def _roll_back(self, label: str, request: RollbackRequest, attempt: int) -> Run:
        run = self._new_run(label, attempt, RESTORE_SECONDS)
        rollback = Rollback(
            world=self._world(run), sleep=self.turns.pause, remediation=self._remediation
        )

        def again() -> None:
            self._roll_back(label, request, attempt + 1)

        def body() -> None:
            try:
                run.memory["answer"] = answer_request(
                    request, rollback, lambda: run.deadline - self.turns.now
                )
            except LoopbreakerError as error:  # the handler answers CloudFormation with it
                run.memory["refusal"] = str(error)
            finally:
                self._flush(run, rollback.world)

        def ended() -> None:
            self._ended(run, attempt, again)
            said = run.memory.get("refusal", run.memory.get("answer", "no answer"))
            self.account.say(f"answers: {said}", run)
            rules.check_answer(self, run)
            self.restored += [
                Restored(
                    function=name,
                    at=self.turns.now,
                    changed_at=self._changed_last(run, name),
                    asked_at=run.began,
                )
                for name in self.account.by_name
                if f"{name}: restored" in run.memory.get("answer", "")
                and f"{name}: restored from the snapshot in its tags" not in run.memory["answer"]
            ]

        run.memory["ended"] = ended
        self.turns.begin(run, body)
        return run

    def _changed_last(self, run: Run, name: str) -> float:
        """When a run was done with a function: it may have gone on with others."""
        changes = [one.at for one in self.account.changes if (one.run, one.function) == (run, name)]
        return max(changes, default=self.turns.now)

    def _keep_schedule(self, incident_id: str) -> None:
        """Let a schedule fire at its time, unless it is moved or taken away before."""
        due = self.account.way_back.due[incident_id]
        function, at = due

        def fire() -> None:
            if self.account.way_back.due.get(incident_id) == due:
                del self.account.way_back.due[incident_id]
                self.end_hold(incident_id, function)

        self.turns.at((at - NOON).total_seconds(), fire)

    def end_hold(self, incident_id: str, function: str) -> None:
        """The schedule of an incident fires."""
        self.stir(function)
        self._end_hold(f"end {self._number('end')}", incident_id, function, 1)

    def _end_hold(self, label: str, incident_id: str, function: str, attempt: int) -> None:
        run = self._new_run(label, attempt, RESTORE_SECONDS)
        ending = HoldEnder(world=self._world(run), sleep=self.turns.pause)

        def again() -> None:
            self._end_hold(label, incident_id, function, attempt + 1)

        def body() -> None:
            try:
                outcome = ending.end(incident_id, function, lambda: run.deadline - self.turns.now)
            finally:
                self._flush(run, ending.world)
            self.account.say(f"the hold: {outcome}", run)

        run.memory["ended"] = lambda: self._ended(run, attempt, again)
        self.turns.begin(run, body)

    def _new_run(self, label: str, attempt: int, seconds: float) -> Run:
        is_pulse = label.startswith("pulse") and attempt == 1
        label = label if attempt == 1 else f"{label}, try {attempt}"
        self.told.runs += 1
        run = Run(
            label=label,
            began=self.turns.now,
            deadline=self.turns.now + seconds,
            random=Random(zlib.crc32(f"{self.schedule.seed} {label}".encode())),
            process=self._process(label, is_pulse=is_pulse),
        )
        self.account.say(f"begins{describe_process(run.process)}", run, is_quiet=True)
        return run

    def _process(self, label: str, *, is_pulse: bool) -> Process:
        """The process of a run: pulses have one of their own, unless the last one is still at it.

        Lambda begins a new one for whatever it cannot give to one that is free.
        """
        is_free = not any(one.process is self._pulses_in for one in self.turns.active)
        if is_pulse and self._pulses_in is not None and is_free:
            return self._pulses_in
        weather, random = self.schedule.weather, Random(f"{self.schedule.seed} {label} process")
        most = weather.clock_seconds
        process = Process(
            skew_seconds=round(random.uniform(-most, most), 1),
            has_key=random.random() >= weather.keyless,
        )
        if is_pulse:
            self._pulses_in = process
        return process

    def _ended(self, run: Run, attempt: int, again: Callable[[], None]) -> None:
        self.over.append(run)
        error = run.error
        if error is None:
            self.account.say("ends", run, is_quiet=True)
            return
        self.account.say(f"ends with {type(error).__name__}: {error}", run)
        for one in (error, *run.memory.get("errors", ())):
            if not isinstance(one, SimulatedCrash | PartlyFailedError):
                rules.check_error(self, run, one)
        self.stir("")
        if attempt <= len(_TRIES_AFTER):
            self.turns.at(self.turns.now + _TRIES_AFTER[attempt - 1], again)

    def _guard(self, run: Run, policy: Policy) -> Triage:
        gathering = EvidenceCollector(
            functions=self.account.functions,
            metrics=self.account.simulated,
            account_concurrency=self.account.concurrency,
            side_by_side=run_one_by_one,
            loops=self.loops,
        )
        holding = HoldObserver(gathering=gathering, facts=self.account.hold_facts)
        enforcer = Enforcer(
            world=self._world(run),
            policy=policy,
            holding=holding,
            diagnosis=self.account.examined,
        )
        return Triage(
            enforcer=enforcer, gathering=gathering, log=Journal(run), sleep=self.turns.pause
        )

    def _world(self, run: Run) -> Context:
        return Context(
            functions=self.account.functions,
            ledger=self.account.ledger,
            publisher=self.account.publisher,
            way_back=self.account.way_back,
            deployment=PLACE,
            clock=lambda: self._clock_of(run),
            loops=self.loops,
            events=self._events(run),
        )

    def _events(self, run: Run) -> EventDelivery:
        """What waits for the end of a run; a dead run leaves it behind."""
        return EventDelivery(
            to=(self.account.bus, self.account.chat),
            deployment=PLACE,
            clock=lambda: self._clock_of(run),
            log=Journal(run),
        )

    def _flush(self, run: Run, world: Context) -> None:
        world.events.flush(lambda: run.deadline - self.turns.now)

    def _policy(self, *, observes: bool, exempt: Iterable[str]) -> Policy:
        return Policy(
            mode=Mode.OBSERVE if observes else Mode.ENFORCE,
            response=Response(self.schedule.response),
            blast_radius=self.schedule.blast_radius,
            exempt=frozenset(exempt),
            own_functions=OWN,
        )

    def _clock(self) -> datetime:
        return NOON + timedelta(seconds=self.turns.now)

    def _clock_of(self, run: Run) -> datetime:
        """The time of day by the clock of a run's process."""
        skew = 0.0 if self._misfortune.is_over else run.process.skew_seconds
        return self._clock() + timedelta(seconds=skew)

    def _number(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]

    # What people do

    def _happen(self, event: Event) -> None:
        self.say(str(event))
        match event:
            case Wakes(kind=kind, function=function, twice=twice):
                self.wake(kind, function)
                if twice is not None:
                    self.turns.at(self.turns.now + twice, lambda: self.wake(kind, function))
            case Asks(functions=functions):
                self.ask(functions)
            case AsksOtherwise() | Orders():
                self._happen_perhaps_twice(event)
            case Ends(function=function, late=late):
                self._let_end(function, late)
            case Deploys(observes=observes, exempt=exempt):
                self.policy = self._policy(observes=observes, exempt=exempt)
                self.policies.append((self.turns.now, self.policy))
                self.stir("")
            case _ if event.function in self.account.by_name:
                self.stir(event.function)
                self._people.change(event)
            case _:
                return

    def _happen_perhaps_twice(self, event: AsksOtherwise | Orders) -> None:
        """A person sends a request, and perhaps the same one once more."""
        if isinstance(event, Orders):
            order = self._number("request to stop")
            send = partial(self.order, event.function, order)
        else:
            send = partial(self.ask_otherwise, event, self._number("careful request"))
        send()
        if event.again is not None:
            self.turns.at(self.turns.now + event.again, send)

    def _let_end(self, function: str, late: float | None) -> None:
        """The schedule of a function's incident fires, perhaps twice."""
        stored = self.account.ledger.stored(function)
        if stored is None:
            return
        self.end_hold(stored.id, function)
        if late is not None:
            self.turns.at(self.turns.now + late, lambda: self.end_hold(stored.id, function))

    # The end

    def _calm_down(self) -> None:
        self._misfortune.is_over = True
        self.account.stale.tags_seconds = 0.0
        for name in self.account.simulated.minutes:
            self.account.ask_for(name, Demand.QUIET)
        self.say("from now on nothing goes wrong, and nothing runs away")


def play(schedule: Schedule, *, tells: bool = False) -> Told:
    """Play a schedule."""
    return Play(schedule, tells=tells).run()
