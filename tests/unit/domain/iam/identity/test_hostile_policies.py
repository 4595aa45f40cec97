"""Policies that are written to take long, and an oracle for all others."""

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
    evaluate_identity,
    read_identity,
    read_rights,
)
from functions.domain.iam.conditions import Context
from functions.domain.iam.wildcard import matches
from tests.examples import examples
from tests.unit.domain.iam.identity.identities import (
    ALLOWED,
    BUCKET,
    DENIED,
    ROLE,
    Statement,
    allow,
    deny,
    identity,
    inverted,
)
from tests.unit.domain.iam.oracle import oracle

HOSTILE_SECONDS = 5.0


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


@pytest.mark.thorough
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
