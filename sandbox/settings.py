"""What a sandbox can be asked to be, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.weather.seeded import Weather

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
CONTROL_PREFIX = "/_sandbox/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The settings of one sandbox.

    ``account_limit`` is what GetAccountSettings answers and what reservations are taken from;
    ``worker_cap`` is how many functions really run at once on this machine, because a runaway would
    otherwise start hundreds of processes. ``rate_share`` is how much of AWS's rates control planes
    take in AWS's weather: a busy machine makes too few calls to exceed the whole. ``weather`` is
    how late, how slowly and how often things happen.
    """

    port: int
    smtp_port: int
    directory: Path
    speed: float = 1.0
    auth: bool = False
    account_limit: int = 1000
    worker_cap: int = 10
    unreserved_minimum: int | None = None
    rate_share: float = 1.0
    weather: Weather = field(default_factory=Weather)

    @property
    def endpoint(self) -> str:
        """The address of the sandbox's AWS."""
        return f"http://{HOST}:{self.port}"

    @property
    def mail_directory(self) -> Path:
        """Where each received mail is stored as one ``.eml`` file."""
        return self.directory / "mails"

    @property
    def unreserved_floor(self) -> int:
        """How much concurrency must stay unreserved: 100, or everything on a small account."""
        if self.unreserved_minimum is not None:
            return self.unreserved_minimum
        return min(100, self.account_limit)
