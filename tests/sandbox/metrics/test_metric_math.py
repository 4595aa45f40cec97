"""Metric math, Metrics Insights and the store beneath them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sandbox.metrics import insights, query, statistics
from sandbox.metrics.math import Expression, MathError
from sandbox.metrics.store import MetricStore, Segment, dimensions_of
from sandbox.scenarios.seeding import seed

if TYPE_CHECKING:
    from sandbox.metrics.store import MetricKey

NOW = 0.0


def _key(name: str = "Invocations", function: str | None = None) -> MetricKey:
    return "AWS/Lambda", name, dimensions_of({"FunctionName": function} if function else {})


@pytest.fixture
def store() -> MetricStore:
    """An empty store."""
    return MetricStore(lambda: NOW)


def _compute(text: str, **lines: dict[int, float]) -> list[dict[int, float]]:
    return Expression(text, lines=lines, metric_ids=list(lines), buckets=range(4)).value()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", {0: 11.0, 1: 22.0}),
        ("b / a - 1", {0: 9.0, 1: 9.0}),
        ("2 * (a + 1)", {0: 4.0, 1: 6.0, 2: 8.0}),
        ("-a", {0: -1.0, 1: -2.0, 2: -3.0}),
        ("a > 1", {0: 0.0, 1: 1.0, 2: 1.0}),
        ("a >= 2 AND b > 15", {0: 0.0, 1: 1.0}),
        ("SUM(METRICS())", {0: 11.0, 1: 22.0, 2: 3.0}),
        ("MAX([a, b])", {0: 10.0, 1: 20.0, 2: 3.0}),
        ("a / SUM(a)", {0: 1 / 6, 1: 2 / 6, 2: 3 / 6}),
        ("FILL(b, 0)", {0: 10.0, 1: 20.0, 2: 0.0, 3: 0.0}),
        ("FILL(b, REPEAT)", {0: 10.0, 1: 20.0, 2: 20.0, 3: 20.0}),
        ("IF(a > 1, b, 0)", {0: 0.0, 1: 20.0}),
        ("IF(a > 2, 1, 0)", {0: 0.0, 1: 0.0, 2: 1.0}),
        ("7", {0: 7.0, 1: 7.0, 2: 7.0, 3: 7.0}),
    ],
)
def test_expressions(text: str, expected: dict[int, float]) -> None:
    """Each supported form computes what CloudWatch's does; missing datapoints stay missing."""
    lines = {"a": {0: 1.0, 1: 2.0, 2: 3.0}, "b": {0: 10.0, 1: 20.0}}

    assert _compute(text, **lines) == [pytest.approx(expected)]


@pytest.mark.parametrize("text", ["a +", "nobody", "RATE(a)", "a ? b", "(a"])
def test_unreadable_expressions_are_refused(text: str) -> None:
    """What the sandbox cannot compute is an error, never a guess."""
    with pytest.raises(MathError):
        _compute(text, a={0: 1.0})


def test_division_by_zero_yields_no_datapoint() -> None:
    """A quotient without a value is a gap."""
    assert _compute("a / b", a={0: 1.0, 1: 1.0}, b={0: 0.0, 1: 2.0}) == [{1: 0.5}]


def test_the_query_of_the_sweep_is_understood() -> None:
    """The query of AWS's own example is parsed into its parts."""
    parsed = insights.parse(
        'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
        "WHERE FunctionName != 'x' GROUP BY FunctionName ORDER BY SUM() DESC LIMIT 20"
    )

    assert parsed == insights.InsightsQuery(
        function="SUM",
        metric="Invocations",
        namespace="AWS/Lambda",
        schema=frozenset({"FunctionName"}),
        where=(insights.Condition(name="FunctionName", value="x", is_equal=False),),
        group_by=("FunctionName",),
        order_by="SUM",
        descending=True,
        limit=20,
    )


@pytest.mark.parametrize("text", ["SELECT Invocations FROM x", "SELECT SUM(a)", "select"])
def test_unreadable_queries_are_refused(text: str) -> None:
    """A query outside of the known grammar is an error."""
    with pytest.raises(insights.InsightsSyntaxError):
        insights.parse(text)


def test_insights_ranks_the_functions_and_leaves_the_account_out(store: MetricStore) -> None:
    """The schema selects series with exactly its dimensions; the largest come first."""
    for name, count in (("small", 3), ("large", 30), ("middle", 10)):
        store.record(_key(function=name), 1.0, 60.0, count=count)
    store.record(_key(), 1.0, 60.0, count=43)

    found = insights.run(
        insights.parse(
            'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
            "GROUP BY FunctionName ORDER BY SUM() DESC LIMIT 2"
        ),
        store,
        0,
        5,
        1,
        now=NOW,
    )

    assert [(line.label, line.values) for line in found] == [
        ("large", {1: 30.0}),
        ("middle", {1: 10.0}),
    ]


