"""A changed reserved concurrency is read at once in AWS's weather, and in force a moment later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.local_aws import LocalAws
from sandbox.weather.lateness import concurrency_seconds
from sandbox.weather.seeded import Weather, WeatherKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _is_slow(seed: int) -> bool:
    weather = Weather(kind=WeatherKind.AWS, seed=seed)
    return all(concurrency_seconds(weather, "f", number) > 4.0 for number in range(2))


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS in which the first two changes take 4 to 5 seconds."""
    seed = next(seed for seed in range(10_000) if _is_slow(seed))
    with LocalAws(speed=1, worker_cap=4, weather="aws", seed=seed) as aws:
        yield aws


def test_a_reservation_is_in_force_a_moment_later(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """The function runs on under what held before, be that more or less."""
    function("f")
    lambda_ = aws.client("lambda")

    def runs() -> bool:
        try:
            lambda_.invoke(FunctionName="f")
        except lambda_.exceptions.TooManyRequestsException:
            return False
        return True

    assert runs()
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    assert lambda_.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 0
    assert runs()
    aws.wait_until(lambda: not runs(), "in force", 15)
    lambda_.delete_function_concurrency(FunctionName="f")
    answer = lambda_.get_function_concurrency(FunctionName="f")
    assert "ReservedConcurrentExecutions" not in answer
    assert not runs()
    aws.wait_until(runs, "released", 15)
