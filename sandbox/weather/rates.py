"""How many calls per second the control planes of an account take.

The rates of Lambda, CloudWatch, SNS and EventBridge are those of AWS's pages on quotas. IAM and
SQS publish none for these calls, so theirs are assumed, rather too low. How large a burst AWS
takes is not published either: here it is what the rate gives in two seconds.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

BURST_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A rate that calls share: those of one action, or those of several together."""

    name: str
    per_second: float


_INVOCATIONS: Final = frozenset({"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"})
_OTHER_LAMBDA: Final = Limit(name="lambda", per_second=15)
_BY_ACTION: Final = {
    limit.name: limit
    for limit in (
        Limit(name=name, per_second=rate)
        for name, rate in {
            "lambda:GetFunction": 100,
            "lambda:GetPolicy": 15,
            "cloudwatch:PutMetricAlarm": 3,
            "cloudwatch:DeleteAlarms": 3,
            "cloudwatch:SetAlarmState": 3,
            "cloudwatch:DescribeAlarms": 9,
            "cloudwatch:DescribeAlarmContributors": 9,
            "cloudwatch:ListMetrics": 25,
            "cloudwatch:GetMetricData": 500,
            "cloudwatch:GetMetricStatistics": 400,
            "sns:ListSubscriptions": 30,
            "sns:ListSubscriptionsByTopic": 30,
            "sns:ListTopics": 30,
            "sns:GetTopicAttributes": 30,
            "sns:SetTopicAttributes": 10,
            "sns:GetSubscriptionAttributes": 30,
            "sns:Subscribe": 100,
            "sns:Unsubscribe": 100,
        }.items()
    )
}
# What calls of a service share that have no rate of their own. What is not named has no limit here:
# messages, items, events and objects are the work of functions, not of a control plane.
_SHARED: Final = {
    "iam": Limit(name="iam", per_second=20),
    "events": Limit(name="events", per_second=50),
    "sqs": Limit(name="sqs", per_second=50),
}
_WORK: Final = frozenset(
    {
        "events:PutEvents",
        "sqs:ChangeMessageVisibility",
        "sqs:ChangeMessageVisibilityBatch",
        "sqs:DeleteMessage",
        "sqs:DeleteMessageBatch",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "sqs:SendMessageBatch",
    }
)


def limit_of(action: str) -> Limit | None:
    """The limit that a call of an action, such as ``lambda:GetPolicy``, counts against."""
    if action in _INVOCATIONS or action in _WORK:
        return None
    own = _BY_ACTION.get(action)
    if own is not None:
        return own
    service = action.partition(":")[0]
    return _OTHER_LAMBDA if service == "lambda" else _SHARED.get(service)


class Bucket:
    """A token bucket: how many calls are left, filled up with time."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, per_second: float, now: float) -> None:
        self._rate = per_second
        self._left = per_second * BURST_SECONDS
        self._at = now

    def takes(self, now: float) -> bool:
        """Whether there is room for a call at a moment; it is counted if so."""
        filled = self._left + max(0.0, now - self._at) * self._rate
        self._left = min(filled, self._rate * BURST_SECONDS)
        self._at = max(self._at, now)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class CallRates:
    """Counts the calls of an account against their limits, or a share of them."""

    def __init__(self, share: float = 1.0) -> None:
        self._share = share
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def takes(self, action: str, now: float) -> bool:
        """Whether a call is within its limit at a moment, in seconds of any clock."""
        limit = limit_of(action)
        if limit is None:
            return True
        with self._lock:
            bucket = self._buckets.get(limit.name)
            if bucket is None:
                bucket = self._buckets[limit.name] = Bucket(limit.per_second * self._share, now)
            return bucket.takes(now)

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self._buckets.clear()
