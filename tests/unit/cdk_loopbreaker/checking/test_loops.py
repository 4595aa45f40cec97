"""Each kind of loop breaks the rule that is about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.checking.check import check_accounts
from cdk_loopbreaker.checking.rules import RULES, find_rule, read_page
from functions.domain.graph.model import Certainty
from tests.corpus.description import cases
from tests.unit.cdk_loopbreaker.checking.accounts import describe, of_corpus, of_parts

if TYPE_CHECKING:
    from cdk_loopbreaker.checking.finding import Report


def rules_of(report: Report) -> list[str]:
    """The rules that loops break, in the order of the report."""
    return [one.rule.id for one in report.findings if one.loop is not None]


@pytest.mark.parametrize(
    ("account", "rule"),
    [
        ("dynamodb_same_table", "LB001"),
        ("sqs_same_queue", "LB002"),
        ("s3_same_bucket", "LB002"),
        ("s3_recursion_allowed", "LB003"),
        ("sqs_dead_letters_of_its_queue", "LB004"),
        ("sqs_async_dead_letters", "LB004"),
        ("logs_own_group", "LB005"),
        ("dynamodb_wildcard", "LB010"),
    ],
)
def test_kind(account: str, rule: str) -> None:
    """A loop of this kind breaks this rule."""
    report = check_accounts([of_corpus(account)])

    assert rules_of(report)[0] == rule


@pytest.mark.thorough
def test_every_loop_of_the_corpus_breaks_one_rule() -> None:
    """There is a finding for each loop, as certain as the loop, and with all its edges."""
    for case in cases():
        report = check_accounts([describe(case.account)])
        loops = [one for one in report.findings if one.loop is not None]

        assert len(case.loops) == len(loops), case.name
        assert sorted(map(len, case.loops)) == sorted(len(one.steps) for one in loops)
        for one in loops:
            assert one.loop is not None
            assert one.certainty is one.loop.certainty


def test_certain_findings_come_first() -> None:
    """What is certain stands before what is possible."""
    certain = [one.is_certain for one in check_accounts([of_corpus("administrators")]).findings]

    assert certain == sorted(certain, reverse=True)


def test_a_tag_accepts() -> None:
    """A function's tag accepts its loop, with the reason that the tag gives."""
    report = check_accounts([of_corpus("accepted_by_tag")])

    assert report.findings[0].accepted is not None
    assert report.findings[0].accepted.source.startswith("tag of function")
    assert report.findings[0] not in report.open


def test_the_place_is_that_of_the_function() -> None:
    """A finding points at the function that its loop enters first."""
    finding = check_accounts([of_corpus("dynamodb_same_table")]).findings[0]

    assert finding.place is not None
    assert finding.place.logical_id == finding.functions[0]


def test_the_fingerprint_ignores_certainty_and_policy() -> None:
    """The same resources give the same fingerprint, whatever the statements say."""
    named = of_parts(
        functions={"enrich": {"may": [{"Action": "sqs:SendMessage", "Resource": "@queue/orders"}]}},
        mappings=[{"uuid": "m1", "from": "@queue/orders", "to": "enrich"}],
    )
    other = of_parts(
        functions={"enrich": {"may": [{"Action": "sqs:*", "Resource": "@queue/orders"}]}},
        mappings=[{"uuid": "m2", "from": "@queue/orders", "to": "enrich"}],
    )

    first, second = (check_accounts([one]).findings[0] for one in (named, other))
    assert first.fingerprint == second.fingerprint


def test_two_functions_have_two_fingerprints() -> None:
    """Another function on the same queue is another finding."""
    account = of_parts(
        functions={
            name: {"may": [{"Action": "sqs:SendMessage", "Resource": "@queue/orders"}]}
            for name in ("enrich", "price")
        },
        mappings=[
            {"uuid": name, "from": "@queue/orders", "to": name} for name in ("enrich", "price")
        ],
    )

    found = {one.fingerprint for one in check_accounts([account]).findings if one.loop}
    assert len(found) == 2


def test_what_fails_a_check() -> None:
    """Open findings fail a check by their certainty; accepted ones never do."""
    report = check_accounts([of_corpus("dynamodb_same_table"), of_corpus("dynamodb_wildcard")])
    loops = tuple(one for one in report.findings if one.loop is not None)
    report = replace(report, findings=loops)

    assert report.count_failing("never") == 0
    assert report.count_failing("certain") == 1
    assert report.count_failing("possible") == 2
    assert {one.certainty for one in loops} == {Certainty.CERTAIN, Certainty.POSSIBLE}


def test_every_rule_has_a_page() -> None:
    """A page begins with its rule's id and title, and says how to accept or what to do."""
    for rule in RULES:
        page = read_page(rule)
        assert page.startswith(f"# {rule.id}: {rule.title}\n")
        for part in ("**What it finds.**", "**Why it matters.**", "**What to do.**"):
            assert part in page


def test_a_rule_is_found_by_its_id_in_any_case() -> None:
    """Ids are read as people write them."""
    assert find_rule(" lb001 ") is RULES[0]
    assert find_rule("LB0") is None
