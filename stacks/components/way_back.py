"""What ends a hold even if `contain` is gone: schedules of EventBridge Scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.components.permissions.resources import hold_schedule_group
from stacks.components.permissions.statements import invoke_restore
from stacks.names import HOLD_SCHEDULES

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs
    from constructs import IDependable


class WayBackRole(Construct):
    """The role with which a schedule that ends a hold invokes `restore`, and can do nothing else.

    Only schedules of the group may take it: `aws:SourceArn` is the group's ARN (EventBridge
    Scheduler user guide, *Confused deputy prevention*).

    Attributes
    ----------
    role_arn
        Its ARN.
    """

    def __init__(self, scope: Construct, construct_id: str, *, undelivered: sqs.IQueue) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": Aws.ACCOUNT_ID,
                        "aws:SourceArn": hold_schedule_group(),
                    }
                },
            ),
            description="Lets the schedules that end holds invoke Loopbreaker-restore",
            inline_policies={
                "EndHolds": iam.PolicyDocument(
                    minimize=True,
                    statements=[
                        invoke_restore(),
                        iam.PolicyStatement(
                            sid="KeepDeadLetters",
                            actions=["sqs:SendMessage"],
                            resources=[undelivered.queue_arn],
                        ),
                    ],
                )
            },
        )
        self.role_arn = role.role_arn


class HoldSchedules(Construct):
    """The group of the schedules.

    It comes last, and so CloudFormation deletes it first: from then on `contain` can schedule no
    way back and holds nothing anew, while what it holds is still let go by the Delete of the
    custom resource that restores.
    """

    def __init__(self, scope: Construct, construct_id: str, *, after: IDependable) -> None:
        super().__init__(scope, construct_id)
        group = scheduler.CfnScheduleGroup(self, "Group", name=HOLD_SCHEDULES)
        group.node.add_dependency(after)
