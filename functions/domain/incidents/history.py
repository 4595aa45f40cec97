"""What is open and what was before, as one reading of the ledger has it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.pulse.memory import PulseMemory


def gives_its_place_back(incident: Incident) -> bool:
    """Whether an incident holds nothing, so that its place within the blast radius is free again.

    AWS refused the stop or the cap, somebody else was there first, or the cap was lifted: the guard
    did nothing that lasts. A function that was stopped keeps its place for the whole window, also
    when it is restored earlier: the blast radius bounds how much the guard does.
    """
    return incident.state in {IncidentState.NOTIFIED, IncidentState.LIFTED}


def counts_when_closed(incident: Incident) -> bool:
    """Whether a closed incident counts in the blast radius until its window is over."""
    return incident.contained_at is not None and not gives_its_place_back(incident)


UNRECORDED_TROUBLE = timedelta(minutes=30)


def began_at(incident: Incident) -> datetime:
    """When the trouble began that an incident records.

    Of a stop that was taken over from its tag, or that a person ordered, nobody has written down
    when: it is taken to have begun some minutes before, or a late signal of that time stops or
    holds what was restored.
    """
    recorded = min(incident.assessment.since or incident.opened_at, incident.opened_at)
    is_ordered = incident.decided == DecisionReason.ORDERED
    is_recorded = bool(incident.assessment.grounds) and not is_ordered
    return recorded if is_recorded else recorded - UNRECORDED_TROUBLE


# For what is opened without regard to what was closed before, and where nothing was.
WHATEVER_CLOSED: Final = datetime.max.replace(tzinfo=UTC)
NOTHING_CLOSED: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIncident:
    """When a function was in trouble, of incidents that were filed away within 14 days.

    Loops of the past are no precedent: the datapoints between `since` and `until` do not count.

    Attributes
    ----------
    is_lifted
        A cap showed that it was no loop: its datapoints are a precedent like any other.
    """

    function: str
    since: datetime
    until: datetime
    is_lifted: bool = False

    @classmethod
    def of(cls, incident: Incident) -> "PastIncident":
        """What stays of a closed incident."""
        until = incident.closed_at or incident.updated_at
        since = began_at(incident)
        return cls(
            function=incident.function,
            since=since,
            until=max(since, until),
            is_lifted=incident.is_explained,
        )


FILED_KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledIncident:
    """That an incident was filed away within the last 90 days, for lists and counts.

    Attributes
    ----------
    until
        When it was closed; what it was in full is filed under its function and this moment.
    state
        As text of `IncidentState`.
    was_held
        Whether the function was ever kept from running as before.
    """

    id: str
    function: str
    since: datetime
    until: datetime
    state: str
    was_held: bool = False

    @classmethod
    def of(cls, incident: Incident) -> "FiledIncident":
        """What a list needs of a closed incident."""
        past = PastIncident.of(incident)
        return cls(
            id=incident.id,
            function=incident.function,
            since=past.since,
            until=incident.closed_at or incident.updated_at,
            state=incident.state.value,
            was_held=incident.contained_at is not None,
        )


def _cut_at(incident: Incident) -> datetime:
    """When a loop was over that is cut by stopping one of its functions, or by holding it on."""
    if incident.is_shown and incident.watch is not None:
        # Until then the trial let a little go round.
        return incident.watch.again_at or incident.watch.since
    return incident.stopped_at or incident.contained_at or incident.updated_at


OUTAGES_KEPT: Final = timedelta(days=1)
# A process notices an outage with its next run, a minute later at most, and its end likewise.
_NOTICED: Final = timedelta(minutes=3)
_STOPPED: Final = frozenset({IncidentState.CONTAINING, IncidentState.CONTAINED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLedger:
    """All that is not filed away: open incidents, unsent notices, the pulse's memory.

    `past` stays for 14 days after an incident was filed away, `file_away` and `supersede` write
    it in the same transaction. `unreadable` are functions whose open incident cannot be read.
    `outages` are periods (start, end) of the last day in which a process of the guard could not
    reach the ledger, as each of them has noted by itself.
    """

    incidents: tuple[Incident, ...] = ()
    pulse: PulseMemory = field(default_factory=PulseMemory)
    past: tuple[PastIncident, ...] = ()
    unreadable: tuple[str, ...] = ()
    outages: tuple[tuple[datetime, datetime], ...] = ()

    def was_away(self, at: datetime) -> bool:
        """Whether the ledger could not be reached at that time, to within some minutes."""
        return any(start - _NOTICED <= at <= end + _NOTICED for start, end in self.outages)

    def troubles(self, function: str) -> tuple[tuple[datetime, datetime], ...]:
        """The periods (start, end) of former loops of a function, which are no precedent.

        Nor are they the present: right after a restore the newest datapoints are still theirs.
        """
        return tuple(
            (one.since, one.until)
            for one in (*self.past, *self._list_closed())
            if one.function == function and not one.is_lifted
        )

    def cuts(self, mates: Collection[str]) -> tuple[tuple[datetime, datetime], ...]:
        """The periods (start, end) of a loop that is cut: one of the functions on it was stopped.

        With that it was over for all of them. The same of one that stays held for people.
        """
        stopped = (
            (began_at(one), _cut_at(one))
            for one in self.incidents
            if one.function in mates and (one.state in _STOPPED or one.is_shown)
        )
        return (*stopped, *(period for one in mates for period in self.troubles(one)))

    def _list_closed(self) -> Iterator[PastIncident]:
        return (PastIncident.of(one) for one in self.incidents if one.is_closed)

    def known_until(self, function: str) -> datetime:
        """When the last incident of a function was closed that is known here."""
        known = (
            one.until for one in (*self.past, *self._list_closed()) if one.function == function
        )
        return max(known, default=NOTHING_CLOSED)

    def was_lifted(self, function: str, since: datetime) -> bool:
        """Whether a cap has shown, after `since`, that the function was no loop."""
        filed = any(
            one.is_lifted and one.until >= since for one in self.past if one.function == function
        )
        return filed or any(
            one.is_explained and one.updated_at >= since
            for one in self.incidents
            if one.function == function
        )
