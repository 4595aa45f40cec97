"""Assumptions about Lambda: concurrency, mappings, events and execution environments."""

from __future__ import annotations

from typing import Final

from cdk_loopbreaker.drill.assumptions.model import Assumption, MeasureName

INVOCATION: Final = (
    Assumption(
        id="A-002",
        claim=(
            "When AWS refuses a reservation below the provisioned concurrency, its message contains"
            " the word `provisioned`. Other refusals of a reservation do not."
        ),
        files=("functions/aws/runtime/errors.py",),
        if_wrong=(
            "The caller asks for the provisioned concurrency itself and removes it first. It costs"
            " one call."
        ),
        measure=MeasureName.PROVISIONED_REFUSALS,
    ),
    Assumption(
        id="A-003",
        claim=(
            "While AWS is still removing provisioned concurrency, it refuses a reservation of 0"
            " with InvalidParameterValueException."
        ),
        files=("functions/workflows/incidents/contain.py",),
        if_wrong=(
            "The stop is tried again by the next run, as after any other refusal. It takes minutes"
            " longer."
        ),
        measure=MeasureName.PROVISIONED_REFUSALS,
    ),
    Assumption(
        id="A-007",
        claim=(
            "Scaling that leaves out both numbers gives a version of a Managed Instances function"
            " Lambda's defaults."
        ),
        files=("functions/aws/incidents/lambda_functions.py",),
        if_wrong="The restore fails with AWS's message, and a person sets the numbers.",
        reason="it takes a function on Lambda Managed Instances, which needs EC2 instances",
    ),
    Assumption(
        id="A-008",
        claim=(
            "A list of mappings by the bare name of a function may leave out those of its versions"
            " and aliases."
        ),
        files=("functions/aws/incidents/lambda_functions.py",),
        if_wrong="The guard lists all mappings of the Region. It makes more calls than it has to.",
        reason=(
            "the guard does not depend on the answer; a mapping of an alias would double the loop"
        ),
    ),
    Assumption(
        id="A-009",
        claim=(
            "AWS answers a change of the maximum concurrency of a mapping in provisioned mode, or"
            " of one beyond the usual bound, with an error."
        ),
        files=("functions/aws/incidents/lambda_functions.py",),
        if_wrong="The change counts as refused, or takes effect as it was asked for.",
        reason="pollers in provisioned mode are charged for as long as the mapping exists",
    ),
    Assumption(
        id="A-017",
        claim="AWS takes 20 to 90 seconds to disable or enable an event source mapping.",
        files=(
            "functions/workflows/rollback/rollback.py",
            "functions/workflows/incidents/restore.py",
        ),
        if_wrong=(
            "A restore waits up to 5 minutes, and the guard goes on with what is pending each"
            " minute. After 10 minutes it is reported as refused."
        ),
        measure=MeasureName.MAPPING_TRANSITIONS,
    ),
    Assumption(
        id="A-024",
        claim="The session of a function's role has the name of the function.",
        files=("functions/domain/account/names.py",),
        if_wrong="It is a hint only. A change by the guard is then checked as one by a person.",
        measure=MeasureName.SESSION_NAME,
    ),
    Assumption(
        id="A-034",
        claim=(
            "A reservation is in force within 10 seconds, and a mapping is disabled or enabled"
            " within 90 seconds."
        ),
        files=("functions/domain/holding/plan.py", "functions/domain/probation/record.py"),
        if_wrong="Fewer events arrive to judge by, and the function is released.",
        measure=MeasureName.RESERVATION_IN_FORCE,
    ),
    Assumption(
        id="A-035",
        claim="The depth of a queue follows within a minute.",
        files=("functions/domain/holding/judgement/verdict.py",),
        if_wrong="What was sent shows at the next check, a minute later.",
        measure=MeasureName.QUEUE_DEPTH,
    ),
    Assumption(
        id="A-040",
        claim="An update of a function's description alone replaces its warm environments.",
        files=("functions/domain/diagnosis/remedy.py",),
        if_wrong="They take new rights when Lambda replaces them, within hours.",
        measure=MeasureName.DESCRIPTION_UPDATE,
    ),
    Assumption(
        id="A-046",
        claim="Lambda asks an empty queue about 15 times a minute: five pollers, 20 seconds each.",
        files=("functions/domain/deployment/guard_cost.py",),
        if_wrong="The printed price of the guard is off by cents.",
        measure=MeasureName.EMPTY_POLLS,
    ),
    Assumption(
        id="A-047",
        claim="A durable execution whose next invocation is throttled goes on after the restore.",
        files=("functions/domain/notices/incident/sections/instructions.py",),
        if_wrong="The notice names the command that shows such executions. The guard ends none.",
        reason="it takes a durable function, and the drill has none",
    ),
    Assumption(
        id="A-048",
        claim="A reservation of 0 in us-east-1 may leave copies of a Lambda@Edge function running.",
        files=("functions/domain/notices/incident/sections/instructions.py",),
        if_wrong="The notice names the change of the CloudFront distribution that stops them.",
        reason="it takes a CloudFront distribution, which takes half an hour to remove",
    ),
    Assumption(
        id="A-062",
        claim=(
            "Asynchronous events that were already in Lambda's queue are lost at a reservation of"
            " 0, like new ones."
        ),
        files=("functions/domain/notices/incident/event_impact.py",),
        if_wrong="Fewer events are lost than the notice says.",
        measure=MeasureName.ASYNC_EVENTS,
    ),
    Assumption(
        id="A-063",
        claim="Executions in flight go on at a reservation of 0.",
        files=("functions/domain/notices/incident/event_impact.py",),
        if_wrong="The function ends sooner than the notice says.",
        measure=MeasureName.RESERVATION_IN_FORCE,
    ),
)
