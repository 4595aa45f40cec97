"""The exact rights that a drill needs, as an IAM policy."""

from __future__ import annotations

import json
from typing import Any, Final

from cdk_loopbreaker.drill.model import STACK_PREFIX, Depth
from functions.domain.requests.drill import FUNCTION_PREFIX
from stacks.names import CHART, CONTAIN, RESTORE, SIGNAL_ALARM_PREFIX

_ANY: Final = "*"
# UNCONFIRMED A-064: which calls CloudFormation makes for the resources of the stack, in the name of
# whoever creates it. One that is missing is named by CloudFormation, and nothing is left.
_STACK: Final = (
    "cloudformation:CreateStack",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:TagResource",
)
_FUNCTIONS: Final = (
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionConcurrency",
    "lambda:GetFunction",
    "lambda:GetFunctionCodeSigningConfig",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionRecursionConfig",
    "lambda:GetRuntimeManagementConfig",
    "lambda:InvokeFunction",
    "lambda:ListTags",
    "lambda:PutFunctionConcurrency",
    "lambda:PutFunctionRecursionConfig",
    "lambda:TagResource",
)
_PROBED_FUNCTIONS: Final = (
    "lambda:AddPermission",
    "lambda:DeleteProvisionedConcurrencyConfig",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:PublishVersion",
    "lambda:PutProvisionedConcurrencyConfig",
    "lambda:RemovePermission",
    "lambda:UpdateFunctionConfiguration",
)
# Lambda knows the ARN of a mapping only after it was made, and takes no function for a resource.
_MAPPINGS: Final = (
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:ListEventSourceMappings",
    "lambda:ListTags",
    "lambda:TagResource",
)
_ROLES: Final = (
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "iam:TagRole",
)
_QUEUES: Final = (
    "sqs:CreateQueue",
    "sqs:DeleteMessage",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "sqs:SetQueueAttributes",
    "sqs:TagQueue",
)
_TABLES: Final = (
    "dynamodb:BatchGetItem",
    "dynamodb:CreateTable",
    "dynamodb:DeleteTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:ListTagsOfResource",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "dynamodb:TagResource",
    "dynamodb:UpdateItem",
)
_LOG_GROUPS: Final = (
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
)
_BUSES: Final = (
    "events:CreateEventBus",
    "events:DeleteEventBus",
    "events:DeleteRule",
    "events:DescribeEventBus",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutEvents",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
)


def build_statements(
    depth: Depth, partition: str = "aws", account: str = _ANY, region: str = _ANY
) -> list[dict[str, Any]]:
    """The statements that a drill of a depth needs, the least first."""

    def arn(service: str, resource: str, *, where: str = region, whose: str = account) -> str:
        return f"arn:{partition}:{service}:{where}:{whose}:{resource}"

    # With and without the end that some of its calls are held against.
    guard_logs = [
        arn("logs", f"log-group:/aws/lambda/{one}{end}")
        for one in (CONTAIN, CHART)
        for end in ("", ":*")
    ]
    statements = [
        _allow(
            "AskTheGuard",
            ("lambda:InvokeFunction",),
            *(arn("lambda", f"function:{one}") for one in (RESTORE, CONTAIN)),
        ),
        _allow(
            "ReadTheGuard",
            ("lambda:GetFunctionConfiguration",),
            arn("lambda", f"function:{CONTAIN}"),
        ),
        _allow("ReadItsLog", ("logs:FilterLogEvents",), *guard_logs),
        _allow(
            "RingTheBell",
            ("cloudwatch:SetAlarmState",),
            arn("cloudwatch", f"alarm:{SIGNAL_ALARM_PREFIX}*"),
        ),
        _allow("Look", ("cloudformation:ListStacks", "cloudwatch:DescribeAlarms"), _ANY),
    ]
    if depth is Depth.BELL:
        return statements
    name = f"{STACK_PREFIX}*"
    functions = arn("lambda", f"function:{FUNCTION_PREFIX}*")
    statements += [
        _allow("ItsStack", _STACK, arn("cloudformation", f"stack/{name}")),
        _allow("ItsFunctions", _FUNCTIONS, functions),
        _allow("ItsMappings", _MAPPINGS, _ANY),
        _allow("ItsRoles", _ROLES, arn("iam", f"role/{name}", where="")),
        _allow("ItsQueues", _QUEUES, arn("sqs", name)),
        _allow("ItsTables", _TABLES, arn("dynamodb", f"table/{name}")),
        _allow(
            "ItsLogs",
            _LOG_GROUPS,
            arn("logs", f"log-group:/aws/lambda/{FUNCTION_PREFIX}*"),
        ),
        _allow("FindLogGroups", ("logs:DescribeLogGroups",), _ANY),
        # The names of the topic and of the role are made by CloudFormation.
        _allow(
            "FollowTheNotices",
            ("sns:GetSubscriptionAttributes", "sns:Subscribe", "sns:Unsubscribe"),
            arn("sns", _ANY),
        ),
        _allow(
            "SimulateTheGuard",
            ("iam:SimulatePrincipalPolicy",),
            arn("iam", "role/*", where=""),
        ),
    ]
    if depth is Depth.DRY:
        return statements
    return [
        *statements,
        _allow("MeasureFunctions", _PROBED_FUNCTIONS, functions, f"{functions}:*"),
        _allow("SwitchMappings", ("lambda:UpdateEventSourceMapping",), _ANY),
        _allow("ItsBus", _BUSES, arn("events", f"event-bus/{name}"), arn("events", f"rule/{name}")),
        _allow(
            "ReadStreams", ("dynamodb:DescribeStream",), arn("dynamodb", f"table/{name}/stream/*")
        ),
        _allow(
            "Measure",
            (
                "cloudwatch:GetMetricData",
                "cloudwatch:GetMetricStatistics",
                "events:TestEventPattern",
                "iam:SimulateCustomPolicy",
                "lambda:GetAccountSettings",
            ),
            _ANY,
        ),
    ]


def format_policy(depth: Depth, partition: str = "aws") -> str:
    """The policy as JSON."""
    document = {"Version": "2012-10-17", "Statement": build_statements(depth, partition)}
    return json.dumps(document, indent=2) + "\n"


def _allow(sid: str, actions: tuple[str, ...], *resources: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": sorted(set(resources)),
    }
