"""What the core needs of the world. Adapters in `functions.aws`, fakes in the tests."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from functions.domain.changes.steps import (
    EventSourceMapping,
    ProvisionedConcurrency,
    VersionScaling,
)
from functions.domain.detection.arrivals import Arrivals, Source
from functions.domain.detection.evidence import (
    AccountSeries,
    FunctionFacts,
    RecentSeries,
    Series,
    Trigger,
)
from functions.domain.holding.facts import HoldFacts
from functions.domain.incidents.incident import Incident, IncidentState


class Functions(Protocol):
    """The control plane of the target functions.

    Every method raises `FunctionNotFoundError` when the function does not exist and `BusyError`
    when AWS keeps throttling or conflicting after the bounded retries.
    """

    def describe(self, function: str) -> FunctionFacts:
        """Configuration, tags and reservation, in one call.

        Of a function on Lambda Managed Instances the scaling too, by a call for each version.
        """
        ...

    def reserved_concurrency(self, function: str) -> int | None:
        """What is reserved now; ``None`` for nothing."""
        ...

    def reserve(self, function: str, concurrency: int) -> None:
        """Set the reservation.

        Raises
        ------
        ProvisionedConcurrencyError
            When AWS refuses because of provisioned concurrency.
        RefusedError
            When AWS refuses for another reason, the unreserved minimum for instance.
        """
        ...

    def unreserve(self, function: str) -> None:
        """Take the reservation away."""
        ...

    def provisioned(self, function: str) -> tuple[ProvisionedConcurrency, ...]:
        """All provisioned concurrency that is requested for the function."""
        ...

    def put_provisioned(self, function: str, qualifier: str, requested: int) -> None:
        """Request provisioned concurrency. Raises `RefusedError` and `VersionNotFoundError`."""
        ...

    def remove_provisioned(self, function: str, qualifier: str) -> None:
        """Take provisioned concurrency away; nothing happens where there is none."""
        ...

    def has_version(self, function: str, qualifier: str) -> bool:
        """Whether the function has this version or alias."""
        ...

    def scaling(self, function: str, qualifier: str) -> VersionScaling:
        """What is requested for one version of a function on Lambda Managed Instances.

        Raises
        ------
        VersionNotFoundError
            When the function has no such version, or the version no scaling.
        """
        ...

    def scale(self, function: str, scaling: VersionScaling) -> None:
        """Request that for the version; raises `VersionNotFoundError` and `RefusedError`."""
        ...

    def mappings(self, function: str) -> tuple[EventSourceMapping, ...]:
        """All event source mappings of the function (any qualifier)."""
        ...

    def mapping(self, uuid: str) -> EventSourceMapping:
        """One event source mapping. Raises `MappingNotFoundError`."""
        ...

    def switch_mapping(self, uuid: str, *, enabled: bool) -> None:
        """Enable or disable a mapping. Raises `MappingNotFoundError`."""
        ...

    def limit_mapping(self, uuid: str, maximum: int | None) -> None:
        """Limit how many invocations of an SQS mapping run at a time; ``None``: no limit.

        Raises
        ------
        MappingNotFoundError
            When there is no such mapping.
        InvalidValueError, RefusedError
            When AWS refuses it: another kind of source, provisioned mode, a value out of bounds.
        """
        ...

    def triggers(
        self, function: str, mappings: Sequence[EventSourceMapping]
    ) -> tuple[Trigger, ...]:
        """How events reach the function: its mappings and what its resource policy admits."""
        ...

    def async_target(self, function: str) -> str:
        """ARN of the on-failure destination for asynchronous events; empty for none."""
        ...

    def tag(self, function_arn: str, tags: Mapping[str, str]) -> None:
        """Put tags on a function."""
        ...

    def untag(self, function_arn: str, keys: Sequence[str]) -> None:
        """Take tags off a function."""
        ...

    def tagged(self, key: str) -> Mapping[str, str]:
        """ARN of each function that carries a tag with `key`, with the tag's value."""
        ...


