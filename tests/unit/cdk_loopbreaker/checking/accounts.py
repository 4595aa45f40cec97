"""Accounts for the tests of the check: small ones, and those of the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_loopbreaker.templates.account.model import DescribedAccount
from cdk_loopbreaker.templates.model import Place, Resource
from tests.corpus.description import cases, parse_account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.domain.account.inventory import Account

FILE = "template.yaml"


def place(name: str, line: int = 1, construct_path: str = "") -> Place:
    """A place in the one template of the tests."""
    return Place(file=FILE, line=line, stack="shop", logical_id=name, construct_path=construct_path)


def describe(account: Account, **construct_paths: str) -> DescribedAccount:
    """The account as a template would describe it: each function has a line of its own."""
    return DescribedAccount(
        account=account,
        places={
            one.arn: place(one.name, number, construct_paths.get(one.name.replace("-", "_"), ""))
            for number, one in enumerate(account.functions, 1)
        },
    )


def of_corpus(name: str) -> DescribedAccount:
    """An account of the corpus."""
    return describe(next(case.account for case in cases() if case.name == name))


def of_parts(**parts: Any) -> DescribedAccount:
    """An account written as those of the corpus are."""
    return describe(parse_account(parts))


def resource(type_name: str, arn: str, properties: Mapping[str, Any], **more: Any) -> Resource:
    """A resource of the account of the corpus."""
    return Resource(
        type=type_name,
        stack="shop",
        logical_id=arn.rsplit(":", 1)[-1],
        properties=properties,
        ref=more.pop("ref", arn),
        arn=arn,
        place=place(arn.rsplit(":", 1)[-1]),
        account="123456789012",
        region="eu-west-1",
        **more,
    )
