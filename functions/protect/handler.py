"""The Lambda function that CloudFormation asks while Loopbreaker is deployed."""

from __future__ import annotations

import functools
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from functions.aws import clients, custom_resource, guard_account, publisher
from functions.aws.custom_resource import CustomResourceRequest, respond
from functions.aws.guard_account import GuardAccount
from functions.aws.observability import logger
from functions.aws.publisher import SnsPublisher
from functions.protect.answer import answer, failed
from functions.protect.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.domain.ports import Publisher
    from functions.protect.answer import Account

ADAPTERS: Final = (custom_resource, guard_account, publisher)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """What the handler talks to."""

    account: Account
    publisher: Publisher
    stack_name: str


@functools.cache
def connect() -> Connections:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    return Connections(
        account=GuardAccount(clients.lambda_client()),
        publisher=SnsPublisher(clients.sns_client(), settings.notice_topic_arn),
        stack_name=settings.stack_name,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Answer one request of CloudFormation, whatever happens: without an answer the stack waits.

    An answer that CloudFormation's URL did not take is raised, so that Lambda tries again.
    """
    request = CustomResourceRequest.from_event(event)
    try:
        connections = connect()
        response = answer(
            request,
            account=connections.account,
            publisher=connections.publisher,
            stack_name=connections.stack_name,
        )
    except Exception as error:  # noqa: BLE001 - the answer carries it to the stack's events
        logger.exception("request failed", resource_type=request.resource_type)
        response = failed(request, error)
    respond(request, response, random=random.SystemRandom())
