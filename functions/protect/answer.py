"""The answers to the custom resources that `protect` serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, assert_never

from functions.aws.custom_resource import CustomResourceResponse, RequestType
from functions.domain.errors import LoopbreakerError, NoticeUndeliveredError, RefusedError
from functions.domain.guard_cost import guard_cost
from functions.domain.guard_protection import (
    LeaveUnprotected,
    Reserve,
    decide_protection,
    protected_text,
    too_small_text,
    unprotected_notice,
    unprotected_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.aws.custom_resource import CustomResourceRequest
    from functions.domain.guard_protection import (
        AccountLimits,
    )
    from functions.domain.ports import Publisher

ACCOUNT: Final = "Custom::LoopbreakerAccount"
RESERVATION: Final = "Custom::LoopbreakerReservation"


class UnknownResourceError(LoopbreakerError):
    """When a custom resource is not one that `protect` serves."""


class Account(Protocol):
    """What `protect` needs of Lambda's control plane."""

    def limits(self) -> AccountLimits:
        """Read the limits of the account."""
        ...

    def reserved(self, function: str) -> int | None:
        """Read what a guard function has reserved."""
        ...

    def reserve(self, function: str, concurrency: int) -> None:
        """Set the reservation of a guard function. Raises `RefusedError`."""
        ...


def answer(
    request: CustomResourceRequest, *, account: Account, publisher: Publisher, stack_name: str
) -> CustomResourceResponse:
    """Carry out a request and say what came of it.

    Doing it twice is harmless, as Lambda may deliver a request twice: figures are read again, and
    reservations that hold already are left alone.

    A Delete does nothing: the reservations end with the functions.
    """
    match request.request_type:
        case RequestType.DELETE:
            return CustomResourceResponse(physical_resource_id=physical_id(request))
        case RequestType.CREATE | RequestType.UPDATE:
            data = _data(request, account, publisher, stack_name)
            return CustomResourceResponse(physical_resource_id=physical_id(request), data=data)
        case _:
            assert_never(request.request_type)


def failed(request: CustomResourceRequest, error: Exception) -> CustomResourceResponse:
    """Say in CloudFormation's events why a request failed, in AWS's own words where it has some.

    A Delete succeeds all the same: a stack that cannot be removed helps nobody.
    """
    reason = None if request.request_type is RequestType.DELETE else str(error) or repr(error)
    return CustomResourceResponse(physical_resource_id=physical_id(request), reason=reason)


def physical_id(request: CustomResourceRequest) -> str:
    """Name the resource for its whole life.

    Another name would make CloudFormation delete what it believes to be the old resource.
    """
    return request.resource_type.removeprefix("Custom::")


def _data(
    request: CustomResourceRequest, account: Account, publisher: Publisher, stack_name: str
) -> dict[str, str]:
    if request.resource_type == ACCOUNT:
        return _account_figures(account.limits(), request.properties)
    if request.resource_type == RESERVATION:
        wanted = {name: int(count) for name, count in request.properties["Functions"].items()}
        return {"Protection": _protect(wanted, account, publisher, stack_name)}
    raise UnknownResourceError(f"protect serves no {request.resource_type}")


def _account_figures(limits: AccountLimits, properties: Mapping[str, Any]) -> dict[str, str]:
    cost = guard_cost(
        functions=limits.functions,
        standard_alarms=int(properties["StandardAlarms"]),
        sweep_minutes=int(properties["SweepMinutes"]),
        per_function=properties["Coverage"] == "function",
    )
    return {
        "ConcurrencyLimit": str(limits.concurrency),
        "ConcurrencyAlarmThreshold": str(limits.alarm_threshold),
        "FunctionCount": str(limits.functions),
        "MonthlyCost": cost.in_words(),
    }


def _protect(
    wanted: Mapping[str, int], account: Account, publisher: Publisher, stack_name: str
) -> str:
    decision = decide_protection(
        limits=account.limits(),
        wanted=wanted,
        reserved={name: account.reserved(name) for name in wanted},
    )
    match decision:
        case Reserve(reservations=reservations):
            try:
                for name, count in reservations:
                    account.reserve(name, count)
            except RefusedError as error:
                # Others reserved meanwhile, or the account's minimum is another one.
                text = unprotected_text(str(error))
            else:
                return protected_text(wanted)
        case LeaveUnprotected():
            text = too_small_text(decision)
        case _:
            assert_never(decision)
    try:
        publisher.publish(*unprotected_notice(stack_name, text))
    except NoticeUndeliveredError as error:
        return f"{text} (and the notice about it could not be sent: {error})"
    return text
