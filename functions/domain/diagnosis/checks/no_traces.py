"""Traces do not appear in X-Ray.

Rests on "Troubleshoot execution issues in Lambda", entry "Logs or traces don't appear": the role
needs xray:PutTraceSegments and xray:PutTelemetryRecords, and tracing must be active. Which event
sources support tracing: https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html.

PassThrough is the default and most people's choice. It is only reported where something shows that
somebody expects traces of this function. Whether X-Ray holds traces is not asked: its rights cannot
be narrowed to a function, and traces show what other services did.
"""

from collections.abc import Mapping
from typing import Final

from functions.domain.diagnosis.checks import pages
from functions.domain.diagnosis.checks.rights import Blocker, Right, evaluate_role_right
from functions.domain.diagnosis.checks.versions import (
    describe_judged_version,
    explain_leaving_to_people,
    explain_publishing,
)
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis, Part
from functions.domain.diagnosis.finding import Certainty, Check, Finding, Observation
from functions.domain.diagnosis.remedy import (
    ACTIVE,
    PREFIX,
    Grant,
    PutInlinePolicy,
    Remedy,
    RemedyKind,
    SetTracing,
    compose_policy,
    parse_role_name,
    refresh,
)
from functions.domain.iam.access import Access
from functions.domain.notices.text import clean, shorten_arn

ENTRY: Final = "no_traces"
TITLE: Final = "traces do not appear"

PUT_SEGMENTS: Final = "xray:PutTraceSegments"
PUT_TELEMETRY: Final = "xray:PutTelemetryRecords"
# Services whose event source mappings Lambda does not trace (services-xray).
UNTRACED: Final = {
    "kafka": "Amazon MSK",
    "mq": "Amazon MQ",
    "rds": "DocumentDB",
    "docdb": "DocumentDB",
}
_TAGS: Final = frozenset({"tracing", "xray", "x-ray", "traces"})
_TAG_ON: Final = frozenset({"active", "on", "true", "yes", "enabled", "expected"})
_TAG_OFF: Final = frozenset({"passthrough", "off", "false", "no", "disabled", "none"})
_TRACING_LAYERS: Final = ("layer:aws-otel-", "layer:AWSOpenTelemetryDistro")
_BROAD: Final = (
    "AWS's own alternative is the managed policy AWSXRayDaemonWriteAccess"
    " (arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess)."
)
_WILDCARD: Final = (
    "X-Ray knows no resources, so the statement has to say Resource *, and Loopbreaker never writes"
    " a wildcard."
)


def examine(facts: FunctionUnderDiagnosis) -> Finding | None:
    """Report a function whose traces are expected and cannot appear."""
    if facts.function.tracing_mode == ACTIVE:
        return _find_missing_rights(facts) or _find_untraced_trigger(facts)
    return _find_pass_through(facts)


def is_conclusive(facts: FunctionUnderDiagnosis) -> bool:
    """Whether nobody expects traces, or nothing that can be seen stands in their way."""
    if facts.function.tracing_mode == ACTIVE:
        return all(right.access is Access.ALLOWED for right in _evaluate_rights(facts).values())
    return not _find_expectations(facts)[1]


def is_expected(facts: FunctionUnderDiagnosis) -> bool:
    """Whether something shows that somebody expects traces of the function."""
    return bool(_find_expectations(facts)[1])


def _find_missing_rights(facts: FunctionUnderDiagnosis) -> Finding | None:
    denied = {action: right for action, right in _evaluate_rights(facts).items() if right.is_denied}
    if not denied:
        return None
    role = parse_role_name(facts.function.role_arn)
    return CHECK.compose_finding(
        facts,
        # Without telemetry records segments still arrive.
        certainty=Certainty.CERTAIN if PUT_SEGMENTS in denied else Certainty.LIKELY,
        summary=f"{facts.name} has tracing active, but its role {role} may not do"
        f" {' and '.join(denied)}.",
        causes=tuple(sorted(f"{right.blocker}:{action}" for action, right in denied.items())),
        evidence=(
            *(
                Observation(words=f"{action} is denied: {right.words}")
                for action, right in denied.items()
            ),
            *describe_judged_version(facts),
            *_list_untraced_sources(facts),
        ),
        remedies=(_compose_grant(facts, denied, ()),),
    )


def _find_untraced_trigger(facts: FunctionUnderDiagnosis) -> Finding | None:
    """All that is known to invoke it is a source that Lambda does not trace."""
    sources = _list_untraced_sources(facts)
    is_only = len(sources) == len(facts.mappings) and not facts.triggers and not facts.callers
    is_invoked = facts.traffic is not None and facts.traffic.invocations > 0
    is_known = not facts.lacks(Part.TRIGGERS) and not facts.lacks(Part.CALLERS)
    if not sources or not is_only or not is_invoked or not is_known:
        return None
    return CHECK.compose_finding(
        facts,
        certainty=Certainty.LIKELY,
        summary=f"{facts.name} has tracing active, but what triggers it does not support tracing.",
        causes=("untraced_source",),
        evidence=sources,
        remedies=(
            Remedy(
                words="Lambda does not trace invocations by Kafka, MQ and DocumentDB event source"
                " mappings. Trace within the code (X-Ray SDK or OpenTelemetry, with a segment of"
                " its own), or measure with metrics and logs.",
                named_only="Only people can do that.",
            ),
        ),
    )


