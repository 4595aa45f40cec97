"""What has changed since the last reading is worked in."""

from __future__ import annotations

from typing import Any

import pytest

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION, PagedAccount
from functions.aws.account import facts as f
from functions.aws.account.inventory import build_account
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.account.inventory import Area, Gap
from tests.unit.aws.account.changes import CHANGES
from tests.unit.aws.account.reading import NOW, SIZE, begun, reader, whole


def test_an_hour_later_only_lists_and_new_things_are_read() -> None:
    """Details that are known are carried over; what is new is asked for, what is gone forgotten."""
    aws, facts = grown(SIZE), begun()
    reader(aws).read(facts)
    aws.calls.clear()
    new = dict(aws.functions["orders-00000"], FunctionName="new")
    new["FunctionArn"] = aws.arn("lambda", "function:new")
    aws.functions["new"] = new
    del aws.functions["orders-00009"]
    later = f.begin(ACCOUNT, REGION, "aws", NOW, carried_from=facts)
    account = reader(aws).read(later)

    assert account is not None
    assert (account) == whole(aws)
    assert aws.calls["lambda.get_policy"] == 1 + SIZE  # the new one, then the whole reading
    assert "orders-00009" not in later.of(f.POLICIES)


@pytest.mark.thorough
@pytest.mark.parametrize("alter", CHANGES, ids=lambda one: one.__name__)
def test_a_change_is_worked_in(alter: Any) -> None:
    """After a change the account is what a new reading finds, in fewer than 20 calls."""
    aws, facts = grown(SIZE), begun()
    before = reader(aws).read(facts)
    change = alter(aws)
    aws.calls.clear()
    after = reader(aws).work_in([change], facts)
    calls = aws.calls.total()

    assert after is not None
    assert after == whole(aws)
    assert after != before
    assert calls < 20


def test_a_change_that_may_not_be_read_keeps_what_was_known() -> None:
    """A refusal leaves the account as it was, with a gap beside it."""
    aws, facts = grown(SIZE), begun()
    before = reader(aws).read(facts)
    aws.refused.add(("events", "describe_rule"))
    after = reader(aws).work_in([Change(kind=ChangeKind.RULE, name="default|rule-1")], facts)

    assert before is not None
    assert after is not None
    assert after.rules == before.rules
    assert [(gap.area, gap.resource, gap.action) for gap in after.gaps] == [
        (Area.RULES, "default|rule-1", "events:DescribeRule")
    ]


def test_a_gap_is_taken_back_once_it_is_closed() -> None:
    """What can be read again is no gap any more."""
    aws, facts = grown(SIZE), begun()
    change = Change(kind=ChangeKind.RULE, name="default|rule-1")
    reader(aws).read(facts)
    aws.refused.add(("events", "describe_rule"))
    reader(aws).work_in([change], facts)
    aws.refused.clear()
    after = reader(aws).work_in([change], facts)

    assert after is not None
    assert after.gaps == ()


def test_the_gap_of_an_account_that_says_nothing() -> None:
    """Who may ask nothing gets an account with a gap for every list, and no error."""
    aws = grown(3)
    aws.refused |= {
        (service, method.removeprefix("_"))
        for method in dir(PagedAccount)
        if method.startswith(("_list", "_get", "_describe"))
        for service in (
            "lambda",
            "iam",
            "events",
            "scheduler",
            "pipes",
            "s3",
            "sns",
            "sqs",
            "logs",
            "stepfunctions",
            "firehose",
            "resourcegroupstaggingapi",
            "apigateway",
            "apigatewayv2",
        )
    }
    account = whole(aws)

    assert account.functions == ()
    assert all(isinstance(gap, Gap) and gap.action for gap in account.gaps)
    assert not account.sees(Area.FUNCTIONS)


def test_accounts_of_the_same_facts_are_equal() -> None:
    """Putting the account together twice gives the same."""
    facts = begun()
    reader(grown(SIZE)).read(facts)

    assert build_account(facts) == build_account(facts)
