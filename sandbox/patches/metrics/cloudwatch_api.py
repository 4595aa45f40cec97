"""CloudWatch's metric API on the sandbox's own store, over the JSON protocol of botocore."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch

from sandbox.metrics import query, statistics
from sandbox.metrics.store import dimensions_of
from sandbox.patches.hooks import replace, substitute
from sandbox.timing.clock import VirtualTimeModule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.metrics.query import Answer
    from sandbox.metrics.store import Dimensions, MetricKey
    from sandbox.world import World

Response = tuple[int, dict[str, str], bytes]
Operation = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Answers a request, or leaves it to the emulator by answering nothing."""

DEFAULT_MAX_DATAPOINTS = 100_800
LIST_PAGE = 500
RECENT_MINUTES = 180
_JSON = {"Content-Type": "application/x-amz-json-1.0"}
_TARGET = re.compile(r"\.(\w+)$")


class ApiError(Exception):
    """When an API call is to be answered with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def response(self) -> Response:
        """The error as botocore reads it."""
        body = json.dumps({"__type": self.code, "message": self.message}).encode()
        headers = _JSON | {
            "x-amzn-errortype": self.code,
            "x-amzn-query-error": f"{self.code};{'Sender' if self.status < 500 else 'Receiver'}",  # noqa: PLR2004
        }
        return self.status, headers, body


def answer(data: dict[str, Any]) -> Response:
    """A successful response."""
    return 200, dict(_JSON), json.dumps(data).encode()


def moment(value: Any) -> float | None:
    """A request's timestamp in seconds since the epoch."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = str(value)
    try:
        return float(text)
    except ValueError:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


