"""The pace of a reading."""

from hypothesis import given
from hypothesis import strategies as st

from functions.aws.account.rate_limit import (
    ALLOWED_PER_SECOND,
    Quota,
    RateLimiter,
    compute_shared_rates,
)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        assert seconds >= 0
        self.now += seconds


@given(rate=st.floats(0.5, 50), calls=st.integers(2, 200), idle=st.floats(0, 10, allow_nan=False))
def test_never_faster_than_the_rate_allows(rate: float, calls: int, idle: float) -> None:
    """Beyond the burst of one second no window holds more calls than its rate gives."""
    clock = Clock()
    pace = RateLimiter({Quota.LAMBDA: rate}, clock=clock.read, sleep=clock.sleep)
    clock.sleep(idle)
    sent = []
    for _ in range(calls):
        pace.wait(Quota.LAMBDA)
        sent.append(clock.read())

    assert all(
        index + 1 <= rate * (moment - sent[0] + 1) + 1 + 1e-6 for index, moment in enumerate(sent)
    )


def test_lanes_do_not_wait_for_each_other() -> None:
    """A slow service holds no other one up."""
    clock = Clock()
    pace = RateLimiter({Quota.IAM: 1, Quota.S3: 100}, clock=clock.read, sleep=clock.sleep)
    for _ in range(10):
        pace.wait(Quota.S3)
    pace.wait(Quota.OWN)

    assert clock.read() == 0


def test_slows_down_when_throttled_and_never_stops() -> None:
    """Each throttled answer halves the rate, down to a call every two seconds."""
    pace = RateLimiter({Quota.SNS: 8})
    rates = []
    for _ in range(6):
        pace.slow_down(Quota.SNS)
        rates.append(pace.get_rate(Quota.SNS))

    assert rates == [4, 2, 1, 0.5, 0.5, 0.5]


def test_leaves_a_third_of_every_rate_to_others() -> None:
    """Somebody may be deploying while the account is read."""
    for lane, rate in compute_shared_rates().items():
        assert rate <= ALLOWED_PER_SECOND[lane] * 2 / 3
