"""The passages that notices are made of, and the limits of subject and body."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.account.names import edge_replica
from functions.domain.changes.steps import (
    DisableMapping,
    LimitMapping,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    Step,
    StepOutcome,
    StepStatus,
    VersionScaling,
)
from functions.domain.detection.assessment import Assessment, Rate, Reason, Verdict
from functions.domain.detection.evidence import LoopProof, TriggerKind
from functions.domain.detection.price import burn
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import EventRoutes, Incident, Transition
from functions.domain.incidents.policy import EXEMPT_TAG, Response
from functions.domain.notices.commands import (
    build_aws_command,
    build_exempt_command,
    build_function_link,
    build_look_command,
    build_metric_link,
    build_restore_commands,
    build_rollback_command,
    build_scale_command,
    build_scaling_look_command,
    build_stop_command,
    name_step,
)
from functions.domain.notices.event_impact import (
    DYNAMODB_RETENTION,
    EventImpact,
    Impact,
    Restriction,
    assess_impacts,
    find_in_flight_end,
    name_trigger,
)
from functions.domain.notices.graph.text import OR_DISABLE
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import (
    bullet,
    clean,
    cut_middle,
    describe_ground,
    format_count,
    format_duration,
    format_least_usd,
    format_number,
    format_time,
    format_time_with_age,
    indent_drawing,
    paragraph,
    quote,
)

SUBJECT_LIMIT: Final = 99  # SNS: fewer than 100 characters, no line breaks
BODY_LIMIT: Final = 32_000  # bytes; SNS takes 262,144, a person far fewer
MARK: Final = "[Loopbreaker]"
MOST_NAMES: Final = 5
MOST_SETTINGS: Final = 15
_MOST_GROUNDS: Final = 8
_MOST_IMPACTS: Final = 10
_MOST_COMMANDS: Final = 60
_LONGEST_DRAWING: Final = 1500
_SHORTEST_NAME: Final = 12
FIX: Final = (
    "Fix the loop: change the code, the trigger or the permission, so that what the function"
    " writes no longer triggers it."
)


def compose_subject(lead: str, function: str, tail: str) -> str:
    """A subject within SNS's limits: the name gives way, in its middle, to what happened."""
    if lead.endswith(":") and tail.startswith(": "):
        tail = f", {tail.removeprefix(': ')}"
    name = clean(function, 400)
    before = f"{MARK} {lead} "
    room = max(_SHORTEST_NAME, SUBJECT_LIMIT - len(before) - len(clean(tail)) - 1)
    return clean(f"{before}{cut_middle(name, room)}{tail}", 400)[:SUBJECT_LIMIT].rstrip()


def describe_rate(incident: Incident) -> str:
    """How fast against how fast normally, as the end of a subject."""
    rate, assessment = _select_rate(incident.assessment), incident.assessment
    if rate.per_minute <= 0:
        return ""
    before = " before its cap" if assessment.cap else ""
    told = f": {format_number(rate.per_minute)}/min{before}"
    if assessment.normal_per_minute is None:
        return told
    return f"{told}, normal {format_number(assessment.normal_per_minute)}/min"


def _select_rate(assessment: Assessment) -> Rate:
    """The rate of the spike: for a function that was capped, the one before the cap."""
    if assessment.cap is not None:
        return assessment.cap.before
    return Rate(per_minute=assessment.rate_per_minute, at=assessment.at)


def parse_decision_reason(incident: Incident) -> DecisionReason | None:
    """Why something was or was not done; ``None`` where the text is not a known reason."""
    try:
        return DecisionReason(incident.decided)
    except ValueError:
        return None


def would_hold(assessment: Assessment, context: NoticeContext) -> bool:
    """Whether the deployment would hold the function rather than stop it."""
    return assessment.verdict is Verdict.SUSPECTED and context.response is Response.HOLD


def warn_of_stop(incident: Incident, context: NoticeContext, now: datetime) -> str:
    """When a function that cannot be held is stopped, and how to prevent that."""
    if context.patience is None or not would_hold(incident.assessment, context):
        return ""
    if not incident.assessment.has(Reason.LOOP_PROVEN):
        is_tried_again = parse_decision_reason(incident) is not DecisionReason.NO_CAP_FOR_INSTANCES
        return paragraph(
            "Loopbreaker does not stop it, because the configuration proves no loop: you decide.",
            "As long as it goes on, Loopbreaker looks again whether it can be held."
            if is_tried_again
            else "",
        )
    at = incident.opened_at + context.patience
    when = f"at {format_time(at)}" if at > now else "at its next check"
    return paragraph(
        f"If it goes on like this, Loopbreaker stops it {when}. To prevent that, give it the tag"
        f" {EXEMPT_TAG}=true."
    )


_ONLY_HELD: Final = frozenset(
    {DecisionReason.SUSPECTED, DecisionReason.SHOWN, DecisionReason.CANNOT_BE_TOLD}
)


