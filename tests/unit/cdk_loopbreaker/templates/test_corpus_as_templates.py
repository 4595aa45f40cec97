"""The accounts of the corpus give the same conclusions by a template as by the account reader."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from cdk_loopbreaker.templates.account.describe import describe_accounts
from cdk_loopbreaker.templates.read import read_templates
from functions.domain.graph.build import build
from tests.corpus.description import ACCOUNT, AT, REGION, cases
from tests.corpus.test_corpus import loop_text
from tests.unit.cdk_loopbreaker.templates.account_template import write_template

if TYPE_CHECKING:
    from pathlib import Path

    from functions.domain.account.inventory import Account
    from tests.corpus.description import Case

# What a template tells otherwise than an account does, and why.
DIFFERENT: Final = {
    "dynamodb_encrypted_filter": "a template holds the filter before it is encrypted",
    "http_own_url": "the host of a URL is made up until it is deployed",
    "unread_resource_policy": "a template holds the permissions of a function",
    "unseen_account_log_policies": "a template holds the account's subscriptions of logs",
    "unseen_behind_a_bucket": "a template holds the subscriptions of its topics",
    "unseen_notifications": "a template holds the notifications of its buckets",
    "unseen_subscriptions": "a template holds the subscriptions of its topics",
}


def conclude(account: Account) -> tuple[list[tuple[str, ...]], dict[str, str]]:
    """The loops of an account and the proofs of its functions."""
    graph = build(account)
    proofs = {name: proof.value for name, proof in graph.proofs.items()}
    return sorted(map(loop_text, graph.loops)), proofs


@pytest.mark.thorough
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_account_as_template(case: Case, tmp_path: Path) -> None:
    """The same loops and proofs, unless the difference is listed with its reason."""
    path = tmp_path / "app.json"
    path.write_text(json.dumps(write_template(case.name, case.account)))
    templates = read_templates([path], account=ACCOUNT, region=REGION)

    (described,) = describe_accounts(templates, at=AT)

    assert templates.problems == ()
    for loop in build(described.account).loops:
        for edge in loop.edges:
            assert {edge.id, edge.source.arn, edge.target.arn} & described.places.keys(), edge
    is_same = conclude(case.account) == conclude(described.account)
    assert is_same is (case.name not in DIFFERENT), (
        conclude(case.account),
        conclude(described.account),
        described.account.gaps,
        described.problems,
    )
