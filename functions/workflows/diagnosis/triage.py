"""What the diagnosis does with each event: remember it, or scan the account as far as due.

Events are cheap: a change is only remembered, and the next tick examines all that was changed with
one reading of the account. A tick that runs out of time leaves a note where the next one goes on.
First errors and first failed invocations are asked for with each tick, because an alarm for each
function would cost more than all else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from functions.domain.account.inventory import Area
from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.collection.failure_metrics import group_of
from functions.domain.diagnosis.collection.first_signs import Signs
from functions.domain.diagnosis.evaluated import ExaminedFunction
from functions.domain.diagnosis.facts import CallerKind, FunctionUnderDiagnosis, InvokerKind
from functions.domain.diagnosis.ports import Memory, RemediationContext
from functions.domain.diagnosis.remedy import parse_role_name
from functions.domain.diagnosis.triage import (
    ROLE,
    RULE,
    SCHEDULE_GROUP,
    DeniedInvocation,
    DiagnosisSignal,
    Progress,
    Tick,
    Touched,
)
from functions.domain.errors import FunctionNotFoundError, LoopbreakerError
from functions.workflows.diagnosis.collect_facts import FactCollector
from functions.workflows.diagnosis.run import DiagnosisRun, followed, reconcile, run_diagnosis
from functions.workflows.event_log import EventLog

# Functions of one round: as many as CloudWatch answers at once, and few enough to end in time.
BATCH: Final = 350
# Time that is left for a batch: below it the next tick goes on.
BATCH_SECONDS: Final = 90.0
_BY_RULE: Final = InvokerKind.RULE
_BY_SCHEDULE: Final = CallerKind.SCHEDULE


class UnreadAccountError(LoopbreakerError):
    """When there was not enough time to read the account."""


class UnknownFunctionError(LoopbreakerError):
    """When a function that a person named does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisTriage:
    """Examines functions, on events, on the schedule, or because a person asks.

    Attributes
    ----------
    read_account
        Reads the account at a moment; ``None`` when the time is up before it is read. What is
        marked it reads afresh: functions, and behind their prefixes roles, rules and groups of
        schedules. Everything else may be as it was some time ago.
    find_signs
        Who begins to fail at a moment; raises `LoopbreakerError`.
    seconds_left
        How long this run may still go on.
    every
        Time between two rounds over all functions.
    """

    read_account: Callable[[datetime, Sequence[str]], FactCollector | None]
    find_signs: Callable[[datetime], Signs]
    context: RemediationContext
    memory: Memory
    policy: RemedyPolicy
    log: EventLog
    seconds_left: Callable[[], float]
    exists: Callable[[str], object]
    every: timedelta = timedelta(days=1)

    def handle(self, signal: DiagnosisSignal, now: datetime) -> None:
        """Deal with one event. Whatever is unavailable is raised: Lambda tries again."""
        match signal:
            case Touched(names=names):
                self.memory.touch(names, now)
            case DeniedInvocation(function=function, call=call):
                self.memory.remember_denial(function, call, now)
                self.memory.touch((function,), now)
            case Tick():
                self.tick(now)
            case _:
                assert_never(signal)

    def handle_all(self, signals: Iterable[DiagnosisSignal], now: datetime) -> None:
        """Deal with many events at once: what several of them say is written once.

        A caller that is denied to invoke a function over and over is kept with the latest time.
        """
        denied: dict[tuple[str, str], DeniedInvocation] = {}
        for signal in sorted(signals, key=lambda one: one.at):
            if isinstance(signal, DeniedInvocation):
                denied[signal.function, signal.call.principal_arn] = signal
            else:
                self.handle(signal, now)
        for one in denied.values():
            self.memory.remember_denial(one.function, one.call, now)
        self.memory.touch(sorted({one.function for one in denied.values()}), now)

    def tick(self, now: datetime) -> None:
        """Finish what was begun, look at what was changed, and go over all functions when due."""
        reconcile(self.context, now)
        self._notice_signs(now)
        marks = self.memory.read_touched()
        progress = self._find_due(self.memory.read_progress(), now)
        if not marks and progress is None:
            self.log.info("nothing to examine")
            return
        # A finding is closed, and a remedy judged, by nothing that is older than this look.
        known = {one.function for one in self.memory.read_findings().open}
        fresh = {*marks, *known}
        collector = self._read_account(now, sorted(fresh))
        if marks:
            names = tuple(sorted(_find_concerned(marks, collector)))
            self._examine_all(names, collector, now)
            self.memory.forget_touched(marks)
        if progress is not None:
            self._go_on(progress, collector, now)

    def examine_one(self, function: str, now: datetime) -> DiagnosisRun:
        """Examine one function because a person asks; nothing of it is invoked.

        Raises
        ------
        UnknownFunctionError
            When it does not exist.
        LoopbreakerError
            When something that is needed cannot be read.
        """
        try:
            self.exists(function)
        except FunctionNotFoundError as error:
            raise UnknownFunctionError(
                f"there is no function {function} in this account and Region"
            ) from error
        collector = self._read_account(now, (function,))
        return self._run(tuple(collector.facts((function,), now)), now)

    def _notice_signs(self, now: datetime) -> None:
        """Remember who begins to fail. Not to know keeps nothing else from being done."""
        try:
            signs = self.find_signs(now)
        except LoopbreakerError as error:
            self.log.info("first errors are not known", why=str(error))
            return
        own = self.policy.own_functions
        names = (
            *(one for one in signs.functions if one not in own),
            *(f"{RULE}{one}" for one in signs.rules),
            *(f"{SCHEDULE_GROUP}{one}" for one in signs.groups),
        )
        if names:
            self.log.info("first signs of trouble", of=names)
            self.memory.touch(names, now)

    def _read_account(self, now: datetime, fresh: Sequence[str]) -> FactCollector:
        collector = self.read_account(now, fresh)
        if collector is None:
            raise UnreadAccountError("the account could not be read in the time of one run")
        gaps = sorted({f"{gap.area}: {gap.words}" for gap in collector.account.gaps})
        if gaps:
            self.log.info("some of the account could not be read", gaps=gaps[:20])
        return collector

    def _find_due(self, progress: Progress | None, now: datetime) -> Progress | None:
        """The round to go on with, or to begin; ``None`` while none is due."""
        if progress is not None and progress.finished_at is None:
            return progress
        if progress is not None and now - progress.began_at < self.every:
            return None
        return Progress(began_at=now)

    def _go_on(self, progress: Progress, collector: FactCollector, now: datetime) -> None:
        remaining = [one for one in collector.names() if one > progress.after]
        for batch in _split_batches(remaining):
            if self.seconds_left() < BATCH_SECONDS:
                self.log.info("time is up", after=progress.after, left=len(remaining))
                return
            self._examine_all(batch, collector, now)
            progress = replace(progress, after=batch[-1])
            self.memory.save_progress(progress)
        self._run((), now, gone=self._list_gone(collector))
        self.memory.save_progress(replace(progress, finished_at=now))
        self.log.info("round finished", functions=len(collector.names()))

    def _list_gone(self, collector: FactCollector) -> tuple[str, ...]:
        """Functions with a finding or a remedy that are no more.

        None of them where not all functions could be listed.
        """
        if not collector.account.sees(Area.FUNCTIONS):
            return ()
        known = frozenset(collector.names())
        missing = sorted(followed(self.context) - known)
        return tuple(one for one in missing if self._is_gone(one))

    def _is_gone(self, function: str) -> bool:
        """Whether a function does not exist now: the list may be from some time ago."""
        try:
            self.exists(function)
        except FunctionNotFoundError:
            return True
        except LoopbreakerError:
            return False  # the next round asks again
        return False

    def _examine_all(self, names: Sequence[str], collector: FactCollector, now: datetime) -> None:
        """Examine functions, but for those that are held: what they do now says nothing of them."""
        held = collector.guard.contained
        for batch in _split_batches([one for one in names if one not in held]):
            done = self._examine_safely(batch, collector, now)
            self.log.info(
                "examined",
                functions=len(done.evaluated),
                findings=sum(len(one.examination.findings) for one in done.evaluated),
                changes=[
                    f"{one.kind} {one.record.function} {one.record.entry}" for one in done.changes
                ],
                gaps=_describe_gaps(done.evaluated),
            )

    def _examine_safely(
        self, batch: Sequence[str], collector: FactCollector, now: datetime
    ) -> DiagnosisRun:
        """A round of some functions, of which one that nobody expected stops no other.

        Raises
        ------
        LoopbreakerError
            When what all of them need cannot be had.
        """
        try:
            return self._run(tuple(collector.facts(batch, now)), now)
        except LoopbreakerError:
            raise
        except Exception:
            if len(batch) == 1:
                self.log.exception("a function could not be examined", function=batch[0])
                return DiagnosisRun(evaluated=(), changes=())
        rounds = [self._examine_safely((one,), collector, now) for one in batch]
        return DiagnosisRun(
            evaluated=tuple(
                examined_function for one in rounds for examined_function in one.evaluated
            ),
            changes=tuple(change for one in rounds for change in one.changes),
        )

    def _run(
        self, examined: Sequence[FunctionUnderDiagnosis], now: datetime, gone: Sequence[str] = ()
    ) -> DiagnosisRun:
        return run_diagnosis(examined, self.context, self.policy, now, gone)


