"""A queue's own policy may close a loop that no role's policy closes, or break one."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.domain.account import (
    Account,
    Area,
    FunctionDescription,
    Gap,
    MappingDescription,
    NamedPolicy,
    Queue,
    Role,
)
from functions.domain.eventgraph.build import build
from functions.domain.evidence import LoopProof

HOME = "us-east-1:123456789012"
QUEUE = f"arn:aws:sqs:{HOME}:jobs"
ROLE = "arn:aws:iam::123456789012:role/worker"
SEND = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}


def _account(
    *statements: dict[str, Any],
    own: tuple[dict[str, Any], ...] = (),
    boundary: dict[str, Any] | None = None,
    gaps: tuple[Gap, ...] = (),
) -> Account:
    policies = () if not own else (NamedPolicy(name="own", text=_text(*own)),)
    limit = None if boundary is None else NamedPolicy(name="limit", text=_text(boundary))
    return Account(
        account="123456789012",
        region="us-east-1",
        at=datetime(2026, 3, 10, tzinfo=UTC),
        functions=(
            FunctionDescription(
                name="worker", arn=f"arn:aws:lambda:{HOME}:function:worker", role_arn=ROLE
            ),
        ),
        roles={ROLE: Role(arn=ROLE, policies=policies, boundary=limit)},
        mappings=(
            MappingDescription(
                uuid="1", function_arn=f"arn:aws:lambda:{HOME}:function:worker", source_arn=QUEUE
            ),
        ),
        queues=(Queue(arn=QUEUE),),
        resource_policies={QUEUE: _text(*statements)} if statements else {QUEUE: ""},
        gaps=gaps,
    )


def _text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _to(principal: Any, **more: Any) -> dict[str, Any]:
    return {**SEND, "Principal": principal, **more}


def _proof(account: Account) -> LoopProof:
    return build(account).proofs["worker"]


def test_without_any_policy_there_is_no_loop() -> None:
    """The stage: a function that reads a queue and may not write to it."""
    assert _proof(_account()) is LoopProof.RULED_OUT


@pytest.mark.parametrize(
    ("statement", "proof"),
    [
        (_to({"AWS": ROLE}), LoopProof.CERTAIN),
        (_to({"AWS": ["arn:aws:iam::123456789012:role/other", ROLE]}), LoopProof.CERTAIN),
        (_to({"AWS": "arn:aws:iam::123456789012:role/other"}), LoopProof.RULED_OUT),
        (_to({"AWS": "arn:aws:iam::123456789012:root"}), LoopProof.RULED_OUT),
        (_to({"AWS": "123456789012"}), LoopProof.RULED_OUT),
        (_to({"Service": "sns.amazonaws.com"}), LoopProof.RULED_OUT),
        (_to("*"), LoopProof.POSSIBLE),
        (_to({"AWS": "*"}), LoopProof.POSSIBLE),
        (
            _to("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
            LoopProof.POSSIBLE,
        ),
        (
            _to("*", Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:sns:x:1:t"}}),
            LoopProof.RULED_OUT,
        ),
        (
            _to("*", Condition={"StringEquals": {"AWS:SourceOwner": "123456789012"}}),
            LoopProof.RULED_OUT,
        ),
        (
            {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sqs:*"},
            LoopProof.CERTAIN,
        ),
        (
            {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sqs:ReceiveMessage"},
            LoopProof.RULED_OUT,
        ),
    ],
)
def test_who_a_queue_admits_may_write_to_it(statement: dict[str, Any], proof: LoopProof) -> None:
    """A role by name for certain, everybody perhaps, services and the account's root not."""
    assert _proof(_account(statement)) is proof


def test_a_deny_of_the_queue_breaks_what_the_role_may() -> None:
    """The role's own permission is worth nothing against it."""
    denied = {**_to({"AWS": ROLE}), "Effect": "Deny"}

    assert _proof(_account(own=(SEND,))) is LoopProof.CERTAIN
    assert _proof(_account(denied, own=(SEND,))) is LoopProof.RULED_OUT


def test_a_boundary_limits_what_a_queue_gives_a_role() -> None:
    """IAM: a statement that names the role is within the boundary's reach."""
    only_tables = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}

    assert _proof(_account(_to({"AWS": ROLE}), boundary=only_tables)) is LoopProof.RULED_OUT


@pytest.mark.parametrize("resource", ["", QUEUE])
def test_a_policy_that_was_not_read_rules_nothing_out(resource: str) -> None:
    """It may admit anybody."""
    gap = Gap(area=Area.RESOURCE_POLICIES, resource=resource, words="AccessDenied")

    assert _proof(_account(gaps=(gap,))) is LoopProof.UNKNOWN


def test_a_malformed_policy_is_a_gap() -> None:
    """It is said with the resource, and nothing is concluded from it."""
    graph = build(_account({"Effect": "Perhaps"}))

    assert graph.proofs["worker"] is LoopProof.UNKNOWN
    assert any(QUEUE in words for words in graph.gaps)
