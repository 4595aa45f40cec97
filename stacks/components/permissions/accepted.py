"""Findings of cdk-nag that the statements cause, with the reasons they are accepted for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.components.permissions.resources import APIS
from stacks.names import HOLD_SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    for path in APIS
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
