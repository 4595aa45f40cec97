"""The adapters on a stage: the local AWS."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from functions.aws.incidents.hold_facts import AwsHoldFacts
from functions.aws.incidents.lambda_functions import LambdaFunctions
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.incidents.way_back import Route, ScheduledWayBack, name_of
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import WRITES, Table
from functions.aws.runtime import clients
from functions.aws.runtime.retry import CHANGES
from functions.domain.account.names import compose_queue_url
from functions.domain.detection.arrivals import (
    ArrivalMetric,
    choose_waiting_metric,
    list_arrival_metrics,
)
from functions.domain.detection.evidence import MINUTE_SECONDS, floor_to
from sandbox.scenarios.provision import package_code
from tests.contract.stage import ACCOUNT, METRIC_NAMES, ROLE, unique

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.domain.detection.arrivals import Source
    from sandbox.local_aws import LocalAws
    from tests.fakes.resources import FakeQueue


class AwsStage:
    """The adapters, with their own clients, on a local AWS."""

    def __init__(self, aws: LocalAws, table: str) -> None:
        self.aws = aws
        self.pauses: list[float] = []
        topic = aws.client("sns").create_topic(Name=unique("notices"))["TopicArn"]
        self.topic_arn = topic
        self.functions = LambdaFunctions(
            clients.make_lambda_client(),
            clients.make_tagging_client,
            retry=replace(CHANGES, sleep=self._sleep),
        )
        self.hold_facts = AwsHoldFacts(
            clients.make_lambda_client(), clients.make_sqs_client, clients.make_kinesis_client
        )
        self.metrics = CloudWatchMetrics(clients.make_cloudwatch_client())
        self.table = table
        self.ledger = DynamoLedger(
            Table(
                clients.make_dynamodb_client, table, retry=replace(WRITES, sleep=self.pauses.append)
            )
        )
        self.publisher = SnsPublisher(clients.make_sns_client(), topic)
        self._lambda = aws.client("lambda")
        self._group = unique("holds")
        aws.client("scheduler").create_schedule_group(Name=self._group)
        self.way_back = ScheduledWayBack(
            clients.make_scheduler_client,
            Route(
                group=self._group,
                target_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:restore",
                role_arn=ROLE,
                dead_letter_arn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:undelivered",
            ),
        )

    @property
    def now(self) -> datetime:
        """The local AWS's own time."""
        return self.aws.clock.now()

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        time.sleep(min(seconds, 0.1))

    def add(
        self, name: str, *, reserved: int | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """See `Stage`."""
        arn: str = self._lambda.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": package_code("def handler(event, context): return None")},
            Tags=dict(tags or {}),
        )["FunctionArn"]
        if reserved is not None:
            self._lambda.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )
        return arn

    def provision(self, name: str, requested: int) -> str:
        """See `Stage`."""
        version = self._lambda.publish_version(FunctionName=name)["Version"]
        self._lambda.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
        self._lambda.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=requested
        )
        return "live"

    def delete_alias(self, name: str, alias: str) -> None:
        """See `Stage`."""
        self._lambda.delete_alias(FunctionName=name, Name=alias)

    def let_poll(
        self, name: str, *, enabled: bool = True, alias: str = "", version: str = ""
    ) -> tuple[str, str]:
        """See `Stage`."""
        queue = unique("queue")
        self.aws.client("sqs").create_queue(QueueName=queue)
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}"
        if alias:
            published = self._lambda.publish_version(FunctionName=name)["Version"]
            self._lambda.create_alias(FunctionName=name, Name=alias, FunctionVersion=published)
        qualifier = alias or version
        mapping = self._lambda.create_event_source_mapping(
            FunctionName=f"{name}:{qualifier}" if qualifier else name,
            EventSourceArn=arn,
            Enabled=enabled,
        )
        return mapping["UUID"], arn

    def keep_messages(self, queue_arn: str, queue: FakeQueue) -> None:
        """See `Stage`."""
        sqs, name = self.aws.client("sqs"), queue_arn.rpartition(":")[2]
        attributes = {
            "MessageRetentionPeriod": f"{queue.retention_seconds:.0f}",
            "DelaySeconds": f"{queue.delay_seconds:.0f}",
        }
        if queue.max_receive_count is not None:
            sqs.create_queue(QueueName=f"{name}-dead")
            attributes["RedrivePolicy"] = json.dumps(
                {
                    "deadLetterTargetArn": f"{queue_arn}-dead",
                    "maxReceiveCount": queue.max_receive_count,
                }
            )
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def let_poll_table(self, name: str, *, record_age_seconds: int | None) -> tuple[str, str]:
        """See `Stage`."""
        stream = self.aws.client("dynamodb").create_table(
            TableName=unique("t"),
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]["LatestStreamArn"]
        age = -1 if record_age_seconds is None else record_age_seconds
        mapping = self._lambda.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=stream,
            StartingPosition="TRIM_HORIZON",
            BatchSize=7,
            MaximumRecordAgeInSeconds=age,
        )
        return mapping["UUID"], stream

    def let_poll_stream(self, name: str, *, hours: int) -> tuple[str, str]:
        """See `Stage`."""
        kinesis, stream = self.aws.client("kinesis"), unique("s")
        kinesis.create_stream(StreamName=stream, ShardCount=1)

        def describe() -> Any:
            return kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]

        self.aws.wait_until(lambda: describe()["StreamStatus"] == "ACTIVE", "the stream")
        kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=hours)
        arn = describe()["StreamARN"]
        mapping = self._lambda.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=arn,
            StartingPosition="LATEST",
            BatchSize=100,
            MaximumBatchingWindowInSeconds=9,
        )
        return mapping["UUID"], arn

    def keep_events(self, name: str, seconds: int, *, alias: str = "") -> None:
        """See `Stage`."""
        qualifier = {"Qualifier": alias} if alias else {}
        self._lambda.put_function_event_invoke_config(
            FunctionName=name, MaximumEventAgeInSeconds=seconds, **qualifier
        )

    def admit_topic(self, name: str) -> str:
        """See `Stage`."""
        topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:{unique('topic')}"
        self._lambda.add_permission(
            FunctionName=name,
            StatementId=unique("statement"),
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic,
        )
        return topic

    def send_failures_to(self, name: str, target_arn: str) -> None:
        """See `Stage`."""
        self._lambda.put_function_event_invoke_config(
            FunctionName=name,
            DestinationConfig={"OnFailure": {"Destination": target_arn}},
        )

    def record(self, name: str, **metrics: Sequence[float | None]) -> None:
        """See `Stage`. The account's own series are the sums of what is recorded."""
        series: list[dict[str, Any]] = []
        for metric, values in metrics.items():
            entry = {
                "metric": METRIC_NAMES[metric],
                "values": list(values),
                "minutes_ago": len(values),
            }
            series += [{**entry, "functions": [name]}, entry]
        self.aws.seed(json.loads(json.dumps(series)))

    def record_arrivals(
        self, source: Source, counts: Sequence[float | None], waiting: Sequence[float | None] = ()
    ) -> None:
        """See `Stage`."""
        self._put(list_arrival_metrics(source)[0], counts)
        metric = choose_waiting_metric(source)
        if metric is not None:
            self._put(metric, waiting)

    def record_lag(self, name: str, values: Sequence[float | None]) -> None:
        """See `Stage`."""
        dimensions = {"FunctionName": name}
        lag = ArrivalMetric(namespace="AWS/Lambda", name="IteratorAge", dimensions=dimensions)
        self._put(lag, values)

    def send(self, queue_arn: str, count: int, *, delayed: int = 0) -> None:
        """See `Stage`."""
        sqs, url = self.aws.client("sqs"), compose_queue_url(queue_arn)
        for number in range(count + delayed):
            delay = 900 if number < delayed else 0
            sqs.send_message(QueueUrl=url, MessageBody=f"{number}", DelaySeconds=delay)

    def _put(self, metric: ArrivalMetric, values: Sequence[float | None]) -> None:
        end = floor_to(self.now, MINUTE_SECONDS)
        dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
        data = [
            {
                "MetricName": metric.name,
                "Dimensions": dimensions,
                "Timestamp": end - back * timedelta(minutes=1),
                "Value": value,
            }
            for back, value in enumerate(reversed(values), start=1)
            if value is not None
        ]
        if data:
            self.aws.client("cloudwatch").put_metric_data(
                Namespace=metric.namespace, MetricData=data
            )

    def break_topic(self) -> None:
        """See `Stage`."""
        self.aws.client("sns").delete_topic(TopicArn=self.topic_arn)

    def ends_at(self, incident_id: str) -> datetime | None:
        """See `Stage`."""
        scheduler = self.aws.client("scheduler")
        try:
            found = scheduler.get_schedule(GroupName=self._group, Name=name_of(incident_id))
        except scheduler.exceptions.ResourceNotFoundException:
            return None
        moment = found["ScheduleExpression"].removeprefix("at(").removesuffix(")")
        return datetime.fromisoformat(moment).replace(tzinfo=UTC)
