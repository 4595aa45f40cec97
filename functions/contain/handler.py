"""The Lambda function that alarms, rules and the pulse invoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions.aws.incidents.signals import parse_signal
from functions.aws.runtime.observability import logger
from functions.contain.wiring import CLOCK, connect

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Deal with one signal. Whatever fails is raised: Lambda retries, then it is a dead letter."""
    signal = parse_signal(event)
    CLOCK.advance(signal.at)
    logger.append_keys(signal=signal.kind, signal_id=signal.id, signal_source=signal.source)
    connect().handle(signal, lambda: context.get_remaining_time_in_millis() / 1000)
