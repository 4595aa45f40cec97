"""The boto clients: one of each for an execution environment, made when first asked for.

They come from botocore's session rather than from `boto3.client`, which is the same client behind
an import that costs as much as making it. They are safe to share between threads; making one is
not, hence the lock (boto3 guide, *Multithreading or multiprocessing with clients*).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, cast

from functions.aws.runtime.observability import logger
from functions.aws.runtime.propagation import PROPAGATION
from functions.services import SERVICES

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_lock: Final = threading.Lock()
_made: Final[dict[str, Any]] = {}

# Whoever waits for an answer here has a loop burning. Four attempts with full jitter take at most
# about 7 s of pauses (1 + 2 + 4, botocore guide, *Retries*, standard mode).
_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 10
_ATTEMPTS: Final = 4
# Of CloudWatch several things are asked in a row before anything can be decided, and all have to
# fail within the function's time with enough of it left to act on what is known. Rather few long
# attempts than many short ones. UNCONFIRMED A-057: how long AWS takes for a large answer.
_METRICS_READ_SECONDS: Final = 8
_METRICS_ATTEMPTS: Final = 2
# The ledger is given up sooner, because containing goes on without it.
_LEDGER_CONNECT_SECONDS: Final = 1
_LEDGER_READ_SECONDS: Final = 3
_LEDGER_ATTEMPTS: Final = 3
# Nothing waits for events, and a later run sends them again.
_EVENT_CONNECT_SECONDS: Final = 1
_EVENT_READ_SECONDS: Final = 2
_ALIAS_SECONDS: Final = 1
# A page of roles with all their policies takes long to put together.
_LONG_READ_SECONDS: Final = 30
# Threads that share one client: evidence is gathered by a handful.
_CONNECTIONS: Final = 10
# What CloudTrail shows beside the role, for whoever asks what touched a function. It also spares
# putting botocore's long one together anew for each call.
_USER_AGENT: Final = "Loopbreaker"


def make_lambda_client() -> LambdaClient:
    """Lambda's control plane."""
    return cast("LambdaClient", _make_client("lambda"))


def make_cloudwatch_client() -> CloudWatchClient:
    """CloudWatch, given up after 21 s at worst."""
    return cast(
        "CloudWatchClient",
        _make_client("cloudwatch", read_seconds=_METRICS_READ_SECONDS, attempts=_METRICS_ATTEMPTS),
    )


def make_dynamodb_client() -> DynamoDBClient:
    """DynamoDB, given up after about 12 s at worst."""
    return cast(
        "DynamoDBClient",
        _make_client(
            "dynamodb",
            connect_seconds=_LEDGER_CONNECT_SECONDS,
            read_seconds=_LEDGER_READ_SECONDS,
            attempts=_LEDGER_ATTEMPTS,
        ),
    )


def make_sns_client() -> SNSClient:
    """SNS."""
    return cast("SNSClient", _make_client("sns"))


def make_event_bus_client() -> EventBridgeClient:
    """EventBridge for the guard's own events, given up after 3 s at worst."""
    return cast("EventBridgeClient", _make_brief_client("events"))


def make_chat_client() -> SNSClient:
    """SNS for messages in chat, given up after 3 s at worst."""
    return cast("SNSClient", _make_brief_client("sns"))


def make_sqs_client() -> SQSClient:
    """SQS."""
    return cast("SQSClient", _make_client("sqs"))


def make_kinesis_client() -> Any:
    """Kinesis Data Streams."""
    return _make_client("kinesis")


def make_tagging_client() -> ResourceGroupsTaggingAPIClient:
    """The Resource Groups Tagging API."""
    return cast("ResourceGroupsTaggingAPIClient", _make_client("resourcegroupstaggingapi"))


def make_reading_client(service: str) -> Any:
    """A client to read an account with, given up after its first failure but one.

    Who reads keeps a pace, which attempts behind its back would break.
    """
    return _make_client(
        service, key=f"reading {service}", read_seconds=_LONG_READ_SECONDS, attempts=2
    )


def make_iam_client() -> IAMClient:
    """IAM."""
    return cast("IAMClient", _make_client("iam"))


def make_alias_client() -> IAMClient:
    """IAM, for what a mail can do without: one attempt, given up after 2 s at worst.

    A denial is not waited out either, as it is elsewhere right after a deployment.
    """
    return cast(
        "IAMClient",
        _make_client(
            "iam",
            key="iam for the alias",
            connect_seconds=_ALIAS_SECONDS,
            read_seconds=_ALIAS_SECONDS,
            attempts=1,
            waits_for_propagation=False,
        ),
    )


def make_logs_client() -> CloudWatchLogsClient:
    """CloudWatch Logs."""
    return cast("CloudWatchLogsClient", _make_client("logs"))


def make_events_client() -> EventBridgeClient:
    """EventBridge."""
    return cast("EventBridgeClient", _make_client("events"))


def make_scheduler_client() -> EventBridgeSchedulerClient:
    """EventBridge Scheduler."""
    return cast("EventBridgeSchedulerClient", _make_client("scheduler"))


def forget() -> None:
    """Let the next call make new clients: for tests, and after the credentials changed."""
    with _lock:
        _made.clear()


def make_session() -> Session:
    """A botocore session that reads answers as `answers` says."""
    import botocore.session  # noqa: PLC0415 - see the module's first lines

    from functions.aws.runtime.json_answers import AnswerParserFactory  # noqa: PLC0415 - the same

    made = botocore.session.get_session()
    made.register_component("response_parser_factory", AnswerParserFactory())
    return made


def _make_brief_client(service: str) -> Any:
    """A client for what is tried again by a later run: one short attempt."""
    return _make_client(
        service,
        key=f"events {service}",
        connect_seconds=_EVENT_CONNECT_SECONDS,
        read_seconds=_EVENT_READ_SECONDS,
        attempts=1,
    )


def _make_client(
    service: str,
    *,
    key: str = "",
    connect_seconds: int = _CONNECT_SECONDS,
    read_seconds: int = _READ_SECONDS,
    attempts: int = _ATTEMPTS,
    waits_for_propagation: bool = True,
) -> Any:
    if service not in SERVICES:
        raise ValueError(f"{service} is not bundled: functions/services.py lists what is")
    name = key or service
    with _lock:
        if name not in _made:
            from botocore.config import Config  # noqa: PLC0415 - see the module's first lines

            if "session" not in _made:
                _made["session"] = make_session()
            _made[name] = _made["session"].create_client(
                service,
                config=Config(
                    connect_timeout=connect_seconds,
                    read_timeout=read_seconds,
                    retries={"mode": "standard", "total_max_attempts": attempts},
                    max_pool_connections=_CONNECTIONS,
                    user_agent=_USER_AGENT,
                    tcp_keepalive=True,
                ),
            )
            if name == "cloudwatch":
                _log_version(_made[name])
            if waits_for_propagation:
                PROPAGATION.attach(_made[name])
        return _made[name]


def _log_version(cloudwatch: Any) -> None:
    """Write down what reads and sends: the one thing that differs when the bundle is not used."""
    import botocore  # noqa: PLC0415 - see the module's first lines

    logger.info(
        "AWS SDK",
        botocore=botocore.__version__,
        path=botocore.__path__[0],
        cloudwatch_protocol=cloudwatch.meta.service_model.resolved_protocol,
    )
