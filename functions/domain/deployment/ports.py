"""What a deployment needs of the account. Adapters in `functions.aws`, fakes in the tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from functions.domain.account.limits import AccountLimits
from functions.domain.notices.events.ports import EventOutlet, NoEvents
from functions.domain.ports import Publisher


class AccountLimitsReader(Protocol):
    """Lambda's control plane, for the account and the guard functions."""

    def read_limits(self) -> AccountLimits:
        """Read the limits of the account."""
        ...

    def exists(self, function: str) -> bool:
        """Tell whether there is such a function."""
        ...

    def read_reserved(self, function: str) -> int | None:
        """Read what a guard function has reserved."""
        ...

    def reserve(self, function: str, concurrency: int) -> None:
        """Set the reservation of a guard function. Raises `RefusedError`."""
        ...


class AccountTrafficReader(Protocol):
    """The account-wide metrics of Lambda in CloudWatch."""

    def read_rates(self, end: datetime) -> Sequence[tuple[float, float]]:
        """Read the account's invocations a minute. Raises `MetricsUnavailableError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionContext:
    """Ports and deployment, handed to what protects the guard."""

    account: AccountLimitsReader
    traffic: AccountTrafficReader
    publisher: Publisher
    stack_name: str
    region: str
    account_id: str
    events: EventOutlet = field(default_factory=NoEvents)
