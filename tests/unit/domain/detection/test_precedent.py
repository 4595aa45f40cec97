"""Whether a function was this busy before: a search that is fast says what a plain one says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.evidence import PRECEDENT_PERIOD_SECONDS, Series
from functions.domain.detection.precedent import TIMES_OTHER_HOURS, Precedent

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS = 4
PERIODS = DAYS * 288

sums = st.none() | st.sampled_from([0.0, 40.0, 100.0, 120.0, 500.0, 2_000.0])


def precede(values: list[float | None]) -> Precedent | None:
    """The sums of the last days, the last one next to now."""
    series = Series(
        start=NOW - timedelta(seconds=PRECEDENT_PERIOD_SECONDS * len(values)),
        period_seconds=PRECEDENT_PERIOD_SECONDS,
        values=tuple(values),
    )
    return Precedent.of(series, NOW)


def list_rates(values: list[float | None], within: int) -> list[float]:
    """The rate a minute of each period: evenly what its neighbours have, the rest `within`."""
    known = [value or 0.0 for value in values]
    padded = [known[1], *known, known[-2]]
    rates = []
    for before, total, after in zip(padded, known, padded[2:], strict=False):
        even = min(total, (before + after) / 2)
        rates.append(even / 5 + (total - even) / within)
    return rates


@given(
    st.lists(sums, min_size=20, max_size=20),
    st.integers(1, 5),
    st.floats(1, 3_000),
    st.integers(0, PERIODS - 20),
)
def test_the_first_period_that_held_enough_explains_a_level(
    piece: list[float | None], within: int, level: float, at: int
) -> None:
    """At any time of day, as far as some period held the level, with what it held."""
    values: list[float | None] = [10.0] * PERIODS
    values[at : at + 20] = piece
    known = precede(values)
    assert known is not None
    needed, rates = level / TIMES_OTHER_HOURS, list_rates(values, within)

    seen = known.explains(level, within, TIMES_OTHER_HOURS, NOW)

    rounding = 1e-9 * needed
    if seen is None:
        assert max(rates) < needed + rounding
    else:
        assert any(
            rate == pytest.approx(seen.reference) for rate in rates if rate >= needed - rounding
        )


def test_a_series_without_any_count_is_no_precedent() -> None:
    """Missing and empty periods tell nothing."""
    assert precede([None, 0.0, None]) is None
