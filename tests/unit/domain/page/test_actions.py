"""The buttons: each sends exactly what the guard reads, once for each rendering."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.page.actions import (
    VALID_FOR,
    make_request_id,
    write_restore,
    write_restore_of_tagged,
    write_stop,
)
from functions.domain.page.document import write_widget
from functions.domain.page.overview import View
from functions.domain.page.style import Theme
from functions.domain.requests.request import RestoreRequest, StopRequest, parse_request
from functions.domain.requests.summary import summarize_open
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.domain.notices.samples.account import NOW
from tests.unit.domain.notices.samples.stops import contained
from tests.unit.domain.page.pages import ACCOUNT, BUTTONS, HOSTILE, PAGES, REGION

ACTION: Final = re.compile(r"<cwdb-action ([^>]*)>([^<]*)</cwdb-action>")
ONE: Final = summarize_open(contained(hours=2, prior=5), NOW)


def find_payloads(html: str) -> list[str]:
    """The payloads as they stand in the page, without any unescaping."""
    return [text for _, text in ACTION.findall(html)]


@pytest.mark.parametrize("name", PAGES)
def test_every_payload_on_a_page_is_a_request(name: str) -> None:
    """As text and as markup: nothing in it needs escaping."""
    html = write_widget(PAGES[name](), View.INCIDENTS, Theme.LIGHT, BUTTONS)
    ids = set()

    for text in find_payloads(html):
        assert "&" not in text
        request = parse_request(json.loads(text))
        assert isinstance(request, RestoreRequest | StopRequest)
        assert request.not_after == BUTTONS.at + VALID_FOR
        ids.add(request.id)
    assert len(ids) == len(find_payloads(html))
    if name in {"busy", "huge"}:
        assert ids


def test_it_restores_the_function_of_the_card() -> None:
    """By name, through `restore`, after a question that says what comes back."""
    html = write_restore(ONE, REGION, BUTTONS)
    page = Page(f"<div>{html}</div>")
    (values,) = (values for tag, values in page.elements if tag == "cwdb-action")

    assert parse_request(json.loads(find_payloads(html)[0])) == RestoreRequest(
        id=make_request_id(BUTTONS.rendering, "restore", ONE.id),
        functions=("orders-enricher",),
        not_after=NOW + timedelta(minutes=15),
    )
    assert values["endpoint"] == (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Loopbreaker-restore")
    assert values["display"] == "popup"
    question = values["confirmation"] or ""
    assert question.startswith("Restore orders-enricher? It can run again at once.")
    assert "Reserved concurrency: 5 reserved" in question


def test_it_stops_the_function_that_is_reported() -> None:
    """Through `contain`, after a question that says what happens."""
    html = write_stop(ONE, REGION, BUTTONS)

    assert isinstance(parse_request(json.loads(find_payloads(html)[0])), StopRequest)
    assert ":function:Loopbreaker-contain" in html
    assert "Its reserved concurrency becomes 0" in html
    assert "loopbreaker stop orders-enricher --region eu-west-1" in html


def test_the_action_follows_the_button_at_once() -> None:
    """It acts on the element before it (CloudWatch user guide, *Interactivity ...*)."""
    for html in (
        write_restore(ONE, REGION, BUTTONS),
        write_stop(ONE, REGION, BUTTONS),
        write_restore_of_tagged("orders", REGION, BUTTONS),
    ):
        assert re.search(r'<a class="press[^>]*>[^<]*</a><cwdb-action ', html)


def test_without_buttons_the_command_is_there() -> None:
    """In a file."""
    html = write_restore(ONE, REGION, None)

    assert find_payloads(html) == []
    assert "loopbreaker restore orders-enricher --region eu-west-1" in html


@pytest.mark.parametrize("name", [HOSTILE, "a b", "", "ä", "x" * 65, "a\nb"])
def test_what_is_no_name_of_a_function_has_no_button(name: str) -> None:
    """Its payload would need escaping, and no function has such a name."""
    one = replace(ONE, function=name)

    for html in (
        write_restore(one, REGION, BUTTONS),
        write_stop(one, REGION, BUTTONS),
        write_restore_of_tagged(name, REGION, BUTTONS),
    ):
        assert find_payloads(html) == []


@given(rendering=st.text(max_size=80), action=st.sampled_from(["restore", "stop"]), about=st.text())
def test_every_id_is_one_that_the_guard_takes(rendering: str, action: str, about: str) -> None:
    """Whatever it is made of; the same again gives the same."""
    found = make_request_id(rendering, action, about)

    event = {"version": 1, "request": "restore", "id": found, "all": True}
    assert parse_request({"loopbreaker": event}) == RestoreRequest(id=found, is_for_all=True)
    assert make_request_id(rendering, action, about) == found


def test_ids_differ_by_rendering_action_and_incident() -> None:
    """Another page, another request."""
    ids = {
        make_request_id(rendering, action, about)
        for rendering in ("a", "b")
        for action in ("restore", "stop")
        for about in ("1", "2")
    }

    assert len(ids) == 8