def is_only_held(incident: Incident) -> bool:
    """Whether it was held to see whether it feeds itself, and never stopped for good."""
    is_held = incident.watch is not None and parse_decision_reason(incident) in _ONLY_HELD
    return is_held and not incident.has_told(Transition.CONTAINED)


def name_restriction(incident: Incident) -> str:
    """What was done to the function, in a word."""
    if is_only_held(incident):
        return "held"
    return f"capped at {incident.target:,}" if incident.target else "stopped"


def describe_restriction(incident: Incident, now: datetime) -> str:
    """What is reserved, since when, what it was before, and whether a cap came first."""
    at = find_restriction_start(incident)
    when = f" since {format_time_with_age(at, now)}" if at else ""
    if incident.is_on_instances:
        names = join_names(
            [
                one.step.prior.qualifier
                for one in incident.stops
                if isinstance(one.step, ScaleToZero)
            ]
        )
        return (
            "It runs on Lambda Managed Instances. They are scaled to 0 execution environments"
            f"{when} ({names})."
        )
    if incident.snapshot is None:
        prior = ""
    elif incident.snapshot.reserved_concurrency is None:
        prior = "; before, nothing was reserved"
    else:
        prior = f"; before, it was {incident.snapshot.reserved_concurrency:,}"
    cap = _find_cap(incident)
    capped = ""
    if incident.watch is not None and incident.contained_at and not incident.target:
        when = "" if at == incident.contained_at else when  # a little was let go in between
        capped = f" It had been held first, from {format_time(incident.contained_at)} on."
    elif cap and not incident.target and incident.capped_at:
        capped = f" It had been capped at {cap:,} first, at {format_time(incident.capped_at)}."
    return f"Its reserved concurrency is {incident.target or 0:,}{when}{prior}.{capped}"


def find_restriction_start(incident: Incident) -> datetime | None:
    """When the reservation that is wanted now took effect; ``None`` where unknown."""
    return incident.capped_at if incident.target else incident.stopped_at


def _find_cap(incident: Incident) -> int:
    """The cap that the guard wrote last; 0 for none."""
    return next((one for one in reversed(incident.written) if one > 0), 0)


def describe_restriction_time(incident: Incident, now: datetime) -> str:
    """When it was capped, stopped and released, and for how long, as far as the record tells."""
    if is_only_held(incident):
        return describe_hold_time(incident, now)
    capped, stopped, end = incident.capped_at, incident.stopped_at, find_end(incident, now)
    if incident.watch is not None:
        begun = incident.contained_at
        first = "" if begun is None else f"It was held first, from {format_time(begun)} on. "
        at = stopped if stopped != begun else None
        return (
            f"{first}It was stopped {_describe_span(at, end)}."
            if at
            else f"{first}Then it was stopped."
        )
    as_cap = f"It was capped at {_find_cap(incident):,}"
    if capped is None:
        return f"It was stopped {_describe_span(stopped, end)}." if stopped else ""
    if stopped is None:
        if not incident.is_at_zero:
            return f"{as_cap} {_describe_span(capped, end)}."
        # A record of an earlier version: it does not tell when.
        return f"{as_cap} at {format_time(capped)}, and stopped after that."
    if stopped < capped:  # written by clocks that differ: each moment stands for itself
        return f"{as_cap} at {format_time(capped)} and stopped at {format_time(stopped)}."
    under_cap = _describe_span(capped, End(at=stopped))
    return f"{as_cap} {under_cap}, then stopped {_describe_span(stopped, end)}."


def describe_hold_time(incident: Incident, now: datetime) -> str:
    """When a hold began and ended, and for how long, as far as the record tells."""
    begun = incident.contained_at
    return "" if begun is None else f"It was held {_describe_span(begun, find_end(incident, now))}."


@dataclass(frozen=True, slots=True)
class End:
    """When something ended; `is_exact`: by the clock that told when it began."""

    at: datetime | None
    is_exact: bool = True


_FREED_BY_OTHERS: Final = frozenset(
    {StepStatus.CHANGED_MEANWHILE, StepStatus.ALREADY, StepStatus.GONE}
)


def find_end(incident: Incident, now: datetime) -> End:
    """When the function was released or restored; by others at a moment that nobody noticed.

    Without a record of it, the present moment, unless the record knows a later one: then `now` is
    of another clock. Where they differ by less than a minute the later one is true to the minute,
    no duration is.
    """
    if incident.released_at is not None:
        return End(incident.released_at)
    if any(one.restored in _FREED_BY_OTHERS for one in incident.stops):
        return End(None)
    if incident.freed_at is not None:
        return End(incident.freed_at if incident.is_freed_at_known else None)
    if now >= incident.updated_at:
        return End(now)
    is_near = incident.updated_at - now < timedelta(minutes=1)
    return End(incident.updated_at if is_near else None, is_exact=False)


