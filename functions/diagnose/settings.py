from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from functions.environment import from_env, to_env

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `diagnose` is told by its deployment.

    Attributes
    ----------
    ledger_table
        Name of the DynamoDB table with the incidents, findings and treatments.
    notice_topic_arn
        SNS topic on which people are told.
    stack_name
        Name of the CloudFormation stack, for the commands in notices.
    mode
        `observe` decides and tells, and changes nothing.
    remedies
        Kinds of remedies that are applied without asking: `logs`, `traces`, `permissions`,
        `memory`.
    memory_ceiling_mb
        Most memory that the remedy `memory` may give a function; 0 when it is not allowed.
    exempt
        Names of functions that are never changed, beside those with the exempt tag.
    own_functions
        Names of the guard functions, which are never changed.
    round_hours
        Hours between two rounds over all functions.
    deploy_flags
        Flags that a deployment must repeat; `None` when there are none.
    """

    ledger_table: str
    notice_topic_arn: str
    stack_name: str
    mode: Literal["enforce", "observe"]
    remedies: tuple[str, ...]
    memory_ceiling_mb: int
    exempt: tuple[str, ...]
    own_functions: tuple[str, ...]
    round_hours: int = 24
    deploy_flags: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings; raises `SettingsError` on a missing or wrong variable."""
        return from_env(cls, env)

    def to_env(self) -> dict[str, str]:
        """Render the settings as the function's environment variables."""
        return to_env(self)
