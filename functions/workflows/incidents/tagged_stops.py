"""Stops that were done without the ledger: what the tags of functions say of them.

A tag is a record where the guard has sealed it, or where it is of a time at which the guard saw
that its ledger was away. Any other is what somebody says who may tag the
function, so people are notified once and nothing is done.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.detection.evidence import FunctionFacts
from functions.domain.errors import BusyError, FunctionNotFoundError, RefusedError
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.ports import Attempts
from functions.domain.incidents.tags.seal import find_snapshot, find_tags
from functions.domain.incidents.tags.snapshot import (
    SNAPSHOT_TAG,
    TaggedSnapshot,
    UnreadableSnapshotError,
)
from functions.domain.notices.events.guard import describe_doubtful_tag, describe_unreadable_tag
from functions.domain.notices.incident.tags import compose_doubtful_tag, compose_unreadable_tag
from functions.domain.notices.notice import Notice, with_event
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.event_log import EventLog
from functions.workflows.incidents.enforce import Enforcer

MOST_TAGS: Final = 50  # looked at in a minute: no more functions than that are ever held at a time
_LONGEST_PAUSE: Final = timedelta(days=1)


def name_of_tagged(arn: str) -> str:
    """The name of a tagged function; the ARN itself where it names none."""
    try:
        return parse_function_name(arn)
    except InvalidFunctionReferenceError:
        return arn


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedStops:
    """Takes the guard's own tags over into the ledger."""

    enforcer: Enforcer
    gathering: EvidenceCollector
    log: EventLog
    live: LiveLedger

    def found(self) -> Mapping[str, str]:
        """ARN and value of each tag that may be one of the guard's."""
        return self.enforcer.world.functions.tagged(SNAPSHOT_TAG)

    def take_over(self, arn: str, now: datetime) -> None:
        """Deal with the tag of one function.

        What counts is the function's own answer: the list of tagged functions may be late.

        Raises
        ------
        LoopbreakerError
            What the ports raise; the next pulse tries again.
        """
        try:
            facts = self.gathering.read_facts(parse_function_name(arn))
        except InvalidFunctionReferenceError:
            self.log.info("names no function", reference=arn[:200])
            return
        value = None if facts is None else facts.tags.get(SNAPSHOT_TAG)
        if facts is None or value is None:
            return
        matter = _name_matter(facts.arn, value)
        earlier = self.enforcer.world.ledger.read_attempts(matter)
        if _is_pausing(earlier, now):
            return
        try:
            found = find_snapshot(facts, self.enforcer.world.ledger.read_tag_key())
        except UnreadableSnapshotError:
            said = compose_unreadable_tag(facts, self.enforcer.world.describe_place())
            event = describe_unreadable_tag(facts, now)
            self._report(with_event(said, event), earlier, matter, now)
            return
        if found is None:
            return
        # A process that began during an outage has no key: its tag is believed for that time.
        is_own = found.is_sealed or self.live.was_away(found.tagged.at)
        if not is_own and _may_be_in_force(facts, found.tagged):
            place = self.enforcer.world.describe_place()
            said = compose_doubtful_tag(facts, found.tagged, place)
            event = describe_doubtful_tag(facts, place, now)
            self._report(with_event(said, event), earlier, matter, now)
        elif self._is_done(facts, found.tagged, now, is_own=is_own):
            self._untag(facts, matter, now)

    def _is_done(
        self, facts: FunctionFacts, tagged: TaggedSnapshot, now: datetime, *, is_own: bool
    ) -> bool:
        """Whether the tag is not needed any more."""
        return self.enforcer.adopt(facts, tagged, now) if is_own else not tagged.is_young(now)

    def _report(self, said: Notice, earlier: Attempts, matter: str, now: datetime) -> None:
        """Notify people once; the value is looked at again in growing pauses.

        They are reported at the second look: the process that has seen the outage may come second.
        """
        if earlier.count == 1:
            self.enforcer.world.publish_unrecorded(said, matter)
        self.enforcer.world.ledger.count_attempt(matter, now)

    def _untag(self, facts: FunctionFacts, matter: str, now: datetime) -> None:
        """Remove the tags that were read; where AWS refuses, it is tried again in growing pauses.

        The snapshot is in the ledger by now: a tag that stays does no harm.
        """
        try:
            self.enforcer.world.functions.untag(facts.arn, find_tags(facts))
        except FunctionNotFoundError:
            return
        except (RefusedError, BusyError) as error:
            self.log.info("tag not removed", about=facts.arn, error=str(error))
            self.enforcer.world.ledger.count_attempt(matter, now)


def _may_be_in_force(facts: FunctionFacts, tagged: TaggedSnapshot) -> bool:
    """Whether the tag, if it is true, is needed to put something back."""
    return facts.reserved_concurrency == 0 or bool(tagged.provisioned)


def _name_matter(arn: str, value: str) -> str:
    """A name for this value of this function's tag, of characters that are safe anywhere."""
    return f"tag {hashlib.sha256(f'{arn} {value}'.encode()).hexdigest()}"


def _is_pausing(earlier: Attempts, now: datetime) -> bool:
    if earlier.last_at is None:
        return False
    pause = min(_LONGEST_PAUSE, timedelta(minutes=2 ** min(earlier.count, 12)))
    return now - earlier.last_at < pause
