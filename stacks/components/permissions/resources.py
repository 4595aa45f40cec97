"""The resources that the statements of guard functions name, as ARNs of the deployed stack."""

from __future__ import annotations

from typing import Final

from aws_cdk import Aws

from stacks.names import CONTAIN, HOLD_SCHEDULES, RESTORE, STACK_NAME

APIS: Final = (
    "/apis",
    "/apis/*/integrations",
    "/apis/*/routes",
    "/restapis",
    "/restapis/*/resources",
    # UNCONFIRMED A-054: whether reading resources with their methods is held against the methods
    # too.
    "/restapis/*/resources/*",
)


def compose_lambda_arn(
    resource: str, *, region: str = Aws.REGION, account: str = Aws.ACCOUNT_ID
) -> str:
    """An ARN of Lambda, of the deployed stack's own place where nothing else is said."""
    return f"arn:{Aws.PARTITION}:lambda:{region}:{account}:{resource}"


def any_capacity_provider() -> str:
    """What the functions on Lambda Managed Instances run on."""
    return compose_lambda_arn("capacity-provider:*")


def any_function() -> str:
    """Every function of the account and Region, with its versions and aliases."""
    return compose_lambda_arn("function:*")


def any_mapping() -> str:
    """Every event source mapping of the account and Region."""
    return compose_lambda_arn("event-source-mapping:*")


def any_queue() -> str:
    """Every queue of the account and Region."""
    return f"arn:{Aws.PARTITION}:sqs:{Aws.REGION}:{Aws.ACCOUNT_ID}:*"


def any_stream() -> str:
    """Every Kinesis stream of the account and Region."""
    return f"arn:{Aws.PARTITION}:kinesis:{Aws.REGION}:{Aws.ACCOUNT_ID}:stream/*"


def apis() -> tuple[str, ...]:
    """The APIs of the Region and what of them leads to functions; their ARNs name no account."""
    return tuple(f"arn:{Aws.PARTITION}:apigateway:{Aws.REGION}::{path}" for path in APIS)


def own_functions() -> str:
    """The guard's own functions, wherever they are."""
    return compose_lambda_arn(f"function:{STACK_NAME}-*", region="*", account="*")


def guarded_functions() -> tuple[str, ...]:
    """The guard functions of which nobody else may take the concurrency."""
    return tuple(compose_lambda_arn(f"function:{name}") for name in (CONTAIN, RESTORE))


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


def hold_schedule_group() -> str:
    """ARN of the group with the schedules that end holds."""
    return compose_scheduler_arn(f"schedule-group/{HOLD_SCHEDULES}")


def compose_scheduler_arn(resource: str) -> str:
    """An ARN of EventBridge Scheduler in the deployed stack's place."""
    return f"arn:{Aws.PARTITION}:scheduler:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def restore_arn() -> str:
    """ARN of `restore`, also for what CloudFormation creates before it."""
    return compose_lambda_arn(f"function:{RESTORE}")
