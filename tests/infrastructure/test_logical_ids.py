"""A deployment over an earlier version changes what is there, and replaces nothing that lasts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.frozen.sets import STACK, read, set_names
from tests.frozen.stack import lasting_resources

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesize

# All logical ids of the largest stack. Another one means that something is made anew: change the
# file only where that is meant.
ALL_IDS: Final = json.loads((Path(__file__).parent / "logical_ids.json").read_text())
WHAT_TO_DO: Final = (
    "The stack has other lasting resources now. If that is meant, freeze a new set: see"
    " tests/frozen/README."
)
# What an earlier version had, why it may go, and that nothing of the same name comes in its place.
GONE: Final = {
    "DiagnosisRulesDiagnosisDenied8C724D36": "a rule: it keeps nothing, and another feeds a queue",
}


@cache
def today() -> dict[str, Any]:
    """The lasting resources of today's stack."""
    return dict(lasting_resources())


def test_the_newest_set_is_of_this_stack() -> None:
    """Whoever adds a queue or a name freezes what the stack looks like now."""
    frozen = read(set_names()[-1], STACK)
    changed = sorted(one for one in {*frozen, *today()} if frozen.get(one) != today().get(one))

    assert changed == [], WHAT_TO_DO


@pytest.mark.parametrize("name", set_names())
def test_what_lasts_keeps_its_logical_id(name: str) -> None:
    """The table, queues, topics, and all that has a fixed name."""
    kept = {one: what for one, what in read(name, STACK).items() if one not in GONE}

    assert {one: today().get(one) for one in kept} == kept


@pytest.mark.parametrize("name", set_names())
def test_no_name_moves_to_another_resource(name: str) -> None:
    """CloudFormation creates the new one first, and finds the name taken."""
    names = {
        (what["type"], what["name"]): one for one, what in read(name, STACK).items() if what["name"]
    }
    moved = {
        what["name"]
        for one, what in today().items()
        if names.get((what["type"], what["name"]), one) != one
    }

    assert moved == set()


def test_the_ledger_is_among_them() -> None:
    """Without it everything that is held would be forgotten."""
    tables = [one for one, what in today().items() if what["type"] == "AWS::DynamoDB::Table"]

    assert len(tables) == 1
    assert all(tables[0] in read(name, STACK) for name in set_names())


def test_every_logical_id_and_type(synthesize: Synthesize) -> None:
    """Where the code of the stack stands makes no other resource of any of them."""
    template = synthesize(email="a@example.com", coverage="function", dashboard="on").template

    assert {
        "Resources": {one: what["Type"] for one, what in template["Resources"].items()},
        "Outputs": sorted(template["Outputs"]),
    } == ALL_IDS
