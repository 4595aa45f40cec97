"""What a signal sets in motion."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from functions.domain.account.names import (
    InvalidFunctionReferenceError,
    metric_name,
    session_function,
)
from functions.domain.deployment.guard_cost import SWEPT_FUNCTIONS
from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.detection.danger import may_be_in_danger
from functions.domain.detection.evidence import Evidence, Series
from functions.domain.detection.spike import assess
from functions.domain.detection.traffic import holds_the_account, is_candidate
from functions.domain.errors import (
    LedgerUnavailableError,
    LoopbreakerError,
    MetricsUnavailableError,
)
from functions.domain.incidents.decision import (
    Contain,
    Decision,
    DecisionReason,
    Ignore,
    LedgerView,
    decide,
)
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import Policy, Response
from functions.domain.incidents.ports import LatelyClosed
from functions.domain.notices.unreadable_record import unreadable_record
from functions.domain.ports import SurveyPart
from functions.domain.pulse.account_pulse import (
    WATCHED_FOR,
    Look,
    NeedsPrecedent,
    PulseReason,
    after_look,
    consider,
    consider_with,
    is_young,
    watch,
    watched,
)
from functions.domain.pulse.look_budget import unknown_memory
from functions.domain.signal import Signal, SignalKind
from functions.workflows.detection.collect_evidence import CHANGES_LATE, Gathering
from functions.workflows.detection.read_loops import LoopReading
from functions.workflows.event_log import EventLog, fields_of
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.incidents.reconcile import (
    Tending,
    in_rotation,
    in_turn,
    is_due,
    urgent_first,
)
from functions.workflows.incidents.tagged_stops import MOST_TAGS, Tags, name_of_tagged

# Reasons that call on the past: only with these can a former loop have passed for a precedent.
_HISTORICAL = (
    Reason.HAS_PRECEDENT,
    Reason.WITHIN_RECENT,
    Reason.FOLLOWS_CLOCK,
    Reason.UNLIKE_LOOP,  # the steps of a shape are told from what was there before
)
# How much of a run's time open incidents leave: urgent ones for the functions of which nothing is
# known yet, all of them for one incident that takes long (AWS is tried for 13 s at each change).
_FOR_SUSPECTS_SECONDS: Final = 60.0
_AT_THE_END_SECONDS: Final = 30.0
# Until the chart has worked a change in, of which it has heard.
_CHARTED_WITHIN: Final = timedelta(minutes=5)
# Why a suspected function is left alone for now.
_LOOKED_AT_AGAIN = frozenset({DecisionReason.NOT_YET_COUNTED, DecisionReason.LOOP_IS_HELD})
# How often a function is checked that is put on the watch list.
_CHECKS_OF_YOUNG: Final = WATCHED_FOR // timedelta(minutes=1)
_STRAINED = frozenset({PulseReason.CONCURRENCY_RISEN, PulseReason.THROTTLED})


class PartlyFailedError(LoopbreakerError):
    """When a signal could not be dealt with in full: Lambda's retry goes on with the rest."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What one signal led to.

    Attributes
    ----------
    young
        Functions of which it is too early to tell.
    acquitted
        Functions that others feed, as far as the event graph knows by now: looked at again until
        it has heard of what was changed before their spike.
    in_tag
        Functions whose tag is not taken over into the ledger yet.
    seconds_left
        Answers how long the run may still take.
    """

    decisions: list[Decision] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    young: list[str] = field(default_factory=list)
    acquitted: list[str] = field(default_factory=list)
    in_tag: set[str] = field(default_factory=set)
    seconds_left: Callable[[], float] = lambda: math.inf

    @property
    def found(self) -> bool:
        """Whether anything was contained, capped or told."""
        return any(not isinstance(one, Ignore) for one in self.decisions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Deals with signals.

    What is read is read as of the moment at which the run began; what is written is written with
    the present one, because a run may take longer than a lease.
    """

    enforcer: Enforcer
    gathering: Gathering
    log: EventLog

    def handle(
        self, signal: Signal, seconds_left: Callable[[], float] = lambda: math.inf
    ) -> Report:
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
        report = Report(seconds_left=seconds_left)
        now = self.enforcer.world.present(signal.at)
        self._answer(signal, now, report)
        with suppress(LedgerUnavailableError):
            # Now, while it can be read: a stop without the ledger seals its snapshot by it.
            self.enforcer.world.ledger.tag_key()
        watched_on = (*report.young, *report.acquitted)
        if watched_on:
            self._attempt(report, "watch list", lambda: self._keep_watching(watched_on, now))
        if report.errors:
            words = "; ".join(f"{type(one).__name__}: {one}" for one in report.errors)
            raise PartlyFailedError(words) from report.errors[0]
        return report

    def _answer(self, signal: Signal, now: datetime, report: Report) -> None:
        match signal.kind:
            case SignalKind.PULSE:
                self._pulse(now, report)
            case SignalKind.SWEEP:
                live = self._live(now, report)
                self._tend(urgent_first(live, now), now, report, live, _FOR_SUSPECTS_SECONDS)
                self._attempt(report, "sweep", lambda: self._sweep(now, report, live))
                self._tend(in_turn(live, now), now, report, live, _AT_THE_END_SECONDS)
            case SignalKind.ALARM:
                self._survey(now, report, None, is_search=True, is_strained=True)
            case SignalKind.DROPS:
                dropped = self.gathering.metrics.dropped(now)
                self._investigate(tuple(dropped), now, report, None)
            case SignalKind.CONTRIBUTOR | SignalKind.HEALTH:
                for name in signal.functions:
                    self._attempt(report, name, partial(self._named, name, now, report))
            case SignalKind.CHANGE:
                self._change(signal, now, report)
            case SignalKind.CLEARED:
                self.log.info("alarm cleared; nothing is restored on that account")

    def _attempt(self, report: Report, what: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # the run fails with it, after all the others had their turn
            self.log.exception("failed", about=what)
            report.errors.append(error)

    def _pulse(self, now: datetime, report: Report) -> None:
        live = self._live(now, report)
        self._tend(urgent_first(live, now), now, report, live, _FOR_SUSPECTS_SECONDS)
        loops = self._plan_loops(report)
        self._attempt(report, "watched", lambda: self._watch(now, report, live))
        self._attempt(report, "pulse", lambda: self._consider(now, report, live, loops))
        self._attempt(report, "loops", lambda: self._read_loops(now, report, live, loops))
        self._tend(in_turn(live, now), now, report, live, _AT_THE_END_SECONDS)

    def _sweep(self, now: datetime, report: Report, live: LiveLedger | None) -> None:
        if not self._sweep_part(now, report, live):
            self._survey(now, report, live)

    def _watch(self, now: datetime, report: Report, live: LiveLedger | None) -> None:
        """Look again at functions whose spike was too young to tell when it was seen."""
        tended = _tended(live, now)
        names = watched(live.pulse, now) if live is not None else ()
        again = replace(report, young=[])  # not young a second time
        self._investigate([name for name in names if name not in tended], now, again, live)

    def _keep_watching(self, names: Sequence[str], now: datetime) -> None:
        ledger = self.enforcer.world.ledger
        memory = ledger.live().pulse
        ledger.remember_pulse(watch(memory, names, now))
        self.log.info("watching", functions=names)

    def _plan_loops(self, report: Report) -> LoopReading:
        planned: list[LoopReading] = []
        plan = partial(LoopReading.plan, self.gathering, self.enforcer.policy)
        self._attempt(report, "loops", lambda: planned.append(plan()))
        return planned[0] if planned else LoopReading.of_nobody(self.gathering)

    def _read_loops(
        self, now: datetime, report: Report, live: LiveLedger | None, loops: LoopReading
    ) -> None:
        """Look at the functions on loops that stand out, of those whose turn it is.

        Who has an open incident, or was looked at by this very run, is left out. Where little time
        is left, their turn comes again.
        """
        if report.seconds_left() < _FOR_SUSPECTS_SECONDS:
            return
        done = _seen_in(report, live, now)
        due = [name for name in loops.watch.due(now) if name not in done]
        former = {name: self._former(name, now, report, live) for name in due}
        names = loops.find(former, self.enforcer.policy.floor_per_minute, now)
        if not names:
            return
        budget, ledger = loops.budget, self.enforcer.world.ledger
        memory = ledger.live().pulse if live is not None else unknown_memory(now)
        checked = names[: budget.checks_left(memory, now)]
        self.log.info("loops stand out", functions=names, checked=len(checked))

        def pay(checks: int) -> None:
            paid = budget.take_checks(memory, now, checks)
            if live is not None:  # as of a look: before, and whatever becomes of it
                self._attempt(report, "pulse budget", lambda: ledger.remember_pulse(paid))

        pay(len(checked))
        before = {*report.young, *report.acquitted}
        self._investigate(checked, now, report, live)
        followed = len({*report.young, *report.acquitted} - before)
        if followed:  # each is checked in each of the next minutes
            pay(len(checked) + followed * _CHECKS_OF_YOUNG)

    def _former(
        self, function: str, now: datetime, report: Report, live: LiveLedger | None
    ) -> tuple[tuple[datetime, datetime], ...]:
        """The periods of former loops of a function, and of its loop that was cut."""
        troubles = () if live is None else live.troubles(function)
        return (*troubles, *self._cuts(function, now, report, live))

    def _consider(
        self, now: datetime, report: Report, live: LiveLedger | None, loops: LoopReading
    ) -> None:
        memory = live.pulse if live is not None else unknown_memory(now)
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
            looks_left=round(budget.left(memory, now), 1),
            read_by_name=loops.watch.functions,
            too_many_to_read=loops.watch.left_out,
        )
        if not isinstance(consideration, Look):
            return
        ledger = self.enforcer.world.ledger
        paid = budget.take(memory, now)
        if live is not None:
            # Before the look, which may fail and be tried again: that is paid for as well.
            self._attempt(report, "pulse budget", lambda: ledger.remember_pulse(paid))
        before = len(report.decisions)
        is_strained = consideration.reason in _STRAINED
        self._survey(now, report, live, is_search=True, is_strained=is_strained)
        found = _has_found(report, before)
        level = consideration.level_per_minute
        remembered = after_look(paid, found=found, level_per_minute=level, now=now)
        if live is not None:
            ledger.remember_pulse(remembered)

    def _live(self, now: datetime, report: Report) -> LiveLedger | None:
        """All that is open, with what the tags tell; ``None`` when the ledger cannot be read."""
        live: list[LiveLedger] = []
        ledger = self.enforcer.world.ledger
        self._attempt(report, "ledger", lambda: live.append(ledger.live()))
        if not live:
            return None
        for name in live[0].unreadable:
            self._attempt(report, name, partial(self._tell_of_record, name, now))
        self._attempt(report, "tagged snapshots", lambda: self._adopt(now, report, live[0]))
        return live[0]

    def _tell_of_record(self, function: str, now: datetime) -> None:
        """Tell people once that nobody can look after a function that may be held."""
        world, matter = self.enforcer.world, f"record {function}"
        if world.ledger.attempts(matter).count:
            return
        world.publisher.publish(*unreadable_record(function, world.place))
        world.ledger.count_attempt(matter, now)

    def _tend(
        self,
        incidents: Sequence[Incident],
        now: datetime,
        report: Report,
        live: LiveLedger | None,
        least_seconds: float,
    ) -> None:
        """Look after open incidents, one after the other, while more than so much time is left."""
        if live is None:
            return
        tending = self._tending(live, report)
        for number, incident in enumerate(incidents):
            if report.seconds_left() < least_seconds:
                self.log.info("left to the next pulse", incidents=len(incidents) - number)
                return
            if incident.function in report.in_tag:
                # What only the tag knows would be lost: nothing is done before it is taken over.
                self.log.info("left until its tag is taken over", function=incident.function)
                continue
            present = self.enforcer.world.present(now)
            self._attempt(report, incident.id, partial(tending.tend, incident, present))

    def _tending(self, live: LiveLedger, report: Report) -> Tending:
        return Tending(
            enforcer=self.enforcer,
            gathering=self.gathering,
            log=self.log,
            live=live,
            again=report.young,
        )

    def _adopt(self, now: datetime, report: Report, live: LiveLedger) -> None:
        tags = self._tags(live)
        arns = in_rotation(sorted(tags.found()), now)
        report.in_tag.update(map(name_of_tagged, arns))
        for arn in arns[:MOST_TAGS]:
            self._attempt(report, arn, partial(self._take_over, arn, tags, now, report))

    def _tags(self, live: LiveLedger) -> Tags:
        return Tags(enforcer=self.enforcer, gathering=self.gathering, log=self.log, live=live)

    def _take_over(self, arn: str, tags: Tags, now: datetime, report: Report) -> None:
        tags.take_over(arn, self.enforcer.world.present(now))
        report.in_tag.discard(name_of_tagged(arn))

    def _change(self, signal: Signal, now: datetime, report: Report) -> None:
        """Look after what somebody changed.

        A change of the guard's own is no signal. What it did is known, and what it takes back
        after a refusal would lead to the next attempt. Who passes for a guard function by the name
        of a session is found by the next pulse.
        """
        if session_function(signal.actor) in self.enforcer.policy.own_functions:
            self.log.info("a change of our own", source=signal.source, functions=signal.functions)
            return
        ledger, live = self.enforcer.world.ledger, None
        for name in signal.functions:
            incident = ledger.find(name)
            if incident is None:
                continue
            if live is None:  # what was before a restore is none of the function's doing now
                live = ledger.live()
            self._attempt(
                report, incident.id, partial(self._tend_changed, name, signal, now, report, live)
            )

    def _tend_changed(
        self, name: str, signal: Signal, now: datetime, report: Report, live: LiveLedger
    ) -> None:
        """Look after one incident, once what the function's tag knows is in it."""
        self._tags(live).take_over(name, self.enforcer.world.present(now))
        incident = self.enforcer.world.ledger.find(name)
        if incident is not None:
            present = self.enforcer.world.present(now)
            self._tending(live, report).tend(incident, present, signal.actor)

    def _survey(
        self,
        now: datetime,
        report: Report,
        live: LiveLedger | None,
        *,
        is_search: bool = False,
        is_strained: bool = False,
    ) -> None:
        """Find the candidates with one query, look at these.

        A search is for what made the account rise: it goes on among the functions that the query
        does not see.

        Where the account is strained and no function is busy, one with long invocations may hold
        its concurrency: a second query finds it.
        """
        before = len(report.decisions)
        busiest = self.gathering.metrics.busiest(now)
        names = self._candidates(busiest, live, now)
        if is_strained and not names:
            limit = self.gathering.account_concurrency
            tended = _tended(live, now)
            names = tuple(
                name
                for name, series in self.gathering.metrics.most_concurrent(now).items()
                if holds_the_account(series, limit) and name not in tended
            )
        self.log.info("survey", functions=len(busiest), candidates=len(names))
        self._investigate(names, now, report, live)
        if is_search and not _has_found(report, before):
            self._search_the_rest(frozenset(names), now, report, live)

    def _search_the_rest(
        self, done: frozenset[str], now: datetime, report: Report, live: LiveLedger | None
    ) -> None:
        """Read all functions, in an account with so many that the query does not see all.

        The account rose and nothing explains it: what rose is among the others. Where the time does
        not suffice for all, the sweep's place says where to begin.
        """
        after = "" if live is None else live.pulse.swept_to
        part = self.gathering.metrics.part(after, None, now)
        if part is None:
            return
        names = [one for one in self._candidates(part.series, live, now) if one not in done]
        self._log_part("search", part, len(names))
        self._investigate(names, now, report, live)

    def _sweep_part(self, now: datetime, report: Report, live: LiveLedger | None) -> bool:
        """Sweep the next part of an account with so many functions that a query does not see all.

        Which part is next is written down before the functions are judged: where these take more
        than the run's time, the sweep goes on with the others all the same.
        """
        after = "" if live is None else live.pulse.swept_to
        part = self.gathering.metrics.part(after, SWEPT_FUNCTIONS, now)
        if part is None:
            return False
        names = self._candidates(part.series, live, now)
        self._log_part("sweep in parts", part, len(names))
        if live is not None:
            memory = replace(live.pulse, swept_to=part.last)
            ledger = self.enforcer.world.ledger
            self._attempt(report, "sweep", lambda: ledger.remember_pulse(memory))
        self._investigate(names, now, report, live)
        return True

    def _log_part(self, message: str, part: SurveyPart, candidates: int) -> None:
        self.log.info(
            message,
            active_functions=part.active,
            functions=part.seen,
            candidates=candidates,
            all_seen_within_sweeps=math.ceil(part.active / SWEPT_FUNCTIONS),
        )

    def _candidates(
        self, series: Mapping[str, Series], live: LiveLedger | None, now: datetime
    ) -> tuple[str, ...]:
        floor, tended = self.enforcer.policy.floor_per_minute, _tended(live, now)
        return tuple(
            name for name, one in series.items() if is_candidate(one, floor) and name not in tended
        )

    def _investigate(
        self, names: Sequence[str], now: datetime, report: Report, live: LiveLedger | None
    ) -> None:
        own = self.enforcer.policy.own_functions
        known = [one for one in self._named_ones(names) if one not in own]
        for evidence in self.gathering.of(known, now):
            self._attempt(
                report,
                evidence.function,
                partial(self._judge, evidence, now, report, live),
            )

    def _named_ones(self, names: Sequence[str]) -> list[str]:
        """Without what no function can be called: one odd series never ends a survey."""
        found = []
        for name in names:
            try:
                found.append(metric_name(name))
            except InvalidFunctionReferenceError:
                self.log.info("names no function", reference=name[:200])
        return found

    def _named(self, name: str, now: datetime, report: Report) -> None:
        if name in self.enforcer.policy.own_functions:
            return
        evidence = self.gathering.of_one(name, now)
        if evidence is None:
            self.log.info("the function does not exist", function=name)
            return
        self._judge(evidence, now, report, None)

    def _assessed(self, evidence: Evidence) -> tuple[Evidence, Assessment]:
        """What the evidence means, with the evidence.

        Who is let go on because the graph rules a loop out may have been deployed since the graph
        was read, and hold one by now: its configuration tells. It tells as well whether a function
        is in danger, which is suspected sooner.
        """
        policy = self.enforcer.policy
        assessment = assess(evidence, policy)
        if evidence.facts is not None or _is_unusual(assessment):
            return evidence, assessment
        is_ruled_out = assessment.has(Reason.LOOP_RULED_OUT)
        if not is_ruled_out and not may_be_in_danger(evidence, policy.danger_usd_per_minute):
            return evidence, assessment
        facts = self.gathering.facts(evidence.function)
        if facts is None:
            return evidence, assessment
        completed = self.gathering.completed(evidence, facts)
        return completed, assess(completed, policy)

    def _cuts(
        self, function: str, now: datetime, report: Report, live: LiveLedger | None
    ) -> tuple[tuple[datetime, datetime], ...]:
        """The periods of the function's loop that was cut by stopping another function on it."""
        mates = self.gathering.loops.mates(function)
        here = (
            (one.assessment.since or now, now)
            for one in report.decisions
            if isinstance(one, Contain) and one.assessment.function in mates
        )
        return (*here, *(live.cuts(mates) if live is not None else ()))

    def _judge_again(self, seen: Evidence, now: datetime, report: Report) -> None:
        """The same with the ledger at hand.

        The configuration is read again after it. It may have been read under a cap that was lifted
        since, and the guard's own cap must not be taken for what was there before.
        """
        live = self.enforcer.world.ledger.live()
        self._judge(replace(seen, facts=None), now, report, live)

    def _hear_of_past(
        self,
        seen: Evidence,
        closed: LatelyClosed,
        now: datetime,
        report: Report,
        live: LiveLedger | None,
    ) -> None:
        """The function's last incident was closed after that which the judgement knows of."""
        self.log.info("judged again", function=seen.function, closed_at=closed.closed_at)
        if live is None:
            self._judge_again(seen, now, report)
        else:  # in this very moment: the next pulse knows of it
            report.young.append(seen.function)

    def _judge(
        self, evidence: Evidence, now: datetime, report: Report, live: LiveLedger | None
    ) -> None:
        policy = self.enforcer.policy
        seen = evidence
        own = seen if live is None else seen.without(live.troubles(seen.function))
        cuts = self._cuts(seen.function, now, report, live)
        evidence, assessment = self._assessed(own.without(cuts))
        if live is None and _needs_the_past(assessment, policy):
            self._judge_again(seen, now, report)
            return
        if not _is_unusual(assessment):
            self.log.info("assessed", **fields_of(assessment))
            # What the cut of its loop excuses may go on all the same: it is looked at again.
            if is_young(assessment) or (cuts and _is_unusual(self._assessed(own)[1])):
                report.young.append(evidence.function)
            return
        if (
            live is not None
            and _is_for_a_cap(assessment, policy)
            and live.was_lifted(evidence.function, now - policy.cooling_off)
        ):
            self.log.info("left alone after its cap was lifted", **fields_of(assessment))
            return
        facts = evidence.facts or self.gathering.facts(evidence.function)
        if facts is None:
            return
        if evidence.facts is None:
            assessment = assess(self.gathering.completed(evidence, facts), policy)
        decision = decide(assessment, facts, policy, LedgerView())
        present = self.enforcer.world.present(now)
        known_until = None if live is None else live.known_until(seen.function)
        done = self.enforcer.act(decision, facts, present, known_until=known_until)
        if isinstance(done, LatelyClosed):
            self._hear_of_past(seen, done, now, report, live)
            return
        report.decisions.append(done)
        if isinstance(done, Ignore) and done.reason in _LOOKED_AT_AGAIN:
            report.young.append(seen.function)
        if _may_be_outdated(done, now):
            report.acquitted.append(seen.function)
        self.log.info(
            "decided",
            decision=type(done).__name__,
            because=done.reason,
            **fields_of(done.assessment),
        )


