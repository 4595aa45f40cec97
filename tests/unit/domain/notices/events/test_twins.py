"""Every mail has a twin: what is sent of it, by its schema, and what no event may hold.

``REWRITE_NOTICES=1 pytest tests/unit/domain/notices/events`` writes the golden files, the schemas
and the list of docs/events.md anew: read the difference before it is committed.
"""

import json
import os
import re
from functools import cache
from typing import Any, Final

import jsonschema
import pytest

from functions.domain.incidents.states import Transition
from functions.domain.notices.events.incident import choose_kind
from functions.domain.notices.events.record import EventKind
from tests.unit.domain.notices.events.schemas import PARTS, build_schema
from tests.unit.domain.notices.events.twins import NOTICES, ROOT, TWINS, compose_twin
from tests.unit.domain.notices.test_page import shown

REWRITE: Final = bool(os.environ.get("REWRITE_NOTICES"))
SCHEMAS: Final = ROOT / "docs" / "events"
PAGE: Final = ROOT / "docs" / "events.md"
# EventBridge takes 256 KB; an outbox holds 40 of them.
MOST_BYTES: Final = 8_000
LIST: Final = re.compile(r"<!-- kinds -->\n.*?<!-- end of kinds -->\n", re.DOTALL)


def printed(document: Any) -> str:
    """JSON, as people read it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def close(schema: Any) -> Any:
    """A schema that takes no field that it does not name."""
    if isinstance(schema, dict):
        closed = {name: close(one) for name, one in schema.items()}
        return {**closed, "additionalProperties": False} if "properties" in schema else closed
    return [close(one) for one in schema] if isinstance(schema, list) else schema


@cache
def build_validator(kind: EventKind) -> jsonschema.Draft202012Validator:
    """What checks an event of a kind; that its schema is one is checked below."""
    return jsonschema.Draft202012Validator(
        close(build_schema(kind)),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


def test_every_mail_of_the_page_has_a_twin() -> None:
    """None is missing: a new mail needs an event."""
    assert set(TWINS) == set(shown())
    assert [name for name in TWINS if compose_twin(name) is None] == []


@pytest.mark.parametrize("name", TWINS)
def test_twin(name: str) -> None:
    """Each event is the one that people have read, by its schema, with no field besides."""
    event = compose_twin(name)
    assert event is not None
    path = TWINS[name][1]
    detail = json.loads(event.text)
    if REWRITE:
        path.write_text(printed(detail))

    assert json.loads(path.read_text()) == detail
    build_validator(EventKind(detail["kind"])).validate(detail)
    assert event.detail_type == EventKind(detail["kind"]).detail_type
    assert len(event.text.encode()) <= MOST_BYTES


@pytest.mark.parametrize("name", TWINS)
def test_figures_have_units_and_moments_are_in_utc(name: str) -> None:
    """Whoever reads a number knows what it is, without the page."""
    event = compose_twin(name)
    assert event is not None
    bare = {"version", "value", "reference", "mappings_disabled", "reserved_concurrency"}
    for field, value in walk(event.detail):
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert field in bare or field.endswith(("_per_minute", "_usd", "_left_out")), field
        if field.endswith("_at"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value), (field, value)


def walk(value: Any, field: str = "") -> list[tuple[str, Any]]:
    """Every value with the name of its field."""
    if isinstance(value, dict):
        return [one for name, each in value.items() for one in walk(each, name)]
    if isinstance(value, list):
        return [one for each in value for one in walk(each, field)]
    return [(field, value)]


def test_no_golden_twin_is_left_behind() -> None:
    """Each file is the event of a mail."""
    files = set(NOTICES.rglob("golden/*.json"))

    assert files == {path for _, path in TWINS.values()}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", EventKind)
def test_every_schema_is_one(kind: EventKind) -> None:
    """Whoever reads it with a library of theirs can."""
    jsonschema.Draft202012Validator.check_schema(build_schema(kind))


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_has_its_schema(kind: EventKind) -> None:
    """The published schema is what the code says."""
    path = SCHEMAS / f"{kind.value}.json"
    schema = build_schema(kind)
    if REWRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(printed(schema))

    assert json.loads(path.read_text()) == schema


def test_schemas_and_kinds_are_one_to_one() -> None:
    """No schema without a kind; every kind but the one of old records has an example."""
    assert {path.stem for path in SCHEMAS.glob("*.json")} == {one.value for one in EventKind}
    assert set(PARTS) == set(EventKind)
    seen = {event.detail["kind"] for name in TWINS if (event := compose_twin(name)) is not None}
    assert seen == {one.value for one in EventKind} - {EventKind.NOTICE_SENT}


@pytest.mark.parametrize("transition", Transition)
def test_every_transition_has_a_kind_of_its_own(transition: Transition) -> None:
    """A new transition needs one."""
    assert [one for one in Transition if choose_kind(one) is choose_kind(transition)] == [
        transition
    ]


def listed() -> str:
    """The list of the page: each detail type, how urgent it is, its schema, an example."""
    lines = ["<!-- kinds -->", "| detail-type | severity | example |", "|---|---|---|"]
    for kind in EventKind:
        events = {
            name: event
            for name in TWINS
            if (event := compose_twin(name)) is not None and event.detail["kind"] == kind
        }
        severities = ", ".join(sorted({one.severity.value for one in events.values()}))
        name = next(iter(events), None)
        path = None if name is None else TWINS[name][1].relative_to(ROOT).as_posix()
        example = "" if path is None else f"[{TWINS[name][1].name}](../{path})"  # type: ignore[index]
        lines.append(
            f"| [{kind.detail_type}](events/{kind.value}.json) | {severities or 'warning'} |"
            f" {example} |"
        )
    return "\n".join([*lines, "<!-- end of kinds -->", ""])


def test_the_page_lists_every_kind() -> None:
    """docs/events.md names each detail type with its schema."""
    text = PAGE.read_text()
    if REWRITE:
        text = LIST.sub(lambda _: listed(), text)
        PAGE.write_text(text)

    assert listed() in text