def test_at_most_500_lines_come_back(store: MetricStore) -> None:
    """Beyond 500 lines the order decides which are kept."""
    for number in range(600):
        store.record(_key(function=f"f{number}"), float(number), 0.0)

    found = insights.run(
        insights.parse(
            'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
            "GROUP BY FunctionName ORDER BY SUM() DESC"
        ),
        store,
        0,
        1,
        1,
        now=NOW,
    )

    assert (len(found), found[0].label, found[-1].label) == (500, "f599", "f100")


def test_an_aggregate_without_groups_is_one_line(store: MetricStore) -> None:
    """Without GROUP BY everything is one line."""
    store.record(_key(function="a"), 2.0, 0.0)
    store.record(_key(function="b"), 6.0, 0.0)

    found = insights.run(
        insights.parse('SELECT AVG(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName)'),
        store,
        0,
        1,
        1,
        now=NOW,
    )

    assert [line.values for line in found] == [{0: 4.0}]


def _stat(period: int, statistic: str = "Sum", **more: Any) -> dict[str, Any]:
    return {
        "Id": "m",
        "MetricStat": {
            "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Invocations"},
            "Period": period,
            "Stat": statistic,
        },
    } | more


def test_buckets_start_at_multiples_of_the_period(store: MetricStore) -> None:
    """A period of five minutes gathers what lies between its multiples."""
    for minute in (4, 5, 9, 10):
        store.record(_key(), 1.0, minute * 60.0)

    (answer,) = query.evaluate([_stat(300)], store, 3, 12)

    assert answer.values == {0: 1.0, 5: 2.0, 10: 1.0}


def test_missing_minutes_are_absent(store: MetricStore) -> None:
    """A minute without data has no datapoint, not a zero."""
    store.record(_key(), 1.0, 60.0)

    (answer,) = query.evaluate([_stat(60)], store, 0, 5)

    assert answer.values == {1: 1.0}


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Sum", 10.0), ("Average", 2.5), ("Minimum", 1.0), ("Maximum", 4.0), ("SampleCount", 4.0),
     ("p50", 2.5), ("p100", 4.0)],
)  # fmt: skip
def test_statistics(store: MetricStore, statistic: str, expected: float) -> None:
    """Each statistic is taken over the values of a minute."""
    for value in (1.0, 2.0, 3.0, 4.0):
        store.record(_key(), value, 0.0)

    (answer,) = query.evaluate([_stat(60, statistic)], store, 0, 1)

    assert answer.values == {0: expected}


@pytest.mark.parametrize(
    "queries",
    [
        [],
        [_stat(90)],
        [_stat(60), _stat(60)],
        [_stat(60, "median")],
        [_stat(60, Id=f"m{number}") for number in range(501)],
        [{"Id": "q", "Expression": "SELECT SUM(a) FROM b"},
         {"Id": "r", "Expression": "SELECT SUM(a) FROM b"}],
        [{"Id": "e", "Expression": "f + 1"}, {"Id": "f", "Expression": "e + 1"}],
        [{"Id": "e"}],
    ],
)  # fmt: skip
def test_what_cloudwatch_refuses_is_refused(
    store: MetricStore, queries: list[dict[str, Any]]
) -> None:
    """No query, a broken period, equal ids, too many, two Insights queries, a circle, nothing."""
    with pytest.raises(query.QueryValidationError):
        query.evaluate(queries, store, 0, 1)


def test_seeded_and_live_minutes_belong_together(store: MetricStore) -> None:
    """History and what is recorded now are one series, gaps included."""
    nothing = float("nan")
    store.seed(_key(), Segment(start=0, step=5, values=np.array([1.0, nothing, 3.0]), scale=2.0))
    store.record(_key(), 7.0, 10 * 60.0)

    (answer,) = query.evaluate([_stat(300)], store, 0, 20)

    assert answer.values == {0: 2.0, 10: 13.0}


def test_long_history_is_summed_like_short_history(store: MetricStore) -> None:
    """The quick way through many values agrees with the plain one."""
    values = np.arange(2000.0)
    values[::7] = float("nan")
    store.seed(_key(), Segment(start=3, step=1, values=values))

    series = store.series(_key())

    assert series is not None
    whole = statistics.values_of(series, "Sum", 0, 2010, 5, now=NOW)
    assert sum(whole.values()) == np.nansum(values)
    for low in range(0, 2010, 50):
        part = statistics.values_of(series, "Sum", low, low + 50, 5, now=NOW)
        assert part == {b: v for b, v in whole.items() if low <= b < low + 50}


def test_seeding_shares_patterns(store: MetricStore) -> None:
    """Functions with the same pattern share its values, each with its own scale."""
    count = seed(
        store,
        100,
        {
            "patterns": {"p": [1, None, 3]},
            "series": [
                {"functions": ["a", "b"], "metric": "Invocations", "pattern": "p",
                 "minutes_ago": 3, "scale": 10},
                {"metric": "Invocations", "values": [5], "minutes_ago": 1},
            ],
        },
    )  # fmt: skip

    series = store.series(_key(function="b"))
    assert count == 3
    assert series is not None
    assert statistics.values_of(series, "Sum", 0, 100, 1, now=NOW) == {97: 10.0, 99: 30.0}
