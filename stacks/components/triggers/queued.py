from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.dead_letters import admit_rules
from stacks.components.triggers.waking import RETRIES

if TYPE_CHECKING:
    from stacks.components.dead_letters import DeadLetters

_BATCH: Final = 1_000
_WINDOW: Final = Duration.seconds(30)
# Two is the least that Lambda takes.
_MOST_RUNS: Final = 2
_ATTEMPTS: Final = 3


class EventQueue(Construct):
    """Events on their way to a guard function, of which there may be any number a second.

    A rule that invokes a function directly runs it once for each event, out of the concurrency of
    the account. Here a thousand events are one run, and never more than two at a time.

    Attributes
    ----------
    queue
        Where the events wait, a day at most: later they say nothing any more.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dead_letters: DeadLetters,
        timeout: Duration,
    ) -> None:
        super().__init__(scope, construct_id)
        self._undelivered = dead_letters.of_rules
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(1),
            # Lambda refuses less than the function's timeout. A run takes seconds, so the six times
            # that AWS recommends would only make what failed wait longer.
            visibility_timeout=timeout.plus(Duration.minutes(1)),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letters.failed, max_receive_count=_ATTEMPTS
            ),
        )
        admit_rules(self.queue)
        # By its ARN the queue is one whose policy the CDK does not write.
        self._target = sqs.Queue.from_queue_arn(self, "OfRules", self.queue.queue_arn)

    def rule(
        self,
        construct_id: str,
        *,
        rule_name: str,
        description: str,
        longest_wait: Duration,
        pattern: events.EventPattern,
    ) -> events.Rule:
        """A rule on the default bus that puts events into the queue."""
        rule = events.Rule(
            self,
            construct_id,
            rule_name=rule_name,
            description=description,
            event_pattern=pattern,
            targets=[
                targets.SqsQueue(
                    self._target,
                    dead_letter_queue=self._undelivered,
                    max_event_age=longest_wait,
                    retry_attempts=RETRIES,
                )
            ],
        )
        # The queue admits the rule before it is there.
        rule.node.add_dependency(self.queue.node.find_child("Policy"))
        return rule

    def hand_over_to(self, function: lambda_.IFunction) -> None:
        """Let a function take the events, whose role may do so by its own policy.

        UNCONFIRMED A-053: that CloudFormation waits where Lambda does not see that policy yet.
        Every stack with a queue and a function has the same order, the CDK's own constructs
        included.
        """
        lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=function,
            event_source_arn=self.queue.queue_arn,
            batch_size=_BATCH,
            max_batching_window=_WINDOW,
            max_concurrency=_MOST_RUNS,
            report_batch_item_failures=True,
        )