def _find_concerned(marks: Iterable[str], collector: FactCollector) -> Iterator[str]:
    """The functions that are marked, and those whose role is, or what invokes them."""
    marked = frozenset(marks)
    around = collector.surroundings
    for function in collector.account.functions:
        name = function.name
        callers = around.callers.get(name, ())
        roles = (function.role_arn, *(one.role_arn for one in callers))
        groups = (group_of(one.arn) for one in callers if one.kind is _BY_SCHEDULE)
        rules = (one.source_arn for one in around.triggers.get(name, ()) if one.kind is _BY_RULE)
        concerned = {
            name,
            *(f"{ROLE}{parse_role_name(one)}" for one in roles),
            *(f"{RULE}{_parse_rule_name(one)}" for one in rules),
            *(f"{SCHEDULE_GROUP}{one}" for one in groups),
        }
        if not marked.isdisjoint(concerned):
            yield name


def _parse_rule_name(arn: str) -> str:
    """The name of a rule, in ``...:rule/<name>`` or ``...:rule/<bus>/<name>``."""
    return arn.rpartition("/")[2]


def _describe_gaps(evaluated: Sequence[ExaminedFunction]) -> list[str]:
    """What could not be read of functions, each once."""
    said = {f"{gap.part}: {gap.words}" for one in evaluated for gap in one.facts.gaps}
    return sorted(said)[:20]


def _split_batches(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(names), BATCH):
        yield tuple(names[first : first + BATCH])
