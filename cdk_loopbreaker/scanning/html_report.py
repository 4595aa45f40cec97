"""The report of a scan as one HTML file: no script, nothing loaded, readable on paper.

What does not fit into `MOST_BYTES` is counted in the page and stands in the JSON report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.scanning.html.budget import MOST_ACCOUNTS, share
from cdk_loopbreaker.scanning.html.method import write_method
from cdk_loopbreaker.scanning.html.page import write_report, write_table
from cdk_loopbreaker.scanning.html.sections import explain_left_out, list_sections
from cdk_loopbreaker.scanning.html.summary import explain_headline, summarize, write_headline
from cdk_loopbreaker.version import __version__
from functions.domain.notices.markup import element
from functions.domain.notices.text import clean, format_count, format_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdk_loopbreaker.scanning.html.sections import Section
    from cdk_loopbreaker.scanning.html.summary import Summary
    from cdk_loopbreaker.scanning.model import ScannedAccount, ScanResult
    from functions.domain.notices.markup import Markup

_OVERVIEW_BYTES: Final = 12_000
_UNUSED_BYTES: Final = 8_000
_MOST_NAMED: Final = 3


def format_html(result: ScanResult) -> str:
    """The report, shorter than 500,000 bytes in UTF-8."""
    accounts = _choose_accounts(result.accounts)
    sections = list_sections(accounts)
    summary = summarize(result.accounts)
    headline = write_headline(summary)
    return write_report(
        f"Loopbreaker scan: {headline}",
        element("a", "Skip to the findings", href="#findings", class_="skip"),
        _write_header(result, summary, headline),
        _write_contents(result, accounts, sections),
        element(
            "main",
            *(
                _write_account(number, one, own)
                for number, (one, own) in enumerate(zip(accounts, sections, strict=True), 1)
            ),
            *explain_left_out(len(result.accounts) - len(accounts), "account"),
            *_write_unused(result),
            id="findings",
        ),
        _write_footer(result),
    )


def _choose_accounts(accounts: Sequence[ScannedAccount]) -> tuple[ScannedAccount, ...]:
    """Those that have a section: of very many the ones with the most loops, in their order."""
    if len(accounts) <= MOST_ACCOUNTS:
        return tuple(accounts)

    def rank(index: int) -> tuple[int, int, int]:
        own = summarize((accounts[index],))
        return (-own.certain, -own.possible, index)

    chosen = sorted(sorted(range(len(accounts)), key=rank)[:MOST_ACCOUNTS])
    return tuple(accounts[index] for index in chosen)


def _write_header(result: ScanResult, summary: Summary, headline: str) -> Markup:
    places = [_name_account(one) for one in result.accounts[:_MOST_NAMED]]
    if len(result.accounts) > _MOST_NAMED:
        places.append(f"and {len(result.accounts) - _MOST_NAMED:,} more")
    where = [clean(result.alias, 80), *places, format_time(result.at)]
    return element(
        "header",
        element("p", "Loopbreaker scan", class_="eyebrow"),
        element("h1", headline),
        element("p", explain_headline(summary), class_="lead"),
        element("p", *(element("span", one) for one in where if one), class_="where"),
        element("dl", *_list_figures(summary)),
    )


def _list_figures(summary: Summary) -> Iterator[Markup]:
    figures = (
        ("functions", summary.functions),
        ("certain loops", summary.certain),
        ("possible loops", summary.possible),
        ("accepted", summary.accepted),
        ("other findings", summary.findings),
        ("functions not ruled out", summary.undecided),
    )
    for name, count in figures:
        yield element("div", element("dt", name), element("dd", f"{count:,}"))


def _write_contents(
    result: ScanResult,
    accounts: Sequence[ScannedAccount],
    sections: Sequence[Sequence[Section]],
) -> Markup:
    if len(result.accounts) == 1:
        content = [element("ul", *_list_links(1, sections[0]))]
    else:
        content = _write_overview(result, accounts)
    return element("nav", element("h2", "Contents"), *content, aria_label="Contents")


def _list_links(number: int, sections: Sequence[Section]) -> Iterator[Markup]:
    for one in sections:
        yield element("li", element("a", one.title, href=f"#a{number}-{one.slug}"))
    yield element("li", element("a", "Method and limits", href="#method"))


def _write_overview(result: ScanResult, accounts: Sequence[ScannedAccount]) -> list[Markup]:
    """A table of the accounts, with links to those that have a section."""
    numbers = {id(one): number for number, one in enumerate(accounts, 1)}

    def write(scanned: ScannedAccount) -> Markup:
        own = summarize((scanned,))
        number = numbers.get(id(scanned))
        name = _name_account(scanned)
        link = element("a", name, href=f"#a{number}") if number else name
        counts = (own.certain, own.possible, own.findings)
        return element(
            "tr",
            element("th", link, scope="row"),
            *(element("td", f"{count:,}") for count in counts),
        )

    rows = share((result.accounts,), write, _OVERVIEW_BYTES).written[0]
    columns = ("Account, Region", "Certain", "Possible", "Other")
    table = write_table(columns, rows)
    left_out = explain_left_out(len(result.accounts) - len(rows), "account")
    method = element("p", element("a", "Method and limits", href="#method"))
    return [table, *left_out, method]


def _write_account(number: int, scanned: ScannedAccount, sections: Sequence[Section]) -> Markup:
    return element(
        "section",
        element("h2", _name_account(scanned)),
        *_list_remarks(scanned),
        *(
            element(
                "section",
                element("h3", one.title),
                *one.content,
                id=f"a{number}-{one.slug}",
                class_=one.slug,
            )
            for one in sections
        ),
        id=f"a{number}",
    )


def _write_unused(result: ScanResult) -> Iterator[Markup]:
    """The acceptances that have ended or accept nothing: they belong to no account."""

    def write(words: str) -> Markup:
        return element("li", f"{clean(words, 400)}.")

    if result.unused:
        shown = share((result.unused,), write, _UNUSED_BYTES).written[0]
        yield element(
            "section",
            element("h2", "Acceptances to look at"),
            element("ul", *shown),
            *explain_left_out(len(result.unused) - len(shown), "acceptance"),
            id="acceptances",
        )


def _list_remarks(scanned: ScannedAccount) -> Iterator[Markup]:
    if not scanned.is_complete:
        yield element(
            "p", "The reading was stopped before its end: loops may be missing.", class_="cut"
        )
    own = summarize((scanned,))
    if not own.certain and not own.possible:
        checked = format_count(own.functions, "function")
        yield element("p", f"No loop was found that nobody has accepted, in {checked}.")


def _name_account(scanned: ScannedAccount) -> str:
    account, region = clean(scanned.account.account, 40), clean(scanned.account.region, 40)
    return f"Account {account}, {region}"


def _write_footer(result: ScanResult) -> Markup:
    return element(
        "footer",
        element("h2", "Method and limits", id="method"),
        *write_method(),
        element("p", f"Loopbreaker {__version__}, {format_time(result.at)}.", class_="small"),
    )
