"""The Lambda function behind `cdk deploy -c rollback=...` and the schedules that end holds."""

from __future__ import annotations

import functools
import os
import time
from typing import TYPE_CHECKING, Any, Final

from functions.aws.diagnosis import function_changes as repairs
from functions.aws.incidents import lambda_functions as target_functions
from functions.aws.incidents import publisher, way_back
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.incidents.way_back import Route, ScheduledWayBack, is_hold_end, parse_hold_end
from functions.aws.records import diagnosis_store
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.incidents import ledger
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.aws.runtime import clients, custom_resource
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.custom_resource import CustomResourceRequest, respond
from functions.aws.runtime.deployment import describe_deployment
from functions.aws.runtime.observability import logger
from functions.aws.runtime.propagation import PROPAGATION
from functions.domain.diagnosis.ports import RemediationContext
from functions.restore.answer import answer, failed
from functions.restore.settings import Settings
from functions.workflows.holding.end_hold import HoldEnder
from functions.workflows.incidents.context import Context
from functions.workflows.rollback.rollback import Rollback

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

# What always needs permission; `repairs` does so for the kinds of remedies that are allowed.
ADAPTERS: Final = (
    custom_resource,
    diagnosis_store,
    ledger,
    publisher,
    target_functions,
    way_back,
)


@functools.cache
def rollback() -> Rollback:
    """Read the settings and create the ports, once per execution environment."""
    settings = Settings.from_env(os.environ)
    world = Context(
        functions=target_functions.LambdaFunctions(clients.lambda_client(), clients.tagging_client),
        ledger=DynamoLedger(Table(clients.dynamodb_client, settings.ledger_table)),
        publisher=SnsPublisher(clients.sns_client(), settings.notice_topic_arn),
        way_back=ScheduledWayBack(
            clients.scheduler_client,
            Route.of(settings),
        ),
        deployment=describe_deployment(settings),
        clock=read_clock,
    )
    practice = RemediationContext(
        repairs=repairs.AwsFunctionChanges(clients.lambda_client(), clients.iam_client()),
        remediations=DiagnosisStore(Table(clients.dynamodb_client, settings.ledger_table)),
        publisher=world.publisher,
        deployment=world.deployment,
    )
    return Rollback(world=world, sleep=time.sleep, practice=practice)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """End a hold for a schedule, or answer a request of CloudFormation.

    What fails for a schedule is raised, so that Lambda tries again.
    """

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if is_hold_end(event):
        end = parse_hold_end(event)
        world, sleep = rollback().world, rollback().sleep
        outcome = HoldEnder(world=world, sleep=sleep).end(
            end.incident_id, end.function, seconds_left
        )
        logger.info("hold", outcome=outcome, incident=end.incident_id, target_function=end.function)
    else:
        _answer(CustomResourceRequest.from_event(event), seconds_left)


def _answer(request: CustomResourceRequest, seconds_left: Callable[[], float]) -> None:
    """Answer one request of CloudFormation, whatever happens: without an answer the stack waits.

    An answer that CloudFormation's URL did not take is raised, so that Lambda tries again.
    """
    try:
        with PROPAGATION.awaited(seconds_left()):
            response = answer(request, rollback(), seconds_left)
    except Exception as error:  # noqa: BLE001 - the answer carries it to the stack's events
        logger.exception("request failed", resource_type=request.resource_type)
        response = failed(request, error)
    respond(request, response)
