"""What the account did lately, for `protect`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.aws.runtime.metric_pages import FAILED, build_query
from functions.domain.deployment.account_alarm import HISTORY_DAYS
from functions.domain.errors import MetricsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

IAM_ACTIONS: Final = frozenset({"cloudwatch:GetMetricData"})

_PERIOD: Final = timedelta(minutes=5)


class AccountTraffic:
    """The account-wide series of Lambda in CloudWatch."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read_rates(self, end: datetime) -> tuple[tuple[float, float], ...]:
        """Invocations a minute in each five minutes of the last `HISTORY_DAYS`.

        Each with the epoch seconds of its beginning; none where nothing was invoked. They are
        4,032 at most, and CloudWatch keeps periods of five minutes for 63 days (CloudWatch API,
        *GetMetricData*). The latest may be incomplete, which makes them smaller and does no harm.

        Raises
        ------
        MetricsUnavailableError
            When CloudWatch does not answer, or answers in part only.
        """
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[
                build_query("invocations", "Invocations", "Sum", int(_PERIOD.total_seconds()))
            ],
            StartTime=end - timedelta(days=HISTORY_DAYS),
            EndTime=end,
        )
        found: list[tuple[float, float]] = []
        minutes = _PERIOD / timedelta(minutes=1)
        try:
            for page in pages:
                for result in page["MetricDataResults"]:
                    if result["StatusCode"] in FAILED:
                        raise MetricsUnavailableError(
                            f"CloudWatch answered {result['StatusCode']} for Invocations"
                        )
                    found += (
                        (_convert_to_seconds(at), value / minutes)
                        for at, value in zip(result["Timestamps"], result["Values"], strict=True)
                    )
        except AWS_ERRORS as error:
            raise MetricsUnavailableError(get_message(error)) from error
        return tuple(found)


def _convert_to_seconds(moment: datetime | float) -> float:
    # `functions/aws/runtime/json_answers.py` leaves timestamps as the numbers that they are in
    # JSON.
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