def _describe_span(begin: datetime, end: End) -> str:
    if end.at is None or end.at < begin:
        return f"at {format_time(begin)}"
    span = f"from {format_time(begin)} to {format_time(end.at)}"
    has_lasted = end.is_exact and end.at - begin >= timedelta(seconds=1)
    return f"{span}, for {format_duration(end.at - begin)}" if has_lasted else span


def describe_other_changes(incident: Incident) -> str:
    """What was changed beside the reservation, as sentences."""
    done = {StepStatus.DONE, StepStatus.ALREADY}
    mappings = [one for one in incident.steps if isinstance(one.step, DisableMapping)]
    disabled = sum(one.status in done for one in mappings)
    planned = sum(one.status is StepStatus.PLANNED for one in mappings)
    limited = sum(
        isinstance(one.step, LimitMapping) and one.status in done for one in incident.steps
    )
    removed = [
        one.step.qualifier
        for one in incident.steps
        if isinstance(one.step, RemoveProvisioned) and one.status in done
    ]
    parts = []
    if disabled:
        parts.append(f"Disabled with it: {format_count(disabled, 'event source mapping')}.")
    if planned:
        parts.append(f"Being disabled: {format_count(planned, 'event source mapping')}.")
    if limited:
        parts.append(
            f"Limited in its concurrency: {format_count(limited, 'event source mapping')}."
        )
    if removed:
        parts.append(f"Its provisioned concurrency was taken away ({join_names(removed)}).")
    return " ".join(parts)


def list_refused_steps(incident: Incident) -> tuple[str, ...]:
    """The steps of a containment that AWS refused."""
    failed = [one for one in incident.steps if one.status is StepStatus.FAILED]
    return (
        *(
            paragraph(f"Not done: {name_step(one.step)}.", quote_aws_error(one.detail))
            for one in failed[:MOST_NAMES]
        ),
        count_left_out(len(failed) - MOST_NAMES, "failure"),
    )


def build_restriction(incident: Incident, context: NoticeContext) -> Restriction:
    """Say how the function is held, for `assess_impacts`."""
    mappings = () if incident.snapshot is None else incident.snapshot.mappings or ()
    return Restriction(
        function_arn=incident.function_arn,
        since=find_restriction_start(incident),
        at=incident.target or 0,
        async_target_arn=incident.async_target_arn,
        is_async_target_known=context.is_async_target_known,
        outcomes=incident.steps,
        disabled_before=frozenset(one.uuid for one in mappings if not one.enabled),
    )


def describe_urgency(incident: Incident, context: NoticeContext) -> str:
    """The worst that is happening to its events, in a sentence near the top."""
    found = assess_impacts(context.triggers or (), build_restriction(incident, context))
    kinds = {impact.kind for impact in found}
    parts = []
    if Impact.LOST in kinds:
        parts.append("Its new asynchronous events are being lost meanwhile.")
    elif Impact.MAYBE_LOST in kinds:
        parts.append("Its new asynchronous events may be lost meanwhile.")
    if Impact.LOOPING in kinds:
        parts.append("Its failed events are sent to one of its own triggers.")
    if Impact.MOVING in kinds:
        parts.append("Good SQS messages are moving towards a dead-letter queue.")
    deadlines = [impact.deadline for impact in found if impact.deadline is not None]
    if deadlines:
        parts.append(
            f"Stream records begin to expire at {format_time(min(deadlines))}, those that were"
            " already"
            " waiting earlier: restore it before."
        )
    return paragraph(*parts, "Details are below." if parts else "")


def describe_location(context: NoticeContext) -> str:
    """Account and Region, as far as they are known."""
    places = []
    if context.account:
        places.append(f"Account {clean(context.account, 40)}")
    if context.region:
        places.append(f"Region {clean(context.region, 40)}")
    return paragraph(f"{', '.join(places)}.") if places else ""


def compose_measurement(
    incident: Incident, now: datetime, *, is_over: bool = False
) -> tuple[str, ...]:
    """How fast, and what it costs."""
    assessment, rate = incident.assessment, _select_rate(incident.assessment)
    if rate.per_minute <= 0:
        return ()
    before = " before the cap" if assessment.cap else ""
    told = f"{format_number(rate.per_minute)} invocations a minute{before}"
    normal = assessment.normal_per_minute
    if normal is None:
        compared = "In the 3 hours before, it was not invoked."
    elif normal <= 0:
        compared = "In most minutes of the 3 hours before, it was not invoked."
    elif rate.per_minute >= 2 * normal:
        times = format_number(rate.per_minute / normal)
        is_or_was = "was" if assessment.cap else "is"
        compared = f"Normal is {format_number(normal)}: this {is_or_was} {times} times as many."
    else:
        compared = f"Normal is {format_number(normal)}."
    began = (
        f"Unusual since {format_time_with_age(assessment.since, now)}." if assessment.since else ""
    )
    fast = section(
        "HOW FAST",
        paragraph(f"{told}, measured at {format_time(rate.at)}.", compared, began),
        paragraph(_describe_rate_under_cap(assessment)),
    )
    return (fast, _compose_cost(incident, is_over=is_over))


