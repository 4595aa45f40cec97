"""What EventBridge, its Scheduler and what functions are invoked through count by the minute.

A minute in which nothing happens has no datapoint, as on AWS, except in the queues of
`queue_metrics`. By service, the one place through which everything comes:

- AWS/Events: MatchedEvents and TriggeredRules where a pattern is compared with an event for a rule,
  Invocations where a target is invoked. What a schedule starts has Invocations only, because it
  matches no pattern. Rules of the default bus have the dimension RuleName alone. There is no sum
  over all rules.
- AWS/Kinesis IncomingRecords: the two requests, and what DynamoDB's Kinesis destination writes.
- AWS/SNS NumberOfMessagesPublished: the fan-out of a topic, for requests as for alarms, S3,
  EventBridge, Pipes, and Lambda's destinations. Messages to a phone or a device have no topic; a
  FIFO topic counts no duplicate.
- AWS/States ExecutionsStarted: the start of an execution, synchronous or not. The child executions
  of a Distributed Map are part of their parent here.
- AWS/ApiGateway Count: requests to a stage of a REST API by ApiName, of an HTTP API by ApiId. What
  IAM refuses before is not counted, and messages of a WebSocket API are not.
- AWS/Lambda UrlRequestCount: requests to a function URL that IAM lets through.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.services import (
    apigateway,
    apigateway_v1,
    eventbridge,
    kinesis,
    lambda_svc,
    sns,
    stepfunctions,
)

from sandbox.patches.hooks import check, replace
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.world import World

_RULE = "rule "
_FAILED = 400


def is_schedule(fired: Mapping[str, Any]) -> bool:
    """Whether it is a schedule of EventBridge Scheduler, which the emulator treats as a rule."""
    return "GroupName" in fired


def count_attempt(world: World, fired: Mapping[str, Any]) -> None:
    """Count that a rule or a schedule is about to invoke a target."""
    _count(world, fired, "InvocationAttemptCount" if is_schedule(fired) else "Invocations")


def count_failure(world: World, fired: Mapping[str, Any]) -> None:
    """Count that a rule or a schedule could not invoke a target.

    Nobody could confirm that an invocation which a schedule's role may not make is an error of its
    target.
    """
    _count(world, fired, "TargetErrorCount" if is_schedule(fired) else "FailedInvocations")


def _count(world: World, fired: Mapping[str, Any], metric: str) -> None:
    """Count something for a rule, or for the group of a schedule: one alone has no metric."""
    if is_schedule(fired):
        world.count("AWS/Scheduler", metric, ScheduleGroup=fired["GroupName"])
    else:
        bus = fired.get("EventBusName") or "default"
        _count_for_rule(world, metric, fired.get("Name", ""), bus)


def _count_for_rule(world: World, metric: str, name: str, bus: str) -> None:
    dimensions = {"RuleName": name} | ({} if bus == "default" else {"EventBusName": bus})
    world.count("AWS/Events", metric, 1.0, **dimensions)


def apply(world: World) -> None:
    """Count what comes through each service."""
    _count_matches(world)
    _count_records(world)
    _count_messages(world)
    _count_executions(world)
    _count_requests(world)


def _count_matches(world: World) -> None:
    def matches(pattern_str: Any, view: Any, owner: str = "rule") -> bool:
        is_match: bool = original(pattern_str, view, owner)
        # An archive has a pattern as well, and so has a test of one.
        if is_match and owner.startswith(_RULE):
            bus, _, name = owner.removeprefix(_RULE).partition("|")
            for metric in ("MatchedEvents", "TriggeredRules"):
                _count_for_rule(world, metric, name, bus)
        return is_match

    check(eventbridge, "_rule_key", ("rule_name", "bus_name"))
    original = replace(
        eventbridge, "_matches_pattern_view", matches, ("pattern_str", "view", "owner")
    )


def _count_records(world: World) -> None:
    def count(stream: str, number: int = 1) -> None:
        world.count("AWS/Kinesis", "IncomingRecords", number, StreamName=stream)

    def put_one(data: dict[str, Any]) -> Any:
        answer = original_one(data)
        if answer[0] < _FAILED:
            count(kinesis._resolve_stream(data)[0])
        return answer

    def put_many(data: dict[str, Any]) -> Any:
        answer = original_many(data)
        if answer[0] < _FAILED:
            put = json.loads(answer[2])
            count(kinesis._resolve_stream(data)[0], len(put["Records"]) - put["FailedRecordCount"])
        return answer

    def put_internally(stream_arn: str, partition_key: str, data: bytes) -> bool:
        is_put: bool = original_internally(stream_arn, partition_key, data)
        if is_put:
            count(stream_arn.rpartition("/")[2])
        return is_put

    check(kinesis, "_resolve_stream", ("data",))
    original_one = replace(kinesis, "_put_record", put_one, ("data",))
    original_many = replace(kinesis, "_put_records", put_many, ("data",))
    original_internally = replace(
        kinesis, "put_record_internal", put_internally, ("stream_arn", "partition_key", "data")
    )


def _count_messages(world: World) -> None:
    def fan_out(topic_arn: str, *arguments: Any, **named: Any) -> None:
        if sns._topic_by_arn_any_scope(topic_arn):
            name = topic_arn.rpartition(":")[2]
            world.count("AWS/SNS", "NumberOfMessagesPublished", TopicName=name)
        original(topic_arn, *arguments, **named)

    original = replace(
        sns,
        "_fanout",
        fan_out,
        (
            "topic_arn",
            "msg_id",
            "message",
            "subject",
            "message_structure",
            "message_attributes",
            "message_group_id",
            "message_dedup_id",
        ),
    )


def _count_executions(world: World) -> None:
    def run(exec_arn: str) -> None:
        execution = stepfunctions._executions.get(exec_arn)
        if execution is not None:
            arn = execution["stateMachineArn"]
            world.count("AWS/States", "ExecutionsStarted", StateMachineArn=arn)
        original(exec_arn)

    original = replace(stepfunctions, "_run_execution", run, ("exec_arn",))


def _count_requests(world: World) -> None:
    async def execute_rest(  # noqa: PLR0917 - as the emulator calls it
        api_id: str,
        stage_name: str,
        method: str,
        path: str,
        headers: Any,
        body: Any,
        query_params: Any,
    ) -> Any:
        api = apigateway_v1._rest_apis.get_scoped(ACCOUNT_ID, REGION, api_id)
        if api is not None:
            world.count("AWS/ApiGateway", "Count", ApiName=api["name"])
        return await original_rest(api_id, stage_name, method, path, headers, body, query_params)

    async def execute_http(api_id: str, *arguments: Any, **named: Any) -> Any:
        if apigateway._apis.get_scoped(ACCOUNT_ID, REGION, api_id) is not None:
            world.count("AWS/ApiGateway", "Count", ApiId=api_id)
        return await original_http(api_id, *arguments, **named)

    async def answer(url_id: str, *arguments: Any, **named: Any) -> Any:
        found = lambda_svc.resolve_function_url(url_id)
        if found is not None:
            world.count("AWS/Lambda", "UrlRequestCount", FunctionName=found[2])
        return await original_answer(url_id, *arguments, **named)

    request = ("method", "headers", "body", "query_params")
    original_rest = replace(
        apigateway_v1,
        "handle_execute",
        execute_rest,
        ("api_id", "stage_name", "method", "path", *request[1:]),
    )
    original_http = replace(
        apigateway,
        "handle_execute",
        execute_http,
        ("api_id", "stage", "path", *request, "raw_query_string"),
    )
    original_answer = replace(
        lambda_svc,
        "handle_function_url_request",
        answer,
        ("url_id", "method", "path", *request[1:], "resolved", "source_ip"),
    )
