"""Series on their grid: what CloudWatch may send, and what is refused."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.evidence import Series, floor_to
from functions.domain.errors import InvalidSeriesError

START = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
END = START + timedelta(minutes=5)


def _at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def test_missing_minutes_stay_missing() -> None:
    """A minute without a datapoint is None, never 0."""
    series = Series.from_datapoints([(_at(1), 3.0), (_at(3), 0.0)], start=START, end=END)

    assert series.values == (None, 3.0, None, 0.0, None)
    assert (series.end, series.moment(-1)) == (END, _at(4))


def test_datapoints_outside_of_the_grid_are_left_out() -> None:
    """CloudWatch may answer with a minute more than was asked for."""
    series = Series.from_datapoints(
        [(_at(-1), 1.0), (_at(0), 2.0), (_at(5), 3.0)], start=START, end=END
    )

    assert series.values == (2.0, None, None, None, None)


@pytest.mark.parametrize(
    ("datapoints", "words"),
    [
        ([(_at(0), math.nan)], "value nan"),
        ([(_at(0), math.inf)], "value inf"),
        ([(_at(0), -1.0)], "value -1.0"),
        ([(_at(1), 1.0), (_at(0), 1.0)], "does not come after"),
        ([(_at(1), 1.0), (_at(1), 1.0)], "does not come after"),
        ([(_at(0.5), 1.0)], "not on a period of 60 s"),
        ([(_at(0).replace(tzinfo=None), 1.0)], "has no time zone"),
    ],
)
def test_what_is_no_series_is_refused_by_name(
    datapoints: list[tuple[datetime, float]], words: str
) -> None:
    """NaN, negative, unsorted, duplicated or shifted datapoints are an error that says which."""
    with pytest.raises(InvalidSeriesError, match=words):
        Series.from_datapoints(datapoints, start=START, end=END)


def test_a_grid_that_does_not_begin_on_a_period_is_refused() -> None:
    """Five-minute sums begin at full five minutes."""
    with pytest.raises(InvalidSeriesError, match="cannot start"):
        Series.from_datapoints([], start=_at(1), end=END, period_seconds=300)


def test_periods_of_former_incidents_are_blanked() -> None:
    """Every minute that the period touches is missing afterwards, and none else."""
    series = Series(start=START, period_seconds=60, values=(1.0, 2.0, 3.0, 4.0, 5.0))

    blind = series.without([(_at(1.5), _at(3))])

    assert blind.values == (1.0, None, None, 4.0, 5.0)


@given(
    st.lists(st.none() | st.floats(0, 1e6), max_size=30),
    st.lists(st.tuples(st.floats(-10, 40), st.floats(0, 50)), max_size=4),
)
def test_blanking_never_invents_a_value(
    values: list[float | None], spans: list[tuple[float, float]]
) -> None:
    """Whatever the periods are, each value stays as it is or is missing."""
    series = Series(start=START, period_seconds=60, values=tuple(values))

    blind = series.without([(_at(begin), _at(begin + length)) for begin, length in spans])

    assert len(blind.values) == len(values)
    assert all(now is None or now == was for now, was in zip(blind.values, values, strict=True))


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_flooring_lands_on_the_grid_at_or_before(moment: datetime) -> None:
    """A floored moment is on the period and less than one period away."""
    aware = moment.replace(tzinfo=UTC)

    floored = floor_to(aware, 300)

    assert floored.timestamp() % 300 == 0
    assert timedelta(0) <= aware - floored < timedelta(seconds=300)
