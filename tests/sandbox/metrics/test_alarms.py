"""Alarms that are evaluated, and what they send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws
    from tests.sandbox.support import Inbox

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "events"
EACH = (
    'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
    "GROUP BY FunctionName ORDER BY SUM() DESC"
)


def _alarm(aws: LocalAws, name: str, **more: Any) -> None:
    what: dict[str, Any] = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Invocations",
        "Statistic": "Sum",
        "Period": 60,
    }
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmDescription="too busy",
        EvaluationPeriods=1,
        Threshold=10,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **({} if "Metrics" in more else what),
        **more,
    )


def _burst(aws: LocalAws, count: float, **who: Any) -> None:
    """Much happens now and in the following minutes."""
    aws.seed([{"metric": "Invocations", "values": [count] * 3, "minutes_ago": 1, **who}])


def _shape(document: Any, path: str = "") -> set[str]:
    """The paths of a document; what is keyed by users' names counts as one level."""
    if isinstance(document, dict):
        if path.endswith(("dimensions", "attributes")):
            return {path}
        return {p for key, value in document.items() for p in _shape(value, f"{path}.{key}")}
    if isinstance(document, list):
        return {p for value in document for p in _shape(value, f"{path}[]")}
    return {path}


def _sample_shape(name: str) -> set[str]:
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip("AWS's sample events are not here")
    document = json.loads(path.read_text())
    document.get("detail", {}).pop("muteDetail", None)
    return _shape(document)


def test_an_alarm_fires_once_and_recovers(aws: LocalAws, cloudwatch_events: Inbox) -> None:
    """Going to ALARM and back to OK are one event each, although data is missing afterwards."""
    _burst(aws, 99.0)
    _alarm(aws, "busy")

    fired = cloudwatch_events.wait(lambda e: e["detail"]["state"]["value"] == "ALARM")
    cloudwatch_events.wait(
        lambda e: (
            e["detail"]["state"]["value"] == "OK"
            and e["detail"]["previousState"]["value"] == "ALARM"
        )
    )

    assert fired["detail-type"] == "CloudWatch Alarm State Change"
    assert fired["resources"] == ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:busy"]
    assert fired["time"][:16] == fired["detail"]["state"]["timestamp"][:16]
    assert "99.0" in fired["detail"]["state"]["reason"]
    values = [e["detail"]["state"]["value"] for e in cloudwatch_events.bodies()]
    assert values.count("ALARM") == 1


def test_the_event_has_the_shape_of_awss(aws: LocalAws, cloudwatch_events: Inbox) -> None:
    """An alarm on one metric sends an event like the one in CloudWatch's documentation."""
    _alarm(aws, "busy")
    cloudwatch_events.wait(lambda e: e["detail"]["state"]["value"] == "OK")
    _burst(aws, 99.0, functions=["f"])
    _burst(aws, 99.0)

    event = cloudwatch_events.wait(lambda e: e["detail"]["state"]["value"] == "ALARM")

    assert _shape(event) - {".detail.configuration.metrics[].metricStat.metric.dimensions"} == (
        _sample_shape("alarm_state_change.single_metric")
        - {".detail.configuration.metrics[].metricStat.metric.dimensions"}
    )
    reason = json.loads(event["detail"]["state"]["reasonData"])
    assert set(reason) >= {"version", "queryDate", "startDate", "statistic", "period"}


def test_metric_math_in_an_alarm(aws: LocalAws, cloudwatch_events: Inbox) -> None:
    """An alarm on an expression is evaluated and sends the expression along."""
    _burst(aws, 20.0, functions=["f"])
    _burst(aws, 90.0)

    def stat(name: str, **dimensions: str) -> dict[str, Any]:
        named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        return {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": "Invocations",
                    "Dimensions": named,
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }

    total = {"Id": "e1", "Expression": "SUM(METRICS())", "Label": "All", "ReturnData": True}
    _alarm(aws, "sum", Metrics=[total, stat("m1", FunctionName="f"), stat("m2")])

    event = cloudwatch_events.wait(lambda e: e["detail"]["state"]["value"] == "ALARM")

    assert "110.0" in event["detail"]["state"]["reason"]
    assert _shape(event) == _sample_shape("alarm_state_change.metric_math")


def test_contributors_of_a_grouped_alarm(aws: LocalAws, cloudwatch_events: Inbox) -> None:
    """A grouped Metrics Insights alarm names each function that crosses the threshold."""
    _burst(aws, 99.0, functions=["a", "b"])
    _burst(aws, 1.0, functions=["calm"])
    _alarm(aws, "each", Metrics=[{"Id": "q", "Expression": EACH, "Period": 60}])

    def contributor(name: str) -> Any:
        return cloudwatch_events.wait(
            lambda e: (
                e["detail"].get("alarmContributor", {}).get("attributes") == {"FunctionName": name}
                and e["detail"]["state"]["value"] == "ALARM"
            )
        )

    event, _ = contributor("a"), contributor("b")
    whole = cloudwatch_events.wait(
        lambda e: "alarmContributor" not in e["detail"] and e["detail"]["state"]["value"] == "ALARM"
    )
    alarming = aws.client("cloudwatch").describe_alarm_contributors(AlarmName="each")

    assert event["detail-type"] == "CloudWatch Alarm Contributor State Change"
    assert whole["detail"]["state"]["reason"] == "2 out of 3 time series evaluated to ALARM"
    assert {c["ContributorAttributes"]["FunctionName"] for c in alarming["AlarmContributors"]} == {
        "a",
        "b",
    }
    assert len(event["detail"]["alarmContributor"]["id"]) == 16
    assert _shape(event) == _sample_shape("alarm_contributor_state_change.metrics_insights")
    assert _shape(whole) == _sample_shape("alarm_state_change.metrics_insights_multi_series")


