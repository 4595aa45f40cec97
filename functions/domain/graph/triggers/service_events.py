"""Rules that hear of what AWS services do, and what would make the services speak."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Account, Rule
from functions.domain.account.state_machines import AccountLocation
from functions.domain.graph.model import Node, NodeKind
from functions.domain.graph.nodes import bus_arn, node_of
from functions.domain.graph.payloads import Called
from functions.domain.graph.triggers.configured import read_rule
from functions.domain.graph.triggers.rule_patterns import (
    list_asked_calls,
    list_asked_services,
    list_aws_sources,
    may_ask_for,
)
from functions.domain.graph.triggers.trigger_edge import Listener, TriggerEdge

# Sources whose events no call of a role's makes.
_UNCAUSED: Final = frozenset({"aws.health", "aws.events", "aws.scheduler", "aws.trustedadvisor"})
_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {"aws.emr": "elasticmapreduce", "aws.macie": "macie2", "aws.efs": "elasticfilesystem"}
)
# Sources that tell of what calls of any service change. `Tag change events` and `Monitoring` of the
# Resource Groups and AWS Config developer guides; findings tell of resources as they are.
_OF_ALL: Final = frozenset({"aws.tag", "aws.config", "aws.access-analyzer", "aws.securityhub"})
_ALARMS: Final = ("aws.cloudwatch", "CloudWatch Alarm State Change")
_CLOUDTRAIL: Final = "AWS API Call via CloudTrail"


def read_service_events(
    account: Account, place: AccountLocation
) -> tuple[list[TriggerEdge], list[Listener]]:
    """Rules that hear of what AWS services do, and what would make the services speak."""
    default_bus = node_of(bus_arn(place.partition, place.region, place.account))
    edges: list[TriggerEdge] = []
    listeners: list[Listener] = []
    for rule in account.rules:
        if not rule.pattern or not rule.targets or node_of(rule.bus_arn) != default_bus:
            continue
        for source in list_aws_sources(rule.pattern):
            if source in _UNCAUSED or not _hears_calls(rule, source):
                continue
            service = _PREFIXES.get(source, source.removeprefix("aws."))
            node = Node(NodeKind.SERVICE, source, f"{service} events" if service else "AWS events")
            edges.extend(read_rule(rule, node))
            listeners.extend(_list_listeners(rule, source, node, service))
    return edges, listeners


def _list_listeners(rule: Rule, source: str, node: Node, service: str) -> Iterator[Listener]:
    """Which calls make a service send the events that a rule asks for."""
    heard = Listener(node=node, payload=Called(source, rule.arn), service=service)
    calls = list_asked_calls(rule.pattern)
    if source in _OF_ALL and not calls:
        asked = list_asked_services(rule.pattern) if source == "aws.tag" else ()
        for one in (*asked, "tag") if asked else ("",):
            yield replace(heard, service=one)
        return
    actions = tuple(f"{service}:{_read_call(name)}" for name in calls)
    yield replace(heard, actions=actions if service else ())
    if source == _ALARMS[0] and may_ask_for(rule.pattern, *_ALARMS):
        # No call changes the alarm: a metric that it watches does.
        yield replace(heard, actions=("cloudwatch:PutMetricData",))


def _read_call(name: str) -> str:
    """The IAM action of a call as CloudTrail names it: ``UpdateFunctionCode20150331v2``."""
    head, digits = name.rstrip("v2"), "0123456789"
    bare = head.rstrip(digits)
    return bare if len(head) - len(bare) >= len("20150331") else name


def _hears_calls(rule: Rule, source: str) -> bool:
    """Whether a rule hears of anything of a service but of objects in buckets.

    These the bucket's own configuration sends, and the keys that may be written count for them.
    """
    if source != "aws.s3":
        return True
    return may_ask_for(rule.pattern, source, _CLOUDTRAIL)
