"""What `cdk deploy -c rollback=...` asks for, carried out function by function.

A function may be held, or remediated with remedies, or both: all of it is put back.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.record import LEASE
from functions.domain.changes.steps import PutBackReserved
from functions.domain.detection.evidence import FunctionFacts
from functions.domain.diagnosis.ports import RemediationContext
from functions.domain.diagnosis.remediation import IN_FORCE_STATES, Remediation
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    LedgerUnavailableError,
    LoopbreakerError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import HOLDING_STATES
from functions.domain.incidents.tags.seal import find_snapshot, find_tags
from functions.domain.incidents.tags.snapshot import (
    SNAPSHOT_TAG,
    TaggedSnapshot,
    UnreadableSnapshotError,
)
from functions.domain.notices.events.guard import (
    describe_functions_left,
    describe_remedies_left,
)
from functions.domain.notices.notice import with_event
from functions.domain.notices.stack_deletion import (
    compose_functions_left,
    compose_remedies_left,
)
from functions.domain.requests.terms import RestoreTerms
from functions.workflows.diagnosis.run import undo_remediations
from functions.workflows.incidents.adopt import (
    adopt,
    list_unrecorded,
    put_back_removed,
    was_closed_since,
)
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.perform_steps import undo
from functions.workflows.rollback.release import FunctionRelease
from functions.workflows.rollback.results import (
    BEING_STOPPED,
    IN_DOUBT,
    NO_TIME_LEFT,
    NOT_HELD,
    STOPPED_ANEW,
    UNSEALED,
    LeftUnchanged,
    LoopClosed,
    OnProbation,
    Refused,
    Restored,
    Result,
    is_pending_result,
)

ALL = "all"
_TRIES = 4
LOOK_AGAIN_SECONDS = 2.0
# How long a mapping that AWS is still changing is waited for. UNCONFIRMED A-017: how long AWS
# takes; reports name 20 to 90 s. A pulse goes on with what is pending after that.
WAIT_SECONDS: Final = 300.0
POLL_SECONDS: Final = 5.0
# What undoing the remedies and the answer to CloudFormation may still take.
RESERVE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A function that is to be restored, with what this run knows of it.

    `first` was found first, since the restore `began`; `was_held`: this run has begun to undo it;
    `own`: it has opened the incident itself.
    """

    function: str
    first: Incident | None
    began: datetime
    was_held: bool
    own: Incident | None = None


