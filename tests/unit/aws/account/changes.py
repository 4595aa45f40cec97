"""What happens to an account between two readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.worlds.paged_account import ACCOUNT, REGION
from functions.domain.account.configuration_change import Change, ChangeKind

if TYPE_CHECKING:
    from bench.worlds.paged_account import PagedAccount


def retarget(aws: PagedAccount) -> Change:
    """A rule gets another target."""
    aws.targets["default", "rule-1"] = [{"Id": "1", "Arn": aws.arn("sqs", "elsewhere")}]
    return Change(kind=ChangeKind.RULE, name="default|rule-1")


def new_rule(aws: PagedAccount) -> Change:
    """A rule is made."""
    aws.rules["default", "n"] = {
        "Name": "n",
        "Arn": aws.arn("events", "rule/n"),
        "State": "ENABLED",
        "EventPattern": "{}",
    }
    aws.targets["default", "n"] = [{"Id": "1", "Arn": aws.arn("lambda", "function:orders-00001")}]
    return Change(kind=ChangeKind.RULE, name="default|n")


def no_rule(aws: PagedAccount) -> Change:
    """A rule is deleted."""
    del aws.rules["default", "rule-1"]
    del aws.targets["default", "rule-1"]
    return Change(kind=ChangeKind.RULE, name="default|rule-1")


def new_function(aws: PagedAccount) -> Change:
    """A function is made, with a role of its own."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/new-role"
    aws.roles[arn] = dict(next(iter(aws.roles.values())), RoleName="new-role", Arn=arn)
    aws.functions["new"] = dict(
        aws.functions["orders-00000"],
        FunctionName="new",
        FunctionArn=aws.arn("lambda", "function:new"),
        Role=arn,
    )
    aws.policies["new"] = '{"Statement": []}'
    return Change(kind=ChangeKind.FUNCTION, name="new")


def no_function(aws: PagedAccount) -> Change:
    """A function is deleted."""
    del aws.functions["orders-00001"]
    return Change(kind=ChangeKind.FUNCTION, name="orders-00001")


def new_tagged_function(aws: PagedAccount) -> Change:
    """A function is created with the word that its loop is meant to be, among other tags."""
    change = new_function(aws)
    arn = aws.functions[change.name]["FunctionArn"]
    aws.tags[arn] = {"loopbreaker:accepted-loop": "it ends", "team": "orders"}
    return change


def permission(aws: PagedAccount) -> Change:
    """A function's resource policy changes."""
    aws.policies["orders-00001"] = '{"Statement": [{"Sid": "new"}]}'
    return Change(kind=ChangeKind.PERMISSION, name="orders-00001")


def mapping(aws: PagedAccount) -> Change:
    """A mapping is disabled."""
    uuid = next(iter(aws.mappings))
    aws.mappings[uuid]["State"] = "Disabled"
    return Change(kind=ChangeKind.MAPPING, name=uuid)


def no_mapping(aws: PagedAccount) -> Change:
    """A mapping is deleted."""
    uuid = next(iter(aws.mappings))
    del aws.mappings[uuid]
    return Change(kind=ChangeKind.MAPPING, name=uuid)


def role(aws: PagedAccount) -> Change:
    """A role gets another policy."""
    told = aws.roles[f"arn:aws:iam::{ACCOUNT}:role/orders-00001-role"]
    told["RolePolicyList"] = [{"PolicyName": "other", "PolicyDocument": {"Statement": []}}]
    return Change(kind=ChangeKind.ROLE, name="orders-00001-role")


def managed(aws: PagedAccount) -> Change:
    """A managed policy gets another version."""
    (arn,) = (one for one in aws.managed if one.endswith("/AWSLambdaBasicExecutionRole"))
    aws.managed[arn]["PolicyVersionList"] = [
        {"VersionId": "v2", "IsDefaultVersion": True, "Document": {"Statement": []}}
    ]
    return Change(kind=ChangeKind.POLICY, name=arn)


def bucket(aws: PagedAccount) -> Change:
    """A bucket's notifications change."""
    aws.buckets["bucket-0"] = {"EventBridgeConfiguration": {}}
    return Change(kind=ChangeKind.BUCKET, name="bucket-0")


def no_bucket(aws: PagedAccount) -> Change:
    """A bucket is deleted."""
    del aws.buckets["bucket-0"]
    return Change(kind=ChangeKind.BUCKET_GONE, name="bucket-0")


def subscription(aws: PagedAccount) -> Change:
    """A subscription gets a filter policy."""
    arn = next(one for one, told in aws.subscriptions.items() if told["Protocol"] == "lambda")
    aws.subscriptions[arn]["FilterPolicy"] = '{"a": ["b"]}'
    return Change(kind=ChangeKind.SUBSCRIPTION, name=arn)


