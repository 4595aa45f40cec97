"""Functions that invoke themselves through DynamoDB, EventBridge, SQS, S3, or each other."""

from __future__ import annotations

import json
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from sandbox.local_aws import SandboxTimeoutError
from sandbox.scenarios.provision import (
    Grant,
    allow_invoke,
    arn,
    await_mappings,
    create_function,
    create_table,
    function_arn,
    has_item,
    map_source,
    notify_on_new_objects,
    settings_of,
    update_code,
)

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws
    from sandbox.scenarios.provision import (
        FunctionSettings,
    )

QUIET_SECONDS = 1.0
REST_SECONDS = 6
"""A loop comes round more often than that, on a busy machine too."""

LEFT_OVER = 3
"""Events of the runaway that may still come back, from a queue say, while one is looked at."""

POKE_MINUTES = 40.0
"""Virtual minutes for one event: a mapping that was just enabled takes some to poll again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PokeOutcome:
    """What became of one legitimate event; true when it was handled and nothing loops."""

    is_handled: bool
    is_looping: bool
    invocations: dict[str, int]

    def __bool__(self) -> bool:
        return self.is_handled and not self.is_looping


class Loop(ABC):
    """A loop in the account: its resources, its defect, its fix."""

    functions: ClassVar[tuple[str, ...]]
    """The functions that invoke themselves."""

    asynchronous: ClassVar[tuple[str, ...]] = ()
    """Those of them that asynchronous events invoke."""

    picture: ClassVar[str]
    """The loop in one line, as a notice would draw it."""

    is_certain: ClassVar[bool] = True
    """Whether the configuration alone closes it, so that people are warned of it by a mail."""

    invocations_per_event: ClassVar[dict[str, int]]
    """How often each function runs for one event once the loop is fixed."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws

    @abstractmethod
    def deploy(self) -> None:
        """Create everything; nothing runs yet."""

    @abstractmethod
    def send(self, event_id: str) -> None:
        """Cause one event."""

    @abstractmethod
    def is_handled(self, event_id: str) -> bool:
        """Whether the functions have done their work for an event."""

    @abstractmethod
    def fix(self) -> None:
        """Change what makes it loop, as its owner would after a containment."""

    def seed(self, count: int = 1) -> None:
        """Start ``count`` rounds that never end."""
        for _ in range(count):
            self.send(f"seed-{uuid.uuid4()}")

    def poke(self, minutes: float = POKE_MINUTES) -> PokeOutcome:
        """Cause one event; whether it was handled in so many virtual minutes, and how often.

        Events of the runaway may come back at the same time, from a queue that is polled again,
        and several of them in one invocation. They come to an end, and a loop does not.
        """
        outcome = self._poke_once(minutes)
        if outcome.is_looping:
            try:
                self.rest(REST_SECONDS)
            except SandboxTimeoutError:
                return outcome
        return replace(outcome, is_looping=False)

    def _poke_once(self, minutes: float) -> PokeOutcome:
        before = self.aws.counts()
        event_id = f"poke-{uuid.uuid4()}"
        self.send(event_id)
        try:
            is_handled = self.aws.wait_until_within(
                minutes, lambda: self.is_handled(event_id), f"{event_id} is handled"
            )
        except SandboxTimeoutError:
            is_handled = False
        else:
            time.sleep(QUIET_SECONDS)
        after = self.aws.counts()
        ran = {name: after.get(name, 0) - before.get(name, 0) for name in self.functions}
        return PokeOutcome(
            is_handled=is_handled,
            is_looping=any(
                ran[name] > usual + LEFT_OVER for name, usual in self.invocations_per_event.items()
            ),
            invocations=ran,
        )

    def rest(self, quiet_seconds: int = 5, timeout_seconds: float = 60.0) -> None:
        """Wait until no function of the loop has run for some seconds of the sandbox.

        They take longer where the machine is busy, and pollers then come later.
        """
        seen, since = self._count_runs(), self.aws.clock.timestamp()

        def is_quiet() -> bool:
            nonlocal seen, since
            newest, now = self._count_runs(), self.aws.clock.timestamp()
            if newest != seen:
                seen, since = newest, now
            return now - since >= quiet_seconds * self.aws.speed

        self.aws.wait_until(is_quiet, f"rest of {self.functions}", timeout_seconds)

    def _count_runs(self) -> list[int]:
        counts = self.aws.counts()
        return [counts.get(name, 0) for name in self.functions]

    def settings(self) -> dict[str, FunctionSettings]:
        """The settings of each function once none changes, to compare before and after."""
        for name in self.functions:
            await_mappings(self.aws, name)
        return {name: settings_of(self.aws, name) for name in self.functions}


