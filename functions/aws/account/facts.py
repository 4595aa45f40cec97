"""What was read of an account so far, section by section.

Each section is a dictionary, filled by one kind of question. A detail that was asked for has an
entry even where AWS has nothing (an empty value) or did not answer (``None``), so whatever lacks an
entry is still to be read: after a run that ended early, after a change, and after an hour. A
reading needs no other memory than that and the tokens of half-read listings.
"""

from __future__ import annotations

import threading
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from functions.domain.account.environment_references import Environment
from functions.domain.account.inventory import (
    Bucket,
    DeliveryStream,
    FunctionDescription,
    Gap,
    LogSubscription,
    MappingDescription,
    NamedPolicy,
    Pipe,
    Rule,
    RuleTarget,
    Schedule,
    StateMachine,
    Subscription,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from functions.domain.account.inventory import Area

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """A role with the ARNs of its managed policies, whose texts many roles share.

    `trusts` are the services that may assume it, such as ``lambda``; `trust` is its trust policy,
    where that names somebody of the account itself.
    """

    arn: str
    inline: tuple[NamedPolicy, ...] = ()
    attached: tuple[str, ...] = ()
    boundary: str = ""
    trusts: tuple[str, ...] = ()
    trust: str = ""
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterFacts:
    """The filter policy of a subscription; an empty text lets everything pass."""

    policy: str = ""
    scope: str = "MessageAttributes"
    dead_letter_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationFacts:
    """Where the outcomes of asynchronous invocations go."""

    on_success_arn: str = ""
    on_failure_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """The attributes of a queue; empty texts for none, ``None`` for what was not asked for."""

    policy: str = ""
    dead_letter_arn: str = ""
    visibility_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeFacts:
    """What only DescribePipe describes."""

    filters: tuple[str, ...] = ()
    role_arn: str = ""
    dead_letter_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationFacts:
    """What of an HTTP or WebSocket API leads to a function; the role is empty for none."""

    id: str
    function_arn: str
    role_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFacts:
    """A method of a REST API that leads to a function: ``GET`` (or ``ANY``) of ``/orders/{id}``."""

    method: str
    path: str
    function_arn: str
    role_arn: str = ""


@dataclass(frozen=True, slots=True)
class Section(Generic[_T_co]):
    """A part of the facts.

    Attributes
    ----------
    name
        In the store; never used for another shape again.
    shape
        The type of a value, for the store.
    is_detail
        Whether each entry takes a call of its own.
    shards
        Into how many parts it is stored: only what changed is written.
    """

    name: str
    shape: Any
    is_detail: bool = False
    shards: int = 1


FUNCTIONS: Final[Section[FunctionDescription]] = Section(
    "functions", FunctionDescription, shards=16
)
ENVIRONMENTS: Final[Section[Environment | None]] = Section(
    "environments", Environment | None, shards=16
)
# What the environments were compared with: see `reading.environments`.
NAMEABLE: Final[Section[bool]] = Section("nameable", bool, shards=4)
# By `function`, or `function:qualifier` where a trigger names a version or an alias.
POLICIES: Final[Section[str | None]] = Section("policies", str | None, is_detail=True, shards=16)
DESTINATIONS: Final[Section[DestinationFacts | None]] = Section(
    "destinations", DestinationFacts | None, is_detail=True
)
RECURSION: Final[Section[str | None]] = Section("recursion", str | None, is_detail=True)
URLS: Final[Section[tuple[str, ...] | None]] = Section(
    "urls", tuple[str, ...] | None, is_detail=True
)
TAGS: Final[Section[dict[str, str]]] = Section("tags", dict[str, str])
MAPPINGS: Final[Section[MappingDescription]] = Section("mappings", MappingDescription, shards=4)
ROLES: Final[Section[RoleFacts | None]] = Section("roles", RoleFacts | None, shards=16)
MANAGED: Final[Section[NamedPolicy | None]] = Section("managed", NamedPolicy | None, shards=4)
BUCKET_NAMES: Final[Section[bool]] = Section("bucket_names", bool)
BUCKETS: Final[Section[Bucket | None]] = Section("buckets", Bucket | None, is_detail=True, shards=4)
REPLICATIONS: Final[Section[tuple[str, ...] | None]] = Section(
    "replications", tuple[str, ...] | None, is_detail=True
)
SUBSCRIPTIONS: Final[Section[Subscription]] = Section("subscriptions", Subscription, shards=4)
FILTERS: Final[Section[FilterFacts | None]] = Section(
    "filters", FilterFacts | None, is_detail=True, shards=4
)
RULES: Final[Section[Rule]] = Section("rules", Rule, shards=4)
TARGETS: Final[Section[tuple[RuleTarget, ...] | None]] = Section(
    "targets", tuple[RuleTarget, ...] | None, is_detail=True, shards=4
)
SCHEDULES: Final[Section[Schedule]] = Section("schedules", Schedule, shards=4)
PIPES: Final[Section[Pipe]] = Section("pipes", Pipe)
PIPE_DETAILS: Final[Section[PipeFacts | None]] = Section(
    "pipe_details", PipeFacts | None, is_detail=True
)
ACCOUNT_LOG_SUBSCRIPTIONS: Final[Section[LogSubscription]] = Section(
    "account_log_subscriptions", LogSubscription
)
LOG_SUBSCRIPTIONS: Final[Section[tuple[LogSubscription, ...] | None]] = Section(
    "log_subscriptions", tuple[LogSubscription, ...] | None, is_detail=True
)
MACHINE_NAMES: Final[Section[bool]] = Section("machine_names", bool)
MACHINES: Final[Section[StateMachine | None]] = Section(
    "machines", StateMachine | None, is_detail=True, shards=4
)
QUEUES: Final[Section[QueueFacts | None]] = Section(
    "queues", QueueFacts | None, is_detail=True, shards=4
)
# By ARN: empty where there is none.
BUS_POLICIES: Final[Section[str]] = Section("bus_policies", str)
RESOURCE_POLICIES: Final[Section[str | None]] = Section(
    "resource_policies", str | None, is_detail=True, shards=4
)
# By ARN of the queue that dead letters go to: the ARNs of the queues they come from.
DEAD_LETTER_SOURCES: Final[Section[tuple[str, ...] | None]] = Section(
    "dead_letter_sources", tuple[str, ...] | None, is_detail=True
)
STREAM_NAMES: Final[Section[bool]] = Section("delivery_stream_names", bool)
STREAMS: Final[Section[DeliveryStream | None]] = Section(
    "delivery_streams", DeliveryStream | None, is_detail=True
)
# By id of the API.
API_IDS: Final[Section[bool]] = Section("api_ids", bool)
INTEGRATIONS: Final[Section[tuple[IntegrationFacts, ...] | None]] = Section(
    "integrations", tuple[IntegrationFacts, ...] | None, is_detail=True
)
# By route key, such as ``GET /orders``: the id of the integration.
ROUTES: Final[Section[dict[str, str] | None]] = Section(
    "routes", dict[str, str] | None, is_detail=True
)
REST_API_IDS: Final[Section[bool]] = Section("rest_api_ids", bool)
METHODS: Final[Section[tuple[MethodFacts, ...] | None]] = Section(
    "methods", tuple[MethodFacts, ...] | None, is_detail=True
)
GAPS: Final[Section[Gap]] = Section("gaps", Gap)
# By step: `done`, or the token with which its listing goes on.
STEPS: Final[Section[str]] = Section("steps", str)

SECTIONS: Final[tuple[Section[Any], ...]] = (
    FUNCTIONS,
    ENVIRONMENTS,
    NAMEABLE,
    POLICIES,
    DESTINATIONS,
    RECURSION,
    URLS,
    TAGS,
    MAPPINGS,
    ROLES,
    MANAGED,
    BUCKET_NAMES,
    BUCKETS,
    REPLICATIONS,
    SUBSCRIPTIONS,
    FILTERS,
    RULES,
    TARGETS,
    SCHEDULES,
    PIPES,
    PIPE_DETAILS,
    ACCOUNT_LOG_SUBSCRIPTIONS,
    LOG_SUBSCRIPTIONS,
    MACHINE_NAMES,
    MACHINES,
    QUEUES,
    BUS_POLICIES,
    RESOURCE_POLICIES,
    DEAD_LETTER_SOURCES,
    STREAM_NAMES,
    STREAMS,
    API_IDS,
    INTEGRATIONS,
    ROUTES,
    REST_API_IDS,
    METHODS,
    GAPS,
    STEPS,
)
_DONE: Final = "done"
_RESUMED_AT: Final = "from "


def compute_shard(section: Section[Any], key: str) -> int:
    """The part of the section that an entry is stored in."""
    return zlib.crc32(key.encode(errors="surrogatepass")) % section.shards


@dataclass(slots=True, kw_only=True)
class Facts:
    """Everything read of one account and Region; changed by the reading, safe for its threads.

    Attributes
    ----------
    at
        When the reading of it began.
    changed
        The shards that are not stored as they are here.
    """

    account: str
    region: str
    partition: str
    at: datetime
    changed: set[tuple[str, int]] = field(default_factory=set)
    _entries: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {section.name: {} for section in SECTIONS}
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, section: Section[_T]) -> Mapping[str, _T]:
        """The entries of a section. They are not to be changed by this."""
        return self._entries[section.name]

    def put(self, section: Section[_T], key: str, value: _T) -> None:
        """Set an entry; an equal one stays as it is stored."""
        with self._lock:
            entries = self._entries[section.name]
            if key not in entries or entries[key] != value:
                entries[key] = value
                self.changed.add((section.name, compute_shard(section, key)))

    def drop(self, section: Section[Any], key: str) -> None:
        """Forget an entry, so that it is read again if anything still needs it."""
        with self._lock:
            if self._entries[section.name].pop(key, _ABSENT) is not _ABSENT:
                self.changed.add((section.name, compute_shard(section, key)))

    def keep(self, section: Section[Any], wanted: Callable[[str], bool]) -> None:
        """Forget the entries that nobody wants."""
        for key in [one for one in self.of(section) if not wanted(one)]:
            self.drop(section, key)

    def load(self, section: Section[_T], entries: Mapping[str, _T]) -> None:
        """Take entries over as they are stored."""
        self._entries[section.name].update(entries)

    def list_missing(self, section: Section[Any], wanted: Iterable[str]) -> list[str]:
        """What is wanted of a section and was not asked for, each once, in order."""
        entries = self.of(section)
        return [one for one in dict.fromkeys(wanted) if one not in entries]

    # -- steps

    def is_done(self, step: str) -> bool:
        """Whether a listing was read to its end."""
        return self.of(STEPS).get(step) == _DONE

    def get_token(self, step: str) -> str:
        """Where a listing goes on; empty for its beginning."""
        stored = self.of(STEPS).get(step, "")
        return stored.removeprefix(_RESUMED_AT) if stored.startswith(_RESUMED_AT) else ""

    def remember_token(self, step: str, token: str) -> None:
        """Remember how far a listing was read; without a token it is done."""
        self.put(STEPS, step, f"{_RESUMED_AT}{token}" if token else _DONE)

    def begin_again(self, step: str) -> None:
        """Read a listing from its beginning."""
        self.drop(STEPS, step)

    # -- gaps

    def note_gap(self, area: Area, words: str, *, resource: str = "", action: str = "") -> None:
        """Note what could not be read."""
        gap = Gap(area=area, words=words, resource=resource, action=action)
        self.put(GAPS, _compose_gap_key(area, resource), gap)

    def remove_gap(self, area: Area, resource: str = "") -> None:
        """Take a gap back: it could be read after all."""
        self.drop(GAPS, _compose_gap_key(area, resource))

    def is_missed(self, area: Area, part: str = "") -> bool:
        """Whether the whole area, or a part of it, could not be read."""
        return _compose_gap_key(area, part) in self.of(GAPS)


_ABSENT: Final = object()


def _compose_gap_key(area: Area, resource: str) -> str:
    return f"{area.value}|{resource}"


def begin(
    account: str, region: str, partition: str, at: datetime, *, carried_from: Facts | None = None
) -> Facts:
    """Facts for a reading that begins.

    Parameters
    ----------
    carried_from
        An earlier reading, whose details need not be asked for again: all listings are new, and
        of what is not listed any more the details are left behind at the end.
    """
    facts = Facts(account=account, region=region, partition=partition, at=at)
    if carried_from is not None:
        for section in SECTIONS:
            if section.is_detail:
                for key, value in carried_from.of(section).items():
                    if value is not None:
                        facts.put(section, key, value)
    return facts