class _LeasedError(Exception):
    """When another run is working on a function's incident."""

    def __init__(self, asked: _Asked) -> None:
        super().__init__(asked.function)
        self.asked = asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """Puts functions back.

    Attributes
    ----------
    sleep
        Waits the given seconds, while another run works on the same incident.
    remediation
        What undoing remedies reaches for.
    terms
        How functions are restored.
    is_direct
        Whether a person asks directly, rather than by a deployment.
    """

    world: Context
    sleep: Callable[[float], None]
    remediation: RemediationContext
    terms: RestoreTerms = field(default_factory=RestoreTerms)
    is_direct: bool = False

    def of(
        self,
        asked: tuple[str, ...],
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> tuple[Result, ...]:
        """Restore the named functions, or all that are held. One refusal stops no other.

        All of them may run again before a mapping of any is waited for, and before an incident
        that another run is working on is waited for.

        Parameters
        ----------
        asked
            Names or ARNs; ``("all",)`` for everything that the guard holds.
        seconds_left
            How long this run may still take.

        Raises
        ------
        LedgerUnavailableError
            When it cannot be read what is held.
        """
        left: tuple[LeftUnchanged, ...] = ()
        self.world.loops.refresh()
        if asked == (ALL,):
            names, left = self._list_held()
        else:
            names = tuple(parse_function_name(one) for one in asked)
        results = self._restore_first(tuple(dict.fromkeys(names)), seconds_left)
        waited = 0.0
        while waited < WAIT_SECONDS and seconds_left() > RESERVE_SECONDS + POLL_SECONDS:
            waiting = [name for name, result in results.items() if is_pending_result(result)]
            if not waiting:
                break
            self.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
            results |= {name: self._restore_again(name) for name in waiting}
        return (*(self._add_remediations(one) for one in results.values()), *left)

    def _restore_first(
        self, names: tuple[str, ...], seconds_left: Callable[[], float]
    ) -> dict[str, Result]:
        """What becomes of each function, whose leases are waited for together.

        A run that died holds its incident for `LEASE`: after that nobody is waited for.
        """
        began = self.world.clock()
        results: dict[str, Result] = {}
        waiting: dict[str, _Asked | None] = dict.fromkeys(names)
        while waiting:
            leased: dict[str, _Asked | None] = {}
            for name, before in waiting.items():
                is_patient = self.world.clock() - began < LEASE
                if results and seconds_left() <= RESERVE_SECONDS:
                    result: Result | _Asked = Refused(function=name, text=NO_TIME_LEFT)
                else:
                    result = self._restore_one(name, before, is_patient=is_patient)
                if isinstance(result, _Asked):
                    leased[name] = result
                else:
                    results[name] = result
            waiting = leased
            if waiting:
                self.sleep(LOOK_AGAIN_SECONDS)
        return {name: results[name] for name in names}

    def still_held(self) -> tuple[Incident, ...]:
        """The incidents in which something of the guard's is in force."""
        live = self.world.ledger.read_live()
        return tuple(one for one in live.incidents if one.state in HOLDING_STATES)

    def find_open_remediations(self) -> tuple[Remediation, ...]:
        """The remedies that are in force."""
        return tuple(
            one
            for one in self.remediation.remediations.read_remediations()
            if one.state in IN_FORCE_STATES
        )

    def notify_of_deletion(self) -> tuple[str, ...]:
        """Notify people of what stays contained, and which remedies stay, when the stack goes.

        Answers the names of the contained functions.
        """
        now = self.world.clock()
        held, place = self.still_held(), self.world.describe_place()
        if held:
            said = compose_functions_left(held, place, now)
            event = describe_functions_left(held, place, now)
            self.world.publish_unrecorded(with_event(said, event), event.kind)
        treated = self.find_open_remediations()
        if treated:
            said = compose_remedies_left(treated, place, now)
            event = describe_remedies_left(treated, now)
            self.world.publish_unrecorded(with_event(said, event), event.kind)
        return tuple(one.function for one in held)

    def _list_held(self) -> tuple[tuple[str, ...], tuple[LeftUnchanged, ...]]:
        """All that is to be restored, and what is only said to be."""
        live = self.world.ledger.read_live()
        names = [one.function for one in live.incidents if one.state in HOLDING_STATES]
        # Their records cannot be read: that is said of each, and fails the deployment.
        names += [*live.unreadable, *(one.function for one in self.find_open_remediations())]
        left = []
        for arn in self.world.functions.tagged(SNAPSHOT_TAG):
            said = self._read_tag(arn)
            if isinstance(said, LeftUnchanged):
                left.append(said)
            elif said:
                names.append(said)
        return tuple(names), tuple(one for one in left if one.function not in names)

    def _read_tag(self, arn: str) -> str | LeftUnchanged:
        """The function whose tag is a record of its stop; or why it is none; empty for no tag."""
        name = arn
        try:
            name = parse_function_name(arn)
            facts = self._read_facts(name)
            found = None if facts is None else find_snapshot(facts, self._read_key())
        except (InvalidFunctionReferenceError, UnreadableSnapshotError) as error:
            return LeftUnchanged(function=name, text=f"left alone: {error}")
        if found is None:  # the list of tagged functions may be late
            return ""
        return name if found.is_sealed else LeftUnchanged(function=name, text=IN_DOUBT)

    def _read_key(self) -> bytes:
        return self.world.ledger.read_tag_key()

    def _restore_one(
        self, name: str, before: _Asked | None, *, is_patient: bool
    ) -> Result | _Asked:
        """What becomes of a function.

        Parameters
        ----------
        before
            How it was found when its incident was waited for; ``None`` at first.
        is_patient
            Whether it is left for later while another run works on it.
        """
        known = before or _Asked(
            function=name, first=None, began=self.world.clock(), was_held=False
        )
        try:
            return self._restore(known, is_patient=is_patient)
        except _LeasedError as error:
            return error.asked
        except LoopbreakerError as error:
            return Refused(function=name, text=str(error))

    def _restore_again(self, name: str) -> Result:
        """What becomes of a function of which something was pending."""
        try:
            return self._restore(
                _Asked(function=name, first=None, began=self.world.clock(), was_held=True)
            )
        except LoopbreakerError as error:
            return Refused(function=name, text=str(error))

    def _add_remediations(self, result: Result) -> Result:
        """Undo the remedies of the function too; neither stands in the way of the other."""
        name = result.function
        try:
            remediations = undo_remediations((name,), self.remediation, self.world.clock())
        except LoopbreakerError as error:
            return Refused(function=name, text=f"{result.text}; its remedies: {error}")
        if not remediations:
            return result
        refused = [words for one in remediations for words in one.failures]
        titles = ", ".join(one.title for one in remediations)
        if refused:
            return Refused(
                function=name,
                text=f"{result.text}; remedy not undone ({titles}): {'; '.join(refused)}."
                " If its permission is missing, deploy with -c remedies="
                f"{','.join(sorted({one.kind.value for one in remediations}))} once more",
            )
        undone = f"remedy undone ({titles})"
        if isinstance(result, LoopClosed | OnProbation):
            return replace(result, text=f"{result.text}; {undone}")
        if isinstance(result, Refused):
            if result.is_unknown:
                return Restored(function=name, text=f"the function no longer exists; {undone}")
            return Refused(function=name, text=f"{result.text}; {undone}")
        text = undone if result.text == NOT_HELD else f"{result.text}; {undone}"
        if isinstance(result, Restored):
            return replace(result, text=text)
        return Restored(function=name, text=text)

    def _restore(self, known: _Asked, *, is_patient: bool = False) -> Result:
        """Restore a function by its newest record, however often other runs move that on.

        Raises
        ------
        _LeasedError
            When another run works on it and this one is patient. It may be about to change the
            function: what it changes after a restore has to be put right.
        """
        name, first, was_held = known.function, known.first, known.was_held
        for _ in range(_TRIES):
            incident = self.world.ledger.find(name)
            if _is_of_later_stop(incident, first, known.began):
                return Restored(function=name, text=STOPPED_ANEW)
            first = first or incident
            if is_patient and incident is not None and incident.is_leased(self.world.clock()):
                raise _LeasedError(replace(known, first=first, was_held=was_held))
            if incident is None or incident.state not in HOLDING_STATES:
                if was_held:  # a pulse finished what was begun here
                    return Restored(function=name, text="restored")
                with suppress(StaleIncidentError):  # a pulse is taking its tag over
                    return self._without_incident(name)
                continue
            facts = self._read_facts(name)
            release = FunctionRelease(world=self.world, terms=self.terms, is_direct=self.is_direct)
            closed = release.find_closed_loop(incident, facts)
            if closed is not None:
                return closed
            was_held = True
            try:
                mine = incident if incident == known.own else incident.taken_over()
                after, result = release.carry_out(self._with_tag(mine, facts), facts)
            except StaleIncidentError:
                continue  # another run moved it on: look again
            if after.is_closed and facts is not None and SNAPSHOT_TAG in facts.tags:
                return self._settle_tag(after, facts, result)
            return result
        raise StaleIncidentError(f"{name} is being changed by another run: restore it again")

    def _read_facts(self, name: str) -> FunctionFacts | None:
        try:
            return self.world.functions.describe(name)
        except FunctionNotFoundError:
            return None  # its incident is closed for that

    def _with_tag(self, incident: Incident, facts: FunctionFacts | None) -> Incident:
        """The incident with what was done while the ledger was away, which only the tag says.

        A tag that cannot be read adds nothing: the incident is a record of its own. Nor does one
        that the guard has not sealed, unless it holds what the incident knows anyway: then it says
        only that the reservation of 0 is the guard's.

        Raises
        ------
        StaleIncidentError
            When another run takes the tag over.
        """
        if facts is None or facts.reserved_concurrency != 0:
            return incident
        tagged = self._find_believed(incident, facts)
        if tagged is None:
            return incident
        return adopt(facts, tagged, self.world, self.world.clock()) or incident

    def _find_believed(self, incident: Incident, facts: FunctionFacts) -> TaggedSnapshot | None:
        """What the tag of a function says beside its incident; ``None`` for nothing."""
        if SNAPSHOT_TAG not in facts.tags:
            return None
        try:
            found = find_snapshot(facts, self._read_key())
        except UnreadableSnapshotError:
            return None
        if found is None:
            return None
        is_known = found.tagged.reserved_concurrency in (*incident.ours, incident.prior)
        return found.tagged if found.is_sealed or is_known else None

    def _settle_tag(self, restored: Incident, facts: FunctionFacts, result: Result) -> Result:
        """Put back what only the tag knows to be taken away, and remove the tag.

        Where a 0 is in force the tag is taken over before the restore. Where somebody has taken
        that away, what had made room for it is still gone. What cannot be put back keeps its tag:
        a pulse goes on with it.
        """
        is_taken_over = facts.reserved_concurrency == 0
        tagged = None if is_taken_over else self._find_believed(restored, facts)
        if tagged is not None:
            missing = list_unrecorded(restored, tagged)
            try:
                put_back_removed(facts, replace(tagged, provisioned=missing), self.world)
            except (RefusedError, BusyError) as error:
                return Refused(
                    function=facts.name,
                    text=f"{result.text}; provisioned concurrency not put back: {error}",
                )
        self._untag(facts)
        return result

    def _untag(self, facts: FunctionFacts) -> None:
        """Remove the tag. All is restored by now: where AWS refuses, a pulse tries again."""
        with suppress(RefusedError, BusyError, FunctionNotFoundError):
            self.world.functions.untag(facts.arn, find_tags(facts))

    def _without_incident(self, name: str) -> Result:
        """Nothing in the ledger: perhaps the function was contained while it was unreachable."""
        functions = self.world.functions
        try:
            facts = functions.describe(name)
        except FunctionNotFoundError:
            held = ", ".join(one.function for one in self.still_held()) or "none"
            return Refused(
                function=name,
                text=f"there is no such function; functions that Loopbreaker holds now: {held}",
                is_unknown=True,
            )
        if SNAPSHOT_TAG not in facts.tags:
            return Restored(function=name, text=NOT_HELD)
        found = find_snapshot(facts, self._read_key())
        if found is None:
            return Restored(function=name, text=NOT_HELD)
        if was_closed_since(facts, found.tagged, self.world.ledger):
            self._untag(facts)
            return Restored(function=name, text=NOT_HELD)
        if facts.reserved_concurrency != 0 and found.tagged.is_young(self.world.clock()):
            return Refused(function=name, text=BEING_STOPPED)
        recorded = self._record(facts, found.tagged)
        if recorded is not None:
            asked = _Asked(
                function=name,
                first=recorded,
                began=self.world.clock(),
                was_held=False,
                own=recorded,
            )
            restored = self._restore(asked)
            if isinstance(restored, Restored) and not found.is_sealed:
                return replace(restored, text=f"{restored.text}{UNSEALED}")
            return restored
        prior = found.tagged.reserved_concurrency
        status, detail = undo(
            PutBackReserved(function=name, prior=prior, written=0), (0,), functions
        )
        is_foreign = status is StepStatus.CHANGED_MEANWHILE
        if found.is_sealed or not is_foreign:
            put_back_removed(facts, found.tagged, self.world)
        self._untag(facts)
        if is_foreign:
            return Restored(function=name, text=f"left as somebody else set it: {detail}")
        doubt = "" if found.is_sealed else UNSEALED
        return Restored(function=name, text=f"restored from the snapshot in its tags{doubt}")

    def _record(self, facts: FunctionFacts, tagged: TaggedSnapshot) -> Incident | None:
        """The incident of a stop that only the tag knows, written down before it is restored.

        A signal about the minutes before may come later still: the record says that they are
        over. ``None`` where the ledger takes no record, or nothing is stopped.

        Raises
        ------
        StaleIncidentError
            When another run takes the tag over.
        """
        if facts.reserved_concurrency != 0:
            return None
        try:
            return adopt(facts, tagged, self.world, self.world.clock())
        except LedgerUnavailableError:
            return None


def _is_of_later_stop(incident: Incident | None, first: Incident | None, began: datetime) -> bool:
    """Whether the function was stopped again after what was found first.

    The clock of whoever wrote the record may be ahead of this one, so the record's own latest
    moment counts as well.
    """
    if incident is None or first is None:
        return False
    return incident.opened_at > max(began, first.updated_at)
