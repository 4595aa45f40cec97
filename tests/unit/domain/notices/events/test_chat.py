"""Messages in chat: the format that Amazon Q Developer takes, and its limits."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.incidents.states import Transition
from functions.domain.notices.events.chat import (
    LONGEST_DESCRIPTION,
    LONGEST_KEYWORD,
    LONGEST_STEP,
    LONGEST_TITLE,
    compose_chat_message,
)
from functions.domain.notices.events.envelope import compose_event
from functions.domain.notices.events.incident import describe_transition
from functions.domain.notices.notice import Notice
from functions.domain.requests.request import RestoreRequest, parse_request
from tests.unit.domain.notices.events.twins import ROOT, TWINS, compose_twin
from tests.unit.domain.notices.samples.account import CONTEXT, DEPLOYMENT, NOW
from tests.unit.domain.notices.samples.stops import contained

# Chatbot API, *CustomActionDefinition*.
LONGEST_COMMAND: Final = 100


def message(name: str) -> dict[str, Any]:
    """What chat gets with a mail."""
    event = compose_twin(name)
    assert event is not None
    read: dict[str, Any] = json.loads(compose_chat_message(event))
    return read


def check_limits(said: dict[str, Any]) -> None:
    """What holds for every message."""
    assert set(said) == {"version", "source", "id", "content", "metadata"}
    assert (said["version"], said["source"]) == ("1.0", "custom")
    content, metadata = said["content"], said["metadata"]
    assert content["textType"] == "client-markdown"
    assert 0 < len(content["title"]) <= LONGEST_TITLE
    assert 0 < len(content["description"]) <= LONGEST_DESCRIPTION
    assert all(0 < len(one) <= LONGEST_STEP for one in content["nextSteps"])
    assert all(0 < len(one) <= LONGEST_KEYWORD for one in content["keywords"])
    assert metadata["threadId"]
    assert metadata["enableCustomActions"] is True
    assert all(isinstance(one, str) for one in metadata["additionalContext"].values())


@pytest.mark.parametrize("name", TWINS)
def test_every_mail_fits_into_chat(name: str) -> None:
    """Each field keeps to its limit, and the severity can be seen."""
    said = message(name)

    check_limits(said)
    severity = said["metadata"]["additionalContext"]["Severity"]
    assert said["content"]["description"].startswith(f"*{severity.upper()}*")


def test_an_incident_is_one_thread_with_the_command_that_restores() -> None:
    """All of its messages are together."""
    stopped, failed = message("contained"), message("contain_failed")

    assert stopped["metadata"]["threadId"].startswith("orders-enricher-2026")
    assert failed["metadata"]["threadId"].startswith("orders-enricher-2026")
    assert any(
        "loopbreaker restore orders-enricher" in one for one in stopped["content"]["nextSteps"]
    )


def test_the_button_brings_all_that_restore_needs() -> None:
    """Its command fits, because the request is a variable; nothing to restore, no button."""
    context = message("contained")["metadata"]["additionalContext"]
    request = parse_request(json.loads(context["Restore"]))

    assert isinstance(request, RestoreRequest)
    assert request.functions == ("orders-enricher",)
    assert " " not in context["Restore"]
    assert "Restore" not in message("restored")["metadata"]["additionalContext"]
    page = (ROOT / "docs" / "events.md").read_text()
    (command,) = [
        line.partition("CommandText: ")[2] for line in page.splitlines() if "CommandText: " in line
    ]
    assert command.endswith(" --payload $Restore")
    assert len(command) <= LONGEST_COMMAND


@given(name=st.text(min_size=1, max_size=400))
def test_hostile_names_make_no_markup_and_break_no_limit(name: str) -> None:
    """A name from the account mentions nobody and links nowhere."""
    incident = contained(function=name)
    event = describe_transition(Transition.CONTAINED, incident, CONTEXT, NOW)
    notice = Notice(subject=f"[Loopbreaker] STOPPED {name}", body="b", event=event)
    made = compose_event(notice, "key", DEPLOYMENT)
    assert made is not None
    said = json.loads(compose_chat_message(made))

    check_limits(said)
    for mark in "<@*_~`[":
        assert mark not in said["content"]["title"].replace(f"\u200b{mark}", "")