def _may_be_outdated(done: Decision, now: datetime) -> bool:
    """Whether a function was acquitted before the graph can have heard what its loop began with."""
    since = done.assessment.since
    return (
        isinstance(done, Ignore)
        and done.reason is DecisionReason.EXPLAINED
        and since is not None
        and now - since <= CHANGES_LATE + _CHARTED_WITHIN
    )


def _has_found(report: Report, before: int) -> bool:
    """Whether anything was decided since but to leave a function alone."""
    return any(not isinstance(one, Ignore) for one in report.decisions[before:])


def _tended(live: LiveLedger | None, now: datetime) -> frozenset[str]:
    """Functions whose open incident has been looked after in this run, or is being restored."""
    incidents = live.incidents if live is not None else ()
    return frozenset(one.function for one in incidents if not one.is_closed and is_due(one, now))


def _seen_in(report: Report, live: LiveLedger | None, now: datetime) -> frozenset[str]:
    """Functions with an open incident, and those that this run has looked at already."""
    decided = (one.assessment.function for one in report.decisions)
    seen = frozenset((*decided, *report.young, *report.acquitted))
    if live is None:
        return seen
    is_open = (one.function for one in live.incidents if not one.is_closed)
    return seen | frozenset((*is_open, *watched(live.pulse, now)))


def _needs_the_past(assessment: Assessment, policy: Policy) -> bool:
    """Whether the ledger is read before anything is decided.

    A cap is not urgent enough to be decided without it; a throttle is.
    """
    if _is_unusual(assessment):
        return _is_for_a_cap(assessment, policy)
    return any(assessment.has(one) for one in _HISTORICAL)


def _is_for_a_cap(assessment: Assessment, policy: Policy) -> bool:
    is_stopped = policy.response is Response.THROTTLE and assessment.is_shaped
    return assessment.verdict is Verdict.SUSPECTED and not is_stopped


def _is_unusual(assessment: Assessment) -> bool:
    return assessment.verdict in (Verdict.SUSPECTED, Verdict.RUNAWAY) or (
        assessment.verdict is Verdict.BUSY and assessment.has(Reason.NATIVE_DROPS)
    )
