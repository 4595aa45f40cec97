"""How many bytes each part of the page may take, and what fits into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from functions.domain.notices.markup import Markup

MOST_BYTES: Final = 500_000
"""No page is as long as that, whatever the account holds: mail and chat carry it."""

MOST_ACCOUNTS: Final = 30
"""Accounts and Regions with a section of their own."""

_FRAME_BYTES: Final = 40_000  # style, header, contents, method
_ACCOUNT_BYTES: Final = 5_000  # headings and fixed sentences of one account
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bytes of each part, in UTF-8, for all accounts together."""

    drawn_loops: int
    listed_loops: int
    near_loops: int
    findings: int
    functions: int
    unseen: int


def plan_budget(accounts: int) -> Budget:
    """Divide the page for so many accounts that have a section."""
    left = MOST_BYTES - _FRAME_BYTES - accounts * _ACCOUNT_BYTES
    return Budget(
        drawn_loops=left * 37 // 100,
        listed_loops=left * 31 // 100,
        near_loops=left * 8 // 100,
        findings=left * 9 // 100,
        functions=left * 10 // 100,
        unseen=left * 5 // 100,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """For each group what of it was written, from its beginning, and how many bytes all take."""

    written: tuple[tuple[Markup, ...], ...]
    spent: int


def share(groups: Sequence[Sequence[_T]], write: Callable[[_T], Markup], most_bytes: int) -> Shares:
    """Write as much of each group as fits: an item of each in turn, so that none takes all.

    A group ends at its first item that does not fit, so that what is missing is its end.
    """
    written: list[list[Markup]] = [[] for _ in groups]
    unfinished = [index for index, group in enumerate(groups) if group]
    spent = 0
    while unfinished:
        going_on = []
        for index in unfinished:
            markup = write(groups[index][len(written[index])])
            size = len(markup.encode())
            if spent + size > most_bytes:
                continue
            spent += size
            written[index].append(markup)
            if len(written[index]) < len(groups[index]):
                going_on.append(index)
        unfinished = going_on
    return Shares(written=tuple(map(tuple, written)), spent=spent)
