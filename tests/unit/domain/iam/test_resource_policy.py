"""Who may invoke a function by its resource policy, and why somebody may not."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.iam.access import Access, Answer, Because, Caller, evaluate_resource_policy
from functions.domain.iam.document import Condition

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:enrich"
RULE = "arn:aws:events:eu-west-1:111122223333:rule/nightly"
ROLE = "arn:aws:iam::444455556666:role/team/caller"
INVOKE = "lambda:InvokeFunction"
RULE_CALLS = Caller(
    service="events.amazonaws.com",
    account="111122223333",
    source_arn=RULE,
    source_account="111122223333",
)
BUCKET_CALLS = Caller(
    service="s3.amazonaws.com",
    account="111122223333",
    source_arn="arn:aws:s3:::orders",
    source_account="111122223333",
)
ROLE_CALLS = Caller(account="444455556666", arn=ROLE)
ACCOUNT_CALLS = Caller(account="444455556666")
ALLOWED, POSSIBLE, DENIED = Access.ALLOWED, Access.POSSIBLE, Access.DENIED


def statement(principal: object, /, **more: object) -> Mapping[str, Any]:
    """A statement that lets a principal invoke, as AddPermission writes it."""
    return {
        "Sid": "S",
        "Effect": "Allow",
        "Principal": principal,
        "Action": INVOKE,
        "Resource": FUNCTION,
        **more,
    }


def from_service(
    service: str, arn: str = "", account: str = "", **more: object
) -> Mapping[str, Any]:
    """A statement for a service, as AddPermission writes it."""
    condition: dict[str, dict[str, str]] = {}
    if arn:
        condition["ArnLike"] = {"AWS:SourceArn": arn}
    if account:
        condition["StringEquals"] = {"AWS:SourceAccount": account}
    return statement({"Service": service}, Condition=condition, **more)


def answer(
    statements: list[Mapping[str, Any]],
    caller: Caller,
    action: str = INVOKE,
    resource: str = FUNCTION,
) -> Answer:
    """What a policy of these statements answers."""
    text = json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements})
    return evaluate_resource_policy(text, caller, action, resource)


@pytest.mark.parametrize(
    ("statements", "caller", "access", "because"),
    [
        pytest.param(
            [from_service("events.amazonaws.com", RULE)],
            RULE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="this rule",
        ),
        pytest.param(
            [from_service("events.amazonaws.com")],
            RULE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="every rule of every account",
        ),
        pytest.param(
            [from_service("events.amazonaws.com", "arn:aws:events:eu-west-1:111122223333:rule/*")],
            RULE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a wildcard in the source ARN",
        ),
        pytest.param(
            [
                statement(
                    {"Service": "events.amazonaws.com"},
                    Condition={"StringLike": {"aws:sourcearn": "arn:*nightly"}},
                )
            ],
            RULE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="StringLike, and the key in another case",
        ),
        pytest.param(
            [
                from_service("events.amazonaws.com", RULE + "-old"),
                from_service("sns.amazonaws.com", RULE, Sid="Other"),
            ],
            RULE_CALLS,
            DENIED,
            Because.OTHER_SOURCE_ARN,
            id="another rule, and another service",
        ),
        pytest.param(
            [from_service("s3.amazonaws.com", "arn:aws:s3:::orders", "999900001111")],
            BUCKET_CALLS,
            DENIED,
            Because.OTHER_SOURCE_ACCOUNT,
            id="another source account",
        ),
        pytest.param(
            [from_service("s3.amazonaws.com", "arn:aws:s3:::orders", "111122223333")],
            BUCKET_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="this bucket of this account",
        ),
        pytest.param(
            [from_service("s3.amazonaws.com", "arn:aws:s3:::orders", "111122223333")],
            replace(BUCKET_CALLS, source_account=None),
            POSSIBLE,
            Because.CONDITION,
            id="a bucket whose account is not known",
        ),
        pytest.param(
            [from_service("s3.amazonaws.com", "arn:aws:s3:::orders", "111122223333")],
            replace(BUCKET_CALLS, source_account=""),
            DENIED,
            Because.OTHER_SOURCE_ACCOUNT,
            id="a source that sends no account",
        ),
        pytest.param(
            [from_service("apigateway.amazonaws.com", "arn:aws:execute-api:r:1:api/prod/GET/x")],
            Caller(
                service="apigateway.amazonaws.com", source_arn="arn:aws:execute-api:r:1:api/*/GET/x"
            ),
            POSSIBLE,
            Because.CONDITION,
            id="one stage of an API",
        ),
        pytest.param(
            [from_service("apigateway.amazonaws.com", "arn:aws:execute-api:r:1:api/*/*/x")],
            Caller(
                service="apigateway.amazonaws.com", source_arn="arn:aws:execute-api:r:1:api/*/GET/x"
            ),
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="every stage of an API",
        ),
        pytest.param(
            [from_service("logs.eu-west-1.amazonaws.com")],
            Caller(service="logs.amazonaws.com"),
            POSSIBLE,
            Because.CONDITION,
            id="the name of a service in a Region",
        ),
        pytest.param(
            [from_service("events.amazonaws.com", RULE, Resource=f"{FUNCTION}:live")],
            RULE_CALLS,
            DENIED,
            Because.OTHER_RESOURCE,
            id="an alias where the function is invoked",
        ),
        pytest.param(
            [from_service("events.amazonaws.com", RULE, Action="lambda:*")],
            RULE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="every action",
        ),
        pytest.param(
            [from_service("events.amazonaws.com", RULE, Action="lambda:GetFunction")],
            RULE_CALLS,
            DENIED,
            Because.NO_STATEMENT,
            id="another action",
        ),
        pytest.param([], RULE_CALLS, DENIED, Because.NO_STATEMENT, id="no statement"),
        pytest.param(
            [
                from_service("events.amazonaws.com", RULE),
                from_service("events.amazonaws.com", RULE, Effect="Deny", Sid="No"),
            ],
            RULE_CALLS,
            DENIED,
            Because.EXPLICIT_DENY,
            id="a Deny",
        ),
        pytest.param(
            [
                from_service("events.amazonaws.com"),
                from_service("events.amazonaws.com", RULE + "-old", Effect="Deny", Sid="No"),
            ],
            RULE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a Deny of another rule",
        ),
        pytest.param(
            [
                from_service("events.amazonaws.com"),
                statement("*", Effect="Deny", Sid="No", Condition={"Bool": {"x:y": "true"}}),
            ],
            RULE_CALLS,
            POSSIBLE,
            Because.EXPLICIT_DENY,
            id="a Deny under a condition that is not known",
        ),
        pytest.param(
            [
                from_service("events.amazonaws.com", RULE + "-old"),
                statement("*", Effect="Deny", Sid="No", Condition={"Bool": {"x:y": "true"}}),
            ],
            RULE_CALLS,
            DENIED,
            Because.OTHER_SOURCE_ARN,
            id="a possible Deny of what is not allowed anyway",
        ),
        pytest.param(
            [statement("*")], RULE_CALLS, ALLOWED, Because.ALLOW_STATEMENT, id="everybody"
        ),
        pytest.param(
            [statement({"AWS": "*"})], ROLE_CALLS, ALLOWED, Because.ALLOW_STATEMENT, id="AWS: *"
        ),
        pytest.param(
            [statement({"AWS": "444455556666"})],
            ROLE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="an account by its number",
        ),
        pytest.param(
            [statement({"AWS": "arn:aws:iam::444455556666:root"})],
            ROLE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="an account by its root",
        ),
        pytest.param(
            [statement({"AWS": "arn:aws:iam::444455556666:root"})],
            ACCOUNT_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="anybody of the account",
        ),
        pytest.param(
            [statement({"AWS": ["777788889999", ROLE]})],
            ROLE_CALLS,
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="the role",
        ),
        pytest.param(
            [statement({"AWS": ROLE})],
            ACCOUNT_CALLS,
            POSSIBLE,
            Because.CONDITION,
            id="somebody of the account",
        ),
        pytest.param(
            [statement({"AWS": "arn:aws:sts::444455556666:assumed-role/caller/session"})],
            ROLE_CALLS,
            POSSIBLE,
            Because.CONDITION,
            id="one session of the role",
        ),
        pytest.param(
            [statement({"AWS": "arn:aws:iam::444455556666:role/other"})],
            ROLE_CALLS,
            DENIED,
            Because.NO_STATEMENT,
            id="another role",
        ),
        pytest.param(
            [statement({"AWS": "777788889999"})],
            ROLE_CALLS,
            DENIED,
            Because.NO_STATEMENT,
            id="another account",
        ),
        pytest.param(
            [statement({"AWS": "AROAEXAMPLEID"})],
            ROLE_CALLS,
            DENIED,
            Because.NO_STATEMENT,
            id="a role that was deleted",
        ),
        pytest.param(
            [statement({"Service": "events.amazonaws.com"})],
            ROLE_CALLS,
            DENIED,
            Because.NO_STATEMENT,
            id="a service where a role calls",
        ),
        pytest.param(
            [statement({"Federated": "cognito-identity.amazonaws.com"})],
            ROLE_CALLS,
            DENIED,
            Because.NO_STATEMENT,
            id="a federation where a role calls",
        ),
        pytest.param(
            [statement("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})],
            ROLE_CALLS,
            POSSIBLE,
            Because.CONDITION,
            id="an organisation that is not known",
        ),
        pytest.param(
            [statement("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})],
            replace(ROLE_CALLS, organisation="o-1"),
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="this organisation",
        ),
        pytest.param(
            [statement("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})],
            replace(ROLE_CALLS, organisation="o-2"),
            DENIED,
            Because.OTHER_CONDITION,
            id="another organisation",
        ),
        pytest.param(
            [statement("*", Condition={"ArnLike": {"aws:PrincipalArn": "*:role/team/*"}})],
            ROLE_CALLS,
            POSSIBLE,
            Because.CONDITION,
            id="an ARN pattern of fewer parts than an ARN has",
        ),
        pytest.param(
            [statement("*")],
            Caller(),
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a caller of whom nothing is known",
        ),
    ],
)
def test_cases(
    statements: list[Mapping[str, Any]], caller: Caller, access: Access, because: Because
) -> None:
    """Who may invoke, and what of the nearest statement does not fit."""
    found = answer(statements, caller)

    assert (access, because) == (found.access, found.because)


def test_not_principal() -> None:
    """NotPrincipal is everybody else: a role is only left out with its session."""
    session = "arn:aws:sts::444455556666:assumed-role/caller/nightly"
    others = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": [ROLE, "444455556666"]},
        "Action": "*",
        "Resource": "*",
    }
    all_three = {**others, "NotPrincipal": {"AWS": [ROLE, "444455556666", session]}}

    assert answer([statement("*"), others], ROLE_CALLS).access is POSSIBLE
    assert (
        answer([statement("*"), all_three], replace(ROLE_CALLS, session="nightly")).access
        is ALLOWED
    )
    assert answer([statement("*"), others], RULE_CALLS).because is Because.EXPLICIT_DENY


@pytest.mark.parametrize("named", ["111122223333", "arn:aws:iam::111122223333:root"])
def test_own_account(named: str) -> None:
    """What a function allows its own account its policies have to hand on; a Deny hits them all."""
    role = Caller(account="111122223333", arn="arn:aws:iam::111122223333:role/own")
    denial = {"Effect": "Deny", "Principal": {"AWS": named}, "Action": "*", "Resource": "*"}

    assert answer([statement({"AWS": named})], role).access is DENIED
    assert answer([statement({"AWS": named})], ROLE_CALLS).access is DENIED
    assert answer([statement({"AWS": role.arn}), denial], role).because is Because.EXPLICIT_DENY


def test_qualifier() -> None:
    """A statement for an alias lets the alias be invoked, and a wildcard every version."""
    alias = [from_service("events.amazonaws.com", RULE, Resource=f"{FUNCTION}:live")]
    every = [from_service("events.amazonaws.com", RULE, Resource=f"{FUNCTION}:*")]

    assert answer(alias, RULE_CALLS, resource=f"{FUNCTION}:live").access is ALLOWED
    assert answer(every, RULE_CALLS, resource=f"{FUNCTION}:7").access is ALLOWED
    assert answer(every, RULE_CALLS).because is Because.OTHER_RESOURCE


def test_nearest_statement() -> None:
    """Of several statements that do not fit, the one with the fewest faults is named."""
    found = answer(
        [
            from_service("s3.amazonaws.com", "arn:aws:s3:::old", "999900001111", Sid="Far"),
            from_service("s3.amazonaws.com", "arn:aws:s3:::old", "111122223333", Sid="Near"),
        ],
        BUCKET_CALLS,
    )

    assert found == Answer(
        access=DENIED,
        because=Because.OTHER_SOURCE_ARN,
        policy="resource policy",
        sid="Near",
        conditions=(
            Condition(operator="ArnLike", key="AWS:SourceArn", values=("arn:aws:s3:::old",)),
        ),
    )


def test_url() -> None:
    """The permission for a function URL is another action, with a key that the caller knows."""
    public = statement(
        "*",
        Action="lambda:InvokeFunctionUrl",
        Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    )
    anybody = Caller(known={"lambda:FunctionUrlAuthType": ("NONE",)})

    assert answer([public], anybody, "lambda:InvokeFunctionUrl").access is ALLOWED
    assert answer([public], Caller(), "lambda:InvokeFunctionUrl").access is POSSIBLE
    assert answer([public], anybody).because is Because.NO_STATEMENT


@pytest.mark.parametrize("text", [None, ""])
def test_no_policy(text: str | None) -> None:
    """Without a policy nobody may invoke by it."""
    expected = Answer(access=DENIED, because=Because.NO_POLICY)

    assert expected == evaluate_resource_policy(text, RULE_CALLS, INVOKE, FUNCTION)


def test_unreadable() -> None:
    """A policy that cannot be read may say anything."""
    expected = Answer(access=POSSIBLE, because=Because.UNREADABLE, policy="resource policy")

    assert expected == evaluate_resource_policy('{"Statement": {}}', RULE_CALLS, INVOKE, FUNCTION)


@given(
    st.dictionaries(st.sampled_from(["AWS", "Service"]), st.text(max_size=30), max_size=2),
    st.text(max_size=10),
    st.builds(
        Caller,
        service=st.text(max_size=8),
        account=st.text(max_size=8),
        arn=st.text(max_size=8),
        source_arn=st.none() | st.text(max_size=8),
        source_account=st.none() | st.text(max_size=8),
    ),
)
def test_hostile(principal: dict[str, str], value: str, caller: Caller) -> None:
    """Whatever names a policy holds and whoever calls, there is an answer."""
    condition = {"ArnLike": {"aws:SourceArn": value}, "StringLike": {"aws:PrincipalArn": value}}

    found = answer([statement(principal, Condition=condition)], caller)

    assert found.words
