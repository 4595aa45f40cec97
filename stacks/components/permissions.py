"""What each guard function may do, and what they may never do.

All of it stands here, as plain lists, so that it can be reviewed in one place. A test compares
the lists with what the adapters in `functions/aws` declare beside their calls. Resource types and
condition keys: Service Authorization Reference, *Actions, resources, and condition keys for AWS
Lambda*, *... Amazon CloudWatch*, *... Amazon Resource Group Tagging API*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from stacks.names import (
    CONTAIN,
    EVENT_SOURCE,
    EXEMPT_TAG,
    EXEMPT_VALUE,
    HOLD_SCHEDULES,
    RESTORE,
    SNAPSHOT_TAG,
    STACK_NAME,
    TAG_PREFIX,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READ_METRICS: Final = ("cloudwatch:GetMetricData", "cloudwatch:ListMetrics")
# A metrics query sees no more than 10,000 functions: `contain` has to know whether there are more.
COUNT_FUNCTIONS: Final = ("lambda:GetAccountSettings",)

READ_FUNCTIONS: Final = (
    # It answers a link to the code too, and no condition of IAM takes that out. What would do
    # without (GetFunctionConfiguration, GetFunctionConcurrency, ListTags) shares 15 calls a second
    # with every other change in the account, PutFunctionConcurrency among them; GetFunction has
    # 100 a second to itself (Lambda developer guide, *Lambda quotas*). In a burst of alarms three
    # calls for each function would throttle the one that stops it, so it stays. Environment
    # variables are answered by either.
    "lambda:GetFunction",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetFunctionScalingConfig",
    "lambda:GetPolicy",
    "lambda:ListProvisionedConcurrencyConfigs",
    "lambda:ListTags",
)
# What a hold depends on: how long events wait before they are lost.
READ_EVENT_AGES: Final = ("lambda:ListFunctionEventInvokeConfigs",)
READ_QUEUES: Final = ("sqs:GetQueueAttributes",)
READ_STREAMS: Final = ("kinesis:DescribeStreamSummary",)
LIST_MAPPINGS: Final = ("lambda:ListEventSourceMappings",)
LIST_VERSIONS: Final = ("lambda:ListFunctionVersionsByCapacityProvider",)
READ_MAPPINGS: Final = ("lambda:GetEventSourceMapping",)

CHANGE_CONCURRENCY: Final = (
    "lambda:DeleteFunctionConcurrency",
    "lambda:DeleteProvisionedConcurrencyConfig",
    "lambda:PutFunctionConcurrency",
    "lambda:PutFunctionScalingConfig",
    "lambda:PutProvisionedConcurrencyConfig",
)
CHANGE_MAPPINGS: Final = ("lambda:UpdateEventSourceMapping",)
TAG: Final = ("lambda:TagResource",)
UNTAG: Final = ("lambda:UntagResource",)
CHANGE_TAGS: Final = (*TAG, *UNTAG)
FIND_TAGGED: Final = ("tag:GetResources",)

USE_LEDGER: Final = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
# The chart's part of the same table, by the keys of its items: it may read the open incidents, for
# the mappings that the guard has disabled, and change none.
USE_CHART: Final = (
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
CHART_KEYS: Final = ("chart", "chart-*", "account#*")
READ_LIVE: Final = ("dynamodb:Query",)
LIVE_KEYS: Final = ("live",)
PUBLISH: Final = ("sns:Publish",)
SEND_EVENTS: Final = ("events:PutEvents",)
# What the page of the guard is read from, by the keys of the items: the secret that seals snapshots
# in tags is out of its reach.
READ_RECORDS: Final = ("dynamodb:GetItem", "dynamodb:Query")
SHOWN_KEYS: Final = ("live", "closed#*", "filed", "diagnosis", "treatment", "chart")
READ_PAGE: Final = ("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData")
READ_RESERVED: Final = ("lambda:GetFunctionConcurrency",)
# The way back of a hold. Service Authorization Reference, *... Amazon EventBridge Scheduler*.
SCHEDULE: Final = (
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:UpdateSchedule",
)

# What an event graph and a diagnosis are made of: the configuration of the account, and nothing
# that is kept in it. Most of these take no resource, and which resources matter is only known once
# all are read.
READ_CONFIGURATION: Final = (
    "dynamodb:GetResourcePolicy",
    "events:DescribeRule",
    "events:ListEventBuses",
    "events:ListRules",
    "events:ListTargetsByRule",
    "firehose:DescribeDeliveryStream",
    "firehose:ListDeliveryStreams",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "kinesis:GetResourcePolicy",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionRecursionConfig",
    "lambda:GetPolicy",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListFunctionUrlConfigs",
    "lambda:ListFunctions",
    "lambda:ListTags",
    "logs:DescribeAccountPolicies",
    "logs:DescribeSubscriptionFilters",
    "pipes:DescribePipe",
    "pipes:ListPipes",
    "s3:GetBucketNotification",
    "s3:GetBucketPolicy",
    "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets",
    "scheduler:GetSchedule",
    "scheduler:ListSchedules",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptions",
    "sqs:GetQueueAttributes",
    "sqs:ListDeadLetterSourceQueues",
    "states:DescribeStateMachine",
    "states:ListStateMachines",
    "tag:GetResources",
)
# API Gateway's actions are the methods of HTTP: what may be read is a matter of the resource.
READ_APIS: Final = ("apigateway:GET",)
_APIS: Final = (
    "/apis",
    "/apis/*/integrations",
    "/apis/*/routes",
    "/restapis",
    "/restapis/*/resources",
    # UNCONFIRMED A-054: whether reading resources with their methods is held against the methods
    # too.
    "/restapis/*/resources/*",
)
READ_FOR_DIAGNOSIS: Final = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "lambda:ListAliases",
    "logs:DescribeLogGroups",
)
# What Lambda does with a queue by the role of the function that it invokes.
TAKE_MESSAGES: Final = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
READ_REPORTS: Final = ("logs:FilterLogEvents",)
# IAM knows no resource for it.
READ_ACCOUNT_ALIAS: Final = ("iam:ListAccountAliases",)
SIMULATE: Final = ("iam:SimulatePrincipalPolicy",)

# What each kind of remedy changes, and what takes it back.
CHANGE_ROLES: Final = ("iam:DeleteRolePolicy", "iam:PutRolePolicy")
CHANGE_CONFIGURATION: Final = ("lambda:UpdateFunctionConfiguration",)
ADMIT: Final = ("lambda:AddPermission",)
EXPEL: Final = ("lambda:RemovePermission",)

READ_ACCOUNT: Final = ("lambda:GetAccountSettings",)
RESERVE: Final = ("lambda:GetFunctionConcurrency", "lambda:PutFunctionConcurrency")

# Findings of cdk-nag that the statements below cause, with the reasons they are accepted for.
_ARN_IN_FINDINGS: Final = "arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>"
_NO_RESOURCES: Final = {
    "AwsSolutions-IAM5[Resource::*]": (
        "CloudWatch's metrics, the tagging API, ListEventSourceMappings and GetAccountSettings "
        "take no resource in a policy"
    ),
}
ACCEPTED_FOR_PROTECT: Final[Mapping[str, str]] = {
    **_NO_RESOURCES,
    f"AwsSolutions-IAM5[Resource::{_ARN_IN_FINDINGS}:function:*]": (
        "any function may be named as exempt, and it is looked up whether it exists"
    ),
}
ACCEPTED_FOR_CHANGES: Final[Mapping[str, str]] = {
    **_NO_RESOURCES,
    f"AwsSolutions-IAM5[Resource::{_ARN_IN_FINDINGS}:function:*]": (
        "the guard watches every function of the account and Region, also those to come; its own "
        "and exempt ones are denied in the same policy"
    ),
    f"AwsSolutions-IAM5[Resource::{_ARN_IN_FINDINGS}:event-source-mapping:*]": (
        "a mapping's ARN does not tell its function; those of the guard are denied by condition"
    ),
    f"AwsSolutions-IAM5[Resource::{_ARN_IN_FINDINGS}:capacity-provider:*]": (
        "which functions run on Lambda Managed Instances is known only then; it lists their "
        "versions and changes nothing"
    ),
}


_PLACE_IN_FINDINGS: Final = "<AWS::Region>:<AWS::AccountId>"
ACCEPTED_FOR_CONTAIN: Final[Mapping[str, str]] = {
    **ACCEPTED_FOR_CHANGES,
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:sqs:{_PLACE_IN_FINDINGS}:*]": (
        "which queue invokes a function that runs away is known only then; its attributes are "
        "read, never its messages"
    ),
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kinesis:{_PLACE_IN_FINDINGS}:stream/*]": (
        "which stream invokes a function that runs away is known only then; how long it keeps its "
        "records is read, never a record"
    ),
}


_SCHEDULES_IN_FINDINGS: Final = "arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>"
ACCEPTED_FOR_HOLDS: Final[Mapping[str, str]] = {
    f"AwsSolutions-IAM5[Resource::{_SCHEDULES_IN_FINDINGS}:schedule/{HOLD_SCHEDULES}/*]": (
        "each hold has a schedule of its own, whose name is known only then; the group holds "
        "nothing else"
    ),
}
_IAM_IN_FINDINGS: Final = "arn:<AWS::Partition>:iam::<AWS::AccountId>"
_LOGS_IN_FINDINGS: Final = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>"
ACCEPTED_FOR_REPAIRS: Final[Mapping[str, str]] = {
    f"AwsSolutions-IAM5[Resource::{_IAM_IN_FINDINGS}:role/*]": (
        "which function, and so which role, needs a remedy is known only then; own roles, those of "
        "AWS and of the CDK and exempt ones are denied in the same policy"
    ),
}
_APIS_IN_FINDINGS: Final = "arn:<AWS::Partition>:apigateway:<AWS::Region>:"
_ACCEPTED_FOR_APIS: Final[Mapping[str, str]] = {
    f"AwsSolutions-IAM5[Resource::{_APIS_IN_FINDINGS}:{path}]": (
        "reads what the APIs of the account and Region lead to, also of those to come"
    )
    for path in _APIS
    if "*" in path
}
ACCEPTED_FOR_DIAGNOSIS: Final[Mapping[str, str]] = {
    **ACCEPTED_FOR_CHANGES,
    **ACCEPTED_FOR_REPAIRS,
    **_ACCEPTED_FOR_APIS,
    "AwsSolutions-IAM5[Resource::*]": (
        "reads the configuration of the whole account and nothing else: what is connected with "
        "what is not known before"
    ),
    f"AwsSolutions-IAM5[Resource::{_IAM_IN_FINDINGS}:user/*]": (
        "whoever was denied to invoke a function may be any user"
    ),
    f"AwsSolutions-IAM5[Resource::{_LOGS_IN_FINDINGS}:log-group:*]": (
        "the REPORT lines of any function, in whatever log group it writes"
    ),
}


ACCEPTED_FOR_PRESENT: Final[Mapping[str, str]] = _NO_RESOURCES
ACCEPTED_FOR_CHART: Final[Mapping[str, str]] = {
    **_ACCEPTED_FOR_APIS,
    "AwsSolutions-IAM5[Resource::*]": (
        "reads the configuration of the whole account and nothing else: what is connected with "
        "what is not known before"
    ),
}


def _arn(resource: str, *, region: str = Aws.REGION, account: str = Aws.ACCOUNT_ID) -> str:
    return f"arn:{Aws.PARTITION}:lambda:{region}:{account}:{resource}"


def any_capacity_provider() -> str:
    """What the functions on Lambda Managed Instances run on."""
    return _arn("capacity-provider:*")


def any_function() -> str:
    """Every function of the account and Region, with its versions and aliases."""
    return _arn("function:*")


def any_mapping() -> str:
    """Every event source mapping of the account and Region."""
    return _arn("event-source-mapping:*")


def any_queue() -> str:
    """Every queue of the account and Region."""
    return f"arn:{Aws.PARTITION}:sqs:{Aws.REGION}:{Aws.ACCOUNT_ID}:*"


def any_stream() -> str:
    """Every Kinesis stream of the account and Region."""
    return f"arn:{Aws.PARTITION}:kinesis:{Aws.REGION}:{Aws.ACCOUNT_ID}:stream/*"


def apis() -> tuple[str, ...]:
    """The APIs of the Region and what of them leads to functions; their ARNs name no account."""
    return tuple(f"arn:{Aws.PARTITION}:apigateway:{Aws.REGION}::{path}" for path in _APIS)


def own_functions() -> str:
    """The guard's own functions, wherever they are."""
    return _arn(f"function:{STACK_NAME}-*", region="*", account="*")


