"""AWS/SQS metrics by QueueName.

All ways into a queue meet where a message is appended to the queue's list: SendMessage and its
batch, API Gateway and Step Functions, SNS, EventBridge and its Scheduler, S3, a rule of IoT,
Lambda's destinations and dead letters. What a redrive policy moves to a dead-letter queue goes the
same way and is not counted as sent, as AWS documents. A message that a FIFO queue takes for a
duplicate of SendMessage never gets there; one that SNS or EventBridge sends does, although AWS
would drop it.

CloudWatch shows a queue only while it is active: for six hours after any call about it, and as long
as it has messages. AWS lets up to 15 minutes pass until a queue that wakes up is shown, and nothing
says that what happens until then is shown later: here it never is. A queue that is new is shown at
once; nobody could confirm that.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import sqs

from sandbox.patches.hooks import check, replace, substitute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.weather.seeded import Weather
    from sandbox.world import World

NAMESPACE: Final = "AWS/SQS"
SENT: Final = "NumberOfMessagesSent"
RECEIVED: Final = "NumberOfMessagesReceived"
DELETED: Final = "NumberOfMessagesDeleted"

ACTIVE_SECONDS: Final = 6 * 3600.0
"""From the last call about an empty queue until CloudWatch shows it no longer."""

WAKING_SECONDS: Final = (0.0, 900.0)
"""From the first call after that until CloudWatch shows it again."""

_POISONED_RECEIVES = 3
_ENTERED = "sandbox_entered_at"
"""When a message came into this queue, in virtual seconds since the epoch."""


@dataclass(slots=True)
class _Awake:
    used_at: float
    shown_from: float


class QueueActivity:
    """Which queues CloudWatch shows. Moments are virtual seconds since the epoch."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self._lock = threading.Lock()
        self._queues: dict[str, _Awake] = {}

    def created(self, queue: str, now: float) -> None:
        """Note that a queue is new."""
        with self._lock:
            self._queues[queue] = _Awake(now, now)

    def used(self, queue: str, now: float) -> None:
        """Note a call about a queue, or that it has messages."""
        with self._lock:
            known = self._queues.setdefault(queue, _Awake(now, now))
            if now - known.used_at > ACTIVE_SECONDS:
                known.shown_from = now + self._waking_seconds(queue, known.used_at)
            known.used_at = now

    def _waking_seconds(self, queue: str, used_at: float) -> float:
        if self._weather.is_calm:
            return 0.0
        return self._weather.between(*WAKING_SECONDS, "queue wakes", queue, int(used_at))

    def is_shown(self, queue: str, now: float) -> bool:
        """Whether what is measured of a queue at this moment reaches CloudWatch."""
        with self._lock:
            known = self._queues.get(queue)
        return known is not None and known.shown_from <= now <= known.used_at + ACTIVE_SECONDS

    def clear(self) -> None:
        """Forget all queues."""
        with self._lock:
            self._queues.clear()


class _Messages(list[Any]):
    """The messages of a queue, which tells of each that comes or is taken out."""

    def __init__(self, messages: Iterable[Any], queue: _Queue) -> None:
        super().__init__(messages)
        self._queue = queue

    def append(self, message: Any) -> None:
        self._queue.meter.sent(self._queue, message)
        super().append(message)

    def remove(self, message: Any) -> None:
        # Only a mapping does this, with what its filter leaves out, which AWS deletes as well.
        super().remove(message)
        self._queue.meter.count(self._queue, DELETED, 1)


class _Queue(dict[str, Any]):
    """The record of a queue, whose messages always tell, whichever list they are put into."""

    def __init__(self, record: dict[str, Any], meter: _Meter) -> None:
        super().__init__(record)
        self.meter = meter
        self["messages"] = record.get("messages") or []

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, _Messages(value, self) if key == "messages" else value)


class _Queues(AccountRegionScopedDict):  # type: ignore[misc]
    """The emulator's queues, each of which tells."""

    def __init__(self, meter: _Meter) -> None:
        super().__init__()
        self._meter = meter

    def __setitem__(self, key: str, value: Any) -> None:
        queue = _Queue(value, self._meter)
        self._meter.created(queue)
        super().__setitem__(key, queue)


