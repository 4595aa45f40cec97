from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from functions.environment import from_env, to_env

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `chart` is told by its deployment.

    Attributes
    ----------
    ledger_table
        Name of the DynamoDB table that also holds the incidents.
    notice_topic_arn
        SNS topic on which people are told.
    stack_name
        Name of the CloudFormation stack.
    accepted_loops
        Names of functions whose loops are intended, beside those with the tag.
    own_functions
        Names of the guard functions. What they change wakes them, which ends by itself.
    full_pass_hours
        Hours between two readings of everything.
    light_pass_minutes
        Minutes between two readings of all lists, with the details of what is new on them.
    deploy_flags
        Flags that a deployment must repeat; `None` when there are none.
    """

    ledger_table: str
    notice_topic_arn: str
    stack_name: str
    accepted_loops: tuple[str, ...] = ()
    own_functions: tuple[str, ...] = ()
    full_pass_hours: int = 24
    light_pass_minutes: int = 60
    deploy_flags: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings; raises `SettingsError` on a missing or wrong variable."""
        return from_env(cls, env)

    def to_env(self) -> dict[str, str]:
        """Render the settings as the function's environment variables."""
        return to_env(self)
