import pytest

from bench import large_sweep
from bench.large_sweep import LargeAccount, Way


@pytest.fixture(scope="module")
def found() -> dict[str, Way]:
    """The three ways at 25,000 functions."""
    return {one.name: one for one in large_sweep.ways(25_000)}


def test_one_query_does_not_see_it(found: dict[str, Way]) -> None:
    """The limit of 10,000 metrics is the account's, not the guard's."""
    assert found["one query"].sweeps is None
    assert found["one query"].seen == 10_000


def test_all_at_once_costs_with_the_number(found: dict[str, Way]) -> None:
    """Every function is a metric read, 500 a call, after the listing."""
    way = found["all at once"]

    assert (way.seen, way.sweeps) == (25_000, 1)
    assert way.calls == {"ListMetrics": 50, "GetMetricData": 50, "GetAccountSettings": 1}
    assert way.usd_per_month == pytest.approx(180)


def test_parts_cost_the_same_for_any_number(found: dict[str, Way]) -> None:
    """A sweep reads 10,000 functions; the one that comes last is found by the last part."""
    way = found["in parts"]

    assert (way.seen, way.sweeps) == (10_000, 3)
    assert way.calls["GetMetricData"] == 20
    assert way.usd_per_month == pytest.approx(72)


def test_calls_take_what_aws_allows() -> None:
    """Fifty pages of ListMetrics at 25 a second are two seconds."""
    way = Way(
        name="any",
        calls={"ListMetrics": 50, "GetMetricData": 50},
        metrics=1,
        seen=1,
        cpu_seconds=0.0,
        sweeps=None,
    )

    assert way.seconds_at_rates == pytest.approx(2.1)


def test_the_runaway_is_where_no_query_looks() -> None:
    """CloudWatch finds it behind the first 10,000."""
    account = LargeAccount(12_000)

    assert account.names.index(account.runaway) >= large_sweep.QUERY_SEES
