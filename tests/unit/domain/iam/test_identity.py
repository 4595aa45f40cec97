"""What a role may do: tables of cases, and an oracle over small policies."""

import json
from collections.abc import Mapping
from itertools import product
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.account.inventory import NamedPolicy, Role
from functions.domain.iam.access import (
    Access,
    Answer,
    Because,
    Identity,
    Reach,
    build_execution_context,
    evaluate_identity,
    read_identity,
    read_rights,
)
from functions.domain.iam.conditions import Context
from functions.domain.iam.document import Condition
from functions.domain.iam.wildcard import matches
from tests.examples import examples
from tests.unit.domain.iam.oracle import oracle

ROLE = "arn:aws:iam::111122223333:role/enrich"
BUCKET = "arn:aws:s3:::orders"
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
HOSTILE_SECONDS = 5.0
# An action that has no resources is asked for something that only a statement on `*` reaches.
NO_RESOURCE = "${*}"

ALLOWED, POSSIBLE, DENIED = Access.ALLOWED, Access.POSSIBLE, Access.DENIED
Statement = Mapping[str, Any]


def allow(actions: object, resources: object = "*", **more: object) -> Statement:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: object, resources: object = "*", **more: object) -> Statement:
    """A Deny statement."""
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def inverted(statement: Statement, *elements: str) -> Statement:
    """A statement with NotAction or NotResource instead."""
    return {f"Not{key}" if key in elements else key: value for key, value in statement.items()}


