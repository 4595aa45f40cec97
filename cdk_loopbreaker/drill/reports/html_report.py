"""The report of a drill as one HTML file: no script, nothing loaded, for phone and paper.

What AWS does otherwise than the code assumes stands at the top.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.assumptions.catalogue import ASSUMPTIONS
from cdk_loopbreaker.drill.model import Depth, Outcome, Phase
from cdk_loopbreaker.scanning.html.page import compress_style, write_report, write_table
from cdk_loopbreaker.version import __version__
from functions.domain.notices.markup import element
from functions.domain.notices.text import clean, format_count, format_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdk_loopbreaker.drill.model import Check, DrillReport, Finding, LoopResult
    from functions.domain.notices.markup import Markup

_LONGEST: Final = 1_500
_BAR_WIDTH: Final = 1_000.0
_PHASES: Final = {
    Phase.FIRST_INVOCATION: "first invocation",
    Phase.DATAPOINT: "datapoint visible in CloudWatch",
    Phase.SIGNAL: "signal: a run of the guard names it",
    Phase.VERDICT: "verdict: the guard decided",
    Phase.HELD: "held",
    Phase.ZERO: "reserved concurrency 0",
    Phase.FIRST_REFUSED: "first invocation refused",
    Phase.NOTICE: "notice published",
    Phase.RESTORED: "restored",
}
_NO_PHASE: Final = "not seen"
_OUTCOMES: Final = {
    Outcome.CONTRADICTED: (
        "Contradicted",
        "AWS does otherwise. The code is harmless all the same: the table says why.",
    ),
    Outcome.SETTLED: (
        "Settled",
        "The code leaves it open, and stays right either way. AWS does this.",
    ),
    Outcome.CONFIRMED: ("Confirmed", "AWS does what the code assumes."),
    Outcome.NOT_MEASURED: ("Not measured", "The reason stands beside each."),
}
_DEPTHS: Final = {
    Depth.BELL: "An alarm went into ALARM without a cause.",
    Depth.DRY: "A small loop ran, and the guard decided about it as in observe mode.",
    Depth.LIVE: "Loops ran one after the other. The guard had to stop them.",
}


def format_drill_html(report: DrillReport) -> str:
    """The report as a page."""
    headline = describe_result(report)
    return write_report(
        f"Loopbreaker drill: {headline}",
        element("a", "Skip to the results", href="#results", class_="skip"),
        _write_header(report, headline),
        element(
            "main",
            *_write_contradicted(report.findings),
            _section("results", "What it proves", _write_checks(report.checks)),
            *(_write_loop(one) for one in report.loops),
            *_write_figures(report),
            *_write_assumptions(report.findings),
            id="main",
        ),
        _write_footer(report),
        styles=(_read_style(),),
    )


def describe_result(report: DrillReport) -> str:
    """The result in a few words."""
    failed = sum(one.is_passed is False for one in report.checks)
    if report.is_interrupted:
        return "interrupted"
    return format_count(failed, "check failed", "checks failed") if failed else "passed"


@cache
def _read_style() -> Markup:
    return compress_style((files(__package__) / "drill.css").read_text(encoding="utf-8"))


def _write_header(report: DrillReport, headline: str) -> Markup:
    minutes = (report.ended_at - report.began_at).total_seconds() / 60
    where = (
        f"Account {report.account}, {report.region}",
        format_time(report.began_at),
        f"drill {report.id}",
    )
    stopped = sum(one.is_stopped for one in report.loops)
    figures = [
        ("depth", report.depth.value),
        ("minutes", f"{minutes:.0f}"),
        ("checks passed", f"{sum(one.is_passed is True for one in report.checks)}"),
    ]
    if report.depth is Depth.LIVE:
        figures.append(("loops stopped or held", f"{stopped} of {len(report.loops)}"))
    if report.depth is not Depth.BELL:
        figures.append(("cost, about", format_cents(report.usd)))
    contradicted = sum(one.outcome is Outcome.CONTRADICTED for one in report.findings)
    if report.depth is Depth.LIVE:
        figures.append(("assumptions contradicted", f"{contradicted}"))
    return element(
        "header",
        element("p", "Loopbreaker drill", class_="eyebrow"),
        element("h1", f"The drill {headline}" if headline == "passed" else headline.capitalize()),
        element("p", _DEPTHS[report.depth], class_="lead"),
        element("p", *(element("span", clean(one, 120)) for one in where), class_="where"),
        element(
            "dl",
            *(element("div", element("dt", name), element("dd", value)) for name, value in figures),
        ),
    )


def format_cents(usd: float) -> str:
    """An amount of a few cents at most."""
    return "under $0.01" if usd < 0.01 else f"${usd:.2f}"  # noqa: PLR2004 - a cent


def _section(slug: str, title: str, content: Sequence[str]) -> Markup:
    return element("section", element("h2", title), *content, id=slug)


def _write_checks(checks: Sequence[Check]) -> list[Markup]:
    return [element("div", *map(_write_check, checks), class_="checks")]


def _write_check(check: Check) -> Markup:
    state, kind = {
        True: ("passed", "passed"),
        False: ("failed", "failed"),
        None: ("not seen", "unknown"),
    }[check.is_passed]
    return element(
        "article",
        element("h4", check.title),
        element("p", element("span", state, class_="mark state"), class_="marks"),
        *([element("p", clean(check.text, _LONGEST))] if check.text else []),
        class_=f"card {kind}",
    )


def _write_contradicted(findings: Sequence[Finding]) -> Iterator[Markup]:
    found = [one for one in findings if one.outcome is Outcome.CONTRADICTED]
    if found:
        title = f"AWS does otherwise than assumed ({len(found)})"
        yield _section("contradicted", title, [_write_contradiction(one) for one in found])


def _write_contradiction(finding: Finding) -> Markup:
    assumption = next(one for one in ASSUMPTIONS if one.id == finding.id)
    return element(
        "article",
        element("h4", f"{finding.id}: {assumption.claim}"),
        element("p", element("span", "contradicted", class_="mark state"), class_="marks"),
        element("p", f"Measured: {clean(finding.text, _LONGEST)}."),
        element("p", f"What it means: {assumption.if_wrong}"),
        class_="card contradicted",
    )


def _write_loop(loop: LoopResult) -> Markup:
    longest = max(
        ((at - loop.began_at).total_seconds() for at in loop.moments.values()), default=0.0
    )
    if loop.lost is None:
        lost = "not measured: nothing was restored"
    elif loop.lost:
        lost = f"{loop.lost} of {format_count(loop.tokens, 'event')} did not come back"
    else:
        lost = f"nothing: {format_count(loop.tokens, 'event')} came back after the restore"
    rows = (
        ("the guard", loop.ending),
        ("invocations", f"{loop.invocations:,}"),
        ("lost", lost),
        ("cost, about", format_cents(loop.usd)),
        ("settings", "as before" if loop.is_restored else "NOT as before"),
        ("notices", "; ".join(loop.subjects) or "none arrived"),
        *(("also", one) for one in loop.remarks),
    )
    return _section(
        f"loop-{loop.kind}",
        f"Loop through {loop.kind.words}",
        [
            element("p", element("code", loop.function), class_="small"),
            element(
                "div",
                element("ol", *_write_phases(loop, longest), class_="phases"),
                element(
                    "dl",
                    *(
                        element("div", element("dt", name), element("dd", clean(value, _LONGEST)))
                        for name, value in rows
                    ),
                    class_="terms",
                ),
                class_="trip",
            ),
        ],
    )


def _write_phases(loop: LoopResult, longest: float) -> Iterator[Markup]:
    for phase, words in _PHASES.items():
        at = loop.moments.get(phase)
        seconds = None if at is None else (at - loop.began_at).total_seconds()
        said = _NO_PHASE if seconds is None else format_seconds(seconds)
        yield element("li", element("span", words), element("b", said))
        width = 0.0 if not seconds or not longest else _BAR_WIDTH * seconds / longest
        yield element(
            "li",
            element(
                "span",
                element(
                    "svg",
                    element("rect", width=width, height=6.0),
                    viewBox=f"0 0 {_BAR_WIDTH:.0f} 6",
                    preserveAspectRatio="none",
                    aria_hidden="true",
                ),
                class_="bar",
            ),
        )


def format_seconds(seconds: float) -> str:
    """A duration since the beginning of a loop."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _write_figures(report: DrillReport) -> Iterator[Markup]:
    if not report.figures:
        return
    rows = [
        element("tr", element("th", one.title, scope="row"), element("td", clean(one.text, 500)))
        for one in report.figures
    ]
    table = element("table", element("tbody", *rows))
    said = (
        f"Seen by asking again each {report.resolution_seconds:.0f} s, so up to that much too late."
    )
    yield _section("figures", "Also measured", [element("p", said, class_="small"), table])


