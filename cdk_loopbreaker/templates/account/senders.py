"""What sends to queues, topics and the like for anybody: integrations of APIs, rules of IoT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.model import Partial
from cdk_loopbreaker.templates.property_values import (
    find_doubt,
    read_list,
    read_mapping,
    read_path,
    read_text,
    write_json,
)
from functions.domain.account.inventory import Area, Gap
from functions.domain.graph.nodes import node_of
from functions.domain.graph.writes.read_calls import is_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.templates.account.scope import AccountScope
    from cdk_loopbreaker.templates.model import Value

_TABLES: Final = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
_BUS: Final = "AWS::Events::EventBus"
_TYPES: Final = {
    "dynamodb": _TABLES,
    "events": (_BUS,),
    "firehose": ("AWS::KinesisFirehose::DeliveryStream",),
    "kinesis": ("AWS::Kinesis::Stream",),
    "s3": ("AWS::S3::Bucket",),
    "sns": ("AWS::SNS::Topic",),
    "sqs": ("AWS::SQS::Queue",),
    "states": ("AWS::StepFunctions::StateMachine",),
}
# `IntegrationSubtype` of HTTP APIs (API Gateway developer guide, *Integration subtype reference*).
_SUBTYPES: Final = {
    "EventBridge": "events",
    "Kinesis": "kinesis",
    "SQS": "sqs",
    "StepFunctions": "states",
}
# Actions of a topic rule (AWS IoT developer guide, *AWS IoT rule actions*). `Lambda` needs a
# permission of the function, which shows it.
_IOT_ACTIONS: Final = {
    "DynamoDB": "dynamodb",
    "DynamoDBv2": "dynamodb",
    "Firehose": "firehose",
    "Kinesis": "kinesis",
    "S3": "s3",
    "Sns": "sns",
    "Sqs": "sqs",
    "StepFunctions": "states",
}
_URI: Final = re.compile(
    r"arn:[a-z*-]+:apigateway:[^:]*:(?:[^:.]+\.)?(?P<service>[a-z0-9]+):(?P<way>action|path)/(?P<rest>.*)",
    re.DOTALL,
)
_READING_METHODS: Final = frozenset({"GET", "HEAD"})


def list_integration_targets(scope: AccountScope, integration: Value) -> Iterator[str]:
    """ARNs of what an integration of an API may send to, unless it only reads."""
    service = _find_service(integration)
    if service in _TYPES:
        yield from _list_named(scope, service, integration)


def _find_service(integration: Value) -> str:
    """The service that an integration calls to change something; empty for none."""
    subtype, _, call = read_text(read_path(integration, "IntegrationSubtype")).partition("-")
    if subtype:
        return "" if is_read(call) else _SUBTYPES.get(subtype, "")
    uri = read_path(integration, "uri") or read_path(integration, "Uri")
    found = _URI.match(uri.pattern if isinstance(uri, Partial) else read_text(uri))
    if found is None:
        return ""
    method = read_path(integration, "httpMethod") or read_path(integration, "IntegrationHttpMethod")
    is_reading = (
        is_read(found["rest"])
        if found["way"] == "action"
        else found["service"] == "s3" and read_text(method).upper() in _READING_METHODS
    )
    return "" if is_reading else found["service"]


def _list_named(scope: AccountScope, service: str, value: Value) -> Iterator[str]:
    """Those of a service's resources that a value names; all, where it does not tell which."""
    every = [one for one in scope.list_of(*_TYPES[service]) if one.arn]
    text = "" if find_doubt(value) else write_json(value)
    named = [one for one in every if any(name in text for name in (one.name, one.ref) if name)]
    yield from (one.arn for one in named or every)
    if service == "events" and not named:
        yield scope.read_bus(None)


def note_iot_targets(scope: AccountScope) -> None:
    """Note what rules of IoT send to: devices publish without a permission of IAM."""
    for resource in scope.list_of("AWS::IoT::TopicRule"):
        payload = resource.properties.get("TopicRulePayload")
        actions = (*read_list(read_path(payload, "Actions")), read_path(payload, "ErrorAction"))
        for action in actions:
            for kind, told in read_mapping(action).items():
                service = _IOT_ACTIONS.get(kind, "")
                for arn in _list_named(scope, service, told) if service else ():
                    words = f"IoT's rule {resource.logical_id} sends to it"
                    gap = Gap(area=Area.RESOURCE_POLICIES, words=words, resource=node_of(arn).arn)
                    scope.gaps.setdefault(gap)
