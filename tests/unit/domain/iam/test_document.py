"""Reading policy documents."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.domain.iam.document import (
    Condition,
    Effect,
    MalformedPolicyError,
    PolicyDocument,
    Principal,
    Principals,
    Selection,
    Statement,
    parse_policy,
)

STATEMENT = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.sampled_from(["Allow", "*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("Version", "Statement", "Sid", "Effect", "Action", "NotAction", "Resource"),
                    *("NotResource", "Principal", "NotPrincipal", "Condition", "AWS", "Null", "x"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def refusal(text: str) -> str:
    """Why a text is refused as a policy; empty if it is not."""
    try:
        parse_policy(text, "p")
    except MalformedPolicyError as error:
        return str(error)
    return ""


def test_everything() -> None:
    """Every element is read, whether it stands alone or in a list."""
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Writes",
                    "Effect": "Allow",
                    "Action": ["s3:PutObject", "s3:DeleteObject"],
                    "Resource": "arn:aws:s3:::b/*",
                    "Condition": {
                        "Bool": {"aws:SecureTransport": True},
                        "NumericLessThan": {"s3:max-keys": [5, "6"]},
                    },
                },
                {
                    "Effect": "Deny",
                    "NotAction": "iam:*",
                    "NotResource": ["a", "b"],
                    "NotPrincipal": {"AWS": ["111122223333", "*"], "Service": "s3.amazonaws.com"},
                },
            ],
        }
    )

    expected = PolicyDocument(
        name="p",
        statements=(
            Statement(
                name="Writes",
                effect=Effect.ALLOW,
                actions=Selection(patterns=("s3:PutObject", "s3:DeleteObject")),
                resources=Selection(patterns=("arn:aws:s3:::b/*",)),
                conditions=(
                    Condition(operator="Bool", key="aws:SecureTransport", values=("true",)),
                    Condition(operator="NumericLessThan", key="s3:max-keys", values=("5", "6")),
                ),
            ),
            Statement(
                name="statement 2",
                effect=Effect.DENY,
                actions=Selection(patterns=("iam:*",), is_inverted=True),
                resources=Selection(patterns=("a", "b"), is_inverted=True),
                principals=Principals(
                    listed=(
                        Principal(kind="AWS", value="111122223333"),
                        Principal(kind="AWS", value="*"),
                        Principal(kind="Service", value="s3.amazonaws.com"),
                    ),
                    is_inverted=True,
                ),
            ),
        ),
    )
    assert expected == parse_policy(text, "p")


def test_single_statement() -> None:
    """A statement need not stand in a list, and ``*`` is everybody."""
    policy = parse_policy(json.dumps({"Statement": {**STATEMENT, "Principal": "*"}}), "p")

    assert len(policy.statements) == 1
    assert policy.statements[0].principals == Principals(listed=(Principal(kind="AWS", value="*"),))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "policy p: not JSON: Expecting value (line 1, column 1)"),
        ('{"Statement": [}', "policy p: not JSON: Expecting value (line 1, column 16)"),
        ("[" * 100_000, "policy p: nested more than 100 levels deep"),
        ('{"a":' * 101 + "1" + "}" * 101, "policy p: nested more than 100 levels deep"),
        ("9" * 5_000, "policy p: not JSON: a number that is too long"),
        ('{"a": NaN}', "policy p: not JSON: NaN"),
        (" " * 1_000_001, "policy p: longer than 1,000,000 characters"),
        ('{"Statement": [], "Statement": []}', "policy p: a key stands twice in one object"),
        ("[]", "policy p: is a list, not an object"),
        ("{}", "policy p: has no Statement"),
        ({"Statement": "x"}, "policy p, statement 1: is a text, not an object"),
        ({"Statement": [STATEMENT, None]}, "policy p, statement 2: is null, not an object"),
        (
            {"Statement": {**STATEMENT, "Effects": 1}},
            "policy p, statement 1: unknown element 'Effects'",
        ),
        (
            {"Statement": {**STATEMENT, "Sid": 5}},
            "policy p, statement 1, Sid: is a number, not a text",
        ),
        (
            {"Statement": {**STATEMENT, "Effect": "allow"}},
            "policy p, statement 1, Effect: is neither Allow nor Deny",
        ),
        (
            {"Statement": {"Effect": "Deny", "Resource": "*"}},
            "policy p, statement 1: has neither Action nor NotAction",
        ),
        (
            {"Statement": {**STATEMENT, "NotAction": "x"}},
            "policy p, statement 1: has both Action and NotAction",
        ),
        (
            {"Statement": {**STATEMENT, "Action": ["a", 5]}},
            "policy p, statement 1, Action: is neither a text nor a list of texts",
        ),
        (
            {"Statement": {**STATEMENT, "Resource": {}}},
            "policy p, statement 1, Resource: is neither a text nor a list of texts",
        ),
        (
            {"Statement": {**STATEMENT, "Principal": "me"}},
            "policy p, statement 1, Principal: is a text, neither an object nor *",
        ),
        (
            {"Statement": {**STATEMENT, "Principal": {"Aws": "1"}}},
            "policy p, statement 1, Principal: unknown kind 'Aws'",
        ),
        (
            {"Statement": {**STATEMENT, "Principal": "*", "NotPrincipal": "*"}},
            "policy p, statement 1: has both Principal and NotPrincipal",
        ),
        (
            {"Statement": {**STATEMENT, "Condition": []}},
            "policy p, statement 1, Condition: is a list, not an object",
        ),
        (
            {"Statement": {**STATEMENT, "Condition": {"Bool": True}}},
            "policy p, statement 1, Condition, 'Bool': is a boolean, not an object",
        ),
        (
            {"Statement": {**STATEMENT, "Condition": {"Bool": {"k": None}}}},
            "policy p, statement 1, Condition, 'Bool', 'k': holds null",
        ),
        (
            {"Statement": [{**STATEMENT, "Sid": "A"}, {**STATEMENT, "Sid": "A"}]},
            "policy p: Sid 'A' stands twice",
        ),
    ],
)
def test_malformed(document: object, words: str) -> None:
    """What IAM would not have taken is refused, naming the policy, the place and what is wrong."""
    text = document if isinstance(document, str) else json.dumps(document)

    with pytest.raises(MalformedPolicyError) as caught:
        parse_policy(text, "p")

    assert words == str(caught.value)


@given(JSON_VALUES | st.fixed_dictionaries({"Statement": JSON_VALUES}))
@example({"Statement": [{**STATEMENT, "Sid": []}]})
@example({"Statement": [{**STATEMENT, "Effect": {}}]})
@example({"Statement": [{**STATEMENT, "Effect": []}]})
def test_hostile_documents(document: object) -> None:
    """Whatever JSON a policy is made of, it is read or refused in one line."""
    assert "\n" not in refusal(json.dumps(document))


@given(st.text(max_size=40))
@example('{"Statement": {"\\ud800": 1}}')
def test_hostile_texts(text: str) -> None:
    """Whatever text stands where a policy should, it is read or refused."""
    assert refusal(text).encode() or parse_policy(text, "p")


@pytest.mark.parametrize(
    ("element", "patterns", "action", "expected"),
    [
        ("Action", "s3:PutObject", "s3:PutObject", True),
        ("Action", "S3:putobject", "s3:PutObject", True),
        ("Action", "s3:*Object", "s3:PutObject", True),
        ("Action", "s3:Put?bject", "s3:PutObject", True),
        ("Action", "*", "s3:PutObject", True),
        ("Action", [], "s3:PutObject", False),
        ("Action", ["sqs:*", "s3:Get*"], "s3:PutObject", False),
        ("NotAction", ["sqs:*", "s3:Get*"], "s3:PutObject", True),
        ("NotAction", "s3:P*", "s3:PutObject", False),
    ],
)
def test_actions(element: str, patterns: object, action: str, expected: bool) -> None:  # noqa: FBT001
    """A statement is about the actions its patterns match, or about all others."""
    item = {"Effect": "Allow", element: patterns, "Resource": "*"}
    statement = parse_policy(json.dumps({"Statement": item}), "p").statements[0]

    assert expected == statement.speaks_of(action)
