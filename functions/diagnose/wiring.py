"""Connects `diagnose` with AWS."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.account import account_alias, account_reader
from functions.aws.account.account_alias import AccountAlias
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import Quota, RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.diagnosis import (
    account_facts,
    alarm_actions,
    function_details,
    iam_simulation,
    logs,
    metrics,
    rule_watch,
    schedule_watch,
    signals,
)
from functions.aws.diagnosis.account_facts import AccountFacts
from functions.aws.diagnosis.alarm_actions import AlarmActions
from functions.aws.diagnosis.function_changes import AwsFunctionChanges
from functions.aws.diagnosis.function_details import DetailsReader
from functions.aws.diagnosis.iam_simulation import Simulator
from functions.aws.diagnosis.logs import FunctionLogs
from functions.aws.diagnosis.metrics import DiagnosisMetrics
from functions.aws.diagnosis.rule_watch import RuleTargets
from functions.aws.diagnosis.schedule_watch import Schedules
from functions.aws.incidents import chat_topic, event_bus, publisher
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.records import diagnosis_store
from functions.aws.records.chart_store import ChartStore
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.fact_store import FactStore
from functions.aws.records.incidents import ledger
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients, custom_resource, queued_events
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.deployment import describe_deployment
from functions.aws.runtime.observability import POWERTOOLS_LOG
from functions.diagnose.settings import Settings
from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.collection.ports import Readers
from functions.domain.diagnosis.ports import RemediationContext
from functions.domain.diagnosis.remedy import RemedyKind
from functions.event_delivery import connect_events
from functions.workflows.diagnosis.collect_facts import FactCollector
from functions.workflows.diagnosis.find_first_signs import find_first_signs
from functions.workflows.diagnosis.read_guard_state import read_guard_state
from functions.workflows.diagnosis.triage import DiagnosisTriage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

# The deployment allows what they declare. Of `function_changes` it allows only what the remedies
# need that are allowed.
ADAPTERS: Final = (
    account_alias,
    account_facts,
    account_reader,
    alarm_actions,
    chat_topic,
    custom_resource,
    diagnosis_store,
    event_bus,
    function_details,
    iam_simulation,
    ledger,
    logs,
    metrics,
    publisher,
    queued_events,
    rule_watch,
    schedule_watch,
    signals,
)
# Time that is kept for what comes after the reading.
_RESERVE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisWiring:
    """What the handler talks to, made once per execution environment."""

    settings: Settings
    policy: RemedyPolicy
    context: RemediationContext
    store: DiagnosisStore
    ledger: DynamoLedger
    readers: Readers
    metrics: DiagnosisMetrics
    facts: AccountFacts
    rate_limiter: RateLimiter

    def triage(self, seconds_left: Callable[[], float]) -> DiagnosisTriage:
        """The diagnosis, for one run."""
        return DiagnosisTriage(
            read_account=lambda now, fresh: self.read_account(now, fresh, seconds_left),
            find_signs=functools.partial(find_first_signs, self.metrics),
            context=self.context,
            memory=self.store,
            policy=self.policy,
            log=POWERTOOLS_LOG,
            seconds_left=seconds_left,
            exists=self.readers.details.of,
            every=timedelta(hours=self.settings.round_hours),
        )

    def read_account(
        self, now: datetime, fresh: Sequence[str], seconds_left: Callable[[], float]
    ) -> FactCollector | None:
        """Read the account; ``None`` when there is no time for it."""
        client = ReadClient(
            clients.make_reading_client,
            self.rate_limiter,
            is_time_up=lambda: seconds_left() < _RESERVE_SECONDS,
        )
        account = self.facts.account(AccountReader(client), fresh, now)
        if account is None:
            return None
        guard = read_guard_state(self.ledger, self.store, self.policy, fresh, now)
        return FactCollector.of(account, self.readers, guard, now)


@functools.cache
def connect() -> DiagnosisWiring:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    table = Table(clients.make_dynamodb_client, settings.ledger_table)
    store = DiagnosisStore(table)
    rate_limiter = RateLimiter()
    cloudwatch = DiagnosisMetrics(clients.make_cloudwatch_client())
    return DiagnosisWiring(
        settings=settings,
        policy=_read_policy(settings),
        context=RemediationContext(
            repairs=AwsFunctionChanges(clients.make_lambda_client(), clients.make_iam_client()),
            remediations=store,
            publisher=SnsPublisher(clients.make_sns_client(), settings.notice_topic_arn),
            deployment=describe_deployment(settings),
            clock=read_clock,
            events=connect_events(settings, describe_deployment(settings)),
            names=AccountAlias(clients.make_alias_client),
        ),
        store=store,
        ledger=DynamoLedger(Table(clients.make_dynamodb_client, settings.ledger_table)),
        readers=_connect_readers(cloudwatch, rate_limiter),
        metrics=cloudwatch,
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
        rate_limiter=rate_limiter,
    )


def _connect_readers(cloudwatch: DiagnosisMetrics, rate_limiter: RateLimiter) -> Readers:
    def wait_for(quota: Quota) -> Callable[[], None]:
        return functools.partial(rate_limiter.wait, quota)

    return Readers(
        metrics=cloudwatch,
        logs=FunctionLogs(clients.make_logs_client(), wait_for(Quota.LOGS)),
        simulator=Simulator(clients.make_iam_client(), wait_for(Quota.IAM)),
        alarms=AlarmActions(clients.make_cloudwatch_client()),
        targets=RuleTargets(clients.make_events_client(), wait_for(Quota.EVENTS)),
        schedules=Schedules(clients.make_scheduler_client(), wait_for(Quota.SCHEDULER)),
        details=DetailsReader(clients.make_lambda_client(), wait_for(Quota.LAMBDA)),
    )


def _read_policy(settings: Settings) -> RemedyPolicy:
    """What the operator allows."""
    return RemedyPolicy(
        kinds=frozenset(RemedyKind(one) for one in settings.remedies),
        memory_ceiling_mb=settings.memory_ceiling_mb or None,
        exempt=frozenset(settings.exempt),
        own_functions=frozenset(settings.own_functions),
        is_observing=settings.mode == "observe",
    )