class MetricApi:
    """The metric operations of CloudWatch."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_metric_data(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer GetMetricData, a page of at most ``MaxDatapoints`` values at a time."""
        start, end = self._range(request)
        try:
            answers = query.evaluate(
                request.get("MetricDataQueries") or [],
                self._world.metrics,
                int(start // 60),
                -(-int(end) // 60),
            )
        except query.QueryValidationError as error:
            raise ApiError("ValidationError", str(error)) from error
        limit = int(request.get("MaxDatapoints") or DEFAULT_MAX_DATAPOINTS)
        skip = _offset(request.get("NextToken"))
        ascending = request.get("ScanBy") == "TimestampAscending"
        results, is_complete = _page(answers, skip, limit, ascending=ascending)
        page: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
        if not is_complete:
            page["NextToken"] = _token(skip + limit)
        return page

    def _range(self, request: dict[str, Any]) -> tuple[float, float]:
        start, end = moment(request.get("StartTime")), moment(request.get("EndTime"))
        if start is None or end is None:
            raise ApiError("ValidationError", "The parameters StartTime and EndTime are required.")
        if start >= end:
            raise ApiError(
                "ValidationError",
                "The parameter StartTime must be less than the parameter EndTime.",
            )
        return start, end

    def get_metric_statistics(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer GetMetricStatistics."""
        start, end = self._range(request)
        try:
            period = query.period_minutes(request.get("Period"))
        except query.QueryValidationError as error:
            raise ApiError("InvalidParameterValue", str(error)) from error
        low, high = int(start // 60) // period * period, -(-int(end) // 60)
        key = _key(request, request.get("MetricName", ""), request)
        points: dict[int, dict[str, Any]] = {}
        with self._world.metrics.lock:
            now = self._world.metrics.now()
            series = self._world.metrics.series(key)
            if series is not None:
                for name in request.get("Statistics") or []:
                    values = statistics.values_of(series, name, low, high, period, now=now)
                    for minute, value in values.items():
                        points.setdefault(minute, {})[name] = value
                for name in request.get("ExtendedStatistics") or []:
                    values = statistics.values_of(series, name, low, high, period, now=now)
                    for minute, value in values.items():
                        extended = points.setdefault(minute, {}).setdefault(
                            "ExtendedStatistics", {}
                        )
                        extended[name] = value
        unit = (series.unit if series else None) or "None"
        return {
            "Label": request.get("MetricName", ""),
            "Datapoints": [
                {"Timestamp": minute * 60, "Unit": unit, **values}
                for minute, values in sorted(points.items())
            ],
        }

    def put_metric_data(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer PutMetricData."""
        now = self._world.clock.now()
        for datum in request.get("MetricData") or []:
            key = _key(request, datum.get("MetricName", ""), datum)
            at = moment(datum.get("Timestamp"))
            unit = datum.get("Unit", "None")
            for cell in _cells(datum):
                self._world.metrics.record_set(key, cell, now if at is None else at, unit=unit)
        return {}

    def list_metrics(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ListMetrics, 500 metrics at a time."""
        is_recent = request.get("RecentlyActive") == "PT3H"
        oldest = self._world.clock.minute() - RECENT_MINUTES if is_recent else 0
        metrics = self._world.metrics
        with metrics.lock:
            now = metrics.now()
            found = [key for key in metrics.known() if self._is_listed(key, request, oldest, now)]
        skip = _offset(request.get("NextToken"))
        page: dict[str, Any] = {
            "Metrics": [
                {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions],
                }
                for namespace, name, dimensions in found[skip : skip + LIST_PAGE]
            ]
        }
        if skip + LIST_PAGE < len(found):
            page["NextToken"] = _token(skip + LIST_PAGE)
        return page

    def _is_listed(self, key: MetricKey, request: dict[str, Any], oldest: int, now: float) -> bool:
        namespace, name, dimensions = key
        if request.get("Namespace") not in (None, namespace):
            return False
        if request.get("MetricName") not in (None, name):
            return False
        if not _has_dimensions(dimensions, request.get("Dimensions") or []):
            return False
        series = self._world.metrics.series(key)
        return series is not None and series.newest(now) >= oldest


def _has_dimensions(dimensions: Dimensions, wanted: list[dict[str, str]]) -> bool:
    named = dict(dimensions)
    return all(
        one["Name"] in named and one.get("Value") in (None, named[one["Name"]]) for one in wanted
    )


def _key(request: dict[str, Any], name: str, holder: dict[str, Any]) -> MetricKey:
    pairs = {one["Name"]: one["Value"] for one in holder.get("Dimensions") or []}
    return request.get("Namespace", ""), name, dimensions_of(pairs)


def _cells(datum: dict[str, Any]) -> list[tuple[float, float, float, float]]:
    if datum.get("StatisticValues"):
        given = datum["StatisticValues"]
        return [(given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"])]
    values = datum.get("Values") or [datum.get("Value") or 0.0]
    counts = datum.get("Counts") or [1.0] * len(values)
    return [(n, v * n, v, v) for v, n in zip(values, counts, strict=True)]


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except ValueError as error:
        raise ApiError("InvalidNextToken", "The next token specified is invalid.") from error


def _page(
    answers: list[Answer], skip: int, limit: int, *, ascending: bool
) -> tuple[list[dict[str, Any]], bool]:
    results, at = [], 0
    for one in answers:
        first, last = max(0, skip - at), min(len(one.values), skip + limit - at)
        is_whole = last == len(one.values)
        if (not one.values and skip == 0) or last > first:
            minutes = list(one.values) if ascending else list(one.values)[::-1]
            part = minutes[first:last]
            results.append(
                {
                    "Id": one.query_id,
                    "Label": one.label,
                    "Timestamps": [minute * 60 for minute in part],
                    "Values": [one.values[minute] for minute in part],
                    "StatusCode": "Complete" if is_whole else "PartialData",
                }
            )
        at += len(one.values)
    return results, at <= skip + limit


def apply(world: World, alarm_operations: Mapping[str, Operation]) -> None:
    """Answer CloudWatch's operations here; the emulator keeps alarms, tags and dashboards."""
    substitute(cloudwatch, "time", VirtualTimeModule(world.clock), type(re))
    metrics = MetricApi(world)
    operations: dict[str, Operation] = {
        "GetMetricData": metrics.get_metric_data,
        "GetMetricStatistics": metrics.get_metric_statistics,
        "PutMetricData": metrics.put_metric_data,
        "ListMetrics": metrics.list_metrics,
        **alarm_operations,
    }

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Response:
        match = _TARGET.search(headers.get("x-amz-target", ""))
        if match is None:
            refusal = ApiError(
                "InvalidAction",
                "The sandbox's CloudWatch speaks awsJson1.0 only, as botocore does.",
            )
            return refusal.response()
        operation = operations.get(match.group(1))
        try:
            result = operation(json.loads(body or b"{}")) if operation else None
        except ApiError as error:
            return error.response()
        if result is not None:
            return answer(result)
        response: Response = await original(method, path, headers, body, query_params)
        return response

    original = replace(
        cloudwatch,
        "handle_request",
        handle_request,
        ("method", "path", "headers", "body", "query_params"),
    )
