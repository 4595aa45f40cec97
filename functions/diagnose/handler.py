"""The Lambda function that finds the other causes on AWS's troubleshooting pages."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import account_reader as reader
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import Quota, RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.diagnosis import (
    account_facts,
    alarm_actions,
    function_details,
    rule_watch,
    schedule_watch,
)
from functions.aws.diagnosis import function_changes as repairs
from functions.aws.diagnosis import iam_simulation as simulations
from functions.aws.diagnosis import logs as diagnosis_logs
from functions.aws.diagnosis import metrics as diagnosis_metrics
from functions.aws.diagnosis import signals as diagnosis_signals
from functions.aws.diagnosis.account_facts import AccountFacts
from functions.aws.diagnosis.metrics import DiagnosisMetrics
from functions.aws.diagnosis.signals import ROLE, parse_diagnosis_signal
from functions.aws.incidents import publisher
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.records import diagnosis_store
from functions.aws.records.chart_store import ChartStore
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.fact_store import FactStore
from functions.aws.records.incidents import ledger
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients, custom_resource
from functions.aws.runtime import queued_events as queued
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.custom_resource import (
    CustomResourceRequest,
    is_custom_resource_event,
    respond,
)
from functions.aws.runtime.deployment import describe_deployment
from functions.aws.runtime.observability import POWERTOOLS_LOG, logger
from functions.aws.runtime.propagation import PROPAGATION
from functions.aws.runtime.queued_events import batch_answer, is_batch, queued_events
from functions.diagnose.answer import answer, failed
from functions.diagnose.diagnosing import DiagnosisTriage
from functions.diagnose.first_signs import first_signs
from functions.diagnose.gathering import FactCollector
from functions.diagnose.guard_state import GuardState, accused_in
from functions.diagnose.readers import Readers
from functions.diagnose.settings import Settings
from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.ports import RemediationContext
from functions.domain.diagnosis.remedy import RemedyKind
from functions.domain.errors import UnrecognisedSignalError
from functions.domain.incidents.states import HOLDING_STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from aws_lambda_powertools.utilities.typing import LambdaContext

# What always needs permission; `repairs` does so for the kinds of remedies that are allowed.
ADAPTERS: Final = (
    account_facts,
    alarm_actions,
    custom_resource,
    diagnosis_logs,
    diagnosis_metrics,
    diagnosis_signals,
    diagnosis_store,
    function_details,
    ledger,
    publisher,
    queued,
    reader,
    rule_watch,
    schedule_watch,
    simulations,
)
LOOKBACK: Final = timedelta(days=1)
# Time that is kept for what comes after the reading.
_RESERVE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisWiring:
    """What the handler talks to, made once per execution environment."""

    settings: Settings
    practice: RemediationContext
    store: DiagnosisStore
    ledger: DynamoLedger
    metrics: DiagnosisMetrics
    readers: Readers
    facts: AccountFacts
    pace: RateLimiter

    @property
    def policy(self) -> RemedyPolicy:
        """What the operator allows."""
        settings = self.settings
        return RemedyPolicy(
            kinds=frozenset(RemedyKind(one) for one in settings.remedies),
            memory_ceiling_mb=settings.memory_ceiling_mb or None,
            exempt=frozenset(settings.exempt),
            own_functions=frozenset(settings.own_functions),
            is_observing=settings.mode == "observe",
        )

    def diagnosing(self, seconds_left: Callable[[], float]) -> DiagnosisTriage:
        """The diagnosis, for one run."""
        return DiagnosisTriage(
            look=lambda now, fresh: self.look(now, fresh, seconds_left),
            signs=functools.partial(first_signs, self.metrics),
            practice=self.practice,
            memory=self.store,
            policy=self.policy,
            log=POWERTOOLS_LOG,
            seconds_left=seconds_left,
            exists=self.readers.details.of,
            every=timedelta(hours=self.settings.round_hours),
        )

    def look(
        self, now: datetime, fresh: Sequence[str], seconds_left: Callable[[], float]
    ) -> FactCollector | None:
        """Read the account; ``None`` when there is no time for it."""
        asker = ReadClient(
            clients.reading_client,
            self.pace,
            is_time_up=lambda: seconds_left() < _RESERVE_SECONDS,
        )
        account = self.facts.account(
            AccountReader(asker),
            [one for one in fresh if not one.startswith(ROLE)],
            [one.removeprefix(ROLE) for one in fresh if one.startswith(ROLE)],
            now,
        )
        if account is None:
            return None
        settings = self.settings
        live = self.ledger.live()
        return FactCollector.of(
            account,
            self.readers,
            GuardState(
                contained=frozenset(
                    one.function for one in live.incidents if one.state in HOLDING_STATES
                ),
                exempt=frozenset(settings.exempt),
                own=frozenset(settings.own_functions),
                closely=frozenset(fresh),
                accused=accused_in(self.store.book()),
                denials=self.store.denials(now - LOOKBACK),
                memory_ceiling_mb=settings.memory_ceiling_mb or None,
            ),
            now,
        )


@functools.cache
def connect() -> DiagnosisWiring:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    table = Table(clients.dynamodb_client, settings.ledger_table)
    store = DiagnosisStore(table)
    pace = RateLimiter()
    metrics = DiagnosisMetrics(clients.cloudwatch_client())
    return DiagnosisWiring(
        settings=settings,
        practice=RemediationContext(
            repairs=repairs.AwsFunctionChanges(clients.lambda_client(), clients.iam_client()),
            remediations=store,
            publisher=SnsPublisher(clients.sns_client(), settings.notice_topic_arn),
            deployment=describe_deployment(settings),
            clock=read_clock,
        ),
        store=store,
        ledger=DynamoLedger(Table(clients.dynamodb_client, settings.ledger_table)),
        metrics=metrics,
        readers=Readers(
            metrics=metrics,
            logs=diagnosis_logs.FunctionLogs(
                clients.logs_client(), functools.partial(pace.wait, Quota.LOGS)
            ),
            simulator=simulations.Simulator(
                clients.iam_client(), functools.partial(pace.wait, Quota.IAM)
            ),
            alarms=alarm_actions.AlarmActions(clients.cloudwatch_client()),
            targets=rule_watch.RuleTargets(
                clients.events_client(), functools.partial(pace.wait, Quota.EVENTS)
            ),
            schedules=schedule_watch.Schedules(
                clients.scheduler_client(), functools.partial(pace.wait, Quota.SCHEDULER)
            ),
            details=function_details.DetailsReader(
                clients.lambda_client(), functools.partial(pace.wait, Quota.LAMBDA)
            ),
        ),
        facts=AccountFacts(
            # It only reads: whose turn it is is none of its business.
            chart=ChartStore(table, holder="diagnose"),
            facts=FactStore(
                table,
                account=settings.account,
                region=settings.region,
                partition=settings.partition,
            ),
        ),
        pace=pace,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Deal with one event or with many out of a queue, or answer CloudFormation.

    Whatever fails is raised for Lambda to try again; CloudFormation is answered whatever happens,
    because without an answer the stack waits.
    """

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if is_custom_resource_event(event):
        _answer(event, seconds_left)
        return None
    if is_batch(event):
        return _take(event, seconds_left)
    signal = parse_diagnosis_signal(event)
    logger.append_keys(signal=type(signal).__name__)
    connect().diagnosing(seconds_left).handle(signal, max(signal.at, read_clock()))
    return None


def _take(event: dict[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
    signals, failed = [], []
    for one in queued_events(event):
        try:
            signals.append(parse_diagnosis_signal(one.event))
        except UnrecognisedSignalError:
            logger.exception("unknown event in the queue", message_id=one.message_id)
            failed.append(one.message_id)
    if signals:
        now = max(read_clock(), *(one.at for one in signals))
        connect().diagnosing(seconds_left).handle_all(signals, now)
    logger.info("taken from the queue", events=len(signals), failed=len(failed))
    return batch_answer(tuple(failed))


def _answer(event: dict[str, Any], seconds_left: Callable[[], float]) -> None:
    request = CustomResourceRequest.from_event(event)
    try:
        connections = connect()
        with PROPAGATION.awaited(seconds_left()):
            response = answer(
                request, connections.diagnosing(seconds_left), connections.ledger, read_clock()
            )
    except Exception as error:  # noqa: BLE001 - the answer carries it to the stack's outputs
        logger.exception("request failed", resource_type=request.resource_type)
        response = failed(request, error)
    respond(request, response)
