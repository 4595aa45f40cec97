"""The report is one page that says everything, loads nothing, and takes names for names."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_loopbreaker.checking.finding import Acceptance
from cdk_loopbreaker.scanning.html.budget import MOST_BYTES
from cdk_loopbreaker.scanning.html_report import format_html
from cdk_loopbreaker.scanning.model import ScanResult
from functions.domain.account.inventory import Area, Gap
from functions.domain.graph.model import Doubt
from tests.examples import examples
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.cdk_loopbreaker.scanning.results import (
    AT,
    scan_corpus,
    scan_large,
    scan_shop,
)

if TYPE_CHECKING:
    from cdk_loopbreaker.scanning.model import ScannedAccount

_ELEMENTS: Final = {
    *("html", "head", "meta", "link", "title", "style", "body", "header", "nav", "main", "footer"),
    *("section", "article", "div", "h1", "h2", "h3", "h4", "h5", "p", "span", "a", "b", "em"),
    *("code", "ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "figure"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "desc", "g", "path", "rect", "text", "tspan"),
}
_ATTRIBUTES: Final = {
    *("lang", "charset", "http-equiv", "content", "name", "rel", "href", "id", "class", "scope"),
    *("aria-label", "role", "xmlns", "viewbox", "width", "height", "x", "y", "rx", "d"),
    *("transform", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray"),
    *("font-family", "font-size", "font-style", "font-weight"),
}
_HOSTILE: Final = "\"'><script>alert(1)</script><!--&lt;\u202e\x00]]>{}</style></svg>"


@pytest.fixture(name="shop", scope="module")
def make_shop() -> Page:
    """The page of an account with something in every section."""
    return Page(format_html(scan_shop()))


def test_the_most_important_comes_first(shop: Page) -> None:
    """The first heading counts the loops that AWS will not stop."""
    assert "2 loops that AWS will not stop" in shop.text
    first = next(tag for tag, _ in shop.elements if re.fullmatch("h[1-6]", tag))
    assert first == "h1"


def test_each_loop_is_drawn_and_explained(shop: Page) -> None:
    """A loop has its drawing, why each step is one, what breaks it, and what AWS does about it."""
    assert shop.count("svg") == 6
    assert shop.count("article", "certain") == 2
    assert shop.count("details", "possible") == 2
    assert "table shop-orders → shop-enrich-order" in shop.text
    assert "every event passes." in shop.text
    assert "or disable it." in shop.text
    assert "This one goes through table shop-orders." in shop.text
    assert "RecursiveLoop: shop-enrich-order Terminate." in shop.text
    assert "a008dc25cb162776" in shop.text


def test_an_accepted_loop_is_apart(shop: Page) -> None:
    """It is folded, with the reason and who gave it."""
    assert shop.count("details", "accepted") == 1
    assert "three attempts at most, counted in the message (tag of function" in shop.text


def test_what_is_ruled_out_says_by_what(shop: Page) -> None:
    """A loop that is none is drawn too, with what rules it out."""
    assert shop.count("details", "ruled_out") == 1
    assert "shop-resize does not invoke itself: the filter excludes it" in shop.text
    assert "What rules it out" in shop.text


def test_other_findings(shop: Page) -> None:
    """Findings without a loop stand under their rules, with what mends them."""
    assert "LB021: The role of a function may not write its logs (1)" in shop.text
    assert "To mend it: Attach the managed policy" in shop.text


def test_protection(shop: Page) -> None:
    """How many functions AWS protects, and which are set to Allow."""
    assert "RecursiveLoop is Terminate for 6 functions, Allow for 2." in shop.text
    assert "q8ZtKw2LxVnE, on a certain loop" in shop.text
    assert shop.count("tr") == 9


def test_what_could_not_be_seen(shop: Page) -> None:
    """Gaps with the right that is missing, and functions that are not ruled out with the reason."""
    assert "The scan lacked these rights: pipes:ListPipes." in shop.text
    assert "1 function not ruled out: something on the way is called by a URL" in shop.text


def test_acceptances_without_effect() -> None:
    """Many of them do not make the page long."""
    unused = tuple(f"accepted.yaml: entry {one} <b> accepts no finding" for one in range(1_000))
    page = format_html(replace(scan_shop(), unused=unused))

    assert "<li>accepted.yaml: entry 0 &lt;b&gt; accepts no finding.</li>" in page
    assert "more acceptances" in page
    assert "entry 999" not in page


def test_links_lead_somewhere(shop: Page) -> None:
    """Every link leads to a part of the page, and every part has an id of its own."""
    ids = shop.values("id")

    assert len(ids) == len(set(ids))
    assert {f"#{one}" for one in ids} >= set(shop.values("href")) - {"data:,"}


@pytest.mark.parametrize("accounts", [(), ("dynamodb_same_table",), ("http_api", "sqs_same_queue")])
def test_headings_are_in_order(accounts: tuple[str, ...]) -> None:
    """No level of headings is left out, and there is one first heading."""
    page = Page(format_html(scan_corpus(*accounts)))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]

    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_landmarks_and_language(shop: Page) -> None:
    """Header, contents, main part and footer are what they are, in English."""
    tags = [tag for tag, _ in shop.elements]

    assert {tags.count(one) for one in ("header", "nav", "main", "footer")} == {1}
    assert shop.elements[0] == ("html", {"lang": "en"})


def test_nothing_is_loaded_and_nothing_runs(shop: Page) -> None:
    """The policy forbids it, and the page asks for nothing."""
    policy = next(one for one in shop.values("content") if "default-src" in one)

    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert all(one.startswith(("#", "data:,")) for one in shop.values("href"))
    style = next(one for one in shop.texts if "--ink" in one)
    assert "url(" not in style
    assert "@import" not in style


def test_an_account_without_a_loop() -> None:
    """A page about nothing says so, and what was read."""
    page = Page(format_html(scan_corpus("s3_prefixes_apart")))

    assert "No loop was found that nobody has accepted, in 1 function." in page.text
    assert "Everything that the scan asks for was read." in page.text


def test_a_reading_that_was_stopped() -> None:
    """It does not say that there is no loop."""
    result = scan_corpus("s3_prefixes_apart")
    page = Page(
        format_html(replace(result, accounts=(replace(result.accounts[0], is_complete=False),)))
    )

    assert "No loop in what could be read" in page.text
    assert "The reading was stopped before its end: loops may be missing." in page.text


def test_several_accounts() -> None:
    """A table leads to each of them."""
    page = Page(format_html(scan_corpus("dynamodb_same_table", "sqs_same_queue")))

    assert {"#a1", "#a2"} <= set(page.values("href"))
    assert {"a1", "a2", "a1-certain", "a2-certain"} <= set(page.values("id"))


@pytest.mark.thorough
def test_a_large_account() -> None:
    """10,000 functions and 500 loops: under 500 KB, and what is left out is counted."""
    document = format_html(scan_large())
    page = Page(document)

    assert 400_000 < len(document.encode()) < MOST_BYTES == 500_000
    assert "500 loops that AWS will not stop" in page.text
    assert page.count("article", "certain") >= 30
    assert re.search(r"4\d\d more loops in short", page.text)
    assert re.search(r"3,\d\d\d more findings left out of this page", page.text)
    assert re.search(r"The first \d+ of 10,000 functions", page.text)


@pytest.mark.thorough
def test_many_large_accounts_with_hostile_names() -> None:
    """Text that grows when it is escaped, 60 times: under 500 KB."""
    large = scan_large(100, 30, "&" * 500).accounts[0]
    account = replace(large.account, account="&" * 500, region="&" * 500)
    many = ScanResult(accounts=(replace(large, account=account),) * 60, at=AT, alias="&" * 500)
    document = format_html(many)

    assert len(document.encode()) < MOST_BYTES
    assert "30 more accounts left out of this page" in Page(document).text


def spoil(scanned: ScannedAccount, text: str) -> ScannedAccount:
    """The account with a text from outside in every place that one can be in."""
    account = replace(
        scanned.account,
        account=text,
        region=text,
        functions=tuple(
            replace(one, name=text, recursive_loop=text) for one in scanned.account.functions
        ),
        gaps=(Gap(area=Area.PIPES, words=text, resource=text, action=text),),
    )
    near = tuple(
        replace(
            loop,
            edges=tuple(
                replace(
                    edge,
                    id=text,
                    label=text,
                    actions=(text, text),
                    policy=text,
                    sid=text,
                    detail=text,
                    source=replace(edge.source, name=text, arn=text),
                    target=replace(edge.target, name=text, arn=text),
                )
                for edge in loop.edges
            ),
            allowing=(text,),
            unread=(text,),
            cuts=tuple(replace(cut, words=(text, text)) for cut in loop.cuts),
        )
        for loop in (*scanned.graph.loops, *scanned.near_loops)
    )
    findings = tuple(
        replace(
            one,
            account=text,
            region=text,
            functions=(text,),
            summary=text,
            fingerprint=text,
            evidence=(text,),
            advice=(text,),
            loop=near[0] if one.loop else None,
            accepted=one.accepted and Acceptance(reason=text, source=text),
        )
        for one in scanned.findings
    )
    graph = replace(
        scanned.graph,
        account=text,
        region=text,
        loops=near,
        gaps=(text,),
        doubts={text: (Doubt.HTTP,)},
    )
    return replace(scanned, account=account, graph=graph, near_loops=near, findings=findings)


_SHOP: Final = scan_shop()


@settings(max_examples=examples(25))
@given(st.text(max_size=120) | st.just(_HOSTILE) | st.just(""))
def test_any_name_stays_a_name(text: str) -> None:
    """Elements and attributes are those that the page writes, and no value comes from outside."""
    result = ScanResult(accounts=(spoil(_SHOP.accounts[0], text),), at=AT, alias=text)
    page = Page(format_html(result))

    assert {tag for tag, _ in page.elements} <= _ELEMENTS
    assert {name for _, values in page.elements for name in values} <= _ATTRIBUTES
    assert page.count("svg") >= 6
    for name in ("id", "class", "href"):
        assert all(re.fullmatch(r"[#a-z0-9_: ,-]+", one) for one in page.values(name))
