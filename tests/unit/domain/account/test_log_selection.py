"""Selection criteria of an account's log subscription."""

from __future__ import annotations

import pytest

from functions.domain.account.log_selection import parse_selection


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("", ()),
        ('LogGroupName NOT IN ["a", "b"]', ("a", "b")),
        ('LogGroupName  NOT\nIN ["a"]', ("a",)),
        ('LogGroupName IN ["a"]', None),
        ("LogGroupName NOT IN [a]", None),
        (f"LogGroupName NOT IN {'[' * 20_000}]", None),
        ("LogGroupName NOT IN [" * 100_000, None),
    ],
)
def test_what_is_left_out(criteria: str, expected: tuple[str, ...] | None) -> None:
    """The groups that are listed; nothing is concluded from any other words."""
    assert expected == parse_selection(criteria)
