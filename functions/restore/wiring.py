"""Connects `restore` with AWS."""

from __future__ import annotations

import functools
import os
import time
from datetime import timedelta
from typing import Final

from functions.aws.account import account_alias
from functions.aws.account.account_alias import AccountAlias
from functions.aws.diagnosis import function_changes
from functions.aws.incidents import (
    chat_topic,
    event_bus,
    lambda_functions,
    publisher,
    way_back,
)
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.incidents.way_back import Route, ScheduledWayBack
from functions.aws.page import guard_state, page_metrics
from functions.aws.page.guard_state import AwsGuardState
from functions.aws.page.page_metrics import CloudWatchPageMetrics
from functions.aws.records import diagnosis_store, graph_summary
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.graph_summary import LoopBookStore
from functions.aws.records.incidents import ledger
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients, custom_resource
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.deployment import describe_deployment
from functions.domain.diagnosis.ports import RemediationContext
from functions.event_delivery import connect_events
from functions.restore.settings import Settings
from functions.workflows.detection.stored_loops import StoredLoops
from functions.workflows.incidents.context import Context
from functions.workflows.page.read_overview import GuardIdentity, OverviewReader
from functions.workflows.rollback.rollback import Rollback

# The deployment allows what they declare. Of `function_changes` it allows only what the remedies
# need that are allowed.
ADAPTERS: Final = (
    account_alias,
    chat_topic,
    custom_resource,
    diagnosis_store,
    event_bus,
    graph_summary,
    guard_state,
    lambda_functions,
    ledger,
    page_metrics,
    publisher,
    way_back,
)


@functools.cache
def connect() -> Rollback:
    """Read the settings and create the ports, once per execution environment."""
    settings = Settings.from_env(os.environ)
    table = Table(clients.make_dynamodb_client, settings.ledger_table)
    context = Context(
        functions=lambda_functions.LambdaFunctions(
            clients.make_lambda_client(), clients.make_tagging_client
        ),
        ledger=DynamoLedger(table),
        publisher=SnsPublisher(clients.make_sns_client(), settings.notice_topic_arn),
        way_back=ScheduledWayBack(clients.make_scheduler_client, Route.of(settings)),
        deployment=describe_deployment(settings),
        clock=read_clock,
        events=connect_events(settings, describe_deployment(settings)),
        # A person may have waited for it to be read anew.
        loops=StoredLoops(LoopBookStore(table, clock=read_clock, kept=timedelta(0))),
        names=AccountAlias(clients.make_alias_client),
    )
    remediation = RemediationContext(
        repairs=function_changes.AwsFunctionChanges(
            clients.make_lambda_client(), clients.make_iam_client()
        ),
        remediations=DiagnosisStore(Table(clients.make_dynamodb_client, settings.ledger_table)),
        publisher=context.publisher,
        deployment=context.deployment,
        clock=read_clock,
        events=context.events,
        names=context.names,
    )
    return Rollback(world=context, sleep=time.sleep, remediation=remediation)


@functools.cache
def connect_page() -> OverviewReader:
    """Create what the page of the guard is read from, once somebody asks for it."""
    settings = Settings.from_env(os.environ)
    rollback = connect()
    identity = GuardIdentity(functions=settings.own_functions)
    cloudwatch = clients.make_cloudwatch_client()
    return OverviewReader(
        ledger=rollback.world.ledger,
        diagnosis=rollback.remediation.remediations,
        books=LoopBookStore(
            Table(clients.make_dynamodb_client, settings.ledger_table), clock=read_clock
        ),
        metrics=CloudWatchPageMetrics(cloudwatch),
        guard=AwsGuardState(
            cloudwatch,
            clients.make_lambda_client(),
            clients.make_tagging_client,
            prefix=identity.prefix,
        ),
        identity=identity,
        region=settings.region,
        account=settings.account,
        clock=read_clock,
    )
