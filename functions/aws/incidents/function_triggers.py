"""What invokes a function, by its mappings and its resource policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.runtime.observability import logger
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.iam.raw_statements import (
    list_actions,
    list_condition_values,
    list_principals,
    list_statements,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functions.domain.changes.steps import (
        EventSourceMapping,
    )
    from functions.domain.iam.raw_statements import RawStatement


# By the service part of the source's ARN: how Lambda polls it, and what people call it.
_POLLED: Final = {
    "sqs": (TriggerKind.SQS, "SQS"),
    "dynamodb": (TriggerKind.STREAM, "DynamoDB stream"),
    "kinesis": (TriggerKind.STREAM, "Kinesis"),
    "kafka": (TriggerKind.OTHER_POLLED, "Kafka"),
    "mq": (TriggerKind.OTHER_POLLED, "Amazon MQ"),
    "rds": (TriggerKind.OTHER_POLLED, "DocumentDB"),
}
# A self-managed Kafka cluster has no ARN.
_POLLED_WITHOUT_ARN: Final = (TriggerKind.OTHER_POLLED, "Kafka")
# By the service of a policy's principal; Lambda developer guide, *Invoking Lambda with events from
# other AWS services*.
_PUSHING: Final = {
    "apigateway": (TriggerKind.SYNC, "API Gateway"),
    "appsync": (TriggerKind.SYNC, "AppSync"),
    "alexa-appkit": (TriggerKind.SYNC, "Alexa"),
    "cloudformation": (TriggerKind.ASYNC, "CloudFormation"),
    "codecommit": (TriggerKind.ASYNC, "CodeCommit"),
    "codepipeline": (TriggerKind.ASYNC, "CodePipeline"),
    "cognito-idp": (TriggerKind.SYNC, "Cognito"),
    "cognito-sync": (TriggerKind.SYNC, "Cognito"),
    "config": (TriggerKind.ASYNC, "Config"),
    "connect": (TriggerKind.SYNC, "Connect"),
    "edgelambda": (TriggerKind.SYNC, "CloudFront"),
    "elasticloadbalancing": (TriggerKind.SYNC, "load balancer"),
    "events": (TriggerKind.ASYNC, "EventBridge"),
    "firehose": (TriggerKind.SYNC, "Firehose"),
    "iot": (TriggerKind.ASYNC, "IoT"),
    "lambda.alarms.cloudwatch": (TriggerKind.ASYNC, "CloudWatch alarm"),
    "lex": (TriggerKind.SYNC, "Lex"),
    "lexv2": (TriggerKind.SYNC, "Lex"),
    "logs": (TriggerKind.ASYNC, "CloudWatch Logs"),
    "s3": (TriggerKind.ASYNC, "S3"),
    "scheduler": (TriggerKind.ASYNC, "EventBridge Scheduler"),
    "secretsmanager": (TriggerKind.ASYNC, "Secrets Manager"),
    "ses": (TriggerKind.ASYNC, "SES"),
    "sns": (TriggerKind.ASYNC, "SNS"),
    "vpc-lattice": (TriggerKind.SYNC, "VPC Lattice"),
}
_DOMAINS: Final = (".amazonaws.com.cn", ".amazonaws.com")
_URL_ACTION: Final = "lambda:invokefunctionurl"


def trigger_of_mapping(mapping: EventSourceMapping) -> Trigger:
    """What a mapping polls, as a trigger."""
    kind, service = _POLLED_WITHOUT_ARN
    if mapping.source_arn:
        family = (mapping.source_arn.split(":") + [""] * 3)[2]
        kind, service = _POLLED.get(family, (TriggerKind.OTHER_POLLED, family or "unknown"))
    return Trigger(
        kind=kind, service=service, source_arn=mapping.source_arn, mapping_uuid=mapping.uuid
    )


def pushed_by(policy: str) -> tuple[Trigger, ...]:
    """Who may invoke, by the text of a resource policy; what cannot be read is left out."""
    try:
        statements = list_statements(policy)
    except ValueError:
        logger.warning("resource policy is no JSON", policy=policy[:500])
        return ()
    found: dict[Trigger, None] = {}
    for statement in statements:
        if statement.get("Effect") == "Allow":
            found.update(dict.fromkeys(_list_admitted(statement)))
    return tuple(found)


def _list_admitted(statement: RawStatement) -> Iterator[Trigger]:
    sources = tuple(_list_source_arns(statement)) or ("",)
    for kind, service in _classify_principals(statement):
        for source in sources:
            yield Trigger(kind=kind, service=service, source_arn=source)


def _classify_principals(statement: RawStatement) -> Iterator[tuple[TriggerKind, str]]:
    if any(one.lower() == _URL_ACTION for one in list_actions(statement)):
        yield TriggerKind.SYNC, "function URL"
        return
    principal = statement.get("Principal")
    if not isinstance(principal, dict):
        if principal is not None:
            yield TriggerKind.SYNC, "anyone"
        return
    for service in list_principals(statement, "Service"):
        name = service
        for domain in _DOMAINS:
            name = name.removesuffix(domain)
        # logs.us-east-1.amazonaws.com is CloudWatch Logs too. An unknown service counts as
        # asynchronous: those are the events that would be lost without a word.
        known = _PUSHING.get(name) or _PUSHING.get(name.partition(".")[0])
        yield known or (TriggerKind.ASYNC, name)
    if "AWS" in principal:
        yield TriggerKind.SYNC, "another account or role"


def _list_source_arns(statement: RawStatement) -> Iterator[str]:
    """The values of AWS:SourceArn under any operator that compares for likeness or equality."""
    for operator, value in list_condition_values(statement, "aws:SourceArn"):
        name = operator.rpartition(":")[2].removesuffix("IfExists")
        if name in {"ArnLike", "ArnEquals", "StringLike", "StringEquals"}:
            yield value
