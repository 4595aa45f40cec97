"""A reading that is stopped anywhere gives what was read, and rules nothing out."""

from __future__ import annotations

import pytest

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from cdk_loopbreaker.scanning.reading import close_facts
from functions.aws.account import facts as f
from functions.aws.account.inventory import build_account
from functions.aws.account.services import roles
from functions.domain.account.inventory import Area
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from tests.unit.cdk_loopbreaker.scanning.samples import (
    AT,
    SIZE,
    HastyStop,
    StoppingAccount,
    copy_into,
    read,
    read_sample,
)


def test_a_complete_reading_has_no_gaps() -> None:
    """Everything was read, and the loop is found."""
    region = read_sample()
    account = build_account(region.facts)

    assert region.is_complete
    assert account.gaps == ()
    assert build(account).counts.certain == 1


@pytest.mark.thorough
@pytest.mark.parametrize("calls", [1, 2, 5, 9, 14, 20, 30, 45, 60, 70, 80])
def test_a_stopped_reading_rules_nothing_out_that_it_did_not_see(calls: int) -> None:
    """Whatever is ruled out is ruled out by the complete reading too, and gaps say the rest."""
    stop = HastyStop()
    region = read(copy_into(StoppingAccount(stop, calls)), stop)
    graph = build(build_account(region.facts))
    whole = build(build_account(read_sample().facts))

    assert not region.is_complete
    assert graph.gaps
    looping = {name for name, proof in whole.proofs.items() if proof is LoopProof.CERTAIN}
    assert all(graph.proofs.get(name) is not LoopProof.RULED_OUT for name in looping)


def test_a_stop_keeps_what_environment_variables_name() -> None:
    """Their values are only seen by the run that lists the functions."""
    stop = HastyStop()
    account = copy_into(StoppingAccount(stop, 60))
    account.functions["orders-00000"]["Environment"]["Variables"]["TABLE_NAME"] = "loop-0"
    region = read(account, stop)
    environment = region.facts.of(f.ENVIRONMENTS)["orders-00000"]

    assert not region.is_complete
    assert environment is not None
    assert [one.variable for one in environment.references] == ["TABLE_NAME"]


def test_closing_complete_facts_changes_nothing() -> None:
    """There is nothing left to ask for."""
    facts = f.begin(ACCOUNT, REGION, "aws", AT)
    for section in f.SECTIONS:
        facts.load(section, read_sample().facts.of(section))
    close_facts(facts)

    assert facts.changed == set()


def test_all_settings_are_read_where_they_are_wanted() -> None:
    """By default only functions on loops are asked for theirs."""
    usual, all_of_them = read(grown(SIZE)), read(grown(SIZE), with_all_settings=True)

    assert len(usual.facts.of(f.RECURSION)) == 1
    assert len(all_of_them.facts.of(f.RECURSION)) == SIZE


def test_functions_that_may_not_be_listed_are_told_apart_from_a_stop() -> None:
    """Without functions there is no report, unless nobody had the time."""
    account = grown(1)
    account.refused.add(("lambda", "list_functions"))

    assert read(account).hides_functions
    stop = HastyStop()
    stop.set("interrupted")
    assert not read(grown(1), stop).hides_functions


def test_roles_are_read_once_for_all_regions() -> None:
    """IAM is the same in every Region, so a second one does not ask for roles again."""
    account = grown(SIZE)
    facts = f.begin(ACCOUNT, "eu-west-1", "aws", AT)

    assert roles.carry_over(read_sample().facts, facts)
    assert facts.of(f.ROLES) == read_sample().facts.of(f.ROLES)
    assert facts.is_done("roles")
    assert account.calls["iam.get_account_authorization_details"] == 0


def test_roles_that_were_not_all_read_are_read_again() -> None:
    """A refusal in one Region may be none in the next."""
    account = grown(2)
    account.refused.add(("iam", "get_account_authorization_details"))
    region = read(account)

    assert region.facts.is_missed(Area.ROLES)
    assert not roles.carry_over(region.facts, f.begin(ACCOUNT, "eu-west-1", "aws", AT))
