"""A scan of several Regions, and what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from cdk_loopbreaker.scanning.errors import ScanError
from cdk_loopbreaker.scanning.reading import RegionFacts
from cdk_loopbreaker.scanning.scan import Scan, ScanOptions
from cdk_loopbreaker.scanning.snapshot import Snapshot
from functions.aws.account import facts as f
from functions.aws.account.inventory import build_account
from functions.aws.account.read_session import run_one_by_one
from tests.unit.cdk_loopbreaker.scanning.samples import (
    AT,
    SIZE,
    HastyStop,
    StoppingAccount,
    copy_into,
    read,
)

if TYPE_CHECKING:
    from bench.worlds.paged_account import PagedAccount
    from cdk_loopbreaker.scanning.client import StopSignal

REFUSED = {("lambda", "get_account_settings"), ("lambda", "list_functions")}


def make_scan(
    accounts: dict[str, PagedAccount], stop: StopSignal | None = None, **options: Any
) -> Scan:
    """A scan in which each Region has an account of its own."""
    return Scan(
        ACCOUNT,
        "aws",
        lambda region: accounts[region].client,
        at=AT,
        stop=stop or HastyStop(),
        options=ScanOptions(rates={}, side_by_side=run_one_by_one, **options),
    )


def read_all(scan: Scan, *regions: str) -> tuple[RegionFacts, ...]:
    """All Regions, counted and read."""
    return scan.read(scan.plan(regions))


def test_several_regions_are_read_and_iam_once() -> None:
    """The second Region takes over the roles of the first."""
    accounts = {"us-east-1": grown(SIZE), "eu-west-1": grown(SIZE)}
    first, second = read_all(make_scan(accounts), "us-east-1", "eu-west-1")

    assert (first.facts.region, second.facts.region) == ("us-east-1", "eu-west-1")
    assert accounts["us-east-1"].calls["iam.get_account_authorization_details"] > 0
    assert not [one for one in accounts["eu-west-1"].calls if one.startswith("iam.")]
    assert build_account(second.facts).roles == build_account(first.facts).roles


def test_a_stop_leaves_the_other_regions_unread_not_unmentioned() -> None:
    """A Region that was not read any more is in the result, and sees nothing."""
    stop = HastyStop()
    accounts = {"us-east-1": copy_into(StoppingAccount(stop, 50)), "eu-west-1": grown(SIZE)}
    first, second = read_all(make_scan(accounts, stop), "us-east-1", "eu-west-1")

    assert not first.is_complete
    assert not second.is_complete
    assert first.facts.of(f.FUNCTIONS)
    assert not second.facts.of(f.FUNCTIONS)
    assert second.facts.of(f.GAPS)


def test_a_stop_while_counting_ends_as_well() -> None:
    """Nothing is read, and nothing is said to be ruled out."""
    stop = HastyStop()
    (region,) = read_all(make_scan({REGION: copy_into(StoppingAccount(stop, 3))}, stop), REGION)

    assert not region.is_complete
    assert build_account(region.facts).gaps


def test_an_account_that_refuses_everything_is_an_error() -> None:
    """It is found out before anything else is asked for, and says what to do."""
    account = grown(1)
    account.refused |= REFUSED

    with pytest.raises(ScanError, match=r"AccessDenied.*--print-policy"):
        make_scan({REGION: account}).plan([REGION])


def test_one_region_that_refuses_does_not_hide_the_others() -> None:
    """Its gap is in the report."""
    accounts = {"us-east-1": grown(2), "eu-west-1": grown(1)}
    accounts["eu-west-1"].refused |= REFUSED
    first, second = read_all(make_scan(accounts), "us-east-1", "eu-west-1")

    assert not first.hides_functions
    assert second.hides_functions


def test_functions_that_are_counted_but_not_listed_are_an_error() -> None:
    """The refusal is found while reading."""
    account = grown(1)
    account.refused.add(("lambda", "list_functions"))

    with pytest.raises(ScanError, match="the functions cannot be listed"):
        read_all(make_scan({REGION: account}), REGION)


def test_a_stopped_scan_can_be_gone_on_with() -> None:
    """What was read of details is not asked for again; the end is that of one reading."""
    stop = HastyStop()
    half = read(copy_into(StoppingAccount(stop, 60)), stop)
    account = grown(SIZE)
    earlier = Snapshot(regions=(half,), at=AT)
    (whole,) = read_all(make_scan({REGION: account}, earlier=earlier), REGION)

    assert whole.is_complete
    assert account.calls["lambda.get_policy"] < SIZE
    assert build_account(whole.facts) == build_account(read(grown(SIZE)).facts)


def test_a_scan_of_another_account_is_not_gone_on_with() -> None:
    """Two accounts are never mixed."""
    facts = f.begin("210987654321", REGION, "aws", AT)
    other = Snapshot(regions=(RegionFacts(facts=facts),), at=AT)

    with pytest.raises(ScanError, match="snapshot is of account 210987654321"):
        make_scan({REGION: grown(1)}, earlier=other).plan([REGION])
