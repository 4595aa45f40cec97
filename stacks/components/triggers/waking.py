from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnResource, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.names import STACK_NAME

if TYPE_CHECKING:
    from aws_cdk import Duration
    from aws_cdk import aws_sqs as sqs

RETRIES = 20
# What CloudTrail reports, by its detail type.
API_CALL: Final = "AWS API Call via CloudTrail"


def write_rule_name(construct_id: str) -> str:
    """The name of a rule after that of its construct.

    >>> write_rule_name("ChartTick")
    'Loopbreaker-chart-tick'
    """
    words = "".join(f"-{char.lower()}" if char.isupper() else char for char in construct_id)
    return f"{STACK_NAME}{words}"


class WakingRules(Construct):
    """Rules on the default bus that invoke one function."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        undelivered: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self._function = function
        self._undelivered = undelivered

    def _rule(
        self,
        construct_id: str,
        description: str,
        *,
        longest_wait: Duration,
        pattern: events.EventPattern | None = None,
        schedule: events.Schedule | None = None,
    ) -> events.Rule:
        """A rule with bounded retries and a dead letter.

        The rule comes after its permission, which names it by its fixed name. The CDK has it the
        other way round: then a rule that matches what CloudTrail reports of the deployment itself
        meets a function that does not admit it yet, and a dead letter is the first that people
        hear of us.
        """
        rule_name = write_rule_name(construct_id)
        rule = events.Rule(
            self,
            construct_id,
            rule_name=rule_name,
            description=description,
            event_pattern=pattern,
            schedule=schedule,
            targets=[
                targets.LambdaFunction(
                    self._function,
                    dead_letter_queue=self._undelivered,
                    max_event_age=longest_wait,
                    retry_attempts=RETRIES,
                )
            ],
        )
        (permission,) = (
            one for one in rule.node.children if isinstance(one, lambda_.CfnPermission)
        )
        permission.source_arn = Stack.of(rule).format_arn(
            service="events", resource="rule", resource_name=rule_name
        )
        resource = rule.node.default_child
        if not isinstance(resource, CfnResource):
            raise TypeError(f"{rule.node.path} is no resource of CloudFormation")
        resource.add_resource_dependency(permission)
        return rule