def policy(name: str, *statements: Statement) -> NamedPolicy:
    """A policy of these statements."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return NamedPolicy(name=name, text=json.dumps(document))


def identity(
    *statements: Statement, boundary: tuple[Statement, ...] | None = None, is_complete: bool = True
) -> Identity:
    """A role with one policy ``own``, and perhaps a boundary ``edge``."""
    role = Role(
        arn=ROLE,
        policies=(policy("own", *statements),),
        boundary=None if boundary is None else policy("edge", *boundary),
        is_complete=is_complete,
    )
    return read_identity(role)


ANY_WRITE = allow("s3:*", f"{BUCKET}/*", Sid="Writes")
IF_TAGGED = {"StringEquals": {"aws:PrincipalTag/team": "orders"}}


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


def test_reach() -> None:
    """The prefixes that a role may write are told apart, with what is denied of them."""
    own = identity(
        allow("s3:PutObject", [f"{BUCKET}/out/*", "arn:aws:s3:::other/*"], Sid="Out"),
        allow("s3:*Object", f"{BUCKET}/new/*", Sid="Temporary", Condition=IF_TAGGED),
        deny("s3:PutObject", f"{BUCKET}/out/final/*", Sid="Final"),
    )

    found = read_rights(own, "s3:PutObject").reach(f"{BUCKET}/*")

    assert found == (
        Reach(
            pattern=f"{BUCKET}/out/*",
            excluded=(f"{BUCKET}/out/final/*",),
            access=ALLOWED,
            because=Because.ALLOW_STATEMENT,
            policy="own",
            sid="Out",
        ),
        Reach(
            pattern=f"{BUCKET}/new/*",
            access=POSSIBLE,
            because=Because.CONDITION,
            policy="own",
            sid="Temporary",
            conditions=found[1].conditions,
            doubts=found[1].conditions,
        ),
    )
    assert [line.key for line in found[1].conditions] == ["aws:PrincipalTag/team"]
    assert found[1].is_conditional
    assert found[0].answer.access is ALLOWED


@pytest.mark.parametrize(
    ("statements", "conditions", "doubts"),
    [
        ([allow("s3:*", Condition=IF_TAGGED)], 1, 1),
        (
            [allow("s3:*", Condition=IF_TAGGED), deny("s3:*", f"{BUCKET}/x", Condition=IF_TAGGED)],
            1,
            1,
        ),
        ([allow("s3:*", Condition=IF_TAGGED), deny("s3:*", Condition=IF_TAGGED)], 0, 2),
        ([allow("s3:*", f"{BUCKET}/${{aws:username}}/*", Condition=IF_TAGGED)], 0, 1),
        ([allow("s3:*"), deny("s3:*", Condition=IF_TAGGED)], 0, 1),
        ([allow("s3:*")], 0, 0),
    ],
)
def test_what_is_open(statements: list[Statement], conditions: int, doubts: int) -> None:
    """Conditions are only named as such where, if they hold, the role certainly may."""
    (found,) = read_rights(identity(*statements), "s3:PutObject").reach(f"{BUCKET}/*")

    assert (conditions, doubts) == (len(found.conditions), len(found.doubts))


def test_reach_of_a_wide_statement() -> None:
    """A statement on everything reaches what was asked for and no more."""
    (found,) = read_rights(identity(allow("*")), "s3:PutObject").reach(f"{BUCKET}/*")

    assert found.pattern == f"{BUCKET}/*"


def test_reach_through_a_boundary() -> None:
    """A role reaches what statement and boundary allow together."""
    own = identity(allow("s3:*"), boundary=(allow("s3:*", [f"{BUCKET}/out/*", f"{BUCKET}/new/*"]),))

    found = read_rights(own, "s3:PutObject").reach(f"{BUCKET}/*")

    assert [reach.pattern for reach in found] == [f"{BUCKET}/out/*", f"{BUCKET}/new/*"]


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


@pytest.mark.parametrize(
    "statements",
    [
        [allow("s3:*", ["*"] * 20_000)],
        [allow("s3:*", [f"*{'a*' * 50}{number}" for number in range(1_000)])],
        [
            allow("s3:*"),
            *(
                inverted(deny("s3:*", [f"*{each}{number}*" for each in range(100)]), "Resource")
                for number in range(20)
            ),
        ],
        [allow("s3:*"), deny("s3:*", ["*a" * 5_000, "a?" * 5_000])],
    ],
)
def test_hostile(statements: list[Statement]) -> None:
    """Policies that are made to be slow are not, and what was not looked at stays possible."""
    own = identity(*statements, boundary=(allow(["s3:*"] * 1_000, ["*"] * 5_000),))
    start = process_time()

    answer = evaluate_identity(own, "s3:PutObject", f"{BUCKET}/*")

    assert answer.access is not DENIED
    assert process_time() - start < HOSTILE_SECONDS


# The oracle: one action, texts of two characters, and every world of two unknown conditions and
# one variable.

PATTERNS = st.text(alphabet="a*?", max_size=3) | st.sampled_from(["${v}", "a${v}", "*${v}a"])
LINES: Mapping[str, Statement] = {
    "none": {},
    "yes": {"StringEquals": {"k": "1"}},
    "no": {"StringEquals": {"k": "2"}},
    "one": {"StringEquals": {"one": "1"}},
    "other": {"StringEquals": {"other": "1"}},
}
STATEMENTS = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["Allow", "Deny"]),
        "inverted": st.booleans(),
        "patterns": st.lists(PATTERNS, min_size=1, max_size=2),
        "line": st.sampled_from(sorted(LINES)),
        "acts": st.sampled_from([["Action", "s:*"], ["Action", "t:*"], ["NotAction", "t:*"]]),
    }
)
KNOWN: Context = {"k": ("1",)}
TEXTS = tuple("".join(each) for size in range(9) for each in product("ac", repeat=size))
WORLDS = tuple(
    {"one": one, "other": other, "v": value}
    for one, other, value in product((True, False), (True, False), ("a", "cc"))
)


def document(statements: list[dict[str, Any]]) -> str:
    """The policy document of drawn statements."""
    return json.dumps(
        {
            "Statement": [
                {
                    "Effect": each["effect"],
                    each["acts"][0]: each["acts"][1],
                    "NotResource" if each["inverted"] else "Resource": each["patterns"],
                    "Condition": LINES[each["line"]],
                }
                for each in statements
            ]
        }
    )


def judged(statements: list[dict[str, Any]], text: str, world: Mapping[str, Any]) -> bool | None:
    """What drawn statements say of ``s:Act`` on a resource in a world; ``None``: nothing."""
    effects = set()
    for each in statements:
        holds = {"none": True, "yes": True, "no": False}.get(each["line"], world.get(each["line"]))
        is_meant = (each["acts"][1] == "s:*") is (each["acts"][0] == "Action")
        is_named = any(oracle(own.replace("${v}", world["v"]), text) for own in each["patterns"])
        if holds and is_meant and is_named is not each["inverted"]:
            effects.add(each["effect"])
    return False if "Deny" in effects else True if "Allow" in effects else None


@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(STATEMENTS, max_size=4),
    st.none() | st.lists(STATEMENTS, min_size=1, max_size=2),
    st.text(alphabet="a*?", max_size=3),
)
def test_against_oracle(
    own: list[dict[str, Any]], edge: list[dict[str, Any]] | None, asked: str
) -> None:
    """DENIED is true in every world and ALLOWED in every world, whatever the policies are."""
    role = Role(
        arn=ROLE,
        policies=(NamedPolicy(name="own", text=document(own)),),
        boundary=None if edge is None else NamedPolicy(name="edge", text=document(edge)),
    )
    texts = [text for text in TEXTS if oracle(asked, text)]
    allowed = [
        {
            text
            for text in texts
            if judged(own, text, world) and (edge is None or judged(edge, text, world))
        }
        for world in WORLDS
    ]

    found = read_rights(read_identity(role), "s:Act", KNOWN)
    answer, reached = found.answer(asked), found.reach(asked)

    if answer.access is DENIED:
        assert not any(allowed)
    if answer.access is ALLOWED:
        assert all(allowed)
    for reach in reached:
        keys = {line.key for line in reach.conditions}
        for world, may in zip(WORLDS, allowed, strict=True):
            if reach.access is ALLOWED or (keys and all(world[key] for key in keys)):
                assert any(matches(reach.pattern, text) for text in may)
    for text in set().union(*allowed):
        assert any(
            matches(reach.pattern, text) and not any(matches(own, text) for own in reach.excluded)
            for reach in reached
        )
