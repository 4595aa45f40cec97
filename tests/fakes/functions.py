"""The ports of functions and of what a hold depends on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.domain.account.limits import AccountLimits
from functions.domain.changes.steps import (
    LEAST_MAPPING_LIMIT,
    MOST_MAPPING_LIMIT,
    ProvisionedConcurrency,
    VersionScaling,
)
from functions.domain.detection.arrivals import (
    SourceKind,
)
from functions.domain.detection.evidence import (
    FunctionFacts,
    FunctionKind,
    Trigger,
    TriggerKind,
)
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    LoopbreakerError,
    MappingNotFoundError,
    ProvisionedConcurrencyError,
    RefusedError,
    VersionNotFoundError,
)
from functions.domain.holding.facts import (
    DEFAULT_EVENT_AGE_SECONDS,
    TABLE_RETENTION_HOURS,
    HoldFacts,
    MappingFacts,
)
from functions.domain.holding.sources import find_counted_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.domain.changes.steps import (
        EventSourceMapping,
    )
    from tests.fakes.account import FakeAccount
    from tests.fakes.resources import FakeFunction, FakeMapping

BUSIEST_MINUTES: Final = 10


_POLLED: Final = {
    "sqs": (TriggerKind.SQS, "SQS"),
    "dynamodb": (TriggerKind.STREAM, "DynamoDB stream"),
    "kinesis": (TriggerKind.STREAM, "Kinesis"),
    "kafka": (TriggerKind.OTHER_POLLED, "Kafka"),
    "mq": (TriggerKind.OTHER_POLLED, "Amazon MQ"),
    "rds": (TriggerKind.OTHER_POLLED, "DocumentDB"),
}


# Of one function (Lambda developer guide, *Using tags on Lambda functions*).
MOST_TAGS: Final = 50


class FakeFunctions:
    """Twin of `functions.aws.incidents.lambda_functions.LambdaFunctions`."""

    def __init__(self, account: FakeAccount) -> None:
        self._account = account

    def _get(self, name: str) -> FakeFunction:
        try:
            return self._account.by_name[name]
        except KeyError:
            raise FunctionNotFoundError(f"Function not found: {name}") from None

    def _get_mapping(self, uuid: str) -> FakeMapping:
        try:
            return self._account.by_uuid[uuid]
        except KeyError:
            raise MappingNotFoundError(
                f"The resource you requested does not exist: {uuid}"
            ) from None

    def _by_arn(self, arn: str) -> FakeFunction:
        return self._get(arn.rpartition(":function:")[2])

    def describe(self, function: str) -> FunctionFacts:
        """See the port."""
        with self._account.call("functions", "describe", function=function):
            one = self._get(function)
            return FunctionFacts(
                name=one.name,
                arn=one.arn,
                memory_mb=one.memory_mb,
                timeout_seconds=one.timeout_seconds,
                architecture=one.architecture,
                reserved_concurrency=one.reserved,
                tags=MappingProxyType(dict(one.tags)),
                async_target_arn=one.dead_letter_arn,
                last_modified=one.last_modified,
                kind=(
                    FunctionKind.MANAGED_INSTANCES if one.is_on_instances else FunctionKind.STANDARD
                ),
                scaling=tuple(
                    VersionScaling(qualifier=qualifier, minimum=least, maximum=most)
                    for qualifier, (least, most) in sorted(one.instances.items())
                ),
                is_durable=one.is_durable,
            )

    def reserved_concurrency(self, function: str) -> int | None:
        """See the port."""
        with self._account.call("functions", "reserved_concurrency", function=function):
            return self._get(function).reserved

    def reserve(self, function: str, concurrency: int) -> None:
        """See the port. Refuses what AWS refuses."""
        with self._account.call("functions", "reserve", function=function, concurrency=concurrency):
            one = self._get(function)
            if one.is_on_instances:
                raise RefusedError("ReservedConcurrentExecutions is not for Managed Instances")
            requested = sum(one.provisioned.values())
            if requested > concurrency:
                raise ProvisionedConcurrencyError(
                    f"ReservedConcurrentExecutions for function {function} cannot be lower than "
                    f"its provisioned concurrency of {requested}"
                )
            others = sum(
                other.reserved or 0
                for other in self._account.by_name.values()
                if other.name != function
            )
            left = self._account.concurrency - others - concurrency
            if concurrency > 0 and left < self._account.unreserved_minimum:
                raise RefusedError(
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                    "UnreservedConcurrentExecution below its minimum value of "
                    f"[{self._account.unreserved_minimum}]."
                )
            one.reserved = concurrency

    def unreserve(self, function: str) -> None:
        """See the port."""
        with self._account.call("functions", "unreserve", function=function):
            self._get(function).reserved = None

    def provisioned(self, function: str) -> tuple[ProvisionedConcurrency, ...]:
        """See the port."""
        with self._account.call("functions", "provisioned", function=function):
            return tuple(
                ProvisionedConcurrency(qualifier=qualifier, requested=requested)
                for qualifier, requested in sorted(self._get(function).provisioned.items())
            )

    def put_provisioned(self, function: str, qualifier: str, requested: int) -> None:
        """See the port. Refuses more than is reserved."""
        with self._account.call(
            "functions",
            "put_provisioned",
            function=function,
            qualifier=qualifier,
            requested=requested,
        ):
            one = self._get(function)
            if qualifier in one.gone:
                raise VersionNotFoundError(f"Function not found: {function}:{qualifier}")
            others = sum(count for name, count in one.provisioned.items() if name != qualifier)
            if one.reserved is not None and others + requested > one.reserved:
                raise RefusedError(
                    "Requested Provisioned Concurrency should not be greater than the "
                    "reservedConcurrentExecution for function"
                )
            one.provisioned[qualifier] = requested

    def remove_provisioned(self, function: str, qualifier: str) -> None:
        """See the port."""
        with self._account.call(
            "functions", "remove_provisioned", function=function, qualifier=qualifier
        ):
            self._get(function).provisioned.pop(qualifier, None)

    def has_version(self, function: str, qualifier: str) -> bool:
        """See the port."""
        with self._account.call("functions", "has_version", function=function, qualifier=qualifier):
            return qualifier not in self._get(function).gone

    def scaling(self, function: str, qualifier: str) -> VersionScaling:
        """See the port."""
        with self._account.call("functions", "scaling", function=function, qualifier=qualifier):
            instances = self._get(function).instances
            if qualifier not in instances:
                raise VersionNotFoundError(f"Function not found: {function}:{qualifier}")
            least, most = instances[qualifier]
            return VersionScaling(qualifier=qualifier, minimum=least, maximum=most)

    def scale(self, function: str, scaling: VersionScaling) -> None:
        """See the port."""
        with self._account.call("functions", "scale", function=function, scaling=scaling):
            instances = self._get(function).instances
            if scaling.qualifier not in instances:
                raise VersionNotFoundError(f"Function not found: {function}:{scaling.qualifier}")
            instances[scaling.qualifier] = (scaling.minimum, scaling.maximum)

    def mappings(self, function: str) -> tuple[EventSourceMapping, ...]:
        """See the port."""
        with self._account.call("functions", "mappings", function=function):
            return tuple(
                one.seen() for one in self._account.by_uuid.values() if one.function == function
            )

    def mapping(self, uuid: str) -> EventSourceMapping:
        """See the port."""
        with self._account.call("functions", "mapping", uuid=uuid):
            return self._get_mapping(uuid).seen()

    def switch_mapping(self, uuid: str, *, enabled: bool) -> None:
        """See the port."""
        with self._account.call("functions", "switch_mapping", uuid=uuid, enabled=enabled):
            self._settled(uuid).enabled = enabled

    def limit_mapping(self, uuid: str, maximum: int | None) -> None:
        """See the port. Refuses what AWS refuses."""
        with self._account.call("functions", "limit_mapping", uuid=uuid, maximum=maximum):
            one = self._settled(uuid)
            if maximum is not None and ":sqs:" not in one.source_arn:
                raise InvalidValueError(
                    f"{uuid}: InvalidParameterValueException: ScalingConfig is only supported for "
                    "Amazon SQS event sources."
                )
            if maximum is not None and not LEAST_MAPPING_LIMIT <= maximum <= MOST_MAPPING_LIMIT:
                raise RefusedError(f"{uuid}: ValidationException: {maximum}")
            one.maximum_concurrency = maximum

    def _settled(self, uuid: str) -> FakeMapping:
        one = self._get_mapping(uuid)
        if one.is_changing:
            raise BusyError(f"{uuid}: ResourceInUseException: it is in use (tried 6 times)")
        return one

    def triggers(
        self, function: str, mappings: Sequence[EventSourceMapping]
    ) -> tuple[Trigger, ...]:
        """See the port."""
        with self._account.call("functions", "read_triggers", function=function, mappings=mappings):
            polled = tuple(
                Trigger(
                    kind=_POLLED[one.source_arn.split(":")[2]][0],
                    service=_POLLED[one.source_arn.split(":")[2]][1],
                    source_arn=one.source_arn,
                    mapping_uuid=one.uuid,
                )
                for one in mappings
            )
            return polled + self._get(function).pushed

    def async_target(self, function: str) -> str:
        """See the port."""
        with self._account.call("functions", "async_target", function=function):
            return self._get(function).on_failure_arn

    def tag(self, function_arn: str, tags: Mapping[str, str]) -> None:
        """See the port."""
        with self._account.call("functions", "tag", function_arn=function_arn, tags=tags):
            present = self._by_arn(function_arn).tags
            if len({**present, **tags}) > MOST_TAGS:
                raise InvalidValueError(
                    f"InvalidParameterValueException: more than {MOST_TAGS} tags"
                )
            present.update(tags)

    def untag(self, function_arn: str, keys: Sequence[str]) -> None:
        """See the port."""
        with self._account.call("functions", "untag", function_arn=function_arn, keys=keys):
            for key in keys:
                self._by_arn(function_arn).tags.pop(key, None)

    def tagged(self, key: str) -> Mapping[str, str]:
        """See the port."""
        with self._account.call("functions", "tagged", key=key):
            return {
                one.arn: one.tags[key] for one in self._account.by_name.values() if key in one.tags
            }


class FakeHoldFacts:
    """Twin of `functions.aws.incidents.hold_facts.AwsHoldFacts`.

    Attributes
    ----------
    denied
        What may not be read: ARNs of queues and streams.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self.denied: set[str] = set()

    def read(self, function: str) -> HoldFacts:
        """See the port."""
        try:
            return self._read(function)
        except LoopbreakerError as error:  # what cannot be read is unknown
            other = MappingFacts(uuid="", kind=SourceKind.OTHER)
            return HoldFacts(mappings=(other,), unreadable=(str(error),))

    def _read(self, function: str) -> HoldFacts:
        with self._account.call("hold_facts", "read", function=function):
            one = self._account.by_name.get(function)
            if one is None:
                words = "ResourceNotFoundException: Function not found"
                return HoldFacts(
                    unreadable=(f"maximum event age: {words}", f"provisioned concurrency: {words}")
                )
            polling = [m for m in self._account.by_uuid.values() if m.function == function]
            return HoldFacts(
                mappings=tuple(self._mapping(m) for m in polling),
                maximum_event_age_seconds=float(
                    min((DEFAULT_EVENT_AGE_SECONDS, *one.event_ages.values()))
                ),
                has_provisioned_concurrency=bool(one.provisioned),
                unreadable=tuple(
                    f"{m.source_arn}: AccessDenied: no"
                    for m in polling
                    if m.source_arn in self.denied
                ),
            )

    def read_limits(self) -> AccountLimits | None:
        """See the port."""
        with suppress(LoopbreakerError), self._account.call("hold_facts", "read_limits"):
            functions = self._account.by_name.values()
            return AccountLimits(
                concurrency=self._account.concurrency,
                unreserved=self._account.concurrency - sum(one.reserved or 0 for one in functions),
                functions=len(functions),
            )
        return None

    def depth(self, queue_arns: Sequence[str]) -> float | None:
        """See the port."""
        with (
            suppress(LoopbreakerError),
            self._account.call("hold_facts", "depth", queue_arns=tuple(queue_arns)),
        ):
            if not self.denied & set(queue_arns):
                return sum(self._account.queues[one].depth for one in queue_arns)
        return None

    def _mapping(self, mapping: FakeMapping) -> MappingFacts:
        arn = mapping.source_arn
        facts = MappingFacts(
            uuid=mapping.uuid,
            kind=find_counted_kind(arn, self._account.by_name[mapping.function].arn),
            is_enabled=mapping.enabled or mapping.is_changing,
            source_arn=arn,
            maximum_record_age_seconds=mapping.maximum_record_age_seconds,
            batching_window_seconds=mapping.batching_window_seconds,
            batch_size=mapping.batch_size,
            maximum_concurrency=mapping.maximum_concurrency,
            is_provisioned_mode=mapping.is_provisioned_mode,
        )
        if arn in self.denied:
            return facts
        match facts.kind:
            case SourceKind.QUEUE:
                queue = self._account.queues[arn]
                if queue.is_redriven_to:
                    return replace(facts, kind=SourceKind.OTHER)
                return replace(
                    facts,
                    max_receive_count=queue.max_receive_count,
                    queue_retention_seconds=queue.retention_seconds,
                    delay_seconds=queue.delay_seconds,
                )
            case SourceKind.STREAM:
                return replace(facts, stream_retention_hours=self._account.stream_hours[arn])
            case SourceKind.TABLE:
                return replace(facts, stream_retention_hours=TABLE_RETENTION_HOURS)
            case _:
                return facts
