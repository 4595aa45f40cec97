"""What large and odd accounts cost is bounded, and what was left out is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.account.inventory import (
    Account,
    Bucket,
    MappingDescription,
    Notification,
    Rule,
    RuleTarget,
    StateMachine,
)
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from functions.domain.graph.model import Doubt
from functions.domain.graph.paths.limits import USUAL, Limits, fair_share
from functions.domain.graph.paths.turns import Turns
from functions.domain.graph.summary import LoopBook
from functions.domain.notices.graph.drawing import draw_line, draw_loop
from functions.domain.notices.graph.warning import compose_warning
from functions.domain.notices.notice import Deployment
from tests.corpus.description import ACCOUNT, AT, REGION
from tests.examples import examples
from tests.unit.domain.graph.accounts.generated import accounts
from tests.unit.domain.graph.accounts.odd_accounts import (
    allow,
    function,
    function_arn,
    invoking,
    ring,
    role,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from functions.domain.account.inventory import Role
    from functions.domain.graph.model import EventGraph

PLACE = Deployment(region="eu-west-1", account="123456789012", stack_name="Loopbreaker")


def test_both_ends_of_a_long_loop_are_drawn() -> None:
    """Of a loop of 100 functions the beginning and the end are drawn, with what is left out."""
    (loop,) = build(ring(100)).loops

    assert "f0099 ─InvokeFunction▶ f0000 ─InvokeFunction▶ f0001" in draw_line(loop, "f0000")
    assert "... 68 more ..." in draw_line(loop, "f0000")
    assert "... 68 more steps ..." in draw_loop(loop, "f0000")
    assert draw_loop(loop, "f0000").endswith("f0099  (function)  <- and round again")
    assert len(draw_loop(loop, "f0000").splitlines()) < 200


def test_the_mail_about_a_long_loop_says_what_it_leaves_out() -> None:
    """A mail lists 40 steps of a loop of 100, and says how many more there are."""
    (loop,) = build(ring(100)).loops

    assert "(60 more steps left out here.)" in compose_warning(loop, PLACE, AT).body


def test_a_name_with_half_a_character() -> None:
    """A name that is no valid text keeps no other loop from being found, told and kept."""
    half = "f\ud800"
    graph = build(invoking({half: [half], "orders": ["orders"]}))

    book = LoopBook.of(graph)

    assert book.proof("orders") is LoopProof.CERTAIN
    assert book.proof(half) is LoopProof.CERTAIN
    assert all(compose_warning(loop, PLACE, AT).body for loop in graph.loops)


# -- budgets

HONEST: Final = "honest"


def queue_arn(name: str) -> str:
    """The ARN of a queue."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def account(roles: Iterable[Role], **more: object) -> Account:
    """Functions with one role each, and one honest one that feeds its own queue."""
    every = [*roles, role(HONEST, allow("sqs:SendMessage", queue_arn(HONEST)))]
    names = [one.arn.rsplit("/", 1)[-1] for one in every]
    feeding = MappingDescription(
        uuid=HONEST, function_arn=function_arn(HONEST), source_arn=queue_arn(HONEST)
    )
    bare = Account(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        functions=tuple(map(function, names)),
        roles={one.arn: one for one in every},
        mappings=(feeding,),
    )
    changed: Mapping[str, object] = {
        **more,
        "mappings": (feeding, *more.get("mappings", ())),  # type: ignore[misc]
    }
    return replace(bare, **changed)  # type: ignore[arg-type]


def assert_said(graph: EventGraph, hostile: Iterable[str]) -> None:
    """What was not looked at is undecided for that reason, and the honest function is decided."""
    assert graph.proofs[HONEST] is LoopProof.CERTAIN
    unread = {name for name, doubts in graph.doubts.items() if Doubt.BUDGET in doubts}
    assert unread
    assert unread <= set(hostile)
    assert all(
        graph.proofs[name] is not LoopProof.RULED_OUT or name not in unread for name in hostile
    )


def test_a_role_over_the_budget_is_left_out_alone() -> None:
    """A role with many wildcards is not read; the others are, and nothing is ruled out for it."""
    hostile = role(
        "hostile",
        *(allow("sqs:*", f"arn:aws:sqs:*:*:*{number}*") for number in range(100)),
        {"Effect": "Deny", "Action": "sqs:*", "Resource": ["*x*y*", "*y*x*"]},
    )

    graph = build(account([hostile]), limits=replace(USUAL, policies=5_000))

    assert graph.proofs["hostile"] is LoopProof.UNKNOWN
    assert_said(graph, ["hostile"])


def test_more_writes_than_edges() -> None:
    """Functions that may write to everything get equal shares; who writes little keeps it all."""
    names = [f"f{number:02}" for number in range(20)]
    queues = [queue_arn(name) for name in names]
    mappings = tuple(
        MappingDescription(uuid=name, function_arn=function_arn(name), source_arn=queue)
        for name, queue in zip(names, queues, strict=True)
    )
    greedy = account((role(name, allow("sqs:*", queues)) for name in names), mappings=mappings)

    graph = build(greedy, limits=replace(USUAL, edges=400))

    assert_said(graph, names)
    assert graph.counts.edges < 400 + 200


