from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws, CustomResource, Duration
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.components.triggers.waking import API_CALL, WakingRules
from stacks.names import STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from constructs import IDependable

    from stacks.components.triggers.queued import EventQueue
    from stacks.config import Config

_LONGEST_WAIT: Final = Duration.hours(1)


class DiagnosisRules(WakingRules):
    """EventBridge rules that wake `diagnose`.

    Every hour it goes on with what is due: the round over all functions once a day, and at once
    what was changed since. An event is only remembered, so that a deployment of a hundred changes
    leads to one reading of the account.

    Denied invocations come through a queue: a caller that does not give up is denied hundreds of
    times a second.

    The rules on API calls need an active trail. Calls of IAM are told in us-east-1 only, and denied
    invocations where a trail logs Lambda's data events; without either, the daily round finds what
    it finds by itself.

    Attributes
    ----------
    tick
        The rule of every hour.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        diagnose: lambda_.IFunction,
        denials: EventQueue,
        undelivered: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id, function=diagnose, undelivered=undelivered)
        self.tick = self._rule(
            "Diagnosis",
            "Every hour: what was changed, and once a day every function",
            longest_wait=_LONGEST_WAIT,
            schedule=events.Schedule.rate(Duration.hours(1)),
        )
        self._rule(
            "DiagnosisFunctions",
            "Somebody changed a function or who may invoke it (needs an active trail)",
            longest_wait=_LONGEST_WAIT,
            pattern=events.EventPattern(
                source=["aws.lambda"],
                detail_type=[API_CALL],
                account=[Aws.ACCOUNT_ID],
                detail={
                    "eventSource": ["lambda.amazonaws.com"],
                    # CloudTrail appends the API's version to most names.
                    "eventName": [
                        {"prefix": "AddPermission"},
                        {"prefix": "RemovePermission"},
                        {"prefix": "UpdateFunctionConfiguration"},
                        "CreateFunction20150331",
                    ],
                },
            ),
        )
        self._rule(
            "DiagnosisRoles",
            "Somebody changed what a role may do (needs an active trail; us-east-1 only)",
            longest_wait=_LONGEST_WAIT,
            pattern=events.EventPattern(
                source=["aws.iam"],
                detail_type=[API_CALL],
                account=[Aws.ACCOUNT_ID],
                detail={
                    "eventSource": ["iam.amazonaws.com"],
                    "eventName": [
                        "AttachRolePolicy",
                        "DeleteRolePermissionsBoundary",
                        "DeleteRolePolicy",
                        "DetachRolePolicy",
                        "PutRolePermissionsBoundary",
                        "PutRolePolicy",
                    ],
                },
            ),
        )
        denials.hand_over_to(diagnose)
        denials.rule(
            "Rule",
            # Another name than that of the rule in whose place it came: CloudFormation creates the
            # one before it deletes the other, and two cannot have one name.
            rule_name=f"{STACK_NAME}-denied-invocations",
            description="Somebody was denied to invoke a function (needs a trail with data events)",
            longest_wait=_LONGEST_WAIT,
            pattern=events.EventPattern(
                source=["aws.lambda"],
                detail_type=[API_CALL],
                account=[Aws.ACCOUNT_ID],
                detail={
                    "eventSource": ["lambda.amazonaws.com"],
                    "eventName": ["Invoke"],
                    "errorCode": [{"prefix": "AccessDenied"}],
                },
            ),
        )


class Diagnosis(Construct):
    """Examines the function that the flag `diagnose` names, while the stack is deployed.

    The nonce is new with each synthesis that has the flag, so the same question can be asked again
    next week. Without the flag all properties are empty, and that change does nothing.

    Attributes
    ----------
    answer
        What was found, in words, for the person who sits before the command line.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        diagnose: lambda_.IFunction,
        config: Config,
        nonce: str,
        after: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::LoopbreakerDiagnosis",
            service_token=diagnose.function_arn,
            service_timeout=Duration.minutes(20),
            properties={"Function": config.diagnose, "Nonce": nonce if config.diagnose else ""},
        )
        resource.node.add_dependency(*after)
        self.answer = resource.get_att_string("Diagnosis")
