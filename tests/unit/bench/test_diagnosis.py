"""The benchmark of the diagnosis: what it counts, and that its clock is AWS's rates."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from bench import diagnosis
from bench.diagnosis import measured, seconds_at_aws_s_rates

if TYPE_CHECKING:
    from bench.diagnosis import Size


@cache
def of(functions: int) -> Size:
    """What an account of so many functions takes."""
    return measured(functions)


def test_each_call_takes_its_share_of_a_second() -> None:
    """By the rate that AWS allows of it."""
    calls = {
        "lambda.get_function_configuration": 30,  # 15 a second
        "logs.filter_log_events": 10,  # 10 a second
        "cloudwatch.get_metric_data": 500,  # 500 a second
    }

    assert seconds_at_aws_s_rates(calls) == pytest.approx(2 + 1 + 1)


def test_the_calls_grow_with_what_is_suspected() -> None:
    """Metrics are asked in batches; a function that is well costs no call of its own."""
    small, large = of(100), of(1000)

    assert large.own_calls["cloudwatch.get_metric_data"] < 20
    assert large.own_calls_per_function < 0.2
    assert sum(large.own_calls.values()) > sum(small.own_calls.values())


def test_it_looks_closely_at_some() -> None:
    """The account has functions that log nothing, come close to their timeout, and fail."""
    large = of(1000)

    assert large.own_calls["logs.describe_log_groups"] == diagnosis.SILENT
    assert large.own_calls["logs.filter_log_events"] >= diagnosis.SLOW
    assert large.findings > 0


def test_alone_it_reads_the_account_too() -> None:
    """Where no chart has read it before."""
    large = of(1000)

    assert large.alone_calls_per_function > 2
    assert large.alone_seconds > large.own_seconds + 100


def test_its_aims() -> None:
    """Two for each size."""
    names = [one.name for one in diagnosis.targets([of(100), of(1000)])]

    assert len(names) == 4
