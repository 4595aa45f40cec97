"""Graphs of single accounts of the corpus, and accounts of many functions."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Final

from functions.domain.account.inventory import (
    Account,
    FunctionDescription,
    MappingDescription,
    NamedPolicy,
    Role,
)
from functions.domain.graph.build import build
from tests.corpus.description import ACCOUNT, AT, REGION, cases

if TYPE_CHECKING:
    from functions.domain.graph.model import EventGraph, Loop

ACCOUNTS: Final = {case.name: case.account for case in cases()}


@cache
def graph_of(name: str) -> EventGraph:
    """The graph of an account of the corpus."""
    return build(ACCOUNTS[name])


def loop_of(name: str) -> Loop:
    """The one loop of an account of the corpus."""
    (loop,) = graph_of(name).loops
    return loop


def many(count: int, *, resource: str = "", prefix: str = "worker") -> Account:
    """Functions with a queue each, which they may write to (or to what matches `resource`)."""
    home = f"{REGION}:{ACCOUNT}"
    names = [f"{prefix}-{number:05}" for number in range(count)]
    roles = {}
    for name in names:
        allowed = {
            "Effect": "Allow",
            "Action": "sqs:SendMessage",
            "Resource": resource or f"arn:aws:sqs:{home}:{name}",
        }
        text = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        roles[arn] = Role(arn=arn, policies=(NamedPolicy(name="own", text=text),))
    return Account(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        functions=tuple(
            FunctionDescription(
                name=name,
                arn=f"arn:aws:lambda:{home}:function:{name}",
                role_arn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
            )
            for name in names
        ),
        roles=roles,
        mappings=tuple(
            MappingDescription(
                uuid=f"m-{name}",
                function_arn=f"arn:aws:lambda:{home}:function:{name}",
                source_arn=f"arn:aws:sqs:{home}:{name}",
            )
            for name in names
        ),
    )
