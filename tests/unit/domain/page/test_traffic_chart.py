"""Traffic is drawn to scale, with its normal and its moments, whatever the datapoints are."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.page.overview import Moment, ShownTraffic
from functions.domain.page.traffic_chart import draw_traffic
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.domain.notices.samples.account import NOW

START = NOW - timedelta(hours=1)


def draw(
    values: tuple[float | None, ...],
    *moments: Moment,
    normal: float | None = 10,
    throttles: tuple[float | None, ...] = (),
    period: int = 60,
) -> tuple[str, Page]:
    """The drawing, and how a browser takes it apart."""
    traffic = ShownTraffic(
        start=START, period_seconds=period, invocations=values, throttles=throttles
    )
    html = "".join(draw_traffic(traffic, normal, moments))
    return html, Page(f"<div>{html}</div>")


def find_heights(html: str) -> list[float]:
    """How high above the line at zero the steps of the first area are, of 100."""
    path = re.search(r' d="(M0 100V[^"]*)"', html)
    assert path is not None
    return [100 - float(one) for one in re.findall(r"V([0-9.]+)H", path[1])]


def test_steps_are_to_scale() -> None:
    """The highest datapoint is below the upper edge, and half of it is half as high."""
    html, page = draw((50.0, 100.0, 0.0))
    half, whole, none = find_heights(html)

    assert 80 < whole < 100
    assert half == pytest.approx(whole / 2, abs=0.02)
    assert none == 0
    assert "100 a minute" in page.text


def test_sums_of_longer_periods_are_rates_a_minute() -> None:
    """As what is normal is."""
    _, page = draw((500.0, 500.0), period=300)

    assert "100 a minute" in page.text


def test_a_gap_is_no_zero() -> None:
    """CloudWatch has no datapoint: nothing is drawn there."""
    html, _ = draw((5.0, None, 5.0))

    assert len(re.findall(r' d="M[0-9]+ 100V', html)) == 2


def test_moments_stand_where_they_happened() -> None:
    """In percent of the width; what lies outside is listed only."""
    html, page = draw(
        (5.0,) * 60,
        Moment(at=START - timedelta(hours=1), label="rise begins"),
        Moment(at=START + timedelta(minutes=15), label="held"),
        Moment(at=START + timedelta(minutes=45), label="stopped"),
    )

    assert re.findall(r'<b style="left:([0-9.]+)%">(\d)</b>', html) == [
        ("25.0", "2"),
        ("75.0", "3"),
    ]
    for word in ("rise begins", "held", "stopped"):
        assert word in page.text


def test_moments_that_lie_close_together_share_a_mark() -> None:
    """Two marks on top of each other cannot be read."""
    html, _ = draw(
        (5.0,) * 60,
        Moment(at=START + timedelta(minutes=30), label="held"),
        Moment(at=START + timedelta(minutes=31), label="stopped"),
    )

    assert re.findall(r'<b style="left:[0-9.]+%">([^<]*)</b>', html) == ["1-2"]


def test_no_datapoints_are_said() -> None:
    """An empty drawing would look like a function that stands still."""
    _, page = draw((None, None))

    assert "CloudWatch has no datapoint of this time yet." in page.text
    assert "No datapoints from" in page.text


def test_throttles_have_their_legend() -> None:
    """Only where there are any."""
    _, without = draw((5.0, 5.0), throttles=(0.0, None))
    _, with_some = draw((5.0, 0.0), throttles=(0.0, 7.0))

    assert "throttled" not in without.text
    assert "throttled invocations a minute" in with_some.text


@given(
    values=st.lists(st.none() | st.floats(0, 1e12), max_size=40),
    normal=st.none() | st.floats(0, 1e12),
    minutes=st.lists(st.integers(-100, 200), max_size=6),
)
def test_every_drawing_stays_inside(
    values: list[float | None], normal: float | None, minutes: list[int]
) -> None:
    """No point lies outside of the drawing, and no number is none."""
    moments = (Moment(at=START + timedelta(minutes=one), label="held") for one in minutes)
    html, page = draw(tuple(values), *moments, normal=normal)

    assert "nan" not in html
    assert "inf" not in html
    for path in page.values("d"):
        for one in re.findall(r"V([^HVM]+)", path):
            assert 0 <= float(one) <= 100
    for one in re.findall(r"left:([0-9.]+)%", html):
        assert 0 <= float(one) <= 100
