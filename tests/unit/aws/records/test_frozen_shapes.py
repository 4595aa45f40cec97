"""What is stored has the shape that the newest frozen set has, and no older shape is forgotten."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.domain.changes.steps import Step
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.holding.watch import Lever, Phase
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.notices.outbox import NoticeStatus
from functions.domain.pulse.memory import PulseMemory
from tests.frozen.sets import SHAPES, read, set_names, story_names
from tests.frozen.shapes import stored_partitions, stored_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

NEWEST: Final = set_names()[-1]
WHAT_TO_DO: Final = (
    "What is stored has another form now. Run `python -m tests.frozen.write <day>` to freeze a new"
    " set, and leave the older ones as they are: such records are in accounts. tests/frozen/README"
    " says more."
)
LOST: Final = (
    "Records of an earlier version hold this, and today's code does not know it. Keep it, or give"
    " it its new meaning where records are read, and say so in REPLACED."
)
# What earlier records hold under a name that is not used any more, and who reads it.
REPLACED: Final[dict[str, str]] = {
    "OutboxNotice.transition": "IncidentNotice: the class's name is not read",
    "RemedyOutcome.undone": "`functions.domain.diagnosis.record` reads it",
    "RemedyOutcome.undone_detail": "`functions.domain.diagnosis.record` reads it",
}
# Classes that have another name now. Names of classes are read in unions only.
RENAMED: Final = {
    "ChartNotice": "OutboxNotice",
    "Posting": "OutboxNotice",
    "StepResult": "RemedyOutcome",
    "Treatment": "Remediation",
    "TreatmentState": "RemediationState",
}


def test_the_newest_set_is_of_this_version() -> None:
    """Whoever changes a stored class freezes what it looks like now."""
    frozen = read(NEWEST, SHAPES)
    then, now = _lines(frozen["classes"]), _lines(stored_shapes())

    changed = "\n".join(sorted(then ^ now))
    assert not changed, f"{WHAT_TO_DO}\n{changed}"
    assert frozen["partitions"] == [*stored_partitions()], WHAT_TO_DO


@pytest.mark.parametrize("name", set_names())
def test_nothing_that_was_stored_is_unknown(name: str) -> None:
    """Each class, field and value of an earlier version is there, or is replaced by another."""
    classes, today = read(name, SHAPES)["classes"], stored_shapes()
    held = {f"{RENAMED.get(cls, cls)}.{one}" for cls, members in classes.items() for one in members}
    known = {f"{cls}.{one}" for cls, members in today.items() for one in members}

    assert held - known - REPLACED.keys() == set(), LOST


@pytest.mark.parametrize("name", set_names())
def test_what_was_not_stored_has_a_default(name: str) -> None:
    """A record of an earlier version lacks the fields that were added since."""
    classes, today = read(name, SHAPES)["classes"], stored_shapes()
    missing = {
        f"{cls}.{one}"
        for cls, members in classes.items()
        if isinstance(members, dict)
        for one, hint in today.get(RENAMED.get(cls, cls), {}).items()
        if one not in members and not hint.endswith("?")
    }

    assert missing == set()


def test_every_kind_of_item_has_a_sample() -> None:
    """Each partition of the table, and each kind of item within those that hold several."""
    keys = {(item["pk"]["S"], item["sk"]["S"]) for item in _items(NEWEST)}
    found = {_kind(pk, sk) for pk, sk in keys}
    several = {
        "live": {"incident#", "unsent#", "past#", "outage#", "pulse"},
        "chart": {"state", "book"},
        "diagnosis": {"book", "progress"},
    }
    wanted = {
        (partition, kind)
        for partition in stored_partitions()
        for kind in several.get(partition, {""})
    }

    assert found == wanted, WHAT_TO_DO


def _kind(pk: str, sk: str) -> tuple[str, str]:
    partition = next(
        one for one in stored_partitions() if pk == one or (one[-1] == "#" and pk.startswith(one))
    )
    if partition not in {"live", "chart", "diagnosis"}:
        return partition, ""
    name, mark, _ = sk.partition("#")
    return partition, name + mark


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("state", [*IncidentState, *RemediationState]),
        ("phase", Phase),
        ("levers", Lever),
        ("transition", Transition),
        ("status", NoticeStatus),
        ("kind_", [one.__name__ for one in Step.__args__]),
    ],
)
def test_every_member_has_a_sample(field: str, members: Any) -> None:
    """Each state, phase, lever and step that a record may hold is in one."""
    found = {value for item in _items(NEWEST) for value in _values(_record(item), field)}

    assert {str(one) for one in members} - found == set(), WHAT_TO_DO


@pytest.mark.parametrize("name", set_names())
def test_a_set_names_no_machine(name: str) -> None:
    """Samples hold names of an imagined account only."""
    text = "".join(json.dumps(_record(item)) for item in _items(name))

    assert "/home/" not in text
    assert "/tmp/" not in text  # noqa: S108 - looked for, not used
    assert "orders" in text


def test_the_pulse_forgets_nothing() -> None:
    """Its memory is an item of its own, with an attribute for each field."""
    (item,) = (
        one
        for one in read(NEWEST, "memory")["items"]
        if (one["pk"]["S"], one["sk"]["S"]) == ("live", "pulse")
    )

    assert set(PulseMemory.__dataclass_fields__) == item.keys() - {"pk", "sk"}


def _lines(classes: dict[str, Any]) -> set[str]:
    """Each member of each class, with its type."""
    return {
        f"{cls}.{one}: {members[one]}" if isinstance(members, dict) else f"{cls}.{one}"
        for cls, members in classes.items()
        for one in members
    }


def _items(name: str) -> list[dict[str, Any]]:
    return [item for story in story_names(name) for item in read(name, story)["items"]]


def _record(item: dict[str, Any]) -> Any:
    """What an item holds, in JSON's terms."""
    held = item.get("record") or item.get("data")
    if held is None:
        return item
    text = held["S"] if "S" in held else zlib.decompress(base64.b64decode(held["B"])).decode()
    return json.loads(text)


def _values(value: Any, field: str) -> Iterator[str]:
    """All that a field of the name holds, at any depth."""
    if isinstance(value, list):
        for one in value:
            yield from _values(one, field)
    if isinstance(value, dict):
        for name, one in value.items():
            if name == field:
                yield from one if isinstance(one, list) else [one] if isinstance(one, str) else []
            yield from _values(one, field)
