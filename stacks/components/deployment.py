"""Custom resources: what has to be asked or done while CloudFormation deploys.

Each is answered by a guard function directly (a Lambda function as the service token), without
the CDK's provider framework, so that all code of the stack is Python and in this repository.
CloudFormation calls them when their properties change, not with every deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CustomResource, Duration, Token
from constructs import Construct

from stacks.flag_values import function_names
from stacks.names import CONTAIN, RESTORE, STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_
    from constructs import IDependable

    from stacks.config import Config

# Executions that are kept for the guard where the account's limit allows it. `contain` may be
# called by an alarm twice, a contributor, the pulse and the sweep at the same time; `restore` by
# one deployment and a repeated delivery of the same request.
RESERVED: Final = {CONTAIN: 5, RESTORE: 2}


class Account(Construct):
    """Figures of the account that only the deployment can know.

    Attributes
    ----------
    concurrency_limit
        Concurrent executions of the account in this Region, as text for an environment variable.
    concurrency_threshold
        80 % of it, for the alarm.
    invocations_threshold
        Invocations a minute of all functions, above what is normal in the account.
    account_alarm
        That number and why it is that, in words.
    exempt_functions
        Whether all functions that the flag `exempt` names exist, in words.
    monthly_cost
        What the guard costs with the functions that the account has, in words.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        protect: lambda_.IFunction,
        config: Config,
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::LoopbreakerAccount",
            service_token=protect.function_arn,
            service_timeout=Duration.minutes(10),
            properties={
                "Coverage": config.coverage,
                "SweepMinutes": config.sweep_minutes,
                "StandardAlarms": standard_alarms(config),
                **({"Dashboard": "on"} if config.dashboard == "on" else {}),
                # 0 for a threshold above what is normal here.
                "AccountAlarmPerMinute": config.account_alarm_per_minute,
                # Compared with the account and Region of the deployment, which a synthesis without
                # credentials does not know.
                "Arns": [arn[0] for _, arn in config.arns()],
                "Exempt": list(function_names(config.exempt)),
                "Flags": flags_text(config),
            },
        )
        self.concurrency_limit = resource.get_att_string("ConcurrencyLimit")
        self.concurrency_threshold = Token.as_number(resource.get_att("ConcurrencyAlarmThreshold"))
        self.invocations_threshold = Token.as_number(resource.get_att("AccountAlarmThreshold"))
        self.account_alarm = resource.get_att_string("AccountAlarm")
        self.exempt_functions = resource.get_att_string("ExemptFunctions")
        self.monthly_cost = resource.get_att_string("MonthlyCost")


class Reservation(Construct):
    """Concurrency for the guard alone, so that a runaway cannot starve it.

    Reserving it by a property of the functions would make the deployment fail on accounts whose
    limit is too small, and those are the ones that run dry first. So `protect` tries, and says in
    words what came of it.

    Attributes
    ----------
    protection
        Whether the guard is protected, and if not, why and what to do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        protect: lambda_.IFunction,
        config: Config,
        after: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::LoopbreakerReservation",
            service_token=protect.function_arn,
            service_timeout=Duration.minutes(10),
            properties={"Functions": RESERVED, "Flags": flags_text(config)},
        )
        resource.node.add_dependency(*after)
        self.protection = resource.get_att_string("Protection")


class Rollback(Construct):
    """Restores what the flag `rollback` names.

    The nonce is new with each synthesis that has the flag, so the same flag works again next
    week. Without the flag all properties are empty, and that change does nothing.

    It comes after all it needs, and so CloudFormation deletes it before all of that: its Delete
    tells people what is still contained while topic, subscriptions and ledger are there.

    Attributes
    ----------
    restored
        What was restored, in words, for the person who sits before the command line.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        restore: lambda_.IFunction,
        config: Config,
        nonce: str,
        after: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::LoopbreakerRollback",
            service_token=restore.function_arn,
            service_timeout=Duration.minutes(15),
            properties={
                "Rollback": list(config.rollback),
                "Mode": config.rollback_mode,
                # Only where it is given: without the flag the resource stays as it is.
                **({"Force": "yes"} if config.rollback_force == "yes" else {}),
                "Nonce": nonce,
                "StackName": STACK_NAME,
            },
        )
        resource.node.add_dependency(*after)
        self.restored = resource.get_att_string("Restored")


def standard_alarms(config: Config) -> int:
    """Count the alarms with one metric each, for the cost; a test compares it with the template."""
    on_the_account, on_the_guard = 3, 9
    return on_the_account + on_the_guard + (1 if config.sweep_minutes else 0)


def flags_text(config: Config) -> str:
    """Sum up the flags, so that a deployment that changes any of them asks the account anew."""
    return (
        f"mode={config.mode} response={config.response} coverage={config.coverage} "
        f"floor_per_minute={config.floor_per_minute} "
        f"account_alarm_per_minute={config.account_alarm_per_minute} "
        f"sweep_minutes={config.sweep_minutes} blast_radius={config.blast_radius}"
        + " dashboard=on"
        * (config.dashboard == "on")
    )
