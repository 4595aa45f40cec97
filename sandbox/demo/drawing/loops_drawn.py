"""Reads the local account as the guard does, and draws its loops."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from functions.aws.account.account_reader import AccountReader
from functions.aws.account.facts import Facts
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.domain.graph.build import build
from functions.domain.graph.propagation.propagate import propagate
from sandbox.demo.drawing.graph_svg import draw_graph, list_edges_beside
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from pathlib import Path

    from functions.domain.account.inventory import Account
    from sandbox.local_aws import LocalAws

OWN_PREFIX = "Loopbreaker-"


def draw_loops(aws: LocalAws, path: Path) -> None:
    """Draw every loop that the account's configuration allows, but for the guard's own."""
    facts = Facts(account=ACCOUNT_ID, region=REGION, partition="aws", at=datetime.now(UTC))
    reader = AccountReader(ReadClient(aws.client, RateLimiter({})), suspects=_on_loops)
    account = reader.read(facts)
    if account is not None:
        account = _without_guard(account)
        graph = build(account)
        path.write_text(draw_graph(graph, list_edges_beside(propagate(account), graph.loops)))


def _on_loops(account: Account) -> set[str]:
    """The functions of which the reader asks for more, as AWS's own detection of loops."""
    return {name for loop in build(account).loops for name in loop.functions}


def _without_guard(account: Account) -> Account:
    others = (one for one in account.functions if not one.name.startswith(OWN_PREFIX))
    return replace(account, functions=tuple(others))
