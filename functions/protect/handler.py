"""The Lambda function that CloudFormation asks while Loopbreaker is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.custom_resource import (
    CustomResourceRequest,
    CustomResourceResponse,
    RequestType,
    respond,
)
from functions.aws.runtime.observability import logger
from functions.aws.runtime.propagation import PROPAGATION
from functions.domain.errors import LoopbreakerError
from functions.protect.wiring import connect
from functions.workflows.deployment.protect_guard import protect_guard
from functions.workflows.deployment.report_account import DeploymentPlan, report_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.workflows.deployment.report_account import AccountReport

ACCOUNT: Final = "Custom::LoopbreakerAccount"
RESERVATION: Final = "Custom::LoopbreakerReservation"
# CloudFormation takes an answer of 4,096 bytes, and an AWS error message may be long. JSON writes a
# character that is not ASCII in six bytes.
_MOST_CHARACTERS: Final = 500


class UnknownResourceError(LoopbreakerError):
    """When a custom resource is not one that `protect` serves."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Answer one request of CloudFormation, whatever happens: without an answer the stack waits.

    An answer that CloudFormation's URL did not take is raised, so that Lambda tries again. Lambda
    may deliver a request twice, which is harmless.
    """
    request = CustomResourceRequest.from_event(event)

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    try:
        with PROPAGATION.wait_for_propagation(seconds_left()):
            response = _answer(request, seconds_left)
    except Exception as error:  # noqa: BLE001 - the answer carries it to the stack's events
        logger.exception("request failed", resource_type=request.resource_type)
        response = _answer_failure(request, error)
    respond(request, response)


def _answer(
    request: CustomResourceRequest, seconds_left: Callable[[], float]
) -> CustomResourceResponse:
    """Carry out a request. A Delete does nothing: the reservations end with the functions."""
    match request.request_type:
        case RequestType.DELETE:
            data = {}
        case RequestType.CREATE | RequestType.UPDATE:
            data = _carry_out(request, seconds_left)
        case _:
            assert_never(request.request_type)
    return CustomResourceResponse(physical_resource_id=_name_resource(request), data=data)


def _carry_out(request: CustomResourceRequest, seconds_left: Callable[[], float]) -> dict[str, str]:
    properties = request.properties
    if request.resource_type == ACCOUNT:
        return _render(report_account(_parse_plan(properties), connect(), read_clock()))
    if request.resource_type == RESERVATION:
        wanted = {name: int(count) for name, count in properties["Functions"].items()}
        connected = connect()
        text = protect_guard(wanted, connected, read_clock())
        # Before the answer: until then a denied call waits for new permissions to be in force.
        connected.events.flush(seconds_left)
        return {"Protection": text}
    raise UnknownResourceError(f"protect serves no {request.resource_type}")


def _answer_failure(request: CustomResourceRequest, error: Exception) -> CustomResourceResponse:
    """Say in CloudFormation's events why a request failed, in AWS's own words where it has some.

    A Delete succeeds all the same: a stack that cannot be removed helps nobody.
    """
    reason = None if request.request_type is RequestType.DELETE else str(error) or repr(error)
    return CustomResourceResponse(physical_resource_id=_name_resource(request), reason=reason)


def _name_resource(request: CustomResourceRequest) -> str:
    """Name the resource for its whole life.

    Another name would make CloudFormation delete what it believes to be the old resource.
    """
    return request.resource_type.removeprefix("Custom::")


def _parse_plan(properties: Mapping[str, Any]) -> DeploymentPlan:
    return DeploymentPlan(
        arns=tuple(str(one) for one in properties.get("Arns", ())),
        exempt=tuple(str(one) for one in properties.get("Exempt", ())),
        alarm_per_minute=int(properties.get("AccountAlarmPerMinute", 0)) or None,
        standard_alarms=int(properties["StandardAlarms"]),
        sweep_minutes=int(properties["SweepMinutes"]),
        has_alarm_per_function=properties["Coverage"] == "function",
        has_dashboard=properties.get("Dashboard") == "on",
    )


def _render(report: AccountReport) -> dict[str, str]:
    """The report as attributes of the resource, which the outputs of the stack read."""
    return {
        "ConcurrencyLimit": str(report.limits.concurrency),
        "ConcurrencyAlarmThreshold": str(report.limits.alarm_threshold),
        "AccountAlarmThreshold": str(report.threshold.per_minute),
        "AccountAlarm": report.threshold.in_words()[:_MOST_CHARACTERS],
        "FunctionCount": str(report.limits.functions),
        "MonthlyCost": report.cost.in_words(),
        "ExemptFunctions": report.exempt,
    }
