"""What was there before an incident changed anything, and what was found since."""

from dataclasses import dataclass, replace
from typing import Self

from functions.domain.changes.steps import (
    EventSourceMapping,
    ProvisionedConcurrency,
    VersionScaling,
)
from functions.domain.detection.assessment import Ground
from functions.domain.detection.evidence import Trigger
from functions.domain.errors import SnapshotOverwriteError


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was there before the guard changed anything. Each part is written once.

    Attributes
    ----------
    reserved_concurrency
        ``None`` where nothing was reserved.
    provisioned, mappings
        ``None`` until they were read, which is before the first change to any of them.
    scaling
        Of a function on Lambda Managed Instances.
    """

    reserved_concurrency: int | None
    provisioned: tuple[ProvisionedConcurrency, ...] | None = None
    mappings: tuple[EventSourceMapping, ...] | None = None
    scaling: tuple[VersionScaling, ...] = ()

    def with_provisioned(self, found: tuple[ProvisionedConcurrency, ...]) -> Self:
        """The snapshot with the provisioned concurrency that was found.

        Raises
        ------
        SnapshotOverwriteError
            When that part is already written.
        """
        if self.provisioned is not None:
            raise SnapshotOverwriteError("the snapshot already holds provisioned concurrency")
        return replace(self, provisioned=found)

    def with_mappings(self, found: tuple[EventSourceMapping, ...]) -> Self:
        """The snapshot with the event source mappings that were found.

        Raises
        ------
        SnapshotOverwriteError
            When that part is already written.
        """
        if self.mappings is not None:
            raise SnapshotOverwriteError("the snapshot already holds event source mappings")
        return replace(self, mappings=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReservation:
    """What was found reserved; ``None`` for nothing, which is never the same as 0."""

    reserved_concurrency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRoutes:
    """How events reached a function, and where failed ones went, at the moment of its stop.

    What was lost depends on that, not on what a person has changed since.

    Attributes
    ----------
    triggers
        The first few of each kind; ``None`` where they could not be read.
    async_target_arn
        The dead-letter queue or on-failure destination; empty for none, ``None`` where that could
        not be read.
    """

    triggers: tuple[Trigger, ...] | None = None
    async_target_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldInstead:
    """The suspected function on whose behalf another one of its loop is held.

    Attributes
    ----------
    because
        Why the suspected one is not held itself.
    per_minute
        Its invocations a minute then.
    """

    function: str
    because: Ground
    per_minute: float = 0.0
