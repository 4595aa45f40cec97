"""Datapoints of any metrics: batches, pages, and what CloudWatch fails to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.diagnosis.metrics import DiagnosisMetrics
from functions.domain.diagnosis.collection.metric_queries import Family, MetricQuery, Window
from functions.domain.errors import MetricsUnavailableError
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

UNTIL = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = Window(since=UNTIL - timedelta(hours=1), until=UNTIL, period_seconds=300)
TEN = UNTIL - timedelta(minutes=10)
FIVE = UNTIL - timedelta(minutes=5)


script = scripted("cloudwatch")


def asked(number: int = 0, metric: str = "Invocations") -> MetricQuery:
    """A metric of a function."""
    return MetricQuery(
        namespace="AWS/Lambda",
        metric=metric,
        dimensions=(("FunctionName", f"f{number}"),),
        statistic="Sum",
    )


def answered(*results: dict[str, Any], token: str = "") -> dict[str, Any]:
    """A page."""
    page: dict[str, Any] = {"MetricDataResults": list(results)}
    return {**page, "NextToken": token} if token else page


def result(name: str, *points: tuple[datetime, float], status: str = "Complete") -> dict[str, Any]:
    """One result."""
    return {
        "Id": name,
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": status,
    }


def test_datapoints_over_pages_in_the_order_of_time(script: Script) -> None:
    """What a page leaves out, the next one brings."""
    script.answer(
        "get_metric_data",
        answered(result("m0", (FIVE, 2.0), status="PartialData"), token="more"),
        MetricDataQueries=[
            {
                "Id": "m0",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": "Invocations",
                        "Dimensions": [{"Name": "FunctionName", "Value": "f0"}],
                    },
                    "Period": 300,
                    "Stat": "Sum",
                },
            }
        ],
        StartTime=HOUR.since,
        EndTime=HOUR.until,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )
    script.answer("get_metric_data", answered(result("m0", (TEN, 1.0))))

    found = DiagnosisMetrics(script.client).read_datapoints([asked()], HOUR)

    assert found == {asked(): ((TEN, 1.0), (FIVE, 2.0))}


def test_no_question_no_call(script: Script) -> None:
    """Nothing is asked for nothing."""
    assert DiagnosisMetrics(script.client).read_datapoints([], HOUR) == {}


def test_a_metric_without_data_has_none(script: Script) -> None:
    """That is an answer, too."""
    script.answer("get_metric_data", answered(result("m0")))

    assert DiagnosisMetrics(script.client).read_datapoints([asked()], HOUR) == {asked(): ()}


@pytest.mark.parametrize(
    ("minutes", "batches"),
    [(60, [500, 100]), (24 * 60, [350, 250])],
)
def test_as_many_as_fit_into_one_answer(script: Script, minutes: int, batches: list[int]) -> None:
    """500 queries, and 100,800 datapoints, are AWS's limits of a call."""
    window = Window(since=UNTIL - timedelta(minutes=minutes), until=UNTIL, period_seconds=300)
    for size in batches:
        script.answer(
            "get_metric_data", answered(*(result(f"m{number}") for number in range(size)))
        )

    found = DiagnosisMetrics(script.client).read_datapoints([asked(n) for n in range(600)], window)

    assert len(found) == 600


def test_what_failed_is_asked_for_once_more(script: Script) -> None:
    """And only that."""
    script.answer(
        "get_metric_data",
        answered(result("m0", (TEN, 1.0)), result("m1", status="InternalError")),
    )
    script.answer("get_metric_data", answered(result("m0", (FIVE, 7.0))))

    found = DiagnosisMetrics(script.client).read_datapoints([asked(0), asked(1)], HOUR)

    assert found == {asked(0): ((TEN, 1.0),), asked(1): ((FIVE, 7.0),)}


def test_a_gap_never_passes_for_a_function_that_stands_still(script: Script) -> None:
    """What fails twice is said."""
    for _ in range(2):
        script.answer("get_metric_data", answered(result("m0", status="InternalError")))

    with pytest.raises(MetricsUnavailableError, match="Invocations"):
        DiagnosisMetrics(script.client).read_datapoints([asked()], HOUR)


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "InternalServiceFault"])
def test_refusals(script: Script, code: str) -> None:
    """AWS's words are kept."""
    script.refuse("get_metric_data", code, "its words")

    with pytest.raises(MetricsUnavailableError, match="its words"):
        DiagnosisMetrics(script.client).read_datapoints([asked()], HOUR)


@pytest.mark.parametrize(
    "odd",
    [
        {"Id": "m0", "Timestamps": [TEN], "Values": [], "StatusCode": "Complete"},
        {"Id": "another", "Timestamps": [TEN], "Values": [1.0], "StatusCode": "Complete"},
        {"Timestamps": [TEN], "Values": [1.0]},
    ],
)
def test_unknown_shapes_are_said(script: Script, odd: dict[str, Any]) -> None:
    """An answer that makes no sense is no answer."""
    script.answer("get_metric_data", answered(odd))

    with pytest.raises(MetricsUnavailableError, match="shape"):
        DiagnosisMetrics(script.client).read_datapoints([asked()], HOUR)


# -- the leaders of a family

RULES = Family(
    namespace="AWS/Events", metric="FailedInvocations", dimensions=("EventBusName", "RuleName")
)


def leader(label: str, *values: float, status: str = "Complete") -> dict[str, Any]:
    """One series of a Metrics Insights query."""
    times = [UNTIL - timedelta(minutes=5 * n) for n in range(len(values))]
    return {
        "Id": "leading",
        "Label": label,
        "Timestamps": times,
        "Values": list(values),
        "StatusCode": status,
    }


def test_the_leaders_are_those_above_zero_the_largest_first(script: Script) -> None:
    """The query names exactly the dimensions of the family, and its labels their values."""
    script.answer(
        "get_metric_data",
        answered(leader("orders ship", 1.0, 2.0), leader("orders idle", 0.0), leader("b pay", 9.0)),
        MetricDataQueries=[
            {
                "Id": "leading",
                "Expression": (
                    'SELECT SUM(FailedInvocations) FROM SCHEMA("AWS/Events", EventBusName, '
                    "RuleName) GROUP BY EventBusName, RuleName ORDER BY SUM() DESC"
                ),
                "Period": 300,
            }
        ],
        StartTime=HOUR.since,
        EndTime=HOUR.until,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    found = DiagnosisMetrics(script.client).find_leading(RULES, HOUR)

    assert found == (RULES.build_query(("b", "pay")), RULES.build_query(("orders", "ship")))


def test_a_label_of_another_form_is_left_out(script: Script) -> None:
    """What cannot be told apart is not guessed."""
    script.answer("get_metric_data", answered(leader("Other", 5.0), leader("a b c", 5.0)))

    assert DiagnosisMetrics(script.client).find_leading(RULES, HOUR) == ()


def test_leaders_that_cannot_be_read_are_not_none(script: Script) -> None:
    """A failed query does not pass for an account without failures."""
    script.answer("get_metric_data", answered(leader("a b", status="InternalError")))

    with pytest.raises(MetricsUnavailableError, match="failed to read FailedInvocations"):
        DiagnosisMetrics(script.client).find_leading(RULES, HOUR)


def test_leaders_that_are_refused_are_said(script: Script) -> None:
    """The words are AWS's."""
    script.refuse("get_metric_data", "AccessDenied", "not for you")

    with pytest.raises(MetricsUnavailableError, match="not for you"):
        DiagnosisMetrics(script.client).find_leading(RULES, HOUR)
