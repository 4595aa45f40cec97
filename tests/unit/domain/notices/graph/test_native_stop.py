"""What is said of AWS's own detection follows from the loop and its Region."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.domain.graph.build import build
from functions.domain.notices.graph.native_stop import describe_native_stop
from tests.corpus.description import cases


@pytest.mark.parametrize(
    ("account", "changes", "region", "said"),
    [
        ("sqs_same_queue", {"unread": ()}, "eu-west-1", "Probably, after about 16 rounds"),
        ("sqs_same_queue", {"unread": ("a", "b")}, "eu-west-1", "Unless a, b are set to"),
        ("s3_recursion_allowed", {}, "eu-west-1", "set to RecursiveLoop=Allow"),
        ("dynamodb_same_table", {}, "eu-west-1", "This one goes through table orders."),
        ("dynamodb_same_table", {}, "mx-central-1", "does not run in mx-central-1."),
        (
            "lambda_invokes_itself",
            {"is_protected_by_aws": False},
            "eu-west-1",
            "does not follow every step",
        ),
    ],
)
def test_words(account: str, changes: dict[str, object], region: str, said: str) -> None:
    """Each reason why AWS would not stop a loop has its words."""
    loop = build(next(case.account for case in cases() if case.name == account)).loops[0]

    assert said in describe_native_stop(replace(loop, **changes), region)  # type: ignore[arg-type]
