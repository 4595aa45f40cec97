"""What must hold for every account, generated ones and those of the corpus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.domain.account.inventory import (
    Api,
    Area,
    Gap,
    LogSubscription,
    NamedPolicy,
    Pipe,
    RuleTarget,
    StateMachine,
    Subscription,
)
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from functions.domain.graph.model import Certainty
from functions.domain.graph.paths.near_loops import find_near_loops
from tests.corpus.description import cases
from tests.examples import examples
from tests.unit.domain.graph.accounts.changing import (
    changed,
    denied,
    turned_round,
    with_gaps,
    without_triggers,
)
from tests.unit.domain.graph.accounts.generated import ACTIONS, RESOURCES, accounts

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account
    from functions.domain.graph.model import EventGraph
    from tests.corpus.description import Case

CASES: Final = cases()
STRANGE: Final = (
    "arn:aws:lambda:::function:",
    "arn:aws:sqs:eu-west-1:123456789012:orders",
    "arn:aws:dynamodb:::table/",
    "arn:::::",
    "::::::",
    "{}",
    "[]",
    '{"Statement": {}}',
    '{"source": "shop"}',
    '{"source": [{"prefix": 1}], "detail": {"eventName": [1]}}',
    '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
    '{"StartAt": "A", "States": {"A": {"Resource": "arn:aws:states:::lambda:invoke"}}}',
    "https://sqs.eu-west-1.amazonaws.com/1/",
    "*",
)
_STRENGTH: Final = {
    LoopProof.RULED_OUT: 0,
    LoopProof.UNKNOWN: 0,
    LoopProof.POSSIBLE: 1,
    LoopProof.CERTAIN: 2,
}
_thorough: Final = settings(
    max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
every_case: Final = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def stronger(graph: EventGraph, than: EventGraph) -> list[str]:
    """Functions that are on a surer loop than in another graph."""
    return [
        name
        for name, proof in graph.proofs.items()
        if _STRENGTH[proof] > _STRENGTH[than.proofs[name]]
    ]


def newly_ruled_out(graph: EventGraph, before: EventGraph) -> list[str]:
    """Functions that are ruled out and were not."""
    return [
        name
        for name, proof in graph.proofs.items()
        if proof is LoopProof.RULED_OUT and before.proofs[name] is not LoopProof.RULED_OUT
    ]


def check_deny(account: Account, arn: str, actions: list[str], resources: list[str]) -> None:
    """A Deny makes nothing surer."""
    limited = denied(account.roles[arn], actions, resources)

    after = build(replace(account, roles={**account.roles, arn: limited}))

    assert stronger(after, build(account)) == []


def check_triggers(account: Account) -> None:
    """No trigger less makes anything surer."""
    before = build(account)

    for fewer in without_triggers(account):
        assert stronger(build(fewer), before) == []


def check_gaps(account: Account) -> None:
    """No gap rules out or hides."""
    before = build(account)

    for darker in with_gaps(account):
        after = build(darker)
        assert newly_ruled_out(after, before) == []
        assert stronger(before, after) == []


def check_order(account: Account) -> None:
    """Order does not count."""
    assert build(account) == build(turned_round(account))


def check_cuts(account: Account) -> None:
    """Each cut does what it says."""
    graph = build(account)

    for loop in graph.loops:
        for cut in loop.cuts:
            after = build(changed(account, cut.changes))
            edges = {edge for one in after.loops for edge in one.edges}
            assert not set(loop.edges) <= edges
            if cut.is_complete:
                left = {name for one in after.loops for name in one.functions}
                assert left.isdisjoint(loop.functions)


def check_sense(account: Account) -> None:
    """Loops, proofs and doubts agree."""
    graph = build(account)

    on_loops = {name for loop in graph.loops for name in loop.functions}
    looping = {name for name, proof in graph.proofs.items() if _STRENGTH[proof]}
    assert on_loops == looping
    certain = {n for n, proof in graph.proofs.items() if proof is LoopProof.CERTAIN}
    assert certain == {
        name
        for loop in graph.loops
        if loop.certainty is Certainty.CERTAIN
        for name in loop.functions
    }
    assert all(loop.certainty is not Certainty.RULED_OUT for loop in graph.loops)
    near = find_near_loops(account)
    assert all(loop.certainty is Certainty.RULED_OUT for loop in near)
    for loop in (*graph.loops, *near):
        ends = [edge.target for edge in loop.edges]
        assert ends == [edge.source for edge in (*loop.edges[1:], loop.edges[0])]
    assert all(name in graph.doubts for name in graph.proofs if not is_known(graph, name))


def is_known(graph: EventGraph, name: str) -> bool:
    """Whether something is proved."""
    return graph.proofs[name] is not LoopProof.UNKNOWN


@given(
    account=accounts(),
    number=st.integers(0, 2),
    actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2),
    resources=st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2),
)
@_thorough
def test_a_deny_never_adds_a_loop(
    account: Account, number: int, actions: list[str], resources: list[str]
) -> None:
    """However a role is forbidden something, no function gets on a loop or on a surer one."""
    arns = sorted(account.roles)

    check_deny(account, arns[number % len(arns)], actions, resources)


@pytest.mark.thorough
@every_case
def test_a_deny_of_everything_never_adds_a_loop(case: Case) -> None:
    """In no account of the corpus does forbidding a role everything add a loop."""
    for arn in case.account.roles:
        check_deny(case.account, arn, ["*"], ["*"])


@pytest.mark.thorough
@given(account=accounts())
@_thorough
def test_a_trigger_less_never_adds_a_loop(account: Account) -> None:
    """Whichever trigger is removed, no function gets on a loop or on a surer one."""
    check_triggers(account)


@pytest.mark.thorough
@every_case
def test_a_trigger_less_in_the_corpus(case: Case) -> None:
    """Whichever trigger is removed from an account of the corpus, no loop is added."""
    check_triggers(case.account)


@pytest.mark.thorough
@given(account=accounts())
@settings(_thorough, max_examples=examples(30))
def test_a_gap_never_rules_out(account: Account) -> None:
    """What could not be read never proves that a function cannot loop, and hides no loop."""
    check_gaps(account)


@pytest.mark.thorough
@every_case
def test_a_gap_never_rules_out_in_the_corpus(case: Case) -> None:
    """A gap in any area proves nothing in any account of the corpus."""
    check_gaps(case.account)


@given(account=accounts())
@_thorough
def test_order_does_not_matter(account: Account) -> None:
    """AWS may tell things in any order: the graph is the same, word for word."""
    check_order(account)


@pytest.mark.thorough
@every_case
def test_order_does_not_matter_in_the_corpus(case: Case) -> None:
    """Accounts of the corpus told backwards give the same graph."""
    check_order(case.account)


@given(account=accounts())
@_thorough
def test_a_cut_breaks_its_loop(account: Account) -> None:
    """Who does what a cut says is rid of the loop, and of all the others if it says so."""
    check_cuts(account)


@pytest.mark.thorough
@every_case
def test_a_cut_breaks_its_loop_in_the_corpus(case: Case) -> None:
    """In every account of the corpus each cut does what it says."""
    check_cuts(case.account)


@given(account=accounts())
@_thorough
def test_graph_agrees_with_itself(account: Account) -> None:
    """Proofs say what the loops say, loops are closed, and every doubt has a reason."""
    check_sense(account)


@pytest.mark.thorough
@every_case
def test_graph_agrees_with_itself_in_the_corpus(case: Case) -> None:
    """The same for every account of the corpus."""
    check_sense(case.account)


@given(texts=st.lists(st.text(max_size=30) | st.sampled_from(STRANGE), min_size=8, max_size=8))
@_thorough
def test_nothing_from_outside_raises(texts: list[str]) -> None:
    """Policies, patterns, filters, definitions and ARNs may be any text: a graph is made."""
    case = next(one for one in CASES if one.name == "events_to_queue")
    account = case.account
    (role,) = account.roles.values()
    strange = replace(
        account,
        roles={
            role.arn: replace(
                role, policies=(*role.policies, NamedPolicy(name=texts[0], text=texts[1]))
            )
        },
        functions=tuple(
            replace(one, resource_policies={"": texts[3]}) for one in account.functions
        ),
        mappings=tuple(
            replace(one, source_arn=texts[4], filters=(texts[5],)) for one in account.mappings
        ),
        rules=tuple(
            replace(one, pattern=texts[6], targets=(RuleTarget(arn=texts[7]), *one.targets))
            for one in account.rules
        ),
        subscriptions=(
            Subscription(
                arn=texts[0],
                topic_arn=texts[4],
                protocol="lambda",
                endpoint=texts[7],
                filter_policy=texts[5],
            ),
        ),
        state_machines=(StateMachine(arn=texts[4], role_arn=role.arn, definition=texts[1]),),
        pipes=(Pipe(arn=texts[0], source_arn=texts[4], target_arn=texts[7], filters=(texts[6],)),),
        apis=(Api(arn=texts[0], function_arns=(texts[7],), url=texts[2]),),
        log_subscriptions=(
            LogSubscription(name=texts[0], log_group=texts[1], destination_arn=texts[7]),
        ),
        gaps=(Gap(area=Area.RULES, words=texts[0], resource=texts[4]),),
    )

    graph = build(strange)

    assert [one.name for one in account.functions] == list(graph.proofs)


def test_the_properties_can_fail() -> None:
    """The comparison sees a loop that appeared: an Allow instead of a Deny adds one."""
    case: Any = next(one for one in CASES if one.name == "dynamodb_other_table")
    looping: Any = next(one for one in CASES if one.name == "dynamodb_same_table")

    assert stronger(build(looping.account), build(case.account)) == ["enrich"]
