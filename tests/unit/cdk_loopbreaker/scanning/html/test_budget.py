"""What is written fits into the bytes that it may take, and no account takes all of them."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_loopbreaker.scanning.html.budget import MOST_ACCOUNTS, MOST_BYTES, plan_budget, share
from functions.domain.notices.markup import Markup


def test_a_group_ends_where_nothing_fits_any_more() -> None:
    """Each group has its turn; what is left out is the end of a group."""
    shares = share((["aaaa", "aa"], ["b"], []), Markup, 6)

    assert shares.written == (("aaaa",), ("b",), ())
    assert shares.spent == 5


@given(st.lists(st.lists(st.text(max_size=9), max_size=9), max_size=9), st.integers(0, 200))
def test_never_more_than_allowed(groups: list[list[str]], most: int) -> None:
    """What is written is the beginning of each group, and all of it together fits."""
    shares = share(groups, Markup, most)

    assert shares.spent == sum(len(one.encode()) for own in shares.written for one in own) <= most
    for group, own in zip(groups, shares.written, strict=True):
        assert list(own) == group[: len(own)]


@pytest.mark.parametrize("accounts", [0, 1, MOST_ACCOUNTS])
def test_the_parts_of_a_budget_are_the_page(accounts: int) -> None:
    """The parts leave room for what every page and every account has."""
    parts = astuple(plan_budget(accounts))

    assert all(one > 10_000 for one in parts)
    assert sum(parts) <= MOST_BYTES - 40_000 - 4_000 * accounts
