"""In-memory twins of the ports, with AWS's rules, a journal of the calls and faults to inject.

One `FakeAccount` holds the state and the journal; the fakes of the ports are views of it:

>>> account = FakeAccount()
>>> account.add("orders", reserved=5)
>>> account.faults.crash_after(2)
>>> run(account.functions, account.metrics, account.ledger, account.publisher)
"""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from functions.aws.records.incidents.incident_items import (
    INCIDENT,
    LIVE,
    UNSENT,
    build_incident_key,
)
from functions.aws.records.incidents.incident_record import load_incident
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.items import read_text
from functions.domain.account.limits import AccountLimits
from functions.domain.changes.steps import (
    LEAST_MAPPING_LIMIT,
    MOST_MAPPING_LIMIT,
    EventSourceMapping,
    ProvisionedConcurrency,
    VersionScaling,
)
from functions.domain.detection.arrivals import (
    Arrivals,
    SourceKind,
    choose_waiting_metric,
    list_arrival_metrics,
)
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    AccountSeries,
    FunctionFacts,
    FunctionKind,
    RecentSeries,
    Series,
    Trigger,
    TriggerKind,
    floor_to,
)
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    LedgerUnavailableError,
    LoopbreakerError,
    MappingNotFoundError,
    NoticeUndeliveredError,
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
from functions.domain.incidents.history import NOTHING_CLOSED
from functions.domain.notices.events.ports import Receipt, Sink
from functions.domain.ports import SurveyPart
from tests.fake_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from functions.aws.records.items import Item
    from functions.domain.detection.arrivals import Source
    from functions.domain.incidents.history import FiledIncident, LiveLedger
    from functions.domain.incidents.incident import Incident
    from functions.domain.incidents.ports import (
        Attempts,
        BlastRadius,
        LatelyClosed,
        Opening,
        RequestClaim,
    )
    from functions.domain.notices.events.envelope import OutgoingEvent
    from functions.domain.notices.notice import Notice
    from functions.domain.pulse.memory import PulseMemory

ACCOUNT_ID: Final = "123456789012"
REGION: Final = "us-east-1"
# Of one function (Lambda developer guide, *Using tags on Lambda functions*).
MOST_TAGS: Final = 50
TAG_KEY: Final = b"known to the guard alone"
BUSIEST_MINUTES: Final = 10
LATE_MINUTES: Final = 4
_POLLED: Final = {
    "sqs": (TriggerKind.SQS, "SQS"),
    "dynamodb": (TriggerKind.STREAM, "DynamoDB stream"),
    "kinesis": (TriggerKind.STREAM, "Kinesis"),
    "kafka": (TriggerKind.OTHER_POLLED, "Kafka"),
    "mq": (TriggerKind.OTHER_POLLED, "Amazon MQ"),
    "rds": (TriggerKind.OTHER_POLLED, "DocumentDB"),
}


