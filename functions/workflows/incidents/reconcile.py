"""Looking after open incidents: finish what a crash left, watch what is held, end what is over."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final, TypeVar

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    LimitMapping,
    MappingStep,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
)
from functions.domain.detection.assessment import Verdict
from functions.domain.detection.evidence import Evidence, FunctionFacts
from functions.domain.detection.lateness import settle
from functions.domain.detection.spike import assess
from functions.domain.detection.traffic import mean_duration_seconds
from functions.domain.errors import (
    FunctionNotFoundError,
    MappingNotFoundError,
    StaleIncidentError,
)
from functions.domain.incidents.decision import DecisionReason, Ignore, find_prohibition
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.incidents.tags.seal import find_snapshot
from functions.domain.incidents.tags.snapshot import UnreadableSnapshotError
from functions.domain.ports import Functions
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.event_log import EventLog, fields_of
from functions.workflows.holding.progress import HoldProgress
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.contain import (
    close_as_deleted,
    find_stop_of_tag,
    finish_steps,
    has_unfinished_steps,
)
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.incidents.perform_steps import find_scaled_by_others
from functions.workflows.incidents.restore import restore

# Minutes below the floor, one after the other, after which a loop that nobody stopped is over.
ENDED_MINUTES = 10
# Seven metrics a minute are $3 a month for each incident that only waits for its end: it is checked
# each minute while something may yet be decided about it, and then every few minutes.
CHECKED_CLOSELY = {
    IncidentState.NOTIFIED: timedelta(minutes=20),
    IncidentState.RELEASED: timedelta(hours=2),
}
CHECKED_EVERY_MINUTES = 5
# Loops that Loopbreaker would not stop, without a notice: AWS stops them, or a person wanted to.
_ENDS_UNSAID: Final = frozenset({DecisionReason.STOPPED_BY_AWS, DecisionReason.ORDERED})


class _FoundAs(Enum):
    """How what an incident changed is found."""

    AS_LEFT = auto()
    RELEASED = auto()
    IN_TAG = auto()  # stopped without the ledger: the tag knows what is true, and comes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """What each pulse does about each open incident.

    Attributes
    ----------
    again
        Functions to be looked at in each of the next minutes: this adds to them.
    """

    enforcer: Enforcer
    gathering: EvidenceCollector
    log: EventLog
    live: LiveLedger = field(default_factory=LiveLedger)
    again: list[str] = field(default_factory=list)

    def tend(self, incident: Incident, now: datetime, actor: str = "") -> None:
        """Look after one incident.

        Parameters
        ----------
        actor
            Who is known (from CloudTrail) to have changed the function just now.

        Raises
        ------
        LoopbreakerError
            What the ports raise; the next pulse tries again.
        """
        if incident.is_leased(now):
            return  # a run is working on it
        world = self.enforcer.world
        try:
            incident = deliver(incident, world, now)
            if not incident.is_closed and (actor or is_due(incident, now)):
                self._choose_by_state(incident)(incident, now, actor)
        except FunctionNotFoundError:
            close_as_deleted(incident, world, now)
        except StaleIncidentError:
            return  # another run moved it on: the next pulse sees the rest

    def _choose_by_state(self, incident: Incident) -> Callable[[Incident, datetime, str], None]:
        match incident.state:
            case IncidentState.CONTAINING | IncidentState.CAPPING:
                return self._go_on_containing
            case IncidentState.RESTORING:
                return self._go_on_restoring
            case IncidentState.CONTAINED:
                return self._watch_contained
            case IncidentState.CAPPED:
                return self._watch_held
            case IncidentState.RELEASED:
                return self._watch_released
            case _:
                return self._watch_notified

    def _go_on_containing(self, incident: Incident, now: datetime, _actor: str) -> None:
        self.enforcer.go_on(incident, self._read_facts(incident), now)

    def _go_on_restoring(self, incident: Incident, now: datetime, _actor: str) -> None:
        restore(incident, self.enforcer.world, now, incident.closing, is_asked=False)

    def _watch_contained(self, incident: Incident, now: datetime, actor: str) -> None:
        if self._find_standing(incident, now, actor) is not _FoundAs.AS_LEFT:
            return
        if not has_unfinished_steps(incident):
            return
        if incident.is_pausing(Attempt.FOLLOW_UP, now):
            return
        facts = self._read_facts(incident)
        if find_prohibition(facts, self.enforcer.policy, incident) is None:
            finish_steps(incident, self.enforcer.world, now)

    def _watch_held(self, incident: Incident, now: datetime, actor: str) -> None:
        if self._find_standing(incident, now, actor) is _FoundAs.AS_LEFT:
            HoldProgress(
                enforcer=self.enforcer,
                gathering=self.gathering,
                log=self.log,
                live=self.live,
                again=self.again,
            ).watch(incident, now)

    def _was_enabled(self, incident: Incident) -> bool:
        """Whether somebody has enabled a mapping again by which a function is held."""
        functions = self.enforcer.world.functions
        for outcome in incident.stops:
            step = outcome.step
            if not isinstance(step, DisableMapping) or outcome.status is not StepStatus.DONE:
                continue
            with suppress(MappingNotFoundError):
                found = functions.mapping(step.uuid)
                if found.enabled and not found.is_changing and found.function == step.function:
                    return True
        return False

    def _find_standing(self, incident: Incident, now: datetime, actor: str) -> _FoundAs:
        """How what the guard changed is found. A release by people is recorded and announced."""
        world = self.enforcer.world
        found: FoundReservation | None = None
        if incident.is_on_instances:
            # A version that was published since runs at Lambda's default scaling.
            versions = world.functions.describe(incident.function).scaling
            if all(one.is_zero for one in versions):
                return _FoundAs.AS_LEFT
            incident = _note_scaled_by_others(incident, world.functions)
        elif incident.is_paused:
            is_let_go = incident.is_let_go or incident.is_on_probation
            if is_let_go or not self._was_enabled(incident):
                return _FoundAs.AS_LEFT
        else:
            present = world.functions.reserved_concurrency(incident.function)
            if present == incident.target:
                return _FoundAs.AS_LEFT
            stopped = find_stop_of_tag(incident, present, world)
            if stopped is not None:
                return self._weigh_tag(incident, stopped)
            found = FoundReservation(reserved_concurrency=present)
        released = replace(
            incident.to(IncidentState.RELEASED, now),
            released_at=now,
            released_to=found,
            actor=actor,
        )
        told = announce(released, Transition.RELEASED, world, now, found=found)
        deliver(world.ledger.save(told), world, now)
        return _FoundAs.RELEASED

    def _weigh_tag(self, incident: Incident, facts: FunctionFacts) -> _FoundAs:
        """Whether the tag of a stop knows something that the incident does not.

        One that does not is no reason to wait: where nobody knows who wrote it, it is never
        taken over.
        """
        try:
            found = find_snapshot(facts, self.enforcer.world.ledger.get_known_tag_key())
        except UnreadableSnapshotError:
            return _FoundAs.AS_LEFT
        if found is None or found.tagged.provisioned:
            return _FoundAs.AS_LEFT if found is None else _FoundAs.IN_TAG
        is_known = found.tagged.reserved_concurrency in (*incident.ours, incident.prior)
        return _FoundAs.AS_LEFT if is_known else _FoundAs.IN_TAG

    def _watch_released(self, incident: Incident, now: datetime, _actor: str) -> None:
        if incident.failures and not incident.is_pausing(Attempt.RESTORE, now):
            # Somebody asked for it, and AWS refused a part.
            restore(incident, self.enforcer.world, now, incident.closing, is_asked=False)
            return
        is_cooling_off = incident.is_cooling_off(now, self.enforcer.policy.cooling_off)
        if incident.failures and incident.closing is IncidentState.LIFTED and is_cooling_off:
            return  # its hold has just judged what it does
        evidence = self._read_evidence(incident, now)
        if evidence is None or evidence.facts is None:
            return
        if self._reconsider(incident, evidence, evidence.facts, now) or is_cooling_off:
            return
        if not self._holds_anything(incident):
            world = self.enforcer.world
            deliver(world.ledger.save(incident.to(IncidentState.ENDED, now)), world, now)

    def _watch_notified(self, incident: Incident, now: datetime, _actor: str) -> None:
        evidence = self._read_evidence(incident, now)
        if evidence is None or evidence.facts is None:
            return
        if _has_subsided(evidence, self.enforcer.policy.floor_per_minute):
            world = self.enforcer.world
            ended = incident.to(IncidentState.ENDED, now)
            if incident.outbox and incident.decided not in _ENDS_UNSAID:
                ended = announce(ended, Transition.ENDED, world, now)
            deliver(world.ledger.save(ended), world, now)
            return
        self._reconsider(incident, evidence, evidence.facts, now)

    def _reconsider(
        self, incident: Incident, evidence: Evidence, facts: FunctionFacts, now: datetime
    ) -> bool:
        """Whether the function is suspected; then what to do about it is decided once more."""
        assessment = assess(evidence, self.enforcer.policy)
        if assessment.verdict not in (Verdict.SUSPECTED, Verdict.RUNAWAY):
            return False
        done = self.enforcer.reconsider(incident, assessment, facts, now)
        if not isinstance(done, Ignore) and done.reason != incident.decided:
            self.log.info(
                "decided",
                decision=type(done).__name__,
                because=done.reason,
                **fields_of(done.assessment),
            )
        return True

    def _read_facts(self, incident: Incident) -> FunctionFacts:
        facts = self.gathering.read_facts(incident.function)
        if facts is None:
            raise FunctionNotFoundError(f"{incident.function} does not exist any more")
        return facts

    def _read_evidence(self, incident: Incident, now: datetime) -> Evidence | None:
        evidence = self.gathering.collect_one(incident.function, now)
        if evidence is None:
            raise FunctionNotFoundError(f"{incident.function} does not exist any more")
        mates = self.gathering.loops.find_mates(incident.function)
        return evidence.without((*self.live.troubles(incident.function), *self.live.cuts(mates)))

    def _holds_anything(self, incident: Incident) -> bool:
        """Whether anything but the reservation is still as the guard left it."""
        functions = self.enforcer.world.functions
        there = {one.qualifier for one in functions.provisioned(incident.function)}
        for outcome in incident.left_beside:
            match outcome.step:
                case DisableMapping() | LimitMapping():
                    if _is_left(outcome.step, functions):
                        return True
                case RemoveProvisioned(function=function, qualifier=qualifier):
                    if qualifier not in there and functions.has_version(function, qualifier):
                        return True
                case ScaleToZero(function=function, prior=prior):
                    if find_scaled_by_others(function, prior, functions) is None:
                        return True
                case Reserve():
                    continue
        return False


def _note_scaled_by_others(incident: Incident, functions: Functions) -> Incident:
    """The incident with what others have scaled again or deleted: the rest is still at 0."""
    for outcome in incident.left_beside:
        step = outcome.step
        if isinstance(step, ScaleToZero):
            found = find_scaled_by_others(step.function, step.prior, functions)
            if found is not None:
                incident = incident.with_restored(step, *found)
    return incident


def _is_left(step: MappingStep, functions: Functions) -> bool:
    """Whether a mapping still is as the guard left it."""
    try:
        mapping = functions.mapping(step.uuid)
    except MappingNotFoundError:
        return False
    if mapping.function not in ("", step.function):
        return False
    match step:
        case DisableMapping():
            return not mapping.enabled or mapping.is_changing
        case LimitMapping():
            return mapping.maximum_concurrency in step.written


_T = TypeVar("_T")
# The golden ratio: its multiples, each without its whole part, are spread evenly, however many.
_GOLDEN: Final = (math.sqrt(5) - 1) / 2
# What a loop may burn by, or a person waits for, in the order in which it is looked after.
_URGENT: Final = (
    IncidentState.CONTAINING,
    IncidentState.CAPPING,
    IncidentState.RESTORING,
    IncidentState.CAPPED,
)
_STOPPING: Final = frozenset({IncidentState.CONTAINING, IncidentState.CAPPING})


def urgent_first(live: LiveLedger | None, now: datetime) -> tuple[Incident, ...]:
    """Unfinished stops, unfinished restores, caps and unsent notices, of each the oldest first.

    Then, in turn, stops that were tried in vain: one that hangs each time keeps nobody waiting.
    """
    incidents = () if live is None else live.incidents
    found = sorted(
        (one for one in incidents if one.is_closed or one.state in _URGENT), key=_rank_urgency
    )
    in_vain = [one for one in found if one.state in _STOPPING and _was_tried(one)]
    return (*(one for one in found if one not in in_vain), *in_rotation(in_vain, now))


def in_turn(live: LiveLedger | None, now: datetime) -> tuple[Incident, ...]:
    """The incidents that are only watched, beginning elsewhere in each minute.

    Where the time does not suffice for all of them, each has its turn after a few minutes.
    """
    incidents = () if live is None else live.incidents
    return in_rotation(
        [one for one in incidents if not one.is_closed and one.state not in _URGENT], now
    )


def _rank_urgency(incident: Incident) -> tuple[int, datetime, str]:
    rank = len(_URGENT) if incident.is_closed else _URGENT.index(incident.state)
    return rank, incident.opened_at, incident.id


def _was_tried(incident: Incident) -> bool:
    return incident.has_notified(Transition.CONTAIN_FAILED)


def in_rotation(things: Sequence[_T], now: datetime) -> tuple[_T, ...]:
    """The things in their order, beginning elsewhere in each minute."""
    first = int(now.timestamp() // 60 * _GOLDEN % 1.0 * len(things))
    return (*things[first:], *things[:first])


def is_due(incident: Incident, now: datetime) -> bool:
    """Whether an incident of which the metrics are read is to be checked in this minute."""
    closely = CHECKED_CLOSELY.get(incident.state)
    if closely is None or now - incident.updated_at <= closely:
        return True
    # Rounded: pulses come at nearly the same second of each minute as the one that opened it.
    return round((now - incident.opened_at) / timedelta(minutes=1)) % CHECKED_EVERY_MINUTES == 0


def _has_subsided(evidence: Evidence, floor_per_minute: int) -> bool:
    """Whether the last settled minutes were below the floor: a late datapoint is no end.

    Nor is it one where a younger minute is above it already: the spike may just have begun.
    """
    counts = evidence.recent.invocations
    taking = timedelta(seconds=mean_duration_seconds(evidence) or 0.0)
    settled = len(settle(counts, evidence.now, taking=taking).values)
    newest = counts.values[max(0, settled - ENDED_MINUTES) :]
    return settled >= ENDED_MINUTES and all(
        value is None or value < floor_per_minute for value in newest
    )