def no_subscription(aws: PagedAccount) -> Change:
    """A subscription is deleted."""
    arn = next(one for one, told in aws.subscriptions.items() if told["Protocol"] == "lambda")
    del aws.subscriptions[arn]
    return Change(kind=ChangeKind.SUBSCRIPTION, name=arn)


def destinations(aws: PagedAccount) -> Change:
    """A function gets destinations."""
    aws.invoke_configs["orders-00001"] = [
        {
            "FunctionArn": aws.arn("lambda", "function:orders-00001:$LATEST"),
            "DestinationConfig": {"OnSuccess": {"Destination": aws.arn("sqs", "work-1")}},
        }
    ]
    return Change(kind=ChangeKind.DESTINATIONS, name="orders-00001")


def recursion(aws: PagedAccount) -> Change:
    """A function is allowed to loop."""
    aws.recursion["orders-00001"] = "Allow"
    return Change(kind=ChangeKind.RECURSION, name="orders-00001")


def tags(aws: PagedAccount) -> Change:
    """A loop is accepted."""
    arn = aws.arn("lambda", "function:orders-00001")
    aws.tags[arn] = {"loopbreaker:accepted-loop": "it ends", "other": "x"}
    return Change(kind=ChangeKind.TAGS, name="all")


def schedule(aws: PagedAccount) -> Change:
    """A schedule is disabled."""
    aws.schedules["s0"]["State"] = "DISABLED"
    return Change(kind=ChangeKind.SCHEDULE, name="default|s0")


def no_schedule(aws: PagedAccount) -> Change:
    """A schedule is deleted."""
    del aws.schedules["s0"]
    return Change(kind=ChangeKind.SCHEDULE, name="default|s0")


def pipe(aws: PagedAccount) -> Change:
    """A pipe gets a filter."""
    criteria = {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}
    aws.pipes["pipe-0"]["SourceParameters"] = criteria
    return Change(kind=ChangeKind.PIPE, name="pipe-0")


def machine(aws: PagedAccount) -> Change:
    """A state machine gets another definition."""
    arn = next(iter(aws.machines))
    aws.machines[arn]["definition"] = "{}"
    return Change(kind=ChangeKind.MACHINE, name=arn)


def no_machine(aws: PagedAccount) -> Change:
    """A state machine is deleted."""
    arn = next(iter(aws.machines))
    del aws.machines[arn]
    return Change(kind=ChangeKind.MACHINE_GONE, name=arn)


def stream(aws: PagedAccount) -> Change:
    """A Firehose stream gets a function that transforms its records."""
    parameter = {"ParameterName": "LambdaArn", "ParameterValue": aws.arn("lambda", "function:t")}
    aws.delivery_streams["delivery-0"]["Destinations"][0]["ExtendedS3DestinationDescription"] |= {
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [{"Type": "Lambda", "Parameters": [parameter]}],
        }
    }
    return Change(kind=ChangeKind.STREAM, name="delivery-0")


def no_stream(aws: PagedAccount) -> Change:
    """A Firehose stream is deleted."""
    del aws.delivery_streams["delivery-0"]
    return Change(kind=ChangeKind.STREAM_GONE, name="delivery-0")


def queue(aws: PagedAccount) -> Change:
    """A queue sends its dead letters to one that is polled."""
    base = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
    aws.dead_letter_sources[f"{base}/work-0"] = [f"{base}/first"]
    return Change(
        kind=ChangeKind.QUEUE,
        name=f"{aws.arn('sqs', 'first')}|{aws.arn('sqs', 'work-0')}",
    )


def route(aws: PagedAccount) -> Change:
    """A route of an API leads elsewhere."""
    aws.integrations["api0"]["i0"]["IntegrationUri"] = aws.arn("lambda", "function:orders-00009")
    return Change(kind=ChangeKind.API, name="api0")


CHANGES = [
    route,
    retarget,
    new_rule,
    no_rule,
    new_function,
    new_tagged_function,
    no_function,
    permission,
    mapping,
    no_mapping,
    role,
    managed,
    bucket,
    no_bucket,
    subscription,
    no_subscription,
    destinations,
    recursion,
    tags,
    schedule,
    no_schedule,
    pipe,
    machine,
    no_machine,
    stream,
    no_stream,
    queue,
]


def with_queue(aws: PagedAccount) -> Change:
    """A queue gets a reader, by which it becomes known."""
    aws.mappings["late"] = {
        "UUID": "late",
        "FunctionArn": aws.arn("lambda", "function:orders-00001"),
        "EventSourceArn": aws.arn("sqs", "late-queue"),
        "State": "Enabled",
    }
    return Change(kind=ChangeKind.MAPPING, name="late")


def with_variable(aws: PagedAccount) -> Change:
    """A variable of a function begins to name a queue, by its bare name."""
    aws.functions["orders-00003"]["Environment"] = {"Variables": {"TARGET": "late-queue"}}
    return Change(kind=ChangeKind.FUNCTION, name="orders-00003")