class HoldFactsReader(Protocol):
    """What must be known before a function is held."""

    def read(self, function: str) -> HoldFacts:
        """Of its triggers and of itself. What cannot be read is unknown; nothing is raised."""
        ...

    def depth(self, queue_arns: Sequence[str]) -> float | None:
        """Messages in these queues now: visible, delayed and in flight; ``None`` if unknown.

        Approximate, and true within a minute or so (SQS developer guide, *Resources required to
        process messages*).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyPart:
    """Some of the functions of an account that has more of them than one query sees.

    Attributes
    ----------
    series
        The last minutes of Invocations of those that have any, the busiest first.
    active
        How many functions were invoked lately.
    seen
        How many of them this part holds.
    last
        The last of them in the order of names, behind which the next part begins.
    """

    series: Mapping[str, Series]
    active: int
    seen: int
    last: str


class Metrics(Protocol):
    """CloudWatch. Every method raises `MetricsUnavailableError`; series may hold gaps."""

    def account(self, now: datetime) -> AccountSeries:
        """3 h of the account-wide series up to the last minute that is over."""
        ...

    def account_precedent(self, now: datetime) -> Series:
        """14 days of account-wide Invocations in sums of 5 minutes."""
        ...

    def busiest(self, now: datetime) -> Mapping[str, Series]:
        """The last minutes of Invocations of the busiest functions, in one query if possible."""
        ...

    def part(self, after: str, most: int | None, now: datetime) -> SurveyPart | None:
        """The same of functions that follow `after` by name, and of the first after the last.

        ``None`` in an account with so few functions that one query sees all.

        Parameters
        ----------
        most
            Functions to read; ``None`` for all. Fewer are read when it takes too long.
        """
        ...

    def most_concurrent(self, now: datetime) -> Mapping[str, Series]:
        """The same of concurrent executions, maxima a minute, the highest first."""
        ...

    def dropped(self, now: datetime) -> Mapping[str, Series]:
        """The same of recursive invocations that AWS dropped; functions without any left out."""
        ...

    def recent(self, functions: Sequence[str], now: datetime) -> Mapping[str, RecentSeries]:
        """3 h of 1-minute datapoints of each function."""
        ...

    def invocations(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """The Invocations of the same alone: a sixth of the metrics."""
        ...

    def precedent(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """14 days of Invocations of each function, in sums of 5 minutes."""
        ...

    def arrivals(
        self, sources: Sequence[Source], start: datetime, end: datetime
    ) -> tuple[Arrivals, ...]:
        """What arrived at each source, minute by minute, and what waits there, in their order.

        Parameters
        ----------
        start, end
            The first minute, and the one after the last; what is less than a minute is cut off.
        """
        ...

    def peaks(self, function: str, now: datetime) -> Series:
        """14 days of a function's concurrent executions, the most of each 5 minutes.

        Up to where the recent series begin (Lambda developer guide, *Types of metrics for Lambda
        functions*: ConcurrentExecutions).
        """
        ...

    def lag(self, function: str, start: datetime, end: datetime) -> Series:
        """How far the polling of a function's streams lay behind, in ms, the most of each minute.

        Without a datapoint where it has none (Lambda developer guide, *Types of metrics for Lambda
        functions*: IteratorAge).
        """
        ...


class Examined(Protocol):
    """What the diagnosis examines at its next tick, within the hour."""

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """Remember that functions show a first sign of trouble.

        Raises
        ------
        LedgerUnavailableError
            When that cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The incident is now in the ledger."""

    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyOpen:
    """The function already has an open incident."""

    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadiusReached:
    """As many functions as allowed were contained within the window."""

    contained: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatelyClosed:
    """An incident of the function was closed after that began on which the new one rests.

    The datapoints may still be those of the former trouble: who has put it back must not find it
    stopped again for what was before.
    """

    closed_at: datetime


Opening: TypeAlias = Opened | AlreadyOpen | BlastRadiusReached


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """How many functions may be held within a window of time, each counted once.

    Attributes
    ----------
    is_binding
        Whether an incident without a free place is refused. What is done already is only counted.
    """

    most: int
    window: timedelta
    is_binding: bool = True


class RequestClaim(StrEnum):
    """Whose a rollback request is, when a request of CloudFormation brings its nonce."""

    MINE = "mine"  # to be carried out by the request that asked
    DONE = "done"  # carried out by another request
    UNDER_WAY = "under_way"  # another request is carrying it out


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often something was done, and when last (``None`` for never)."""

    count: int = 0
    last_at: datetime | None = None


ATTEMPTS_KEPT: Final = timedelta(days=90)

