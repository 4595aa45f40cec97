"""Measures of IAM: how soon a permission is in force, and what its simulator says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.aws.stacks import PROBE_POLICY
from cdk_loopbreaker.drill.measures.context import judge, settle
from cdk_loopbreaker.drill.model import Helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_loopbreaker.drill.measures.context import MeasureContext
    from cdk_loopbreaker.drill.model import Finding

_IN_FORCE_SECONDS: Final = 60.0
_MOST_MINUTES: Final = 5.0
_POLL_SECONDS: Final = 1.0
_QUEUE: Final = "arn:aws:sqs:eu-west-1:123456789012:drill"


def measure_propagation(context: MeasureContext) -> tuple[Finding, ...]:
    """How long after its policy was written a role may do what that allows."""
    stage, names = context.stage, context.stage.names
    role = names.role(Helper.PROBE)
    context.functions.probe(Helper.PROBE, "permission")
    table = stage.clients("dynamodb").describe_table(TableName=names.resource("progress"))
    statement = {
        "Effect": "Allow",
        "Action": "dynamodb:DescribeTable",
        "Resource": table["Table"]["TableArn"],
    }
    stage.clients("iam").put_role_policy(
        RoleName=role,
        PolicyName=PROBE_POLICY,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    began = stage.clock.now()
    try:
        is_allowed = stage.wait_for(
            lambda: bool(context.functions.probe(Helper.PROBE, "permission").get("is_allowed")),
            _MOST_MINUTES,
            poll_seconds=_POLL_SECONDS,
        )
        took = (stage.clock.now() - began).total_seconds()
    finally:
        stage.clients("iam").delete_role_policy(RoleName=role, PolicyName=PROBE_POLICY)
    text = (
        f"in force {took:.0f} s after it was written"
        if is_allowed
        else f"not in force {_MOST_MINUTES:.0f} min after it was written"
    )
    return (judge("A-001", is_confirmed=is_allowed and took <= _IN_FORCE_SECONDS, text=text),)


def measure_simulation(context: MeasureContext) -> tuple[Finding, ...]:
    """What IAM's simulator says of the conditions and wildcards that the code leaves open."""
    few = _simulate(
        context,
        {"Resource": "*", "Condition": {"ArnLike": {"aws:SourceArn": "*"}}},
        _key("aws:SourceArn", "string", _QUEUE),
    )
    several = _simulate(
        context,
        {"Resource": "*", "Condition": {"StringEquals": {"aws:TagKeys": "a"}}},
        _key("aws:TagKeys", "stringList", "a", "b"),
    )
    reaching = _simulate(context, {"Resource": "arn:aws:sqs:*:drill"}, {})
    return (
        settle("A-041", f"ArnLike with `*` and a whole ARN: {few}"),
        settle("A-045", f"arn:aws:sqs:*:drill and {_QUEUE}: {reaching}"),
        settle("A-061", f"StringEquals with a key of two values, one of them equal: {several}"),
    )


def _key(name: str, kind: str, *values: str) -> dict[str, Any]:
    return {"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": list(values)}


def _simulate(context: MeasureContext, statement: dict[str, Any], key: dict[str, Any]) -> str:
    action = "sqs:SendMessage"
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, **statement}],
    }
    entries: Sequence[dict[str, Any]] = [key] if key else []
    found = context.stage.clients("iam").simulate_custom_policy(
        PolicyInputList=[json.dumps(policy)],
        ActionNames=[action],
        ResourceArns=[_QUEUE],
        ContextEntries=entries,
    )
    return str(found["EvaluationResults"][0]["EvalDecision"])
