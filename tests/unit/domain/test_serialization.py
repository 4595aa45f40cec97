"""Frozen dataclasses in JSON's terms, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.serialization import (
    Form,
    UnreadableError,
    from_json,
    from_row,
    to_json,
    to_row,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


class Colour(Enum):
    """What a door is painted with."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Leads somewhere."""

    colour: Colour = Colour.RED
    width: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Leads nowhere."""

    panes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Something of each kind."""

    name: str
    built_at: datetime = NOON
    openings: tuple[Door | Window, ...] = ()
    porch: Door | None = None
    keys: Mapping[str, Window] = field(default_factory=dict)
    is_sold: bool = False


doors = st.builds(
    Door, colour=st.sampled_from(Colour), width=st.none() | st.floats(allow_nan=False)
)
windows = st.builds(Window, panes=st.integers())
houses = st.builds(
    House,
    name=st.text(),
    built_at=st.datetimes(timezones=st.just(UTC)),
    porch=st.none() | doors,
    keys=st.dictionaries(st.text(), windows),
    is_sold=st.booleans(),
)


@given(house=houses, form=st.sampled_from(Form))
def test_every_form_is_read(house: House, form: Form) -> None:
    """What was written comes back, through the text of JSON."""
    assert from_json(House, json.loads(json.dumps(to_json(house, form)))) == house


@given(openings=st.lists(doors | windows).map(tuple))
def test_members_of_a_union_are_told_apart(openings: tuple[Door | Window, ...]) -> None:
    """By the names of their classes, whatever their fields are."""
    house = House(name="a", openings=openings)

    assert from_json(House, to_json(house, Form.NAMED)) == house


def test_what_is_as_by_default_may_be_left_out() -> None:
    """Each form writes what it says, in the order of the fields."""
    house = House(name="a", porch=Door())

    assert to_json(house, Form.SPARSE) == {"name": "a", "porch": {}}
    assert to_json(house.porch, Form.PLAIN) == {"colour": "red", "width": None}
    assert list(to_json(house.porch, Form.NAMED).items()) == [
        ("kind_", "Door"),
        ("colour", "red"),
        ("width", None),
    ]


def test_a_row_has_no_names() -> None:
    """Its values are in the order of the fields, none more and none less."""
    assert to_row(Door(width=2.5)) == ["red", 2.5]
    assert from_row(Door, ["blue", None]) == Door(colour=Colour.BLUE)
    for row in (["blue"], ["blue", None, 1], {"colour": "blue"}, ["green", None]):
        with pytest.raises(UnreadableError, match="Door"):
            from_row(Door, row)


def test_a_later_version_may_know_more() -> None:
    """Fields that are not known are left alone; a whole number is a number."""
    assert from_json(Door, {"colour": "blue", "width": 2, "handle": "left"}) == Door(
        colour=Colour.BLUE, width=2
    )


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ([], "House: TypeError list where dict belongs"),
        ({}, "House: TypeError .* 'name'"),
        ({"name": 7}, "House.name: TypeError int where str belongs"),
        ({"name": "a", "porch": {"colour": "green"}}, "House.porch.colour: ValueError 'green'"),
        ({"name": "a", "porch": {"width": "2"}}, "House.porch.width: TypeError str where number"),
        ({"name": "a", "openings": {}}, "House.openings: TypeError dict where list belongs"),
        ({"name": "a", "openings": "ab"}, "House.openings: TypeError str where list belongs"),
        (
            {"name": "a", "openings": [{"kind_": "Door"}, {"kind_": "Window"}]},
            "House.openings.1: TypeError .*'panes'",
        ),
        ({"name": "a", "openings": [{"kind_": "Gate"}]}, "House.openings.0: KeyError 'Gate'"),
        ({"name": "a", "openings": [None]}, "House.openings.0: TypeError NoneType"),
        ({"name": "a", "keys": {"b": {"panes": None}}}, "House.keys.b.panes: TypeError NoneType"),
        ({"name": "a", "built_at": "noon"}, "House.built_at: ValueError"),
        ({"name": "a", "built_at": 7}, "House.built_at: TypeError"),
    ],
)
def test_an_error_names_the_field(stored: Any, why: str) -> None:
    """Whoever reads the log finds the value that does not fit."""
    with pytest.raises(UnreadableError, match=f"^{why}"):
        from_json(House, stored)


def test_an_error_does_not_tell_a_value_of_the_wrong_type() -> None:
    """It may be a secret."""
    with pytest.raises(UnreadableError) as raised:
        from_json(House, {"name": ["hunter2"]})

    assert "hunter2" not in str(raised.value)
