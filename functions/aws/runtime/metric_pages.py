"""Queries of GetMetricData, and its answer page by page, for all that asks for metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from functions.aws.runtime.observability import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch.type_defs import (
        GetMetricDataInputTypeDef,
        MetricDataQueryTypeDef,
        MetricTypeDef,
    )

# In one answer, and so in one page (CloudWatch API, *GetMetricData*).
MOST_DATAPOINTS: Final = 100_800
# Status codes of an answer that holds nothing, and of one that may lack something.
FAILED: Final = frozenset({"InternalError", "Forbidden"})
INCOMPLETE: Final = FAILED | {"PartialData"}


def build_query(
    query_id: str,
    metric: str,
    statistic: str,
    period_seconds: int,
    dimensions: Mapping[str, str] | None = None,
    *,
    namespace: str = "AWS/Lambda",
) -> MetricDataQueryTypeDef:
    """A query for one metric; without dimensions for the series of the account as a whole."""
    asked: MetricTypeDef = {"Namespace": namespace, "MetricName": metric}
    if dimensions:
        asked["Dimensions"] = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return {
        "Id": query_id,
        "MetricStat": {"Metric": asked, "Period": period_seconds, "Stat": statistic},
    }


def read_pages(
    get_metric_data: Callable[..., Any],
    queries: Sequence[MetricDataQueryTypeDef],
    start: datetime,
    end: datetime,
) -> Iterator[Mapping[str, Any]]:
    """What came for each query, over all pages; what CloudWatch says beside it is logged.

    By hand: botocore's paginator takes as long as all else that is done to a page.

    Parameters
    ----------
    get_metric_data
        The client's method.
    start, end
        `end` is excluded.
    """
    request: GetMetricDataInputTypeDef = {
        "MetricDataQueries": queries,
        "StartTime": start,
        "EndTime": end,
        "ScanBy": "TimestampAscending",
        "MaxDatapoints": MOST_DATAPOINTS,
    }
    while True:
        page = get_metric_data(**request)
        for message in page.get("Messages", ()):
            logger.warning("CloudWatch says", code=message.get("Code"), text=message.get("Value"))
        yield from cast("list[Mapping[str, Any]]", page["MetricDataResults"])
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]
