"""The Lambda function that alarms, rules and the pulse wake."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.aws.detection import function_count
from functions.aws.detection import lambda_metrics as metrics
from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from functions.aws.incidents import hold_facts, publisher, signals, way_back
from functions.aws.incidents import lambda_functions as target_functions
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.incidents.signals import parse_signal
from functions.aws.incidents.way_back import Route, ScheduledWayBack
from functions.aws.records import diagnosis_marks
from functions.aws.records import graph_summary as loop_book
from functions.aws.records.diagnosis_marks import DiagnosisMarks
from functions.aws.records.graph_summary import LoopBookStore
from functions.aws.records.incidents import ledger
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.deployment import describe_deployment
from functions.aws.runtime.observability import POWERTOOLS_LOG, logger
from functions.contain.settings import Settings
from functions.domain.incidents.policy import Mode, Policy, Response
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.detection.stored_loops import StoredLoops
from functions.workflows.detection.triage import Triage
from functions.workflows.holding.observe import HoldObserver
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.enforce import Enforcer

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.domain.notices.notice import Deployment

ADAPTERS: Final = (
    diagnosis_marks,
    function_count,
    hold_facts,
    ledger,
    loop_book,
    metrics,
    publisher,
    signals,
    target_functions,
    way_back,
)


@functools.cache
def guard() -> Triage:
    """Read the settings and create the guard, once per execution environment."""
    settings = Settings.from_env(os.environ)
    functions = target_functions.LambdaFunctions(clients.lambda_client(), clients.tagging_client)
    policy = _policy(settings)
    table = Table(clients.dynamodb_client, settings.ledger_table)
    # Its own: it notes when the ledger could not be reached.
    ledger_table = Table(clients.dynamodb_client, settings.ledger_table, clock=present)
    loops = StoredLoops(LoopBookStore(table, clock=present))
    count = function_count.FunctionCount(clients.lambda_client())
    gathering = EvidenceCollector(
        functions=functions,
        metrics=CloudWatchMetrics(clients.cloudwatch_client(), count),
        account_concurrency=settings.account_concurrency,
        loops=loops,
        count=count,
    )
    return Triage(
        enforcer=Enforcer(
            world=Context(
                functions=functions,
                ledger=DynamoLedger(ledger_table),
                publisher=SnsPublisher(clients.sns_client(), settings.notice_topic_arn),
                way_back=ScheduledWayBack(
                    clients.scheduler_client,
                    Route.of(settings),
                ),
                deployment=_describe_guard(settings, policy),
                clock=read_clock,
                loops=loops,
            ),
            policy=policy,
            holding=HoldObserver(
                gathering=gathering,
                facts=hold_facts.AwsHoldFacts(
                    clients.lambda_client(), clients.sqs_client, clients.kinesis_client
                ),
                most_usd_per_minute=settings.danger_usd_per_minute,
            ),
            diagnosis=DiagnosisMarks(table),
        ),
        gathering=gathering,
        log=POWERTOOLS_LOG,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Deal with one signal. Whatever fails is raised: Lambda retries, then it is a dead letter."""
    signal = parse_signal(event)
    _latest.at = max(_latest.at, signal.at)
    logger.append_keys(signal=signal.kind, signal_id=signal.id, signal_source=signal.source)
    guard().handle(signal, lambda: context.get_remaining_time_in_millis() / 1000)


@dataclass(slots=True)
class _LatestSignal:
    """When the newest signal of this process was sent."""

    at: datetime


_latest: Final = _LatestSignal(at=datetime.min.replace(tzinfo=UTC))


def present() -> datetime:
    """The time of day, never behind the signals: tags and outages carry moments of both."""
    return max(read_clock(), _latest.at)


def _policy(settings: Settings) -> Policy:
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
