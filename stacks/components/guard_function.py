from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy, Tags, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.components.watching.review import accept
from stacks.names import EXEMPT_TAG, EXEMPT_VALUE, STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import Duration

    from stacks.components.guard_functions import Surroundings

# "The total size of all environment variables doesn't exceed 4 KB" (Lambda developer guide,
# configuration-envvars). Lambda's error quotes the JSON text that it measured.
MOST_ENVIRONMENT_BYTES: Final = 4096
# What stands for a reference that only CloudFormation resolves: an ARN of ours is shorter.
_BYTES_OF_A_REFERENCE: Final = 150


def size_of_environment(environment: Mapping[str, str]) -> int:
    """Bytes of the JSON text in which Lambda measures the variables."""
    references = [one for one in environment.values() if Token.is_unresolved(one)]
    known = {key: "" if Token.is_unresolved(one) else one for key, one in environment.items()}
    text = json.dumps(known, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode()) + _BYTES_OF_A_REFERENCE * len(references)


class GuardFunction(Construct):
    """One Lambda function of the guard, with its role, its logs and its dead letters.

    Its name and the package of its code follow from the id of the construct.

    The role has one inline policy and takes no other statement, so the template shows all that
    the function may do in one place, and CloudFormation cannot run it before its policy exists.

    An asynchronous event that fails three times or waits longer than `longest_wait` goes to
    a queue as an on-failure destination, which keeps the error beside the event (a plain
    dead-letter queue keeps the event only).

    Attributes
    ----------
    environment_bytes
        Size of its environment as Lambda measures it, at most.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        given: Surroundings,
        description: str,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        accepted: Mapping[str, str],
        timeout: Duration,
        memory_mib: int,
        longest_wait: Duration,
    ) -> None:
        super().__init__(scope, construct_id)
        word = construct_id.lower()
        name = f"{STACK_NAME}-{word}"
        self.name = name
        dead_letters = given.dead_letters.failed
        variables = {
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_LOG_LEVEL": "INFO",
            **environment,
        }
        self.environment_bytes = size_of_environment(variables)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=logs.RetentionDays.THREE_MONTHS,
            # What must outlive the stack is in the ledger. A kept log group would stand in the
            # way of the next deployment under the same name.
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {name} may do",
            inline_policies={
                "Guard": iam.PolicyDocument(
                    minimize=True,
                    statements=[
                        *statements,
                        iam.PolicyStatement(
                            sid="WriteLogs",
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                            resources=[log_group.log_group_arn],
                        ),
                        iam.PolicyStatement(
                            sid="KeepDeadLetters",
                            actions=["sqs:SendMessage"],
                            resources=[dead_letters.queue_arn],
                        ),
                    ],
                )
            },
        )
        self.role_name = role.role_name
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=given.code,
            handler=f"functions.{word}.handler.handler",
            role=role.without_policy_updates(),
            timeout=timeout,
            memory_size=memory_mib,
            log_group=log_group,
            environment=variables,
            retry_attempts=2,
            max_event_age=longest_wait,
            on_failure=destinations.SqsDestination(dead_letters),
        )
        # The guard is exempt from itself three times: in code, by name in its policy, by this tag.
        Tags.of(self.function).add(EXEMPT_TAG, EXEMPT_VALUE)
        accept(
            self.function,
            "AwsSolutions-L1",
            "Python 3.13 is supported, and the version that the pinned Powertools is tested with",
        )
        for finding, reason in accepted.items():
            accept(role, finding, reason)
