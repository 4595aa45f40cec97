"""Which functions the account's alarms invoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import AWS_ERRORS, translate_reading_error
from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.diagnosis.facts import FoundTrigger, InvokerKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from mypy_boto3_cloudwatch import CloudWatchClient

IAM_ACTIONS: Final = frozenset({"cloudwatch:DescribeAlarms"})

# CloudWatch user guide, *Invoke a Lambda function from an alarm*.
PRINCIPAL: Final = "lambda.alarms.cloudwatch.amazonaws.com"
_ACTIONS: Final = {
    "AlarmActions": "ALARM",
    "OKActions": "OK",
    "InsufficientDataActions": "INSUFFICIENT_DATA",
}
_ARN_PARTS: Final = 8  # arn:aws:lambda:<region>:<account>:function:<name>:<qualifier>


class AlarmActions:
    """DescribeAlarms, 100 alarms a page."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read_triggers(self, partition: str) -> dict[str, tuple[FoundTrigger, ...]]:
        """What the alarms invoke, by the function's name.

        Raises
        ------
        RefusedError, BusyError
            When AWS does not tell.
        """
        found: dict[str, list[FoundTrigger]] = {}
        try:
            pages = self._client.get_paginator("describe_alarms").paginate(
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                ActionPrefix=f"arn:{partition}:lambda:",
            )
            for page in pages:
                for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())):
                    for function, trigger in _find_triggers(alarm):
                        found.setdefault(function, []).append(trigger)
        except AWS_ERRORS as error:
            raise translate_reading_error(error, "alarms") from error
        return {function: tuple(triggers) for function, triggers in found.items()}


def _find_triggers(alarm: Mapping[str, Any]) -> Iterator[tuple[str, FoundTrigger]]:
    source = alarm.get("AlarmArn", "")
    states: dict[str, list[str]] = {}
    for field, state in _ACTIONS.items():
        for action in alarm.get(field, ()):
            if ":lambda:" in action:
                states.setdefault(action, []).append(state)
    for action, when in states.items():
        try:
            name = parse_function_name(action)
        except InvalidFunctionReferenceError:
            continue
        parts = action.split(":")
        yield (
            name,
            FoundTrigger(
                kind=InvokerKind.ALARM,
                principal=PRINCIPAL,
                source_arn=source,
                source_account=source.split(":")[4] if source.count(":") > 4 else "",  # noqa: PLR2004
                qualifier=parts[_ARN_PARTS - 1] if len(parts) == _ARN_PARTS else "",
                evidence=(
                    f"alarm {alarm.get('AlarmName', '')} invokes it when it goes to "
                    f"{' or '.join(when)}"
                ),
                is_enabled=bool(alarm.get("ActionsEnabled", True)),
            ),
        )
