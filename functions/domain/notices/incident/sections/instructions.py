"""What a person does about a function: stop it, restore it, exempt it."""

from datetime import datetime
from typing import Final

from functions.domain.account.names import parse_edge_replica
from functions.domain.changes.steps import VersionScaling
from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG, Response
from functions.domain.notices.commands import (
    build_exempt_command,
    build_lambda_command,
    build_look_command,
    build_scale_command,
    build_scaling_look_command,
    build_stop_command,
)
from functions.domain.notices.incident.sections.restriction import (
    is_only_held,
    is_ordered,
    parse_decision_reason,
)
from functions.domain.notices.layout import bullet, command_line, indent, paragraph, section
from functions.domain.notices.notice import Deployment, NoticeContext
from functions.domain.notices.text import format_time
from functions.domain.notices.ways_back import (
    WITHOUT_DEPLOYMENT,
    compose_deployment,
    compose_own_command,
    describe_code_fix,
)

FIX: Final = (
    "Fix the loop: change the code, the trigger or the permission, so that what the function"
    " writes no longer triggers it."
)


def would_hold(assessment: Assessment, context: NoticeContext) -> bool:
    """Whether the deployment would hold the function rather than stop it."""
    return assessment.verdict is Verdict.SUSPECTED and context.deployment.response is Response.HOLD


def warn_of_stop(incident: Incident, context: NoticeContext, now: datetime) -> str:
    """Say when a function that cannot be held is stopped, and how to prevent that."""
    if context.deployment.patience is None or not would_hold(incident.assessment, context):
        return ""
    if not incident.assessment.has(Reason.LOOP_PROVEN):
        is_tried_again = parse_decision_reason(incident) is not DecisionReason.NO_CAP_FOR_INSTANCES
        return paragraph(
            "Loopbreaker does not stop it, because the configuration proves no loop: you decide.",
            "As long as it goes on, Loopbreaker looks again whether it can be held."
            if is_tried_again
            else "",
        )
    at = incident.opened_at + context.deployment.patience
    when = f"at {format_time(at)}" if at > now else "at its next check"
    return paragraph(
        f"If it goes on like this, Loopbreaker stops it {when}. To prevent that, give it the tag"
        f" {EXEMPT_TAG}=true."
    )


def compose_instructions(incident: Incident, context: NoticeContext) -> str:
    """Say what a person does about a function that is held."""
    waiting = "Events that wait include the loop's own: they come first after the restore."
    is_embedded = context.deployment.is_embedded
    again = "from any folder" if is_embedded else "from the folder of your Loopbreaker project"
    if is_ordered(incident):
        first = "Correct what it was stopped for. Events that wait come first after the restore."
        second = f"Then put everything back, {again}. It never happens by itself."
    elif parse_decision_reason(incident) is DecisionReason.CANNOT_BE_TOLD and is_only_held(
        incident
    ):
        first = (
            "Find out whether it is a loop. If so, change the code, the trigger or the permission,"
            f" so that what the function writes no longer triggers it. {waiting}"
        )
        second = (
            f"To put everything back, {again}. It never happens by itself, also not when the alarm"
            " clears."
        )
    elif (incident.target and incident.watch is None) or incident.is_being_judged:
        first = f"Find out whether it is a loop. {FIX}"
        second = f"To put everything back at once, {again}:"
    else:
        first = f"{FIX} {waiting}"
        second = (
            f"Then put everything back, {again}. It never happens by itself, also not when the"
            " alarm clears."
        )
    return section(
        "WHAT TO DO",
        bullet(first, "1."),
        bullet(second, "2."),
        *_list_ways_back(incident, context.deployment),
        _add_code_fix(incident, context),
        *(
            (
                bullet("Not a loop? Restore it as above, and exempt it:", "3."),
                command_line(
                    build_exempt_command(incident.function_arn, context.deployment.region)
                ),
            )
            if incident.function_arn and not is_ordered(incident)
            else ()
        ),
    )


def _add_code_fix(incident: Incident, context: NoticeContext) -> str:
    text = "" if is_ordered(incident) else describe_code_fix(context.loop, context.deployment)
    return indent(text) if text else ""


def _list_ways_back(incident: Incident, deployment: Deployment) -> tuple[str, ...]:
    """Write the commands that restore a function, and what to know of a deployment."""
    own = compose_own_command(incident.function, deployment)
    if deployment.is_embedded:
        return (own,)
    return (
        compose_deployment(incident.function, incident.function_arn, deployment),
        indent(
            "Give every other -c flag of your deployment again, unless it is in cdk.json: one that"
            " is left out goes back to its default."
            if deployment.deploy_flags is None
            else "With the flags of your last deployment: one that is left out goes back to its"
            " default."
        ),
        indent(WITHOUT_DEPLOYMENT),
        own,
    )


