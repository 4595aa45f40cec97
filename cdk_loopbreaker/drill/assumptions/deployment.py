"""Assumptions about CloudFormation, DynamoDB, schedules and the rates of AWS's APIs."""

from __future__ import annotations

from typing import Final

from cdk_loopbreaker.drill.assumptions.model import Assumption, MeasureName

DEPLOYMENT: Final = (
    Assumption(
        id="A-004",
        claim="In DynamoDB an attribute that is absent is not equal (`<>`) to any value.",
        files=("functions/aws/records/writes.py",),
        if_wrong=(
            "The outcome of one rollback, claimed by an earlier version, is not written: the same"
            " request is then carried out once more."
        ),
        measure=MeasureName.CONDITIONAL_WRITES,
    ),
    Assumption(
        id="A-005",
        claim="EventBridge Scheduler may refuse a schedule for a time that is over.",
        files=("functions/aws/incidents/way_back.py",),
        if_wrong="The function is not held then. The schedule is always made for a later time.",
        reason="the drill has no right to make schedules, whose role would have to be passed",
    ),
    Assumption(
        id="A-010",
        claim="API Gateway (version 2) answers pages of 100 entries.",
        files=("functions/aws/account/services/apis.py",),
        if_wrong="The list takes more pages.",
        reason="it takes more than a hundred APIs",
    ),
    Assumption(
        id="A-013",
        claim="AWS's undocumented rates of calls are those of the table.",
        files=("functions/aws/account/rate_limit.py",),
        if_wrong="The guard slows down when the first call is throttled.",
        reason="it would take floods of calls, which would slow down other users of the account",
    ),
    Assumption(
        id="A-018",
        claim="AWS does not delete a new schedule in place of one of the same name that has fired.",
        files=("functions/workflows/holding/end_hold.py",),
        if_wrong="The notice, and the dead letter, tell people that the hold has to be ended.",
        reason="the drill has no right to make schedules, whose role would have to be passed",
    ),
    Assumption(
        id="A-023",
        claim="AWS's loop detection does not follow destinations and dead-letter queues.",
        files=("functions/domain/graph/build.py",),
        if_wrong="A warning is sent about a loop that AWS would have stopped.",
        reason="the loops of the drill are allowed, so that AWS does not stop them",
    ),
    Assumption(
        id="A-053",
        claim=(
            "CloudFormation waits, or retries, where Lambda does not see the policy yet that a"
            " mapping needs."
        ),
        files=("stacks/components/triggers/queued.py",),
        if_wrong="The deployment fails, is rolled back, and succeeds at the next try.",
        measure=MeasureName.STACK_CREATION,
    ),
    Assumption(
        id="A-058",
        claim="CloudFormation ignores a second answer to the same request of a custom resource.",
        files=("functions/aws/runtime/custom_resource.py",),
        if_wrong="The second answer is the same as the first.",
        reason="it takes a custom resource, and the template of the drill has no code for one",
    ),
    Assumption(
        id="A-064",
        claim="The printed policy has every right that CloudFormation needs for the drill's stack.",
        files=("cdk_loopbreaker/drill/policy.py",),
        if_wrong="CloudFormation names the right that is missing, and the drill removes the rest.",
        reason="the drill cannot see whether you gave it more rights than these",
    ),
)
