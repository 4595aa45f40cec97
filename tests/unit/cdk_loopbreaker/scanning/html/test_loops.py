"""A loop says the same as a card and as a line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.scanning.html.loops import (
    LoopItem,
    write_folded_card,
    write_line,
    write_open_card,
)
from functions.domain.graph.model import Certainty
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.cdk_loopbreaker.scanning.results import make_loop, scan_corpus, scan_shop

if TYPE_CHECKING:
    from functions.domain.graph.model import Loop


def find_item(account: str) -> LoopItem:
    """The first loop of an account of the corpus."""
    scanned = scan_corpus(account).accounts[0]
    finding = next(one for one in scanned.findings if one.loop is not None)
    assert finding.loop is not None
    settings = {one.name: one.recursive_loop for one in scanned.account.functions}
    return LoopItem(loop=finding.loop, region="eu-west-1", settings=settings, finding=finding)


def make_long(loop: Loop, times: int) -> Loop:
    """The loop with its steps so many times."""
    return replace(loop, edges=loop.edges * times)


def test_the_title_names_the_functions_on_the_way() -> None:
    """A loop of several functions is a sentence about the first."""
    text = Page(write_open_card(find_item("lambda_ping_pong"))).text

    assert text.startswith("pong can invoke itself by way of ping")


def test_what_is_possible_says_why_it_is_not_certain() -> None:
    """The title of a folded card has the reason."""
    page = Page(write_folded_card(find_item("dynamodb_wildcard")))

    assert page.text.startswith("enrich may be able to invoke itself: only a wildcard allows it")
    assert page.count("em") == 1


def test_a_loop_without_a_known_cut() -> None:
    """Any step breaks a loop of which nothing better is known."""
    item = find_item("dynamodb_same_table")
    page = Page(write_open_card(replace(item, loop=replace(item.loop, cuts=()))))

    assert "Any of the steps, taken away." in page.text


def test_a_cut_says_how_much_it_breaks() -> None:
    """A change that breaks more loops than this one is worth more."""
    text = Page(write_open_card(find_item("two_loops_one_cut"))).text

    assert "This breaks 2 of the 2 loops that hang together here." in text


def test_a_setting_that_was_not_read() -> None:
    """It is not taken for AWS's default."""
    text = Page(write_open_card(find_item("sqs_same_queue"))).text

    assert "RecursiveLoop: work not read." in text
    assert "AWS may stop it after about 16 rounds" in text


def test_a_long_loop() -> None:
    """Of many steps the first are explained, and the others counted."""
    loop = make_long(make_loop(1), 20)
    page = Page(write_open_card(LoopItem(loop=loop, region="", settings={})))

    assert "And 76 more steps: the JSON report has all." in page.text
    assert "84 more steps" in page.text


@pytest.mark.parametrize(
    ("account", "line"),
    [
        (
            "dynamodb_same_table",
            "enrich: table orders → enrich → table orders. LB001, AWS does not stop it.",
        ),
        ("dynamodb_wildcard", "enrich: table orders → enrich → table orders. LB010, AWS does not"),
    ],
)
def test_a_line_has_the_way_and_the_rule(account: str, line: str) -> None:
    """A loop in short says where it leads and what AWS does about it."""
    assert Page(write_line(find_item(account))).text.startswith(line)


def test_the_line_of_a_long_loop() -> None:
    """The first steps are named, and the others counted."""
    loop = make_long(make_loop(1, certainty=Certainty.POSSIBLE), 2)
    text = Page(write_line(LoopItem(loop=loop, region="", settings={}))).text

    assert " → 5 more → queue " in text


def test_the_line_of_what_is_ruled_out() -> None:
    """It says what rules it out."""
    near = scan_shop().accounts[0].near_loops[0]
    text = Page(write_line(LoopItem(loop=near, region="", settings={}))).text

    assert text == (
        "shop-resize: bucket shop-uploads → shop-resize → bucket shop-uploads;"
        " the filter excludes it (prefix original/)."
    )