def any_role() -> str:
    """Every role of the account."""
    return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/*"


def untouched_roles() -> list[str]:
    """Roles that no remedy is for: our own, AWS's, and those that deploy."""
    roles = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role"
    return [
        f"{roles}/{STACK_NAME}-*",
        f"{roles}/aws-reserved/*",
        f"{roles}/aws-service-role/*",
        f"{roles}/cdk-*",
    ]


def _allow(
    sid: str,
    actions: Sequence[str],
    *resources: str,
    conditions: Mapping[str, object] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
    )


def _deny(
    sid: str,
    actions: Sequence[str],
    *resources: str,
    conditions: Mapping[str, object] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        actions=list(actions),
        resources=list(resources),
        conditions=conditions,
    )


def _change_functions() -> list[iam.PolicyStatement]:
    """Read and change any function, but never one of our own."""
    return [
        _allow("ReadFunctions", READ_FUNCTIONS, any_function()),
        _allow("ReadInstances", LIST_VERSIONS, any_capacity_provider()),
        _allow("ListMappings", LIST_MAPPINGS, "*"),
        _allow("ReadMappings", READ_MAPPINGS, any_mapping()),
        _allow("ChangeConcurrency", CHANGE_CONCURRENCY, any_function()),
        _allow("ChangeMappings", CHANGE_MAPPINGS, any_mapping()),
        _allow(
            "ChangeOwnTags",
            CHANGE_TAGS,
            any_function(),
            conditions={"ForAllValues:StringLike": {"aws:TagKeys": [f"{TAG_PREFIX}*"]}},
        ),
        _deny("NeverOurOwnFunctions", (*CHANGE_CONCURRENCY, *CHANGE_TAGS), own_functions()),
        # A mapping's ARN does not tell its function; this condition key does.
        _deny(
            "NeverOurOwnMappings",
            CHANGE_MAPPINGS,
            any_mapping(),
            conditions={"ArnLike": {"lambda:FunctionArn": own_functions()}},
        ),
        # Whether a function is exempt is for people to say, not for the guard.
        _deny(
            "NeverTheExemptTag",
            CHANGE_TAGS,
            any_function(),
            conditions={"ForAnyValue:StringEquals": {"aws:TagKeys": [EXEMPT_TAG]}},
        ),
    ]


def hold_schedule_group() -> str:
    """ARN of the group with the schedules that end holds."""
    return _scheduler_arn(f"schedule-group/{HOLD_SCHEDULES}")


def _scheduler_arn(resource: str) -> str:
    return f"arn:{Aws.PARTITION}:scheduler:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def restore_arn() -> str:
    """ARN of `restore`, also for what CloudFormation creates before it."""
    return _arn(f"function:{RESTORE}")


def invoke_restore() -> iam.PolicyStatement:
    """What a schedule that ends a hold may do."""
    return _allow("InvokeRestore", ("lambda:InvokeFunction",), restore_arn())


def _schedule_ends(hold_role_arn: str) -> list[iam.PolicyStatement]:
    """Make, move and delete the schedules that end holds, with one role and no other."""
    return [
        _allow("ScheduleEnds", SCHEDULE, _scheduler_arn(f"schedule/{HOLD_SCHEDULES}/*")),
        _allow(
            "HandOverTheRole",
            ("iam:PassRole",),
            hold_role_arn,
            conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """Where notices and their events may go.

    Attributes
    ----------
    chat_topic_arn
        ``None`` where there is no topic for chat.
    has_events
        Whether events go to the default bus.
    """

    topic_arn: str
    chat_topic_arn: str | None = None
    has_events: bool = False


def _notify(outlets: Outlets) -> list[iam.PolicyStatement]:
    """Publish to the topics, and events of our own source to the default bus.

    UNCONFIRMED A-068: that AWS holds ``events:source`` against each entry of PutEvents. If it does
    not, events are refused; they are given up in the log, and every mail is sent all the same.
    """
    chat = () if outlets.chat_topic_arn is None else (outlets.chat_topic_arn,)
    statements = [_allow("Tell", PUBLISH, outlets.topic_arn, *chat)]
    if outlets.has_events:
        bus = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/default"
        only_ours = {"StringEquals": {"events:source": EVENT_SOURCE}}
        statements.append(_allow("SendEvents", SEND_EVENTS, bus, conditions=only_ours))
    return statements


def contain_statements(
    outlets: Outlets, *, ledger_arn: str, hold_role_arn: str
) -> list[iam.PolicyStatement]:
    """What `contain` may do."""
    exempt = {"StringEquals": {f"aws:ResourceTag/{EXEMPT_TAG}": EXEMPT_VALUE}}
    return [
        _allow("ReadMetrics", READ_METRICS, "*"),
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        _allow("CountFunctions", COUNT_FUNCTIONS, "*"),
        _allow("ReadEventAges", READ_EVENT_AGES, any_function()),
        _allow("ReadQueues", READ_QUEUES, any_queue()),
        _allow("ReadStreams", READ_STREAMS, any_stream()),
        *_change_functions(),
        # Only `contain` is kept off exempt functions. `restore` is not: a function that gets the
        # tag while it is contained must still be put back.
        # UNCONFIRMED A-055: that AWS evaluates aws:ResourceTag for each of these actions. If it
        # does not for one of them, the check in the code remains.
        _deny(
            "NeverExemptFunctions",
            (*CHANGE_CONCURRENCY, *TAG),
            any_function(),
            conditions=exempt,
        ),
        # Its own note of a stop goes when that is recorded, also where the function has become
        # exempt since.
        _deny(
            "NeverExemptTags",
            UNTAG,
            any_function(),
            conditions={
                **exempt,
                "ForAnyValue:StringNotLike": {"aws:TagKeys": [f"{SNAPSHOT_TAG}*"]},
            },
        ),
        *_schedule_ends(hold_role_arn),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        *_notify(outlets),
    ]


def restore_statements(
    outlets: Outlets, *, ledger_arn: str, hold_role_arn: str, remedies: Sequence[str] = ()
) -> list[iam.PolicyStatement]:
    """What `restore` may do: put back contained functions, and take allowed remedies back."""
    return [
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        *_change_functions(),
        *_undo_remedies(remedies),
        # What `loopbreaker status --html` shows.
        _allow("ReadPage", READ_PAGE, "*"),
        *_schedule_ends(hold_role_arn),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        *_notify(outlets),
    ]


def _undo_remedies(remedies: Sequence[str]) -> list[iam.PolicyStatement]:
    kinds = frozenset(remedies)
    statements = []
    if "logs" in kinds:
        statements += [
            _allow("TakeBackGrants", ("iam:DeleteRolePolicy", "iam:GetRolePolicy"), any_role()),
            _deny("NeverTheseRoles", ("iam:DeleteRolePolicy",), *untouched_roles()),
        ]
    if kinds & {"logs", "traces", "memory"}:
        statements += [
            _allow(
                "PutBackConfiguration",
                ("lambda:GetFunctionConfiguration", *CHANGE_CONFIGURATION),
                any_function(),
            ),
            _deny("NeverOurOwnConfiguration", CHANGE_CONFIGURATION, own_functions()),
        ]
    if "permissions" in kinds:
        statements += [
            _allow(
                "TakeBackPermissions", ("lambda:GetFunctionConfiguration", *EXPEL), any_function()
            ),
            _deny("NeverOurOwnPermissions", EXPEL, own_functions()),
        ]
    return statements


def diagnose_statements(
    outlets: Outlets, *, ledger_arn: str, denials_arn: str, remedies: Sequence[str]
) -> list[iam.PolicyStatement]:
    """What `diagnose` may do: read, tell, and change what the operator allowed by name."""
    logs = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
    users = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:user/*"
    return [
        _allow("ReadConfiguration", (*READ_CONFIGURATION, *READ_FOR_DIAGNOSIS), "*"),
        _allow("ReadApis", READ_APIS, *apis()),
        _allow("ReadReports", READ_REPORTS, logs),
        _allow("TakeDenials", TAKE_MESSAGES, denials_arn),
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        _allow("Simulate", SIMULATE, any_role(), users),
        *_apply_remedies(remedies),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        *_notify(outlets),
    ]


def _apply_remedies(remedies: Sequence[str]) -> list[iam.PolicyStatement]:
    """Changes of the allowed kinds, never on our own, exempt or AWS's things.

    IAM has no condition on the name or the content of an inline policy: that a grant is one of
    three actions on one log group is checked in the code alone.
    """
    kinds = frozenset(remedies)
    exempt = {"StringEquals": {f"aws:ResourceTag/{EXEMPT_TAG}": EXEMPT_VALUE}}
    statements: list[iam.PolicyStatement] = []
    changes: list[str] = []
    if "logs" in kinds:
        statements += [
            _allow("GrantLogs", CHANGE_ROLES, any_role()),
            _deny("NeverTheseRoles", CHANGE_ROLES, *untouched_roles()),
            _deny("NeverExemptRoles", CHANGE_ROLES, any_role(), conditions=exempt),
        ]
    if kinds & {"logs", "traces", "memory"}:
        changes += CHANGE_CONFIGURATION
        statements.append(_allow("Configure", CHANGE_CONFIGURATION, any_function()))
    if "permissions" in kinds:
        changes += (*ADMIT, *EXPEL)
        statements += [
            # Services only: an account or a role is never let in, whoever asks.
            _allow(
                "AdmitServices",
                ADMIT,
                any_function(),
                conditions={
                    "StringLike": {
                        "lambda:Principal": ["*.amazonaws.com", "*.amazonaws.com.cn"],
                    }
                },
            ),
            _allow("TakeBackPermissions", EXPEL, any_function()),
        ]
    if changes:
        statements += [
            _deny("NeverOurOwnFunctions", changes, own_functions()),
            _deny("NeverExemptFunctions", changes, any_function(), conditions=exempt),
        ]
    return statements


def chart_statements(outlets: Outlets, *, ledger_arn: str) -> list[iam.PolicyStatement]:
    """What `chart` may do: read the configuration of the account, keep what it read, tell."""
    return [
        _allow("ReadConfiguration", READ_CONFIGURATION, "*"),
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        _allow("ReadApis", READ_APIS, *apis()),
        _allow(
            "KeepTheChart",
            USE_CHART,
            ledger_arn,
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(CHART_KEYS)}},
        ),
        _allow(
            "SeeWhatIsHeld",
            READ_LIVE,
            ledger_arn,
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(LIVE_KEYS)}},
        ),
        *_notify(outlets),
    ]


def present_statements(*, ledger_arn: str) -> list[iam.PolicyStatement]:
    """What `present` may do: read what the page shows, and nothing else."""
    return [
        _allow("ReadPage", READ_PAGE, "*"),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow(
            "ReadReserved",
            READ_RESERVED,
            *(_arn(f"function:{name}") for name in (CONTAIN, RESTORE)),
        ),
        _allow(
            "ReadRecords",
            READ_RECORDS,
            ledger_arn,
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(SHOWN_KEYS)}},
        ),
    ]


def protect_statements(outlets: Outlets) -> list[iam.PolicyStatement]:
    """What `protect` may do: read limits and traffic, reserve for the guard functions, notify."""
    return [
        _allow("ReadAccount", (*READ_ACCOUNT, "cloudwatch:GetMetricData"), "*"),
        _allow("CheckExempt", ("lambda:GetFunctionConcurrency",), any_function()),
        _allow("Reserve", RESERVE, *(_arn(f"function:{name}") for name in (CONTAIN, RESTORE))),
        *_notify(outlets),
    ]
