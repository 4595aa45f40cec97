"""Stopping a function without the ledger: its snapshot goes into a tag and into a notice."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import ProvisionedConcurrency
from functions.domain.detection.evidence import FunctionFacts
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    LedgerUnavailableError,
    LoopbreakerError,
    RefusedError,
)
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import Transition
from functions.domain.incidents.tags.seal import FoundSnapshot, find_snapshot, seal
from functions.domain.incidents.tags.snapshot import (
    SNAPSHOT_TAG,
    TaggedSnapshot,
    UnreadableSnapshotError,
)
from functions.domain.notices.events.incident import describe_stop_without_ledger
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.incident.stopped import compose_ledger_unavailable
from functions.domain.notices.notice import with_event
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.perform_steps import perform

_HOUR: Final = "%Y%m%dT%H"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerlessStop:
    """Stops a function of which the ledger can take no record.

    Attributes
    ----------
    most
        At most so many functions are stopped by tag at a time: the blast radius.
    """

    world: Context
    most: int

    def stop(
        self,
        incident: Incident,
        facts: FunctionFacts,
        unavailable: LedgerUnavailableError,
        now: datetime,
    ) -> None:
        """Throttle with the snapshot in a tag and in a notice, for the ledger to take over later.

        At least one of the two must hold the snapshot before anything is changed: losing it is
        the one thing that cannot be made good. Whatever AWS refuses, people are notified.
        """
        functions, snapshot = self.world.functions, incident.snapshot
        if snapshot is None:
            return
        if incident.is_on_instances:
            # A tag is too short for the scaling of many versions: the notice holds it.
            self._publish_stop(incident, unavailable, now, is_tagged=False)
            for outcome in incident.stops:
                perform(outcome.step, functions)
            return
        others = functions.tagged(SNAPSHOT_TAG)
        if len(set(others) - {facts.arn}) >= self.most:
            raise LedgerUnavailableError(
                f"{incident.function} is not contained: the ledger cannot be reached and the blast "
                f"radius of {self.most} is used up"
            ) from unavailable
        key = self.world.ledger.get_known_tag_key()
        # The same event may have come twice: the mail says what the other run has removed.
        found = _read_former(facts.with_tag(SNAPSHOT_TAG, others.get(facts.arn)), key)
        former = None if found is None else found.tagged
        if found is not None and found.is_sealed and found.tagged.provisioned:
            incident = _without(incident, found.tagged.provisioned)
        attempt = _Attempt(
            incident=incident,
            tagged=TaggedSnapshot(reserved_concurrency=snapshot.reserved_concurrency, at=now),
            unavailable=unavailable,
            now=now,
            key=key,
        )
        attempt = self._write_down(attempt)
        try:
            attempt = self._throttle(attempt)
        except (RefusedError, BusyError) as refusal:
            if not _was_tried(former, attempt.tagged):
                self._publish_failure(attempt, refusal)
            raise
        if attempt.is_tagged:
            self._seal(attempt)
            stopped = replace(attempt.incident, contained_at=now, stopped_at=now)
            self._publish_stop(stopped, unavailable, now, is_tagged=True)

    def _throttle(self, attempt: "_Attempt") -> "_Attempt":
        """Set the reservation to 0; make room for it where AWS says that this is in the way."""
        functions, name = self.world.functions, attempt.incident.function
        try:
            functions.reserve(name, 0)
        except InvalidValueError:
            found = functions.provisioned(name)
            if not found:
                raise
            tagged = replace(attempt.tagged, provisioned=found)
            incident = _without(attempt.incident, found)  # for the notice, with what went before
            attempt = self._write_down(replace(attempt, incident=incident, tagged=tagged))
            for one in found:
                functions.remove_provisioned(name, one.qualifier)
            functions.reserve(name, 0)
        return attempt

    def _write_down(self, attempt: "_Attempt") -> "_Attempt":
        """Put the snapshot into tags or, where that is not possible, into a notice.

        Raises
        ------
        FunctionNotFoundError
            When the function is gone: one that is created under its name is another one.
        """
        try:
            self._tag(attempt)
        except FunctionNotFoundError:
            raise
        except LoopbreakerError:  # then the notice has to do
            pass
        else:
            return replace(attempt, is_tagged=True)
        self._publish_stop(attempt.incident, attempt.unavailable, attempt.now, is_tagged=False)
        return replace(attempt, is_tagged=False)

    def _tag(self, attempt: "_Attempt") -> None:
        arn = attempt.incident.function_arn
        self.world.functions.tag(arn, seal(attempt.tagged.to_tags(), arn, attempt.key))

    def _seal(self, attempt: "_Attempt") -> None:
        """Write the tags once more, with a seal, once nothing burns any more.

        A process that has just started does not know the key, and the ledger may have failed it
        for a moment only. And where the stop took long, a restore may have removed the tags
        meanwhile, for a stop that another run had done.
        """
        with suppress(LoopbreakerError):
            self._tag(replace(attempt, key=attempt.key or self.world.ledger.read_tag_key()))

    def _publish_failure(self, attempt: "_Attempt", refusal: LoopbreakerError) -> None:
        failed = attempt.incident
        for outcome in failed.stops:
            failed = failed.with_outcome(outcome.step, StepStatus.FAILED, str(refusal))
        incident, context = self.world.look_around(failed)
        said = compose_notice(Transition.CONTAIN_FAILED, incident, context, attempt.now)
        self.world.publish_unrecorded(said, incident.id)

    def _publish_stop(
        self,
        incident: Incident,
        unavailable: LedgerUnavailableError,
        now: datetime,
        *,
        is_tagged: bool,
    ) -> None:
        incident, context = self.world.look_around(incident)
        context = replace(context, detail=str(unavailable))
        said = compose_ledger_unavailable(
            incident, context, now, is_tagged=is_tagged, tag_key=SNAPSHOT_TAG
        )
        event = describe_stop_without_ledger(incident, context, now)
        self.world.publish_unrecorded(with_event(said, event), incident.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """A containment without the ledger, with what is written down of it."""

    incident: Incident
    tagged: TaggedSnapshot
    unavailable: LedgerUnavailableError
    now: datetime
    key: bytes | None
    is_tagged: bool = False


def _read_former(facts: FunctionFacts, key: bytes | None) -> FoundSnapshot | None:
    """What an earlier attempt wrote into the tag; ``None`` where there is none to be read."""
    try:
        return find_snapshot(facts, key)
    except UnreadableSnapshotError:
        return None


def _was_tried(former: TaggedSnapshot | None, tagged: TaggedSnapshot) -> bool:
    """Whether an attempt within the same hour was the same, so that people know of it."""
    if former is None or former.at.strftime(_HOUR) != tagged.at.strftime(_HOUR):
        return False
    if former.reserved_concurrency != tagged.reserved_concurrency:
        return False
    return set(tagged.provisioned) <= set(former.provisioned)


def _without(incident: Incident, removed: tuple[ProvisionedConcurrency, ...]) -> Incident:
    """The incident with provisioned concurrency that is, or is about to be, taken away."""
    if incident.snapshot is None:
        return incident
    named = {one.qualifier for one in removed}
    before = [one for one in incident.snapshot.provisioned or () if one.qualifier not in named]
    bare = replace(incident.snapshot, provisioned=None)
    changed = replace(incident, snapshot=bare).with_provisioned((*before, *removed))
    for outcome in changed.left_beside:
        changed = changed.with_outcome(outcome.step, StepStatus.DONE)
    return changed
