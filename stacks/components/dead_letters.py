from __future__ import annotations

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.watching.review import accept
from stacks.names import STACK_NAME


def admit_rules(queue: sqs.Queue) -> None:
    """Let all rules of the stack send to a queue, in one statement.

    The CDK adds a statement for each rule, and SQS takes 20 statements and 8 KB (SQS developer
    guide, *quotas-policies*).
    """
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="RulesOfTheGuard",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                "ArnLike": {
                    "aws:SourceArn": (
                        f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}"
                        f":rule/{STACK_NAME}-*"
                    )
                },
            },
        )
    )


class DeadLetters(Construct):
    """What could not be delivered, and what was delivered and failed, each in its own queue.

    Attributes
    ----------
    undelivered
        Events that EventBridge could not hand to the guard.
    failed
        Events that a guard function failed to handle, with the error.
    of_rules
        `undelivered` as the rules' dead-letter queue.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.undelivered = self._queue("Undelivered")
        self.failed = self._queue("Failed")
        admit_rules(self.undelivered)
        # By its ARN the queue is one whose policy the CDK does not write.
        self.of_rules = sqs.Queue.from_queue_arn(self, "OfRules", self.undelivered.queue_arn)

    def _queue(self, construct_id: str) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        accept(
            queue,
            "AwsSolutions-SQS3",
            "this queue is where dead letters end; an alarm speaks as soon as it holds one",
        )
        return queue
