"""What a signal sets in motion."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from functions.domain.account.names import (
    parse_session_function,
)
from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.errors import (
    LedgerUnavailableError,
    MetricsUnavailableError,
)
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.notices.events.guard import describe_unreadable_record
from functions.domain.notices.incident.unreadable_record import compose_unreadable_record
from functions.domain.notices.notice import with_event
from functions.domain.pulse.account_pulse import (
    WATCHED_FOR,
    Look,
    NeedsPrecedent,
    PulseReason,
    consider,
    consider_with,
    list_watched,
    record_check,
    watch,
)
from functions.domain.pulse.look_budget import assume_unknown_memory
from functions.domain.signal import Signal, SignalKind
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.detection.investigate import Investigation
from functions.workflows.detection.read_loops import LoopReading
from functions.workflows.detection.report import PartlyFailedError, TriageReport
from functions.workflows.detection.survey import Survey, list_tended_functions
from functions.workflows.event_log import EventLog
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.incidents.reconcile import (
    Reconciler,
    in_rotation,
    in_turn,
    urgent_first,
)
from functions.workflows.incidents.tagged_stops import MOST_TAGS, TaggedStops, name_of_tagged

# How much of a run's time open incidents leave: urgent ones for the functions of which nothing is
# known yet, all of them for one incident that takes long (AWS is tried for 13 s at each change).
_FOR_SUSPECTS_SECONDS: Final = 60.0
_AT_THE_END_SECONDS: Final = 30.0
# A hold is judged by whole minutes of CloudWatch, and what is changed late in one is not in force
# in all of the next. A rule may run at any second (EventBridge user guide, *Creating a rule that
# runs on a schedule*).
LATE_SECOND: Final = 30.0
EARLY_SECOND: Final = 1.0
# How often a function is checked that is put on the watch list.
_CHECKS_OF_YOUNG: Final = WATCHED_FOR // timedelta(minutes=1)
_STRAINED = frozenset({PulseReason.CONCURRENCY_RISEN, PulseReason.THROTTLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """Deals with signals.

    What is read is read as of the moment at which the run began; what is written is written with
    the present one, because a run may take longer than a lease.

    Attributes
    ----------
    sleep
        Waits for so many seconds.
    """

    enforcer: Enforcer
    gathering: EvidenceCollector
    log: EventLog
    sleep: Callable[[float], None]

    @property
    def _investigation(self) -> Investigation:
        return Investigation(enforcer=self.enforcer, gathering=self.gathering, log=self.log)

    @property
    def _survey(self) -> Survey:
        return Survey(investigation=self._investigation)

    def handle(
        self, signal: Signal, seconds_left: Callable[[], float] = lambda: math.inf
    ) -> TriageReport:
        """Deal with one signal: one failing function never keeps the others from being helped.

        A signal that comes late is judged by what is the case now.

        Parameters
        ----------
        seconds_left
            How long this run may still take. What it does not reach, the next pulse begins with.

        Raises
        ------
        PartlyFailedError
            When something failed, after everything else was done.
        """
        report = TriageReport(log=self.log, seconds_left=seconds_left)
        now = self.enforcer.world.present(signal.at)
        self._answer(signal, now, report)
        with suppress(LedgerUnavailableError):
            # Now, while it can be read: a stop without the ledger seals its snapshot by it.
            self.enforcer.world.ledger.read_tag_key()
        watched_on = (*report.young, *report.acquitted)
        if watched_on:
            report.attempt("watch list", lambda: self._keep_watching(watched_on, now))
        if report.errors:
            words = "; ".join(f"{type(one).__name__}: {one}" for one in report.errors)
            raise PartlyFailedError(words) from report.errors[0]
        return report

    def _answer(self, signal: Signal, now: datetime, report: TriageReport) -> None:
        match signal.kind:
            case SignalKind.PULSE:
                self._run_pulse(now, report)
            case SignalKind.SWEEP:
                live = self._read_live(now, report)
                self._tend(urgent_first(live, now), now, report, live, _FOR_SUSPECTS_SECONDS)
                report.attempt("sweep", lambda: self._survey.sweep(now, report, live))
                self._tend(in_turn(live, now), now, report, live, _AT_THE_END_SECONDS)
            case SignalKind.ALARM:
                self._survey.survey(now, report, None, is_search=True, is_strained=True)
            case SignalKind.DROPS:
                dropped = self.gathering.metrics.dropped(now)
                self._investigation.investigate(tuple(dropped), now, report, None)
            case SignalKind.CONTRIBUTOR | SignalKind.HEALTH:
                for name in signal.functions:
                    report.attempt(name, partial(self._investigation.look_at, name, now, report))
            case SignalKind.CHANGE:
                self._change(signal, now, report)
            case SignalKind.CLEARED:
                self.log.info("alarm cleared; nothing is restored on that account")

    def _run_pulse(self, now: datetime, report: TriageReport) -> None:
        live = self._read_live(now, report)
        later = self._list_to_judge_later(live, now)
        urgent = [one for one in urgent_first(live, now) if one.function not in later]
        self._tend(urgent, now, report, live, _FOR_SUSPECTS_SECONDS)
        loops = self._plan_loops(report)
        report.attempt("watched", lambda: self._watch(now, report, live))
        report.attempt("pulse", lambda: self._consider(now, report, live, loops))
        report.attempt("loops", lambda: self._read_loops(now, report, live, loops))
        self._tend(in_turn(live, now), now, report, live, _AT_THE_END_SECONDS)
        if later:
            self._judge_in_next_minute(later, now, report)

    def _list_to_judge_later(self, live: LiveLedger | None, now: datetime) -> frozenset[str]:
        """The functions whose hold is judged once the next minute has begun."""
        if live is None or not _is_late(now):
            return frozenset()
        return frozenset(one.function for one in live.incidents if one.is_being_judged)

    def _judge_in_next_minute(
        self, functions: frozenset[str], now: datetime, report: TriageReport
    ) -> None:
        """Wait for the next minute, and judge the holds of these functions early in it.

        Everything else is done by then. Where there is no time to wait, they are judged at once.
        """
        present = self.enforcer.world.present(now)
        passed = present.timestamp() % MINUTE_SECONDS
        pause = MINUTE_SECONDS - passed + EARLY_SECOND
        if _is_late(present) and report.seconds_left() - pause > _FOR_SUSPECTS_SECONDS:
            self.log.info("waiting for the next minute", seconds=round(pause), held=functions)
            self.sleep(pause)
            present = max(self.enforcer.world.present(now), present + timedelta(seconds=pause))
        live = self._read_live(present, report)
        held = [one for one in urgent_first(live, present) if one.function in functions]
        self._tend(held, present, report, live, _AT_THE_END_SECONDS)

    def _watch(self, now: datetime, report: TriageReport, live: LiveLedger | None) -> None:
        """Look again at functions whose spike was too young to judge when it was seen."""
        tended = list_tended_functions(live, now)
        names = list_watched(live.pulse, now) if live is not None else ()
        again = replace(report, young=[])  # not young a second time
        self._investigation.investigate(
            [name for name in names if name not in tended], now, again, live
        )

    def _keep_watching(self, names: Sequence[str], now: datetime) -> None:
        ledger = self.enforcer.world.ledger
        memory = ledger.read_live().pulse
        ledger.remember_pulse(watch(memory, names, now))
        self.log.info("watching", functions=names)

    def _plan_loops(self, report: TriageReport) -> LoopReading:
        planned: list[LoopReading] = []
        plan = partial(LoopReading.plan, self.gathering, self.enforcer.policy)
        report.attempt("loops", lambda: planned.append(plan()))
        return planned[0] if planned else LoopReading.of_nobody(self.gathering)

    def _read_loops(
        self, now: datetime, report: TriageReport, live: LiveLedger | None, loops: LoopReading
    ) -> None:
        """Look at the functions on loops that stand out, of those whose turn it is.

        Who has an open incident, or was looked at by this very run, is left out. Where little time
        is left, their turn comes again.
        """
        if report.seconds_left() < _FOR_SUSPECTS_SECONDS:
            return
        done = _list_seen(report, live, now)
        due = [name for name in loops.watch.list_due(now) if name not in done]
        former = {name: self._read_former_loops(name, now, report, live) for name in due}
        names = loops.find(former, self.enforcer.policy.floor_per_minute, now)
        if not names:
            return
        budget, ledger = loops.budget, self.enforcer.world.ledger
        memory = ledger.read_live().pulse if live is not None else assume_unknown_memory(now)
        checked = names[: budget.count_checks_left(memory, now)]
        self.log.info("loops stand out", functions=names, checked=len(checked))

        def pay(checks: int) -> None:
            paid = budget.take_checks(memory, now, checks)
            if live is not None:  # as of a look: before, and whatever becomes of it
                report.attempt("pulse budget", lambda: ledger.remember_pulse(paid))

        pay(len(checked))
        before = {*report.young, *report.acquitted}
        self._investigation.investigate(checked, now, report, live)
        followed = len({*report.young, *report.acquitted} - before)
        if followed:  # each is checked in each of the next minutes
            pay(len(checked) + followed * _CHECKS_OF_YOUNG)

    def _read_former_loops(
        self, function: str, now: datetime, report: TriageReport, live: LiveLedger | None
    ) -> tuple[tuple[datetime, datetime], ...]:
        """The periods of former loops of a function, and of its loop that was cut."""
        troubles = () if live is None else live.troubles(function)
        return (*troubles, *self._investigation.find_cuts(function, now, report, live))

    def _consider(
        self, now: datetime, report: TriageReport, live: LiveLedger | None, loops: LoopReading
    ) -> None:
        memory = live.pulse if live is not None else assume_unknown_memory(now)
        budget = loops.budget
        metrics, policy = self.gathering.metrics, self.enforcer.policy
        consideration = consider(metrics.account(now), memory, policy, now, budget)
        if isinstance(consideration, NeedsPrecedent):
            try:
                precedent = metrics.account_precedent(now)
            except MetricsUnavailableError:
                precedent = None
            consideration = consider_with(consideration, precedent, now)
        self.log.info(
            "pulse",
            outcome=type(consideration).__name__,
            reason=consideration.reason,
            level_per_minute=consideration.level_per_minute,
            expected_per_minute=consideration.expected_per_minute,
            looks_left=round(budget.compute_left(memory, now), 1),
            read_by_name=loops.watch.functions,
            too_many_to_read=loops.watch.left_out,
        )
        if not isinstance(consideration, Look):
            return
        ledger = self.enforcer.world.ledger
        paid = budget.take(memory, now)
        if live is not None:
            # Before the look, which may fail and be tried again: that is paid for as well.
            report.attempt("pulse budget", lambda: ledger.remember_pulse(paid))
        before = len(report.decisions)
        is_strained = consideration.reason in _STRAINED
        self._survey.survey(now, report, live, is_search=True, is_strained=is_strained)
        found = report.has_found_since(before)
        level = consideration.level_per_minute
        remembered = record_check(paid, found=found, level_per_minute=level, now=now)
        if live is not None:
            ledger.remember_pulse(remembered)

    def _read_live(self, now: datetime, report: TriageReport) -> LiveLedger | None:
        """All that is open, with what the tags say; ``None`` when the ledger cannot be read."""
        live: list[LiveLedger] = []
        ledger = self.enforcer.world.ledger
        report.attempt("ledger", lambda: live.append(ledger.read_live()))
        if not live:
            return None
        for name in live[0].unreadable:
            report.attempt(name, partial(self._report_unreadable, name, now))
        report.attempt("tagged snapshots", lambda: self._adopt(now, report, live[0]))
        return live[0]

    def _report_unreadable(self, function: str, now: datetime) -> None:
        """Notify people once that nobody can look after a function that may be held."""
        world, matter = self.enforcer.world, f"record {function}"
        if world.ledger.read_attempts(matter).count:
            return
        said = compose_unreadable_record(function, world.describe_place())
        event = describe_unreadable_record(function, now)
        world.publish_unrecorded(with_event(said, event), matter)
        world.ledger.count_attempt(matter, now)

    def _tend(
        self,
        incidents: Sequence[Incident],
        now: datetime,
        report: TriageReport,
        live: LiveLedger | None,
        least_seconds: float,
    ) -> None:
        """Look after open incidents, one after the other, while more than so much time is left."""
        if live is None:
            return
        tending = self._build_reconciler(live, report)
        for number, incident in enumerate(incidents):
            if report.seconds_left() < least_seconds:
                self.log.info("left to the next pulse", incidents=len(incidents) - number)
                return
            if incident.function in report.in_tag:
                # What only the tag knows would be lost: nothing is done before it is taken over.
                self.log.info("left until its tag is taken over", function=incident.function)
                continue
            present = self.enforcer.world.present(now)
            report.attempt(incident.id, partial(tending.tend, incident, present))

    def _build_reconciler(self, live: LiveLedger, report: TriageReport) -> Reconciler:
        return Reconciler(
            enforcer=self.enforcer,
            gathering=self.gathering,
            log=self.log,
            live=live,
            again=report.young,
        )

    def _adopt(self, now: datetime, report: TriageReport, live: LiveLedger) -> None:
        tags = self._build_tagged_stops(live)
        arns = in_rotation(sorted(tags.found()), now)
        report.in_tag.update(map(name_of_tagged, arns))
        for arn in arns[:MOST_TAGS]:
            report.attempt(arn, partial(self._take_over, arn, tags, now, report))

    def _build_tagged_stops(self, live: LiveLedger) -> TaggedStops:
        return TaggedStops(
            enforcer=self.enforcer, gathering=self.gathering, log=self.log, live=live
        )

    def _take_over(self, arn: str, tags: TaggedStops, now: datetime, report: TriageReport) -> None:
        tags.take_over(arn, self.enforcer.world.present(now))
        report.in_tag.discard(name_of_tagged(arn))

    def _change(self, signal: Signal, now: datetime, report: TriageReport) -> None:
        """Look after what somebody changed.

        A change of the guard's own is no signal. What it did is known, and what it takes back
        after a refusal would lead to the next attempt. Who passes for a guard function by the name
        of a session is found by the next pulse.
        """
        if parse_session_function(signal.actor) in self.enforcer.policy.own_functions:
            self.log.info("a change of our own", source=signal.source, functions=signal.functions)
            return
        ledger, live = self.enforcer.world.ledger, None
        for name in signal.functions:
            incident = ledger.find(name)
            if incident is None:
                continue
            if live is None:  # what was before a restore is none of the function's doing now
                live = ledger.read_live()
            report.attempt(
                incident.id, partial(self._tend_changed, name, signal, now, report, live)
            )

    def _tend_changed(
        self, name: str, signal: Signal, now: datetime, report: TriageReport, live: LiveLedger
    ) -> None:
        """Look after one incident, once what the function's tag knows is in it."""
        self._build_tagged_stops(live).take_over(name, self.enforcer.world.present(now))
        incident = self.enforcer.world.ledger.find(name)
        if incident is not None:
            present = self.enforcer.world.present(now)
            self._build_reconciler(live, report).tend(incident, present, signal.actor)


def _is_late(moment: datetime) -> bool:
    return moment.timestamp() % MINUTE_SECONDS > LATE_SECOND


def _list_seen(report: TriageReport, live: LiveLedger | None, now: datetime) -> frozenset[str]:
    """Functions with an open incident, and those that this run has looked at already."""
    decided = (one.assessment.function for one in report.decisions)
    seen = frozenset((*decided, *report.young, *report.acquitted))
    if live is None:
        return seen
    is_open = (one.function for one in live.incidents if not one.is_closed)
    return seen | frozenset((*is_open, *list_watched(live.pulse, now)))
