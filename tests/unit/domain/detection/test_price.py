"""What a runaway burns."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.detection.price import compute_burn
from tests.unit.domain.notices.samples.account import assessed


def test_requests_and_duration() -> None:
    """A million requests cost $0.20, a GB-second of x86_64 $0.0000166667."""
    assessment = replace(
        assessed(), rate_per_minute=1_000, mean_duration_ms=500, invocations_since=2_000
    )

    spent = compute_burn(assessment, 2048, "x86_64")

    assert spent.usd_per_hour == pytest.approx(60_000 * 0.2e-6 + 60_000 * 0.0000166667)
    assert spent.usd_so_far == pytest.approx(2_000 * 0.2e-6 + 2_000 * 0.0000166667)
    assert (spent.requests_per_hour, spent.requests_so_far) == (60_000, 2_000)
    assert (spent.gb_seconds_per_hour, spent.gb_seconds_so_far) == (60_000, 2_000)


def test_arm_is_cheaper() -> None:
    """A GB-second of arm64 costs $0.0000133334; an unknown architecture is priced like it."""
    assessment = replace(
        assessed(), rate_per_minute=1 / 60, mean_duration_ms=1_000, invocations_since=0
    )

    assert compute_burn(assessment, 1024, "arm64").usd_per_hour == pytest.approx(
        0.2e-6 + 0.0000133334
    )
    assert compute_burn(assessment, 1024, "riscv") == compute_burn(assessment, 1024, "arm64")


@pytest.mark.parametrize(("memory_mb", "duration_ms"), [(None, 10.0), (0, 10.0), (128, None)])
def test_unknown_duration(memory_mb: int | None, duration_ms: float | None) -> None:
    """Without duration or memory only the requests are counted, and that is told apart."""
    spent = compute_burn(replace(assessed(), mean_duration_ms=duration_ms), memory_mb, "x86_64")

    assert not spent.is_duration_counted
    assert spent.usd_per_hour == pytest.approx(14_800 * 60 * 0.2e-6)
    assert spent.usd_so_far == pytest.approx(81_000 * 0.2e-6)


def test_ceiling() -> None:
    """A function at its ceiling of 100 cannot run more than 100 seconds a second."""
    grounds = (Ground(reason=Reason.AT_CEILING, value=100, unit=Unit.CONCURRENT, reference=100),)
    assessment = replace(assessed(), grounds=grounds, mean_duration_ms=60_000)

    spent = compute_burn(assessment, 1024, "x86_64")

    assert spent.gb_seconds_per_hour == pytest.approx(100 * 3600)
    assert spent.gb_seconds_so_far == pytest.approx(100 * 6 * 60)


@given(
    rate=st.floats(min_value=0, max_value=1e9),
    so_far=st.floats(min_value=0, max_value=1e12),
    duration_ms=st.none() | st.floats(min_value=0, max_value=900_000),
    memory_mb=st.none() | st.integers(min_value=0, max_value=10_240),
    architecture=st.sampled_from(["x86_64", "arm64", ""]),
)
def test_never_negative_and_at_least_the_requests(
    rate: float,
    so_far: float,
    duration_ms: float | None,
    memory_mb: int | None,
    architecture: str,
) -> None:
    """The dollars are never less than those of the requests alone."""
    assessment = replace(
        assessed(), rate_per_minute=rate, invocations_since=so_far, mean_duration_ms=duration_ms
    )

    spent = compute_burn(assessment, memory_mb, architecture)

    assert spent.usd_per_hour >= spent.requests_per_hour * 0.2e-6 * 0.999 >= 0
    assert spent.usd_so_far >= spent.requests_so_far * 0.2e-6 * 0.999 >= 0