def _describe_rate_under_cap(assessment: Assessment) -> str:
    """What it did under its cap, with the moment of that; empty for one that was not capped."""
    figures = assessment.cap
    if figures is None:
        return ""
    if figures.under is None:
        return "Under the cap no minute is complete yet."
    under = f"Under the cap: {format_number(figures.under.per_minute)} invocations a minute"
    asked = figures.asked_per_minute
    if asked is not None and asked > figures.under.per_minute:
        under += f", of {format_number(asked)} attempts"
    return f"{under}, measured at {format_time(figures.under.at)}."


def _compose_cost(incident: Incident, *, is_over: bool) -> str:
    assessment = incident.assessment
    rate = _select_rate(assessment).per_minute
    spent = burn(
        replace(assessment, rate_per_minute=rate), incident.memory_mb, incident.architecture
    )
    before = "Before the cap it burned" if assessment.cap else "It burned"
    hourly = (
        f"{before if is_over or assessment.cap else 'It burns'}"
        f" {format_least_usd(spent.usd_per_hour)} an hour"
        f" ({format_number(spent.requests_per_hour)} invocations an hour)."
    )
    total = (
        f"So far it has cost {format_least_usd(spent.usd_so_far)}"
        f" ({format_number(spent.requests_so_far)} invocations)."
        if spent.requests_so_far > 0
        else ""
    )
    scope = (
        "Counted are Lambda requests and duration at us-east-1 list prices."
        if spent.is_duration_counted
        else "Counted are Lambda requests only, at the us-east-1 list price: how long they run is"
        " not known."
    )
    return section(
        "WHAT IT COSTS",
        paragraph(hourly, total),
        paragraph(
            scope, "Not counted: the other services in the loop, logs, free tier and discounts."
        ),
    )


_LONGEST_REASON: Final = 600
_CERTAINTY: Final = {
    LoopProof.CERTAIN: "The configuration of the account closes this loop.",
    LoopProof.POSSIBLE: "The configuration of the account allows this loop; whether the function"
    " really writes there is not known.",
}


def compose_loop(incident: Incident, context: NoticeContext) -> str:
    """The loop as the event graph knows it: drawing, what closes it, what breaks it."""
    drawing = context.loop.drawing.rstrip()
    if not drawing:
        return _compose_not_ruled_out(context)
    lines = drawing[:_LONGEST_DRAWING].splitlines()
    broken_by = _find_breaking_change(incident, context)
    read = context.loop.at
    return section(
        "THE LOOP",
        "\n".join(indent_drawing(replace_unprintable(line)) for line in lines),
        *(
            bullet(replace_unprintable(words[:_LONGEST_REASON]))
            for words in context.loop.closed_by[:MOST_NAMES]
        ),
        paragraph(
            _CERTAINTY.get(context.loop.proof, ""),
            f"Read from the configuration at {format_time(read)}." if read else "",
        ),
        paragraph(f"What breaks it: {replace_unprintable(broken_by[:_LONGEST_REASON])}")
        if broken_by
        else "",
    )


def _compose_not_ruled_out(context: NoticeContext) -> str:
    """Why the event graph, which knows no loop of the function, does not say that there is none."""
    loop = context.loop
    if not loop.not_ruled_out:
        return ""
    return section(
        "THE LOOP",
        paragraph(
            "The configuration shows no loop of this function, but does not rule one out:",
        ),
        *(bullet(f"{words}.") for words in loop.not_ruled_out),
        paragraph(f"Read from the configuration at {format_time(loop.at)}." if loop.at else ""),
    )


def _find_breaking_change(incident: Incident, context: NoticeContext) -> str:
    """What breaks the loop, without the advice to disable a mapping that the guard has disabled."""
    words = context.loop.broken_by
    disabled = (
        one.step.uuid
        for one in incident.steps
        if isinstance(one.step, DisableMapping)
        and one.status in {StepStatus.DONE, StepStatus.ALREADY}
        and one.restored is None
    )
    return words.replace(OR_DISABLE, "") if any(one in words for one in disabled) else words


def _describe_verdict(assessment: Assessment) -> str:
    match assessment.verdict:
        case Verdict.RUNAWAY:
            return _describe_proof(assessment)
        case Verdict.SUSPECTED if assessment.has(Reason.LOOP_PROVEN):
            return (
                "A suspected loop: unusual and unexplained. The configuration closes it; nothing"
                " has shown yet that it runs."
            )
        case Verdict.SUSPECTED:
            return "A suspected loop: unusual and unexplained, but not proven."
        case Verdict.BUSY:
            return "Unusual, with an explanation."
        case Verdict.CALM:
            return "Nothing unusual."


