"""What must be known of a function and its triggers before its events are made to wait."""

from dataclasses import dataclass
from typing import Final

from functions.domain.detection.arrivals import SourceKind

# Where nobody has set another (Lambda developer guide, *Configuring error handling settings for
# asynchronous invocations*).
DEFAULT_EVENT_AGE_SECONDS: Final = 6 * 3600.0
# Of every DynamoDB stream (DynamoDB developer guide, *Change data capture for DynamoDB Streams*).
TABLE_RETENTION_HOURS: Final = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFacts:
    """One event source mapping; ``None`` where something is unknown, but for three.

    Attributes
    ----------
    is_enabled
        Whether it polls, or may: one that AWS is still changing counts as enabled.
    maximum_record_age_seconds
        ``None``: records are tried until the stream drops them.
    max_receive_count
        ``None``: the queue has no dead-letter queue, or the queue could not be read; then its
        retention is ``None`` as well.
    maximum_concurrency
        Of its ScalingConfig; ``None``: not limited.
    """

    uuid: str
    kind: SourceKind
    is_enabled: bool = True
    source_arn: str = ""
    maximum_record_age_seconds: float | None = None
    stream_retention_hours: float | None = None
    batching_window_seconds: float | None = None
    batch_size: int | None = None
    maximum_concurrency: int | None = None
    is_provisioned_mode: bool | None = None
    max_receive_count: int | None = None
    queue_retention_seconds: float | None = None
    delay_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFacts:
    """What a hold depends on; ``None`` where unknown.

    Attributes
    ----------
    mappings
        Of the function, its versions and aliases. Where they could not be listed, one of kind
        `OTHER` stands for them: nothing may be held that may be polled by nobody knows what.
    maximum_event_age_seconds
        Of asynchronous events, the shortest of its versions and aliases: 6 hours where nobody has
        set it.
    unreadable
        What could not be read, with AWS's words.
    """

    mappings: tuple[MappingFacts, ...] = ()
    maximum_event_age_seconds: float | None = None
    has_provisioned_concurrency: bool | None = None
    unreadable: tuple[str, ...] = ()
