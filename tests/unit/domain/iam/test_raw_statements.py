"""Statements of odd policies, read one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.iam.document import parse_policy
from functions.domain.iam.raw_statements import (
    list_actions,
    list_condition_values,
    list_principals,
    list_statements,
    trusts_account,
)

PLAIN = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Principal": {"Service": "a"}}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Effect", "Action", "Principal", "Service", "AWS", "Condition"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("policy", ["", "[]", "{}", "null", "7", '{"Statement": 7}', None, []])
def test_what_is_no_policy_has_no_statements(policy: object) -> None:
    """Another JSON value than an object with statements has none."""
    assert list_statements(policy) == ()


@pytest.mark.parametrize("policy", ["{", "policy", "[" * 100_000])
def test_what_is_no_json_is_told(policy: str) -> None:
    """A text that is no JSON is one error, whatever is wrong with it."""
    with pytest.raises(ValueError, match=r"."):
        list_statements(policy)


def test_an_odd_statement_hides_no_other() -> None:
    """What is no statement is left out, and the rest is read."""
    document = {"Statement": [7, PLAIN, None, {"Effect": 7, "Unheard": {}}]}

    assert list_statements(document) == (PLAIN, {"Effect": 7, "Unheard": {}})
    assert list_statements(json.dumps({"Statement": PLAIN})) == (PLAIN,)


@pytest.mark.parametrize(
    ("principal", "services", "others"),
    [
        ("*", (), ("*",)),
        ("somebody", (), ()),
        ({"Service": ["a", "b"], "AWS": "c"}, ("a", "b"), ("c",)),
        ({"AWS": [1, None]}, (), ("1", "None")),
        (None, (), ()),
        (["*"], (), ()),
    ],
)
def test_principals(principal: object, services: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Principals are listed by their kind; one that is no text is told as it is written."""
    statement = {"Principal": principal}

    assert (services, others) == (
        list_principals(statement, "Service"),
        list_principals(statement, "AWS"),
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"ArnLike": {"AWS:SourceArn": ["a", "b"]}}, [("ArnLike", "a"), ("ArnLike", "b")]),
        ({"ArnLike": {"aws:sourcearn": "a"}, "Bool": {"x": "y"}}, [("ArnLike", "a")]),
        ({"ArnLike": "no keys"}, []),
        ("no condition", []),
        (None, []),
    ],
)
def test_condition_values(condition: object, expected: list[tuple[str, str]]) -> None:
    """Every value of a key is told with its operator."""
    assert expected == list(list_condition_values({"Condition": condition}, "aws:SourceArn"))


@given(policy=json_values)
def test_nothing_is_too_odd(policy: Any) -> None:
    """Whatever the JSON, statements are told without an error, and the same of its text."""
    statements = list_statements(policy) if not isinstance(policy, str) else ()

    assert isinstance(policy, str) or list_statements(json.dumps(policy)) == statements
    for statement in statements:
        list_actions(statement)
        list_principals(statement, "Service")
        list(list_condition_values(statement, "aws:SourceArn"))


@given(
    services=st.lists(st.text(max_size=4), min_size=1, max_size=3),
    sources=st.lists(st.text(max_size=4), min_size=1, max_size=3),
)
def test_as_the_strict_reader(services: list[str], sources: list[str]) -> None:
    """Of a policy that IAM would take both readers tell the same."""
    condition = {"ArnLike": {"AWS:SourceArn": sources}}
    policy = json.dumps(
        {"Statement": {**PLAIN, "Principal": {"Service": services}, "Condition": condition}}
    )

    (strict,) = parse_policy(policy, "own").statements
    (raw,) = list_statements(policy)

    assert strict.actions.patterns == list_actions(raw)
    assert strict.principals is not None
    assert list_principals(raw, "Service") == tuple(one.value for one in strict.principals.listed)
    assert [value for _, value in list_condition_values(raw, "aws:sourcearn")] == list(
        strict.conditions[0].values
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, True),
        ({"Principal": {"AWS": ["210987654321", "123456789012"]}}, True),
        ({"Principal": "*"}, True),
        ({"NotPrincipal": {"AWS": "210987654321"}}, True),
        ({"Principal": {"AWS": "210987654321"}}, False),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({}, False),
    ],
)
def test_whom_a_role_trusts(statement: dict[str, Any], expected: object) -> None:
    """Somebody of the account, or anybody: a function of the account may be that somebody."""
    assert trusts_account({"Statement": [statement]}, "123456789012") is expected
