"""The last 90 days: what ended on each, and the newest of it."""

from collections.abc import Iterator
from typing import Final

from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import (
    clean,
    format_count,
    format_least_usd,
    format_number,
    format_time,
)
from functions.domain.page.overview import DayCount, HistoryPart
from functions.domain.requests.summary import EndedIncident

_HEIGHT: Final = 100.0
_GAP: Final = 0.2
_LEAST_TOP: Final = 4
_LONGEST_NAME: Final = 160
_LONGEST_WHY: Final = 300
_KINDS: Final = (
    ("loops", "stopped or held on", "alarm", "var(--alarm)"),
    ("lifted", "put back by Loopbreaker: no loop was shown", "calm", "var(--calm)"),
    ("reported", "reported only", "amber", "var(--amber)"),
)


def write_history(part: HistoryPart) -> Iterator[Markup]:
    """The days as bars, and the newest incidents that have ended."""
    days = part.days
    if not part.ended_count:
        yield element(
            "p", f"No incident has ended within the last {len(days)} days.", class_="quiet"
        )
        return
    most = max(one.total for one in days)
    yield element(
        "p",
        f"{format_count(part.ended_count, 'incident')} ended within {len(days)} days, at most"
        f" {format_number(most)} on one day.",
    )
    yield element("div", _draw_days(days, most), class_="days")
    yield element(
        "div",
        element("span", f"{days[0].day:%d %b}"),
        element("span", f"{days[len(days) // 2].day:%d %b}"),
        element("span", f"today, {days[-1].day:%d %b}"),
        class_="axis",
    )
    yield element("p", *_list_legend(days), class_="soft legend")
    yield element("ol", *map(_write_row, part.ended), class_="rows")
    left_out = part.ended_count - len(part.ended)
    if left_out > 0:
        said = f"{format_count(left_out, 'older one')} not shown here: loopbreaker history."
        yield element("p", said, class_="soft")


def _draw_days(days: tuple[DayCount, ...], most: int) -> Markup:
    top = max(most, _LEAST_TOP)
    bars: list[Markup] = []
    for number, day in enumerate(days):
        bottom = _HEIGHT
        for name, _, _, colour in _KINDS:
            count: int = getattr(day, name)
            if not count:
                continue
            height = count / top * _HEIGHT
            bottom -= height
            bars.append(
                element(
                    "rect",
                    x=number + _GAP / 2,
                    y=round(bottom, 2),
                    width=1 - _GAP,
                    height=round(height, 2),
                    fill=colour,
                )
            )
    busiest = max(days, key=lambda one: one.total)
    return element(
        "svg",
        element(
            "title",
            f"Incidents that ended on each of {len(days)} days; most on {busiest.day:%Y-%m-%d}:"
            f" {busiest.total}",
        ),
        *bars,
        viewBox=f"0 0 {len(days)} {_HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
    )


def _list_legend(days: tuple[DayCount, ...]) -> Iterator[Markup]:
    for name, said, kind, _ in _KINDS:
        count = sum(getattr(one, name) for one in days)
        if count:
            yield element("span", element("i", class_=kind), f"{count:,} {said}")


def _write_row(one: EndedIncident) -> Markup:
    held = one.ending if one.was_held else f"{one.ending}, never held"
    why = clean(one.why[0], _LONGEST_WHY) if one.why else ""
    cost = "" if one.usd_so_far is None else format_least_usd(one.usd_so_far)
    return element(
        "li",
        element("span", format_time(one.ended_at), class_="when"),
        element("code", clean(one.function, _LONGEST_NAME), class_="name"),
        element("span", element("b", clean(held, 120)), f" {why}", class_="what"),
        element("span", cost, class_="cost"),
    )
