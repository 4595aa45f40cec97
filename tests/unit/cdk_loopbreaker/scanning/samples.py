"""Accounts for the tests of the scan: they answer within the process, and without a pace."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION, PagedAccount
from cdk_loopbreaker.scanning.client import ScanClient, StopSignal
from cdk_loopbreaker.scanning.reading import read_region
from functions.aws.account import facts as f
from functions.aws.account.read_session import run_one_by_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdk_loopbreaker.scanning.reading import RegionFacts
    from functions.aws.account.read_client import Operation

AT = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
SIZE = 30


class HastyStop(StopSignal):
    """A signal that lets no time pass."""

    def sleep(self, seconds: float) -> None:
        """Do not wait."""


class StoppingAccount(PagedAccount):
    """An account whose scan is stopped after so many calls."""

    def __init__(self, stop: StopSignal, calls: int) -> None:
        super().__init__()
        self._stop = stop
        self._left = calls

    def answer(self, service: str, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The answer; the last one stops the scan."""
        self._left -= 1
        if self._left <= 0:
            self._stop.set("interrupted")
        return super().answer(service, method, given)


def begin() -> f.Facts:
    """Facts in which there is nothing yet."""
    return f.begin(ACCOUNT, REGION, "aws", AT)


def make_client(
    account: PagedAccount,
    stop: StopSignal | None = None,
    on_call: Callable[[Operation], None] = lambda _: None,
) -> ScanClient:
    """A client of an account, in no pace."""
    return ScanClient(account.client, stop=stop or HastyStop(), rates={}, on_call=on_call)


def read(account: PagedAccount, stop: StopSignal | None = None, **more: Any) -> RegionFacts:
    """What a scan reads of an account, in a fixed order."""
    return read_region(make_client(account, stop), begin(), side_by_side=run_one_by_one, **more)


def copy_into(target: PagedAccount, functions: int = SIZE) -> PagedAccount:
    """Put everything of a grown account into another kind of account."""
    for name, value in vars(grown(functions)).items():
        if name != "calls":
            setattr(target, name, value)
    return target


@functools.cache
def read_sample() -> RegionFacts:
    """A complete reading; it is not to be changed."""
    return read(grown(SIZE))
