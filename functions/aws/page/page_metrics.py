"""CloudWatch's metrics of functions and of the guard, for the page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.aws.detection.datapoints import (
    MetricWindow,
    QueryAnswer,
    add_to_answer,
    moment_of,
)
from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.aws.runtime.metric_pages import FAILED, build_query, read_pages
from functions.domain.detection.evidence import floor_to
from functions.domain.errors import MetricsUnavailableError
from functions.domain.page.overview import ShownTraffic
from functions.domain.page.ports import GuardActivity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch import CloudWatchClient

IAM_ACTIONS: Final = frozenset({"cloudwatch:GetMetricData"})

_HOUR_SECONDS: Final = 3_600
_DAY: Final = timedelta(days=1)
_FIVE_MINUTES: Final = 300
# SQS sends no metrics of a queue that was idle for six hours, and begins again up to 15 minutes
# late (SQS developer guide, *Available CloudWatch metrics*): a queue without datapoints is empty,
# or was filled just now.
_LAST_VALUES: Final = timedelta(minutes=30)


class CloudWatchPageMetrics:
    """The port `PageMetrics`."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read_traffic(
        self, function: str, start: datetime, end: datetime, period_seconds: int
    ) -> ShownTraffic:
        """See the port. One call."""
        window = MetricWindow(start, end, period_seconds)
        found = self._get(
            [
                build_query(name.lower(), name, "Sum", period_seconds, {"FunctionName": function})
                for name in ("Invocations", "Throttles")
            ],
            start,
            end,
        )
        return ShownTraffic(
            start=start,
            period_seconds=period_seconds,
            invocations=window.series(found.get("invocations")).values,
            throttles=window.series(found.get("throttles")).values,
        )

    def read_activity(
        self, functions: Sequence[str], queues: Sequence[str], now: datetime
    ) -> GuardActivity:
        """See the port. One call: a day of each metric."""
        end = floor_to(now, _HOUR_SECONDS) + timedelta(hours=1)
        start = end - _DAY
        queries = [
            build_query(f"e{number}", "Errors", "Sum", _HOUR_SECONDS, {"FunctionName": name})
            for number, name in enumerate(functions)
        ]
        queries += [
            build_query(
                f"q{number}",
                "ApproximateNumberOfMessagesVisible",
                "Maximum",
                _FIVE_MINUTES,
                {"QueueName": name},
                namespace="AWS/SQS",
            )
            for number, name in enumerate(queues)
        ]
        if functions:
            guard = {"FunctionName": functions[0]}
            queries.append(build_query("pulse", "Invocations", "Sum", 60, guard))
        found = self._get(queries, start, end)
        newest_first = sorted(_list_points(found.get("pulse")), reverse=True)
        return GuardActivity(
            pulse_at=next((at for at, value in newest_first if value > 0), None),
            errors={
                name: sum(value for _, value in _list_points(found.get(f"e{number}")))
                for number, name in enumerate(functions)
            },
            waiting={
                name: _find_last(found.get(f"q{number}"), now) for number, name in enumerate(queues)
            },
        )

    def _get(
        self, queries: Sequence[Any], start: datetime, end: datetime
    ) -> Mapping[str, QueryAnswer]:
        if not queries:
            return {}
        found: dict[str, QueryAnswer] = {}
        try:
            for entry in read_pages(self._client.get_metric_data, queries, start, end):
                add_to_answer(found.setdefault(entry["Id"], QueryAnswer()), entry)
        except AWS_ERRORS as error:
            raise MetricsUnavailableError(get_message(error)) from error
        failed = [one.status for one in found.values() if one.status in FAILED]
        if failed:
            raise MetricsUnavailableError(f"CloudWatch answers {failed[0]}")
        return found


def _list_points(answer: QueryAnswer | None) -> list[tuple[datetime, float]]:
    if answer is None:
        return []
    return [
        (moment_of(at), float(value))
        for at, value in zip(answer.timestamps, answer.values, strict=False)
    ]


def _find_last(answer: QueryAnswer | None, now: datetime) -> float | None:
    points = [one for one in _list_points(answer) if now - one[0] <= _LAST_VALUES]
    return max(points)[1] if points else None