class SimulatedCrash(BaseException):
    """When the guard's process dies. Not an `Exception`: no handler can catch and survive it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a port.

    Attributes
    ----------
    number
        Counted from 1 since the last `Faults.revive` (or since the start).
    """

    number: int
    port: str
    method: str
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Port and method, as ``functions.reserve``."""
        return f"{self.port}.{self.method}"


@dataclass(slots=True)
class _Failure:
    error: BaseException | type[BaseException]
    times: int
    skip: int
    lost: bool
    given: dict[str, object]


@dataclass(slots=True)
class Faults:
    """What goes wrong, and when.

    A crash takes the whole run with it: every later call crashes too, without effect, as no
    ``finally`` of a killed process runs, until `revive`.
    """

    count: int = 0
    is_dead: bool = False
    _crash_before: int | None = None
    _crash_after: int | None = None
    _failures: dict[str, list[_Failure]] = field(default_factory=lambda: defaultdict(list))
    _actions: dict[int | str, list[Callable[[], object]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _is_quiet: bool = False

    def crash_before(self, number: int) -> None:
        """Die just before the effect of the call with this number (1 is the next run's first)."""
        self._crash_before = number

    def crash_after(self, number: int) -> None:
        """Die just after the effect of the call with this number, before its answer arrives."""
        self._crash_after = number

    def fail(
        self,
        method: str,
        error: BaseException | type[BaseException],
        times: int = 1,
        *,
        skip: int = 0,
        lost: bool = False,
        **given: object,
    ) -> None:
        """Let calls of a method (``reserve`` or ``functions.reserve``) fail.

        Parameters
        ----------
        times
            How often; -1 for always.
        skip
            How many calls go well first.
        lost
            The call takes effect and only its answer is lost.
        given
            Arguments that the call must have.
        """
        self._failures[method].append(
            _Failure(error=error, times=times, skip=skip, lost=lost, given=given)
        )

    def before(self, call: int | str, action: Callable[[], object]) -> None:
        """Let something happen just before a call, once: what a person or another run does.

        `call` is a number, or a method (``reserve`` or ``functions.reserve``) for its next call.
        Calls of the fakes inside `action` are neither journalled nor counted nor faulted.
        """
        self._actions[call].append(action)

    def revive(self) -> None:
        """Begin the next run: the process lives again, calls are counted from 1, no crash is set.

        Failures that are not used up stay.
        """
        self.count = 0
        self.is_dead = False
        self._crash_before = None
        self._crash_after = None

    def clear(self) -> None:
        """Forget every fault and begin the next run."""
        self.revive()
        self._failures.clear()
        self._actions.clear()

    def _take_failure(self, call: Call) -> _Failure | None:
        for key in (call.method, call.name):
            for failure in self._failures.get(key, ()):
                if failure.times == 0 or failure.given.items() - call.arguments.items():
                    continue
                if failure.skip > 0:
                    failure.skip -= 1
                    continue
                failure.times -= 1 if failure.times > 0 else 0
                return failure
        return None

    def _act(self, call: Call) -> None:
        self._is_quiet = True
        try:
            for key in (call.number, call.method, call.name):
                actions = self._actions.pop(key, ())
                for action in actions:
                    action()
        finally:
            self._is_quiet = False


@dataclass(slots=True)
class FakeMapping:
    """One event source mapping."""

    uuid: str
    function: str
    source_arn: str
    enabled: bool = True
    maximum_concurrency: int | None = None
    is_changing: bool = False  # AWS is at work on it, and refuses to change it
    starting_position: str | None = None
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
    visibility_seconds: float = 30.0
    delay_seconds: float = 0.0


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


class FakeAccount:
    """One account and Region: the functions, their metrics, the ledger and the mail."""

    def __init__(self, *, concurrency: int = 1000, unreserved_minimum: int = 100) -> None:
        self.concurrency = concurrency
        self.unreserved_minimum = unreserved_minimum
        self.faults = Faults()
        self.journal: list[Call] = []
        self.by_name: dict[str, FakeFunction] = {}
        self.by_uuid: dict[str, FakeMapping] = {}
        self._mappings_made = 0
        self.queues: dict[str, FakeQueue] = defaultdict(FakeQueue)  # by ARN
        self.stream_hours: dict[str, float] = defaultdict(lambda: 24.0)  # the same
        self.lock = threading.RLock()
        self.functions = FakeFunctions(self)
        self.hold_facts = FakeHoldFacts(self)
        self.metrics = FakeMetrics(self)
        self.ledger = FakeLedger(self)
        self.publisher = FakePublisher(self)
        self.bus = FakeSink(self, Sink.BUS)
        self.chat = FakeSink(self, Sink.CHAT)
        self.way_back = FakeWayBack(self)
        self.examined = FakeExamined(self)

    def add(self, name: str, **given: Any) -> FakeFunction:
        """Put a function into the account; `given` are fields of `FakeFunction`."""
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"
        self.by_name[name] = FakeFunction(name=name, arn=arn, **given)
        return self.by_name[name]

    def add_mapping(self, function: str, source_arn: str, *, enabled: bool = True) -> FakeMapping:
        """Let a function poll a source. No identifier is ever used again, as in AWS."""
        self._mappings_made += 1
        uuid = f"00000000-0000-4000-8000-{self._mappings_made:012d}"
        self.by_uuid[uuid] = FakeMapping(
            uuid=uuid, function=function, source_arn=source_arn, enabled=enabled
        )
        return self.by_uuid[uuid]

    def delete(self, name: str) -> None:
        """Delete a function with its mappings, as a person does."""
        del self.by_name[name]
        for uuid in [one.uuid for one in self.by_uuid.values() if one.function == name]:
            del self.by_uuid[uuid]

    def reserves(self, name: str, concurrency: int | None) -> None:
        """Change a reservation as a person or a deploy does: outside of the journal."""
        self.by_name[name].reserved = concurrency

    def calls(self, *methods: str) -> list[Call]:
        """The journalled calls of these methods (``reserve`` or ``functions.reserve``), or all."""
        if not methods:
            return list(self.journal)
        return [one for one in self.journal if one.method in methods or one.name in methods]

    @contextmanager
    def call(self, port: str, method: str, **arguments: Any) -> Iterator[None]:
        """Journal one call and let its faults happen around its effect."""
        with self.lock:
            if self.faults._is_quiet:
                yield
                return
            if self.faults.is_dead:
                raise SimulatedCrash(f"{port}.{method} by a process that is gone")
            self.faults.count += 1
            call = Call(
                number=self.faults.count,
                port=port,
                method=method,
                arguments=MappingProxyType(arguments),
            )
            self.faults._act(call)
            if self.faults._crash_before == call.number:
                self.faults.is_dead = True
                raise SimulatedCrash(f"before call {call.number}, {call.name}")
            self.journal.append(call)
            failure = self.faults._take_failure(call)
            if failure is not None and not failure.lost:
                raise failure.error
            try:
                yield
            finally:
                if self.faults._crash_after == call.number:
                    self.faults.is_dead = True
                    # The answer, be it an error, never reaches the process.
                    raise SimulatedCrash(f"after call {call.number}, {call.name}") from None
            if failure is not None:
                raise failure.error


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


_SOURCE_KINDS: Final = {
    "sqs": SourceKind.QUEUE,
    "dynamodb": SourceKind.TABLE,
    "kinesis": SourceKind.STREAM,
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
            kind=_SOURCE_KINDS.get(arn.split(":")[2], SourceKind.OTHER),
            is_enabled=mapping.enabled or mapping.is_changing,
            source_arn=arn,
            starting_position=mapping.starting_position,
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
                return replace(
                    facts,
                    max_receive_count=queue.max_receive_count,
                    queue_retention_seconds=queue.retention_seconds,
                    visibility_seconds=queue.visibility_seconds,
                    delay_seconds=queue.delay_seconds,
                )
            case SourceKind.STREAM:
                return replace(facts, stream_retention_hours=self._account.stream_hours[arn])
            case SourceKind.TABLE:
                return replace(facts, stream_retention_hours=TABLE_RETENTION_HOURS)
            case _:
                return facts


@dataclass(slots=True)
class _Minutes:
    """Datapoints of one function by metric and minute (seconds since the epoch)."""

    invocations: dict[int, float] = field(default_factory=dict)
    concurrency: dict[int, float] = field(default_factory=dict)
    throttles: dict[int, float] = field(default_factory=dict)
    errors: dict[int, float] = field(default_factory=dict)
    duration_ms: dict[int, float] = field(default_factory=dict)
    native_drops: dict[int, float] = field(default_factory=dict)


_RECENT_METRICS: Final = (
    "invocations",
    "concurrency",
    "throttles",
    "errors",
    "duration_ms",
    "native_drops",
)


def _grid(value: Callable[[int], float | None], start: datetime, end: datetime) -> Series:
    """One value a minute, of the minutes that begin in this span."""
    first, last = floor_to(start, MINUTE_SECONDS), floor_to(end, MINUTE_SECONDS)
    moments = range(int(first.timestamp()), int(last.timestamp()), MINUTE_SECONDS)
    return Series(
        start=first,
        period_seconds=MINUTE_SECONDS,
        values=tuple(value(moment) for moment in moments),
    )


class FakeMetrics:
    """Twin of `functions.aws.detection.lambda_metrics.CloudWatchMetrics`.

    Attributes
    ----------
    most_in_a_query
        One query sees the first so many functions only; ``None`` for all.
    """

    def __init__(self, account: FakeAccount) -> None:
        self.most_in_a_query: int | None = None
        self._account = account
        self._minutes: dict[str, _Minutes] = defaultdict(_Minutes)
        self._history: dict[str, Callable[[datetime], float | None]] = {}
        self._usual: dict[tuple[str, datetime], tuple[float | None, ...]] = {}
        # IteratorAge by function, in ms: in each minute, unless that minute has its own.
        self.lags: dict[str, float] = {}
        self.usual_peaks: dict[str, float] = {}  # concurrent executions, for 14 days
        self._lags: dict[str, dict[int, float | None]] = defaultdict(dict)
        self._arrivals: dict[tuple[SourceKind, str, str], dict[int, float | None]] = defaultdict(
            dict
        )

    def record(self, function: str, *, until: datetime, **metrics: Sequence[float | None]) -> None:
        """Give a function datapoints: the last of each metric lies in the minute before `until`.

        Metrics are named as in `RecentSeries`; ``None`` is a gap.
        """
        for name, values in metrics.items():
            points: dict[int, float] = getattr(self._minutes[function], name)
            end = int(floor_to(until, MINUTE_SECONDS).timestamp())
            for back, value in enumerate(reversed(values), start=1):
                moment = end - back * MINUTE_SECONDS
                if value is None:
                    points.pop(moment, None)
                else:
                    points[moment] = value

    def habit(
        self, function: str, per_five_minutes: float | Callable[[datetime], float | None]
    ) -> None:
        """Give a function 14 days of precedent: a constant, or a value for each period's start."""
        self._usual.clear()
        if callable(per_five_minutes):
            self._history[function] = per_five_minutes
        else:
            constant = per_five_minutes
            self._history[function] = lambda _moment: constant

    def account(self, now: datetime) -> AccountSeries:
        """See the port. The sums over all functions."""
        with self._account.call("metrics", "account", now=now):
            return AccountSeries(
                invocations=self._total("invocations", now),
                concurrency=self._total("concurrency", now),
                throttles=self._total("throttles", now),
            )

    def account_precedent(self, now: datetime) -> Series:
        """See the port. The sums over all functions."""
        with self._account.call("metrics", "account_precedent", now=now):
            each = [self._precedent(name, now) for name in self._known()]
            empty = self._precedent("", now)
            columns = zip(*(one.values for one in each), strict=True) if each else ()
            values = tuple(_sum(column) for column in columns)
            return replace(empty, values=values or empty.values)

    def busiest(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "busiest", now=now):
            seen = sorted(self._minutes)[: self.most_in_a_query]
            return self._latest("invocations", now, seen)

    def part(self, after: str, most: int | None, now: datetime) -> SurveyPart | None:
        """See the port."""
        with self._account.call("metrics", "part", after=after, most=most, now=now):
            names = sorted(self._minutes)
            if self.most_in_a_query is None or len(names) <= self.most_in_a_query:
                return None
            chosen = [*(n for n in names if n > after), *(n for n in names if n <= after)][:most]
            return SurveyPart(
                series=self._latest("invocations", now, chosen),
                active=len(names),
                seen=len(chosen),
                last=chosen[-1],
            )

    def most_concurrent(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "most_concurrent", now=now):
            return self._latest("concurrency", now)

    def dropped(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "dropped", now=now):
            latest = self._latest("native_drops", now)
            return {name: series for name, series in latest.items() if any(series.values)}

    def recent(self, functions: Sequence[str], now: datetime) -> Mapping[str, RecentSeries]:
        """See the port."""
        with self._account.call("metrics", "recent", functions=tuple(functions), now=now):
            return {
                name: RecentSeries(
                    **{
                        metric: self._series(name, metric, now, RECENT_MINUTES)
                        for metric in _RECENT_METRICS
                    }
                )
                for name in functions
            }

    def invocations(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "invocations", functions=tuple(functions), now=now):
            return {
                name: self._series(name, "invocations", now, RECENT_MINUTES) for name in functions
            }

    def precedent(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "precedent", functions=tuple(functions), now=now):
            return {name: self._precedent(name, now) for name in functions}

    def record_arrivals(
        self,
        source: Source,
        *,
        until: datetime,
        counts: Sequence[float | None] = (),
        waiting: Sequence[float | None] = (),
    ) -> None:
        """Give a source datapoints: the last of each lies in the minute before `until`."""
        end = int(floor_to(until, MINUTE_SECONDS).timestamp())
        for kind, values in (("counts", counts), ("waiting", waiting)):
            points = self._arrivals[source.kind, source.name, kind]
            for back, value in enumerate(reversed(values), start=1):
                points[end - back * MINUTE_SECONDS] = value

    def record_lag(self, function: str, *, until: datetime, values: Sequence[float | None]) -> None:
        """Let its polling of streams lie behind; the last in the minute before `until`."""
        end = int(floor_to(until, MINUTE_SECONDS).timestamp())
        for back, value in enumerate(reversed(values), start=1):
            self._lags[function][end - back * MINUTE_SECONDS] = value

    def arrivals(
        self, sources: Sequence[Source], start: datetime, end: datetime
    ) -> tuple[Arrivals, ...]:
        """See the port."""
        with self._account.call(
            "metrics", "arrivals", sources=tuple(sources), start=start, end=end
        ):
            return tuple(
                Arrivals(
                    source=one,
                    counts=(
                        self._arrived(one, "counts", start, end)
                        if list_arrival_metrics(one)
                        else None
                    ),
                    waiting=(
                        self._arrived(one, "waiting", start, end)
                        if choose_waiting_metric(one)
                        else None
                    ),
                )
                for one in sources
            )

    def peaks(self, function: str, now: datetime) -> Series:
        """See the port."""
        with self._account.call("metrics", "peaks", function=function, now=now):
            usual = self.usual_peaks.get(function)
            recent = floor_to(now, MINUTE_SECONDS) - timedelta(minutes=RECENT_MINUTES)
            end = floor_to(recent, PRECEDENT_PERIOD_SECONDS)
            length = PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
            start = end - length * timedelta(seconds=PRECEDENT_PERIOD_SECONDS)
            return Series(
                start=start, period_seconds=PRECEDENT_PERIOD_SECONDS, values=(usual,) * length
            )

    def lag(self, function: str, start: datetime, end: datetime) -> Series:
        """See the port."""
        with self._account.call("metrics", "lag", function=function, start=start, end=end):
            known, usual = self._lags.get(function, {}), self.lags.get(function)
            return _grid(lambda moment: known.get(moment, usual), start, end)

    def _arrived(self, source: Source, kind: str, start: datetime, end: datetime) -> Series:
        points = self._arrivals.get((source.kind, source.name, kind), {})
        return _grid(points.get, start, end)

    def _known(self) -> list[str]:
        return sorted({*self._minutes, *self._history})

    def _series(self, function: str, metric: str, now: datetime, minutes: int) -> Series:
        points: dict[int, float] = getattr(self._minutes.get(function, _Minutes()), metric)
        end = floor_to(now, MINUTE_SECONDS)
        start = end - timedelta(minutes=minutes)
        first = int(start.timestamp())
        return Series(
            start=start,
            period_seconds=MINUTE_SECONDS,
            values=tuple(
                map(points.get, range(first, first + minutes * MINUTE_SECONDS, MINUTE_SECONDS))
            ),
        )

    def _total(self, metric: str, now: datetime) -> Series:
        empty = self._series("", metric, now, RECENT_MINUTES)
        each = [self._series(name, metric, now, RECENT_MINUTES).values for name in self._minutes]
        values = each[0] if len(each) == 1 else tuple(map(_sum, zip(*each, strict=True)))
        return replace(empty, values=values or empty.values)

    def _precedent(self, function: str, now: datetime) -> Series:
        recent = floor_to(now, MINUTE_SECONDS) - timedelta(minutes=RECENT_MINUTES)
        end = floor_to(recent, PRECEDENT_PERIOD_SECONDS)
        start = end - timedelta(days=PRECEDENT_DAYS)
        length = PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
        values = list(self._usual_values(function, start, length))
        sums: dict[int, float] = {}
        first = int(start.timestamp())
        for moment, value in self._minutes.get(function, _Minutes()).invocations.items():
            index = (moment - first) // PRECEDENT_PERIOD_SECONDS
            sums[index] = sums.get(index, 0.0) + value
        for index, total in sums.items():
            if 0 <= index < length:
                values[index] = total
        return Series(start=start, period_seconds=PRECEDENT_PERIOD_SECONDS, values=tuple(values))

    def _usual_values(
        self, function: str, start: datetime, length: int
    ) -> tuple[float | None, ...]:
        """The habit of a function, put together once for five minutes."""
        known = self._usual.get((function, start))
        if known is not None:
            return known
        habit = self._history.get(function)
        step = timedelta(seconds=PRECEDENT_PERIOD_SECONDS)
        values = (
            (None,) * length
            if habit is None
            else tuple(habit(start + index * step) for index in range(length))
        )
        self._usual[function, start] = values
        return values

    def _latest(
        self, metric: str, now: datetime, names: Iterable[str] | None = None
    ) -> dict[str, Series]:
        asked = self._minutes if names is None else names
        found = {name: self._series(name, metric, now, BUSIEST_MINUTES) for name in asked}
        known = {name: one for name, one in found.items() if any(v is not None for v in one.values)}
        order = sorted(known, key=lambda name: -sum(v or 0 for v in known[name].values))
        # What no function has a datapoint of is not published yet.
        minutes = list(zip(*(one.values for one in known.values()), strict=True))
        late = 0
        while late < min(LATE_MINUTES, len(minutes)) and not _is_published(minutes[-1 - late]):
            late += 1
        return {
            name: replace(known[name], values=known[name].values[: BUSIEST_MINUTES - late])
            for name in order
        }


def _is_published(minute: Sequence[float | None]) -> bool:
    return any(value is not None for value in minute)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _incident_in(item: Item) -> Incident:
    return load_incident(read_text(item, "record"))


class FakeLedger:
    """The ledger over a table in memory, with faults and a record of its calls.

    Attributes
    ----------
    is_down
        Whether the table does not answer.
    unreadable
        Functions whose record nobody can read.
    outages
        Those that some process has noted.
    is_key_known
        Whether the process has read the key of the tags before.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self._table = MemoryTable()
        self._ledger = DynamoLedger(self._table)
        self.is_down = False
        self.unreadable: set[str] = set()
        self.outages: list[tuple[datetime, datetime]] = []
        self.is_key_known = True

    @contextmanager
    def _call(self, method: str, **arguments: Any) -> Iterator[None]:
        with self._account.call("ledger", method, **arguments):
            if self.is_down:
                raise LedgerUnavailableError("the table does not answer")
            yield

    def stored(self, function: str) -> Incident | None:
        """What lies in the live place of a function, for assertions: open, or closed but unsent."""
        item = self._table.get(build_incident_key(function))
        return None if item is None else _incident_in(item)

    def in_place(self) -> list[Incident]:
        """What lies in the live places of all functions, for assertions."""
        return self._live(INCIDENT)

    def aside(self) -> list[Incident]:
        """What is closed, unsent, and was pushed out by the next, for assertions."""
        return self._live(UNSENT)

    def _live(self, beginning: str) -> list[Incident]:
        items = self._table.query(LIVE)
        return [_incident_in(item) for item in items if read_text(item, "sk").startswith(beginning)]

    def every(self) -> list[Incident]:
        """All incidents, open or closed, for assertions."""
        found = [*self.in_place(), *self.aside()]
        known = {one.id for one in found}
        names = {one.function for one in found} | set(self._account.by_name)
        filed = [one for name in sorted(names) for one in self.filed(name)]
        return [*found, *(one for one in filed if one.id not in known)]

    def filed(self, function: str) -> list[Incident]:
        """What was filed away for a function, oldest first, for assertions."""
        unfiled = {one.id for one in (*self.in_place(), *self.aside())}
        closed = self._ledger.read_closed(function, NOTHING_CLOSED)
        return [one for one in reversed(closed) if one.id not in unfiled]

    def open(
        self,
        incident: Incident,
        blast_radius: BlastRadius | None,
        *,
        known_until: datetime | None = None,
    ) -> Opening | LatelyClosed:
        """See the port."""
        with self._call("open", incident=incident, blast_radius=blast_radius):
            return self._ledger.open(incident, blast_radius, known_until=known_until)

    def hold(self, incident: Incident, blast_radius: BlastRadius) -> Opening:
        """See the port."""
        with self._call("hold", incident=incident, blast_radius=blast_radius):
            return self._ledger.hold(incident, blast_radius)

    def save(self, incident: Incident) -> Incident:
        """See the port."""
        with self._call("save", incident=incident):
            return self._ledger.save(incident)

    def find(self, function: str) -> Incident | None:
        """See the port."""
        with self._call("find", function=function):
            if function in self.unreadable:
                raise LedgerUnavailableError(f"the record of {function} cannot be read")
            return self._ledger.find(function)

    def read_live(self) -> LiveLedger:
        """See the port."""
        with self._call("read_live"):
            live = self._ledger.read_live()
            readable = [one for one in live.incidents if one.function not in self.unreadable]
            return replace(
                live,
                incidents=tuple(readable),
                unreadable=tuple(sorted(self.unreadable)),
                outages=tuple(self.outages),
            )

    def supersede(self, old: Incident, new: Incident, blast_radius: BlastRadius | None) -> Opening:
        """See the port."""
        with self._call("supersede", old=old, new=new, blast_radius=blast_radius):
            return self._ledger.supersede(old, new, blast_radius)

    def file_away(self, incident: Incident) -> None:
        """See the port."""
        with self._call("file_away", incident=incident):
            self._ledger.file_away(incident)

    def read_closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """See the port."""
        with self._call("read_closed", function=function, since=since):
            return self._ledger.read_closed(function, since)

    def read_filed(self, since: datetime) -> tuple[FiledIncident, ...]:
        """See the port."""
        with self._call("read_filed", since=since):
            return self._ledger.read_filed(since)

    def remember_pulse(self, memory: PulseMemory) -> None:
        """See the port."""
        with self._call("remember_pulse", memory=memory):
            self._ledger.remember_pulse(memory)

    def read_attempts(self, about: str) -> Attempts:
        """See the port."""
        with self._call("read_attempts", about=about):
            return self._ledger.read_attempts(about)

    def count_attempt(self, about: str, now: datetime) -> None:
        """See the port."""
        with self._call("count_attempt", about=about, now=now):
            self._ledger.count_attempt(about, now)

    def read_tag_key(self) -> bytes:
        """See the port."""
        if not self.is_key_known:
            with self._call("read_tag_key"):
                self.is_key_known = True
        return TAG_KEY

    def get_known_tag_key(self) -> bytes | None:
        """See the port."""
        return TAG_KEY if self.is_key_known else None

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """See the port."""
        with self._call("claim_request", nonce=nonce, request_id=request_id, now=now):
            return self._ledger.claim_request(nonce, request_id, now)

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See the port."""
        with self._call("settle_request", nonce=nonce, request_id=request_id, is_done=is_done):
            self._ledger.settle_request(nonce, request_id, is_done=is_done)


class FakePublisher:
    """Twin of `functions.aws.incidents.publisher.SnsPublisher`."""

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self.sent: list[Notice] = []

    def publish(self, notice: Notice) -> None:
        """See the port."""
        assert notice.event is not None, f"a mail without its twin: {notice.subject}"
        with self._account.call("publisher", "publish", subject=notice.subject, body=notice.body):
            self.sent.append(notice)


class FakeSink:
    """Twin of `functions.aws.incidents.event_bus.EventBus` and of `ChatTopic`.

    Attributes
    ----------
    took
        Every event that it took, as often as it did.
    """

    def __init__(self, account: FakeAccount, name: Sink) -> None:
        self._account = account
        self.name = name
        self.took: list[OutgoingEvent] = []

    def put(self, events: Sequence[OutgoingEvent]) -> Receipt:
        """See the port."""
        subjects = tuple(str(one.detail["subject"]) for one in events)
        try:
            with self._account.call(self.name.value, "put", subjects=subjects):
                self.took += events
        except NoticeUndeliveredError as error:
            return Receipt(taken=frozenset(), why=str(error))
        return Receipt(taken=frozenset(one.id for one in events))


class FakeWayBack:
    """Twin of `functions.aws.incidents.way_back.ScheduledWayBack`.

    Attributes
    ----------
    due
        By incident id: the function, and when its hold is ended.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self.due: dict[str, tuple[str, datetime]] = {}

    def schedule(self, incident_id: str, function: str, at: datetime) -> None:
        """See the port."""
        with self._account.call(
            "way_back", "schedule", incident_id=incident_id, function=function, at=at
        ):
            self.due[incident_id] = (function, at)

    def cancel(self, incident_id: str) -> None:
        """See the port."""
        with self._account.call("way_back", "cancel", incident_id=incident_id):
            self.due.pop(incident_id, None)


class FakeExamined:
    """Twin of `functions.aws.records.diagnosis_marks.DiagnosisMarks`.

    Attributes
    ----------
    marks
        What the diagnosis is to examine, and since when.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self.marks: dict[str, datetime] = {}

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """See the port."""
        for name in names:
            with self._account.call("examined", "touch", name=name, now=now):
                self.marks[name] = now
