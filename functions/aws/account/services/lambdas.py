"""What Lambda's control plane describes: functions, mappings, resource policies, destinations.

Only the resource policy takes a call for each function. Destinations and the setting for
recursive loops do too, and are therefore asked for only where they can matter.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import facts as f
from functions.aws.account.inventory import build_account
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import GoneError, Operation, Paging
from functions.domain.account.environment_references import Environment, read_environment
from functions.domain.account.inventory import Area, FunctionDescription, MappingDescription
from functions.domain.account.names import parse_function_name
from functions.domain.graph.propagation.index import mentions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from functions.aws.account.read_session import Entry, ReadSession

_LIST_FUNCTIONS: Final = Operation(
    service="lambda", method="list_functions", action="lambda:ListFunctions", lane=Quota.LAMBDA
)
_GET_FUNCTION: Final = Operation(
    service="lambda",
    method="get_function_configuration",
    action="lambda:GetFunctionConfiguration",
    lane=Quota.LAMBDA,
)
_GET_POLICY: Final = Operation(
    service="lambda", method="get_policy", action="lambda:GetPolicy", lane=Quota.LAMBDA_POLICY
)
_LIST_MAPPINGS: Final = Operation(
    service="lambda",
    method="list_event_source_mappings",
    action="lambda:ListEventSourceMappings",
    lane=Quota.LAMBDA,
)
_GET_MAPPING: Final = Operation(
    service="lambda",
    method="get_event_source_mapping",
    action="lambda:GetEventSourceMapping",
    lane=Quota.LAMBDA,
)
_LIST_INVOKE_CONFIGS: Final = Operation(
    service="lambda",
    method="list_function_event_invoke_configs",
    action="lambda:ListFunctionEventInvokeConfigs",
    lane=Quota.LAMBDA,
)
_GET_RECURSION: Final = Operation(
    service="lambda",
    method="get_function_recursion_config",
    action="lambda:GetFunctionRecursionConfig",
    lane=Quota.LAMBDA,
)
_LIST_URLS: Final = Operation(
    service="lambda",
    method="list_function_url_configs",
    action="lambda:ListFunctionUrlConfigs",
    lane=Quota.LAMBDA,
)
_GET_TAGGED: Final = Operation(
    service="resourcegroupstaggingapi",
    method="get_resources",
    action="tag:GetResources",
    lane=Quota.TAGS,
)
_LIST_TAGS: Final = Operation(
    service="lambda", method="list_tags", action="lambda:ListTags", lane=Quota.LAMBDA
)
OPERATIONS: Final = (
    _LIST_FUNCTIONS,
    _GET_FUNCTION,
    _GET_POLICY,
    _LIST_MAPPINGS,
    _GET_MAPPING,
    _LIST_INVOKE_CONFIGS,
    _GET_RECURSION,
    _LIST_URLS,
    _GET_TAGGED,
    _LIST_TAGS,
)
IAM_ACTIONS: Final = frozenset(one.action for one in OPERATIONS)

# The tags that mean something here; other tags of a function are nobody's business.
TAG_KEYS: Final = ("loopbreaker:accepted-loop", "loopbreaker:exempt")

_MARKERS: Final = Paging(ask="Marker", answer="NextMarker")
_TAG_PAGES: Final = Paging(ask="PaginationToken", answer="PaginationToken")
_FUNCTIONS_PER_PAGE: Final = 50  # ListFunctions takes no more (Lambda API reference)
_MAPPINGS_PER_PAGE: Final = 100
_DISABLED: Final = frozenset({"Disabled", "Disabling"})
_DELETING: Final = "Deleting"
_LATEST: Final = "$LATEST"
_VARIABLES: Final = "environment variables"


# -- functions


def list_functions(reading: ReadSession) -> None:
    """All functions, as their unpublished version is."""

    def take(entry: Entry) -> None:
        described = parse_description(entry)
        reading.facts.put(f.FUNCTIONS, described.name, described)
        reading.variables.put(described.name, entry)

    reading.read_listing(
        "functions",
        Area.FUNCTIONS,
        _LIST_FUNCTIONS,
        "Functions",
        take,
        paging=_MARKERS,
        MaxItems=_FUNCTIONS_PER_PAGE,
    )


def reread_function(reading: ReadSession, name: str) -> None:
    """A function after a change; what belongs to a deleted one is forgotten.

    A new one may have been created with tags, which no other change reports.
    """
    is_new = name not in reading.facts.of(f.FUNCTIONS)
    try:
        answer = reading.asker.ask(_GET_FUNCTION, FunctionName=name)
    except GoneError:
        forget_function(reading, name)
        return
    described = parse_description(answer)
    reading.facts.put(f.FUNCTIONS, described.name, described)
    reading.facts.drop(f.ENVIRONMENTS, name)
    reading.variables.put(name, answer)
    if is_new:
        all_tags = reading.asker.ask(_LIST_TAGS, Resource=described.arn).get("Tags") or {}
        tags: dict[str, str] = {key: all_tags[key] for key in TAG_KEYS if key in all_tags}
        if tags:
            reading.facts.put(f.TAGS, described.name, tags)


def forget_function(reading: ReadSession, name: str) -> None:
    """All that was known of a function."""
    for section in (
        f.FUNCTIONS,
        f.ENVIRONMENTS,
        f.DESTINATIONS,
        f.RECURSION,
        f.URLS,
        f.TAGS,
    ):
        reading.facts.drop(section, name)
    forget_policies(reading, name)


def forget_policies(reading: ReadSession, name: str) -> None:
    """The resource policies of a function, with those of its versions and aliases."""
    policies = list(reading.facts.of(f.POLICIES))
    for key in policies:
        if key.partition(":")[0] == name:
            reading.facts.drop(f.POLICIES, key)


def parse_description(entry: Entry) -> FunctionDescription:
    """A function out of ListFunctions or GetFunctionConfiguration, without its environment."""
    name = entry["FunctionName"]
    return FunctionDescription(
        name=name,
        arn=_without_qualifier(entry["FunctionArn"]),
        role_arn=entry.get("Role", ""),
        dead_letter_arn=(entry.get("DeadLetterConfig") or {}).get("TargetArn", ""),
        log_group=(entry.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        memory_mb=entry.get("MemorySize", 128),
        timeout_seconds=entry.get("Timeout", 3),
        runtime=entry.get("Runtime", ""),
        tracing_mode=(entry.get("TracingConfig") or {}).get("Mode", "PassThrough"),
        last_modified=_parse_moment(entry.get("LastModified", "")),
    )


# -- environment variables


def read_environments(reading: ReadSession) -> None:
    """Which known resources the environment variables of functions name; see ADR 15.

    Of a value nothing is kept but that. What a value names can only be said once the resources are
    known, and again when more are: then all values are read again, by the list of all functions,
    unless this run has seen them already.
    """
    facts = reading.facts
    mentions = mentions_of(build_account(facts))
    nameable = mentions.keys
    if nameable - facts.of(f.NAMEABLE).keys():
        facts.keep(f.ENVIRONMENTS, lambda _: False)
        facts.begin_again(_VARIABLES)
        for key in nameable:
            facts.put(f.NAMEABLE, key, True)  # noqa: FBT003
    # What is not nameable any more counts as new when it comes back.
    facts.keep(f.NAMEABLE, nameable.__contains__)

    def parse_environment(name: str) -> Environment:
        return read_environment(reading.variables.get(name) or {}, mentions.find_named)

    wanted = facts.list_missing(f.ENVIRONMENTS, facts.of(f.FUNCTIONS))
    for name in wanted:
        if reading.variables.get(name) is not None:
            facts.put(f.ENVIRONMENTS, name, parse_environment(name))
    unseen = facts.list_missing(f.ENVIRONMENTS, wanted)
    if len(unseen) * _FUNCTIONS_PER_PAGE <= len(facts.of(f.FUNCTIONS)):
        _read_each(reading, unseen, parse_environment)
        return
    missing = frozenset(unseen)

    def take(entry: Entry) -> None:
        name = entry["FunctionName"]
        if name in missing:
            reading.variables.put(name, entry)
            facts.put(f.ENVIRONMENTS, name, parse_environment(name))

    reading.read_listing(
        _VARIABLES,
        Area.FUNCTIONS,
        _LIST_FUNCTIONS,
        "Functions",
        take,
        paging=_MARKERS,
        part=_VARIABLES,
        MaxItems=_FUNCTIONS_PER_PAGE,
    )


def _read_each(
    reading: ReadSession, names: Iterable[str], environment: Callable[[str], Environment]
) -> None:
    def read(name: str) -> Environment:
        reading.variables.put(name, reading.asker.ask(_GET_FUNCTION, FunctionName=name))
        return environment(name)

    reading.read_details(
        f.ENVIRONMENTS, Area.FUNCTIONS, names, read, if_gone=Environment(), part=_VARIABLES
    )


# -- resource policies


def read_policies(reading: ReadSession, keys: Iterable[str]) -> None:
    """The resource policies of functions, each by `name` or `name:qualifier`."""

    def read(key: str) -> str:
        name, _, qualifier = key.partition(":")
        given = {"Qualifier": qualifier} if qualifier else {}
        answer = reading.asker.ask(_GET_POLICY, FunctionName=name, **given)
        return str(answer.get("Policy", ""))

    reading.read_details(f.POLICIES, Area.POLICIES, keys, read, if_gone="")


def list_qualified(arns: Iterable[str]) -> list[str]:
    """`name:qualifier` of each function ARN that names a version or an alias."""
    found: dict[str, None] = {}
    for arn in arns:
        parts = arn.split(":")
        if arn.startswith("arn:") and len(parts) == 8 and parts[5] == "function":  # noqa: PLR2004
            name, qualifier = parts[6:]
            if qualifier and qualifier != _LATEST:
                found[f"{name}:{qualifier}"] = None
    return list(found)


# -- mappings


def list_mappings(reading: ReadSession) -> None:
    """All event source mappings of the account."""

    def take(entry: Entry) -> None:
        if entry.get("State") != _DELETING:
            reading.facts.put(f.MAPPINGS, entry["UUID"], parse_mapping(entry))

    reading.read_listing(
        "mappings",
        Area.MAPPINGS,
        _LIST_MAPPINGS,
        "EventSourceMappings",
        take,
        paging=_MARKERS,
        MaxItems=_MAPPINGS_PER_PAGE,
    )


def reread_mapping(reading: ReadSession, uuid: str) -> None:
    """A mapping after a change."""
    try:
        answer = reading.asker.ask(_GET_MAPPING, UUID=uuid)
    except GoneError:
        answer = {"State": _DELETING}
    if answer.get("State") == _DELETING:
        reading.facts.drop(f.MAPPINGS, uuid)
        return
    reading.facts.put(f.MAPPINGS, uuid, parse_mapping(answer))


def parse_mapping(entry: Entry) -> MappingDescription:
    """An event source mapping.

    AWS answers ``FilterCriteria: null`` and an error beside it where the filter is encrypted with
    a key that the caller may not use; a list may leave both out.
    """
    criteria = entry.get("FilterCriteria")
    is_hidden = criteria is None and bool(
        entry.get("FilterCriteriaError") or entry.get("KMSKeyArn")
    )
    own_kafka = (entry.get("SelfManagedEventSource") or {}).get("Endpoints") or {}
    servers = [one for endpoints in own_kafka.values() for one in endpoints]
    destinations = entry.get("DestinationConfig") or {}
    return MappingDescription(
        uuid=entry["UUID"],
        function_arn=entry["FunctionArn"],
        source_arn=entry.get("EventSourceArn") or ",".join(servers),
        is_enabled=entry.get("State", "Enabled") not in _DISABLED,
        filters=tuple(one["Pattern"] for one in (criteria or {}).get("Filters") or () if one),
        is_filter_known=not is_hidden,
        on_failure_arn=(destinations.get("OnFailure") or {}).get("Destination", ""),
    )


# -- what is asked for where it can matter


def read_destinations(reading: ReadSession, names: Iterable[str]) -> None:
    """Where outcomes of asynchronous invocations go, of the unqualified functions."""

    def read(name: str) -> f.DestinationFacts:
        answer = reading.asker.ask(_LIST_INVOKE_CONFIGS, FunctionName=name)
        for one in answer.get("FunctionEventInvokeConfigs") or ():
            if one["FunctionArn"].endswith((f":{_LATEST}", f":function:{name}")):
                destinations = one.get("DestinationConfig") or {}
                return f.DestinationFacts(
                    on_success_arn=(destinations.get("OnSuccess") or {}).get("Destination", ""),
                    on_failure_arn=(destinations.get("OnFailure") or {}).get("Destination", ""),
                )
        return f.DestinationFacts()

    reading.read_details(
        f.DESTINATIONS, Area.DESTINATIONS, names, read, if_gone=f.DestinationFacts()
    )


def read_recursion(reading: ReadSession, names: Iterable[str]) -> None:
    """Whether AWS may stop recursive invocations of the functions."""

    def read(name: str) -> str:
        answer = reading.asker.ask(_GET_RECURSION, FunctionName=name)
        return str(answer.get("RecursiveLoop", ""))

    reading.read_details(f.RECURSION, Area.RECURSION, names, read, if_gone="")


def read_urls(reading: ReadSession, names: Iterable[str]) -> None:
    """The URLs of functions."""

    def read(name: str) -> tuple[str, ...]:
        answer = reading.asker.ask(_LIST_URLS, FunctionName=name)
        return tuple(one["FunctionUrl"] for one in answer.get("FunctionUrlConfigs") or ())

    reading.read_details(f.URLS, Area.APIS, names, read, if_gone=())


def list_tags(reading: ReadSession) -> None:
    """The functions that carry a tag of ours."""
    for key in TAG_KEYS:
        _list_tag(reading, key)


def _list_tag(reading: ReadSession, key: str) -> None:
    def take(entry: Entry) -> None:
        name = parse_function_name(entry["ResourceARN"])
        tags: dict[str, str] = {one["Key"]: one["Value"] for one in entry["Tags"]}
        if key in tags:
            known = reading.facts.of(f.TAGS).get(name, {})
            reading.facts.put(f.TAGS, name, {**known, key: tags[key]})

    reading.read_listing(
        f"tags {key}",
        Area.TAGS,
        _GET_TAGGED,
        "ResourceTagMappingList",
        take,
        paging=_TAG_PAGES,
        TagFilters=[{"Key": key}],
        ResourceTypeFilters=["lambda:function"],
    )


def reread_tags(reading: ReadSession) -> None:
    """All tags of ours, after any of them changed: they are few."""
    reading.facts.keep(f.TAGS, lambda _: False)
    for key in TAG_KEYS:
        reading.facts.begin_again(f"tags {key}")
        _list_tag(reading, key)


def _without_qualifier(arn: str) -> str:
    return ":".join(arn.split(":")[:7])


def _parse_moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