def _describe_proof(assessment: Assessment) -> str:
    """What proved a loop; the third, fourth and last of these are of earlier versions."""
    if not assessment.grounds:
        return "A loop. What showed it is not recorded here."
    if assessment.has(Reason.COMES_BACK):
        return "A loop: it fed itself while Loopbreaker watched."
    if assessment.cap:
        return "A loop: what it did under its cap shows it."
    if assessment.has(Reason.LOOP_PROVEN) and not assessment.has(Reason.NATIVE_DROPS):
        return "A loop: the configuration of the account closes it, and it runs."
    if assessment.has(Reason.NATIVE_DROPS):
        return "A loop: AWS itself found it."
    return "A loop, by a shape that only a loop has."


def describe_suspected(incident: Incident) -> str:
    """Which function is suspected, where another one of its loop is held."""
    other = incident.instead
    if other is None:
        return ""
    rate = (
        f", with {format_number(other.per_minute)} invocations a minute" if other.per_minute else ""
    )
    return paragraph(
        f"Suspected is {other.function}{rate}. {describe_ground(other.because)} It lies on the"
        " same loop,"
        f" and what goes round in that passes {incident.function} as well."
    )


def compose_reasons(incident: Incident) -> str:
    """The verdict and its grounds."""
    assessment = incident.assessment
    grounds = assessment.grounds[:_MOST_GROUNDS]
    return section(
        "WHY LOOPBREAKER THINKS SO",
        paragraph(_describe_verdict(assessment)),
        *(bullet(describe_ground(ground)) for ground in grounds),
        count_left_out(len(assessment.grounds) - len(grounds), "reason"),
    )


def compose_event_impact(
    incident: Incident,
    context: NoticeContext,
    now: datetime,
    title: str = "WHAT BECOMES OF ITS EVENTS",
    *,
    is_imagined: bool = False,
) -> str:
    """What becomes of its events; imagined: what would, if the guard stopped the function."""
    restriction = build_restriction(incident, context)
    if is_imagined:
        outcomes = _imagine_outcomes(incident, context)
        restriction = replace(restriction, outcomes=outcomes, is_imagined=True)
    lines = [_describe_in_flight(incident, now)]
    if context.triggers is None:
        lines += [bullet(text) for text in _TRIGGERS_UNKNOWN]
    elif not context.triggers:
        lines.append(
            bullet("Loopbreaker found no trigger. Whoever invokes it directly gets status 429.")
        )
    else:
        found = assess_impacts(context.triggers, restriction)
        lines += [bullet(_describe_impact(impact)) for impact in found[:_MOST_IMPACTS]]
        lines.append(
            count_left_out(sum(len(impact.triggers) for impact in found[_MOST_IMPACTS:]), "trigger")
        )
    return section(title, *lines)


def _imagine_outcomes(incident: Incident, context: NoticeContext) -> tuple[StepOutcome, ...]:
    return tuple(
        StepOutcome(
            step=DisableMapping(
                function=incident.function, uuid=one.mapping_uuid, source_arn=one.source_arn
            ),
            status=StepStatus.DONE,
        )
        for one in context.triggers or ()
        if one.mapping_uuid
    )


_TRIGGERS_UNKNOWN: Final = (
    "Its triggers could not be read. In general:",
    "Asynchronous events go at once to its dead-letter queue or on-failure destination.",
    "Without one they are lost.",
    "SQS messages wait in their queue (4 days by default), or go to its dead-letter queue.",
    "Stream records wait until they expire (DynamoDB: 24 h).",
    "Callers that wait for an answer get status 429.",
)


def _describe_impact(impact: EventImpact) -> str:
    names = join_names(impact.names)
    return f"{names}: {impact.text}" if names else impact.text


def _describe_in_flight(incident: Incident, now: datetime) -> str:
    if incident.target:
        return bullet("Executions that had begun go on.")
    limit = (
        f"its timeout is {format_duration(timedelta(seconds=incident.timeout_seconds))}"
        if incident.timeout_seconds
        else "no timeout is longer than 15 min"
    )
    until = find_in_flight_end(incident.stopped_at, incident.timeout_seconds)
    if until is None:
        return bullet(f"Executions that have begun go on to their end ({limit}).")
    if until <= now:
        return ""
    return bullet(
        f"Executions that had begun go on until {format_time(until)} at the latest ({limit})."
    )


def compose_instructions(incident: Incident, context: NoticeContext) -> str:
    """What a person does about a function that is held."""
    waiting = "Events that wait include the loop's own: they come first after the restore."
    again = "from the folder of your Loopbreaker project"
    if parse_decision_reason(incident) is DecisionReason.CANNOT_BE_TOLD and is_only_held(incident):
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
        command_line(build_rollback_command(incident, context.deploy_flags)),
        indent(
            "Give every other -c flag of your deployment again, unless it is in cdk.json: one that"
            " is left out goes back to its default."
            if context.deploy_flags is None
            else "With the flags of your last deployment: one that is left out goes back to its"
            " default."
        ),
        *(
            (
                bullet("Not a loop? Restore it as above, and exempt it:", "3."),
                command_line(build_exempt_command(incident.function_arn, context.region)),
            )
            if incident.function_arn
            else ()
        ),
    )


