"""What is open now: cards for what matters most, a line for each of the others."""

from collections.abc import Iterator
from typing import Final

from functions.domain.graph.model import Certainty
from functions.domain.notices.graph.svg import draw_outline_svg
from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import (
    clean,
    format_count,
    format_duration,
    format_least_usd,
    format_number,
    format_time,
    format_time_with_age,
    format_usd,
)
from functions.domain.page.actions import (
    Buttons,
    write_restore,
    write_restore_of_tagged,
    write_stop,
)
from functions.domain.page.overview import (
    FindingsPart,
    GraphPart,
    IncidentsPart,
    KnownLoop,
    Overview,
    ShownIncident,
)
from functions.domain.page.traffic_chart import draw_traffic
from functions.domain.requests.summary import OpenIncident

_LONGEST_NAME: Final = 160
_LONGEST_TEXT: Final = 600
_LONGEST_SUMMARY: Final = 300
_MANY_TIMES: Final = 2
_NOT_STOPPED: Final = "AWS does not stop it"


def write_incidents(page: Overview, buttons: Buttons | None) -> Iterator[Markup]:
    """What is open, the findings, and the loops of the configuration."""
    if page.incidents is not None:
        yield from _write_open(page, page.incidents, buttons)
    if page.findings is not None:
        yield from _write_findings(page.findings)
    if page.graph is not None:
        yield from _write_loops(page.graph)


def describe_state(page: Overview) -> tuple[str, str]:
    """The page in one sentence, and which colour it has."""
    part = page.incidents
    if part is None:
        return "What is held now could not be read", "amber"
    reported = part.incidents_open - (part.held - part.tagged_count)
    if part.held:
        more = f", {format_count(reported, 'more is', 'more are')} reported" if reported else ""
        return f"Loopbreaker holds {format_count(part.held, 'function')}{more}", "alarm"
    if reported:
        return f"{format_count(reported, 'function is', 'functions are')} reported", "amber"
    if part.unreadable_count:
        return "A record cannot be read: its function may be held", "amber"
    return "No function is held", "calm"


def _write_open(page: Overview, part: IncidentsPart, buttons: Buttons | None) -> Iterator[Markup]:
    for shown in part.shown:
        yield _write_card(shown, page, buttons)
    if part.others:
        yield element("h2", "Further open incidents")
        yield element("ol", *(_write_row(one, page, buttons) for one in part.others), class_="rows")
    left_out = part.incidents_open - len(part.shown) - len(part.others)
    if left_out > 0:
        yield element(
            "p",
            f"{format_count(left_out, 'more open incident')} not shown here: loopbreaker status"
            " lists all.",
        )
    if part.tagged:
        yield element("h2", "Stopped while the incident table could not be reached")
        yield element("p", "What is known of these is in a tag of the function.", class_="soft")
        yield element(
            "ol",
            *(
                element(
                    "li",
                    element("code", clean(name, _LONGEST_NAME), class_="name"),
                    write_restore_of_tagged(name, page.region, buttons),
                )
                for name in part.tagged
            ),
            class_="rows",
        )
        yield from _count_left_out(part.tagged_count - len(part.tagged), "more function")
    if part.unreadable:
        yield element("h2", "Records that cannot be read")
        names = ", ".join(clean(one, _LONGEST_NAME) for one in part.unreadable)
        yield element("p", f"These functions may be held: {names}.")
        yield from _count_left_out(part.unreadable_count - len(part.unreadable), "more function")


def _count_left_out(count: int, one: str, many: str = "") -> Iterator[Markup]:
    if count > 0:
        yield element("p", f"And {format_count(count, one, many)}.", class_="soft")


def _write_card(shown: ShownIncident, page: Overview, buttons: Buttons | None) -> Markup:
    one = shown.incident
    main: list[Markup] = []
    if shown.traffic is not None:
        main += draw_traffic(shown.traffic, one.normal_per_minute, shown.moments)
    main += _write_texts("Why", one.why)
    main += _write_texts("Waiting events", (one.expiry,) if one.expiry else ())
    main += _write_texts("A restore puts back", one.puts_back if one.is_restorable else ())
    main += _write_texts("AWS refused", one.refusals)
    columns = [element("div", *main, class_="main")]
    if shown.outline is not None:
        said = [*_describe_closing(shown)]
        columns.append(
            element(
                "figure",
                element("h4", "Its loop, by the configuration"),
                draw_outline_svg(shown.outline),
                *said,
            )
        )
    return element(
        "article",
        _write_title(one),
        element("p", _describe_since(one, page), class_="soft"),
        element("dl", *_list_figures(one, page), class_="figures"),
        *([element("p", one.restriction)] if one.restriction else []),
        *_write_actions(one, page, buttons),
        element("div", *columns, class_="columns"),
        class_=f"card {'held' if one.is_held else 'open'}",
    )


def _write_title(one: OpenIncident) -> Markup:
    return element(
        "div",
        element("h3", element("code", clean(one.function, _LONGEST_NAME))),
        element(
            "span", clean(one.standing, 80), class_=f"state {'alarm' if one.is_held else 'amber'}"
        ),
        class_="title",
    )


def _describe_since(one: OpenIncident, page: Overview) -> str:
    since = one.since or one.opened_at
    said = f"Since {format_time_with_age(since, page.at)}"
    if one.ends_by is not None:
        said += f". It ends by itself at about {format_time(one.ends_by)} at the latest"
    return f"{said}."