def compose_durable_executions(incident: Incident, region: str | None) -> str:
    """Say what goes on of a durable function although it is stopped, and how to end that.

    Stopping a durable execution cannot be undone: the guard never does. UNCONFIRMED A-047: what
    becomes of one whose next invocation is throttled.
    """
    if not incident.is_durable:
        return ""
    return section(
        "ITS DURABLE EXECUTIONS",
        paragraph(
            "It has durable executions. New ones cannot begin, but those that have begun are not"
            " stopped: they may go on once the function is restored. Loopbreaker never stops them,"
            " because that cannot be undone. This shows them:"
        ),
        command_line(
            build_lambda_command(
                region,
                "list-durable-executions-by-function",
                "--function-name",
                incident.function,
                "--statuses",
                "RUNNING",
            )
        ),
        paragraph("This ends one for good:"),
        command_line(
            build_lambda_command(
                region, "stop-durable-execution", "--durable-execution-arn", "ARN-OF-THE-EXECUTION"
            )
        ),
    )


_ON_INSTANCES: Final = frozenset(
    {DecisionReason.SCALING_UNKNOWN, DecisionReason.NO_CAP_FOR_INSTANCES}
)


def _is_on_instances(incident: Incident) -> bool:
    return incident.is_on_instances or parse_decision_reason(incident) in _ON_INSTANCES


def compose_manual_stop(incident: Incident, context: NoticeContext) -> str:
    """Say how a person stops the function without the guard."""
    if _is_on_instances(incident):
        zero = VersionScaling(qualifier="$LATEST.PUBLISHED", minimum=0, maximum=0)
        return section(
            "STOP IT BY HAND",
            paragraph(
                "It runs on Lambda Managed Instances, which no reserved concurrency stops. Do this"
                " for each of its versions that has instances (here the newest). Note what this"
                " shows, to put it back later:"
            ),
            command_line(
                build_scaling_look_command(
                    incident.function, zero.qualifier, context.deployment.region
                )
            ),
            paragraph("Then stop it:"),
            command_line(build_scale_command(incident.function, zero, context.deployment.region)),
            paragraph("After that, fix the loop before you put the scaling back."),
        )
    return section(
        "STOP IT BY HAND",
        paragraph("Note what this shows, to put it back later (no number: nothing is reserved):"),
        command_line(build_look_command(incident.function, context.deployment.region)),
        paragraph("Then stop it:"),
        command_line(build_stop_command(incident.function, context.deployment.region)),
        paragraph("After that, fix the loop before you put the reservation back."),
    )


def compose_replica_stop(incident: Incident) -> str:
    """Say how a person stops a Lambda@Edge replica; empty for any other function.

    What a reservation of the function in us-east-1 does to its copies in other Regions is not
    documented (UNCONFIRMED A-048). That CloudFront no longer invokes a function whose association
    was removed is (CloudFront developer guide, *Delete Lambda@Edge functions and replicas*).
    """
    replica = parse_edge_replica(incident.function)
    if replica is None:
        return ""
    return section(
        "WHAT TO DO",
        bullet(
            f"In CloudFront, remove {replica.name} from the behaviors of its distribution. That"
            " works in all Regions, once the distribution is deployed.",
            "1.",
        ),
        bullet(
            f"Or contain {replica.name} in {replica.home}: this sets its reserved concurrency to 0"
            " there. AWS does not say whether the copies in other Regions follow.",
            "2.",
        ),
        command_line(build_stop_command(replica.name, replica.home)),
        bullet(FIX, "3."),
    )


def advise_on_refusal(words: str) -> str:
    """Say what helps against a refusal, where AWS's words tell."""
    lower = words.lower()
    if "unreservedconcurrentexecution" in lower:
        return (
            "Others have reserved concurrency meanwhile, and the account has to keep a minimum"
            " unreserved. Lower the reservation of another function, or ask for a higher account"
            " limit (Service Quotas, Lambda, Concurrent executions)."
        )
    if "in use" in lower or "resourceinuse" in lower or "resourceconflict" in lower:
        return "AWS is still working on an earlier change of it. Wait a minute."
    if ("access" in lower and "denied" in lower) or "not authorized" in lower:
        return "A policy forbids it to Loopbreaker. Check permissions boundaries and SCPs."
    if "throttl" in lower or "toomanyrequests" in lower or "rate exceeded" in lower:
        return "AWS was too busy to take the change. Wait a minute."
    return "Remove what AWS names above, if it names something."
