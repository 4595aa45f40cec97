from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events

from stacks.components.triggers.waking import API_CALL, WakingRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

# A tick without anything to do costs a hundredth of a cent each hour.
TICK: Final = Duration.minutes(2)

# Calls that change what is charted, by EventBridge's source.
# `functions/aws/account/configuration_changes.py` reads the same calls; a test compares the two.
# CloudTrail appends the API's version to most of Lambda's names (Lambda developer guide,
# logging-using-cloudtrail), hence the prefixes there.
LAMBDA_CALLS: Final = (
    "AddPermission",
    "CreateEventSourceMapping",
    "CreateFunction2",  # the version follows; CreateFunctionUrlConfig is another call
    "CreateFunctionUrlConfig",
    "DeleteEventSourceMapping",
    "DeleteFunction2",
    "DeleteFunctionEventInvokeConfig",
    "DeleteFunctionUrlConfig",
    "PutFunctionEventInvokeConfig",
    "PutFunctionRecursionConfig",
    "RemovePermission",
    "TagResource",
    "UntagResource",
    "UpdateEventSourceMapping",
    "UpdateFunctionConfiguration",
    "UpdateFunctionEventInvokeConfig",
)
ROLE_CALLS: Final[Mapping[str, Sequence[str]]] = {
    "iam": (
        "AttachRolePolicy",
        "CreatePolicyVersion",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "SetDefaultPolicyVersion",
    ),
}
SOURCE_CALLS: Final[Mapping[str, Sequence[str]]] = {
    "s3": (
        "DeleteBucket",
        "DeleteBucketPolicy",
        "DeleteBucketReplication",
        "PutBucketNotification",
        "PutBucketNotificationConfiguration",
        "PutBucketPolicy",
        "PutBucketReplication",
    ),
    "sns": (
        "ConfirmSubscription",
        "SetSubscriptionAttributes",
        "SetTopicAttributes",
        "Subscribe",
        "Unsubscribe",
    ),
    "sqs": ("SetQueueAttributes",),
    "logs": (
        "DeleteAccountPolicy",
        "DeleteSubscriptionFilter",
        "PutAccountPolicy",
        "PutSubscriptionFilter",
    ),
}
# In a rule of its own: CloudWatch Logs has calls of the same names, which are no matter here.
POLICY_CALLS: Final[Mapping[str, Sequence[str]]] = {
    "dynamodb": ("DeleteResourcePolicy", "PutResourcePolicy"),
    "kinesis": ("DeleteResourcePolicy", "PutResourcePolicy"),
}
# Schedules are not among them: applications create them for single events, by the second, and each
# would be a run and a write. The lists that are read every hour hold them.
FLOW_CALLS: Final[Mapping[str, Sequence[str]]] = {
    "events": (
        "DeleteRule",
        "DisableRule",
        "EnableRule",
        "PutPermission",
        "PutRule",
        "PutTargets",
        "RemovePermission",
        "RemoveTargets",
    ),
    "pipes": ("CreatePipe", "DeletePipe", "StartPipe", "StopPipe", "UpdatePipe"),
    "states": ("CreateStateMachine", "DeleteStateMachine", "UpdateStateMachine"),
    "apigateway": (
        "CreateIntegration",
        "CreateRoute",
        "DeleteIntegration",
        "DeleteMethod",
        "DeleteResource",
        "DeleteRoute",
        "PutIntegration",
        "PutRestApi",
        "ReimportApi",
        "UpdateIntegration",
        "UpdateRoute",
    ),
    "firehose": ("CreateDeliveryStream", "DeleteDeliveryStream", "UpdateDestination"),
}


class ChartingRules(WakingRules):
    """EventBridge rules that wake `chart`.

    A change is only noted when it comes; the schedule works off what was noted, reads the account
    once a day and its lists once an hour, and goes on with a reading that one run could not end.

    The rules on API calls need an active trail. Calls of IAM are told in us-east-1 only; elsewhere,
    and without a trail, what they change is found within the hour.

    Attributes
    ----------
    tick
        The schedule.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        chart: lambda_.IFunction,
        undelivered: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id, function=chart, undelivered=undelivered)
        self.tick = self._rule(
            "Chart",
            "Every 2 minutes: what was changed, and what is due to be read",
            longest_wait=TICK,
            schedule=events.Schedule.rate(TICK),
        )
        self._changes(
            "ChartFunctions",
            "Somebody changed a function or what invokes it (needs an active trail)",
            ["lambda"],
            [{"prefix": call} for call in LAMBDA_CALLS],
        )
        for construct_id_, what, calls in (
            ("ChartRoles", "what a role may do", ROLE_CALLS),
            ("ChartSources", "what sends events or takes them", SOURCE_CALLS),
            ("ChartPolicies", "who may write to a table or stream", POLICY_CALLS),
            ("ChartFlows", "what carries events on", FLOW_CALLS),
        ):
            self._changes(
                construct_id_,
                f"Somebody changed {what} (needs an active trail)",
                list(calls),
                sorted({name for names in calls.values() for name in names}),
            )

    def _changes(
        self, construct_id: str, description: str, services: list[str], names: Sequence[object]
    ) -> None:
        self._rule(
            construct_id,
            description,
            longest_wait=Duration.hours(6),
            pattern=events.EventPattern(
                source=[f"aws.{one}" for one in services],
                detail_type=[API_CALL],
                account=[Aws.ACCOUNT_ID],
                detail={
                    "eventSource": [f"{one}.amazonaws.com" for one in services],
                    "eventName": list(names),
                },
            ),
        )
