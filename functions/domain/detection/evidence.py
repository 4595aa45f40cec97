"""Facts about a function, gathered before anything is concluded from them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from functions.domain.changes.steps import VersionScaling
from functions.domain.errors import InvalidSeriesError

MINUTE_SECONDS = 60
RECENT_MINUTES = 180
PRECEDENT_DAYS = 14
PRECEDENT_PERIOD_SECONDS = 300


def floor_to(moment: datetime, period_seconds: int) -> datetime:
    """The start of the period that `moment` lies in, periods counted from the epoch."""
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % period_seconds, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Datapoints of one metric on a regular grid, oldest first.

    Attributes
    ----------
    start
        Timestamp of ``values[0]``: the beginning of its period.
    period_seconds
        Seconds from one value to the next.
    values
        One value a period; ``None`` where CloudWatch has no datapoint. A missing datapoint of
        Invocations means that nothing was recorded, not that the function stood still: metrics
        are sent when an invocation *ends*, under the minute in which it began
        (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html).
    """

    start: datetime
    period_seconds: int
    values: tuple[float | None, ...]

    @classmethod
    def from_datapoints(
        cls,
        datapoints: Iterable[tuple[datetime, float]],
        *,
        start: datetime,
        end: datetime,
        period_seconds: int = MINUTE_SECONDS,
    ) -> Self:
        """Lay datapoints (oldest first) onto the grid from `start` to `end` (excluded).

        Datapoints outside of it are left out.

        Raises
        ------
        InvalidSeriesError
            For NaN, infinite or negative values, timestamps without a time zone, and timestamps
            that are unsorted, duplicated or not on the grid.
        """
        first = int(start.timestamp())
        if first % period_seconds:
            raise InvalidSeriesError(
                f"a series of period {period_seconds} s cannot start at {start.isoformat()}"
            )
        length = max(0, (int(end.timestamp()) - first) // period_seconds)
        values: list[float | None] = [None] * length
        before = -math.inf
        for moment, value in datapoints:
            if moment.tzinfo is None:
                raise InvalidSeriesError(f"timestamp {moment.isoformat()} has no time zone")
            if not (0 <= value < math.inf):
                raise InvalidSeriesError(
                    f"value {value} at {moment.isoformat()} is not a count of 0 or more"
                )
            seconds = moment.timestamp()
            if seconds <= before:
                raise InvalidSeriesError(
                    f"timestamp {moment.isoformat()} does not come after the one before it"
                )
            before = seconds
            index, rest = divmod(seconds - first, period_seconds)
            if rest:
                raise InvalidSeriesError(
                    f"timestamp {moment.isoformat()} is not on a period of {period_seconds} s"
                )
            if 0 <= index < length:
                values[int(index)] = float(value)
        return cls(start=start, period_seconds=period_seconds, values=tuple(values))

    @classmethod
    def empty(cls, *, start: datetime) -> Self:
        """A series of minutes without any datapoint."""
        return cls(start=start, period_seconds=MINUTE_SECONDS, values=())

    @property
    def end(self) -> datetime:
        """The moment at which the last period ends."""
        return self.start + timedelta(seconds=self.period_seconds * len(self.values))

    def moment(self, index: int) -> datetime:
        """Timestamp of ``values[index]`` (negative indexes count from the end)."""
        if index < 0:
            index += len(self.values)
        return self.start + timedelta(seconds=self.period_seconds * index)

    def without(self, periods: Iterable[tuple[datetime, datetime]]) -> Self:
        """The same series with the datapoints inside the given periods (start, end) missing."""
        values = list(self.values)
        for begin, finish in periods:
            first = math.floor((begin - self.start).total_seconds() / self.period_seconds)
            last = math.ceil((finish - self.start).total_seconds() / self.period_seconds)
            for index in range(max(0, first), min(len(values), last)):
                values[index] = None
        return replace(self, values=tuple(values))


class LoopProof(StrEnum):
    """What is known about whether the function can invoke itself at all."""

    UNKNOWN = "unknown"  # no event graph, or it does not say
    CERTAIN = "certain"  # a cycle through the function of which every edge is certain
    POSSIBLE = "possible"  # a cycle with at least one edge that is only possible
    RULED_OUT = "ruled_out"  # the graph shows that no cycle leads back to it


class TriggerKind(StrEnum):
    """How events reach a function: it decides what becomes of them while it is contained."""

    SQS = "sqs"
    STREAM = "stream"  # DynamoDB stream, Kinesis
    ASYNC = "async"  # S3, SNS, EventBridge, Scheduler, Logs, ...
    SYNC = "sync"  # API Gateway, function URL, load balancer, another service that waits
    OTHER_POLLED = "other_polled"  # Kafka, MQ, DocumentDB


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One way in which events reach the function.

    Attributes
    ----------
    kind
        The family, see `TriggerKind`.
    service
        The service as people call it, e.g. ``DynamoDB stream`` or ``S3``.
    source_arn
        The resource that sends the events; empty where the permission names none.
    mapping_uuid
        The event source mapping, for polled sources; otherwise empty.
    """

    kind: TriggerKind
    service: str
    source_arn: str
    mapping_uuid: str = ""


class FunctionKind(StrEnum):
    """Where a function runs: that decides what can stop it."""

    STANDARD = "standard"  # reserved concurrency
    MANAGED_INSTANCES = "managed_instances"  # the scaling of its versions; no reservation
    EDGE_REPLICA = "edge_replica"  # a copy of a function that CloudFront runs in this Region


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFacts:
    """Configuration of a target function, as GetFunction tells it.

    Attributes
    ----------
    arn
        Empty where it is unknown.
    memory_mb, timeout_seconds
        0 where they are unknown.
    reserved_concurrency
        ``None`` where nothing is reserved: never the same as 0. GetFunction leaves the field out
        then (https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html).
    async_target_arn
        Where failed asynchronous events go: dead-letter queue or on-failure destination of the
        function's configuration; empty where there is none or it is unknown.
    scaling
        Of a function on Lambda Managed Instances: its versions that have instances. Empty where
        that is unknown.
    is_durable
        Whether it has durable executions: one goes on across invocations, for up to a year.
    """

    name: str
    arn: str
    memory_mb: int
    timeout_seconds: int
    architecture: str = "x86_64"
    reserved_concurrency: int | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    async_target_arn: str = ""
    last_modified: datetime | None = None
    kind: FunctionKind = FunctionKind.STANDARD
    scaling: tuple[VersionScaling, ...] = ()
    is_durable: bool = False

    def with_tag(self, key: str, value: str | None) -> Self:
        """The configuration with a tag as it was read later; ``None``: nothing newer is known."""
        if value is None:
            return self
        return replace(self, tags=MappingProxyType({**self.tags, key: value}))

    @property
    def is_stopped(self) -> bool:
        """Whether nothing can invoke it now."""
        if self.kind is FunctionKind.MANAGED_INSTANCES:
            return bool(self.scaling) and all(one.is_zero for one in self.scaling)
        return self.reserved_concurrency == 0

    @classmethod
    def of_edge_replica(cls, name: str) -> Self:
        """What is known of a Lambda@Edge replica: that it is one.

        Its configuration is that of the function in us-east-1, where the guard of another Region
        may not read.
        """
        return cls(
            name=name,
            arn="",
            memory_mb=0,
            timeout_seconds=0,
            kind=FunctionKind.EDGE_REPLICA,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentSeries:
    """3 hours of 1-minute datapoints of one function, all on the same grid.

    ``invocations``, ``throttles``, ``errors`` and ``native_drops`` are sums a minute,
    ``concurrency`` is the maximum within the minute, ``duration_ms`` the mean in milliseconds.
    """

    invocations: Series
    concurrency: Series
    throttles: Series
    errors: Series
    duration_ms: Series
    native_drops: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known about one function at `now`, for `assess`.

    Attributes
    ----------
    recent
        3 h of 1-minute datapoints up to the last minute that is over. Its newest datapoints may
        still be partial or missing: CloudWatch receives them when invocations end.
    precedent
        14 days of 5-minute sums of Invocations before that; ``None`` where it could not be read.
    facts
        Configuration; ``None`` while it has not been asked for.
    account_concurrency
        The account's concurrency limit; ``None`` where unknown.
    proof
        What the event graph says.
    """

    function: str
    now: datetime
    recent: RecentSeries
    precedent: Series | None = None
    facts: FunctionFacts | None = None
    account_concurrency: int | None = None
    proof: LoopProof = LoopProof.UNKNOWN

    def without(self, periods: Iterable[tuple[datetime, datetime]]) -> Self:
        """The same evidence, blind to the given periods (of incidents that are over).

        A loop that was stopped yesterday is no precedent for the one of today.
        """
        spans = tuple(periods)
        if not spans:
            return self
        recent = replace(self.recent, invocations=self.recent.invocations.without(spans))
        precedent = None if self.precedent is None else self.precedent.without(spans)
        return replace(self, recent=recent, precedent=precedent)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeries:
    """The account-wide series (no dimension), all on the same grid of 1-minute datapoints.

    ``invocations`` and ``throttles`` are sums a minute, ``concurrency`` the maximum.
    """

    invocations: Series
    concurrency: Series
    throttles: Series
