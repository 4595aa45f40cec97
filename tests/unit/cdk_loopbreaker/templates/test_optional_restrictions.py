"""What forbids or filters under a condition that nobody can decide rules nothing out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cdk_loopbreaker.templates.model import MaybeList
from cdk_loopbreaker.templates.policy_documents import write_policy
from functions.domain.detection.evidence import LoopProof
from tests.unit.cdk_loopbreaker.templates.described import conclude, function, loop, role

if TYPE_CHECKING:
    from pathlib import Path

MAYBE = {
    "Parameters": {"Name": {"Type": "String"}},
    "Conditions": {"Maybe": {"Fn::Equals": [{"Ref": "Name"}, "yes"]}},
}
SURE = {**MAYBE, "Conditions": {"Maybe": {"Fn::Equals": ["yes", "yes"]}}}
NONE = {"Ref": "AWS::NoValue"}
QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}
WORK_ARN = {"Fn::GetAtt": ["Work", "Arn"]}
OTHER = {"Filters": [{"Pattern": json.dumps({"eventSource": ["none"]})}]}
SEND = {"Action": "sqs:SendMessage", "Resource": QUEUE_ARN}
INSECURE = {"Bool": {"aws:SecureTransport": "false"}}


def maybe(value: object, otherwise: Any = NONE) -> dict[str, Any]:
    """A value that is there on one way of the condition."""
    return {"Fn::If": ["Maybe", value, otherwise]}


def of_queue(**limits: Any) -> dict[str, Any]:
    """A loop through a queue, whose mapping is limited."""
    resources = loop()
    resources["Mapping"]["Properties"].update(limits)
    return resources


def of_role(*statements: Any, **properties: Any) -> dict[str, Any]:
    """A loop through a queue, whose role is limited."""
    limited = role(SEND, **properties)
    limited["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] += statements
    return loop(Role=limited)


def of_condition(condition: Any) -> dict[str, Any]:
    """A loop through a queue, whose role may send under a condition."""
    return loop(Role=role({**SEND, "Condition": condition}))


def of_boundary() -> dict[str, Any]:
    """A loop through a queue, whose role has a boundary that admits nothing of it."""
    reading = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]
    boundary = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Statement": reading}},
    }
    return {**of_role(PermissionsBoundary=maybe({"Ref": "Limit"})), "Limit": boundary}


def of_managed() -> dict[str, Any]:
    """A loop through a queue, whose role has a managed policy that denies everything."""
    return of_role(ManagedPolicyArns=[maybe("arn:aws:iam::aws:policy/AWSDenyAll")])


def of_bucket(limit: Any) -> dict[str, Any]:
    """A loop through a bucket, whose notification has a filter."""
    entry = {"Event": "s3:ObjectCreated:*", "Function": WORK_ARN, "Filter": limit}
    bucket = {
        "BucketName": "orders",
        "NotificationConfiguration": {"LambdaConfigurations": [entry]},
    }
    return {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": bucket},
        "Role": role({"Action": "s3:PutObject", "Resource": "arn:aws:s3:::orders/out/*"}),
        "Work": function(),
    }


def of_rule(**limits: Any) -> dict[str, Any]:
    """A loop through a rule of the default bus."""
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    told = {
        "EventPattern": {"source": ["shop"]},
        "Targets": [{"Id": "a", "Arn": WORK_ARN}],
        **limits,
    }
    source = {"StringEquals": {"events:source": "shop", "events:detail-type": "made"}}
    return {
        "Rule": {"Type": "AWS::Events::Rule", "Properties": told},
        "Role": role({"Action": "events:PutEvents", "Resource": bus, "Condition": source}),
        "Work": function(),
    }


def of_pipe(**limits: Any) -> dict[str, Any]:
    """A loop through a pipe that leads from a queue to the function."""
    resources = loop()
    resources["Mapping"] = {
        "Type": "AWS::Pipes::Pipe",
        "Properties": {"Source": QUEUE_ARN, "Target": WORK_ARN, **limits},
    }
    return resources


KEYS = {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}}
TWO_KEYS = [{"Name": "prefix", "Value": one} for one in ("out/", "in/")]
DENIED = {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "*"}
DENYING = {"PolicyName": "deny", "PolicyDocument": {"Statement": [DENIED]}}
NARROW = {"source": ["shop"], "detail-type": ["other"]}

LIMITED = {
    "mapping enabled": of_queue(Enabled=maybe(value=False)),
    "mapping enabled, as a text": of_queue(Enabled=maybe("false")),
    "mapping filter": of_queue(FilterCriteria=maybe(OTHER)),
    "mapping filter list": of_queue(FilterCriteria={"Filters": maybe(OTHER["Filters"])}),
    "deny": of_role(maybe(DENIED)),
    "deny of all statements": of_role({**DENIED, "Resource": maybe("*", "arn:aws:sqs:::x")}),
    "deny of a policy": of_role(
        Policies=[
            {"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", **SEND}]}},
            maybe(DENYING),
        ]
    ),
    "deny of a managed policy": of_managed(),
    "condition": of_condition(maybe(INSECURE)),
    "condition operator": of_condition({"Bool": maybe(INSECURE["Bool"])}),
    "condition line": of_condition({"Bool": {"aws:SecureTransport": maybe("false")}}),
    "all but some resources": loop(
        Role=role({"Action": "sqs:*", "NotResource": ["arn:aws:sqs:::x", maybe(QUEUE_ARN)]})
    ),
    "boundary": of_boundary(),
    "notification filter": of_bucket(maybe(KEYS)),
    "notification rules": of_bucket({"S3Key": {"Rules": maybe(KEYS["S3Key"]["Rules"])}}),
    "notification prefixes": of_bucket({"S3Key": {"Rules": [maybe(*TWO_KEYS)]}}),
    "rule state": of_rule(State=maybe("DISABLED")),
    "rule pattern": of_rule(EventPattern=maybe(NARROW, {"source": ["shop"]})),
    "rule pattern field": of_rule(EventPattern={"source": ["shop"], "detail-type": maybe(["x"])}),
    "rule bus": of_rule(EventBusName=maybe("shop")),
    "pipe filter": of_pipe(SourceParameters={"FilterCriteria": maybe(OTHER)}),
    "pipe parameters": of_pipe(SourceParameters=maybe({"FilterCriteria": OTHER})),
    "pipe state": of_pipe(DesiredState=maybe("STOPPED")),
}


@pytest.mark.parametrize("limited", LIMITED.values(), ids=LIMITED)
def test_a_restriction_that_may_be_left_out_rules_nothing_out(
    tmp_path: Path, limited: dict[str, Any]
) -> None:
    """The loop is possible: `AWS::NoValue` removes the property, and what it restricts with it."""
    assert dict(conclude(tmp_path, limited, **MAYBE).proofs) == {"work": LoopProof.POSSIBLE}


@pytest.mark.parametrize("limited", LIMITED.values(), ids=LIMITED)
def test_a_restriction_that_is_there_rules_the_loop_out(
    tmp_path: Path, limited: dict[str, Any]
) -> None:
    """Where the condition is decided, the same templates are free of loops."""
    assert dict(conclude(tmp_path, limited, **SURE).proofs)["work"] is not LoopProof.POSSIBLE


def test_actions_that_are_left_out_perhaps() -> None:
    """What else the statement allows is not known: it is none that the document can hold."""
    actions = MaybeList(["s3:*", "sqs:*"], "condition Maybe")
    statement = {"Effect": "Allow", "NotAction": actions, "Resource": "*"}

    written = write_policy({"Statement": [statement]})

    assert (written.statements, written.unread) == ((), ("condition Maybe",))


def test_what_is_filtered_within_an_optional_entry_stays_filtered(tmp_path: Path) -> None:
    """Where the notification exists, its prefix does: no way of the condition closes the loop."""
    resources = of_bucket(KEYS)
    told = resources["Bucket"]["Properties"]["NotificationConfiguration"]
    told["LambdaConfigurations"] = maybe(told["LambdaConfigurations"])

    assert dict(conclude(tmp_path, resources, **MAYBE).proofs) == {"work": LoopProof.RULED_OUT}
