"""Logs do not appear in CloudWatch Logs.

Rests on "Troubleshoot execution issues in Lambda", entry "Logs or traces don't appear": the role
needs logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents; after the rights were added,
a trivial update makes the function drop its old credentials.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from functions.domain.diagnosis.checks import pages
from functions.domain.diagnosis.checks.rights import Blocker, Right, evaluate_role_right
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis, LogGroupFacts, Part, Traffic
from functions.domain.diagnosis.finding import Certainty, Check, Finding, Observation
from functions.domain.diagnosis.remedy import (
    PREFIX,
    Grant,
    PutInlinePolicy,
    Remedy,
    RemedyKind,
    compose_policy,
    parse_role_name,
    refresh,
)
from functions.domain.iam.access import Access
from functions.domain.notices.text import format_time

ENTRY: Final = "no_logs"
TITLE: Final = "logs do not appear"

# AWS's page: logs may take 5 to 10 minutes to show up after an invocation.
DELAY: Final = timedelta(minutes=10)
# lastEventTimestamp is updated within about an hour; only a longer silence counts.
SILENCE: Final = timedelta(hours=2)
# With these SystemLogLevels a function that is well writes no START, END and REPORT lines.
QUIET_LEVELS: Final = frozenset({"WARN", "ERROR"})

CREATE_GROUP: Final = "logs:CreateLogGroup"
WRITE_LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
LOG_ACTIONS: Final = frozenset({CREATE_GROUP, *WRITE_LOGS})
_BROAD: Final = (
    "AWS's own alternative is the managed policy AWSLambdaBasicExecutionRole"
    " (arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole), which allows the same on"
    " every log group."
)
_BLOCKED: Final = {
    Blocker.EXPLICIT_DENY: "Take these actions on this log group out of the Deny; an Allow beside"
    " it changes nothing.",
    Blocker.BOUNDARY: "Add these actions on this log group to the role's permissions boundary; an"
    " Allow in the role's own policies changes nothing.",
    Blocker.ORGANIZATION: "Ask the administrators of the organization: a service control policy"
    " stands in the way, and nothing in this account changes that.",
}


def examine(facts: FunctionUnderDiagnosis) -> Finding | None:
    """Report a function that is invoked and logs nothing; one that is not invoked is silent."""
    traffic, group = facts.traffic, facts.log_group
    if traffic is None or group is None:
        return None
    silence = _observe_silence(facts, traffic, group)
    if not silence:
        return None
    rights = _evaluate_rights(facts, group)
    denied = {action: right for action, right in rights.items() if right.is_denied}
    if denied:
        return _report_denied_rights(facts, group, denied, silence)
    if group.system_log_level.upper() in QUIET_LEVELS and group.exists is not False:
        return None
    return _report_unexplained_silence(facts, group, rights, silence)


def is_conclusive(facts: FunctionUnderDiagnosis) -> bool:
    """Whether it is seen to log, or is not invoked and certainly may."""
    traffic, group = facts.traffic, facts.log_group
    if traffic is None or group is None:
        return False
    if traffic.invocations > 0:
        return group.has_events is True and not _observe_silence(facts, traffic, group)
    return all(right.access is Access.ALLOWED for right in _evaluate_rights(facts, group).values())


def log_group_arn(facts: FunctionUnderDiagnosis, name: str) -> str:
    """The ARN of a log group as policies name it: with ``:*`` for its streams.

    Without the ending the ARN stands for no stream, so that nothing can be written.
    """
    return f"arn:{facts.partition}:logs:{facts.region}:{facts.account}:log-group:{name}:*"


def _observe_silence(
    facts: FunctionUnderDiagnosis, traffic: Traffic, group: LogGroupFacts
) -> tuple[Observation, ...]:
    """What shows that it was invoked and logged nothing; empty where that is not known."""
    first, last = traffic.first_invoked_at, traffic.last_invoked_at
    if traffic.invocations <= 0 or first is None:
        return ()
    invoked = Observation(
        words=f"Invocations since {format_time(traffic.since)}, the first at {format_time(first)}",
        value=traffic.invocations,
    )
    if facts.at - first < DELAY:
        return ()
    if group.exists is False:
        return (invoked, Observation(words=f"There is no log group {group.name}"))
    if group.has_events is False:
        nothing = Observation(words=f"Log events in {group.name} since then", value=0)
        return (invoked, nothing)
    newest = group.last_event_at
    if newest is None or last is None or last - newest < SILENCE:
        return ()
    if facts.at - last < DELAY:
        return ()
    return (
        invoked,
        Observation(
            words=f"The newest log event in {group.name} is of {format_time(newest)}, the last"
            f" invocation of {format_time(last)}"
        ),
    )


def _evaluate_rights(facts: FunctionUnderDiagnosis, group: LogGroupFacts) -> dict[str, Right]:
    actions = WRITE_LOGS if group.exists is not False else (CREATE_GROUP, *WRITE_LOGS)
    resource = log_group_arn(facts, group.name)
    return {
        action: evaluate_role_right(facts, facts.function.role_arn, facts.role, action, resource)
        for action in actions
    }


def _report_denied_rights(
    facts: FunctionUnderDiagnosis,
    group: LogGroupFacts,
    denied: dict[str, Right],
    silence: tuple[Observation, ...],
) -> Finding:
    blockers = tuple(
        dict.fromkeys(right.blocker for right in denied.values() if right.blocker is not None)
    )
    role = parse_role_name(facts.function.role_arn)
    return CHECK.compose_finding(
        facts,
        certainty=Certainty.CERTAIN,
        summary=f"{facts.name} is invoked and logs nothing: its role {role} may not do"
        f" {_join_words(tuple(denied))} on {group.name}.",
        causes=tuple(sorted(f"{right.blocker}:{action}" for action, right in denied.items())),
        evidence=(
            *silence,
            *(
                Observation(words=f"{action} is denied: {right.words}")
                for action, right in denied.items()
            ),
            *_describe_logging_config(facts, group),
        ),
        remedies=(_compose_remedy(facts, group, tuple(denied), blockers),),
    )


def _compose_remedy(
    facts: FunctionUnderDiagnosis,
    group: LogGroupFacts,
    actions: tuple[str, ...],
    blockers: Sequence[Blocker],
) -> Remedy:
    others = [one for one in blockers if one is not Blocker.IDENTITY]
    if others:
        return Remedy(
            words=" ".join(_BLOCKED[one] for one in others if one in _BLOCKED),
            alternative=_BROAD if Blocker.IDENTITY in blockers else "",
            named_only="Loopbreaker never changes a policy that somebody wrote to deny.",
        )
    resource = log_group_arn(facts, group.name)
    grant = Grant(sid="WriteLogs", actions=actions, resources=(resource,))
    return Remedy(
        kind=RemedyKind.LOGS,
        words=f"Allow {_join_words(actions)} on this log group only, then update the function"
        f" trivially so that it takes the new rights.{_explain_versions(facts)}",
        steps=(
            PutInlinePolicy(
                role=parse_role_name(facts.function.role_arn),
                policy_name=f"{PREFIX}logs-{facts.name}",
                document=compose_policy((grant,)),
            ),
            refresh(facts.name, facts.description, facts.at),
        ),
        alternative=_BROAD,
    )


def _explain_versions(facts: FunctionUnderDiagnosis) -> str:
    """The update reaches $LATEST only; the rights of a role are those of all who have it."""
    if not facts.qualifiers:
        return ""
    return (
        " Published versions are not updated by that: they take the new rights when Lambda replaces"
        " their environments, within hours."
    )


def _report_unexplained_silence(
    facts: FunctionUnderDiagnosis,
    group: LogGroupFacts,
    rights: dict[str, Right],
    silence: tuple[Observation, ...],
) -> Finding | None:
    """It logs nothing although nothing that is seen here keeps it from that."""
    changed = facts.function.last_modified
    last = facts.traffic.last_invoked_at if facts.traffic else None
    if changed is not None and (last is None or last < changed):
        return None  # what it did before the change tells nothing of now
    if group.exists is False and all(one.access is Access.ALLOWED for one in rights.values()):
        return CHECK.compose_finding(
            facts,
            certainty=Certainty.LIKELY,
            summary=f"{facts.name} is invoked and its log group {group.name} does not exist,"
            " although its role may create it. Environments that were started while the group"
            " existed do not create it again.",
            causes=("log_group_missing",),
            evidence=(*silence, *_describe_logging_config(facts, group)),
            remedies=(
                Remedy(
                    kind=RemedyKind.LOGS,
                    words="Update the function trivially: fresh environments create the group.",
                    steps=(refresh(facts.name, facts.description, facts.at),),
                ),
            ),
        )
    hints = [
        Observation(words=f"{action}: {right.words}")
        for action, right in rights.items()
        if right.access is not Access.ALLOWED and right.words
    ]
    key = (
        " Look at the KMS key of the log group: logs need its permission too."
        if group.kms_key_arn
        else ""
    )
    return CHECK.compose_finding(
        facts,
        certainty=Certainty.LIKELY,
        summary=f"{facts.name} is invoked and logs nothing to {group.name}. Nothing that"
        " Loopbreaker can read keeps its role from writing.",
        causes=("unexplained",),
        evidence=(*silence, *hints, *_describe_logging_config(facts, group)),
        remedies=(
            Remedy(
                words="Look for what Loopbreaker does not see: service control policies,"
                f" extensions that take the logs elsewhere.{key} Then update the function"
                " trivially, in case it runs with credentials from before a change.",
                named_only="The cause is not known.",
            ),
        ),
    )


def _describe_logging_config(
    facts: FunctionUnderDiagnosis, group: LogGroupFacts
) -> tuple[Observation, ...]:
    if group.name == f"/aws/lambda/{facts.name}":
        return ()
    return (Observation(words=f"Its LoggingConfig names the log group {group.name}"),)


def _join_words(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


CHECK: Final = Check(
    entry=ENTRY,
    title=TITLE,
    page=pages.EXECUTION,
    needs=frozenset({Part.ROLE, Part.TRAFFIC, Part.LOG_GROUP}),
    examine=examine,
    is_conclusive=is_conclusive,
)
