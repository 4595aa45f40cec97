"""What a person does about a function: stop it, restore it, exempt it."""

from datetime import datetime
from typing import Final

from functions.domain.account.names import parse_edge_replica
from functions.domain.changes.steps import VersionScaling
from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import Response
from functions.domain.notices.commands import (
    build_exempt_command,
    build_lambda_command,
    build_look_command,
    build_own_stop_command,
    build_scale_command,
    build_scaling_look_command,
    build_stop_command,
)
from functions.domain.notices.incident.sections.first_screen import (
    NOTHING_TO_DO,
    format_moment,
    list_restore_actions,
)
from functions.domain.notices.incident.sections.restriction import (
    is_only_held,
    is_ordered,
    parse_decision_reason,
)
from functions.domain.notices.layout import bullet, command_line, paragraph, section
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import clean

FIX: Final = (
    "Fix the loop: change the code, the trigger or the permission, so that what the function"
    " writes no longer triggers it."
)


def would_hold(assessment: Assessment, context: NoticeContext) -> bool:
    """Whether the deployment would hold the function rather than stop it."""
    return assessment.verdict is Verdict.SUSPECTED and context.deployment.response is Response.HOLD


def find_stop(incident: Incident, context: NoticeContext) -> datetime | None:
    """Find when a function that cannot be held is stopped, if it goes on; ``None`` for never."""
    if context.deployment.patience is None or not would_hold(incident.assessment, context):
        return None
    if not incident.assessment.has(Reason.LOOP_PROVEN):
        return None
    return incident.opened_at + context.deployment.patience


def warn_of_stop(incident: Incident, context: NoticeContext, now: datetime) -> str:
    """Say when a function that cannot be held is stopped, or that it never is."""
    at = find_stop(incident, context)
    if at is not None:
        when = f"at {format_moment(at, now)}" if at > now else "at its next check"
        return f"If it goes on like this, Loopbreaker stops it {when}."
    if context.deployment.patience is None or not would_hold(incident.assessment, context):
        return ""
    return "It is not stopped, because the configuration proves no loop: you decide."


def list_restore_steps(
    incident: Incident, context: NoticeContext, now: datetime
) -> tuple[str, ...]:
    """Say what a person does about a function that is held or stopped, for the first screen."""
    watch = incident.watch
    if is_ordered(incident):
        lead = "Correct what it was stopped for, then restore it:"
    elif parse_decision_reason(incident) is DecisionReason.CANNOT_BE_TOLD and is_only_held(
        incident
    ):
        lead = "You decide. Find out whether it is a loop, fix it if so, then restore it:"
    elif incident.is_being_judged and watch is not None:
        ends = format_moment(watch.held_at + watch.plan.longest, now)
        lead = f"{NOTHING_TO_DO} The outcome comes by about {ends}. To restore it at once:"
    elif incident.target and watch is None:
        lead = "Find out whether it is a loop. To restore it at once:"
    else:
        lead = "Fix the loop, then restore it:"
    return list_restore_actions(incident, context, lead)


def compose_restore_notes(incident: Incident, context: NoticeContext) -> str:
    """Say what to know before a restore."""
    deployment = context.deployment
    is_judged = incident.is_being_judged or (incident.target and incident.watch is None)
    return section(
        "BEFORE YOU RESTORE",
        ""
        if is_ordered(incident)
        else bullet(f"Find out whether it is a loop. {FIX}" if is_judged else FIX),
        bullet(
            "Events that wait come first after the restore."
            if is_ordered(incident)
            else "Events that wait come first after the restore, the loop's own among them."
        ),
        ""
        if is_judged
        else bullet("Loopbreaker never restores it by itself, also not when the alarm clears."),
        ""
        if deployment.is_embedded
        else bullet(
            "Run the deployment in the folder of your Loopbreaker project. Give every other -c flag"
            " of yours again, unless it is in cdk.json: a flag that you leave out returns to its"
            " default."
            if deployment.deploy_flags is None
            else "Run the deployment in the folder of your Loopbreaker project, with the flags of"
            " your last one: a flag that you leave out returns to its default."
        ),
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


def list_stop_steps(incident: Incident, context: NoticeContext) -> tuple[str, ...]:
    """Say how a person stops the function by the guard, for the first screen."""
    return (
        paragraph("Stop it now (Loopbreaker keeps what was there before):"),
        command_line(build_own_stop_command(incident.function, context.deployment.region)),
        *list_exemption(incident, context),
    )


def list_exemption(incident: Incident, context: NoticeContext) -> tuple[str, ...]:
    """Say how a function that was not stopped is exempted; nothing without its ARN."""
    if not incident.function_arn or is_ordered(incident):
        return ()
    return (
        paragraph("No loop? Exempt it:"),
        command_line(build_exempt_command(incident.function_arn, context.deployment.region)),
    )


def list_manual_stop(
    incident: Incident, context: NoticeContext, lead: str = "Stop it by hand. "
) -> tuple[str, ...]:
    """Say how a person stops the function without the guard."""
    region = context.deployment.region
    if _is_on_instances(incident):
        zero = VersionScaling(qualifier="$LATEST.PUBLISHED", minimum=0, maximum=0)
        return (
            paragraph(f"{lead}Note what this shows of each version with instances:"),
            command_line(build_scaling_look_command(incident.function, zero.qualifier, region)),
            paragraph("Then scale each to 0 (here the newest), and fix the loop:"),
            command_line(build_scale_command(incident.function, zero, region)),
        )
    return (
        paragraph(f"{lead}Note what this shows (no number: nothing is reserved):"),
        command_line(build_look_command(incident.function, region)),
        paragraph("Then stop it, and fix the loop before you put that back:"),
        command_line(build_stop_command(incident.function, region)),
    )


def compose_manual_stop(incident: Incident, context: NoticeContext) -> str:
    """Say the same in a section of its own, where another way comes first."""
    return section("STOP IT BY HAND", *list_manual_stop(incident, context, lead=""))


def list_replica_stop(incident: Incident) -> tuple[str, ...]:
    """Say how a person stops a Lambda@Edge replica; nothing for any other function.

    What a reservation of the function in us-east-1 does to its copies in other Regions is not
    documented (UNCONFIRMED A-048). That CloudFront no longer invokes a function whose association
    was removed is (CloudFront developer guide, *Delete Lambda@Edge functions and replicas*).
    """
    replica = parse_edge_replica(incident.function)
    if replica is None:
        return ()
    return (
        paragraph(
            f"In CloudFront, remove {clean(replica.name, 160)} from the behaviors of its"
            " distribution: that works in all Regions, once it is deployed. Or set its reserved"
            f" concurrency to 0 in {replica.home}; AWS does not say whether the copies in other"
            " Regions follow:"
        ),
        command_line(build_stop_command(replica.name, replica.home)),
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
        return "An earlier change of it is not finished yet. Wait a minute."
    if ("access" in lower and "denied" in lower) or "not authorized" in lower:
        return "A policy forbids it to Loopbreaker. Check permissions boundaries and SCPs."
    if "throttl" in lower or "toomanyrequests" in lower or "rate exceeded" in lower:
        return "The change was one call too many for AWS just then. Wait a minute."
    return "Remove what AWS names above, if it names something."
