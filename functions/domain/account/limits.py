"""How many functions the account may run at a time, and what of it can be reserved."""

from dataclasses import dataclass
from typing import Final

# "Lambda keeps at least 100 unreserved" on an ordinary account (Lambda developer guide,
# configuration-concurrency). Small accounts have a lower minimum, which AWS only tells by
# refusing.
LEAST_UNRESERVED: Final = 100
ALARM_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """The account in one Region, as Lambda's GetAccountSettings tells it.

    Attributes
    ----------
    concurrency
        Most functions that run at the same time.
    unreserved
        What of it no function has reserved.
    functions
        Number of functions.
    """

    concurrency: int
    unreserved: int
    functions: int

    @property
    def alarm_threshold(self) -> int:
        """80 % of the limit, and at least 1: where the alarm on concurrency rings."""
        return max(1, int(self.concurrency * ALARM_SHARE))

    def fit_reservation(self, wanted: int, present: int) -> int:
        """As much of a reservation as AWS grants, at least what the function has at present.

        In a small account all of it: what AWS grants there shows only when it is asked.

        Parameters
        ----------
        wanted
            Concurrent executions to reserve.
        present
            What is reserved for the function now; 0 for nothing.
        """
        if self.concurrency <= LEAST_UNRESERVED:
            return wanted
        return min(wanted, max(present, self.unreserved + present - LEAST_UNRESERVED))
