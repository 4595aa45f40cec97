"""The Lambda function that CloudFormation asks while Loopbreaker is deployed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.custom_resource import (
    RequestType,
    serve_request,
)
from functions.aws.runtime.observability import logger
from functions.domain.errors import LoopbreakerError
from functions.protect.wiring import connect
from functions.workflows.deployment.protect_guard import protect_guard
from functions.workflows.deployment.report_account import DeploymentPlan, report_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.aws.runtime.custom_resource import CustomResourceRequest
    from functions.workflows.deployment.report_account import AccountReport

ACCOUNT: Final = "Custom::LoopbreakerAccount"
RESERVATION: Final = "Custom::LoopbreakerReservation"


class UnknownResourceError(LoopbreakerError):
    """When a custom resource is not one that `protect` serves."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Answer one request of CloudFormation, whatever happens: without an answer the stack waits.

    Lambda may deliver a request twice, which is harmless.
    """

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    serve_request(event, partial(_carry_out, seconds_left=seconds_left), seconds_left)


def _carry_out(
    request: CustomResourceRequest, _: ExitStack, seconds_left: Callable[[], float]
) -> dict[str, str]:
    """A Delete does nothing: the reservations end with the functions."""
    if request.request_type is RequestType.DELETE:
        return {}
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
        "AccountAlarm": report.threshold.in_words(),
        "FunctionCount": str(report.limits.functions),
        "MonthlyCost": report.cost.in_words(),
        "ExemptFunctions": report.exempt,
    }
