"""Busy functions that are no loops."""

from __future__ import annotations

import json
import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.scenarios.provision import (
    Grant,
    arn,
    await_mappings,
    create_function,
    map_source,
    settings_of,
)

if TYPE_CHECKING:
    from types import TracebackType

    from sandbox.local_aws import LocalAws
    from sandbox.scenarios.provision import FunctionSettings

logger = logging.getLogger("sandbox.scenarios.healthy_functions")

MAX_CALLS = 20_000
ATTEMPTS = 4
RETRY_SECONDS = 0.5
ACCOUNT_REFUSAL = "ConcurrentInvocationLimitExceeded"
_SERVER_ERROR = 500  # the lowest status of an error of the server's


class HealthyFunction(ABC):
    """A function under legitimate load; the load runs for the time of a ``with`` block.

    Refused calls are counted, and only those: ``refusals`` shows that the function itself was
    stopped, or is not there any more; ``starved`` counts calls for which the account had no
    concurrency left. A call that times out, or that the server fails, says nothing of the kind on
    a busy machine: it is tried again, and counted as a failure when that does not help.
    ``errors`` are the texts of all of them, each once.
    """

    functions: ClassVar[tuple[str, ...]]

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.calls = 0
        self.refusals = 0
        self.starved = 0
        self.failures = 0
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def deploy(self) -> None:
        """Create everything; nothing runs yet."""

    @abstractmethod
    def call(self) -> None:
        """Cause a piece of load."""

    @property
    @abstractmethod
    def seconds_between_calls(self) -> float:
        """The pace of the load, in real seconds."""

    def __enter__(self) -> Self:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set() and self.calls < MAX_CALLS:
            began = time.monotonic()
            self.calls += 1
            self._call_persistently()
            self._stop.wait(max(0.0, self.seconds_between_calls - (time.monotonic() - began)))

    def _call_persistently(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.call()
            except (ClientError, BotoCoreError) as error:
                if is_transient(error):
                    if attempt < ATTEMPTS and not self._stop.wait(RETRY_SECONDS * attempt):
                        continue
                    self.failures += 1
                elif getattr(error, "response", {}).get("Reason") == ACCOUNT_REFUSAL:
                    self.starved += 1
                else:
                    self.refusals += 1
                if str(error) not in self.errors:
                    self.errors.append(str(error))
                logger.warning("a call of %s was not answered", self.functions, exc_info=True)
            return

    def settings(self) -> dict[str, FunctionSettings]:
        """The settings of each function once none changes, to compare before and after."""
        for name in self.functions:
            await_mappings(self.aws, name)
        return {name: settings_of(self.aws, name) for name in self.functions}


def is_transient(error: Exception) -> bool:
    """Whether a call failed for a reason of this machine's, and not by a decision of AWS's."""
    if not isinstance(error, ClientError):
        return True
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
    return status >= _SERVER_ERROR


class SteadyFunction(HealthyFunction):
    """A function that is called a few times a second, all the time."""

    functions = ("steady-report",)

    def __init__(self, aws: LocalAws, calls_per_second: float = 3.0) -> None:
        super().__init__(aws)
        self._calls_per_second = calls_per_second

    @property
    def seconds_between_calls(self) -> float:
        """The pace that was asked for."""
        return 1.0 / self._calls_per_second

    def deploy(self) -> None:
        """Create the function."""
        create_function(self.aws, "steady-report")

    def call(self) -> None:
        """Call the function and wait for its answer."""
        self.aws.client("lambda").invoke(FunctionName="steady-report", Payload=b"{}")


class BurstFunction(HealthyFunction):
    """A function that works through a pile of messages now and then, and is done with it."""

    functions = ("nightly-import",)
    queue = "nightly"

    def __init__(
        self, aws: LocalAws, messages: int = 100, seconds_between_bursts: float = 3600.0
    ) -> None:
        super().__init__(aws)
        self._messages = messages
        self._seconds_between_bursts = seconds_between_bursts

    @property
    def seconds_between_calls(self) -> float:
        """The time between bursts."""
        return self._seconds_between_bursts

    def deploy(self) -> None:
        """Create queue, function and mapping."""
        self.aws.client("sqs").create_queue(
            QueueName=self.queue, Attributes={"VisibilityTimeout": "15"}
        )
        polling = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        create_function(
            self.aws,
            "nightly-import",
            grants=(Grant(actions=polling, resources=(arn("sqs", self.queue),)),),
        )
        map_source(self.aws, "nightly-import", arn("sqs", self.queue))

    def call(self) -> None:
        """Send one pile of messages."""
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        for first in range(0, self._messages, 10):
            entries = [
                {"Id": str(number), "MessageBody": json.dumps({"row": number})}
                for number in range(first, min(first + 10, self._messages))
            ]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