def test_a_contributor_that_is_gone_recovers(aws: LocalAws, cloudwatch_events: Inbox) -> None:
    """A line that is no longer returned goes to OK, and says why."""
    _burst(aws, 99.0, functions=["a"])
    _alarm(aws, "each", Metrics=[{"Id": "q", "Expression": EACH, "Period": 60}])

    event = cloudwatch_events.wait(
        lambda e: "alarmContributor" in e["detail"] and e["detail"]["state"]["value"] == "OK"
    )

    assert event["detail"]["state"]["reason"] == "No data was returned for this contributor"


def test_set_alarm_state_lasts_until_the_next_evaluation(
    aws: LocalAws, cloudwatch_events: Inbox
) -> None:
    """A drill fires the alarm; the evaluation puts it back."""
    _alarm(aws, "drill")
    aws.client("cloudwatch").set_alarm_state(
        AlarmName="drill", StateValue="ALARM", StateReason="a drill"
    )

    drill = cloudwatch_events.wait(lambda e: e["detail"]["state"]["reason"] == "a drill")
    cloudwatch_events.wait(lambda e: e["detail"]["state"]["value"] == "OK")

    assert "reasonData" not in drill["detail"]["state"]
    assert aws.alarms()[0]["state"] == "OK"


_NOTE = """
import boto3, json
sqs = boto3.client("sqs")
def handler(event, context):
    url = sqs.get_queue_url(QueueName="actions")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
"""


def test_a_lambda_action_needs_permission_and_gets_awss_document(
    aws: LocalAws, function: Callable[..., str], inbox: Callable[[str], Inbox]
) -> None:
    """Without a statement for CloudWatch's principal nothing runs; with it AWS's payload comes."""
    seen = inbox("actions")
    arn = function("note", _NOTE)
    _alarm(aws, "first", AlarmActions=[arn])
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="first", StateValue="ALARM", StateReason="a drill")
    assert "does not let lambda.alarms.cloudwatch.amazonaws.com" in aws.log_path.read_text()

    aws.client("lambda").add_permission(
        FunctionName="note",
        StatementId="alarms",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceAccount="123456789012",
        SourceArn="arn:aws:cloudwatch:us-east-1:123456789012:alarm:second",
    )
    _alarm(aws, "second", AlarmActions=[arn])
    aws.wait_until(
        lambda: {a["name"]: a["state"] for a in aws.alarms()}["second"] == "OK", "OK first", 5
    )
    cloudwatch.set_alarm_state(AlarmName="second", StateValue="ALARM", StateReason="a drill")
    document = seen.wait()

    assert document["alarmData"]["alarmName"] == "second"
    optional = {
        ".alarmData.configuration.metrics[].metricStat.unit",
        ".alarmData.configuration.metrics[].metricStat.metric.dimensions",
    }
    assert _shape(document) - optional == _sample_shape("lambda_alarm_action.metric") - optional
    assert len(seen.bodies()) == 1


def test_an_sns_action_sends_mail(aws: LocalAws) -> None:
    """An alarm's topic gets the notification as JSON, and its subscribers a mail."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name="ops")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    _alarm(aws, "mailed", AlarmActions=[topic])

    aws.client("cloudwatch").set_alarm_state(
        AlarmName="mailed", StateValue="ALARM", StateReason="a drill"
    )
    mail = aws.wait_for_mail("mailed")

    assert mail.subject == 'ALARM: "mailed" in US East (N. Virginia)'
    assert json.loads(mail.body.split("\n\n--\n")[0])["NewStateReason"] == "a drill"


def test_alarms_are_described_as_they_were_made(aws: LocalAws) -> None:
    """DescribeAlarms answers the queries of a metric math alarm, and no broken alarm is made."""
    query = {"Id": "q", "Expression": EACH, "Period": 60, "ReturnData": True}
    _alarm(aws, "each", Metrics=[query])

    (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["each"])["MetricAlarms"]
    with pytest.raises(ClientError, match="ValidationError"):
        _alarm(aws, "broken", Metrics=[query | {"Expression": "SELECT nonsense"}])

    assert alarm["Metrics"] == [query]
    assert "MetricName" not in alarm
    assert alarm["TreatMissingData"] == "notBreaching"


def test_a_new_alarm_may_warm_up(aws: LocalAws, cloudwatch_events: Inbox) -> None:
    """Within its warm-up an alarm on missing data says nothing; without one it speaks at once."""
    for name, more in (("cold", {}), ("warm", {"WarmUpPeriodDurationInMinutes": 600})):
        warm_up = {"WarmUpConfiguration": more} if more else {}
        aws.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="breaching",
            **warm_up,
        )

    cloudwatch_events.wait(lambda e: e["detail"]["alarmName"] == "cold")

    states = {alarm["name"]: alarm["state"] for alarm in aws.alarms()}
    assert states == {"cold": "ALARM", "warm": "INSUFFICIENT_DATA"}
