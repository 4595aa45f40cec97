"""From a decision to a held or notified incident, whatever the ledger already knows."""

from dataclasses import dataclass, replace
from datetime import datetime

from functions.domain import notice
from functions.domain.assessment import Assessment, Verdict
from functions.domain.containment import contain
from functions.domain.decision import (
    Cap,
    Contain,
    Decision,
    DecisionReason,
    Ignore,
    LedgerView,
    Notify,
    decide,
)
from functions.domain.errors import LedgerUnavailableError, LoopbreakerError, StaleIncidentError
from functions.domain.evidence import FunctionFacts, FunctionKind
from functions.domain.incident import Incident, IncidentState, Transition, incident_id
from functions.domain.inheritance import succeed
from functions.domain.outbox import announce, deliver
from functions.domain.policy import Policy
from functions.domain.ports import (
    AlreadyOpen,
    BlastRadius,
    BlastRadiusReached,
    LatelyClosed,
    Opened,
    Opening,
)
from functions.domain.steps import perform
from functions.domain.tagged_snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Carries decisions out."""

    world: World
    policy: Policy

    @property
    def blast_radius(self) -> BlastRadius:
        """How many functions may be held, within which window."""
        return BlastRadius(most=self.policy.blast_radius, window=self.policy.blast_radius_window)

    def act(
        self, decision: Decision, facts: FunctionFacts, now: datetime, *, knows_past: bool = False
    ) -> Decision | LatelyClosed:
        """Carry a decision out and answer the one that came to be.

        The ledger has the last word: an incident that is open already, or a blast radius that is
        reached, leads to a second decision. `LatelyClosed` is answered, and nothing is done, where
        the decision may rest on a trouble that is over: to be judged again with the ledger at hand.

        Parameters
        ----------
        knows_past
            Whether the decision was made with the ledger at hand.

        Raises
        ------
        LedgerUnavailableError
            After a runaway function was contained without the ledger, or when the ledger was
            needed for something less urgent: the signal is tried again.
        BusyError
            When AWS keeps throttling the call that stops the function.
        """
        match decision:
            case Contain():
                return self._take_hold(decision, facts, 0, now, knows_past=knows_past)
            case Cap(at=at):
                return self._take_hold(decision, facts, at, now, knows_past=knows_past)
            case Notify():
                return self._notify(decision, facts, now, knows_past=knows_past) or decision
            case Ignore():
                return decision

    def reconsider(
        self, incident: Incident, assessment: Assessment, facts: FunctionFacts, now: datetime
    ) -> Decision:
        """Decide again about a function whose open incident is known, and carry that out."""
        view = LedgerView(open_incident=incident)
        decision = decide(assessment, facts, self.policy, view)
        match decision:
            case Contain():
                return self._hold_known(incident, decision, facts, 0, now)
            case Cap(at=at):
                return self._hold_known(incident, decision, facts, at, now)
            case Notify():
                self._tell_known(incident, decision, now)
            case Ignore():
                self._resume(incident, now)
        return decision

    def _take_hold(
        self,
        decision: Contain | Cap,
        facts: FunctionFacts,
        to: int,
        now: datetime,
        *,
        knows_past: bool,
    ) -> Decision | LatelyClosed:
        incident = _holding(_incident(decision, facts, now), to, facts, now)
        try:
            opening = self.world.ledger.open(incident, self.blast_radius, knows_past=knows_past)
        except LedgerUnavailableError as unavailable:
            if isinstance(decision, Cap):
                raise  # only suspected: nothing is changed without the ledger
            self._contain_without_ledger(incident, unavailable, now)
            raise
        if isinstance(opening, LatelyClosed):
            return opening
        return self._opened(opening, decision, facts, now)

    def _opened(
        self, opening: Opening, decision: Contain | Cap, facts: FunctionFacts, now: datetime
    ) -> Decision:
        match opening:
            case Opened(incident=incident):
                # One that was opened within the same second may have moved on since.
                if incident.state in (IncidentState.CONTAINING, IncidentState.CAPPING):
                    contain(incident, self.world, now)
                return decision
            case AlreadyOpen(incident=incident):
                return self.reconsider(incident, decision.assessment, facts, now)
            case BlastRadiusReached(contained=contained):
                view = LedgerView(blast_radius_reached=True)
                second = decide(decision.assessment, facts, self.policy, view)
                if isinstance(second, Notify):
                    # What the ledger says of the past has been asked by now.
                    self._notify(second, facts, now, contained, knows_past=True)
                return second

    def _hold_known(
        self,
        incident: Incident,
        decision: Contain | Cap,
        facts: FunctionFacts,
        to: int,
        now: datetime,
    ) -> Decision:
        try:
            if incident.state is IncidentState.NOTIFIED:
                known = replace(
                    incident,
                    assessment=decision.assessment,
                    decided=decision.reason,
                    contained_at=None,
                    stopped_at=None,
                )
                opening = self.world.ledger.hold(_holding(known, to, facts, now), self.blast_radius)
            else:
                fresh = _holding(_incident(decision, facts, now), to, facts, now)
                new = succeed(incident, fresh, self.world.functions)
                old = incident.to(IncidentState.SUPERSEDED, now)
                opening = self.world.ledger.supersede(old, new, self.blast_radius)
        except StaleIncidentError:
            return decision  # another run is at it
        if isinstance(opening, AlreadyOpen):
            return decision
        if isinstance(opening, BlastRadiusReached):
            view = LedgerView(open_incident=incident, blast_radius_reached=True)
            second = decide(decision.assessment, facts, self.policy, view)
            if isinstance(second, Notify):
                self._tell_known(incident, second, now, opening.contained)
            return second
        return self._opened(opening, decision, facts, now)

    def _notify(
        self,
        decision: Notify,
        facts: FunctionFacts,
        now: datetime,
        others: tuple[str, ...] = (),
        *,
        knows_past: bool,
    ) -> LatelyClosed | None:
        incident = announce(
            _incident(decision, facts, now),
            Transition.NOTIFIED,
            self.world,
            now,
            contained_already=others,
        )
        try:
            opening = self.world.ledger.open(incident, None, knows_past=knows_past)
        except LedgerUnavailableError:
            said = incident.outbox[-1]
            self.world.publisher.publish(said.subject, said.body)
            raise
        if isinstance(opening, Opened):
            deliver(opening.incident, self.world, now)
        elif isinstance(opening, AlreadyOpen):
            self._tell_known(opening.incident, decision, now, others)
        return opening if isinstance(opening, LatelyClosed) else None

    def _tell_known(
        self, incident: Incident, decision: Notify, now: datetime, others: tuple[str, ...] = ()
    ) -> None:
        """Tell people once more only where there is something new to tell."""
        if incident.state is IncidentState.RELEASED:
            if incident.has_told(Transition.RUNNING_AWAY_AGAIN):
                return
            again = replace(incident, assessment=decision.assessment)
            transition = Transition.RUNNING_AWAY_AGAIN
        elif incident.state is IncidentState.NOTIFIED:
            if not _is_news(incident, decision):
                return
            again = replace(incident, assessment=decision.assessment, decided=decision.reason)
            transition = Transition.NOTIFIED
        else:
            return
        try:
            told = self.world.ledger.save(
                announce(again, transition, self.world, now, contained_already=others)
            )
            deliver(told, self.world, now)
        except StaleIncidentError:
            return  # another run tells

    def _resume(self, incident: Incident, now: datetime) -> None:
        """Go on with a containment that a run left unfinished when it died."""
        unfinished = incident.state in (IncidentState.CONTAINING, IncidentState.CAPPING)
        if unfinished and not incident.is_leased(now):
            try:
                mine = self.world.ledger.save(incident.leased(now))
            except StaleIncidentError:
                return
            contain(mine, self.world, now, is_resumed=True)

    def _contain_without_ledger(
        self, incident: Incident, unavailable: LedgerUnavailableError, now: datetime
    ) -> None:
        """Throttle with the snapshot in a tag and in a notice, for the ledger to take over later.

        At least one of the two must hold the snapshot before anything is changed: losing it is
        the one thing that cannot be made good.
        """
        functions, snapshot = self.world.functions, incident.snapshot
        if snapshot is None:
            return
        if incident.is_on_instances:
            # A tag is too short for the scaling of many versions: the notice holds it.
            self._publish_ledgerless(incident, unavailable, now, is_tagged=False)
            for outcome in incident.stops:
                perform(outcome.step, functions)
            return
        tagged = TaggedSnapshot(reserved_concurrency=snapshot.reserved_concurrency, at=now)
        if len(functions.tagged(SNAPSHOT_TAG)) >= self.policy.blast_radius:
            raise LedgerUnavailableError(
                f"{incident.function} is not contained: the ledger cannot be reached and the blast "
                f"radius of {self.policy.blast_radius} is used up"
            ) from unavailable
        try:
            functions.tag(incident.function_arn, {SNAPSHOT_TAG: tagged.to_tag()})
        except LoopbreakerError:
            self._publish_ledgerless(incident, unavailable, now, is_tagged=False)
            functions.reserve(incident.function, 0)
            return
        functions.reserve(incident.function, 0)
        stopped = replace(incident, contained_at=now, stopped_at=now)
        self._publish_ledgerless(stopped, unavailable, now, is_tagged=True)

    def _publish_ledgerless(
        self,
        incident: Incident,
        unavailable: LedgerUnavailableError,
        now: datetime,
        *,
        is_tagged: bool,
    ) -> None:
        incident, context = self.world.look_around(incident)
        said = notice.ledger_unavailable(
            incident,
            replace(context, detail=str(unavailable)),
            now,
            is_tagged=is_tagged,
            tag_key=SNAPSHOT_TAG,
        )
        self.world.publisher.publish(said.subject, said.body)

    def adopt(self, arn: str, tag: str, facts: FunctionFacts, now: datetime) -> None:
        """Take a containment that was done without the ledger into the ledger.

        Raises
        ------
        UnreadableSnapshotError
            When the tag holds something that the guard never writes.
        """
        tagged = TaggedSnapshot.from_tag(tag)
        if facts.reserved_concurrency == 0:
            # What is true already is written down, whatever was before.
            opening: Opening | LatelyClosed | None = self.world.ledger.open(
                _adopted(facts, tagged, now), None, knows_past=True
            )
            if isinstance(opening, AlreadyOpen):
                opening = self._adopt_over(opening.incident, facts, tagged, now)
            if isinstance(opening, Opened) and not opening.incident.is_closed:
                contain(opening.incident, self.world, now, is_resumed=True)
            elif isinstance(opening, AlreadyOpen | BlastRadiusReached):
                return  # another run is at it: the tag stays until its snapshot is in the ledger
        # Otherwise somebody has released it since, or the throttle never came to be.
        self.world.functions.untag(arn, (SNAPSHOT_TAG,))

    def _adopt_over(
        self, known: Incident, facts: FunctionFacts, tagged: TaggedSnapshot, now: datetime
    ) -> Opening | None:
        """What the tag adds to an incident that is open already."""
        if known.state is IncidentState.NOTIFIED:
            held = known.to(IncidentState.CONTAINING, now).with_reservation(
                0, tagged.reserved_concurrency
            )
            stopped = replace(held, contained_at=tagged.at, stopped_at=tagged.at)
            return Opened(incident=self.world.ledger.save(stopped.leased(now)))
        prior = known.snapshot.reserved_concurrency if known.snapshot else None
        if prior == tagged.reserved_concurrency or known.opened_at > tagged.at:
            return None  # the tag is of this incident, or older
        # It was released and stopped again while the ledger was away: what the tag says was
        # there is what a restore must bring back.
        new = succeed(known, _adopted(facts, tagged, now), self.world.functions)
        old = known.to(IncidentState.RELEASED, now).to(IncidentState.SUPERSEDED, now)
        # No place of the blast radius is asked for: the function is stopped already, and a refusal
        # would leave the only true snapshot in a tag.
        return self.world.ledger.supersede(old, new, None)


def _incident(decision: Contain | Cap | Notify, facts: FunctionFacts, now: datetime) -> Incident:
    return Incident(
        id=incident_id(facts.name, now),
        function=facts.name,
        function_arn=facts.arn,
        state=IncidentState.NOTIFIED,
        opened_at=now,
        updated_at=now,
        assessment=decision.assessment,
        decided=decision.reason,
        memory_mb=facts.memory_mb,
        timeout_seconds=facts.timeout_seconds,
        architecture=facts.architecture,
        async_target_arn=facts.async_target_arn,
        is_durable=facts.is_durable,
    )


def _holding(incident: Incident, to: int, facts: FunctionFacts, now: datetime) -> Incident:
    """The incident with its write-ahead snapshot and the step that takes hold."""
    state = IncidentState.CAPPING if to else IncidentState.CONTAINING
    held = incident.to(state, now)
    if facts.kind is FunctionKind.MANAGED_INSTANCES:
        return held.with_scaling(facts.scaling).leased(now)
    return held.with_reservation(to, facts.reserved_concurrency).leased(now)


def _adopted(facts: FunctionFacts, tagged: TaggedSnapshot, now: datetime) -> Incident:
    assessment = Assessment(
        function=facts.name, verdict=Verdict.RUNAWAY, at=tagged.at, grounds=(), since=tagged.at
    )
    decision = Contain(assessment=assessment, reason=DecisionReason.RUNAWAY)
    opened = _incident(decision, facts, tagged.at)
    held = opened.to(IncidentState.CONTAINING, now).with_reservation(0, tagged.reserved_concurrency)
    return replace(held, contained_at=tagged.at, stopped_at=tagged.at).leased(now)


def _is_news(incident: Incident, decision: Notify) -> bool:
    rose = (
        decision.assessment.verdict is Verdict.RUNAWAY
        and incident.assessment.verdict is not Verdict.RUNAWAY
    )
    return rose or incident.decided != decision.reason
