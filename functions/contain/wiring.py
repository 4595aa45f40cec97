"""Connects `contain` with AWS."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.account import account_alias
from functions.aws.account.account_alias import AccountAlias
from functions.aws.detection import function_count, lambda_metrics
from functions.aws.detection.function_count import FunctionCount
from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from functions.aws.incidents import (
    chat_topic,
    event_bus,
    hold_facts,
    lambda_functions,
    publisher,
    signals,
    way_back,
)
from functions.aws.incidents.hold_facts import AwsHoldFacts
from functions.aws.incidents.lambda_functions import LambdaFunctions
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.incidents.way_back import Route, ScheduledWayBack
from functions.aws.records import diagnosis_marks, graph_summary
from functions.aws.records.diagnosis_marks import DiagnosisMarks
from functions.aws.records.graph_summary import LoopBookStore
from functions.aws.records.incidents import ledger
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients
from functions.aws.runtime.clock import SignalClock, read_clock
from functions.aws.runtime.deployment import describe_deployment
from functions.aws.runtime.observability import POWERTOOLS_LOG
from functions.contain.settings import Settings
from functions.domain.incidents.policy import Mode, Policy, Response
from functions.event_delivery import connect_events
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.detection.stored_loops import StoredLoops
from functions.workflows.detection.triage import Triage
from functions.workflows.holding.observe import HoldObserver
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.requests.ordered_stop import OrderedStop

if TYPE_CHECKING:
    from functions.domain.notices.notice import Deployment

# The deployment allows what they declare.
ADAPTERS: Final = (
    account_alias,
    chat_topic,
    diagnosis_marks,
    event_bus,
    function_count,
    graph_summary,
    hold_facts,
    lambda_functions,
    lambda_metrics,
    ledger,
    publisher,
    signals,
    way_back,
)
CLOCK: Final = SignalClock()


@functools.cache
def connect() -> Triage:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    policy = _read_policy(settings)
    table = Table(clients.make_dynamodb_client, settings.ledger_table)
    loops = StoredLoops(LoopBookStore(table, clock=CLOCK.read))
    functions = LambdaFunctions(clients.make_lambda_client(), clients.make_tagging_client)
    evidence = _connect_evidence(settings, functions, loops)
    enforcer = Enforcer(
        world=_connect_incidents(settings, policy, functions, loops),
        policy=policy,
        holding=HoldObserver(
            gathering=evidence,
            facts=AwsHoldFacts(
                clients.make_lambda_client(), clients.make_sqs_client, clients.make_kinesis_client
            ),
            most_usd_per_minute=settings.danger_usd_per_minute,
        ),
        diagnosis=DiagnosisMarks(table),
    )
    return Triage(enforcer=enforcer, gathering=evidence, log=POWERTOOLS_LOG, sleep=time.sleep)


def connect_orders() -> OrderedStop:
    """Connect who carries out orders of people with the same ports."""
    triage = connect()
    return OrderedStop(enforcer=triage.enforcer, gathering=triage.gathering, sleep=time.sleep)


def _connect_evidence(
    settings: Settings, functions: LambdaFunctions, loops: StoredLoops
) -> EvidenceCollector:
    count = FunctionCount(clients.make_lambda_client())
    return EvidenceCollector(
        functions=functions,
        metrics=CloudWatchMetrics(clients.make_cloudwatch_client(), count),
        account_concurrency=settings.account_concurrency,
        loops=loops,
        count=count,
    )


def _connect_incidents(
    settings: Settings, policy: Policy, functions: LambdaFunctions, loops: StoredLoops
) -> Context:
    # A table of its own: it notes when the ledger could not be reached.
    table = Table(clients.make_dynamodb_client, settings.ledger_table, clock=CLOCK.read)
    return Context(
        functions=functions,
        ledger=DynamoLedger(table),
        publisher=SnsPublisher(clients.make_sns_client(), settings.notice_topic_arn),
        way_back=ScheduledWayBack(clients.make_scheduler_client, Route.of(settings)),
        deployment=_describe_guard(settings, policy),
        clock=read_clock,
        loops=loops,
        events=connect_events(settings, describe_deployment(settings)),
        names=AccountAlias(clients.make_alias_client),
    )


def _read_policy(settings: Settings) -> Policy:
    return Policy(
        mode=Mode(settings.mode),
        response=Response(settings.response),
        floor_per_minute=settings.floor_per_minute,
        blast_radius=settings.blast_radius,
        blast_radius_window=timedelta(minutes=settings.blast_radius_window_minutes),
        danger_usd_per_minute=settings.danger_usd_per_minute,
        exempt=frozenset(settings.exempt),
        own_functions=frozenset(settings.own_functions),
    )


def _describe_guard(settings: Settings, policy: Policy) -> Deployment:
    return replace(
        describe_deployment(settings),
        cooling_off=policy.cooling_off,
        blast_radius=policy.blast_radius,
        blast_radius_window=policy.blast_radius_window,
        response=policy.response,
        patience=policy.patience,
    )
