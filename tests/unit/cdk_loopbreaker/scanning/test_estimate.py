"""How near the number of calls that is said before is to those that are made."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from bench.worlds.growth import Mix, grown
from cdk_loopbreaker.scanning.estimate import Counts, count_resources, estimate_reading
from cdk_loopbreaker.scanning.reading import read_region
from functions.aws.account import facts as f
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_session import run_one_by_one
from tests.unit.cdk_loopbreaker.scanning.samples import HastyStop, begin, make_client

if TYPE_CHECKING:
    from bench.worlds.paged_account import PagedAccount
    from functions.aws.account.facts import Facts

MOST_COUNTING = 13


def count(account: PagedAccount) -> tuple[Counts, Facts]:
    """What is counted of an account, and the facts as they are then."""
    facts = begin()
    return count_resources(make_client(account), facts, side_by_side=run_one_by_one), facts


def mix(share: float) -> Mix:
    """An account with more or less of everything than usual."""
    return Mix(**{one.name: share * float(str(one.default)) for one in fields(Mix)})


@pytest.mark.thorough
@pytest.mark.parametrize("functions", [5, 40, 150])
@pytest.mark.parametrize("share", [0.2, 1.0, 2.5])
def test_the_estimate_is_near(functions: int, share: float) -> None:
    """Within a quarter of what is really made, counting included, in accounts of any mix."""
    account = grown(functions, mix(share))
    client, facts = make_client(account), begin()
    counts = count_resources(client, facts, side_by_side=run_one_by_one)
    estimate = estimate_reading(counts, facts)

    read_region(client, facts, side_by_side=run_one_by_one)

    assert estimate.total == pytest.approx(account.calls.total(), rel=0.25)
    assert estimate.most_calls >= estimate.total


def test_counting_takes_a_dozen_calls() -> None:
    """However large the account is, and the reading does not repeat them."""
    account = grown(150)
    counts, _ = count(account)

    assert account.calls.total() <= MOST_COUNTING
    assert counts.functions == 150
    assert max(account.calls.values()) == 1


def test_a_list_that_goes_on_is_estimated() -> None:
    """More than a page of rules is taken for as many as there usually are."""
    account = grown(600)
    counts, facts = count(account)

    assert len(facts.of(f.RULES)) == 100
    assert f.RULES.name in counts.long
    assert counts.of(f.RULES) >= 180
    assert estimate_reading(counts, facts).is_rough


def test_without_the_count_one_page_tells() -> None:
    """Where GetAccountSettings is denied, few functions are still counted."""
    account = grown(20)
    account.refused.add(("lambda", "get_account_settings"))
    counts, facts = count(account)

    assert counts.functions == 20
    assert f.FUNCTIONS.name not in counts.long
    assert facts.of(f.FUNCTIONS) == {}


def test_many_functions_that_are_not_counted_make_the_estimate_rough() -> None:
    """Nothing is made up about their number."""
    account = grown(60)
    account.refused.add(("lambda", "get_account_settings"))
    counts, facts = count(account)

    assert counts.functions is None
    assert estimate_reading(counts, facts).is_rough


def test_functions_that_may_not_be_listed_are_reported() -> None:
    """The refusal is AWS's own."""
    account = grown(1)
    account.refused |= {("lambda", "get_account_settings"), ("lambda", "list_functions")}

    assert "AccessDenied" in count(account)[0].refusal


def test_all_settings_are_part_of_the_estimate() -> None:
    """They take one more call for each function."""
    counts, facts = count(grown(40))
    usual = estimate_reading(counts, facts)
    more = estimate_reading(counts, facts, with_all_settings=True)

    assert more.total == usual.total + 40
    assert more.seconds > usual.seconds


def test_an_empty_region_takes_few_calls() -> None:
    """No functions are not the same as an unknown number."""
    estimate = estimate_reading(Counts(functions=0, roles=0), begin())

    assert estimate.total < 25
    assert Quota.LAMBDA_POLICY not in estimate.calls
    assert not estimate.is_rough


def test_a_stop_while_counting_is_no_error() -> None:
    """What is counted by then does not matter any more."""
    stop = HastyStop()
    stop.set("interrupted")
    facts = begin()

    counts = count_resources(make_client(grown(1), stop), facts, side_by_side=run_one_by_one)

    assert counts.functions is None
    assert not counts.refusal
