"""Reads the local account as the guard does, and draws its loops."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from functions.aws.reading.asking import Asker
from functions.aws.reading.facts import Facts
from functions.aws.reading.pace import Pace
from functions.aws.reading.reader import AccountReader
from functions.domain.eventgraph.build import build
from functions.domain.eventgraph.picture import picture
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.local_aws import LocalAws

OWN_PREFIX = "Loopbreaker-"


def draw_loops(aws: LocalAws, path: Path) -> None:
    """Draw every loop that the account's configuration allows, but for the guard's own."""
    facts = Facts(account=ACCOUNT_ID, region=REGION, partition="aws", at=datetime.now(UTC))
    account = AccountReader(Asker(aws.client, Pace({}))).read(facts)
    if account is not None:
        own = [one.name for one in account.functions if one.name.startswith(OWN_PREFIX)]
        path.write_text(picture(build(account, dict.fromkeys(own, "the guard itself"))))
