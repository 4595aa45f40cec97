"""The dashboard from a widget's call to the function that runs again, as CloudWatch drives it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from functions.contain import handler as contain_module
from functions.domain.page.overview import View
from functions.present import handler as module
from functions.present.handler import handler
from functions.present.wiring import Presentation
from functions.restore import handler as restore_module
from tests.functional.lambda_context import lambda_context
from tests.functional.page import FakePageParts
from tests.functional.scene import Scene
from tests.unit.cdk_loopbreaker.scanning.page import Page

RESTORE_ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:Loopbreaker-restore"
CONTAIN_ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:Loopbreaker-contain"
# As CloudWatch documents it (CloudWatch user guide, *Details about custom widgets*).
CONTEXT: Final[dict[str, Any]] = {
    "dashboardName": "Loopbreaker-us-east-1",
    "widgetId": "widget-16",
    "accountId": "123456789012",
    "locale": "en",
    "timezone": {"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0},
    "period": 300,
    "isAutoPeriod": True,
    "timeRange": {"mode": "relative", "start": 1, "end": 2, "relativeStart": 86400012},
    "theme": "dark",
    "linkCharts": True,
    "title": "Loopbreaker",
    "forms": {"all": {}},
    "params": {"view": "incidents"},
    "width": 588,
    "height": 369,
}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A guard whose functions answer."""
    staged = Scene()
    monkeypatch.setattr(restore_module, "connect", lambda: staged.rollbacks)
    monkeypatch.setattr(contain_module, "connect_orders", lambda: staged.orders)
    return staged


@pytest.fixture
def parts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> FakePageParts:
    """What the widgets are read from."""
    found = FakePageParts(scene)
    shown = Presentation(reader=found.reader, restore_arn=RESTORE_ARN, contain_arn=CONTAIN_ARN)
    monkeypatch.setattr(module, "connect", lambda: shown)
    return found


def show(view: View | str = View.INCIDENTS, rendering: str = "first", **context: Any) -> str:
    """The HTML of a widget."""
    caller: Any = lambda_context("Loopbreaker-present")
    caller._aws_request_id = rendering
    return handler({"view": view, "widgetContext": {**CONTEXT, **context}}, caller)


def list_actions(html: str) -> list[tuple[dict[str, str | None], str]]:
    """The buttons of a page: the attributes and the content of what each of them does."""
    page = Page(html)
    texts = re.findall(r"<cwdb-action [^>]*>([^<]*)</cwdb-action>", html)
    found = [values for name, values in page.elements if name == "cwdb-action"]
    return list(zip(found, texts, strict=True))


def press(html: str, number: int = 0, invocation: str = "press") -> str:
    """What is shown after a button was pressed: the call that CloudWatch makes."""
    values, text = list_actions(html)[number]
    assert values["action"] == "call"
    assert values["confirmation"]
    caller: Any = lambda_context("Loopbreaker-restore")
    caller._aws_request_id = invocation
    handlers = {RESTORE_ARN: restore_module.handler, CONTAIN_ARN: contain_module.handler}
    event = {**json.loads(text), "view": "incidents", "widgetContext": CONTEXT}
    answer = handlers[str(values["endpoint"])](event, caller)
    assert isinstance(answer, str)
    return Page(answer).text


def contain(scene: Scene, name: str = "orders") -> None:
    """Let a function run away until it is stopped."""
    scene.add_runaway(name, reserved=5)
    scene.contributor(name)
    assert scene.account.by_name[name].reserved == 0


def test_the_button_restores_what_the_page_shows(scene: Scene, parts: FakePageParts) -> None:
    """The function runs again as before, and the answer says so in words."""
    contain(scene)
    html = show()

    assert "Loopbreaker holds 1 function" in Page(html).text
    said = press(html)

    assert "orders: restored" in said
    assert scene.account.by_name["orders"].reserved == 5
    assert list_actions(show(rendering="later")) == []
    assert re.search(r"orders\s*restored", Page(show(View.HISTORY)).text)


def test_pressing_twice_does_nothing_twice(scene: Scene, parts: FakePageParts) -> None:
    """The second call has the id of the first one, which was carried out."""
    contain(scene)
    html = show()
    press(html)
    mails = list(scene.subjects)

    said = press(html, invocation="again")

    assert "Pressed twice" in said
    assert scene.account.by_name["orders"].reserved == 5
    assert scene.subjects == mails


def test_each_rendering_has_its_own_request(scene: Scene, parts: FakePageParts) -> None:
    """What a refreshed page offers is carried out, whatever was asked before."""
    contain(scene)
    ids = {
        json.loads(text)["loopbreaker"]["id"]
        for rendering in ("first", "first", "second")
        for _, text in list_actions(show(rendering=rendering))
    }

    assert len(ids) == 2


