"""The dashboard against the deployed guard: what it shows of a real loop, and its button."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.domain.page.overview import View
from sandbox.scenarios.catalogue import make_loop
from sandbox.scenarios.provision import arn
from sandbox.settings import REGION
from stacks.names import CONTAIN, PRESENT, RESTORE
from tests.e2e.people import allow_invoking, make_role, open_session, run, take_role
from tests.unit.cdk_loopbreaker.scanning.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

# `restore` and `present` ask the real clock, the pulse lives by the sandbox's: see test_rollback.
SPEED: Final = 15.0
# On a busy machine a loop may have no loop's shape: it is held first, and stopped or held on after
# two rounds.
CONTAINED_WITHIN_MINUTES: Final = 200
ACTION: Final = re.compile(r'endpoint="([^"]*)">([^<]*)</cwdb-action>')


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """The stack with its dashboard."""
    stack.deploy(dashboard="on")


def make_viewer(aws: LocalAws, name: str, *functions: str) -> Callable[[str, Any], Any]:
    """Somebody who may invoke these functions and nothing else; calls one as CloudWatch does."""
    make_role(aws, name, [allow_invoking(*functions)])
    client: Any = open_session(take_role(aws, name)).client("lambda", endpoint_url=aws.endpoint)

    def call(function: str, event: Any) -> Any:
        """What the dashboard gets: HTML as a JSON string."""
        context = {"widgetContext": {"theme": "dark", "width": 900, "params": {}}}
        payload = json.dumps({**event, **context}).encode()
        answer = client.invoke(FunctionName=function, Payload=payload)
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.loads(answer["Payload"].read())

    return call


def test_a_loop_on_the_dashboard_and_its_button(account: Account) -> None:
    """It is shown with its loop and why; the button restores it under the viewer's own rights."""
    loop = make_loop("sqs", account.aws)
    loop.deploy()
    (name,) = loop.functions
    account.past(name)
    before = loop.settings()
    call = make_viewer(account.aws, "viewer", PRESENT, RESTORE, CONTAIN)
    only_looks = make_viewer(account.aws, "spectator", PRESENT)

    loop.seed(3)
    account.until(
        lambda: account.contained([name]) == [name], f"{name} contained", CONTAINED_WITHIN_MINUTES
    )
    html = call(PRESENT, {"view": "incidents"})
    page = Page(html)

    assert "Loopbreaker holds 1 function" in page.text
    assert f"loopbreaker restore {name} --region {REGION}" in page.text
    assert "A restore puts back" in page.text
    assert page.count("svg") >= 2, "the traffic and the loop"
    assert "This page is incomplete." not in page.text, page.text
    for view in View:
        shown = Page(call(PRESENT, {"view": view.value})).text
        assert "This page is incomplete." not in shown, shown
        assert "could not be made" not in shown
    health = Page(call(PRESENT, {"view": "health"})).text
    assert "Alarms on the guard" in health
    assert "a month for" in health
    assert call(PRESENT, {"describe": True}).startswith("## Loopbreaker")

    loop.rest()
    loop.fix()
    ((endpoint, payload),) = ACTION.findall(html)
    assert endpoint == arn("lambda", f"function:{RESTORE}")
    with pytest.raises(Exception, match="AccessDenied"):
        only_looks(endpoint, json.loads(unescape(payload)))
    said = Page(call(endpoint, json.loads(unescape(payload)))).text

    assert f"{name}: restored" in said or f"{name}: pending" in said
    account.until(lambda: loop.settings() == before, f"{name} as it was")
    assert "Pressed twice" in Page(call(endpoint, json.loads(unescape(payload)))).text
    assert account.mail("RESTORED", name)


def test_the_same_page_as_a_file(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through `restore`, without the dashboard's function."""
    make_role(account.aws, "reader", [allow_invoking(RESTORE)])
    for key, value in take_role(account.aws, "reader").items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    account.until(lambda: run("status").exit_code == 0, "the rights of the reader")
    file = tmp_path / "guard.html"

    result = run("status", "--html", str(file))

    assert result.exit_code == 0, result.output
    assert "Not on the page" not in result.stderr, result.stderr
    page = Page(file.read_text(encoding="utf-8"))
    assert "The guard itself" in page.text
    assert "This page is incomplete." not in page.text
    assert page.count("cwdb-action") == 0
