"""What the core needs of the world. Adapters in `functions.aws`, fakes in the tests."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from functions.domain.account.limits import AccountLimits
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
from functions.domain.notices.account_names import NO_ACCOUNT_NAMES, AccountNames
from functions.domain.notices.events.ports import EventOutlet, NoEvents
from functions.domain.notices.notice import Deployment, Notice


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

    def read_limits(self) -> AccountLimits | None:
        """How many functions the account may run at a time; ``None`` if AWS does not answer."""
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

    def recent(
        self, functions: Sequence[str], now: datetime, since: datetime | None = None
    ) -> Mapping[str, RecentSeries]:
        """3 h of 1-minute datapoints of each function; more where they are asked for since then."""
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


class Publisher(Protocol):
    """SNS."""

    def publish(self, notice: Notice) -> None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardContext:
    """What all runs have that change something and send notices of it.

    Attributes
    ----------
    clock
        The time of day, for leases and claims: a run may take longer than one, so that the moment
        at which it began does not show whether its lease is still good.
    events
        Where the events of notices wait until everything else is done.
    """

    publisher: Publisher
    deployment: Deployment
    clock: Callable[[], datetime]
    events: EventOutlet = field(default_factory=NoEvents)
    names: AccountNames = NO_ACCOUNT_NAMES

    def describe_place(self) -> Deployment:
        """The deployment with the name of the account, for a notice. It may ask AWS."""
        return self.names.add_alias(self.deployment)

    def present(self, now: datetime) -> datetime:
        """The present moment of a run that began at `now`, which a signal may have set."""
        return max(now, self.clock())
