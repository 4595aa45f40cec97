from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from functions.environment import from_env, to_env

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `contain` is told by its deployment.

    Attributes
    ----------
    ledger_table
        Name of the DynamoDB table with the incidents.
    notice_topic_arn
        SNS topic on which people are told.
    stack_name
        Name of the CloudFormation stack, for the restore command in the notice.
    mode
        `observe` decides and tells, and changes nothing.
    response
        What is done about a suspected function. A proven loop is always throttled.
    floor_per_minute
        A function below so many invocations per minute is never suspected.
    blast_radius
        At most so many functions are contained within the window.
    blast_radius_window_minutes
        Length of that window.
    danger_usd_per_minute
        What a function may cost. One that costs more is in danger, and suspected after one
        minute; a held one is let go by no more than that.
    exempt
        Names of functions that are never contained, beside those with the exempt tag.
    own_functions
        Names of the guard functions, which are never contained.
    account_concurrency
        The account's concurrency limit in this Region when it was last deployed.
    sweep_minutes
        Minutes between two sweeps; 0 when there is none.
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
    mode: Literal["enforce", "observe"]
    response: Literal["throttle", "hold", "notify"]
    floor_per_minute: int
    blast_radius: int
    exempt: tuple[str, ...]
    own_functions: tuple[str, ...]
    account_concurrency: int
    sweep_minutes: int
    blast_radius_window_minutes: int = 60
    danger_usd_per_minute: int = 1
    deploy_flags: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings; raises `SettingsError` on a missing or wrong variable."""
        return from_env(cls, env)

    def to_env(self, *, deferred: Mapping[str, str] | None = None) -> dict[str, str]:
        """Render the settings as the function's environment variables."""
        return to_env(self, deferred=deferred)
