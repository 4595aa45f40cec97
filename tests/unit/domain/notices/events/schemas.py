"""The JSON Schemas of the events, written from the classes that the events are made of."""

import dataclasses
import inspect
import re
import types
from datetime import datetime
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from functions.domain.notices.events import diagnosis_facts
from functions.domain.notices.events import facts as facts_module
from functions.domain.notices.events.envelope import VERSION
from functions.domain.notices.events.facts import EventDetail, EventFacts
from functions.domain.notices.events.record import EventKind, EventSeverity

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTE: Final = re.compile(r"^([a-z_, ]+)\n((?:    .*\n?|\n)+)", re.MULTILINE)
_PARTS: Final = tuple(one.name for one in dataclasses.fields(EventFacts))
_INCIDENT: Final = (
    EventKind.FUNCTION_NOT_STOPPED,
    EventKind.FUNCTION_STOPPED,
    EventKind.FUNCTION_HELD,
    EventKind.LOOP_CONFIRMED,
    EventKind.EVENTS_EXPIRING,
    EventKind.FUNCTION_RELEASED,
    EventKind.FUNCTION_RUNNING_AWAY_AGAIN,
    EventKind.FUNCTION_RESTORED,
    EventKind.RESTORE_FAILED,
    EventKind.STOP_FAILED,
    EventKind.HOLD_ENDED,
    EventKind.PROBATION_BEGUN,
    EventKind.PROBATION_FAILED,
    EventKind.PROBATION_REFUSED,
    EventKind.INCIDENT_ENDED,
    EventKind.FUNCTION_DELETED,
    EventKind.FUNCTION_STOPPED_WITHOUT_RECORD,
)
_LIST: Final = ("findings", "findings_left_out")
# By kind: the parts that are always there, and those that may be.
PARTS: Final[dict[EventKind, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    **dict.fromkeys(_INCIDENT, (("function", "incident"), ("loop", "commands"))),
    EventKind.TAG_IN_DOUBT: (("function", "guard"), ("commands",)),
    EventKind.TAG_UNREADABLE: (("function", "guard"), ()),
    EventKind.RECORD_UNREADABLE: (("function", "guard"), ()),
    EventKind.GUARD_DELETED: (
        ("guard",),
        ("incidents", "incidents_left_out", "remedies", "remedies_left_out"),
    ),
    EventKind.GUARD_UNPROTECTED: (("guard",), ()),
    EventKind.LOOP_FOUND: (("function",), ("loop",)),
    EventKind.LOOPS_FOUND: (("loops", "loops_left_out"), ()),
    EventKind.PERMISSIONS_MISSING: (("guard",), ()),
    EventKind.FINDING_OPENED: (("function", "finding"), ()),
    EventKind.FINDING_RESOLVED: (("function", "finding"), ()),
    EventKind.FINDINGS_LISTED: (_LIST, ()),
    EventKind.FINDINGS_LEFT_OUT: (_LIST, ()),
    EventKind.DIAGNOSIS_ANSWERED: (_LIST, ("function",)),
    EventKind.REMEDY_APPLIED: (("function", "remedy"), ()),
    EventKind.REMEDY_NOT_APPLIED: (("function", "remedy"), ()),
    EventKind.REMEDY_UNDONE: (("function", "remedy"), ()),
    EventKind.REMEDY_NOT_UNDONE: (("function", "remedy"), ()),
    EventKind.REMEDY_ENDED: (("function", "remedy"), ()),
    EventKind.NOTICE_SENT: ((), ()),
}


def build_schema(kind: EventKind) -> dict[str, Any]:
    """The schema of the detail of one kind of event."""
    required, optional = PARTS[kind]
    used: set[str] = set()
    own = _describe_class(EventDetail, used)
    properties = {
        name: one
        for name, one in own["properties"].items()
        if name not in (*_PARTS, "function") or name in (*required, *optional)
    }
    properties["version"] = {**properties["version"], "const": VERSION}
    properties["kind"] = {**properties["kind"], "const": kind.value}
    properties["severity"] = {
        **properties["severity"],
        "enum": [one.value for one in EventSeverity],
    }
    # The envelope comes first, as in the events.
    properties = dict(sorted(properties.items(), key=lambda one: one[0] in _PARTS))
    names = [one for one in own["required"] if one in properties]
    used = set()
    for name in properties:
        _describe_type(get_type_hints(EventDetail)[name], used)
    return {
        "$schema": DIALECT,
        "title": f"{kind.detail_type}, version {VERSION}",
        "description": "The detail of an event with source loopbreaker and detail-type"
        f" {kind.detail_type}. Fields are added while version stays {VERSION}, and never renamed or"
        " removed.",
        "type": "object",
        "required": [*names, *required],
        "properties": properties,
        "$defs": {name: _describe_class(_find_class(name), set()) for name in _close(used)},
    }


def _find_class(name: str) -> type:
    module = facts_module if hasattr(facts_module, name) else diagnosis_facts
    found: type = getattr(module, name)
    return found


def _close(used: set[str]) -> list[str]:
    """The classes that these use, and those that those use."""
    known: set[str] = set()
    while used - known:
        name = min(used - known)
        known.add(name)
        _describe_class(_find_class(name), used)
    return sorted(known)


def _describe_class(cls: type, used: set[str]) -> dict[str, Any]:
    hints, words = get_type_hints(cls), _read_attributes(cls)
    properties, required = {}, []
    for field in dataclasses.fields(cls):
        shape, is_optional = _strip_none(hints[field.name])
        described = _describe_type(shape, used)
        if words.get(field.name):
            described = {"description": words[field.name], **described}
        properties[field.name] = described
        if not is_optional:
            required.append(field.name)
    return {
        "description": (cls.__doc__ or "").partition("\n")[0],
        "type": "object",
        "required": required,
        "properties": properties,
    }


def _strip_none(shape: Any) -> tuple[Any, bool]:
    if get_origin(shape) in {Union, types.UnionType}:
        (only,) = [one for one in get_args(shape) if one is not types.NoneType]
        return only, True
    return shape, False


def _describe_type(shape: Any, used: set[str]) -> dict[str, Any]:
    shape, _ = _strip_none(shape)
    if get_origin(shape) is tuple:
        return {"type": "array", "items": _describe_type(get_args(shape)[0], used)}
    if dataclasses.is_dataclass(shape):
        name = getattr(shape, "__name__", "")
        used.add(name)
        return {"$ref": f"#/$defs/{name}"}
    if shape is datetime:
        return {"type": "string", "format": "date-time"}
    names: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return {"type": names[shape]}


def _read_attributes(cls: type) -> dict[str, str]:
    """What docstrings say of the fields, also of those that a class inherits."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        _, _, text = inspect.cleandoc(one.__doc__ or "").partition("Attributes\n----------\n")
        for names, words in _ATTRIBUTE.findall(text):
            for name in names.split(", "):
                found[name] = " ".join(words.split()).replace("``", "").replace("`", "")
    return found
