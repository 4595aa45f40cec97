"""The Lambda function that CloudFormation asks while Loopbreaker is deployed."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, Final

from functions.aws.deployment import account_traffic, guard_account
from functions.aws.deployment.account_traffic import AccountTraffic
from functions.aws.deployment.guard_account import GuardAccount
from functions.aws.incidents import publisher
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.runtime import clients, custom_resource
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.custom_resource import CustomResourceRequest, respond
from functions.aws.runtime.observability import logger
from functions.aws.runtime.propagation import PROPAGATION
from functions.protect.answer import ProtectionContext, answer, failed
from functions.protect.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ADAPTERS: Final = (account_traffic, custom_resource, guard_account, publisher)


@functools.cache
def connect() -> ProtectionContext:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    return ProtectionContext(
        account=GuardAccount(clients.lambda_client()),
        traffic=AccountTraffic(clients.cloudwatch_client()),
        publisher=SnsPublisher(clients.sns_client(), settings.notice_topic_arn),
        stack_name=settings.stack_name,
        region=settings.region,
        account_id=settings.account,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Answer one request of CloudFormation, whatever happens: without an answer the stack waits.

    An answer that CloudFormation's URL did not take is raised, so that Lambda tries again.
    """
    request = CustomResourceRequest.from_event(event)
    seconds_left = context.get_remaining_time_in_millis() / 1000
    try:
        with PROPAGATION.awaited(seconds_left):
            response = answer(request, connect(), read_clock())
    except Exception as error:  # noqa: BLE001 - the answer carries it to the stack's events
        logger.exception("request failed", resource_type=request.resource_type)
        response = failed(request, error)
    respond(request, response)
