"""Connects `restore` with AWS."""

from __future__ import annotations

import functools
import os
import time
from typing import Final

from functions.aws.account import account_alias
from functions.aws.account.account_alias import AccountAlias
from functions.aws.diagnosis import function_changes
from functions.aws.incidents import lambda_functions, publisher, way_back
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.incidents.way_back import Route, ScheduledWayBack
from functions.aws.records import diagnosis_store
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.incidents import ledger
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients, custom_resource
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.deployment import describe_deployment
from functions.domain.diagnosis.ports import RemediationContext
from functions.restore.settings import Settings
from functions.workflows.incidents.context import Context
from functions.workflows.rollback.rollback import Rollback

# The deployment allows what they declare. Of `function_changes` it allows only what the remedies
# need that are allowed.
ADAPTERS: Final = (
    account_alias,
    custom_resource,
    diagnosis_store,
    lambda_functions,
    ledger,
    publisher,
    way_back,
)


@functools.cache
def connect() -> Rollback:
    """Read the settings and create the ports, once per execution environment."""
    settings = Settings.from_env(os.environ)
    context = Context(
        functions=lambda_functions.LambdaFunctions(
            clients.make_lambda_client(), clients.make_tagging_client
        ),
        ledger=DynamoLedger(Table(clients.make_dynamodb_client, settings.ledger_table)),
        publisher=SnsPublisher(clients.make_sns_client(), settings.notice_topic_arn),
        way_back=ScheduledWayBack(clients.make_scheduler_client, Route.of(settings)),
        deployment=describe_deployment(settings),
        clock=read_clock,
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
        names=context.names,
    )
    return Rollback(world=context, sleep=time.sleep, remediation=remediation)