def describe_environments(scaling: VersionScaling) -> str:
    """How many execution environments a version may have, for people."""
    least, most = scaling.minimum, scaling.maximum
    if least is None and most is None:
        return "Lambda's default number of execution environments"
    lowest = "Lambda's default" if least is None else f"{least:,}"
    highest = "Lambda's default" if most is None else f"{most:,}"
    return f"{lowest} to {highest} execution environments"


def compose_durable_executions(incident: Incident, region: str | None) -> str:
    """What goes on of a durable function although it is stopped, and how a person ends that.

    Stopping a durable execution cannot be undone: the guard never does. UNCONFIRMED: what becomes
    of one whose next invocation is throttled.
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
            build_aws_command(
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
            build_aws_command(
                region, "stop-durable-execution", "--durable-execution-arn", "ARN-OF-THE-EXECUTION"
            )
        ),
    )


def compose_manual_stop(incident: Incident, context: NoticeContext) -> str:
    """How a person stops the function without the guard."""
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
                build_scaling_look_command(incident.function, zero.qualifier, context.region)
            ),
            paragraph("Then stop it:"),
            command_line(build_scale_command(incident.function, zero, context.region)),
            paragraph("After that, fix the loop before you put the scaling back."),
        )
    return section(
        "STOP IT BY HAND",
        paragraph("Note what this shows, to put it back later (no number: nothing is reserved):"),
        command_line(build_look_command(incident.function, context.region)),
        paragraph("Then stop it:"),
        command_line(build_stop_command(incident.function, context.region)),
        paragraph("After that, fix the loop before you put the reservation back."),
    )


def compose_replica_stop(incident: Incident) -> str:
    """How a person stops a Lambda@Edge replica; empty for any other function.

    What a reservation of the function in us-east-1 does to its copies in other Regions is not
    documented (UNCONFIRMED). That CloudFront no longer invokes a function whose association was
    removed is (CloudFront developer guide, *Delete Lambda@Edge functions and replicas*).
    """
    replica = edge_replica(incident.function)
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


_ON_INSTANCES: Final = frozenset(
    {DecisionReason.SCALING_UNKNOWN, DecisionReason.NO_CAP_FOR_INSTANCES}
)


def _is_on_instances(incident: Incident) -> bool:
    return incident.is_on_instances or parse_decision_reason(incident) in _ON_INSTANCES


_NEVER_CHANGED: Final = frozenset(
    {StepStatus.FAILED, StepStatus.GONE, StepStatus.CHANGED_MEANWHILE}
)


def list_settings(incident: Incident) -> tuple[str, ...]:
    """What became of each setting that the guard had changed."""
    shown = incident.steps[:MOST_SETTINGS]
    return (
        *(bullet(_describe_setting(one)) for one in shown),
        "" if shown else bullet("Loopbreaker had changed nothing."),
        count_left_out(len(incident.steps) - len(shown), "setting"),
    )


def _describe_setting(outcome: StepOutcome) -> str:
    name = capitalize(name_step(outcome.step))
    before = _describe_prior_value(outcome.step)
    found = f" ({quote(outcome.restored_detail, 200)})" if outcome.restored_detail else ""
    match outcome.restored:
        case StepStatus.DONE:
            return f"{name}: restored, {before}."
        case StepStatus.ALREADY:
            return f"{name}: was already as before, {before}; not by this restore."
        case StepStatus.CHANGED_MEANWHILE:
            return f"{name}: somebody changed it meanwhile, so it was left alone{found}."
        case StepStatus.GONE:
            return f"{name}: no longer exists, so there was nothing to put back."
        case StepStatus.FAILED:
            return f"{name}: NOT put back; before, {before}."
        case StepStatus.PLANNED | None:
            if outcome.status in _NEVER_CHANGED:
                return f"{name}: never changed by Loopbreaker."
            return f"{name}: not put back yet; before, {before}."


def _describe_prior_value(step: Step) -> str:
    match step:
        case Reserve(prior=None):
            return "nothing reserved"
        case Reserve(prior=prior):
            return f"{prior:,} reserved"
        case ScaleToZero():
            return describe_environments(step.prior)
        case DisableMapping():
            return "enabled"
        case LimitMapping():
            return "no limit" if step.prior is None else f"{step.prior:,}"
        case RemoveProvisioned():
            return f"{step.prior:,} provisioned"


def describe_step_in_force(outcome: StepOutcome) -> str:
    """A change that is still in force, in a few words."""
    step = outcome.step
    match step:
        case Reserve():
            return f"reserved concurrency {step.to:,} (before: {_describe_prior_value(step)})"
        case ScaleToZero():
            return f"{name_step(step)} 0 (before: {_describe_prior_value(step)})"
        case DisableMapping():
            return f"{name_step(step)} disabled (before: enabled)"
        case LimitMapping():
            return f"{name_step(step)} {step.to:,} (before: {_describe_prior_value(step)})"
        case RemoveProvisioned():
            return f"{name_step(step)} none (before: {step.prior:,})"


def list_prior_values(outcomes: Sequence[StepOutcome]) -> tuple[str, ...]:
    """What was there before, one item a setting."""
    shown = outcomes[:_MOST_COMMANDS]
    return (
        *(
            bullet(f"{capitalize(name_step(one.step))}: {_describe_prior_value(one.step)}.")
            for one in shown
        ),
        "" if shown else bullet("Not known."),
        count_left_out(len(outcomes) - len(shown), "setting"),
    )


def compose_leftovers(
    incident: Incident,
    context: NoticeContext,
    changed: Sequence[StepOutcome],
    *,
    is_closed: bool = False,
) -> str:
    """What the guard had changed and nobody has put back, with how to do it."""
    if not changed:
        return ""
    shown = changed[:MOST_SETTINGS]
    by_flag = (
        ()
        if is_closed
        else (
            paragraph("This puts it back and leaves alone what others have changed:"),
            command_line(build_rollback_command(incident, context.deploy_flags)),
            paragraph("Or by hand:"),
        )
    )
    return section(
        "STILL CHANGED",
        *(
            bullet(f"{capitalize(name_step(one.step))}: {_describe_present_value(one.step)}.")
            for one in shown
        ),
        count_left_out(len(changed) - len(shown), "setting"),
        *(by_flag or (paragraph("Put it back by hand:"),)),
        *command_lines(build_restore_commands(changed, context.region)),
    )


def _describe_present_value(step: Step) -> str:
    match step:
        case Reserve():
            return f"{step.to:,}; before, {_describe_prior_value(step)}"
        case ScaleToZero():
            return f"0; before, {_describe_prior_value(step)}"
        case DisableMapping():
            source = f" ({clean(step.source_arn, 300)})" if step.source_arn else ""
            return f"disabled{source}"
        case LimitMapping():
            return f"{step.to:,}; before, {_describe_prior_value(step)}"
        case RemoveProvisioned():
            return f"none; before, {step.prior:,}"


_POLLED: Final = frozenset({TriggerKind.SQS, TriggerKind.STREAM, TriggerKind.OTHER_POLLED})


def list_aftermath(incident: Incident, context: NoticeContext, now: datetime) -> tuple[str, ...]:
    """What comes after a restore: by the triggers that it had when it was stopped.

    Only asynchronous events can have been lost at once; who has no such trigger reads of no loss.
    """
    routes = incident.routes or EventRoutes()
    known = routes.triggers if incident.is_at_zero else context.triggers
    kinds = None if known is None else {one.kind for one in known}
    lines = []
    if kinds is None or kinds & (_POLLED if incident.is_at_zero else _POLLED | {TriggerKind.ASYNC}):
        lines.append(
            "What has waited is delivered now, the loop's own events among it: expect a burst."
        )
    if incident.is_at_zero:
        lines += [
            _describe_async_aftermath(incident, routes),
            _describe_expired(incident, routes, now),
        ]
        if kinds is not None and TriggerKind.SYNC in kinds:
            lines.append(
                "Callers that waited for an answer were refused with status 429; Lambda has kept"
                " nothing of their requests."
            )
        if kinds == set():
            lines.append("Loopbreaker found no trigger when it was stopped.")
    return tuple(bullet(line) for line in lines if line)


def _describe_async_aftermath(incident: Incident, routes: EventRoutes) -> str:
    """What became of asynchronous events; empty for a function without such triggers."""
    if routes.triggers is None:
        whose = "If it also has asynchronous callers, their events of that time"
    else:
        names = [name_trigger(one) for one in routes.triggers if one.kind is TriggerKind.ASYNC]
        if not names:
            return ""
        whose = f"Asynchronous events of that time ({join_names(names)})"
    at_stop = routes.async_target_arn
    now_at = clean(incident.async_target_arn, 300)
    if at_stop:
        return f"{whose} are in {clean(at_stop, 300)}. Send them again if you need them."
    if at_stop is None:
        place = f" ({now_at})" if now_at else ""
        return (
            f"{whose} are in its dead-letter queue or on-failure destination{place}, or were lost"
            " if it had none."
        )
    later = f" Those that came after it was given {now_at} are there." if now_at else ""
    return (
        f"{whose} were lost: when it was stopped, the function had neither a dead-letter queue"
        f" nor an on-failure destination.{later}"
    )


def _describe_expired(incident: Incident, routes: EventRoutes, now: datetime) -> str:
    """Records of DynamoDB streams that did not outlive the stop; empty where all did."""
    end = find_end(incident, now).at
    if end is None or incident.stopped_at is None:
        return ""
    if end - incident.stopped_at < DYNAMODB_RETENTION:
        return ""
    names = [
        name_trigger(one)
        for one in routes.triggers or ()
        if one.kind is TriggerKind.STREAM and ":dynamodb:" in one.source_arn
    ]
    return (
        f"{join_names(names)}: records that waited longer than 24 h have expired." if names else ""
    )


def advise_on_refusal(words: str) -> str:
    """What helps against a refusal, where AWS's words tell."""
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


