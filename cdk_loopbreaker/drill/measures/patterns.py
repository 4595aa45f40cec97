"""Measures of event patterns: TestEventPattern says what EventBridge matches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.measures.context import judge, settle
from functions.aws.runtime.errors import get_code

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.measures.context import MeasureContext
    from cdk_loopbreaker.drill.model import Finding

_INVALID: Final = "InvalidEventPatternException"
# By assumption: what is asked, the pattern of the detail, and the detail.
_CASES: Final[tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...]] = (
    ("A-025", "anything-but a text, of a number", {"a": [{"anything-but": ["x"]}]}, {"a": 1}),
    ("A-027", "exists, of an empty list", {"a": [{"exists": True}]}, {"a": []}),
    ("A-027", "exists, of a list of objects", {"a": [{"exists": True}]}, {"a": [{"b": 1}]}),
    (
        "A-028",
        "anything-but, of a list with one that is equal",
        {"a": [{"anything-but": ["x"]}]},
        {"a": ["x", "y"]},
    ),
    ("A-029", "exists, of an object", {"a": [{"exists": True}]}, {"a": {"b": 1}}),
    ("A-029", "anything-but, of an object", {"a": [{"anything-but": ["x"]}]}, {"a": {"b": 1}}),
    (
        "A-032",
        "a field inside and outside of $or, both false",
        {"a": ["x"], "$or": [{"a": ["y"]}, {"b": ["z"]}]},
        {"a": "y"},
    ),
    ("A-033", "exists: false, in an object that is absent", {"a": {"b": [{"exists": False}]}}, {}),
)
_NO_ADDRESS: Final = ("A-026", "cidr, of a text of letters", [{"cidr": "0.0.0.0/0"}], "letters")


def measure_patterns(context: MeasureContext) -> tuple[Finding, ...]:
    """What EventBridge matches where the code leaves it open."""
    said: dict[str, list[str]] = {}
    for id_, question, pattern, detail in _CASES:
        said.setdefault(id_, []).append(f"{question}: {_ask(context, pattern, detail)}")
    id_, question, values, letters = _NO_ADDRESS
    answer = _ask(context, {"a": values}, {"a": letters})
    return (
        *(settle(one, "; ".join(texts)) for one, texts in said.items()),
        judge(id_, is_confirmed=answer != _MATCHES, text=f"{question}: {answer}"),
    )


_MATCHES: Final = "matches"


def _ask(context: MeasureContext, pattern: dict[str, Any], detail: dict[str, Any]) -> str:
    event = {
        "id": "drill",
        "account": context.stage.guard.account,
        "source": "loopbreaker.drill",
        "time": "2026-01-01T00:00:00Z",
        "region": context.stage.clients.region,
        "resources": [],
        "detail-type": "round",
        "detail": detail,
    }
    try:
        found = context.stage.clients("events").test_event_pattern(
            EventPattern=json.dumps({"detail": pattern}), Event=json.dumps(event)
        )
    except Exception as error:
        if get_code(error) != _INVALID:
            raise
        return "EventBridge refuses the pattern"
    return _MATCHES if found["Result"] else "does not match"
