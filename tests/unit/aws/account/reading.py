"""An account that is read in a test, all of it or a few calls at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account import facts as f
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import READS, ReadClient
from functions.aws.account.read_session import run_one_by_one

if TYPE_CHECKING:
    from bench.worlds.paged_account import PagedAccount
    from functions.domain.account.inventory import Account

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SIZE = 40
NAMES = ("orders-00000", "orders-00001")


def begun() -> f.Facts:
    """Facts in which there is nothing yet."""
    return f.begin(ACCOUNT, REGION, "aws", NOW)


def reader(aws: PagedAccount, *, calls: int | None = None, **given: Any) -> AccountReader:
    """A reader without rest; after `calls` calls its time is up."""
    asker = ReadClient(
        aws.client,
        RateLimiter({}),
        retry=replace(READS, sleep=lambda _: None),
        is_time_up=lambda: calls is not None and asker.calls.total() >= calls,
    )
    return AccountReader(
        asker, suspects=lambda _: NAMES, **({"side_by_side": run_one_by_one} | given)
    )


def whole(aws: PagedAccount) -> Account:
    """The account as one undisturbed reading tells it."""
    account = reader(aws).read(begun())
    assert account is not None
    return account


def named(account: Account, name: str) -> set[str]:
    """What the environment of a function is known to name, without the table that all name."""
    (found,) = (one for one in account.functions if one.name == name)
    return {one.resource for one in found.environment.references if ":table/" not in one.resource}