def compose_footer(incident: Incident, context: NoticeContext, now: datetime) -> tuple[str, ...]:
    """Links, and which incident this is."""
    links = []
    if context.region:
        begin = incident.assessment.since or incident.opened_at
        home = edge_replica(incident.function)
        name, region = (
            (incident.function, context.region) if home is None else (home.name, home.home)
        )
        links = [
            f"Function:\n{build_function_link(name, region)}",
            f"Metrics:\n{build_metric_link(incident.function, context.region, begin, now)}",
        ]
    stack = f", stack {clean(context.stack_name, 128)}" if context.stack_name else ""
    return (
        section("LINKS", *links) if links else "",
        paragraph(f"Incident {incident.id}{stack}{_describe_writing_time(incident, now)}."),
    )


def _describe_writing_time(incident: Incident, now: datetime) -> str:
    """By a clock that is behind the incident's own record it would contradict that record."""
    return "" if now < incident.updated_at else f", written at {format_time(now)}"


def name_stack(context: NoticeContext) -> str:
    """The name of the guard's stack."""
    return clean(context.stack_name or "Loopbreaker", 128)


def shorten_actor(actor: str) -> str:
    """The last part of an ARN: a user's or a session's name."""
    return cut_middle(clean(actor, 400).rsplit("/", 1)[-1].rsplit(":", 1)[-1], 32)


