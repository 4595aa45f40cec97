"""What a template shows of the other invocation problems, and where it says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_loopbreaker.checking.check import check_accounts
from functions.domain.account.inventory import Area, Gap, Queue, Role
from functions.domain.graph.model import Certainty
from tests.unit.cdk_loopbreaker.checking.accounts import describe, of_parts, resource

if TYPE_CHECKING:
    from cdk_loopbreaker.checking.finding import Finding
    from cdk_loopbreaker.templates.account.model import DescribedAccount
    from cdk_loopbreaker.templates.model import Resource

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
LOGS = {"Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]}
ALL_LOGS = LOGS | {"Resource": "*"}


def findings(account: DescribedAccount, *resources: Resource) -> dict[str, Finding]:
    """The findings about single functions, by their rule."""
    report = check_accounts([account], resources)
    return {one.rule.id: one for one in report.findings if one.loop is None}


def with_bucket(**told: Any) -> DescribedAccount:
    """A bucket notifies a function that may log."""
    return of_parts(
        functions={"enrich": {"may": [ALL_LOGS], **told}},
        buckets={"photos": {"notifications": [{"id": "n", "to": "@function/enrich"}]}},
    )


def test_a_trigger_without_its_permission() -> None:
    """The finding names principal and source of the statement that is missing."""
    found = findings(with_bucket())

    assert found["LB020"].certainty is Certainty.CERTAIN
    assert "s3.amazonaws.com" in found["LB020"].advice[0]
    assert "arn:aws:s3:::photos" in found["LB020"].advice[0]


def test_a_trigger_with_its_permission() -> None:
    """A statement for the bucket admits it."""
    statement = {
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": "@function/enrich",
        "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"}},
    }

    assert "LB020" not in findings(with_bucket(policy=[statement]))


def test_an_unknown_resource_policy_makes_no_finding() -> None:
    """What was not read accuses nobody."""
    assert "LB020" not in findings(with_bucket(is_policy_known=False))


@pytest.mark.parametrize(
    ("may", "certainty"),
    [
        ([], Certainty.CERTAIN),
        ([{"Action": "logs:PutLogEvents", "Resource": "*"}], Certainty.CERTAIN),
        ([{"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}], "possible"),
        ([ALL_LOGS], None),
    ],
)
def test_rights_to_log(may: list[dict[str, Any]], certainty: str | None) -> None:
    """Without the rights there are no logs; the right to make the group may not be needed."""
    found = findings(of_parts(functions={"enrich": {"may": may}}))

    assert (found["LB021"].certainty if "LB021" in found else None) == certainty


def test_a_declared_log_group_needs_no_right_to_make_it() -> None:
    """The template makes the log group itself."""
    may = [{"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}]
    group = resource("AWS::Logs::LogGroup", "", {}, ref="/aws/lambda/enrich")

    assert "LB021" not in findings(of_parts(functions={"enrich": {"may": may}}), group)


def test_rights_to_trace() -> None:
    """Active tracing needs the right to write traces; passing through needs none."""
    described = of_parts(functions={"enrich": {"may": [ALL_LOGS]}})
    active = replace(described.account.functions[0], tracing_mode="Active")
    traced = describe(replace(described.account, functions=(active,)))

    assert findings(described) == {}
    assert findings(traced)["LB022"].certainty is Certainty.CERTAIN


def polling(*statements: dict[str, Any], **parts: Any) -> DescribedAccount:
    """A function polls a queue."""
    return of_parts(
        functions={"enrich": {"may": [ALL_LOGS, *statements]}},
        mappings=[{"uuid": "m", "from": "@queue/orders", "to": "enrich"}],
        **parts,
    )


READ = {
    "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    "Resource": "@queue/orders",
}


def test_rights_to_poll() -> None:
    """The finding names the actions that are missing, not the others."""
    found = findings(polling({"Action": "sqs:ReceiveMessage", "Resource": "*"}))

    assert "sqs:DeleteMessage" in found["LB024"].summary
    assert "sqs:ReceiveMessage" not in found["LB024"].summary
    assert "LB024" not in findings(polling(READ))


CONSUMER = "@kinesis/clicks/consumer/fast:0"
READ_STREAM = {
    "Action": ["kinesis:GetRecords", "kinesis:GetShardIterator"],
    "Resource": "@kinesis/clicks",
}
SUBSCRIBE = {
    "Action": ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"],
    "Resource": CONSUMER,
}


def consuming(*statements: dict[str, Any], **parts: Any) -> Finding | None:
    """What is found of the rights of a function that reads through a consumer of a stream."""
    described = of_parts(
        functions={"enrich": {"may": [ALL_LOGS, *statements]}},
        mappings=[{"uuid": "m", "from": CONSUMER, "to": "enrich"}],
        **parts,
    )
    return findings(described).get("LB024")


def test_rights_to_read_through_a_consumer() -> None:
    """The consumer takes the right to subscribe, the stream behind it those to read.

    Which of the latter Lambda needs with a consumer, AWS does not document apart.
    """
    assert consuming(READ_STREAM, SUBSCRIBE) is None

    unsubscribed = consuming(READ_STREAM)
    assert unsubscribed is not None
    assert unsubscribed.certainty is Certainty.CERTAIN
    assert "kinesis:SubscribeToShard" in unsubscribed.summary
    assert "kinesis:GetRecords" not in unsubscribed.summary

    unread = consuming(SUBSCRIBE)
    assert unread is not None
    assert unread.certainty is Certainty.POSSIBLE
    assert "kinesis:GetRecords" in unread.summary


def test_a_policy_of_the_consumer_may_give_the_rights() -> None:
    """A consumer has a resource policy of its own."""
    policy = [{"Principal": "*", "Action": "kinesis:*", "Resource": CONSUMER}]

    assert consuming(READ_STREAM, resource_policies={CONSUMER: policy}) is None


def test_a_policy_of_the_queue_may_give_the_rights() -> None:
    """Within an account the resource policy alone may allow it: no finding."""
    policy = [{"Principal": "*", "Action": "sqs:*", "Resource": "@queue/orders"}]

    assert "LB024" not in findings(polling(resource_policies={"@queue/orders": policy}))


@pytest.mark.parametrize(
    "gap",
    [
        Gap(area=Area.QUEUES, words="denied", resource=QUEUE),
        Gap(area=Area.QUEUES, words="denied"),
        Gap(area=Area.RESOURCE_POLICIES, words="too many", resource="further resources"),
    ],
)
def test_a_policy_that_was_not_read_makes_no_finding(gap: Gap) -> None:
    """A resource policy that nobody saw may give the rights."""
    account = replace(polling().account, gaps=(gap,))

    assert "LB024" not in findings(describe(account))


def test_an_incomplete_role_makes_no_finding() -> None:
    """A policy that could not be read may allow everything."""
    account = polling().account
    roles = {arn: Role(arn=arn, is_complete=False) for arn in account.roles}

    assert findings(describe(replace(account, roles=roles))) == {}


@pytest.mark.parametrize(
    ("properties", "timeout", "is_found"),
    [
        ({}, 30, False),
        ({}, 31, True),
        ({"VisibilityTimeout": 900}, 900, False),
        ({"VisibilityTimeout": "60"}, 61, True),
        ({"VisibilityTimeout": {"Fn::Unknown": 1}}, 900, False),
        ({"VisibilityTimeout": True}, 900, False),
    ],
)
def test_visibility(properties: dict[str, Any], timeout: int, *, is_found: bool) -> None:
    """The visibility timeout of a queue is at least the timeout; an unknown one says nothing."""
    account = polling(READ).account
    slow = replace(account.functions[0], timeout_seconds=timeout)
    queue = resource("AWS::SQS::Queue", QUEUE, properties)

    found = findings(describe(replace(account, functions=(slow,))), queue)
    assert ("LB023" in found) is is_found


@pytest.mark.parametrize(("seconds", "is_found"), [(29, True), (30, False), (None, False)])
def test_visibility_of_a_deployed_queue(seconds: int | None, *, is_found: bool) -> None:
    """What was read of a queue counts as what a template says."""
    account = polling(READ).account
    slow = replace(account.functions[0], timeout_seconds=30)
    queue = Queue(arn=QUEUE, visibility_seconds=seconds)

    found = findings(describe(replace(account, functions=(slow,), queues=(queue,))))
    assert ("LB023" in found) is is_found


def test_a_condition_makes_a_finding_possible() -> None:
    """A function that may not exist makes no certain finding."""
    account = of_parts(functions={"enrich": {"may": []}})
    arn = account.account.functions[0].arn
    function = resource("AWS::Lambda::Function", arn, {}, is_certain=False)

    assert findings(account, function)["LB021"].certainty is Certainty.POSSIBLE
