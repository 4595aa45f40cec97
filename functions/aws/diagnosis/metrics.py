"""Any metrics of CloudWatch over a day, in as few and as large calls as its limits allow.

A GetMetricData call takes 500 queries and answers up to 100,800 datapoints a page (CloudWatch API,
*GetMetricData*). It is billed by the metric that is asked for, not by the datapoint. A Metrics
Insights query names up to 500 of up to 10,000 metrics, and is billed by the metric that it analyses
(CloudWatch user guide, *CloudWatch Metrics Insights quotas*).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.aws.detection.datapoints import moment_of
from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.aws.runtime.metric_pages import (
    FAILED,
    INCOMPLETE,
    MOST_DATAPOINTS,
    build_query,
    read_pages,
)
from functions.domain.errors import MetricsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

    from functions.domain.diagnosis.collection.metric_queries import (
        Datapoints,
        Family,
        MetricQuery,
        Window,
    )

IAM_ACTIONS: Final = frozenset({"cloudwatch:GetMetricData"})

_MOST_QUERIES: Final = 500
# SCHEMA with exactly these dimensions: no series is counted a second time.
_LEADING: Final = (
    'SELECT SUM({metric}) FROM SCHEMA("{namespace}", {names}) GROUP BY {names} ORDER BY SUM() DESC'
)


class DiagnosisMetrics:
    """CloudWatch."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read_datapoints(
        self, asked: Sequence[MetricQuery], window: Window
    ) -> Mapping[MetricQuery, Datapoints]:
        """The datapoints of each metric; a metric without any has none.

        What CloudWatch failed to read is asked for once more.

        Raises
        ------
        MetricsUnavailableError
            When CloudWatch cannot be asked, or fails to read a metric the second time, too: a gap
            would pass for a function that stands still.
        """
        found: dict[MetricQuery, Datapoints] = {}
        size = max(1, min(_MOST_QUERIES, MOST_DATAPOINTS // window.periods))
        wanted = tuple(dict.fromkeys(asked))
        for first in range(0, len(wanted), size):
            batch = wanted[first : first + size]
            answered, failed = self._ask(batch, window)
            if failed:
                again, lost = self._ask(failed, window)
                if lost:
                    names = ", ".join(sorted({one.metric for one in lost}))
                    raise MetricsUnavailableError(f"CloudWatch failed to read {names}")
                answered.update(again)
            found.update(answered)
        return found

    def find_leading(self, family: Family, window: Window) -> tuple[MetricQuery, ...]:
        """The members of a family with the largest sums above zero, at most 500.

        UNCONFIRMED A-014: that a series grouped by several dimensions is labelled with their values
        and a blank between them. A label of another form is left out.

        Raises
        ------
        MetricsUnavailableError
            When CloudWatch cannot be asked, or fails to read them.
        """
        names = ", ".join(family.dimensions)
        query: MetricDataQueryTypeDef = {
            "Id": "leading",
            "Expression": _LEADING.format(
                metric=family.metric, namespace=family.namespace, names=names
            ),
            "Period": window.period_seconds,
        }
        sums: dict[MetricQuery, float] = {}
        try:
            for entry in self._read_pages([query], window):
                if entry.get("StatusCode", "") in FAILED:
                    raise MetricsUnavailableError(f"CloudWatch failed to read {family.metric}")
                values = entry["Label"].split()
                if len(values) == len(family.dimensions):
                    one = family.build_query(values)
                    sums[one] = sums.get(one, 0.0) + sum(entry.get("Values", ()))
        except AWS_ERRORS as error:
            raise MetricsUnavailableError(get_message(error)) from error
        except (KeyError, TypeError, AttributeError) as error:
            raise _make_error(error) from error
        return tuple(sorted((one for one in sums if sums[one] > 0), key=lambda one: -sums[one]))

    def _ask(
        self, batch: Sequence[MetricQuery], window: Window
    ) -> tuple[dict[MetricQuery, Datapoints], tuple[MetricQuery, ...]]:
        queries = [
            build_query(
                f"m{n}",
                one.metric,
                one.statistic,
                window.period_seconds,
                dict(one.dimensions),
                namespace=one.namespace,
            )
            for n, one in enumerate(batch)
        ]
        points: dict[str, dict[datetime, float]] = {f"m{n}": {} for n in range(len(batch))}
        status: dict[str, str] = {}
        try:
            for entry in self._read_pages(queries, window):
                name = entry["Id"]
                status[name] = entry.get("StatusCode", "")
                times, values = entry.get("Timestamps", ()), entry.get("Values", ())
                points[name].update(
                    (moment_of(time), float(value))
                    for time, value in zip(times, values, strict=True)
                )
        except AWS_ERRORS as error:
            raise MetricsUnavailableError(get_message(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise _make_error(error) from error
        answered = {one: tuple(sorted(points[f"m{n}"].items())) for n, one in enumerate(batch)}
        failed = tuple(
            one for n, one in enumerate(batch) if status.get(f"m{n}", "Complete") in INCOMPLETE
        )
        return answered, failed

    def _read_pages(
        self, queries: Sequence[MetricDataQueryTypeDef], window: Window
    ) -> Iterator[Mapping[str, Any]]:
        return read_pages(self._client.get_metric_data, queries, window.since, window.until)


def _make_error(error: Exception) -> MetricsUnavailableError:
    return MetricsUnavailableError(
        f"CloudWatch's answer has not the shape of one: {type(error).__name__} {error}"
    )
