"""The Lambda function that charts the account: woken by its schedule and by changes."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import account_reader as reader
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.configuration_changes import changes_of, is_change
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.incidents import publisher
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.records import chart_store, fact_store
from functions.aws.records.chart_store import ChartStore
from functions.aws.records.fact_store import FactStore
from functions.aws.records.table import Table
from functions.aws.runtime import clients
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.deployment import describe_deployment
from functions.aws.runtime.observability import POWERTOOLS_LOG, logger
from functions.chart.charting import GraphRefresh, Graphs, RefreshIntervals
from functions.chart.settings import Settings
from functions.domain.errors import UnrecognisedSignalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.domain.notices.notice import Deployment

ADAPTERS: Final = (chart_store, fact_store, publisher, reader)

_SCHEDULED: Final = "Scheduled Event"
_RULE: Final = "-chart"
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
    pace: RateLimiter
    deployment: Deployment

    def store(self, holder: str) -> ChartStore:
        """The store, for one run."""
        return ChartStore(self.table, holder=holder)

    def charting(self, holder: str, until: datetime, clock: Callable[[], datetime]) -> GraphRefresh:
        """The refresh of the event graph, for one run."""
        asker = ReadClient(
            clients.reading_client,
            self.pace,
            is_time_up=lambda: clock() >= until - _RESERVE,
        )
        return GraphRefresh(
            store=self.store(holder),
            facts=self.facts,
            reader=AccountReader(asker, suspects=self.graphs.suspects),
            graphs=self.graphs,
            publisher=self.publisher,
            deployment=self.deployment,
            rhythm=RefreshIntervals(
                full=timedelta(hours=self.settings.full_pass_hours),
                light=timedelta(minutes=self.settings.light_pass_minutes),
            ),
            until=until + _SPARE,
            clock=clock,
            log=POWERTOOLS_LOG,
        )


@functools.cache
def connect() -> GraphWiring:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    table = Table(clients.dynamodb_client, settings.ledger_table)
    return GraphWiring(
        settings=settings,
        table=table,
        facts=FactStore(
            table,
            account=settings.account,
            region=settings.region,
            partition=settings.partition,
        ),
        publisher=SnsPublisher(clients.sns_client(), settings.notice_topic_arn),
        graphs=Graphs(
            dict.fromkeys(settings.accepted_loops, _ACCEPTED_BY_FLAG), settings.own_functions
        ),
        pace=RateLimiter(),
        deployment=describe_deployment(settings),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Note a change, or do what is due. Whatever fails is raised: Lambda tries again.

    Raises
    ------
    UnrecognisedSignalError
        When neither the schedule nor a change sends such an event.
    """
    connections = connect()
    time_of_day = clock_for(event)
    now = time_of_day()
    if is_change(event):
        changes = changes_of(event)
        mark = str(event.get("id") or context.aws_request_id)
        connections.store(context.aws_request_id).note(changes, mark, now)
        logger.info("noted", extra={"changes": [f"{one.kind}: {one.name}" for one in changes]})
    elif is_tick(event):
        until = now + timedelta(milliseconds=context.get_remaining_time_in_millis())
        connections.charting(context.aws_request_id, until, time_of_day).tick()
    else:
        raise UnrecognisedSignalError(
            f"no trigger of chart sends this event: source {event.get('source')!r}, detail-type "
            f"{event.get('detail-type')!r}. Accepted: scheduled events of a rule that ends with "
            f"{_RULE}, CloudTrail's events of calls that change what is charted"
        )


def is_tick(event: Mapping[str, Any]) -> bool:
    """Whether the schedule sent the event."""
    rules = event.get("resources") or [""]
    name = str(rules[0]).rpartition("/")[2]
    return event.get("detail-type") == _SCHEDULED and name.casefold().endswith(_RULE)


def clock_for(event: Mapping[str, Any]) -> Callable[[], datetime]:
    """A clock that is not behind the event, as `contain` reckons: its time is AWS's own.

    So are the times of the functions' last changes, with which the reading's is compared.
    """
    told = event.get("time")
    try:
        ahead = datetime.fromisoformat(str(told)) - read_clock()
    except (TypeError, ValueError):
        ahead = timedelta(0)
    return lambda: read_clock() + max(ahead, timedelta(0))
