"""Names of known resources in the variables of functions."""

from __future__ import annotations

from typing import Any

import pytest

from bench.worlds.growth import grown
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.account.inventory import Area
from tests.unit.aws.account.changes import with_queue, with_variable
from tests.unit.aws.account.reading import SIZE, begun, named, reader, whole


@pytest.mark.parametrize(
    "order",
    [(with_queue, with_variable), (with_variable, with_queue)],
    ids=["resource first", "variable first"],
)
def test_what_a_variable_names_is_found_in_either_order(order: Any) -> None:
    """A resource that becomes known later is found in variables that were read before."""
    aws, facts = grown(SIZE), begun()
    reader(aws).read(facts)
    for alter in order:
        account = reader(aws).work_in([alter(aws)], facts)

    assert account is not None
    assert named(account, "orders-00003") == {aws.arn("sqs", "late-queue")}


def test_what_comes_back_is_found_again() -> None:
    """A resource that is deleted and made again is found in variables that never changed."""
    aws, facts = grown(SIZE), begun()
    with_queue(aws)
    with_variable(aws)
    reader(aws).read(facts)
    mapping = aws.mappings.pop("late")
    gone = reader(aws).work_in([Change(kind=ChangeKind.MAPPING, name="late")], facts)
    aws.mappings["late"] = mapping
    again = reader(aws).work_in([Change(kind=ChangeKind.MAPPING, name="late")], facts)

    assert gone is not None
    assert again is not None
    assert named(again, "orders-00003") == {aws.arn("sqs", "late-queue")}


def test_all_variables_are_read_again_by_a_list() -> None:
    """A new resource takes one more call for each fifty functions, and a known one none."""
    aws, facts = grown(120), begun()
    reader(aws).read(facts)
    aws.calls.clear()
    reader(aws).work_in([with_queue(aws)], facts)
    first = aws.calls["lambda.list_functions"]
    aws.calls.clear()
    reader(aws).work_in([Change(kind=ChangeKind.MAPPING, name="late")], facts)

    assert (first, aws.calls["lambda.list_functions"]) == (3, 0)


def test_variables_that_cannot_be_read_again_are_a_gap() -> None:
    """Where the list is refused the second time, the account says so and names nothing."""
    aws, facts = grown(SIZE), begun()
    reader(aws).read(facts)
    aws.refused.add(("lambda", "list_functions"))
    account = reader(aws).work_in([with_queue(aws)], facts)

    assert account is not None
    assert [(one.area, one.resource) for one in account.gaps] == [
        (Area.FUNCTIONS, "environment variables")
    ]
    assert named(account, "orders-00003") == set()


@pytest.mark.parametrize(
    "environment",
    [
        {"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS"}},
        {"Variables": None},
        {"Variables": "hunter2"},
        {"Variables": {"TARGET": 7}},
        None,
    ],
)
def test_variables_that_aws_does_not_show_name_nothing(environment: Any) -> None:
    """A key that may not be used, or any other shape, leaves the function as it is."""
    aws = grown(SIZE)
    with_queue(aws)
    aws.functions["orders-00003"]["Environment"] = environment
    account = whole(aws)

    assert account.gaps == ()
    assert named(account, "orders-00003") == set()
