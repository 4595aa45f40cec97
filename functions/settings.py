"""What several Lambda functions are told by their deployment, each as one field.

Standard library and the environment reader only: the stacks import every settings record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from functions.environment import from_env, to_env

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedSettings:
    """What every Lambda function gets from its deployment.

    Attributes
    ----------
    notice_topic_arn
        SNS topic on which people are notified.
    stack_name
        Name of the CloudFormation stack, for the commands in notices.
    has_events
        Whether the guard publishes its events on the default bus; `None` for no.
    chat_topic_arn
        SNS topic with messages for chat; `None` where there is none.
    """

    notice_topic_arn: str
    stack_name: str
    has_events: bool | None = None
    chat_topic_arn: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings; raises `SettingsError` on a missing or wrong variable."""
        return from_env(cls, env)

    def to_env(self, *, deferred: Mapping[str, str] | None = None) -> dict[str, str]:
        """Render the settings as the function's environment variables."""
        return to_env(self, deferred=deferred)

    @property
    def partition(self) -> str:
        """The partition of AWS that the stack is in."""
        return self._of_topic(1)

    @property
    def region(self) -> str:
        """The Region that the stack is in."""
        return self._of_topic(3)

    @property
    def account(self) -> str:
        """The account that the stack is in."""
        return self._of_topic(4)

    def _of_topic(self, index: int) -> str:
        # arn:<partition>:sns:<region>:<account>:<name>
        return self.notice_topic_arn.split(":")[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings(DeployedSettings):
    """What a Lambda function with records gets besides.

    Attributes
    ----------
    ledger_table
        Name of the DynamoDB table with the incidents, findings and the event graph.
    deploy_flags
        Flags that a deployment must repeat, such as `-c email=you@example.com`: a restore command
        without them would take the subscription away. `None` when there are none.
    is_embedded
        Whether the guard is a construct in an app that does not take our flags; `None` for no.
    """

    ledger_table: str
    deploy_flags: str | None = None
    is_embedded: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSettings(LedgerSettings):
    """What a Lambda function gets besides that begins or ends holds.

    Attributes
    ----------
    hold_schedules
        Name of the EventBridge Scheduler group with the schedules that end holds.
    hold_role_arn
        Role with which these schedules invoke `restore`.
    restore_arn
        ARN of `restore`.
    undelivered_arn
        Queue for what could not be delivered to it.
    """

    hold_schedules: str
    hold_role_arn: str
    restore_arn: str
    undelivered_arn: str
