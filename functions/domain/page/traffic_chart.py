"""Invocations of a function against its normal, with the moments in which something happened.

The drawing stretches to the width that there is. Its words are no part of it, so that they stay
readable at every width.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import clean, format_number, format_time
from functions.domain.page.overview import Moment, ShownTraffic

_HEIGHT: Final = 100.0
_ROOM_ABOVE: Final = 1.12
_CLOSE_PERCENT: Final = 4.0
_HIGHEST_LABEL_PERCENT: Final = 12.0
_A_DAY: Final = timedelta(days=1)


def draw_traffic(
    traffic: ShownTraffic, normal_per_minute: float | None, moments: Sequence[Moment]
) -> tuple[Markup, ...]:
    """Draw a function's traffic a minute as markup.

    Parameters
    ----------
    normal_per_minute
        Drawn as a dashed line; ``None`` where it is not known.
    moments
        In the order of time. What lies outside the drawing is listed all the same.
    """
    rates = _rate(traffic.invocations, traffic.period_seconds)
    refused = _rate(traffic.throttles, traffic.period_seconds)
    known = [one for one in (*rates, *refused) if one is not None]
    normal = normal_per_minute or 0.0
    peak = max((*known, normal, 1.0))
    top = peak * _ROOM_ABOVE
    end = traffic.start + timedelta(seconds=traffic.period_seconds * len(rates))
    places = [(one, _place(one.at, traffic.start, end)) for one in moments]
    drawing = element(
        "svg",
        element("title", _describe(rates, normal_per_minute, traffic, end)),
        *_draw_area(refused, top, "var(--amber)", 0.35),
        *_draw_area(rates, top, "var(--link)", 0.18),
        *_draw_normal(normal_per_minute, top),
        *_draw_moments(places),
        viewBox=f"0 0 {max(1, len(rates))} {_HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
        fill="none",
    )
    parts = [
        element(
            "div",
            drawing,
            *_label_values(peak, top, normal_per_minute),
            *_mark(places),
            class_="plot",
        ),
        element("div", *_label_axis(traffic.start, end), class_="axis"),
    ]
    if not known:
        parts.append(element("p", "CloudWatch has no datapoint of this time yet.", class_="soft"))
    if any(one for one in refused if one):
        parts.append(
            element(
                "p",
                element("span", element("i"), "invocations a minute", class_="blue"),
                element("span", element("i"), "throttled invocations a minute", class_="amber"),
                class_="soft legend",
            )
        )
    if moments:
        parts.append(element("ol", *_list_moments(moments), class_="moments"))
    return tuple(parts)


def _rate(values: Sequence[float | None], period_seconds: int) -> tuple[float | None, ...]:
    minutes = period_seconds / 60
    return tuple(None if one is None else one / minutes for one in values)


def _draw_area(
    rates: Sequence[float | None], top: float, colour: str, opacity: float
) -> Iterator[Markup]:
    """Steps of each stretch that has datapoints, filled down to the line at zero."""
    for first, values in _split_stretches(rates):
        points = [f"M{first} {_HEIGHT:g}"]
        for number, value in enumerate(values):
            y = _HEIGHT - value / top * _HEIGHT
            points.append(f"V{y:.2f}H{first + number + 1}")
        points.append(f"V{_HEIGHT:g}")
        yield element(
            "path",
            d="".join(points),
            fill=colour,
            fill_opacity=opacity,
            stroke=colour,
            stroke_width=1.5,
            vector_effect="non-scaling-stroke",
        )


def _split_stretches(rates: Sequence[float | None]) -> Iterator[tuple[int, list[float]]]:
    stretch: list[float] = []
    for number, value in enumerate((*rates, None)):
        if value is None:
            if stretch:
                yield number - len(stretch), stretch
            stretch = []
        else:
            stretch.append(value)


def _draw_normal(normal: float | None, top: float) -> Iterator[Markup]:
    if normal is not None:
        yield element(
            "path",
            d=f"M0 {_HEIGHT - normal / top * _HEIGHT:.2f}h10000",
            stroke="var(--calm)",
            stroke_width=1.5,
            stroke_dasharray="5 4",
            vector_effect="non-scaling-stroke",
        )


def _place(at: datetime, start: datetime, end: datetime) -> float | None:
    """How far from the left it lies, from 0 to 1; ``None`` outside."""
    whole = (end - start).total_seconds()
    gone = (at - start).total_seconds()
    return gone / whole if whole > 0 and 0 <= gone <= whole else None


def _draw_moments(places: Sequence[tuple[Moment, float | None]]) -> Iterator[Markup]:
    for place in {one for _, one in places if one is not None}:
        yield element(
            "svg",
            element(
                "path",
                d=f"M{place * 100:.2f} 0v{_HEIGHT:g}",
                stroke="var(--ink)",
                stroke_width=1,
                vector_effect="non-scaling-stroke",
            ),
            viewBox=f"0 0 100 {_HEIGHT:g}",
            preserveAspectRatio="none",
        )


def _mark(places: Sequence[tuple[Moment, float | None]]) -> Iterator[Markup]:
    """The numbers of the moments above the drawing; those that lie close together as one."""
    groups: list[tuple[float, list[int]]] = []
    for number, (_, place) in enumerate(places, 1):
        if place is None:
            continue
        percent = place * 100
        if groups and percent - groups[-1][0] < _CLOSE_PERCENT:
            groups[-1][1].append(number)
        else:
            groups.append((percent, [number]))
    for percent, numbers in groups:
        shown = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"
        yield element("b", shown, style=f"left:{min(98.0, max(2.0, percent)):.1f}%")


def _label_values(peak: float, top: float, normal: float | None) -> Iterator[Markup]:
    yield element(
        "i",
        f"{format_number(peak)} a minute",
        style=f"bottom:{peak / top * 100 - 6:.1f}%",
        class_="peak",
    )
    if normal is None:
        return
    height = normal / top * 100
    if height < 100 - 2 * _HIGHEST_LABEL_PERCENT:
        yield element(
            "i",
            f"normal {format_number(normal)}",
            style=f"bottom:{height + 2:.1f}%",
            class_="calm",
        )


def _label_axis(start: datetime, end: datetime) -> Iterator[Markup]:
    middle = start + (end - start) / 2
    is_short = end - start <= _A_DAY
    for number, at in enumerate((start, middle, end)):
        shown = f"{at.astimezone(UTC):%H:%M}" if is_short and number else format_time(at)
        yield element("span", shown)


def _list_moments(moments: Sequence[Moment]) -> Iterator[Markup]:
    for number, one in enumerate(moments, 1):
        at = f"{one.at.astimezone(UTC):%d %b %H:%M}"
        yield element("li", element("b", str(number)), f"{clean(one.label, 60)} {at}")


def _describe(
    rates: Sequence[float | None], normal: float | None, traffic: ShownTraffic, end: datetime
) -> str:
    known = [one for one in rates if one is not None]
    usual = "" if normal is None else f" Normal is {format_number(normal)}."
    if not known:
        return f"No datapoints from {format_time(traffic.start)} to {format_time(end)}.{usual}"
    return (
        f"Invocations a minute from {format_time(traffic.start)} to {format_time(end)}: at most"
        f" {format_number(max(known))}, {format_number(known[-1])} at the end.{usual}"
    )
