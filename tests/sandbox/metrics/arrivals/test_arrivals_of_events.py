"""What is counted of events, executions and requests."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING

from tests.sandbox.metrics.arrivals.conftest import (
    make_state_machine,
    put_events,
    put_rule,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws
    from tests.sandbox.support import Inbox


def test_messages_events_and_executions_are_counted_by_what_takes_them(
    aws: LocalAws, inbox: Callable[[str], Inbox], reaches: Callable[..., None]
) -> None:
    """An event that matches a rule of two targets is one match and two invocations."""
    topic = aws.client("sns").create_topic(Name="t")["TopicArn"]
    machine = make_state_machine(aws, "m", {"Type": "Pass"})
    aws.client("events").create_event_bus(Name="own")
    put_rule(aws, "r", topic, machine)
    put_rule(aws, "r", inbox("other").arn, bus="own")

    put_events(aws, "shop", "shop", "other")
    put_events(aws, "shop", bus="own")
    aws.client("sns").publish(TopicArn=topic, Message="one")
    entries = [{"Id": str(number), "Message": "one of two"} for number in range(2)]
    aws.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    aws.client("stepfunctions").start_execution(stateMachineArn=machine)

    reaches(5, "AWS/SNS", "NumberOfMessagesPublished", TopicName="t")
    reaches(3, "AWS/States", "ExecutionsStarted", StateMachineArn=machine)
    for metric, number in (("MatchedEvents", 2), ("TriggeredRules", 2), ("Invocations", 4)):
        reaches(number, "AWS/Events", metric, RuleName="r")
        reaches(1, "AWS/Events", metric, RuleName="r", EventBusName="own")


def test_every_asynchronous_way_into_a_function_is_counted_once(
    aws: LocalAws,
    function: Callable[..., str],
    counted: Callable[..., float],
    reaches: Callable[..., None],
) -> None:
    """By request, from SNS, EventBridge, S3 and Logs; what fails and is retried is no new event."""
    arn = function("f", "def handler(event, context): raise ValueError")
    lambda_, sns, s3 = aws.client("lambda"), aws.client("sns"), aws.client("s3")
    logs = aws.client("logs")
    for number, service in enumerate(("events", "sns", "s3", "logs")):
        lambda_.add_permission(
            FunctionName="f",
            StatementId=str(number),
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
        )
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    put_rule(aws, "r", arn)
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_notification_configuration(
        Bucket="bucket",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    logs.create_log_group(logGroupName="shop")
    logs.create_log_stream(logGroupName="shop", logStreamName="one")
    logs.put_subscription_filter(
        logGroupName="shop", filterName="all", filterPattern="", destinationArn=arn
    )

    lambda_.invoke(FunctionName="f", InvocationType="Event")
    sns.publish(TopicArn=topic, Message="hello")
    put_events(aws, "shop")
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    event = {"timestamp": int(time.time() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="shop", logStreamName="one", logEvents=[event])

    reaches(15, "AWS/Lambda", "Invocations", FunctionName="f")
    assert counted("AWS/Lambda", "AsyncEventsReceived", FunctionName="f") == 5
    assert counted("AWS/Lambda", "AsyncEventsDropped", FunctionName="f") == 5
    assert counted("AWS/Lambda", "AsyncEventAge", "SampleCount", FunctionName="f") == 15
    # The third attempt comes three minutes after the first.
    assert counted("AWS/Lambda", "AsyncEventAge", "Maximum", FunctionName="f") >= 180_000


def test_requests_are_counted_by_url_and_by_api(
    aws: LocalAws, function: Callable[..., str], reaches: Callable[..., None]
) -> None:
    """A function URL by its function, a REST API by its name, an HTTP API by its id."""
    arn = function("f", "def handler(event, context): return {'statusCode': 200, 'body': ''}")
    url = aws.client("lambda").create_function_url_config(FunctionName="f", AuthType="NONE")
    url_id = url["FunctionUrl"].split("//")[1].split(".")[0]
    rest, http = aws.client("apigateway"), aws.client("apigatewayv2")
    api = rest.create_rest_api(name="shop")["id"]
    root = rest.get_resources(restApiId=api)["items"][0]["id"]
    about = {"restApiId": api, "resourceId": root, "httpMethod": "ANY"}
    rest.put_method(**about, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    rest.put_integration(**about, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    rest.create_deployment(restApiId=api, stageName="live")
    quick = http.create_api(Name="quick", ProtocolType="HTTP")["ApiId"]
    integration = http.create_integration(
        ApiId=quick, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    http.create_route(ApiId=quick, RouteKey="$default", Target=f"integrations/{integration}")
    http.create_stage(ApiId=quick, StageName="$default", AutoDeploy=True)

    for path, times in (
        (f"_aws/lambda-url/{url_id}/", 3),
        (f"_aws/execute-api/{api}/live/", 2),
        (f"_aws/execute-api/{quick}/$default/", 1),
    ):
        for _ in range(times):
            with urllib.request.urlopen(f"{aws.endpoint}/{path}") as answer:  # noqa: S310
                assert answer.status == 200

    reaches(3, "AWS/Lambda", "UrlRequestCount", FunctionName="f")
    reaches(2, "AWS/ApiGateway", "Count", ApiName="shop")
    reaches(1, "AWS/ApiGateway", "Count", ApiId=quick)
    reaches(6, "AWS/Lambda", "Invocations", FunctionName="f")
