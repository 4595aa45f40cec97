"""Loops of whole accounts: what is counted, bounded, accepted and protected."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from functions.domain.account.inventory import Area, Gap
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from functions.domain.graph.model import Acceptance, Certainty, Doubt, EdgeReason
from functions.domain.graph.paths.search import describe_edges, search
from functions.domain.graph.propagation.graph import Rank
from functions.domain.graph.propagation.propagate import propagate
from tests.corpus.description import ACCOUNT, REGION
from tests.unit.domain.graph.accounts.samples import ACCOUNTS, graph_of, loop_of, many

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account
    from functions.domain.graph.model import Edge


def test_accepted_by_name() -> None:
    """A loop is accepted by the name of one of its functions, and keeps the reason."""
    graph = build(ACCOUNTS["dynamodb_two_functions"], {"price": "prices settle"})

    assert [Acceptance(by="price", reason="prices settle")] == [
        loop.accepted for loop in graph.loops
    ]


def test_the_tag_comes_before_the_name() -> None:
    """Where both say why, the function's own tag counts."""
    (loop,) = build(ACCOUNTS["accepted_by_tag"], {"walk": "other"}).loops

    assert loop.accepted is not None
    assert loop.accepted.reason == "walks a tree, ends at its leaves"


def test_regions_without_detection() -> None:
    """Where AWS does not look for loops, none is called protected."""
    account = ACCOUNTS["s3_same_bucket"]
    moved = replace(
        account,
        region="mx-central-1",
        functions=tuple(
            replace(one, arn=one.arn.replace(REGION, "mx-central-1")) for one in account.functions
        ),
        buckets=tuple(
            replace(
                bucket,
                notifications=tuple(
                    replace(one, target_arn=one.target_arn.replace(REGION, "mx-central-1"))
                    for one in bucket.notifications
                ),
            )
            for bucket in account.buckets
        ),
    )

    assert [loop.is_protected_by_aws for loop in build(moved).loops] == [False]
    assert loop_of("s3_same_bucket").is_protected_by_aws


def test_functions_that_allow_recursion_are_named() -> None:
    """A function that tells AWS not to stop loops is named with the loop."""
    assert loop_of("s3_recursion_allowed").allowing == ("resize",)


@pytest.mark.thorough
def test_wildcards_do_not_multiply() -> None:
    """200 functions that may write to every queue have 200 loops, not 40,000."""
    graph = build(many(200, resource="*"))

    assert {LoopProof.POSSIBLE} == set(graph.proofs.values())
    assert len(graph.loops) == 200
    assert all(loop.is_broad and len(loop.functions) == 1 for loop in graph.loops)


def test_a_tangle_of_wildcards_is_cut_at_the_statement() -> None:
    """The cut of a broad loop narrows the role's statement, whatever else is tangled up."""
    graph = build(many(20, resource="*"))

    words = [loop.cuts[0].words[0] for loop in graph.loops]

    assert all(one.startswith('Narrow policy "own", statement 1 of role worker-') for one in words)


def test_counts() -> None:
    """The graph says how large it is and how its functions are proved."""
    counts = build(many(7)).counts

    assert (
        counts.functions,
        counts.certain,
        counts.possible,
        counts.unknown,
        counts.ruled_out,
    ) == (7, 7, 0, 0, 0)


def test_gaps_are_told_in_words() -> None:
    """What could not be read is told with its area, its resource and AWS's words."""
    gap = Gap(area=Area.BUCKETS, words="AccessDenied", resource="secret")
    account = replace(ACCOUNTS["dynamodb_same_table"], gaps=(gap,))

    assert build(account).gaps == ("bucket notifications (secret): AccessDenied",)


def test_apis_that_were_not_read_darken_nothing_else() -> None:
    """What else invokes functions is known from their policies: no loop is doubted for an API."""
    gap = Gap(area=Area.APIS, words="AccessDenied", resource="REST APIs", action="apigateway:GET")
    account = ACCOUNTS["dynamodb_same_table"]

    assert build(replace(account, gaps=(gap,))).loops == build(account).loops


def test_loops_seen_from_a_function() -> None:
    """A loop seen from a function begins with that function's own trigger."""
    loops = [loop for loop in graph_of("administrators").loops if "a" in loop.functions]

    seen = sorted((loop.seen_from("a").edges[0].source.name for loop in loops), reverse=True)

    assert seen == ["jobs-a", "a"]
    assert all(loop.seen_from("nobody") == loop for loop in loops)


def test_surest_loops_come_first() -> None:
    """Certain loops come before possible ones, those by name before those by wildcard."""
    mappings = (*many(3).mappings, *many(2, resource="*", prefix="broad").mappings)
    narrow, wide = many(3), many(2, resource="*", prefix="broad")
    functions = (*wide.functions, *narrow.functions)
    roles = {**wide.roles, **narrow.roles}

    graph = build(replace(narrow, functions=functions, roles=roles, mappings=mappings))

    order = [(loop.certainty, loop.is_broad) for loop in graph.loops]
    assert order == [(Certainty.CERTAIN, False)] * 3 + [(Certainty.POSSIBLE, True)] * 2


