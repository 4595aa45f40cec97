"""Reads of the account what a deployment must know: limits, alarm threshold, price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.domain.account.limits import AccountLimits
from functions.domain.account.watched_region import refuse_elsewhere
from functions.domain.deployment.account_alarm import (
    AccountThreshold,
    account_threshold,
    choose_threshold_unread,
)
from functions.domain.deployment.guard_cost import GuardCost, guard_cost
from functions.domain.deployment.ports import (
    AccountLimitsReader,
    AccountTrafficReader,
    ProtectionContext,
)
from functions.domain.errors import MetricsUnavailableError

_MOST_LISTED: Final = 500  # characters: CloudFormation takes no long answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPlan:
    """What is deployed, as far as the report depends on it.

    Attributes
    ----------
    arns
        ARNs of functions that flags name.
    exempt
        Names of functions that the flag `exempt` names.
    alarm_per_minute
        Threshold of the account's alarm by flag; ``None`` for the guard's own choice.
    standard_alarms
        How many CloudWatch alarms the stack has.
    sweep_minutes
        Minutes between two sweeps; 0 when there is none.
    has_alarm_per_function
        Whether each function gets an alarm of its own.
    has_dashboard
        Whether there is a dashboard.
    """

    arns: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    alarm_per_minute: int | None = None
    standard_alarms: int
    sweep_minutes: int
    has_alarm_per_function: bool
    has_dashboard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """What the outputs of the stack say about the account.

    `exempt` says which names of the flag `exempt` exempt nothing.
    """

    limits: AccountLimits
    threshold: AccountThreshold
    cost: GuardCost
    exempt: str


def report_account(
    plan: DeploymentPlan, context: ProtectionContext, now: datetime
) -> AccountReport:
    """Read the account anew.

    Raises
    ------
    ElsewhereError
        When a flag names a function by the ARN of another account or Region.
    """
    refuse_elsewhere(plan.arns, account=context.account_id, region=context.region)
    threshold = _choose_threshold(context.traffic, plan.alarm_per_minute, now)
    exempt = _check_exempt(plan.exempt, context.account)
    limits = context.account.read_limits()
    cost = guard_cost(
        functions=limits.functions,
        standard_alarms=plan.standard_alarms,
        sweep_minutes=plan.sweep_minutes,
        per_function=plan.has_alarm_per_function,
        has_dashboard=plan.has_dashboard,
    )
    return AccountReport(limits=limits, threshold=threshold, cost=cost, exempt=exempt)


def _choose_threshold(
    traffic: AccountTrafficReader, given: int | None, now: datetime
) -> AccountThreshold:
    try:
        rates = traffic.read_rates(now)
    except MetricsUnavailableError as error:
        return choose_threshold_unread(str(error), given=given)
    return account_threshold(rates, end=now.timestamp(), given=given)


def _check_exempt(names: Sequence[str], account: AccountLimitsReader) -> str:
    """Say which names of the flag `exempt` exempt nothing.

    A function may be created later, so an unknown name fails no deployment.
    """
    if not names:
        return "none by flag"
    unknown = [name for name in names if not account.exists(name)]
    if not unknown:
        return f"{len(names)} by flag, all found"
    listed = ", ".join(unknown)[:_MOST_LISTED]
    return f"CHECK THE NAMES: of {len(names)} by flag, {len(unknown)} do not exist here: {listed}"
