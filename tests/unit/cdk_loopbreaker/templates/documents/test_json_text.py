"""JSON with lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_loopbreaker.templates.documents.json_text import parse_json
from cdk_loopbreaker.templates.documents.text_error import TextError


def test_lines_are_those_of_logical_ids() -> None:
    """Braces and keys within texts do not count."""
    text = '{"A": "{\\"Resources\\": {",\n"Resources": {\n"B": {"Resources": {"C": 1}},\n\n"D": 1}}'

    assert parse_json(text)[1] == {"B": 3, "D": 5}


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=5) | st.just("Resources"),
        st.recursive(
            st.none() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.dictionaries(st.text(max_size=3), inner, max_size=3)
                | st.lists(inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=5,
    ),
    st.sampled_from([None, 0, 2]),
)
def test_every_json_text_is_read_as_it_is(values: dict[str, object], indent: int | None) -> None:
    """The lines have exactly the keys under `Resources`."""
    read, lines = parse_json(json.dumps(values, indent=indent))

    resources = values.get("Resources")
    assert read == values
    assert list(lines) == (list(resources) if isinstance(resources, dict) else [])


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ('{"a": 1,\n b}', "Expecting property name", 2),
        ('{"a": NaN}', "NaN is no value of JSON", 0),
        ("{" * 100_000, "Expecting property name", 1),
        ("[" * 100_000, "nest more than 100 deep", 0),
        ("[" * 102 + "]" * 102, "nest more than 100 deep", 0),
        ('{"a": ' + "9" * 10_000 + "}", "digits", 0),
        ("", "Expecting value", 1),
    ],
)
def test_what_cannot_be_parsed_is_refused(text: str, words: str, line: int) -> None:
    """Whatever it is, the error is the same kind."""
    with pytest.raises(TextError, match=words) as error:
        parse_json(text)

    assert error.value.line == line


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    """It could not be printed; a whole pair stays the character that it is."""
    assert parse_json('["\\ud83d", "\\ude00", "\\ud83d\\ude00"]')[0] == ["�", "�", "😀"]
