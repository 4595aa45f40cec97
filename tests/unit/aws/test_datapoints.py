from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from functions.domain.detection.evidence import Series
from functions.domain.errors import MetricsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOON = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
END = int(NOON.timestamp()) - 30


class Pages:
    """A CloudWatch client that answers every query with the same datapoints, page by page."""

    def __init__(self, *pages: tuple[list[Any], list[float]]) -> None:
        self._pages = pages
        self.tokens: list[str | None] = []

    def get_metric_data(self, **request: Any) -> Mapping[str, Any]:
        """Answer one page."""
        token = request.get("NextToken")
        self.tokens.append(token)
        number = int(token or 0)
        moments, values = self._pages[number]
        answer: dict[str, Any] = {
            "MetricDataResults": [
                {"Id": one["Id"], "Timestamps": moments, "Values": values, "StatusCode": "Complete"}
                for one in request["MetricDataQueries"]
            ]
        }
        if number + 1 < len(self._pages):
            answer["NextToken"] = str(number + 1)
        return answer


def read(*pages: tuple[list[Any], list[float]]) -> Series:
    """What the adapter makes of the datapoints."""
    client: Any = Pages(*pages)
    return CloudWatchMetrics(client).recent(["orders"], NOON)["orders"].invocations


@given(
    st.lists(st.integers(-200, 10), unique=True).map(sorted),
    st.lists(st.floats(0, 1e9, width=32), min_size=220, max_size=220),
)
def test_seconds_and_moments_make_the_same_series(minutes: list[int], values: list[float]) -> None:
    """A list of seconds, as JSON has it, is read as a list of moments is."""
    seconds = [END + 60 * minute for minute in minutes]
    counts = values[: len(minutes)]

    series = read((seconds, counts))

    moments = [datetime.fromtimestamp(one, UTC) for one in seconds]
    end = NOON - timedelta(seconds=30)
    assert series == Series.from_datapoints(
        zip(moments, counts, strict=True), start=end - timedelta(minutes=180), end=end
    )


def test_counts_without_a_fraction_are_numbers_like_all_others() -> None:
    """JSON may write 12 for 12.0."""
    values = read(([END - 120, END - 60], [12, 13])).values

    assert values[-2:] == (12.0, 13.0)
    assert all(isinstance(value, float) for value in values[-2:])


@pytest.mark.parametrize(
    ("seconds", "values"),
    [
        pytest.param([END - 60], [float("nan")], id="not a number"),
        pytest.param([END - 60], [float("inf")], id="infinite"),
        pytest.param([END - 60], [-1.0], id="negative"),
        pytest.param([END - 60, END - 120], [1.0, 1.0], id="unsorted"),
        pytest.param([END - 60, END - 60], [1.0, 1.0], id="twice"),
        pytest.param([END - 61], [1.0], id="off the grid"),
    ],
)
def test_what_makes_no_series_is_refused(seconds: list[int], values: list[float]) -> None:
    """Speed does not wave flawed datapoints through."""
    with pytest.raises(MetricsUnavailableError, match="makes no series"):
        read((seconds, values))


def test_pages_are_put_together() -> None:
    """Each page is asked for with the token of the one before."""
    client: Any = Pages(([END - 120], [1.0]), ([END - 60], [2.0]))

    series = CloudWatchMetrics(client).recent(["orders"], NOON)["orders"].invocations

    assert series.values[-2:] == (1.0, 2.0)
    assert client.tokens == [None, "1"]
