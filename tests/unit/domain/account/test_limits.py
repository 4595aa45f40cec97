"""What of the account's concurrency can be reserved."""

import pytest

from functions.domain.account.limits import AccountLimits


@pytest.mark.parametrize(
    ("concurrency", "unreserved", "wanted", "present", "granted"),
    [
        (1_000, 998, 40, 2, 40),
        (1_000, 998, 1_000, 2, 900),
        (1_000, 1_000, 1_000, 0, 900),
        (1_000, 110, 40, 0, 10),
        (1_000, 110, 40, 5, 15),
        (1_000, 100, 40, 5, 5),  # what it has is never refused
        (1_000, 60, 40, 5, 5),  # somebody has lowered the limit since
        (50, 48, 40, 2, 40),  # AWS decides
    ],
)
def test_a_reservation_leaves_a_hundred(
    concurrency: int, unreserved: int, wanted: int, present: int, granted: int
) -> None:
    """AWS refuses the whole of one that leaves fewer."""
    limits = AccountLimits(concurrency=concurrency, unreserved=unreserved, functions=3)

    assert limits.fit_reservation(wanted, present) == granted