def _find_pass_through(facts: FunctionUnderDiagnosis) -> Finding | None:
    certainty, expected = _find_expectations(facts)
    if not expected:
        return None
    denied = {action: right for action, right in _evaluate_rights(facts).items() if right.is_denied}
    step = SetTracing(function=facts.name, to=ACTIVE, prior=facts.function.tracing_mode)
    remedy = (
        _compose_grant(facts, denied, (step,))
        if denied
        else Remedy(
            kind=RemedyKind.TRACES,
            words="Set its tracing mode to Active. Lambda then records the first request each"
            " second and 5 % of the others; X-Ray bills recorded traces."
            f"{explain_publishing(facts)}",
            steps=(step,),
            named_only=explain_leaving_to_people(facts),
        )
    )
    causes = ["passthrough", *(f"{right.blocker}:{action}" for action, right in denied.items())]
    return CHECK.compose_finding(
        facts,
        certainty=certainty,
        summary=f"Traces of {facts.name} are expected, but its tracing mode is"
        f" {clean(facts.function.tracing_mode, 40)}: it adds nothing to a trace.",
        causes=tuple(sorted(causes)),
        evidence=(*expected, *describe_judged_version(facts), *_list_untraced_sources(facts)),
        remedies=(remedy,),
    )


def _find_expectations(
    facts: FunctionUnderDiagnosis,
) -> tuple[Certainty, tuple[Observation, ...]]:
    """What shows that somebody expects traces; nothing where somebody opted out."""
    function = facts.function
    if function.environment.is_tracer_off or _is_opted_out(function.tags):
        return Certainty.LIKELY, ()
    said = [
        Observation(words=f"Its environment variable {clean(name, 80)} is for a tracer")
        for name in function.environment.tracer_variables
    ]
    said += [
        Observation(words=f"Its tag {clean(key, 80)} says {clean(value, 40)}")
        for key, value in sorted(function.tags.items())
        if key.lower() in _TAGS and value.strip().lower() in _TAG_ON
    ]
    implied = [
        Observation(words=f"It has the layer {clean(shorten_arn(arn), 120)}")
        for arn in facts.tracing.layers
        if any(part in arn for part in _TRACING_LAYERS)
    ]
    implied += [
        Observation(words=f"{clean(shorten_arn(arn), 120)}, which calls it, has tracing active")
        for arn in facts.tracing.traced_upstream[:_MOST]
    ]
    certainty = Certainty.CERTAIN if said else Certainty.LIKELY
    return certainty, (*said, *implied)


_MOST: Final = 5


def _is_opted_out(tags: Mapping[str, str]) -> bool:
    return any(
        key.lower() in _TAGS and value.strip().lower() in _TAG_OFF for key, value in tags.items()
    )


def _evaluate_rights(facts: FunctionUnderDiagnosis) -> dict[str, Right]:
    return {
        action: evaluate_role_right(facts, facts.function.role_arn, facts.role, action, "*")
        for action in (PUT_SEGMENTS, PUT_TELEMETRY)
    }


def _compose_grant(
    facts: FunctionUnderDiagnosis, denied: Mapping[str, Right], before: tuple[SetTracing, ...]
) -> Remedy:
    """How to give the missing rights: always by a person."""
    switch = "Set its tracing mode to Active, and " if before else ""
    others = {right.blocker for right in denied.values()} - {Blocker.IDENTITY}
    actions = " and ".join(denied)
    if others:
        kinds = " and ".join(sorted(str(one) for one in others))
        text = f"make room for {actions} in the {kinds}, which an Allow beside it does not change."
        return Remedy(
            words=switch + text if switch else text[:1].upper() + text[1:],
            steps=before,
            named_only="Loopbreaker never changes a policy that somebody wrote to deny.",
        )
    of_versions = explain_leaving_to_people(facts) if before else ""
    grant = Grant(sid="WriteTraces", actions=tuple(denied), resources=("*",))
    text = f"allow {actions}."
    return Remedy(
        words=switch + text if switch else text[:1].upper() + text[1:],
        steps=(
            PutInlinePolicy(
                role=parse_role_name(facts.function.role_arn),
                policy_name=f"{PREFIX}traces-{facts.name}",
                document=compose_policy((grant,)),
            ),
            *before,
            *(() if before else (refresh(facts.name, facts.description, facts.at),)),
        ),
        alternative=_BROAD,
        named_only=" ".join(one for one in (_WILDCARD, of_versions) if one),
    )


def _list_untraced_sources(facts: FunctionUnderDiagnosis) -> tuple[Observation, ...]:
    found = []
    for mapping in facts.mappings:
        service = _parse_service(mapping.source_arn)
        if service:
            found.append(
                Observation(
                    words=f"Its event source {clean(shorten_arn(mapping.source_arn), 120)}"
                    f" ({service}) does not support tracing"
                )
            )
    return tuple(found)


def _parse_service(source_arn: str) -> str:
    if not source_arn.startswith("arn:"):
        return "self-managed Kafka"  # bootstrap servers
    return UNTRACED.get(source_arn.split(":")[2], "")


CHECK: Final = Check(
    entry=ENTRY,
    title=TITLE,
    page=pages.EXECUTION,
    needs=frozenset({Part.FUNCTION, Part.ROLE}),
    examine=examine,
    is_conclusive=is_conclusive,
    helps=frozenset({Part.VERSIONS}),
)