def _write_assumptions(findings: Sequence[Finding]) -> Iterator[Markup]:
    for outcome, (title, words) in _OUTCOMES.items():
        found = [one for one in findings if one.outcome is outcome]
        if not found:
            continue
        table = write_table(
            ("Id", "Assumption", "Measured"), map(_write_finding, found), class_="assumptions"
        )
        content = [element("p", words, class_="small"), table]
        if outcome is Outcome.NOT_MEASURED:
            heading = element("summary", element("h4", f"{len(found)} assumptions"))
            content = [element("details", heading, *content, class_="card")]
        yield _section(
            f"assumptions-{outcome.value.replace(' ', '-')}",
            f"Assumptions about AWS: {title.lower()} ({len(found)})",
            content,
        )


def _write_finding(finding: Finding) -> Markup:
    assumption = next(one for one in ASSUMPTIONS if one.id == finding.id)
    return element(
        "tr",
        element("th", finding.id, scope="row"),
        element("td", assumption.claim),
        element("td", clean(finding.text, _LONGEST)),
    )


def _write_footer(report: DrillReport) -> Markup:
    guard = ", ".join(f"{name} {value}" for name, value in report.guard.items())
    return element(
        "footer",
        element("h2", "Method and limits"),
        element(
            "p",
            "Each phase is when the drill saw it first. Its functions are capped at two executions"
            " at a time, three for EventBridge, so that a loop of yours may be found sooner."
            " The cost is that of the rounds at list prices, without the drill's own calls.",
        ),
        element("p", f"The guard was deployed with: {clean(guard, 300)}."),
        element(
            "p",
            f"The most that this drill could cost was {format_cents(report.most_usd)}."
            f" Loopbreaker {__version__}, {format_time(report.ended_at)}.",
            class_="small",
        ),
    )
