"""The page as a widget of a dashboard, and as a file. Both are drawn by the same functions.

CloudWatch shows the HTML that a widget's function answers, without JavaScript, `iframe` and `use`
(CloudWatch user guide, *Details about custom widgets*, *Security and JavaScript*).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import clean, format_count, format_time, format_usd
from functions.domain.page.actions import Buttons
from functions.domain.page.health import count_troubles, write_health
from functions.domain.page.history import write_history
from functions.domain.page.incidents import describe_state, write_incidents
from functions.domain.page.overview import Overview, View
from functions.domain.page.style import ROOT, Theme, write_file_style, write_widget_style

_NO_DEFAULT_STYLES: Final = "cwdb-no-default-styles"
_MOST_GAPS: Final = 12
# The styles stand in the file. The rest says that the page loads, sends and runs nothing.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " form-action 'none'"
)


def write_widget(page: Overview, view: View, theme: Theme, buttons: Buttons | None) -> str:
    """Write one widget of the dashboard."""
    return write_fragment(_write_view(page, view, buttons), theme)


def write_fragment(content: Iterable[Markup], theme: Theme) -> str:
    """Write HTML for a dashboard: the styles, and content below one element."""
    return element(
        "div",
        element("div", class_=_NO_DEFAULT_STYLES),
        element("style", write_widget_style(theme)),
        element("div", *content, class_=ROOT),
    )


def write_file(page: Overview) -> str:
    """Write the whole page as a file that needs nothing else."""
    headline, kind = describe_state(page)
    body = element(
        "main",
        element("p", "Loopbreaker", class_="soft"),
        element("h1", headline, class_=kind),
        _write_where(page),
        _write_tiles(page),
        *_write_gaps(page),
        *write_incidents(page, None),
        element("h2", "The last 90 days"),
        *_write_history(page),
        element("h2", "The guard itself"),
        *write_health(page),
        class_=ROOT,
    )
    return write_document(f"Loopbreaker: {headline}", write_file_style(), body)


def write_document(title: str, style: Markup, *content: Markup) -> str:
    """Write an HTML file that loads, sends and runs nothing."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width,initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        # Without it a browser asks the server for /favicon.ico.
        element("link", rel="icon", href="data:,"),
        element("style", style),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', *content), lang='en')}\n"


def _write_view(page: Overview, view: View, buttons: Buttons | None) -> Iterator[Markup]:
    match view:
        case View.INCIDENTS:
            headline, kind = describe_state(page)
            yield element("h1", headline, class_=kind)
            yield _write_where(page)
            yield _write_tiles(page)
            yield from _write_gaps(page)
            yield from write_incidents(page, buttons)
        case View.HISTORY:
            yield from _write_gaps(page)
            yield from _write_history(page)
        case View.HEALTH:
            yield from _write_gaps(page)
            yield from write_health(page)


def _write_history(page: Overview) -> Iterator[Markup]:
    if page.history is not None:
        yield from write_history(page.history)


def _write_where(page: Overview) -> Markup:
    where = [f"account {page.account}" if page.account else "", page.region]
    where.append(f"as of {format_time(page.at)}")
    return element(
        "p", *(element("span", clean(one, 120)) for one in where if one), class_="soft where"
    )


def _write_tiles(page: Overview) -> Markup:
    tiles: list[tuple[str, str]] = []
    if page.incidents is not None:
        part = page.incidents
        reported = part.incidents_open - (part.held - part.tagged_count)
        tiles += [("held now", f"{part.held:,}"), ("reported only", f"{reported:,}")]
    if page.findings is not None:
        tiles.append(("other findings", f"{page.findings.findings_open:,}"))
    if page.graph is not None and page.graph.read_at is not None:
        tiles.append(("functions", f"{page.graph.functions:,}"))
        tiles.append(("on certain loops", f"{page.graph.certain:,}"))
    if page.history is not None:
        tiles.append(("ended in 90 days", f"{page.history.ended_count:,}"))
    troubles = count_troubles(page)
    if troubles is not None:
        tiles.append(("failing guard checks", f"{troubles:,}"))
    if page.health is not None and page.health.cost is not None:
        tiles.append(("guard, a month", format_usd(page.health.cost.total_usd)))
    shown = (element("div", element("dt", what), element("dd", value)) for what, value in tiles)
    return element("dl", *shown, class_="tiles")


def _write_gaps(page: Overview) -> Iterator[Markup]:
    """What could not be read, and why."""
    if not page.unread:
        return
    lines = [
        element("li", f"{clean(one.what, 200)} did not answer: {clean(one.why, 300)}")
        for one in page.unread[:_MOST_GAPS]
    ]
    left_out = len(page.unread) - len(lines)
    if left_out > 0:
        lines.append(element("li", f"and {format_count(left_out, 'more part')}"))
    yield element(
        "div",
        element("p", element("b", "This page is incomplete.", class_="amber")),
        element("ul", *lines),
        class_="gaps",
        role="status",
    )