def _list_figures(one: OpenIncident, page: Overview) -> Iterator[Markup]:
    normal = one.normal_per_minute
    if one.per_minute is not None:
        times = one.per_minute / normal if normal else 0
        more = f", {times:,.0f} times its normal" if times >= _MANY_TIMES else ""
        yield _figure(f"invocations a minute{more}", format_number(one.per_minute))
    if normal is not None:
        yield _figure("normally", format_number(normal))
    if one.usd_so_far is not None:
        yield _figure("Lambda's cost until it was decided", format_least_usd(one.usd_so_far))
    if one.usd_per_hour is not None:
        yield _figure("an hour at that rate", format_usd(one.usd_per_hour))
    if one.expires_at is not None:
        left = one.expires_at - page.at
        said = f"in {format_duration(left)}" if left.total_seconds() > 0 else "now"
        yield _figure("the first waiting events are lost", said)


def _figure(what: str, value: str) -> Markup:
    return element("div", element("dt", what), element("dd", value))


def _write_texts(title: str, texts: tuple[str, ...]) -> Iterator[Markup]:
    shown = [clean(one, _LONGEST_TEXT) for one in texts if one]
    if not shown:
        return
    yield element("h4", title)
    if len(shown) == 1:
        yield element("p", shown[0])
    else:
        yield element("ul", *(element("li", one) for one in shown))


def _describe_closing(shown: ShownIncident) -> Iterator[Markup]:
    for one in shown.closed_by:
        if one:
            yield element("p", clean(one, _LONGEST_SUMMARY), class_="soft")
    if shown.broken_by:
        yield element("h4", "What breaks it")
        yield element("p", clean(shown.broken_by, _LONGEST_SUMMARY))


def _write_actions(one: OpenIncident, page: Overview, buttons: Buttons | None) -> Iterator[Markup]:
    if one.is_restorable:
        yield write_restore(one, page.region, buttons)
    else:
        yield write_stop(one, page.region, buttons)


def _write_row(one: OpenIncident, page: Overview, buttons: Buttons | None) -> Markup:
    since = one.since or one.opened_at
    return element(
        "li",
        element("code", clean(one.function, _LONGEST_NAME), class_="name"),
        element(
            "span",
            element("b", clean(one.standing, 80), class_="alarm" if one.is_held else "amber"),
            " ",
            clean(one.why[0], _LONGEST_SUMMARY) if one.why else "",
            class_="what",
        ),
        element("span", f"since {format_time(since)}", class_="when"),
        *_write_actions(one, page, buttons),
    )


def _write_findings(part: FindingsPart) -> Iterator[Markup]:
    if part.findings_open:
        yield element("h2", f"{format_count(part.findings_open, 'other finding')}")
        yield element(
            "ol",
            *(
                element(
                    "li",
                    element("code", clean(one.function, _LONGEST_NAME), class_="name"),
                    element(
                        "span",
                        element("b", clean(one.title, _LONGEST_SUMMARY)),
                        f" {clean(one.summary, _LONGEST_SUMMARY)}",
                        class_="what",
                    ),
                    element("span", f"since {format_time(one.first_seen)}", class_="when"),
                )
                for one in part.findings
            ),
            class_="rows",
        )
        left_out = part.findings_open - len(part.findings)
        if left_out > 0:
            said = f"And {left_out:,} more: the weekly mail lists them."
            yield element("p", said, class_="soft")
    if part.remedies_count:
        yield element("h2", f"{format_count(part.remedies_count, 'remedy', 'remedies')} in force")
        yield element(
            "ol",
            *(
                element(
                    "li",
                    element("code", clean(one.function, _LONGEST_NAME), class_="name"),
                    element("span", clean(one.title, _LONGEST_SUMMARY), class_="what"),
                    element("span", f"since {format_time(one.since)}", class_="when"),
                )
                for one in part.remedies
            ),
            class_="rows",
        )
        yield from _count_left_out(
            part.remedies_count - len(part.remedies), "further remedy", "further remedies"
        )


def _write_loops(part: GraphPart) -> Iterator[Markup]:
    if not part.loops:
        return
    yield element("h2", "Loops in the configuration")
    certain = format_count(part.certain, "function is", "functions are")
    possible = format_count(part.possible, "more may be", "more may be")
    yield element(
        "p",
        f"{certain} on a certain loop that nobody accepted; {possible} on one. They need not run.",
        class_="soft",
    )
    for one in part.loops:
        yield _write_loop(one)


def _write_loop(one: KnownLoop) -> Markup:
    stops = "AWS may stop it after about 16 rounds" if one.is_stopped_by_aws else _NOT_STOPPED
    is_certain = all(step.certainty == Certainty.CERTAIN for step in one.outline.steps)
    words = [element("p", f"{stops}.")]
    if one.broken_by:
        words.append(element("h4", "What breaks it"))
        words.append(element("p", clean(one.broken_by, _LONGEST_SUMMARY)))
    return element(
        "details",
        element(
            "summary",
            element("code", clean(one.function, _LONGEST_NAME)),
            " can invoke itself" if is_certain else " may be able to invoke itself",
            f" in {format_count(one.outline.length, 'step')}",
        ),
        element(
            "div",
            element("figure", draw_outline_svg(one.outline)),
            element("div", *words, class_="main"),
            class_="columns",
        ),
        class_="card loop",
    )
