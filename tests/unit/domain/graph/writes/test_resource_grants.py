"""A queue's own policy may close a loop that no role's policy closes, or break one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.domain.account.inventory import (
    Account,
    Area,
    FunctionDescription,
    Gap,
    MappingDescription,
    NamedPolicy,
    Queue,
    Role,
)
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build

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


SESSION = "arn:aws:sts::123456789012:assumed-role/worker"


@pytest.mark.parametrize(
    ("principals", "proof"),
    [
        ({"Principal": {"AWS": "123456789012"}}, LoopProof.RULED_OUT),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, LoopProof.RULED_OUT),
        ({"Principal": {"AWS": "210987654321"}}, LoopProof.CERTAIN),
        ({"Principal": "*"}, LoopProof.RULED_OUT),
        ({"Principal": {"AWS": f"{SESSION}/worker"}}, LoopProof.POSSIBLE),
        ({"Principal": {"AWS": f"{SESSION}/other"}}, LoopProof.POSSIBLE),
        ({"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/other"}}, LoopProof.POSSIBLE),
        ({"NotPrincipal": {"AWS": ["123456789012", ROLE]}}, LoopProof.POSSIBLE),
        ({"NotPrincipal": {"AWS": "*"}}, LoopProof.CERTAIN),
        ({"Principal": {"CanonicalUser": "79a59df900b9"}}, LoopProof.POSSIBLE),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, LoopProof.CERTAIN),
    ],
)
def test_a_deny_counts_whatever_it_calls_the_role(
    principals: dict[str, Any], proof: LoopProof
) -> None:
    """Surely by its account, perhaps by a session or where everybody else is denied."""
    denied = {"Effect": "Deny", "Action": "sqs:*", "Resource": QUEUE, **principals}

    assert _proof(_account(denied, own=(SEND,))) is proof


@pytest.mark.parametrize(
    ("principal", "proof"),
    [
        ({"AWS": f"{SESSION}/worker"}, LoopProof.CERTAIN),
        ({"AWS": f"{SESSION}/other"}, LoopProof.POSSIBLE),
        ({"AWS": "arn:aws:sts::123456789012:assumed-role/other/worker"}, LoopProof.RULED_OUT),
        ("*", LoopProof.POSSIBLE),
    ],
)
def test_a_session_is_not_limited_by_the_boundary(principal: Any, proof: LoopProof) -> None:
    """IAM: an implicit Deny of a boundary does not limit what a session, or everybody, is given."""
    only_tables = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    denial = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}

    assert _proof(_account(_to(principal))) is proof
    assert _proof(_account(_to(principal), boundary=only_tables)) is proof
    assert (
        _proof(_account(_to(principal), own=(denial,), boundary=only_tables)) is LoopProof.RULED_OUT
    )


@pytest.mark.parametrize(
    "more", [{"Resource": "*"}, {"NotResource": "arn:aws:sqs:us-east-1:123456789012:other"}]
)
def test_a_policy_speaks_of_its_own_resource_only(more: dict[str, Any]) -> None:
    """Whatever its patterns match: another queue is neither opened nor closed by it."""
    statement = {"Principal": {"AWS": ROLE}, "Action": "sqs:*", **more}
    allowed = _account({"Effect": "Allow", **statement})
    denied = _account({"Effect": "Deny", **statement}, own=(SEND,))

    def of_another(account: Account) -> Account:
        policies = {f"arn:aws:sqs:{HOME}:else": account.resource_policies[QUEUE]}
        return replace(account, resource_policies=policies)

    assert _proof(allowed) is LoopProof.CERTAIN
    assert _proof(of_another(allowed)) is LoopProof.RULED_OUT
    assert _proof(denied) is LoopProof.RULED_OUT
    assert _proof(of_another(denied)) is LoopProof.CERTAIN


INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Principal": {"AWS": ROLE}}
FUNCTION = f"arn:aws:lambda:{HOME}:function:worker"


def _invocable(statement: dict[str, Any], *, qualifier: str = "", **more: Any) -> Account:
    """The function is invoked by whom its policy admits, and by nothing else."""
    account = _account(**more)
    arn = f"{FUNCTION}:{qualifier}" if qualifier else FUNCTION
    policies = {qualifier: _text({"Resource": arn, **statement})}
    (function,) = account.functions
    return replace(account, mappings=(), functions=(replace(function, resource_policies=policies),))


@pytest.mark.parametrize(
    ("statement", "more", "proof"),
    [
        (INVOKE, {}, LoopProof.CERTAIN),
        (INVOKE, {"qualifier": "live"}, LoopProof.CERTAIN),
        ({**INVOKE, "Action": "lambda:GetFunction"}, {}, LoopProof.RULED_OUT),
        (
            {**INVOKE, "Condition": {"StringEquals": {"aws:PrincipalTag/a": "b"}}},
            {},
            LoopProof.POSSIBLE,
        ),
        (
            INVOKE,
            {"own": ({"Effect": "Deny", "Action": "lambda:*", "Resource": "*"},)},
            LoopProof.RULED_OUT,
        ),
        (
            INVOKE,
            {"boundary": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}},
            LoopProof.RULED_OUT,
        ),
        ({**INVOKE, "Principal": "*"}, {}, LoopProof.POSSIBLE),
        (
            {
                **INVOKE,
                "Principal": "*",
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
            },
            {},
            LoopProof.POSSIBLE,
        ),
        (
            {
                **INVOKE,
                "Principal": "*",
                "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
            },
            {},
            LoopProof.UNKNOWN,
        ),
        ({"Effect": "Perhaps"}, {}, LoopProof.UNKNOWN),
    ],
)
def test_who_a_function_admits_may_invoke_it(
    statement: dict[str, Any], more: dict[str, Any], proof: LoopProof
) -> None:
    """By the statement's action and conditions, and by what limits the role."""
    assert _proof(_invocable(statement, **more)) is proof


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
