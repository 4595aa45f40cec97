"""Who is admitted by odd resource policies: each statement is read for itself."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from functions.domain.iam.raw_statements import find_admitted

GROUP: Final = "arn:aws:logs:eu-west-1:123456789012:log-group:/app:*"
OWN: Final = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
    "Condition": {"ArnLike": {"AWS:SourceArn": GROUP}},
}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (OWN, [("logs", GROUP)]),
        ([OWN, 7, {"Unheard": 1}], [("logs", GROUP)]),
        ([{**OWN, "Effect": "Deny"}], []),
        ([{**OWN, "Condition": "none"}], [("logs", "*")]),
        (
            [{**OWN, "Condition": {"Bool": {"aws:sourcearn": [GROUP, 7]}}}],
            [("logs", GROUP), ("logs", "7")],
        ),
        ([{**OWN, "Principal": "*"}], []),
        ([{**OWN, "Principal": {"AWS": "logs.amazonaws.com"}}], []),
        ([{**OWN, "Principal": {"Service": ["s3.amazonaws.com", 7]}}], []),
        ([{**OWN, "Unheard": 1}], [("logs", GROUP)]),
        ([], []),
    ],
)
def test_each_statement_counts(statements: Any, expected: list[tuple[str, str]]) -> None:
    """What one statement says is told, however odd another one is."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})

    assert expected == list(find_admitted(policy, frozenset({"logs"})))


@pytest.mark.parametrize("policy", ["", "{", "[]", "null", '{"Statement": 7}'])
def test_what_is_no_policy_admits_nobody(policy: str) -> None:
    """What cannot be read admits nobody here."""
    assert list(find_admitted(policy, frozenset({"logs"}))) == []
