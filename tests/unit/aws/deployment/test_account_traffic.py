"""The account-wide invocations of two weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from functions.aws.deployment.account_traffic import AccountTraffic
from functions.domain.errors import MetricsUnavailableError

END = datetime(2026, 11, 28, 12, tzinfo=UTC)
ASKED: dict[str, Any] = {
    "MetricDataQueries": [
        {
            "Id": "invocations",
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Invocations"},
                "Period": 300,
                "Stat": "Sum",
            },
        }
    ],
    "StartTime": END - timedelta(days=14),
    "EndTime": END,
}


@pytest.fixture
def cloudwatch() -> Any:
    """CloudWatch, and what it is asked and answers."""
    client = boto3.client(
        "cloudwatch", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stubber = Stubber(client)
    stubber.activate()
    return AccountTraffic(client), stubber


def _answer(status: str, *points: tuple[datetime, float]) -> dict[str, Any]:
    return {
        "MetricDataResults": [
            {
                "Id": "invocations",
                "Label": "Invocations",
                "Timestamps": [at for at, _ in points],
                "Values": [value for _, value in points],
                "StatusCode": status,
            }
        ]
    }


def test_pages_are_put_together(cloudwatch: Any) -> None:
    """Sums of five minutes become rates a minute, over all pages of the one query."""
    traffic, stubber = cloudwatch
    first, second = END - timedelta(hours=2), END - timedelta(hours=1)
    stubber.add_response(
        "get_metric_data", {**_answer("PartialData", (first, 500.0)), "NextToken": "more"}, ASKED
    )
    stubber.add_response(
        "get_metric_data", _answer("Complete", (second, 50.0)), {**ASKED, "NextToken": "more"}
    )

    assert traffic.read_rates(END) == ((first.timestamp(), 100.0), (second.timestamp(), 10.0))


def test_no_traffic(cloudwatch: Any) -> None:
    """An account without any function has no series."""
    traffic, stubber = cloudwatch
    stubber.add_response("get_metric_data", _answer("Complete"), ASKED)

    assert traffic.read_rates(END) == ()


def test_a_denied_call(cloudwatch: Any) -> None:
    """An error of AWS is one of the domain, with AWS's words."""
    traffic, stubber = cloudwatch
    stubber.add_client_error("get_metric_data", "AccessDenied", "not authorized", 403)

    with pytest.raises(MetricsUnavailableError, match=r"^AccessDenied: not authorized$"):
        traffic.read_rates(END)


def test_an_answer_that_failed_inside(cloudwatch: Any) -> None:
    """A query can fail within a call that went well: half a history would be too low a one."""
    traffic, stubber = cloudwatch
    stubber.add_response("get_metric_data", _answer("InternalError"), ASKED)

    with pytest.raises(MetricsUnavailableError, match="InternalError"):
        traffic.read_rates(END)