def test_empty_account() -> None:
    """An account without functions has no loops and no proofs."""
    empty = replace(ACCOUNTS["dynamodb_same_table"], functions=(), roles={}, mappings=())

    graph = build(empty)

    assert (graph.loops, dict(graph.proofs)) == ((), {})


def test_open_resource_policies_do_not_hide_a_missing_one() -> None:
    """A resource policy that could not be read leaves its readers undecided, and nobody else."""
    account = ACCOUNTS["sqs_shared_queue_harmless"]
    gap = Gap(
        area=Area.RESOURCE_POLICIES,
        words="AccessDenied",
        resource=f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs",
    )

    proofs = build(replace(account, gaps=(gap,))).proofs

    assert dict(proofs) == {"accept": LoopProof.RULED_OUT, "work": LoopProof.UNKNOWN}


def test_policies_are_data() -> None:
    """A Sid full of braces and line breaks stays a text in the words of the cut."""
    account = ACCOUNTS["dynamodb_same_table"]
    (role,) = account.roles.values()
    document = json.loads(role.policies[0].text)
    document["Statement"][0]["Sid"] = "{source}\n{0}"
    policy = replace(role.policies[0], text=json.dumps(document))
    strange = replace(account, roles={role.arn: replace(role, policies=(policy,))})

    (loop,) = build(strange).loops

    assert any("statement {source} {0}" in word for cut in loop.cuts for word in cut.words)


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_what_is_ruled_out_changes_nothing(name: str) -> None:
    """With the edges that something rules out, the same loops are found and the same is proved."""
    account = ACCOUNTS[name]
    whole, bare = propagate(account, with_ruled_out=True), propagate(account)

    found, expected = search(whole), search(bare)

    known: dict[tuple[int, int], Edge] = {}
    assert [describe_edges(whole, way, known) for way in found.ways] == [
        describe_edges(bare, way, {}) for way in expected.ways
    ]
    assert (found.proofs, found.doubts) == (expected.proofs, expected.doubts)
    assert Rank.RULED_OUT not in bare.ranks


@pytest.mark.parametrize(
    ("action", "written", "area", "unread"),
    [
        ("s3:PutObject", "arn:aws:s3:::secret/*", Area.BUCKETS, "secret"),
        ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:secret", Area.QUEUES, ""),
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:secret", Area.TOPICS, ""),
        (
            "states:StartExecution",
            f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:secret",
            Area.STATE_MACHINES,
            "",
        ),
        (
            "lambda:InvokeFunction",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:secret",
            Area.FUNCTIONS,
            "",
        ),
    ],
)
def test_writing_to_what_was_not_read_is_not_ruled_out(
    action: str, written: str, area: Area, unread: str
) -> None:
    """A resource that could not be read may lead back to whoever may write to it."""
    account = _account_with_role("s3:GetObject", "*", action, written)
    gap = Gap(area=area, words="AccessDenied", resource=unread or written)

    graph = build(replace(account, gaps=(gap,)))

    assert dict(build(account).proofs) == {"sync": LoopProof.RULED_OUT}
    assert dict(graph.doubts) == {"sync": (Doubt.RESOURCE,)}


def _account_with_role(*granted: str) -> Account:
    """One function without triggers; `granted` are actions, each followed by its resource."""
    (role,) = ACCOUNTS["dynamodb_same_table"].roles.values()
    (function,) = ACCOUNTS["dynamodb_same_table"].functions
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in zip(granted[::2], granted[1::2], strict=True)
    ]
    policy = replace(role.policies[0], text=json.dumps({"Statement": statements}))
    return replace(
        ACCOUNTS["dynamodb_same_table"],
        functions=(replace(function, name="sync"),),
        roles={role.arn: replace(role, policies=(policy,))},
        mappings=(),
    )


@pytest.mark.parametrize("undecided", ["mapping", "table", "function", "role"])
def test_what_may_not_exist_makes_nothing_certain(undecided: str) -> None:
    """A loop through something that may not exist is possible, and so is its proof."""
    account = ACCOUNTS["dynamodb_same_table"]
    ids = {
        "mapping": account.mappings[0].uuid,
        "table": account.mappings[0].source_arn.partition("/stream/")[0],
        "function": account.functions[0].arn,
        "role": account.functions[0].role_arn,
    }

    graph = build(replace(account, undecided=frozenset({ids[undecided]})))

    assert {LoopProof.CERTAIN} == set(build(account).proofs.values())
    assert {LoopProof.POSSIBLE} == set(graph.proofs.values())
    assert EdgeReason.UNDECIDED in {edge.reason for edge in graph.loops[0].edges}