class _Meter:
    """Counts what happens to queues."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._activity = QueueActivity(world.settings.weather)
        self._here = threading.local()
        world.on_reset.append(self._activity.clear)

    def created(self, queue: dict[str, Any]) -> None:
        self._activity.created(queue["name"], self._world.clock.now())

    def used(self, queue: dict[str, Any]) -> None:
        self._activity.used(queue["name"], self._world.clock.now())

    def sent(self, queue: dict[str, Any], message: dict[str, Any]) -> None:
        message[_ENTERED] = self._world.clock.now()
        self.count(queue, SENT, 0 if getattr(self._here, "is_redriven", False) else 1)

    def count(self, queue: dict[str, Any], name: str, number: int) -> None:
        self.used(queue)
        if number and self._activity.is_shown(queue["name"], self._world.clock.now()):
            self._world.count(NAMESPACE, name, number, QueueName=queue["name"])

    def redrive(self, sweep: Callable[[], None]) -> None:
        """Count nothing as sent that a redrive policy moves."""
        self._here.is_redriven = True
        try:
            sweep()
        finally:
            self._here.is_redriven = False

    def measure(self) -> None:
        """Record what is measured of each queue once in a virtual minute.

        Of an active queue in which nothing happens the counts are 0.
        """
        now, at = time.time(), self._world.clock.now()
        for queue in list(sqs._queues._data.values()):
            messages, name = list(queue["messages"]), queue["name"]
            if messages:
                self._activity.used(name, at)
            if self._activity.is_shown(name, at):
                for metric in (SENT, RECEIVED, DELETED):
                    self._world.count(NAMESPACE, metric, 0, QueueName=name)
                self._measure(queue, messages, now, at)

    def _measure(
        self, queue: dict[str, Any], messages: list[dict[str, Any]], now: float, at: float
    ) -> None:
        hidden = [one for one in messages if one.get("visible_at", 0) > now]
        in_flight = sum(one.get("receive_count", 0) > 0 for one in hidden)
        found = {
            "ApproximateNumberOfMessagesVisible": len(messages) - len(hidden),
            # AWS sends these only when there are such messages.
            "ApproximateNumberOfMessagesNotVisible": in_flight or None,
            "ApproximateNumberOfMessagesDelayed": len(hidden) - in_flight or None,
        }
        for metric, number in found.items():
            if number is not None:
                self._world.count(NAMESPACE, metric, number, QueueName=queue["name"])
        ages = [
            at - one.get(_ENTERED, at)
            for one in messages
            if queue["is_fifo"] or one.get("receive_count", 0) < _POISONED_RECEIVES
        ]
        if ages:
            self._world.count(
                NAMESPACE,
                "ApproximateAgeOfOldestMessage",
                max(ages),
                unit="Seconds",
                QueueName=queue["name"],
            )


def apply(world: World) -> None:
    """Count what is sent to queues, received from them and deleted; look into each every minute."""
    meter = _Meter(world)
    substitute(sqs, "_queues", _Queues(meter), AccountRegionScopedDict)
    world.on_tick.append(meter.measure)

    def find(url: str, action: str | None = None) -> dict[str, Any]:
        # Every call about a queue asks for it.
        queue: dict[str, Any] = original_find(url, action)
        meter.used(queue)
        return queue

    def sweep(q: dict[str, Any]) -> None:
        meter.redrive(lambda: original_sweep(q))

    def collect(q: dict[str, Any], max_n: int, vis_timeout: int) -> list[Any]:
        found: list[Any] = original_collect(q, max_n, vis_timeout)
        meter.count(q, RECEIVED, len(found))
        return found

    def delete_for_mapping(queue_url: str, receipt_handles: set[str]) -> None:
        original_delete(queue_url, receipt_handles)
        if receipt_handles:
            meter.count(original_find(queue_url), DELETED, len(receipt_handles))

    original_find = replace(sqs, "_get_q", find, ("url", "action"))
    original_sweep = replace(sqs, "_dlq_sweep", sweep, ("q",))
    original_collect = replace(sqs, "_collect_msgs", collect, ("q", "max_n", "vis_timeout"))
    original_delete = replace(
        sqs, "_delete_messages_for_esm", delete_for_mapping, ("queue_url", "receipt_handles")
    )

    def counted(
        delete: Callable[[dict[str, Any], str], dict[str, Any]],
    ) -> Callable[[dict[str, Any], str], dict[str, Any]]:
        def act(data: dict[str, Any], url: str) -> dict[str, Any]:
            answer = delete(data, url)
            number = len(answer["Successful"]) if "Successful" in answer else 1
            meter.count(original_find(data.get("QueueUrl", url)), DELETED, number)
            return answer

        return act

    for action, name in (
        ("DeleteMessage", "_act_delete_message"),
        ("DeleteMessageBatch", "_act_delete_message_batch"),
    ):
        sqs._HANDLERS[action] = counted(check(sqs, name, ("data", "qurl")))
