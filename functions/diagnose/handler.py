"""The Lambda function that finds the other problems on AWS's troubleshooting pages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from functions.aws.diagnosis.signals import parse_diagnosis_signal
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.custom_resource import (
    RequestType,
    is_custom_resource_event,
    serve_request,
)
from functions.aws.runtime.observability import logger
from functions.aws.runtime.queued_events import (
    compose_batch_answer,
    is_batch,
    parse_queued_events,
)
from functions.diagnose.wiring import connect
from functions.domain.account.watched_region import ElsewhereError
from functions.domain.errors import UnrecognisedSignalError
from functions.workflows.diagnosis.answer_request import DiagnosisRequest, answer_request
from functions.workflows.diagnosis.triage import UnknownFunctionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.aws.runtime.custom_resource import CustomResourceRequest
    from functions.diagnose.wiring import DiagnosisWiring


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Deal with one event or with many out of a queue, or answer CloudFormation.

    Whatever fails is raised for Lambda to try again; CloudFormation is answered whatever happens,
    because without an answer the stack waits.
    """

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if is_custom_resource_event(event):
        serve_request(event, partial(_carry_out, seconds_left=seconds_left), seconds_left)
        return None
    wiring = connect()
    try:
        if is_batch(event):
            return _take_batch(event, wiring, seconds_left)
        signal = parse_diagnosis_signal(event)
        logger.append_keys(signal=type(signal).__name__)
        wiring.triage(seconds_left).handle(signal, max(signal.at, read_clock()))
    finally:
        # Last of all: no remedy and no mail waits for an event.
        wiring.context.events.flush(seconds_left)
    return None


def _take_batch(
    event: dict[str, Any], wiring: DiagnosisWiring, seconds_left: Callable[[], float]
) -> dict[str, Any]:
    """Deal with events out of the queue. What no trigger sends comes again by itself."""
    signals, failed = [], []
    for one in parse_queued_events(event):
        try:
            signals.append(parse_diagnosis_signal(one.event))
        except UnrecognisedSignalError:
            logger.exception("unknown event in the queue", message_id=one.message_id)
            failed.append(one.message_id)
    if signals:
        now = max(read_clock(), *(one.at for one in signals))
        wiring.triage(seconds_left).handle_all(signals, now)
    logger.info("taken from the queue", events=len(signals), failed=len(failed))
    return compose_batch_answer(tuple(failed))


def _carry_out(
    request: CustomResourceRequest, after_the_answer: ExitStack, seconds_left: Callable[[], float]
) -> dict[str, str]:
    """Diagnose what a deployment names. Only a flag that names no function here fails it."""
    if request.request_type is RequestType.DELETE:
        return {}
    try:
        wiring = connect()
        after_the_answer.callback(wiring.context.events.flush, seconds_left)
        asked = DiagnosisRequest(
            id=request.request_id,
            function=str(request.properties.get("Function", "")),
            nonce=str(request.properties.get("Nonce", "")),
        )
        text = answer_request(asked, wiring.triage(seconds_left), wiring.ledger, read_clock())
    except (UnknownFunctionError, ElsewhereError):
        raise
    except Exception as error:  # noqa: BLE001 - the answer carries it to the stack's outputs
        logger.exception("diagnosis failed")
        text = f"the diagnosis failed: {type(error).__name__} {error}"
    return {"Diagnosis": text}
