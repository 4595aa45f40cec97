"""What each guard function may do, and what two of them may never do.

All of it stands here, as plain lists, so that it can be reviewed in one place. A test compares
the lists with what the adapters in `functions/aws` declare beside their calls. Resource types and
condition keys: Service Authorization Reference, *Actions, resources, and condition keys for AWS
Lambda*, *... Amazon CloudWatch*, *... Amazon Resource Group Tagging API*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from stacks.names import CONTAIN, EXEMPT_TAG, EXEMPT_VALUE, RESTORE, STACK_NAME, TAG_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READ_METRICS: Final = ("cloudwatch:GetMetricData", "cloudwatch:ListMetrics")

READ_FUNCTIONS: Final = (
    "lambda:GetFunction",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetPolicy",
    "lambda:ListAliases",
    "lambda:ListProvisionedConcurrencyConfigs",
    "lambda:ListTags",
)
LIST_MAPPINGS: Final = ("lambda:ListEventSourceMappings",)
READ_MAPPINGS: Final = ("lambda:GetEventSourceMapping",)

CHANGE_CONCURRENCY: Final = (
    "lambda:DeleteFunctionConcurrency",
    "lambda:DeleteProvisionedConcurrencyConfig",
    "lambda:PutFunctionConcurrency",
    "lambda:PutProvisionedConcurrencyConfig",
)
CHANGE_MAPPINGS: Final = ("lambda:UpdateEventSourceMapping",)
CHANGE_TAGS: Final = ("lambda:TagResource", "lambda:UntagResource")
FIND_TAGGED: Final = ("tag:GetResources",)

USE_LEDGER: Final = (
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
PUBLISH: Final = ("sns:Publish",)

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
ACCEPTED_FOR_PROTECT: Final[Mapping[str, str]] = _NO_RESOURCES
ACCEPTED_FOR_CHANGES: Final[Mapping[str, str]] = {
    **_NO_RESOURCES,
    f"AwsSolutions-IAM5[Resource::{_ARN_IN_FINDINGS}:function:*]": (
        "the guard watches every function of the account and Region, also those to come; its own "
        "and exempt ones are denied in the same policy"
    ),
    f"AwsSolutions-IAM5[Resource::{_ARN_IN_FINDINGS}:event-source-mapping:*]": (
        "a mapping's ARN does not tell its function; those of the guard are denied by condition"
    ),
}


def _arn(resource: str, *, region: str = Aws.REGION, account: str = Aws.ACCOUNT_ID) -> str:
    return f"arn:{Aws.PARTITION}:lambda:{region}:{account}:{resource}"


def any_function() -> str:
    """Every function of the account and Region, with its versions and aliases."""
    return _arn("function:*")


def any_mapping() -> str:
    """Every event source mapping of the account and Region."""
    return _arn("event-source-mapping:*")


def own_functions() -> str:
    """The guard's own functions, wherever they are."""
    return _arn(f"function:{STACK_NAME}-*", region="*", account="*")


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


def contain_statements(*, ledger_arn: str, topic_arn: str) -> list[iam.PolicyStatement]:
    """What `contain` may do."""
    exempt = {"StringEquals": {f"aws:ResourceTag/{EXEMPT_TAG}": EXEMPT_VALUE}}
    return [
        _allow("ReadMetrics", READ_METRICS, "*"),
        *_change_functions(),
        # Only `contain` is kept off exempt functions. `restore` is not: a function that gets the
        # tag while it is contained must still be put back.
        # UNCONFIRMED: that AWS evaluates aws:ResourceTag for each of these actions. If it does
        # not for one of them, the check in the code remains.
        _deny(
            "NeverExemptFunctions",
            (*CHANGE_CONCURRENCY, *CHANGE_TAGS),
            any_function(),
            conditions=exempt,
        ),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        _allow("Tell", PUBLISH, topic_arn),
    ]


def restore_statements(*, ledger_arn: str, topic_arn: str) -> list[iam.PolicyStatement]:
    """What `restore` may do."""
    return [
        *_change_functions(),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        _allow("Tell", PUBLISH, topic_arn),
    ]


def protect_statements(*, topic_arn: str) -> list[iam.PolicyStatement]:
    """What `protect` may do: read the account's limits, reserve for the guard functions, tell."""
    return [
        _allow("ReadAccount", READ_ACCOUNT, "*"),
        _allow("Reserve", RESERVE, *(_arn(f"function:{name}") for name in (CONTAIN, RESTORE))),
        _allow("Tell", PUBLISH, topic_arn),
    ]