class DynamoDbLoop(Loop):
    """A function on a table's stream that writes to the table."""

    functions = ("enrich-order",)
    picture = "orders ─stream▶ enrich-order ─UpdateItem▶ orders"
    # Its own write comes back once and is passed over.
    invocations_per_event: ClassVar = {"enrich-order": 2}

    def deploy(self) -> None:
        """Create table, function and mapping."""
        stream = create_table(self.aws, "orders", has_stream=True) or ""
        create_function(
            self.aws,
            "enrich-order",
            allows_loops=True,
            grants=(
                Grant(
                    actions=("dynamodb:UpdateItem",), resources=(arn("dynamodb", "table/orders"),)
                ),
                Grant(
                    actions=(
                        "dynamodb:DescribeStream",
                        "dynamodb:GetRecords",
                        "dynamodb:GetShardIterator",
                    ),
                    resources=(stream,),
                ),
            ),
        )
        map_source(self.aws, "enrich-order", stream)

    def send(self, event_id: str) -> None:
        """Place an order."""
        self.aws.client("dynamodb").put_item(TableName="orders", Item={"id": {"S": event_id}})

    def is_handled(self, event_id: str) -> bool:
        """Whether the order is enriched."""
        return has_item(self.aws, "orders", event_id, "enriched")

    def fix(self) -> None:
        """Enrich new orders only."""
        update_code(self.aws, "enrich-order", "enrich_order_fixed")


class EventBridgeLoop(Loop):
    """A function on a bus that answers each event with another."""

    functions = ("price-order",)
    asynchronous = functions
    picture = "shop ─rule orders▶ price-order ─PutEvents▶ shop"
    is_certain: ClassVar = False  # its code names the source of the event, its role does not
    invocations_per_event: ClassVar = {"price-order": 1}

    def deploy(self) -> None:
        """Create bus, rule, table and function."""
        events = self.aws.client("events")
        events.create_event_bus(Name="shop")
        create_table(self.aws, "prices")
        create_function(
            self.aws,
            "price-order",
            allows_loops=True,
            grants=(
                Grant(actions=("events:PutEvents",), resources=(arn("events", "event-bus/shop"),)),
                Grant(actions=("dynamodb:PutItem",), resources=(arn("dynamodb", "table/prices"),)),
            ),
        )
        pattern = {"source": ["shop.orders"]}
        rule = events.put_rule(Name="orders", EventBusName="shop", EventPattern=json.dumps(pattern))
        allow_invoke(self.aws, "price-order", "events.amazonaws.com", rule["RuleArn"])
        target = {"Id": "price-order", "Arn": function_arn("price-order")}
        events.put_targets(Rule="orders", EventBusName="shop", Targets=[target])

    def send(self, event_id: str) -> None:
        """Publish an order."""
        entry = {
            "EventBusName": "shop",
            "Source": "shop.orders",
            "DetailType": "OrderPlaced",
            "Detail": json.dumps({"id": event_id}),
        }
        self.aws.client("events").put_events(Entries=[entry])

    def is_handled(self, event_id: str) -> bool:
        """Whether the order has a price."""
        return has_item(self.aws, "prices", event_id, "price")

    def fix(self) -> None:
        """Publish nothing."""
        update_code(self.aws, "price-order", "price_order_fixed")


