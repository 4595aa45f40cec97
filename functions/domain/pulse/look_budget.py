"""How often the pulse may look at all functions: a token bucket of looks.

A look harms nobody and has a price, so what limits it is money. A full bucket lets the pulse look
at nearly any rise; the emptier it is, the more a rise has to stand out. So each account comes to
the threshold that its own noise and its budget allow.

Checks of single functions on loops are paid for out of the same bucket, by their share of a look's
metrics.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.deployment.guard_cost import (
    LOOKS_IN_STOCK,
    METRICS_PER_CHECK,
    MINUTES_PER_MONTH,
    USD_PER_METRIC_READ,
    count_pulse_checks,
    estimate_pulse_check_usd,
)
from functions.domain.pulse.memory import PulseMemory

# Kept for rises that double the account: small ones never use the last looks up.
RESERVED: Final = 2.0
# What to reckon with where nobody can say how large the account is: few looks.
FUNCTIONS_UNKNOWN: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBudget:
    """Looks that an account may have.

    Attributes
    ----------
    looks_per_month
        At most so many in any 30 days, those in stock at their beginning included.
    metrics_per_look
        Metrics that one look asks for.
    """

    looks_per_month: float
    metrics_per_look: float

    @classmethod
    def of(cls, functions: int | None, watch_metrics: int = 0) -> "LookBudget":
        """The budget of an account with so many functions; ``None``: nobody knows how many.

        Parameters
        ----------
        watch_metrics
            Metrics a month that are read of functions on loops, out of the same money.
        """
        known = FUNCTIONS_UNKNOWN if functions is None else functions
        return cls(
            looks_per_month=max(0.0, count_pulse_checks(known, watch_metrics)),
            metrics_per_look=estimate_pulse_check_usd(known) / USD_PER_METRIC_READ,
        )

    def compute_left(self, memory: PulseMemory, now: datetime) -> float:
        """Looks in stock now. Nothing is added while the clock is behind the memory."""
        if memory.stock is None or memory.stocked_at is None:
            return LOOKS_IN_STOCK
        minutes = max(0.0, (now - memory.stocked_at) / timedelta(minutes=1))
        added = minutes * max(0.0, self.looks_per_month - LOOKS_IN_STOCK) / MINUTES_PER_MONTH
        return min(LOOKS_IN_STOCK, max(0.0, memory.stock) + added)

    def can_check(self, memory: PulseMemory, now: datetime, *, is_large: bool) -> bool:
        """Whether one look is left for a rise of that kind."""
        return self.compute_left(memory, now) >= (1.0 if is_large else 1.0 + RESERVED)

    def compute_fullness(self, memory: PulseMemory, now: datetime) -> float:
        """How full the bucket is, from 0 (nothing for small rises) to 1."""
        spare = self.compute_left(memory, now) - 1.0 - RESERVED
        return max(0.0, spare / (LOOKS_IN_STOCK - 1.0 - RESERVED))

    def take(self, memory: PulseMemory, now: datetime, looks: float = 1.0) -> PulseMemory:
        """What to remember before a look, so that one that fails is paid for as well."""
        at = now if memory.stocked_at is None else max(now, memory.stocked_at)
        return replace(
            memory, stock=max(0.0, self.compute_left(memory, now) - looks), stocked_at=at
        )

    def count_checks_left(self, memory: PulseMemory, now: datetime) -> int:
        """How many functions the stock pays a check for."""
        return math.floor(
            self.compute_left(memory, now) / self._convert_to_checks(METRICS_PER_CHECK)
        )

    def take_checks(self, memory: PulseMemory, now: datetime, checks: int) -> PulseMemory:
        """What to remember of checks of single functions."""
        return self.take(memory, now, checks * self._convert_to_checks(METRICS_PER_CHECK))

    def _convert_to_checks(self, metrics: int) -> float:
        return metrics / self.metrics_per_look


def assume_unknown_memory(now: datetime) -> PulseMemory:
    """What to go by while the memory cannot be read: large rises only, as nothing is counted."""
    return PulseMemory(stock=RESERVED, stocked_at=now)