def test_a_button_of_an_old_page_does_nothing(scene: Scene, parts: FakePageParts) -> None:
    """What it shows may be no longer so."""
    contain(scene)
    html = show()
    scene.now += timedelta(minutes=16)

    said = press(html)

    assert "Nothing was done" in said
    assert "Refresh it" in said
    assert scene.account.by_name["orders"].reserved == 0


def test_what_is_reported_only_can_be_stopped(scene: Scene, parts: FakePageParts) -> None:
    """The button asks `contain`, with the rights of whoever presses it."""
    scene.policy = replace(scene.policy, exempt=frozenset({"orders"}))
    scene.add_runaway("orders", reserved=5)
    scene.contributor("orders")
    scene.policy = replace(scene.policy, exempt=frozenset())
    html = show()
    (values, _) = list_actions(html)[0]

    assert values["endpoint"] == CONTAIN_ARN
    said = press(html)

    assert "orders: stopped" in said
    assert scene.account.by_name["orders"].reserved == 0


@pytest.mark.parametrize("view", View)
def test_an_empty_account(parts: FakePageParts, view: View) -> None:
    """Each view says in words that there is nothing."""
    html = show(view)
    words = {
        View.INCIDENTS: "No function is held",
        View.HISTORY: "No incident has ended within the last 90 days.",
        View.HEALTH: "Event graph: there is none yet.",
    }

    assert words[view] in Page(html).text
    assert "Traceback" not in html


@pytest.mark.parametrize(
    ("down", "view", "words"),
    [
        ("ledger", View.INCIDENTS, "What is held now could not be read"),
        ("ledger", View.HISTORY, "What has ended did not answer"),
        ("filed", View.HISTORY, "What has ended did not answer"),
        ("findings", View.INCIDENTS, "Findings and remedies did not answer"),
        ("metrics", View.INCIDENTS, "The traffic of orders did not answer"),
        ("tags", View.INCIDENTS, "their tags did not answer"),
        ("activity", View.HEALTH, "The metrics of the guard did not answer"),
        ("alarms", View.HEALTH, "The alarms on the guard did not answer"),
        ("reserved", View.HEALTH, "The reservation of Loopbreaker-contain did not answer"),
    ],
)
def test_what_does_not_answer_is_said(
    scene: Scene, parts: FakePageParts, down: str, view: View, words: str
) -> None:
    """With AWS's words, and the rest of the page is there."""
    contain(scene)
    parts.down = {down}

    page = Page(show(view))

    assert "This page is incomplete." in page.text
    assert words in page.text
    assert re.search(r"AccessDenied|Rate exceeded", page.text)
    if view is View.INCIDENTS and down != "ledger":
        assert "Loopbreaker holds 1 function" in page.text


def test_nothing_answers(scene: Scene, parts: FakePageParts) -> None:
    """The page still is a page."""
    contain(scene)
    parts.down = {"ledger", "filed", "findings", "metrics"}
    parts.down |= {"activity", "alarms", "reserved", "tags"}

    for view in View:
        assert "This page is incomplete." in Page(show(view)).text


def test_whatever_fails_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A widget shows the traceback of its function otherwise."""
    monkeypatch.setattr(module, "connect", lambda: 1 / 0)

    html = show()

    assert "The page could not be made" in Page(html).text
    assert "ZeroDivisionError" not in html


def test_an_unknown_view_names_those_there_are(parts: FakePageParts) -> None:
    """Whoever edits the widget reads what is allowed."""
    text = Page(show("<b>cost</b>")).text

    assert "view is '<b>cost</b>'; allowed are incidents, history, health" in text


def test_it_describes_itself() -> None:
    """In Markdown, without reading anything."""
    told = handler({"describe": True}, lambda_context("Loopbreaker-present"))

    assert told.startswith("## Loopbreaker")
    for view in View:
        assert f"*{view}*" in told


def test_the_theme_is_that_of_the_dashboard(parts: FakePageParts) -> None:
    """Light where it does not tell."""
    assert "color-scheme:dark" in show()
    assert "color-scheme:light" in show(theme="light")
    assert "color-scheme:light" in handler({}, lambda_context("Loopbreaker-present"))


def test_only_one_view_is_read(scene: Scene, parts: FakePageParts) -> None:
    """Each widget costs what it shows, and no more."""
    parts.down = {"alarms", "activity", "reserved", "filed"}

    assert "This page is incomplete." not in Page(show(View.INCIDENTS)).text