class SqsLoop(Loop):
    """A function that puts each message back into its own queue."""

    functions = ("run-job",)
    picture = "jobs ─poll▶ run-job ─SendMessage▶ jobs"
    invocations_per_event: ClassVar = {"run-job": 1}

    def deploy(self) -> None:
        """Create queue, table, function and mapping."""
        queue = arn("sqs", "jobs")
        attributes = {"VisibilityTimeout": "15"}
        self.aws.client("sqs").create_queue(QueueName="jobs", Attributes=attributes)
        create_table(self.aws, "job-results")
        create_function(
            self.aws,
            "run-job",
            allows_loops=True,
            grants=(
                Grant(
                    actions=(
                        "sqs:SendMessage",
                        "sqs:GetQueueUrl",
                        "sqs:ReceiveMessage",
                        "sqs:DeleteMessage",
                        "sqs:GetQueueAttributes",
                    ),
                    resources=(queue,),
                ),
                Grant(
                    actions=("dynamodb:PutItem",), resources=(arn("dynamodb", "table/job-results"),)
                ),
            ),
        )
        map_source(self.aws, "run-job", queue)

    def send(self, event_id: str) -> None:
        """Order a job."""
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName="jobs")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"id": event_id}))

    def is_handled(self, event_id: str) -> bool:
        """Whether the job has a result."""
        return has_item(self.aws, "job-results", event_id, "done")

    def fix(self) -> None:
        """Put nothing back."""
        update_code(self.aws, "run-job", "run_job_fixed")


class S3Loop(Loop):
    """A function that writes into the bucket whose new objects invoke it."""

    functions = ("make-thumbnail",)
    asynchronous = functions
    picture = "photos ─ObjectCreated▶ make-thumbnail ─PutObject▶ photos"
    invocations_per_event: ClassVar = {"make-thumbnail": 1}

    def deploy(self) -> None:
        """Create bucket, function and notification."""
        self.aws.client("s3").create_bucket(Bucket="photos")
        create_function(
            self.aws,
            "make-thumbnail",
            allows_loops=True,
            grants=(Grant(actions=("s3:PutObject",), resources=(arn("s3", "photos/*"),)),),
        )
        allow_invoke(self.aws, "make-thumbnail", "s3.amazonaws.com", arn("s3", "photos"))
        notify_on_new_objects(self.aws, "photos", "make-thumbnail")

    def send(self, event_id: str) -> None:
        """Upload a photo."""
        self.aws.client("s3").put_object(Bucket="photos", Key=f"incoming/{event_id}", Body=b"photo")

    def is_handled(self, event_id: str) -> bool:
        """Whether the photo has a thumbnail."""
        return _has_object(self.aws, "photos", f"thumbnails/{event_id}")

    def fix(self) -> None:
        """Notify of incoming photos only."""
        notify_on_new_objects(self.aws, "photos", "make-thumbnail", prefix="incoming/")


class ChainLoop(Loop):
    """Two functions that keep each other busy through a bucket and a queue."""

    functions = ("import-file", "write-report")
    asynchronous = ("import-file",)
    picture = (
        "files ─ObjectCreated▶ import-file ─SendMessage▶ imports ─poll▶ write-report "
        "─PutObject▶ files"
    )
    # The report comes back once and is passed over.
    invocations_per_event: ClassVar = {"import-file": 2, "write-report": 1}

    def deploy(self) -> None:
        """Create bucket, queue, both functions and their triggers."""
        queue = arn("sqs", "imports")
        self.aws.client("s3").create_bucket(Bucket="files")
        attributes = {"VisibilityTimeout": "15"}
        self.aws.client("sqs").create_queue(QueueName="imports", Attributes=attributes)
        create_function(
            self.aws,
            "import-file",
            allows_loops=True,
            grants=(Grant(actions=("sqs:SendMessage", "sqs:GetQueueUrl"), resources=(queue,)),),
        )
        create_function(
            self.aws,
            "write-report",
            allows_loops=True,
            grants=(
                Grant(actions=("s3:PutObject",), resources=(arn("s3", "files/*"),)),
                Grant(
                    actions=("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
                    resources=(queue,),
                ),
            ),
        )
        allow_invoke(self.aws, "import-file", "s3.amazonaws.com", arn("s3", "files"))
        notify_on_new_objects(self.aws, "files", "import-file")
        map_source(self.aws, "write-report", queue)

    def send(self, event_id: str) -> None:
        """Upload a file."""
        self.aws.client("s3").put_object(Bucket="files", Key=f"incoming/{event_id}", Body=b"file")

    def is_handled(self, event_id: str) -> bool:
        """Whether the file has a report."""
        return _has_object(self.aws, "files", f"reports/{event_id}")

    def fix(self) -> None:
        """Import no reports."""
        update_code(self.aws, "import-file", "import_file_fixed")


def _has_object(aws: LocalAws, bucket: str, key: str) -> bool:
    answer = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=key)
    return any(found["Key"] == key for found in answer.get("Contents", []))
