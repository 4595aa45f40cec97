"""What a hold must know of a function and its triggers, read when one is about to be made.

What cannot be read is unknown, and said with AWS's words: a queue of another account for instance.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from functions.aws.account.limits import parse_limits
from functions.aws.incidents.lambda_functions import DISABLED_STATES, is_mapping_of
from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.aws.runtime.observability import logger
from functions.domain.account.names import compose_queue_url
from functions.domain.detection.arrivals import SourceKind
from functions.domain.holding.facts import (
    DEFAULT_EVENT_AGE_SECONDS,
    TABLE_RETENTION_HOURS,
    HoldFacts,
    MappingFacts,
)
from functions.domain.holding.sources import find_counted_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

    from functions.domain.account.limits import AccountLimits

IAM_ACTIONS: Final = frozenset(
    {
        "kinesis:DescribeStreamSummary",
        "lambda:GetAccountSettings",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctionEventInvokeConfigs",
        "lambda:ListProvisionedConcurrencyConfigs",
        "sqs:GetQueueAttributes",
        "sqs:ListDeadLetterSourceQueues",
    }
)

_T = TypeVar("_T")

_QUEUE_ATTRIBUTES: Final = (
    "DelaySeconds",
    "MessageRetentionPeriod",
    "RedrivePolicy",
)
_DEPTHS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
_UNKNOWN: Final = MappingFacts(uuid="", kind=SourceKind.OTHER)


class AwsHoldFacts:
    """The port `HoldFactsReader`.

    Parameters
    ----------
    sqs, kinesis
        Called when first needed: few functions have both kinds of triggers.
    """

    def __init__(
        self, client: LambdaClient, sqs: Callable[[], SQSClient], kinesis: Callable[[], Any]
    ) -> None:
        self._client = client
        self._sqs_client = sqs
        self._kinesis_client = kinesis

    def read(self, function: str) -> HoldFacts:
        """See the port.

        Of the mappings all of the Region are listed, for the reason given in `functions`.
        """
        notes = _Notes()
        facts = HoldFacts(
            mappings=notes.attempt(
                "event source mappings", lambda: self._read_mappings(function, notes), (_UNKNOWN,)
            ),
            maximum_event_age_seconds=notes.attempt(
                "maximum event age", lambda: self._read_event_age_seconds(function), None
            ),
            has_provisioned_concurrency=notes.attempt(
                "provisioned concurrency", lambda: self._has_provisioned(function), None
            ),
        )
        for note in notes.unreadable:
            logger.warning("unknown for a hold", about=function, error=note)
        return replace(facts, unreadable=tuple(notes.unreadable))

    def depth(self, queue_arns: Sequence[str]) -> float | None:
        """See the port."""
        notes = _Notes()
        found = [
            notes.attempt(arn, partial(self._read_queue_depth, arn), None) for arn in queue_arns
        ]
        known = [one for one in found if one is not None]
        return sum(known) if len(known) == len(found) else None

    def read_limits(self) -> AccountLimits | None:
        """See the port."""
        try:
            return parse_limits(self._client.get_account_settings())
        except AWS_ERRORS as error:
            logger.warning("the account's limits are unknown", error=get_message(error))
            return None

    def _read_queue_depth(self, arn: str) -> float | None:
        found = self._sqs_client().get_queue_attributes(
            QueueUrl=compose_queue_url(arn), AttributeNames=list(_DEPTHS)
        )["Attributes"]
        return float(sum(int(found[one]) for one in _DEPTHS))

    def _read_event_age_seconds(self, function: str) -> float:
        """The shortest age of its versions and aliases: each has a configuration of its own."""
        pages = self._client.get_paginator("list_function_event_invoke_configs")
        ages = [
            float(one["MaximumEventAgeInSeconds"])
            for page in pages.paginate(FunctionName=function)
            for one in page["FunctionEventInvokeConfigs"]
            if one.get("MaximumEventAgeInSeconds")
        ]
        return min((DEFAULT_EVENT_AGE_SECONDS, *ages))

    def _has_provisioned(self, function: str) -> bool:
        pages = self._client.get_paginator("list_provisioned_concurrency_configs")
        return any(
            page["ProvisionedConcurrencyConfigs"] for page in pages.paginate(FunctionName=function)
        )

    def _read_mappings(self, function: str, notes: _Notes) -> tuple[MappingFacts, ...]:
        pages = self._client.get_paginator("list_event_source_mappings")
        entries: list[Mapping[str, Any]] = [
            one
            for page in pages.paginate()
            for one in page["EventSourceMappings"]
            if is_mapping_of(one, function)
        ]
        return tuple(self._read_mapping(one, notes) for one in entries)

    def _read_mapping(self, entry: Mapping[str, Any], notes: _Notes) -> MappingFacts:
        arn = entry.get("EventSourceArn", "")
        facts = _parse_facts(entry, arn)
        match facts.kind:
            case SourceKind.QUEUE:
                return notes.attempt(arn, lambda: self._with_queue(facts), facts)
            case SourceKind.STREAM:
                return notes.attempt(arn, lambda: self._with_stream(facts), facts)
            case SourceKind.TABLE:
                return replace(facts, stream_retention_hours=TABLE_RETENTION_HOURS)
            case _:
                return facts

    def _with_queue(self, facts: MappingFacts) -> MappingFacts:
        url = compose_queue_url(facts.source_arn)
        if self._sqs_client().list_dead_letter_source_queues(QueueUrl=url).get("queueUrls"):
            # What SQS moves there is not counted, see `list_arrival_metrics`.
            return replace(facts, kind=SourceKind.OTHER)
        found = self._sqs_client().get_queue_attributes(
            QueueUrl=url, AttributeNames=list(_QUEUE_ATTRIBUTES)
        )["Attributes"]
        redrive = json.loads(found["RedrivePolicy"]) if found.get("RedrivePolicy") else {}
        receives = redrive.get("maxReceiveCount")  # a number, or a text with one
        return replace(
            facts,
            max_receive_count=None if receives is None else int(receives),
            queue_retention_seconds=float(found["MessageRetentionPeriod"]),
            delay_seconds=float(found["DelaySeconds"]),
        )

    def _with_stream(self, facts: MappingFacts) -> MappingFacts:
        # A mapping may read through a consumer: arn:...:stream/<name>/consumer/<consumer>:<time>
        stream = facts.source_arn.partition("/consumer/")[0]
        answer = self._kinesis_client().describe_stream_summary(StreamARN=stream)
        hours = answer["StreamDescriptionSummary"]["RetentionPeriodHours"]
        return replace(facts, stream_retention_hours=float(hours))


def _parse_facts(entry: Mapping[str, Any], arn: str) -> MappingFacts:
    """What the mapping itself tells."""
    age = entry.get("MaximumRecordAgeInSeconds")
    window = entry.get("MaximumBatchingWindowInSeconds")
    return MappingFacts(
        uuid=entry["UUID"],
        kind=find_counted_kind(arn, entry["FunctionArn"]),
        is_enabled=entry["State"] not in DISABLED_STATES,
        source_arn=arn,
        # -1 is for ever (Lambda API reference, *EventSourceMappingConfiguration*).
        maximum_record_age_seconds=float(age) if age is not None and age >= 0 else None,
        batching_window_seconds=None if window is None else float(window),
        batch_size=entry.get("BatchSize"),
        maximum_concurrency=entry.get("ScalingConfig", {}).get("MaximumConcurrency"),
        is_provisioned_mode=bool(entry.get("ProvisionedPollerConfig")),
    )


@dataclass(slots=True)
class _Notes:
    """What could not be read."""

    unreadable: list[str] = field(default_factory=list)

    def attempt(self, what: str, read: Callable[[], _T], unknown: _T) -> _T:
        """What was read, or else `unknown`, and a note of why."""
        try:
            return read()
        except AWS_ERRORS as error:
            self.unreadable.append(f"{what}: {get_message(error)}")
        except (KeyError, ValueError) as error:
            self.unreadable.append(f"{what}: AWS's answer has another form ({error!r})")
        return unknown
