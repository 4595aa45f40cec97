"""JSON that may be hostile."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.account.strict_json import DEEPEST, UnreadableJsonError, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES.filter(lambda value: value not in (float("inf"), float("-inf"))))
def test_values(value: object) -> None:
    """What was written as JSON is read as it was."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return

    assert value == read_json(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON: Expecting value (line 1, column 1)"),
        ('{"a": 1, "b": 2, "a": 3}', "a key stands twice in one object"),
        ("[Infinity]", "not JSON: Infinity"),
        ("1" * 10_000, "not JSON: a number that is too long"),
        ("[" * 1_000_000, "nested more than 100 levels deep"),
        ('{"a":' * 100_000, "nested more than 100 levels deep"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested more than 100 levels deep"),
        (" " * 1_000_001, "longer than 1,000,000 characters"),
    ],
)
def test_unreadable(text: str, words: str) -> None:
    """What no service would have taken is refused in one line."""
    with pytest.raises(UnreadableJsonError) as caught:
        read_json(text)

    assert words == str(caught.value)


def test_deepest() -> None:
    """The deepest document that is read is as deep as it is said."""
    text = "[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1)

    assert json.loads(text) == read_json(text)
