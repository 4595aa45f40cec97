"""Which actions write to which kind of resource, so that a trigger on it may follow.

Names and ARN formats: `Actions, resources, and condition keys` of the service authorization
reference.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ResourceKind(StrEnum):
    """What is written to."""

    BUCKET = "bucket"
    TOPIC = "topic"
    QUEUE = "queue"
    TABLE = "table"
    BUS = "event bus"
    STREAM = "Kinesis stream"
    DELIVERY_STREAM = "Firehose stream"
    STATE_MACHINE = "state machine"
    FUNCTION = "function"
    SCHEDULE = "schedule"
    IOT_TOPIC = "IoT topic"
    LOG_GROUP = "log group"
    API = "API"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAction:
    """An action that writes.

    Attributes
    ----------
    action
        As in a policy: ``dynamodb:PutItem``.
    within
        What follows the resource's own ARN in the ARN that the policy is asked for: ``/*`` for the
        objects of a bucket.
    arn_format
        ARN of all resources of the kind, with ``{partition}``, ``{region}`` and ``{account}``.
    """

    action: str
    kind: ResourceKind
    arn_format: str
    within: str = ""

    @property
    def verb(self) -> str:
        """The action without its service, as drawings name it: ``PutItem``."""
        return self.action.partition(":")[2]

    def everywhere(self, *, partition: str, region: str, account: str) -> str:
        """The ARN pattern to ask for everything of the kind in one account and Region."""
        return self.arn_format.format(partition=partition, region=region, account=account)

    def target(self, arn: str) -> str:
        """The ARN pattern to ask for one resource.

        Examples
        --------
        ``arn:aws:s3:::orders`` becomes ``arn:aws:s3:::orders/*``.
        """
        return arn + self.within


def _writes(
    kind: ResourceKind, arn_format: str, *actions: str, within: str = ""
) -> tuple[WriteAction, ...]:
    return tuple(
        WriteAction(action=action, kind=kind, arn_format=arn_format + within, within=within)
        for action in actions
    )


_REGIONAL: Final = "arn:{partition}:%s:{region}:{account}:%s"

WRITE_ACTIONS: Final[tuple[WriteAction, ...]] = (
    *_writes(
        ResourceKind.BUCKET,
        "arn:{partition}:s3:::*",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:RestoreObject",
        "s3:ReplicateObject",
        "s3:DeleteObjectVersion",
        "s3:PutObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:PutObjectAcl",
        within="/*",
    ),
    *_writes(ResourceKind.TOPIC, _REGIONAL % ("sns", "*"), "sns:Publish"),
    *_writes(ResourceKind.QUEUE, _REGIONAL % ("sqs", "*"), "sqs:SendMessage"),
    *_writes(
        ResourceKind.TABLE,
        _REGIONAL % ("dynamodb", "table/*"),
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PartiQLDelete",
    ),
    *_writes(ResourceKind.BUS, _REGIONAL % ("events", "event-bus/*"), "events:PutEvents"),
    *_writes(
        ResourceKind.STREAM,
        _REGIONAL % ("kinesis", "stream/*"),
        "kinesis:PutRecord",
        "kinesis:PutRecords",
    ),
    *_writes(
        ResourceKind.DELIVERY_STREAM,
        _REGIONAL % ("firehose", "deliverystream/*"),
        "firehose:PutRecord",
        "firehose:PutRecordBatch",
    ),
    *_writes(
        ResourceKind.STATE_MACHINE,
        _REGIONAL % ("states", "stateMachine:*"),
        "states:StartExecution",
        "states:StartSyncExecution",
    ),
    *_writes(
        ResourceKind.FUNCTION,
        _REGIONAL % ("lambda", "function:*"),
        "lambda:InvokeFunction",
        "lambda:InvokeAsync",
        "lambda:InvokeFunctionUrl",
    ),
    *_writes(
        ResourceKind.SCHEDULE,
        _REGIONAL % ("scheduler", "schedule/*"),
        "scheduler:CreateSchedule",
        "scheduler:UpdateSchedule",
    ),
    *_writes(ResourceKind.IOT_TOPIC, _REGIONAL % ("iot", "topic/*"), "iot:Publish"),
    *_writes(
        ResourceKind.LOG_GROUP,
        _REGIONAL % ("logs", "log-group:*"),
        "logs:PutLogEvents",
        within=":log-stream:*",
    ),
    *_writes(
        ResourceKind.API,
        "arn:{partition}:execute-api:{region}:{account}:*",
        "execute-api:Invoke",
        within="",
    ),
)


def write_actions(kind: ResourceKind) -> tuple[WriteAction, ...]:
    """The actions that write to a kind of resource, the usual ones first."""
    return tuple(write for write in WRITE_ACTIONS if write.kind is kind)
