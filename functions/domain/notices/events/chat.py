"""An event as a message in chat: a custom notification of Amazon Q Developer in chat applications.

The format and its limits: Amazon Q Developer in chat applications administrator guide, *Custom
notifications*. Description of at most 8,000 characters, title 250, next steps 350 each, keywords
75 each. UNCONFIRMED A-067: the limits of the fields of ``metadata``, which are kept short.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from functions.domain.notices.events.envelope import OutgoingEvent
from functions.domain.notices.events.record import EventSeverity
from functions.domain.notices.text import clean, format_least_usd, format_number
from functions.domain.requests.request import RestoreRequest, build_event

LONGEST_TITLE: Final = 250
LONGEST_DESCRIPTION: Final = 8_000
LONGEST_STEP: Final = 350
LONGEST_KEYWORD: Final = 75
_LONGEST_SUMMARY: Final = 250
_MOST_REASONS: Final = 3
_LOOKS: Final = {
    EventSeverity.CRITICAL: "🔴",
    EventSeverity.WARNING: "🟠",
    EventSeverity.INFO: "🟢",
}
# Characters that begin markup in Slack or Teams: a name from the account makes none.
_MARKUP: Final = str.maketrans({one: f"\u200b{one}" for one in "<>*_~`@&[]#|"})


def compose_chat_message(event: OutgoingEvent) -> str:
    """Compose the message of an event, as JSON.

    All messages of an incident are in one thread. The command that restores is a next step, and
    what a custom action needs for a button is in ``additionalContext``.
    """
    detail = event.detail
    subject = clean(str(detail["subject"]), LONGEST_TITLE).removeprefix("[Loopbreaker] ")
    function = detail.get("function", {}).get("name", "")
    title = f"{_LOOKS[event.severity]} {_escape(subject)}"[:LONGEST_TITLE]
    keywords = ("Loopbreaker", event.severity.value, function)
    message = {
        "version": "1.0",
        "source": "custom",
        "id": event.id,
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": _describe(event)[:LONGEST_DESCRIPTION],
            "nextSteps": _list_next_steps(detail),
            "keywords": [one[:LONGEST_KEYWORD] for one in keywords if one],
        },
        "metadata": {
            "threadId": _find_thread(event),
            "summary": title[:_LONGEST_SUMMARY],
            "eventType": str(detail["kind"]),
            "relatedResources": [event.function_arn] if event.function_arn else [],
            "additionalContext": _build_context(event, function),
            "enableCustomActions": True,
        },
    }
    return json.dumps(message, ensure_ascii=False)


def _find_thread(event: OutgoingEvent) -> str:
    """What belongs together: an incident, a remedy, a loop; else the event is alone."""
    for name, key in (("incident", "id"), ("remedy", "id"), ("loop", "key")):
        found = event.detail.get(name, {}).get(key)
        if found:
            return str(found)
    return event.id


def _escape(text: str) -> str:
    return text.translate(_MARKUP)


def _describe(event: OutgoingEvent) -> str:
    detail = event.detail
    place = " / ".join(str(detail[one]) for one in ("account", "region") if detail.get(one))
    lines = [f"*{event.severity.value.upper()}* {event.detail_type}", place]
    incident = detail.get("incident")
    if incident is not None:
        lines += _describe_incident(incident)
    loop = detail.get("loop")
    if loop is not None:
        drawn = loop.get("drawing")
        lines.append(f"Loop ({loop['certainty']}): {_escape(drawn)}" if drawn else "")
    for name in ("finding", "remedy"):
        if name in detail:
            lines.append(_escape(detail[name]["summary"]))
    if "guard" in detail:
        lines.append(_escape(detail["guard"]["detail"]))
    return "\n".join(one for one in lines if one)


def _describe_incident(incident: Mapping[str, Any]) -> list[str]:
    lines = []
    rates, cost = incident.get("rates"), incident.get("cost")
    if rates is not None:
        normal = rates.get("normal_invocations_per_minute")
        against = "" if normal is None else f", normal {format_number(normal)}"
        lines.append(f"{format_number(rates['invocations_per_minute'])} invocations/min{against}")
    if cost is not None:
        so_far = cost.get("so_far_usd")
        spent = "" if so_far is None else f", {format_least_usd(so_far)} so far"
        lines.append(f"Cost: {format_least_usd(cost['per_hour_usd'])} an hour{spent}")
    losses = incident.get("losses", {})
    if losses.get("is_losing"):
        lines.append("Events are being lost now.")
    if losses.get("first_loss_at"):
        lines.append(f"Waiting events are lost from {losses['first_loss_at']} on.")
    reasons = ", ".join(one["reason"] for one in incident["reasons"][:_MOST_REASONS])
    lines.append(f"Why: {incident['verdict']}" + (f" ({reasons})" if reasons else ""))
    return lines


def _list_next_steps(detail: Mapping[str, Any]) -> list[str]:
    """Commands, whole or not at all."""
    commands = detail.get("commands", {})
    steps = [
        f"{words}: `{commands[name]}`"
        for name, words in (
            ("restore", "Restore it, once the loop is fixed"),
            ("exempt", "No loop? Have Loopbreaker leave it alone"),
        )
        if name in commands
    ]
    return [one for one in steps if len(one) <= LONGEST_STEP]


def _build_context(event: OutgoingEvent, function: str) -> dict[str, str]:
    """The variables of custom actions, as text.

    ``Restore`` is what the button that restores gives to the Lambda function `restore`: the command
    of a custom action is too short for it (at most 100 characters by the API of Amazon Q Developer
    in chat applications, *CustomActionDefinition*). It is there where something can be restored,
    and carried out once, however often somebody presses the button.
    """
    detail = event.detail
    is_restorable = function and "restore" in detail.get("commands", {})
    request = build_event(RestoreRequest(id=event.id, functions=(function,)))
    context = {
        "Function": function,
        "Region": str(detail.get("region", "")),
        "Severity": event.severity.value,
        "Incident": str(detail.get("incident", {}).get("id", "")),
        "Restore": json.dumps(request, separators=(",", ":")) if is_restorable else "",
    }
    return {name: value for name, value in context.items() if value}
