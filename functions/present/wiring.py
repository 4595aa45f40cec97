"""Connects `present` with AWS. Nothing here writes."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.aws.page import guard_state, page_metrics
from functions.aws.page.guard_state import AwsGuardState
from functions.aws.page.page_metrics import CloudWatchPageMetrics
from functions.aws.records import graph_summary
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.graph_summary import LoopBookStore
from functions.aws.records.incidents import ledger_view
from functions.aws.records.incidents.ledger_view import ReadOnlyLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients
from functions.aws.runtime.clock import read_clock
from functions.domain.page.actions import Buttons
from functions.present.settings import Settings
from functions.workflows.page.read_overview import GuardIdentity, OverviewReader

if TYPE_CHECKING:
    from datetime import datetime

# The deployment allows what they declare. Of the diagnosis' records it only reads two.
ADAPTERS: Final = (graph_summary, guard_state, ledger_view, page_metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """Reads the page, and knows what its buttons call."""

    reader: OverviewReader
    restore_arn: str
    contain_arn: str

    def make_buttons(self, rendering: str, at: datetime) -> Buttons:
        """The buttons of one rendering."""
        return Buttons(
            restore_arn=self.restore_arn,
            contain_arn=self.contain_arn,
            rendering=rendering,
            at=at,
        )


@functools.cache
def connect() -> Presentation:
    """Read the settings and create the ports, once per execution environment."""
    settings = Settings.from_env(os.environ)
    table = Table(clients.make_dynamodb_client, settings.ledger_table)
    identity = GuardIdentity(functions=settings.own_functions)
    reader = OverviewReader(
        ledger=ReadOnlyLedger(table),
        diagnosis=DiagnosisStore(table),
        books=LoopBookStore(table, clock=read_clock),
        metrics=CloudWatchPageMetrics(clients.make_cloudwatch_client()),
        guard=AwsGuardState(
            clients.make_cloudwatch_client(),
            clients.make_lambda_client(),
            clients.make_tagging_client,
            prefix=identity.prefix,
        ),
        identity=identity,
        region=settings.region,
        account=settings.account,
        clock=read_clock,
    )
    contain, restore = (
        f"arn:{settings.partition}:lambda:{settings.region}:{settings.account}:function:{name}"
        for name in identity.reserved
    )
    return Presentation(reader=reader, restore_arn=restore, contain_arn=contain)
