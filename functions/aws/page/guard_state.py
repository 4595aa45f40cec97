"""The guard's own alarms, its reservations, and what its tags say. Everything here only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.aws.runtime.errors import AWS_ERRORS, translate_reading_error
from functions.domain.page.overview import GuardAlarm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient

IAM_ACTIONS: Final = frozenset(
    {"cloudwatch:DescribeAlarms", "lambda:GetFunctionConcurrency", "tag:GetResources"}
)

_QUEUES: Final = "AWS/SQS"


class AwsGuardState:
    """The port `GuardStateReader`.

    Parameters
    ----------
    prefix
        With which the names of all the guard's alarms begin.
    """

    def __init__(
        self,
        cloudwatch: CloudWatchClient,
        lambda_client: LambdaClient,
        tagging: Callable[[], ResourceGroupsTaggingAPIClient],
        *,
        prefix: str,
    ) -> None:
        self._cloudwatch = cloudwatch
        self._lambda = lambda_client
        self._tagging = tagging
        self._prefix = prefix

    def read_alarms(self) -> tuple[GuardAlarm, ...]:
        """See the port. One call."""
        try:
            pages = self._cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=self._prefix, AlarmTypes=["MetricAlarm"]
            )
            found = [one for page in pages for one in page.get("MetricAlarms", ())]
        except AWS_ERRORS as error:
            raise translate_reading_error(error, "alarms") from error
        return tuple(sorted(map(_describe_alarm, found), key=lambda one: one.name))

    def read_reserved(self, function: str) -> int | None:
        """See the port."""
        try:
            answer = self._lambda.get_function_concurrency(FunctionName=function)
        except AWS_ERRORS as error:
            raise translate_reading_error(error, function) from error
        return answer.get("ReservedConcurrentExecutions")

    def find_tagged(self, key: str) -> tuple[str, ...]:
        """The ARNs of functions that carry a tag.

        Raises
        ------
        RefusedError, BusyError
            When AWS does not tell.
        """
        try:
            pages = (
                self._tagging()
                .get_paginator("get_resources")
                .paginate(TagFilters=[{"Key": key}], ResourceTypeFilters=["lambda:function"])
            )
            return tuple(
                one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]
            )
        except AWS_ERRORS as error:
            raise translate_reading_error(error, f"functions with the tag {key}") from error


def _describe_alarm(alarm: Mapping[str, Any]) -> GuardAlarm:
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", ())}
    is_of_queue = alarm.get("Namespace") == _QUEUES
    return GuardAlarm(
        name=alarm["AlarmName"],
        state=alarm.get("StateValue", ""),
        since=alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp"),
        description=alarm.get("AlarmDescription", ""),
        period_seconds=int(alarm.get("Period") or 0),
        queue=dimensions.get("QueueName", "") if is_of_queue else "",
        # Its metrics are the answer of a query over all functions.
        is_per_function=any(
            "GROUP BY" in one.get("Expression", "") for one in alarm.get("Metrics", ())
        ),
    )
