"""How often which API may be called, so that reading an account never gets in anybody's way.

AWS counts the calls of a whole account and Region: what a reading takes is missing for people and
their deployments. It therefore takes a share of each rate only, and less once AWS throttles.
"""

from __future__ import annotations

import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Quota(StrEnum):
    """Calls that AWS counts together."""

    LAMBDA = "lambda"
    LAMBDA_POLICY = "lambda GetPolicy"
    IAM = "iam"
    EVENTS = "events"
    SCHEDULER = "scheduler"
    PIPES = "pipes"
    SNS = "sns"
    S3 = "s3"
    LOGS = "logs"
    STATES = "states"
    SQS = "sqs"
    FIREHOSE = "firehose"
    TABLES = "tables"
    KINESIS = "kinesis"
    TAGS = "tags"
    APIS = "apis"
    API_RESOURCES = "apigateway GetResources"
    OWN = "own"


# Calls a second that AWS allows. Documented are: Lambda's control plane (15 together, GetPolicy 15
# of its own; Lambda developer guide, *Lambda quotas*), SNS ListSubscriptions (30), Logs
# DescribeSubscriptionFilters (10), Step Functions ListStateMachines (5 refilled) and
# DescribeStateMachine (20), Firehose (5), GetResources (15), ListSchedules (50), API Gateway (10
# together, GetResources 5 in 2 s; API Gateway developer guide, *Quotas*).
# UNCONFIRMED A-013: the others; a rate that is too high is corrected by the first throttled answer.
ALLOWED_PER_SECOND: Final[Mapping[Quota, float]] = {
    Quota.LAMBDA: 15,
    Quota.LAMBDA_POLICY: 15,
    Quota.IAM: 8,
    Quota.EVENTS: 15,
    Quota.SCHEDULER: 20,
    Quota.PIPES: 10,
    Quota.SNS: 30,
    Quota.S3: 50,
    Quota.LOGS: 10,
    Quota.STATES: 5,
    Quota.SQS: 30,
    Quota.FIREHOSE: 5,
    Quota.TABLES: 10,
    Quota.KINESIS: 5,
    Quota.TAGS: 15,
    Quota.APIS: 10,
    Quota.API_RESOURCES: 2.5,
}
# Two thirds of it: somebody may be deploying.
SHARE: Final = 2 / 3

_BURST_SECONDS: Final = 1.0
_SLOWER: Final = 0.5
_SLOWEST_PER_SECOND: Final = 0.5


def compute_shared_rates(share: float = SHARE) -> dict[Quota, float]:
    """The share of each rate that a reading takes."""
    return {lane: rate * share for lane, rate in ALLOWED_PER_SECOND.items()}


class RateLimiter:
    """A token bucket for each lane; safe for threads.

    Parameters
    ----------
    rates
        Calls a second; a lane that is not in it waits for nothing.
    clock, sleep
        Seconds that never go back, and a way to let them pass.
    """

    def __init__(
        self,
        rates: Mapping[Quota, float] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rates = dict(compute_shared_rates() if rates is None else rates)
        self._clock = clock
        self._sleep = sleep
        self._free_at: dict[Quota, float] = {}
        self._lock = threading.Lock()

    def wait(self, lane: Quota) -> None:
        """Return when the next call of the lane may go out."""
        with self._lock:
            rate = self._rates.get(lane)
            if rate is None:
                return
            now = self._clock()
            at = max(now - _BURST_SECONDS, self._free_at.get(lane, now - _BURST_SECONDS))
            self._free_at[lane] = at + 1 / rate
            pause = at - now
        if pause > 0:
            self._sleep(pause)

    def slow_down(self, lane: Quota) -> None:
        """Take the lane at half its rate from now on: AWS throttled a call of it."""
        with self._lock:
            if lane in self._rates:
                self._rates[lane] = max(_SLOWEST_PER_SECOND, self._rates[lane] * _SLOWER)

    def get_rate(self, lane: Quota) -> float | None:
        """Calls a second that the lane has now; ``None`` for any number."""
        return self._rates.get(lane)
