"""What works by itself between functions: state machines and Firehose streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import facts as f
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import (
    GoneError,
    NotAllowedError,
    Operation,
    Paging,
    UnansweredError,
)
from functions.domain.account.inventory import Area, DeliveryStream, StateMachine

if TYPE_CHECKING:
    from functions.aws.account.read_session import Entry, ReadSession

_LIST_MACHINES: Final = Operation(
    service="stepfunctions",
    method="list_state_machines",
    action="states:ListStateMachines",
    lane=Quota.STATES,
)
_GET_MACHINE: Final = Operation(
    service="stepfunctions",
    method="describe_state_machine",
    action="states:DescribeStateMachine",
    lane=Quota.STATES,
)
_LIST_STREAMS: Final = Operation(
    service="firehose",
    method="list_delivery_streams",
    action="firehose:ListDeliveryStreams",
    lane=Quota.FIREHOSE,
)
_GET_STREAM: Final = Operation(
    service="firehose",
    method="describe_delivery_stream",
    action="firehose:DescribeDeliveryStream",
    lane=Quota.FIREHOSE,
)
OPERATIONS: Final = (_LIST_MACHINES, _GET_MACHINE, _LIST_STREAMS, _GET_STREAM)
IAM_ACTIONS: Final = frozenset(one.action for one in OPERATIONS)

_LOWER_TOKENS: Final = Paging(ask="nextToken", answer="nextToken")
_MACHINES_PER_PAGE: Final = 1000
_STREAMS_PER_PAGE: Final = 100
_STREAMS: Final = "delivery streams"


# -- state machines


def list_machines(reading: ReadSession) -> None:
    """All state machines."""

    def take(entry: Entry) -> None:
        reading.facts.put(f.MACHINE_NAMES, entry["stateMachineArn"], True)  # noqa: FBT003 - is there

    reading.read_listing(
        "state machines",
        Area.STATE_MACHINES,
        _LIST_MACHINES,
        "stateMachines",
        take,
        paging=_LOWER_TOKENS,
        maxResults=_MACHINES_PER_PAGE,
    )


def read_machines(reading: ReadSession) -> None:
    """The definition of each state machine."""

    def read(arn: str) -> StateMachine:
        answer = reading.asker.ask(_GET_MACHINE, stateMachineArn=arn)
        return StateMachine(
            arn=arn, role_arn=answer.get("roleArn", ""), definition=answer["definition"]
        )

    arns = reading.facts.of(f.MACHINE_NAMES)
    reading.read_details(f.MACHINES, Area.STATE_MACHINES, arns, read, if_gone=None)


def reread_machine(reading: ReadSession, arn: str) -> None:
    """A state machine after a change."""
    reading.facts.drop(f.MACHINES, arn)
    reading.facts.put(f.MACHINE_NAMES, arn, True)  # noqa: FBT003 - it is there


def forget_machine(reading: ReadSession, arn: str) -> None:
    """A state machine that was deleted."""
    reading.facts.drop(f.MACHINES, arn)
    reading.facts.drop(f.MACHINE_NAMES, arn)


# -- Firehose streams


def list_streams(reading: ReadSession) -> None:
    """All Firehose streams. Their list has no token: it goes on after the last name."""
    facts = reading.facts
    if facts.is_done(_STREAMS):
        return
    try:
        last = facts.get_token(_STREAMS)
        while True:
            given = {"ExclusiveStartDeliveryStreamName": last} if last else {}
            answer = reading.asker.ask(_LIST_STREAMS, Limit=_STREAMS_PER_PAGE, **given)
            names: list[str] = answer.get("DeliveryStreamNames") or []
            for name in names:
                facts.put(f.STREAM_NAMES, name, True)  # noqa: FBT003 - it is there
            last = names[-1] if names and answer.get("HasMoreDeliveryStreams") else ""
            facts.remember_token(_STREAMS, last)
            if not last:
                return
    except (NotAllowedError, UnansweredError) as error:
        reading.give_up_listing(_STREAMS, Area.DELIVERY_STREAMS, error)
    except GoneError:
        facts.remember_token(_STREAMS, "")


def read_streams(reading: ReadSession) -> None:
    """What each Firehose stream writes to, and the function that transforms its records."""

    def read(name: str) -> DeliveryStream:
        answer = reading.asker.ask(_GET_STREAM, DeliveryStreamName=name)
        return _parse_stream(answer["DeliveryStreamDescription"])

    names = reading.facts.of(f.STREAM_NAMES)
    reading.read_details(f.STREAMS, Area.DELIVERY_STREAMS, names, read, if_gone=None)


def reread_stream(reading: ReadSession, name: str) -> None:
    """A Firehose stream after a change."""
    reading.facts.drop(f.STREAMS, name)
    reading.facts.put(f.STREAM_NAMES, name, True)  # noqa: FBT003 - it is there


def forget_stream(reading: ReadSession, name: str) -> None:
    """A Firehose stream that was deleted."""
    reading.facts.drop(f.STREAMS, name)
    reading.facts.drop(f.STREAM_NAMES, name)


def _parse_stream(stream: Entry) -> DeliveryStream:
    buckets: dict[str, None] = {}
    transform = ""
    for destination in stream.get("Destinations") or ():
        # An extended destination is described a second time in the older form.
        described = [one for one in destination.values() if isinstance(one, dict)]
        for one in described:
            backup = one.get("S3BackupDescription") or one.get("S3DestinationDescription") or {}
            buckets.update(
                dict.fromkeys(arn for arn in (one.get("BucketARN"), backup.get("BucketARN")) if arn)
            )
            transform = transform or _find_transform(one)
    source = (stream.get("Source") or {}).get("KinesisStreamSourceDescription") or {}
    return DeliveryStream(
        arn=stream["DeliveryStreamARN"],
        destination_arns=tuple(buckets),
        transform_arn=transform,
        source_arn=source.get("KinesisStreamARN", ""),
    )


def _find_transform(destination: Any) -> str:
    processing = destination.get("ProcessingConfiguration") or {}
    if not processing.get("Enabled"):
        return ""
    for processor in processing.get("Processors") or ():
        if processor.get("Type") == "Lambda":
            for parameter in processor.get("Parameters") or ():
                if parameter.get("ParameterName") == "LambdaArn":
                    return str(parameter["ParameterValue"])
    return ""
