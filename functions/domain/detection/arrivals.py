"""What arrives at the sources of a function: counted whether the function runs or not.

For nearly every trigger CloudWatch has a series that counts what is sent to it. A loop feeds
itself: what its function writes arrives at a source that lies on the loop. So a spike that no such
series carries has another cause.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from functions.domain.detection.evidence import LoopProof, Series


class SourceKind(StrEnum):
    """What invokes a function."""

    QUEUE = "queue"
    TABLE = "table"  # through its stream
    STREAM = "Kinesis stream"
    ASYNCHRONOUS = "asynchronous events"  # of all services and callers together
    URL = "function URL"
    OTHER = "other"  # nothing counts what arrives, or one arrival may invoke any number of times


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One way in which events reach a function.

    Attributes
    ----------
    name
        What CloudWatch knows it by: of a queue, table or stream its name; of asynchronous events
        and of a URL the name of the function.
    loop
        Whether what the function does may lead back to it: `RULED_OUT` where nothing does.
    """

    kind: SourceKind
    name: str
    loop: LoopProof = LoopProof.UNKNOWN

    @property
    def is_outside(self) -> bool:
        """Whether nothing that arrives here can be the function's own doing."""
        return self.loop is LoopProof.RULED_OUT


def has_others(sources: Iterable[Source]) -> bool:
    """Whether something on no loop invokes a function that a pause of its queues leaves alone."""
    return any(one.is_outside and one.kind is not SourceKind.QUEUE for one in sources)


def are_countable(sources: Iterable[Source]) -> bool:
    """Whether everything that may be a function's own doing is counted somewhere."""
    own = [one for one in sources if not one.is_outside]
    return bool(own) and all(one.kind is not SourceKind.OTHER for one in own)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalMetric:
    """One series of CloudWatch that counts arrivals, as sums a minute."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


def list_arrival_metrics(source: Source) -> tuple[ArrivalMetric, ...]:
    """The series whose sum no arrivals at a source exceed; empty where there are none.

    Of a table no series counts the records of its stream. Each written item consumes at least one
    unit of write capacity, also in batches and transactions; what TTL deletes consumes none and
    has a metric of its own (DynamoDB developer guide, *DynamoDB metrics and dimensions* and *Read
    and write operations*). Writes that change nothing consume capacity too, so this is an upper
    bound. UNCONFIRMED A-049 for what a global table replicates from another Region: that is for the
    guard of that Region.

    What SQS itself moves to a dead-letter queue is not in NumberOfMessagesSent (SQS developer
    guide, *Using dead-letter queues in Amazon SQS*). So a queue that has such messages is no
    `QUEUE`, but an `OTHER`.
    """
    match source.kind:
        case SourceKind.QUEUE:
            return (_build_metric("AWS/SQS", "NumberOfMessagesSent", QueueName=source.name),)
        case SourceKind.TABLE:
            return (
                _build_metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName=source.name),
                _build_metric("AWS/DynamoDB", "TimeToLiveDeletedItemCount", TableName=source.name),
            )
        case SourceKind.STREAM:
            return (_build_metric("AWS/Kinesis", "IncomingRecords", StreamName=source.name),)
        case SourceKind.ASYNCHRONOUS:
            return (_build_metric("AWS/Lambda", "AsyncEventsReceived", FunctionName=source.name),)
        case SourceKind.URL:
            return (_build_metric("AWS/Lambda", "UrlRequestCount", FunctionName=source.name),)
        case SourceKind.OTHER:
            return ()


def choose_waiting_metric(source: Source) -> ArrivalMetric | None:
    """The series of what waits at a source, as maxima a minute; ``None`` where there is none."""
    if source.kind is not SourceKind.QUEUE:
        return None
    return _build_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=source.name)


def _build_metric(namespace: str, name: str, **dimensions: str) -> ArrivalMetric:
    return ArrivalMetric(namespace=namespace, name=name, dimensions=MappingProxyType(dimensions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What was counted at one source.

    Attributes
    ----------
    counts
        Arrivals a minute, at most, on the grid of the function's own series; ``None`` where
        nothing counts them.
    waiting
        Of a queue, the messages that may be received, the most of each minute on the same grid.
    """

    source: Source
    counts: Series | None
    waiting: Series | None = None
