"""A running sandbox whose metrics and alarms have AWS's weather."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.local_aws import LocalAws
from sandbox.metrics.publication import COMPLETE_SECONDS, Publication
from sandbox.scenarios.provision import create_function
from tests.sandbox.support import metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.metrics.store import MetricKey

SEED = 7
ARRIVALS = 12


@pytest.fixture(scope="module")
def late_aws() -> Iterator[LocalAws]:
    """A local AWS in which a minute takes a second and comes late."""
    with LocalAws(speed=60, worker_cap=4, weather="aws", seed=SEED) as aws:
        yield aws


def _now(aws: LocalAws) -> float:
    """The virtual time as the sandbox itself has it; it waits where the machine is slow."""
    return float(aws.control("GET", "clock")["now"])


def test_the_seed_is_printed_and_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """So that a run that failed can be repeated, whoever chose the seed."""
    with LocalAws(speed=60, weather="aws") as aws:
        log = aws.log_path.read_text()

    assert f"sandbox: AWS's weather, seed {aws.weather.seed}\n" in capfd.readouterr().err
    assert f"the weather is aws, its seed is {aws.weather.seed}" in log


def test_an_invocation_is_seen_a_minute_after_its_minute_at_the_earliest(
    late_aws: LocalAws,
) -> None:
    """By readers as by alarms, in the minute in which it was made."""
    create_function(late_aws, "steady-report")
    cloudwatch = late_aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="used",
        Namespace="AWS/Lambda",
        MetricName="Invocations",
        Dimensions=[{"Name": "FunctionName", "Value": "steady-report"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    before = _now(late_aws)
    late_aws.client("lambda").invoke(FunctionName="steady-report", Payload=b"{}")
    after = _now(late_aws)

    def seen() -> dict[float, float]:
        (answer,) = cloudwatch.get_metric_data(
            MetricDataQueries=[metric("Invocations", "Sum", "steady-report")],
            StartTime=before - 600,
            EndTime=_now(late_aws) + 60,
        )["MetricDataResults"]
        moments = [moment.timestamp() for moment in answer["Timestamps"]]
        return dict(zip(moments, answer["Values"], strict=True))

    first = late_aws.wait_until(seen, "the invocation", 30)
    read_at = _now(late_aws)
    (minute,) = first
    alarm = late_aws.wait_until(
        lambda: next((a for a in late_aws.alarms() if a["state"] == "ALARM"), None), "the alarm", 30
    )

    assert first[minute] == 1.0
    assert before // 60 * 60 <= minute <= after
    assert read_at >= minute + 60 + 60
    assert alarm["since"] >= minute + 60 + 60


def test_each_series_of_arrivals_comes_late_and_is_complete_by_its_own_measure(
    late_aws: LocalAws,
) -> None:
    """What one publisher did is seen in three services, nowhere early and everywhere in full."""
    sns, sqs, dynamodb = (late_aws.client(name) for name in ("sns", "sqs", "dynamodb"))
    topic = sns.create_topic(Name="orders")["TopicArn"]
    queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    series = {
        ("AWS/SNS", "NumberOfMessagesPublished", (("TopicName", "orders"),)): "Sum",
        ("AWS/SQS", "NumberOfMessagesSent", (("QueueName", "orders"),)): "Sum",
        (
            "AWS/DynamoDB",
            "SuccessfulRequestLatency",
            (("Operation", "PutItem"), ("TableName", "orders")),
        ): "SampleCount",
    }
    began = _now(late_aws)
    for number in range(ARRIVALS):
        sns.publish(TopicArn=topic, Message="new")
        sqs.send_message(QueueUrl=queue, MessageBody="new")
        dynamodb.put_item(TableName="orders", Item={"id": {"S": str(number)}})
    ended = _now(late_aws)

    def is_complete() -> bool:
        totals = []
        for key, statistic in series.items():
            values = _read(late_aws, key, statistic, since=began)
            publication, now = Publication.of(late_aws.weather, key), _now(late_aws)
            assert publication is not None
            shown = [int(at // 60) for at, value in values.items() if value]
            assert all(publication.share(minute, now) > 0 for minute in shown)
            totals.append(sum(values.values()))
        assert max(totals) <= ARRIVALS
        return set(totals) == {ARRIVALS}

    minutes = 2 + (COMPLETE_SECONDS + ended - began) / 60
    late_aws.wait_until_within(minutes, is_complete, "everything that arrived")


def _read(aws: LocalAws, key: MetricKey, statistic: str, *, since: float) -> dict[float, float]:
    namespace, name, dimensions = key
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": one, "Value": value} for one, value in dimensions],
        Period=60,
        StartTime=since - 60,
        EndTime=_now(aws) + 60,
        Statistics=[statistic],
    )
    return {point["Timestamp"].timestamp(): point[statistic] for point in answer["Datapoints"]}
