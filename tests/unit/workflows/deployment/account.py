"""An account that the guard is deployed to, for the tests beside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.domain.account.limits import AccountLimits
from functions.domain.deployment.ports import ProtectionContext
from functions.domain.errors import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from functions.domain.notices.notice import Notice

BELOW_MINIMUM = (
    "Specified ReservedConcurrentExecutions for function decreases account's "
    "UnreservedConcurrentExecution below its minimum value of [100]."
)


@dataclass
class FakeAccount:
    """An account with a limit, reservations and a minimum that must stay."""

    concurrency: int = 1000
    functions: int = 42
    minimum: int = 100
    reservations: dict[str, int] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def exists(self, function: str) -> bool:
        """Answer whether it is one of the account's."""
        return function in self.names

    def read_limits(self) -> AccountLimits:
        """Answer the limits."""
        return AccountLimits(
            concurrency=self.concurrency,
            unreserved=self.concurrency - sum(self.reservations.values()),
            functions=self.functions,
        )

    def read_reserved(self, function: str) -> int | None:
        """Answer a reservation."""
        return self.reservations.get(function)

    def reserve(self, function: str, concurrency: int) -> None:
        """Reserve, or refuse as AWS does."""
        taken = self.concurrency - self.read_limits().unreserved + concurrency
        if self.concurrency - taken < self.minimum:
            raise RefusedError(BELOW_MINIMUM)
        self.reservations[function] = concurrency


@dataclass
class FakeTopic:
    """A topic that keeps what it is sent."""

    fault: Exception | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, notice: Notice) -> None:
        """Take a notice."""
        if self.fault:
            raise self.fault
        self.sent.append((notice.subject, notice.body))


@dataclass
class FakeTraffic:
    """An account that is equally busy all the time, or whose traffic cannot be read."""

    per_minute: float = 100.0
    fault: Exception | None = None

    def read_rates(self, end: datetime) -> tuple[tuple[float, float], ...]:
        """Answer a rate for each hour of 14 days."""
        if self.fault:
            raise self.fault
        return tuple((end.timestamp() - 3600 * (n + 1), self.per_minute) for n in range(14 * 24))


def context(
    account: FakeAccount, topic: FakeTopic | None = None, traffic: FakeTraffic | None = None
) -> ProtectionContext:
    """The ports of a deployment to this account."""
    return ProtectionContext(
        account=account,
        traffic=traffic or FakeTraffic(),
        publisher=topic or FakeTopic(),
        stack_name="Loopbreaker",
        region="eu-west-1",
        account_id="123456789012",
    )
