"""What a role may do, by its policies and boundary."""

import pytest

from functions.domain.account.inventory import NamedPolicy, Role
from functions.domain.iam.access import (
    Access,
    Answer,
    Because,
    Identity,
    build_execution_context,
    evaluate_identity,
    read_identity,
)
from functions.domain.iam.document import Condition
from tests.unit.domain.iam.identity.identities import (
    ALLOWED,
    ANY_WRITE,
    BUCKET,
    DENIED,
    IF_TAGGED,
    NO_RESOURCE,
    POSSIBLE,
    ROLE,
    Statement,
    allow,
    deny,
    identity,
    inverted,
    policy,
)


@pytest.mark.parametrize(
    ("own", "resource", "access", "because"),
    [
        pytest.param(
            identity(), f"{BUCKET}/a", DENIED, Because.NO_STATEMENT, id="no statement at all"
        ),
        pytest.param(
            identity(allow("s3:PutObject", f"{BUCKET}/*")),
            f"{BUCKET}/a",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="the action on the resource",
        ),
        pytest.param(
            identity(allow("S3:putobject", f"{BUCKET}/*")),
            f"{BUCKET}/a",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="the case of an action does not count",
        ),
        pytest.param(
            identity(allow("s3:PutObject", f"{BUCKET}/A*")),
            f"{BUCKET}/a",
            DENIED,
            Because.NO_STATEMENT,
            id="the case of a resource does",
        ),
        pytest.param(
            identity(allow("s3:PutObject", BUCKET)),
            f"{BUCKET}/*",
            DENIED,
            Because.NO_STATEMENT,
            id="the bucket is none of its objects",
        ),
        pytest.param(
            identity(allow(["s3:Get*", "s3:P?tObj*"], ["arn:aws:s3:::x/*", "arn:aws:s3:::or*s/*"])),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="wildcards in the middle, lists",
        ),
        pytest.param(
            identity(inverted(allow(["iam:*", "s3:Get*"]), "Action")),
            f"{BUCKET}/a",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="NotAction allows what it does not name",
        ),
        pytest.param(
            identity(inverted(allow(["iam:*", "s3:*"]), "Action")),
            f"{BUCKET}/a",
            DENIED,
            Because.NO_STATEMENT,
            id="NotAction does not allow what it names",
        ),
        pytest.param(
            identity(inverted(allow("s3:*", f"{BUCKET}/in/*"), "Resource")),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="NotResource allows the rest of the bucket",
        ),
        pytest.param(
            identity(inverted(allow("s3:*", f"{BUCKET}/*"), "Resource")),
            f"{BUCKET}/in/*",
            DENIED,
            Because.NO_STATEMENT,
            id="NotResource does not allow what it names",
        ),
        pytest.param(
            identity(ANY_WRITE, deny("s3:Put*")),
            f"{BUCKET}/*",
            DENIED,
            Because.EXPLICIT_DENY,
            id="a Deny of everything",
        ),
        pytest.param(
            identity(ANY_WRITE, deny("s3:PutObject", f"{BUCKET}/in/*")),
            f"{BUCKET}/in/*",
            DENIED,
            Because.EXPLICIT_DENY,
            id="a Deny of the prefix that is asked for",
        ),
        pytest.param(
            identity(ANY_WRITE, deny("s3:PutObject", f"{BUCKET}/in/*")),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a Deny of a prefix leaves the rest",
        ),
        pytest.param(
            identity(
                allow("s3:*", f"{BUCKET}/in/*", Sid="In"), deny("s3:PutObject", f"{BUCKET}/i*")
            ),
            f"{BUCKET}/*",
            DENIED,
            Because.EXPLICIT_DENY,
            id="a Deny of all that is allowed",
        ),
        pytest.param(
            identity(ANY_WRITE, inverted(deny("s3:*", f"{BUCKET}/out/*"), "Resource")),
            f"{BUCKET}/in/*",
            DENIED,
            Because.EXPLICIT_DENY,
            id="a Deny of all but another prefix",
        ),
        pytest.param(
            identity(ANY_WRITE, inverted(deny("s3:*", f"{BUCKET}/out/*"), "Resource")),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a Deny of all but a prefix leaves the prefix",
        ),
        pytest.param(
            identity(ANY_WRITE, inverted(deny(["s3:Put*", "logs:*"]), "Action")),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a Deny of all actions but this",
        ),
        pytest.param(
            identity(ANY_WRITE, inverted(deny("logs:*"), "Action")),
            f"{BUCKET}/*",
            DENIED,
            Because.EXPLICIT_DENY,
            id="a Deny of all actions but others",
        ),
        pytest.param(
            identity(ANY_WRITE, deny("s3:*", Condition=IF_TAGGED)),
            f"{BUCKET}/*",
            POSSIBLE,
            Because.CONDITION,
            id="a Deny under a condition that is not known",
        ),
        pytest.param(
            identity(ANY_WRITE, deny("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a Deny under a condition that does not hold",
        ),
        pytest.param(
            identity(allow("s3:*", Condition=IF_TAGGED)),
            f"{BUCKET}/*",
            POSSIBLE,
            Because.CONDITION,
            id="a condition that is not known",
        ),
        pytest.param(
            identity(
                allow("s3:*", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})
            ),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a condition that holds",
        ),
        pytest.param(
            identity(
                allow("s3:*", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-2"}})
            ),
            f"{BUCKET}/*",
            DENIED,
            Because.OTHER_CONDITION,
            id="a condition that does not hold",
        ),
        pytest.param(
            identity(allow("s3:*", f"{BUCKET}/${{aws:PrincipalTag/team}}/*")),
            f"{BUCKET}/in/*",
            POSSIBLE,
            Because.CONDITION,
            id="a variable may be anything",
        ),
        pytest.param(
            identity(allow("s3:*", f"{BUCKET}/${{aws:PrincipalTag/team}}/*")),
            "arn:aws:s3:::other/*",
            DENIED,
            Because.NO_STATEMENT,
            id="a variable does not reach beyond the pattern",
        ),
        pytest.param(
            identity(ANY_WRITE, deny("s3:*", f"{BUCKET}/${{aws:PrincipalTag/team}}")),
            f"{BUCKET}/in/*",
            POSSIBLE,
            Because.CONDITION,
            id="a Deny of a variable may take everything",
        ),
        pytest.param(
            identity(ANY_WRITE, boundary=(allow("*"),)),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a boundary that allows it",
        ),
        pytest.param(
            identity(ANY_WRITE, boundary=(allow("dynamodb:*"),)),
            f"{BUCKET}/*",
            DENIED,
            Because.BOUNDARY,
            id="a boundary that does not allow it",
        ),
        pytest.param(
            identity(ANY_WRITE, boundary=(allow("*"), deny("s3:PutObject"))),
            f"{BUCKET}/*",
            DENIED,
            Because.EXPLICIT_DENY,
            id="a boundary that denies it",
        ),
        pytest.param(
            identity(boundary=(allow("*"),)),
            f"{BUCKET}/*",
            DENIED,
            Because.NO_STATEMENT,
            id="a boundary allows nothing by itself",
        ),
        pytest.param(
            identity(allow("s3:*", f"{BUCKET}/in/*"), boundary=(allow("s3:*", f"{BUCKET}/out/*"),)),
            f"{BUCKET}/*",
            DENIED,
            Because.BOUNDARY,
            id="a boundary on another prefix",
        ),
        pytest.param(
            identity(allow("s3:*", f"{BUCKET}/in*"), boundary=(allow("s3:*", f"{BUCKET}/*.jpg"),)),
            f"{BUCKET}/*",
            ALLOWED,
            Because.ALLOW_STATEMENT,
            id="a boundary that crosses the statement",
        ),
        pytest.param(
            identity(ANY_WRITE, boundary=(allow("*", Condition=IF_TAGGED),)),
            f"{BUCKET}/*",
            POSSIBLE,
            Because.CONDITION,
            id="a boundary under a condition that is not known",
        ),
        pytest.param(
            identity(is_complete=False),
            f"{BUCKET}/*",
            POSSIBLE,
            Because.UNREADABLE,
            id="what is missing may allow",
        ),
        pytest.param(
            identity(ANY_WRITE, is_complete=False),
            f"{BUCKET}/*",
            POSSIBLE,
            Because.UNREADABLE,
            id="what is missing may deny",
        ),
        pytest.param(
            identity(deny("s3:PutObject"), is_complete=False),
            f"{BUCKET}/*",
            DENIED,
            Because.EXPLICIT_DENY,
            id="what is missing cannot undo a Deny",
        ),
        pytest.param(
            identity(ANY_WRITE, boundary=(allow("dynamodb:*"),), is_complete=False),
            f"{BUCKET}/*",
            DENIED,
            Because.BOUNDARY,
            id="what is missing cannot pass the boundary",
        ),
        pytest.param(
            identity(allow("s3:*", [])),
            f"{BUCKET}/*",
            DENIED,
            Because.NO_STATEMENT,
            id="a statement on nothing",
        ),
        pytest.param(
            identity({"Effect": "Allow", "Action": "*"}),
            f"{BUCKET}/*",
            POSSIBLE,
            Because.CONDITION,
            id="a statement without resources",
        ),
    ],
)
def test_cases(own: Identity, resource: str, access: Access, because: Because) -> None:
    """What a role may do, and which kind of statement says so."""
    context = build_execution_context(role_arn=ROLE, region="eu-west-1")

    answer = evaluate_identity(own, "s3:PutObject", resource, context)

    assert (access, because) == (answer.access, answer.because)


def test_names() -> None:
    """An answer names the policy, the statement and the conditions that people have to look at."""
    tagged = identity(allow("s3:*", Sid="Tagged", Condition=IF_TAGGED), deny("sqs:*"))
    line = Condition(operator="StringEquals", key="aws:PrincipalTag/team", values=("orders",))

    possible = evaluate_identity(tagged, "s3:PutObject", f"{BUCKET}/a")
    denied = evaluate_identity(tagged, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q")

    assert possible == Answer(
        access=POSSIBLE,
        because=Because.CONDITION,
        policy="own",
        sid="Tagged",
        conditions=(line,),
    )
    assert denied.words == "a statement denies it (policy own, statement 2)"
    assert evaluate_identity(tagged, "sns:Publish", "*").words == "no statement allows it"


def test_condition_of_denial() -> None:
    """Where only a Deny depends on something, its condition is the one that is shown."""
    own = identity(ANY_WRITE, deny("s3:*", Condition=IF_TAGGED))

    answer = evaluate_identity(own, "s3:PutObject", f"{BUCKET}/a")

    assert [line.key for line in answer.conditions] == ["aws:PrincipalTag/team"]


@pytest.mark.parametrize(
    "statements",
    [
        [inverted(allow("s3:*", [f"{BUCKET}/?", f"{BUCKET}/??*"]), "Resource")],
        [allow("s3:*"), deny("s3:*", [f"{BUCKET}/?", f"{BUCKET}/??*"])],
        [allow("s3:*"), deny("s3:*", f"{BUCKET}/?"), deny("s3:*", f"{BUCKET}/??*")],
    ],
)
def test_joint_denial(statements: list[Statement]) -> None:
    """What is only denied by several patterns together is never said to be allowed."""
    answer = evaluate_identity(identity(*statements), "s3:PutObject", f"{BUCKET}/?*")

    assert answer.access is POSSIBLE


def test_no_resource() -> None:
    """An action that has no resources is only allowed by a statement on everything."""
    narrow, wide = identity(allow("xray:*", "arn:aws:xray:*")), identity(allow("xray:*"))

    assert evaluate_identity(narrow, "xray:PutTraceSegments", NO_RESOURCE).access is DENIED
    assert evaluate_identity(wide, "xray:PutTraceSegments", NO_RESOURCE).access is ALLOWED


MALFORMED = NamedPolicy(name="odd", text='{"Statement": 5}')


@pytest.mark.parametrize(
    ("policies", "boundary"),
    [
        ((policy("own", ANY_WRITE), MALFORMED), None),
        ((policy("own", ANY_WRITE),), NamedPolicy(name="edge", text='{"Statement": ')),
    ],
)
def test_malformed_policy(policies: tuple[NamedPolicy, ...], boundary: NamedPolicy | None) -> None:
    """Without a malformed policy or boundary the role is not complete, and nothing is sure."""
    own = read_identity(Role(arn=ROLE, policies=policies, boundary=boundary))

    assert not own.is_complete
    assert [one.name for one in own.policies] == ["own"]
    assert evaluate_identity(own, "s3:PutObject", f"{BUCKET}/a").access is POSSIBLE


def test_context() -> None:
    """What is known of every request of a function is told, and what is not known is left out."""
    known = build_execution_context(role_arn=ROLE, function_arn="arn:f", region="eu-west-1")

    assert known["aws:PrincipalAccount"] == ("111122223333",)
    assert known["lambda:SourceFunctionArn"] == ("arn:f",)
    assert known["aws:RequestedRegion"] == ("eu-west-1",)
    assert "aws:PrincipalArn" not in build_execution_context()
