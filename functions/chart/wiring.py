"""Connects `chart` with AWS."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.account import account_alias, account_reader
from functions.aws.account.account_alias import AccountAlias
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.incidents import chat_topic, event_bus, publisher
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.records import chart_store, fact_store
from functions.aws.records.chart_store import ChartStore
from functions.aws.records.fact_store import FactStore
from functions.aws.records.incidents import held_mappings
from functions.aws.records.incidents.held_mappings import HeldMappings
from functions.aws.records.table import Table
from functions.aws.runtime import clients
from functions.aws.runtime.deployment import describe_deployment
from functions.aws.runtime.observability import POWERTOOLS_LOG
from functions.chart.settings import Settings
from functions.domain.graph.refresh import RefreshIntervals
from functions.event_delivery import connect_events
from functions.workflows.graph.graphs import Graphs
from functions.workflows.graph.refresh_graph import GraphRefresh

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from functions.aws.account.facts import Facts
    from functions.domain.notices.notice import Deployment
    from functions.workflows.notices.events import EventDelivery

# The deployment allows what they declare.
ADAPTERS: Final = (
    account_alias,
    account_reader,
    chart_store,
    chat_topic,
    event_bus,
    fact_store,
    held_mappings,
    publisher,
)

# Time that is kept for what comes after the reading: storing, the graph, notices. A graph of 10,000
# functions takes some seconds, one of as many whose roles allow nearly everything some minutes.
_RESERVE: Final = timedelta(minutes=5)
# A run that was killed without a word holds its turn for no longer than this beyond its timeout.
_SPARE: Final = timedelta(seconds=15)
_ACCEPTED_BY_FLAG: Final = "accepted by the deployment's flag accepted_loops"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphWiring:
    """What the handler talks to, made once per execution environment."""

    settings: Settings
    table: Table
    facts: FactStore
    publisher: SnsPublisher
    graphs: Graphs
    rate_limiter: RateLimiter
    deployment: Deployment
    events: EventDelivery
    names: AccountAlias

    def store(self, holder: str) -> ChartStore:
        """The store, for one run."""
        return ChartStore(self.table, holder=holder)

    def refresh(
        self, holder: str, until: datetime, clock: Callable[[], datetime]
    ) -> GraphRefresh[Facts]:
        """The refresh of the event graph, for one run."""
        client = ReadClient(
            clients.make_reading_client,
            self.rate_limiter,
            is_time_up=lambda: clock() >= until - _RESERVE,
        )
        return GraphRefresh(
            store=self.store(holder),
            facts=self.facts,
            reader=AccountReader(client, suspects=self.graphs.suspects),
            graphs=self.graphs,
            publisher=self.publisher,
            deployment=self.deployment,
            names=self.names,
            intervals=RefreshIntervals(
                full=timedelta(hours=self.settings.full_pass_hours),
                light=timedelta(minutes=self.settings.light_pass_minutes),
            ),
            until=until + _SPARE,
            clock=clock,
            log=POWERTOOLS_LOG,
            events=self.events,
            held_mappings=HeldMappings(self.table).read,
        )


@functools.cache
def connect() -> GraphWiring:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    table = Table(clients.make_dynamodb_client, settings.ledger_table)
    return GraphWiring(
        settings=settings,
        table=table,
        facts=FactStore(
            table,
            account=settings.account,
            region=settings.region,
            partition=settings.partition,
        ),
        publisher=SnsPublisher(clients.make_sns_client(), settings.notice_topic_arn),
        graphs=Graphs(
            dict.fromkeys(settings.accepted_loops, _ACCEPTED_BY_FLAG), settings.own_functions
        ),
        rate_limiter=RateLimiter(),
        deployment=describe_deployment(settings),
        events=connect_events(settings, describe_deployment(settings)),
        names=AccountAlias(clients.make_alias_client),
    )