def test_a_bus_with_hostile_rules() -> None:
    """Rules that take long to judge are not all asked; other resources are."""
    names = [f"f{number:02}" for number in range(20)]
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    rules = tuple(
        Rule(
            arn=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}",
            name=name,
            bus_arn=bus,
            pattern=json.dumps({"source": [{"wildcard": f"*{'a*' * 50}{name}"}]}),
            targets=(RuleTarget(arn=function_arn(name)),),
        )
        for name in names
    )
    roles = (
        role(
            name,
            {
                **allow("events:PutEvents", bus),
                "Condition": {"StringLike": {"events:source": f"*{name}*a"}},
            },
        )
        for name in names
    )

    graph = build(account(roles, rules=rules), limits=replace(USUAL, passages=5_000))

    assert_said(graph, names)


def test_one_function_with_many_prefixes_does_not_take_the_steps_of_another() -> None:
    """Of a shared bucket those are judged first who need little."""
    bucket = "arn:aws:s3:::shared"
    many = [f"{bucket}/{number}/*" for number in range(200)]
    notifications = tuple(
        Notification(
            target_arn=function_arn(name),
            events=("s3:ObjectCreated:*",),
            prefix=prefix,
            id=f"{name}{number}",
        )
        for number in range(10)
        for name, prefix in (("aaa", f"x{number}"), ("modest", "in/"))
    )
    shared = account(
        [
            role("aaa", allow("s3:PutObject", many)),
            role("modest", allow("s3:PutObject", f"{bucket}/in/*")),
        ],
        buckets=(Bucket(name="shared", notifications=notifications),),
    )

    graph = build(shared, limits=replace(USUAL, passages=4_000))

    assert graph.proofs["modest"] is LoopProof.CERTAIN
    assert_said(graph, ["aaa"])


def test_a_definition_over_the_budget() -> None:
    """State machines are read from the shortest to the longest, as far as the budget goes."""
    machine = role("machine", allow("lambda:InvokeFunction", "*"))
    state = {"Type": "Task", "Resource": function_arn("starter"), "End": True}
    definition = json.dumps({"StartAt": "A", "States": {"A": state}, "Comment": "x" * 50_000})
    machines = (
        StateMachine(
            arn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:long",
            role_arn=machine.arn,
            definition=definition,
        ),
    )
    roles = [role("starter", allow("states:StartExecution", machines[0].arn)), machine]

    graph = build(account(roles, state_machines=machines), limits=replace(USUAL, definitions=1_000))

    assert graph.proofs["starter"] is LoopProof.UNKNOWN
    assert_said(graph, ["starter"])


@pytest.mark.parametrize("kind", ["search", "listed", "cuts"])
def test_what_is_listed_never_changes_what_is_proved(kind: str) -> None:
    """Without steps to look for loops each function is proved all the same."""
    graph = build(ring(30), limits=replace(USUAL, **{kind: 1}))

    assert set(graph.proofs.values()) == {LoopProof.CERTAIN}


TIGHT: Final = st.builds(
    Limits,
    policies=st.integers(0, 3_000),
    grants=st.integers(0, 20),
    definitions=st.integers(0, 200),
    decisions=st.integers(0, 200),
    passages=st.integers(0, 500),
    edges=st.integers(0, 60),
    search=st.integers(0, 60),
    cuts=st.integers(0, 60),
    listed=st.integers(0, 20),
)


@given(generated=accounts(), limits=TIGHT)
@settings(max_examples=examples(60), deadline=None)
def test_a_small_budget_rules_nothing_out(generated: Account, limits: Limits) -> None:
    """What is ruled out, or certain, with a small budget is so with a large one."""
    whole = build(generated)

    bounded = build(generated, limits=limits)

    for name, proof in bounded.proofs.items():
        if proof in {LoopProof.RULED_OUT, LoopProof.CERTAIN}:
            assert whole.proofs[name] is proof


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(0, 200))
def test_fair_shares(wanted: list[int], most: int) -> None:
    """No more than there is is given away, and nobody is cut while a larger share would fit."""
    share = fair_share(wanted, most)

    given_away = sum(min(one, share) for one in wanted)
    assert given_away <= most
    if any(one > share for one in wanted):
        assert sum(min(one, share + 1) for one in wanted) > most


def test_turns_go_to_whom_had_least() -> None:
    """Once half is spent, an owner with one place comes before one with its third."""
    turns = Turns(100)
    for place in range(3):
        turns.add(place, "greedy", "bus", 1)
    turns.add(3, "modest", "bus", 1)

    first = turns.next()
    assert first == 0
    assert turns.spend(first, 60)
    second = turns.next()

    assert second == 3


def test_turns_count() -> None:
    """Steps that are not left are not spent, and every place has its turn all the same."""
    turns = Turns(10)
    for place in range(5):
        turns.add(place, str(place % 2), "bus", 8)

    followed = []
    while (place := turns.next()) is not None:  # type: ignore[assignment]
        followed.append((place, turns.spend(place, 8)))

    assert sorted(place for place, _ in followed) == [0, 1, 2, 3, 4]
    assert sum(is_spent for _, is_spent in followed) == 1
