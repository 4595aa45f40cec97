"""The answers to the custom resources that `protect` serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, assert_never

from functions.aws.runtime.custom_resource import CustomResourceResponse, RequestType
from functions.domain.account.watched_region import refuse_elsewhere
from functions.domain.deployment.account_alarm import account_threshold, threshold_unread
from functions.domain.deployment.guard_cost import guard_cost
from functions.domain.deployment.guard_protection import (
    LeaveUnprotected,
    SetAside,
    decide_protection,
    protected_text,
    too_small_text,
    unprotected_notice,
    unprotected_text,
)
from functions.domain.errors import (
    LoopbreakerError,
    MetricsUnavailableError,
    NoticeUndeliveredError,
    RefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from functions.aws.runtime.custom_resource import CustomResourceRequest
    from functions.domain.deployment.account_alarm import AccountThreshold
    from functions.domain.deployment.guard_protection import AccountLimits
    from functions.domain.ports import Publisher

ACCOUNT: Final = "Custom::LoopbreakerAccount"
RESERVATION: Final = "Custom::LoopbreakerReservation"
# CloudFormation takes an answer of 4,096 bytes, and an AWS error message may be long. JSON writes a
# character that is not ASCII in six bytes.
_MOST_WORDS: Final = 500


class UnknownResourceError(LoopbreakerError):
    """When a custom resource is not one that `protect` serves."""


class AccountLimitsReader(Protocol):
    """What `protect` needs of Lambda's control plane."""

    def limits(self) -> AccountLimits:
        """Read the limits of the account."""
        ...

    def exists(self, function: str) -> bool:
        """Tell whether there is such a function."""
        ...

    def reserved(self, function: str) -> int | None:
        """Read what a guard function has reserved."""
        ...

    def reserve(self, function: str, concurrency: int) -> None:
        """Set the reservation of a guard function. Raises `RefusedError`."""
        ...


class AccountTrafficReader(Protocol):
    """What `protect` needs of CloudWatch."""

    def rates(self, end: datetime) -> Sequence[tuple[float, float]]:
        """Read the account's invocations a minute. Raises `MetricsUnavailableError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionContext:
    """What the answers are made of."""

    account: AccountLimitsReader
    traffic: AccountTrafficReader
    publisher: Publisher
    stack_name: str
    region: str
    account_id: str


def answer(
    request: CustomResourceRequest, world: ProtectionContext, now: datetime
) -> CustomResourceResponse:
    """Carry out a request and say what came of it.

    Doing it twice is harmless, as Lambda may deliver a request twice: figures are read again, and
    reservations that hold already are left alone.

    A Delete does nothing: the reservations end with the functions.

    Raises
    ------
    ElsewhereError
        When a flag names a function by the ARN of another account or Region.
    """
    match request.request_type:
        case RequestType.DELETE:
            return CustomResourceResponse(physical_resource_id=physical_id(request))
        case RequestType.CREATE | RequestType.UPDATE:
            data = _data(request, world, now)
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
    request: CustomResourceRequest, world: ProtectionContext, now: datetime
) -> dict[str, str]:
    properties = request.properties
    if request.resource_type == ACCOUNT:
        arns = [str(one) for one in properties.get("Arns", ())]
        refuse_elsewhere(arns, account=world.account_id, region=world.region)
        given = int(properties.get("AccountAlarmPerMinute", 0)) or None
        threshold = _threshold(world.traffic, given, now)
        names = [str(one) for one in properties.get("Exempt", ())]
        exempt = {"ExemptFunctions": _check_exempt(names, world.account)}
        return _account_figures(world.account.limits(), threshold, properties) | exempt
    if request.resource_type == RESERVATION:
        wanted = {name: int(count) for name, count in properties["Functions"].items()}
        return {"Protection": _protect(wanted, world.account, world.publisher, world.stack_name)}
    raise UnknownResourceError(f"protect serves no {request.resource_type}")


def _check_exempt(names: Sequence[str], account: AccountLimitsReader) -> str:
    """Say which names of the flag `exempt` exempt nothing.

    A function may be created later, so an unknown name fails no deployment.
    """
    if not names:
        return "none by flag"
    unknown = [name for name in names if not account.exists(name)]
    if not unknown:
        return f"{len(names)} by flag, all found"
    listed = ", ".join(unknown)[:_MOST_WORDS]
    return f"CHECK THE NAMES: of {len(names)} by flag, {len(unknown)} do not exist here: {listed}"


def _threshold(traffic: AccountTrafficReader, given: int | None, now: datetime) -> AccountThreshold:
    try:
        rates = traffic.rates(now)
    except MetricsUnavailableError as error:
        return threshold_unread(str(error), given=given)
    return account_threshold(rates, end=now.timestamp(), given=given)


def _account_figures(
    limits: AccountLimits, threshold: AccountThreshold, properties: Mapping[str, Any]
) -> dict[str, str]:
    cost = guard_cost(
        functions=limits.functions,
        standard_alarms=int(properties["StandardAlarms"]),
        sweep_minutes=int(properties["SweepMinutes"]),
        per_function=properties["Coverage"] == "function",
    )
    return {
        "ConcurrencyLimit": str(limits.concurrency),
        "ConcurrencyAlarmThreshold": str(limits.alarm_threshold),
        "AccountAlarmThreshold": str(threshold.per_minute),
        "AccountAlarm": threshold.in_words()[:_MOST_WORDS],
        "FunctionCount": str(limits.functions),
        "MonthlyCost": cost.in_words(),
    }


def _protect(
    wanted: Mapping[str, int], account: AccountLimitsReader, publisher: Publisher, stack_name: str
) -> str:
    decision = decide_protection(
        limits=account.limits(),
        wanted=wanted,
        reserved={name: account.reserved(name) for name in wanted},
    )
    match decision:
        case SetAside(reservations=reservations):
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
