"""What is in the account: functions, their mappings, queues."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from functions.domain.changes.steps import (
    EventSourceMapping,
)

if TYPE_CHECKING:
    from functions.domain.detection.evidence import (
        Trigger,
    )


@dataclass(slots=True)
class FakeMapping:
    """One event source mapping."""

    uuid: str
    function: str
    source_arn: str
    enabled: bool = True
    maximum_concurrency: int | None = None
    is_changing: bool = False  # AWS is at work on it, and refuses to change it
    maximum_record_age_seconds: float | None = None
    batching_window_seconds: float = 0.0
    batch_size: int = 10
    is_provisioned_mode: bool = False

    def seen(self) -> EventSourceMapping:
        """What the port answers."""
        return EventSourceMapping(
            uuid=self.uuid,
            source_arn=self.source_arn,
            enabled=self.enabled or self.is_changing,
            function=self.function,
            maximum_concurrency=self.maximum_concurrency,
            is_changing=self.is_changing,
        )


@dataclass(slots=True)
class FakeQueue:
    """What the attributes of a queue say; AWS's defaults."""

    depth: float = 0.0
    max_receive_count: int | None = None
    retention_seconds: float = 4 * 86_400.0
    delay_seconds: float = 0.0
    is_redriven_to: bool = False  # it is the dead-letter queue of another one


@dataclass(slots=True)
class FakeFunction:
    """One target function, with what tests may look at and change as a person would."""

    name: str
    arn: str
    reserved: int | None = None
    memory_mb: int = 128
    timeout_seconds: int = 3
    architecture: str = "x86_64"
    tags: dict[str, str] = field(default_factory=dict)
    provisioned: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # versions and aliases that it has no more
    # By version, on Lambda Managed Instances: least and most execution environments.
    instances: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    is_on_instances: bool = False
    is_durable: bool = False
    pushed: tuple[Trigger, ...] = ()
    dead_letter_arn: str = ""
    on_failure_arn: str = ""
    # Maximum ages of asynchronous events, by version or alias; seconds.
    event_ages: dict[str, int] = field(default_factory=dict)
    last_modified: datetime = datetime(2026, 1, 1, tzinfo=UTC)
