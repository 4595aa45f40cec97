"""The Lambda function that restores: for deployments, for schedules that end holds, for people."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from functions.aws.incidents.way_back import is_hold_end, parse_hold_end
from functions.aws.runtime.custom_resource import (
    RequestType,
    serve_request,
)
from functions.aws.runtime.observability import logger
from functions.domain.page.answers import write_popup
from functions.domain.page.widget_request import read_theme
from functions.domain.requests.request import is_direct_request, is_from_widget
from functions.domain.requests.terms import RestoreMode, RestoreTerms
from functions.restore.wiring import connect, connect_page
from functions.workflows.holding.end_hold import HoldEnder
from functions.workflows.requests.answer_direct import answer_at_restore
from functions.workflows.rollback.answer_request import (
    RollbackRequest,
    answer_request,
    end_deployment,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.aws.runtime.custom_resource import CustomResourceRequest


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | str | None:
    """End a hold for a schedule, or answer a request of CloudFormation or of a person.

    What fails for a schedule is raised, so that Lambda tries again. A person's request is answered
    as `functions.domain.requests` describes, and that of a dashboard's button as HTML.
    """

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if is_direct_request(event):
        rollback = connect()
        try:
            answer = answer_at_restore(
                event,
                rollback,
                context.aws_request_id,
                seconds_left,
                lambda: connect_page().read(),
            )
        finally:
            rollback.world.events.flush(seconds_left)
        logger.info("answered a request", kind=answer["loopbreaker"]["answer"])
        return write_popup(answer, read_theme(event)) if is_from_widget(event) else answer
    if is_hold_end(event):
        _end_hold(event, seconds_left)
    else:
        serve_request(event, partial(_carry_out, seconds_left=seconds_left), seconds_left)
    return None


def _end_hold(event: dict[str, Any], seconds_left: Callable[[], float]) -> None:
    end = parse_hold_end(event)
    rollback = connect()
    ender = HoldEnder(world=rollback.world, sleep=rollback.sleep)
    try:
        outcome = ender.end(end.incident_id, end.function, seconds_left)
    finally:
        rollback.world.events.flush(seconds_left)
    logger.info("hold", outcome=outcome, incident=end.incident_id, target_function=end.function)


def _carry_out(
    request: CustomResourceRequest, after_the_answer: ExitStack, seconds_left: Callable[[], float]
) -> dict[str, str]:
    """Roll back what a deployment names. A Delete ends it: the ledger stays when the stack goes."""
    rollback = connect()
    after_the_answer.callback(rollback.world.events.flush, seconds_left)
    if request.request_type is RequestType.DELETE:
        end_deployment(rollback, seconds_left)
        # Once CloudFormation has its answer, it takes the permissions and the topics away.
        rollback.world.events.flush(seconds_left)
        return {}
    asked = RollbackRequest(
        id=request.request_id,
        functions=tuple(str(one) for one in request.properties.get("Rollback", ())),
        nonce=str(request.properties.get("Nonce", "")),
        terms=_read_terms(request),
    )
    text = answer_request(asked, rollback, seconds_left)
    return {"Restored": text} if text else {}


def _read_terms(request: CustomResourceRequest) -> RestoreTerms:
    """How functions are to be restored: what an earlier template does not say is as it was then."""
    is_careful = request.properties.get("Mode") == RestoreMode.PROBATION
    return RestoreTerms(
        mode=RestoreMode.PROBATION if is_careful else RestoreMode.NOW,
        is_forced=request.properties.get("Force") == "yes",
    )
