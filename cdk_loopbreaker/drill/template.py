"""The CloudFormation template of a drill's stack: inline code, no assets, no bootstrap."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.model import Helper, LoopKind
from cdk_loopbreaker.drill.plan import MEMORY_MB, RESERVED, RESERVED_HELPER, TIMEOUT_SECONDS
from functions.domain.requests.drill import DRILL_TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_loopbreaker.drill.model import Names

# The most that CloudFormation takes (AWS::Lambda::Function, property Code).
MOST_CODE: Final = 4096
RUNTIME: Final = "python3.13"
_RETENTION_SECONDS: Final = 14_400
_LOG_DAYS: Final = 1


@cache
def read_code() -> str:
    """The code of all functions."""
    return (files(__package__) / "code" / "drill_function.py").read_text(encoding="utf-8")


def build_template(
    names: Names, kinds: Sequence[LoopKind], helpers: Sequence[Helper], topic_arn: str
) -> str:
    """The template as JSON.

    Parameters
    ----------
    topic_arn
        The topic of the guard's notices, which a queue of the stack subscribes.
    """
    resources: dict[str, Any] = {**_define_progress(names), **_define_notices(names, topic_arn)}
    for kind in kinds:
        match kind:
            case LoopKind.SQS:
                resources |= _define_queue_loop(names, kind, is_loop=True)
            case LoopKind.DYNAMODB:
                resources |= _define_table_loop(names)
            case LoopKind.EVENTS:
                resources |= _define_event_loop(names)
    for helper in helpers:
        match helper:
            case Helper.HEALTHY:
                resources |= _define_queue_loop(names, helper, is_loop=False)
            case Helper.PROBE:
                resources |= _define_function(names, helper, target="-", statements=[])
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": (
                f"Loopbreaker drill {names.id}. Disposable: loopbreaker drill --clean removes it."
            ),
            "Resources": resources,
        }
    )


def _tag(names: Names) -> list[dict[str, str]]:
    return [{"Key": DRILL_TAG, "Value": names.id}]


def _arn(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def _allow(actions: Sequence[str], *resources: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _define_progress(names: Names) -> dict[str, Any]:
    """The table in which each round is written down. Nothing follows it."""
    return {"Progress": _define_table(names, "progress")}


def _define_table(names: Names, what: str, **further: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": names.resource(what),
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "token", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "token", "KeyType": "HASH"}],
            "Tags": _tag(names),
            **further,
        },
    }


def _define_queue(names: Names, what: str) -> dict[str, Any]:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": names.resource(what),
            "VisibilityTimeout": 6 * TIMEOUT_SECONDS,
            "MessageRetentionPeriod": _RETENTION_SECONDS,
            "SqsManagedSseEnabled": True,
            "Tags": _tag(names),
        },
    }


def _define_notices(names: Names, topic_arn: str) -> dict[str, Any]:
    """A queue that gets every notice of the guard."""
    return {
        "Notices": _define_queue(names, "notices"),
        "NoticesPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Notices"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "sns.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": _arn("Notices"),
                            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
                        }
                    ],
                },
            },
        },
        "NoticesSubscription": {
            "Type": "AWS::SNS::Subscription",
            "DependsOn": "NoticesPolicy",
            "Properties": {
                "TopicArn": topic_arn,
                "Protocol": "sqs",
                "Endpoint": _arn("Notices"),
            },
        },
    }


def _define_function(
    names: Names,
    kind: LoopKind | Helper,
    *,
    target: Any,
    statements: list[dict[str, Any]],
) -> dict[str, Any]:
    """A function with its role, which may do nothing else, and its log group."""
    title, function = kind.value.title(), names.function(kind)
    reserved = RESERVED[kind] if isinstance(kind, LoopKind) else RESERVED_HELPER
    log_group = f"/aws/lambda/{function}"
    logs = {"Fn::Sub": f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:*:log-group:{log_group}:*"}
    writes = [] if kind is Helper.HEALTHY else [_write_progress(kind)]
    return {
        # It may not be created by the function: it would be left behind.
        f"{title}Log": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": log_group, "RetentionInDays": _LOG_DAYS},
        },
        f"{title}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": names.role(kind),
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "drill",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                _allow(["logs:CreateLogStream", "logs:PutLogEvents"], logs),
                                *writes,
                                *statements,
                            ],
                        },
                    }
                ],
                "Tags": _tag(names),
            },
        },
        title: {
            "Type": "AWS::Lambda::Function",
            "DependsOn": f"{title}Log",
            "Properties": {
                "FunctionName": function,
                "Description": f"Loopbreaker drill {names.id}: disposable",
                "Runtime": RUNTIME,
                "Handler": "index.handler",
                "Code": {"ZipFile": read_code()},
                "Role": _arn(f"{title}Role"),
                "MemorySize": MEMORY_MB,
                "Timeout": TIMEOUT_SECONDS,
                "ReservedConcurrentExecutions": reserved,
                # AWS stops loops through SQS by itself otherwise, before the guard can be seen to.
                "RecursiveLoop": "Allow" if isinstance(kind, LoopKind) else "Terminate",
                "Environment": {
                    "Variables": {
                        "KIND": kind.value,
                        "TABLE": {"Ref": "Progress"},
                        "TARGET": target,
                    }
                },
                "Tags": _tag(names),
            },
        },
    }


def _write_progress(kind: LoopKind | Helper) -> dict[str, Any]:
    """A probe writes marks; a loop writes its rounds down."""
    action = "dynamodb:PutItem" if kind is Helper.PROBE else "dynamodb:UpdateItem"
    return _allow([action], _arn("Progress"))


def _define_queue_loop(names: Names, kind: LoopKind | Helper, *, is_loop: bool) -> dict[str, Any]:
    """A function behind a queue; a loop sends to it as well."""
    title = kind.value.title()
    queue = f"{title}Queue"
    polling = _allow(
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], _arn(queue)
    )
    sending = [_allow(["sqs:SendMessage"], _arn(queue))] if is_loop else []
    target: Any = {"Ref": queue} if is_loop else "-"
    return {
        queue: _define_queue(names, kind.value),
        **_define_function(names, kind, target=target, statements=[polling, *sending]),
        f"{title}Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": title},
                "EventSourceArn": _arn(queue),
                "BatchSize": 1,
                # The least that AWS takes. Pollers would meet the reservation otherwise.
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        },
    }


def _define_table_loop(names: Names) -> dict[str, Any]:
    stream = {"Fn::GetAtt": ["Table", "StreamArn"]}
    reading = [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ]
    streamed = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}
    return {
        "Table": _define_table(names, "table", **streamed),
        **_define_function(
            names,
            LoopKind.DYNAMODB,
            target={"Ref": "Table"},
            statements=[_allow(reading, stream), _allow(["dynamodb:PutItem"], _arn("Table"))],
        ),
        "DynamodbMapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Dynamodb"},
                "EventSourceArn": stream,
                "BatchSize": 1,
                # A table with a single shard has two executions at a time as well.
                "ParallelizationFactor": 2,
                "StartingPosition": "TRIM_HORIZON",
            },
        },
    }


def _define_event_loop(names: Names) -> dict[str, Any]:
    return {
        "Bus": {
            "Type": "AWS::Events::EventBus",
            "Properties": {"Name": names.resource("bus"), "Tags": _tag(names)},
        },
        **_define_function(
            names,
            LoopKind.EVENTS,
            target={"Ref": "Bus"},
            statements=[_allow(["events:PutEvents"], _arn("Bus"))],
        ),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": names.resource("rule"),
                "EventBusName": {"Ref": "Bus"},
                # Everything on this bus: a filter would leave the event graph a doubt.
                "EventPattern": {"source": [{"prefix": ""}]},
                "Targets": [{"Id": "loop", "Arn": _arn("Events")}],
            },
        },
        "RulePermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "Events"},
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
                "SourceArn": _arn("Rule"),
            },
        },
    }
