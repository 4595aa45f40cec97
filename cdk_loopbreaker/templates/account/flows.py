"""What carries events on: rules, schedules, pipes, Firehose streams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.account.functions import read_patterns
from cdk_loopbreaker.templates.account.scope import describe_unknown
from cdk_loopbreaker.templates.property_values import (
    find_doubt,
    is_doubtful,
    is_unknown,
    read_list,
    read_mapping,
    read_path,
    read_text,
    remove_unknown,
    write_json,
)
from functions.domain.account.inventory import (
    Area,
    DeliveryStream,
    Pipe,
    Rule,
    RuleTarget,
    Schedule,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.templates.account.scope import AccountScope
    from cdk_loopbreaker.templates.model import Resource, Value

# A pattern that every event fits, for one of which nothing is known.
_EVERYTHING: Final = '{"source":[{"prefix":""}]}'
_STREAM_PARAMETERS: Final = ("KinesisStreamParameters", "DynamoDBStreamParameters")
_CHANGE_STREAM: Final = "kinesis-streaming-destination"


# -- rules


def describe_rules(scope: AccountScope) -> Iterator[Rule]:
    """The rules of all buses."""
    for resource in scope.list_of("AWS::Events::Rule"):
        told = resource.properties
        bus_arn = scope.read_bus(told.get("EventBusName"))
        scope.place(resource, resource.arn)
        if not bus_arn:
            words = f"the bus of this rule is {describe_unknown(told.get('EventBusName'))}"
            for target in read_list(told.get("Targets")):
                arn = read_text(read_path(target, "Arn"))
                if arn:
                    scope.open_entry(resource, arn, words)
            continue
        state = told.get("State")
        is_decided = not is_doubtful(state)
        if not is_decided:
            scope.note_problem(resource, f"its state is {describe_unknown(state)}")
            scope.undecided.add(resource.arn)
        rule = Rule(
            arn=resource.arn,
            name=resource.ref.rpartition("|")[2] or resource.logical_id,
            bus_arn=bus_arn,
            pattern=_read_pattern(scope, resource, told.get("EventPattern")),
            schedule=_read_schedule(told.get("ScheduleExpression")),
            is_enabled=not is_decided or read_text(state) != "DISABLED",
            targets=tuple(_list_targets(scope, resource)),
        )
        yield rule
        default_bus_arn = scope.read_bus(None)
        if is_doubtful(told.get("EventBusName")) and bus_arn != default_bus_arn and rule.pattern:
            yield replace(rule, bus_arn=default_bus_arn)  # where the name is left out


def _read_schedule(value: Value) -> str:
    """A schedule; at which times the clock starts it does not matter here."""
    return "not known" if is_unknown(value) else read_text(value)


def _read_pattern(scope: AccountScope, resource: Resource, value: Value) -> str:
    """An event pattern; without what is not known of it, so that its edges are possible."""
    if value is None:
        return ""
    why = find_doubt(value)
    if not why:
        return write_json(value)
    scope.note_problem(resource, f"its event pattern is not known as a whole: {why}")
    scope.undecided.add(resource.arn)
    left = remove_unknown(value)
    return _EVERYTHING if left is None else write_json(left)


def _list_targets(scope: AccountScope, resource: Resource) -> Iterator[RuleTarget]:
    for target in read_list(resource.properties.get("Targets")):
        _, arn = scope.link(resource, resource.arn, read_path(target, "Arn"), "rule")
        if not arn:
            continue
        dead_letters = read_path(target, "DeadLetterConfig", "Arn")
        if is_unknown(dead_letters):
            why = describe_unknown(dead_letters)
            scope.open_exit(resource, resource.arn, f"a dead-letter queue of its targets is {why}")
        yield RuleTarget(
            arn=arn,
            id=read_text(read_path(target, "Id")),
            dead_letter_arn=read_text(dead_letters),
            role_arn=read_text(read_path(target, "RoleArn")),
            input_is_constant=read_path(target, "Input") is not None,
        )


# -- schedules


def describe_schedules(scope: AccountScope) -> Iterator[Schedule]:
    """The schedules of EventBridge Scheduler."""
    for resource in scope.list_of("AWS::Scheduler::Schedule"):
        told = resource.properties
        target = read_path(told.get("Target"), "Arn")
        _, arn = scope.link(resource, resource.arn, target, "schedule")
        if not arn:
            continue
        scope.place(resource, resource.arn)
        state = told.get("State")
        if is_doubtful(state):
            scope.undecided.add(resource.arn)
        yield Schedule(
            arn=resource.arn,
            target_arn=arn,
            role_arn=read_text(read_path(told.get("Target"), "RoleArn")),
            dead_letter_arn=read_text(read_path(told.get("Target"), "DeadLetterConfig", "Arn")),
            is_enabled=is_doubtful(state) or read_text(state) != "DISABLED",
        )


# -- pipes


def describe_pipes(scope: AccountScope) -> Iterator[Pipe]:
    """The pipes, and the changes that tables send to Kinesis, which go like a pipe."""
    for resource in scope.list_of("AWS::Pipes::Pipe"):
        told = resource.properties
        parameters = told.get("SourceParameters")
        source_arn, target_arn = scope.link(
            resource, _find_source(told.get("Source"), parameters), told.get("Target"), "pipe"
        )
        enrichment = told.get("Enrichment")
        if is_unknown(enrichment) and source_arn:
            words = f"the enrichment of this pipe is {describe_unknown(enrichment)}"
            scope.open_exit(resource, source_arn, words)
        if not source_arn:
            continue
        scope.place(resource, resource.arn)
        criteria = read_path(parameters, "FilterCriteria")
        if hidden := find_doubt(criteria):
            scope.note_gap(resource, Area.PIPES, f"its filter: {hidden}", resource.arn)
        state = told.get("DesiredState")
        is_decided = not is_doubtful(state)
        if not is_decided:
            scope.undecided.add(resource.arn)
        streams = [read_path(parameters, one) for one in _STREAM_PARAMETERS]
        dead_letters = [read_text(read_path(one, "DeadLetterConfig", "Arn")) for one in streams]
        yield Pipe(
            arn=resource.arn,
            source_arn=source_arn,
            target_arn=target_arn,
            enrichment_arn=read_text(enrichment),
            filters=() if hidden else tuple(read_patterns(criteria)),
            role_arn=read_text(told.get("RoleArn")),
            is_enabled=not is_decided or read_text(state) != "STOPPED",
            dead_letter_arn="".join(dead_letters),
        )
    for resource in scope.list_of("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        scope.place(resource, resource.arn)
        for stream in _list_change_streams(resource):
            _, arn = scope.link(resource, resource.arn, stream, "stream of changes")
            if arn:
                identity = f"{resource.arn}/{_CHANGE_STREAM}"
                scope.place(resource, identity)
                yield Pipe(arn=identity, source_arn=resource.arn, target_arn=arn)


def _find_source(source: Value, parameters: Value) -> Value:
    """The source of a pipe; a self-managed Kafka is known by its servers only."""
    servers = read_path(parameters, "SelfManagedKafkaParameters", "AdditionalBootstrapServers")
    if servers is not None and not read_text(source).startswith("arn:"):
        listed = [read_text(one) for one in read_list(servers)]
        return ",".join(listed) if all(listed) else source
    return source


def _list_change_streams(resource: Resource) -> Iterator[Value]:
    """Kinesis streams that get the changes of a table (`KinesisStreamSpecification`)."""
    told = resource.properties
    holders = [told]
    if resource.type == "AWS::DynamoDB::GlobalTable":
        holders = [
            read_mapping(one)
            for one in read_list(told.get("Replicas"))
            if read_text(read_path(one, "Region")) == resource.region
        ]
    for one in holders:
        stream = read_path(one.get("KinesisStreamSpecification"), "StreamArn")
        if stream is not None:
            yield stream


# -- Firehose streams


def describe_delivery_streams(scope: AccountScope) -> Iterator[DeliveryStream]:
    """The Firehose streams: what they write to, and the functions that transform records."""
    for resource in scope.list_of("AWS::KinesisFirehose::DeliveryStream"):
        told = resource.properties
        scope.place(resource, resource.arn)
        buckets: dict[str, None] = {}
        transform = ""
        for name, destination in told.items():
            if not name.endswith("DestinationConfiguration"):
                continue
            for one in (
                read_path(destination, "BucketARN"),
                read_path(destination, "S3Configuration", "BucketARN"),
                read_path(destination, "S3BackupConfiguration", "BucketARN"),
            ):
                if one is not None:
                    _, arn = scope.link(resource, resource.arn, one, "delivery")
                    buckets.update(dict.fromkeys([arn] if arn else []))
            transform = transform or _find_transform(scope, resource, destination)
        source = read_path(told.get("KinesisStreamSourceConfiguration"), "KinesisStreamARN")
        source_arn = ""
        if source is not None:
            source_arn, _ = scope.link(resource, source, resource.arn, "delivery")
        yield DeliveryStream(
            arn=resource.arn,
            destination_arns=tuple(buckets),
            transform_arn=transform,
            source_arn=source_arn,
        )


def _find_transform(scope: AccountScope, resource: Resource, destination: Value) -> str:
    processing = read_path(destination, "ProcessingConfiguration")
    enabled = read_path(processing, "Enabled")
    if not is_doubtful(enabled) and read_text(enabled) == "false":
        return ""
    for processor in read_list(read_path(processing, "Processors")):
        if read_text(read_path(processor, "Type")) != "Lambda":
            continue
        for parameter in read_list(read_path(processor, "Parameters")):
            if read_text(read_path(parameter, "ParameterName")) == "LambdaArn":
                value = read_path(parameter, "ParameterValue")
                _, arn = scope.link(resource, resource.arn, value, "transformation")
                return arn
    return ""
