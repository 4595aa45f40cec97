from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.review import accept


class DeadLetters(Construct):
    """What could not be delivered, and what was delivered and failed, each in its own queue.

    Attributes
    ----------
    undelivered
        Events that EventBridge could not hand to the guard.
    failed
        Events that a guard function failed to handle, with the error.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.undelivered = self._queue("Undelivered")
        self.failed = self._queue("Failed")

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
