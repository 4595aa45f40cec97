from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from functions.environment import from_env, to_env

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `protect` is told by its deployment.

    Attributes
    ----------
    notice_topic_arn
        SNS topic on which people are told.
    stack_name
        Name of the CloudFormation stack.
    """

    notice_topic_arn: str
    stack_name: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings; raises `SettingsError` on a missing or wrong variable."""
        return from_env(cls, env)

    def to_env(self) -> dict[str, str]:
        """Render the settings as the function's environment variables."""
        return to_env(self)
