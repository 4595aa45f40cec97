from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from functions.environment import from_env, to_env

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `restore` is told by its deployment.

    Attributes
    ----------
    ledger_table
        Name of the DynamoDB table with the incidents.
    notice_topic_arn
        SNS topic on which people are told.
    stack_name
        Name of the CloudFormation stack.
    hold_schedules
        Name of the EventBridge Scheduler group with the schedules that end holds.
    hold_role_arn
        Role with which these schedules invoke `restore`.
    restore_arn
        ARN of `restore`.
    undelivered_arn
        Queue for what could not be delivered to it.
    deploy_flags
        Flags that a deployment must repeat, such as `-c email=you@example.com`: a restore command
        without them would take the subscription away. `None` when there are none.
    """

    ledger_table: str
    notice_topic_arn: str
    stack_name: str
    hold_schedules: str
    hold_role_arn: str
    restore_arn: str
    undelivered_arn: str
    deploy_flags: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings; raises `SettingsError` on a missing or wrong variable."""
        return from_env(cls, env)

    def to_env(self) -> dict[str, str]:
        """Render the settings as the function's environment variables."""
        return to_env(self)