# A request that has told no outcome after this long is over: longer than a run of `restore` lasts.
REQUEST_LASTS: Final = timedelta(minutes=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseMemory:
    """What the pulse remembers of its last closer look.

    Attributes
    ----------
    looked_at
        When it last looked at the functions; ``None`` for never.
    level_per_minute
        The account's invocations a minute at that time.
    looks
        Closer looks in a row that found nothing, for backing off.
    watched
        Functions whose young spike was no loop yet when it was looked at: looked at each minute.
    watch_until
        Until when; ``None`` for nothing to watch.
    swept_to
        In an account that is swept in parts: the last function of the last part.
    stock
        Looks that were left at `stocked_at`; ``None`` for a full stock.
    stocked_at
        When that was; ``None`` for never.
    """

    looked_at: datetime | None = None
    level_per_minute: float = 0.0
    looks: int = 0
    watched: tuple[str, ...] = ()
    watch_until: datetime | None = None
    swept_to: str = ""
    stock: float | None = None
    stocked_at: datetime | None = None


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

    Of a stop that was taken over from its tag nobody has written down when: it is taken to have
    begun some minutes before, or a signal of that time that is tried again stops what was restored.
    """
    recorded = min(incident.assessment.since or incident.opened_at, incident.opened_at)
    is_recorded = bool(incident.assessment.grounds)
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
    pulse: PulseMemory = PulseMemory()
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
            for one in (*self.past, *self._closed())
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

    def _closed(self) -> Iterator[PastIncident]:
        return (PastIncident.of(one) for one in self.incidents if one.is_closed)

    def known_until(self, function: str) -> datetime:
        """When the last incident of a function was closed that is known here."""
        known = (one.until for one in (*self.past, *self._closed()) if one.function == function)
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


class Ledger(Protocol):
    """The durable record. Every method raises `LedgerUnavailableError`."""

    def open(
        self,
        incident: Incident,
        blast_radius: BlastRadius | None,
        *,
        known_until: datetime | None = None,
    ) -> Opening | LatelyClosed:
        """Write a new incident, if its function has none and the blast radius allows.

        One transaction: the incident and a place within the blast radius come together or not at
        all. `blast_radius` is ``None`` for an incident that changes nothing. Opening the
        same incident again answers `Opened` with what is stored, so that a retry is harmless. One
        that another run has opened within the same second has the same id, and is another one.

        No incident is opened whose beginning lies before the function's last closed one ended,
        unless that one was known when it was judged.

        Parameters
        ----------
        known_until
            When the last one was closed of which the judgement knew, see `LiveLedger.known_until`;
            ``None`` where it knew of none.
        """
        ...

    def hold(self, incident: Incident, blast_radius: BlastRadius) -> Opening:
        """Save a changed incident that from now on takes hold of its function.

        As `save`, with a place within the blast radius in the same transaction.
        """
        ...

    def save(self, incident: Incident) -> Incident:
        """Replace the stored incident and answer it with its new version.

        One that holds nothing any more gives its place within the blast radius back.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `incident` carries.
        """
        ...

    def find(self, function: str) -> Incident | None:
        """The open incident of a function, read consistently."""
        ...

    def live(self) -> LiveLedger:
        """All that is not filed away, in one query."""
        ...

    def supersede(self, old: Incident, new: Incident, blast_radius: BlastRadius | None) -> Opening:
        """File `old` away and open `new` for the same function, in one transaction.

        `blast_radius` is ``None`` where the change that `new` tells of is done already.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `old` carries.
        """
        ...

    def file_away(self, incident: Incident) -> None:
        """Move a closed incident whose notices are sent out of the live ones.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `incident` carries.
        """
        ...

    def closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """Incidents of a function that were closed after `since`, newest first."""
        ...

    def remember_pulse(self, memory: PulseMemory) -> None:
        """Keep what the pulse saw. Last writer wins: it only saves queries."""
        ...

    def attempts(self, about: str) -> Attempts:
        """What was counted of a matter that has no incident, such as telling of it.

        Parameters
        ----------
        about
            A name for the matter, of at most 1,000 bytes.
        """
        ...

    def count_attempt(self, about: str, now: datetime) -> None:
        """Count one more. It is forgotten `ATTEMPTS_KEPT` after the last one."""
        ...

    def tag_key(self) -> bytes:
        """The secret by which a snapshot in a tag is known as the guard's own.

        The first one that asks creates it; it never changes after that.
        """
        ...

    def known_tag_key(self) -> bytes | None:
        """The same where this process has read it before, without a call; else ``None``."""
        ...

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """Whether the rollback request with this nonce is this request's to carry out.

        It is for the request that brought the nonce first, and again for its retries; for any
        other only after the former has failed, or has told no outcome within `REQUEST_LASTS`.
        CloudFormation replays old properties when it rolls a deployment back: only those of a
        request that succeeded, and never again those of one that failed.
        """
        ...

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """Write down what became of a claimed request.

        Nothing is written where another one has it by now, or where it is done: a repeated
        delivery that fails makes nothing undone.
        """
        ...


class Publisher(Protocol):
    """SNS."""

    def publish(self, subject: str, body: str) -> None:
        """Send a notice to the topic. Raises `NoticeUndeliveredError`."""
        ...


class WayBack(Protocol):
    """What ends a hold even if `contain` is gone: one one-time schedule for each incident.

    Every method raises `RefusedError` when AWS refuses, and `BusyError` when the same call may go
    well later. The schedule invokes `restore`, which ends the hold where the incident is still held
    for watching; it may do so more than once, late, or when nothing is left to end.
    """

    def schedule(self, incident_id: str, function: str, at: datetime) -> None:
        """Have the hold of an incident ended at that time at the latest, within a minute.

        The same incident again moves the time. Nothing may be held before this has succeeded.
        """
        ...

    def cancel(self, incident_id: str) -> None:
        """Take the schedule of an incident away; nothing happens where there is none."""
        ...