def quote_aws_error(detail: str) -> str:
    """Words of AWS, marked as such."""
    return f'AWS says: "{quote(detail)}"' if detail.strip() else ""


def list_failures(outcomes: Sequence[tuple[Step, str]], detail: str) -> tuple[str, ...]:
    """Each step that AWS refused, with its words; then words that belong to no step."""
    shown = outcomes[:MOST_SETTINGS]
    is_said = any(detail.strip() in words for _, words in outcomes)
    return (
        *(
            paragraph(f"{capitalize(name_step(step))}:", quote_aws_error(words) or "AWS refused.")
            for step, words in shown
        ),
        count_left_out(len(outcomes) - len(shown), "failure"),
        "" if is_said else paragraph(quote_aws_error(detail)),
    )


def join_names(names: Iterable[str]) -> str:
    """Names in a sentence; of many the first few."""
    every = tuple(names)
    shown = ", ".join(clean(one, 160) for one in every[:MOST_NAMES])
    more = len(every) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def count_left_out(count: int, noun: str) -> str:
    """How many were left out of a list; empty for none."""
    return bullet(f"({format_count(count, f'more {noun}')} left out here.)") if count > 0 else ""


def command_line(command: str) -> str:
    """A command on a line of its own, to be pasted."""
    return f"  {command}"


def command_lines(commands: Sequence[str]) -> tuple[str, ...]:
    """Commands, one a line, within the limit."""
    return (
        *(command_line(one) for one in commands[:_MOST_COMMANDS]),
        count_left_out(len(commands) - _MOST_COMMANDS, "command"),
    )


def indent(text: str) -> str:
    """Wrap a text that belongs to the item above it."""
    return "\n".join(f"   {line}" for line in paragraph(text).splitlines())


def section(title: str, *lines: str) -> str:
    """A title with its paragraphs apart and its list items together; nothing without any."""
    if not any(lines):
        return ""
    text, before = title, ""
    for line in lines:
        if line:
            kind = _classify_line(line)
            is_apart = (
                before not in {"", kind} and (before, kind) != ("text", "item")
            ) or before == kind == "text"
            text += f"\n\n{line}" if is_apart else f"\n{line}"
            before = kind
    return text


def _classify_line(line: str) -> str:
    if line.startswith("   "):
        return "note"
    if line.startswith("  "):
        return "command"
    mark = line.split(" ", 1)[0]
    return "item" if mark == "-" or mark.rstrip(".").isdecimal() else "text"


def capitalize(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def replace_unprintable(text: str) -> str:
    """Replace what cannot be printed by spaces."""
    return "".join(one if one.isprintable() else " " for one in text)


def compose_body(blocks: Iterable[str]) -> str:
    """The blocks with an empty line between them, cut at a line if they are far too long."""
    body = "\n\n".join(block for block in blocks if block) + "\n"
    if len(body.encode(errors="backslashreplace")) <= BODY_LIMIT:
        return body
    note = "\n(Cut here: the rest is too long for a notice.)\n"
    kept = body.encode(errors="backslashreplace")[: BODY_LIMIT - len(note)].decode(errors="ignore")
    return kept.rsplit("\n", 1)[0] + note
