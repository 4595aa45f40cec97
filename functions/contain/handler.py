"""The Lambda function that alarms, rules and the pulse invoke, and people who stop a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions.aws.incidents.signals import parse_signal
from functions.aws.runtime.observability import logger
from functions.contain.wiring import CLOCK, connect, connect_orders
from functions.domain.page.answers import write_popup
from functions.domain.page.widget_request import read_theme
from functions.domain.requests.request import is_direct_request, is_from_widget
from functions.workflows.requests.answer_direct import answer_at_contain

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | str | None:
    """Deal with one signal, or answer the order of a person.

    Whatever fails about a signal is raised: Lambda retries, then it is a dead letter. An order is
    answered as `functions.domain.requests` describes, and that of a dashboard's button as HTML.
    """

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if is_direct_request(event):
        orders = connect_orders()
        try:
            answer = answer_at_contain(event, orders, context.aws_request_id)
        finally:
            orders.enforcer.world.events.flush(seconds_left)
        logger.info("answered a request", kind=answer["loopbreaker"]["answer"])
        return write_popup(answer, read_theme(event)) if is_from_widget(event) else answer
    signal = parse_signal(event)
    CLOCK.advance(signal.at)
    logger.append_keys(signal=signal.kind, signal_id=signal.id, signal_source=signal.source)
    triage = connect()
    try:
        triage.handle(signal, seconds_left)
    finally:
        # Last of all: no containment and no mail waits for an event.
        triage.enforcer.world.events.flush(seconds_left)
    return None
