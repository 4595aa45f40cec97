from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.names import GUARD_ALARM_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence


class Notices(Construct):
    """The SNS topic on which people are notified.

    It is not encrypted with a KMS key of its own: with the key that AWS manages for SNS,
    CloudWatch alarms could not publish (its policy cannot be changed to admit them), and a
    customer's key costs a dollar a month and could be disabled under the guard. SNS stores
    messages on encrypted disks in any case (SNS developer guide, *Amazon SNS data encryption*),
    and takes them over TLS only.

    A topic policy replaces the default one, so it must admit the alarms on the guard by itself;
    the guard functions publish by their own roles.
    """

    def __init__(self, scope: Construct, construct_id: str, *, emails: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", display_name="Loopbreaker", enforce_ssl=True)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOnTheGuard",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {
                        "aws:SourceArn": (
                            f"arn:{Aws.PARTITION}:cloudwatch:{Aws.REGION}:{Aws.ACCOUNT_ID}"
                            f":alarm:{GUARD_ALARM_PREFIX}*"
                        )
                    },
                },
            )
        )
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))


class ChatNotices(Construct):
    """The SNS topic with messages for Amazon Q Developer in chat applications.

    It is apart from the other one: its messages are JSON in the format of a custom notification,
    which nobody wants as a mail. As for that one, no key of KMS stands in between.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", display_name="Loopbreaker chat", enforce_ssl=True)
