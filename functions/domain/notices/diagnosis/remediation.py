"""The mails about a remedy that the guard applied or undid."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

from functions.domain.changes.outcome import StepStatus
from functions.domain.diagnosis.remediation import Remediation, RemediationEvent
from functions.domain.diagnosis.remedy import (
    AddPermission,
    NamedStep,
    PutInlinePolicy,
    RefreshCredentials,
    RemedyOutcome,
    SetMemory,
    SetTimeout,
    SetTracing,
)
from functions.domain.notices.commands import (
    build_remedy_command,
    build_remedy_undo_command,
    name_flag,
)
from functions.domain.notices.diagnosis.sections import (
    IN_YOUR_TEMPLATE,
    MOST_EVIDENCE,
    compose_footer,
    compose_page_link,
)
from functions.domain.notices.layout import (
    bullet,
    command_line,
    compose_body,
    compose_subject,
    describe_location,
    lines_of,
    paragraph,
    quote_aws_error,
    section,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import capitalize, clean, format_count, shorten_actor
from functions.domain.notices.ways_back import list_ways_back


def compose_remediation(
    event: RemediationEvent, remediation: Remediation, deployment: Deployment, now: datetime
) -> Notice:
    """Report what became of a remedy that the guard applied or undid."""
    match event:
        case RemediationEvent.APPLIED:
            return _compose_applied(remediation, deployment, now)
        case RemediationEvent.APPLY_FAILED:
            return _compose_apply_failed(remediation, deployment, now)
        case RemediationEvent.UNDONE | RemediationEvent.DELETED:
            return _compose_undone(event, remediation, deployment, now)
        case RemediationEvent.UNDO_FAILED:
            return _compose_undo_failed(remediation, deployment, now)


def _compose_applied(remediation: Remediation, deployment: Deployment, now: datetime) -> Notice:
    failed = [one for one in remediation.steps if one.status is StepStatus.FAILED]
    part = " IN PART" if failed else ""
    allowed = name_flag("remedies", str(remediation.kind), deployment)
    return Notice(
        subject=compose_subject(
            f"REMEDY APPLIED{part}:", remediation.function, f": {remediation.title}"
        ),
        body=compose_body(
            (
                lines_of(
                    remediation.summary,
                    f"Loopbreaker applied the remedy{' in part' if failed else ''}, as this"
                    f" deployment allows ({allowed}).",
                    describe_location(deployment),
                ),
                section("EVIDENCE", *map(bullet, remediation.evidence[:MOST_EVIDENCE])),
                section(
                    "WHAT WAS DONE",
                    bullet(remediation.remedy),
                    *_list_applied_steps(remediation.steps),
                    paragraph(IN_YOUR_TEMPLATE),
                ),
                _compose_undo(remediation, deployment),
                paragraph(
                    "The next examination checks whether it helped. You are notified when the"
                    " finding is resolved."
                ),
                compose_page_link(remediation.page),
                *compose_footer(remediation.function, deployment, now),
            )
        ),
    )


def _compose_apply_failed(
    remediation: Remediation, deployment: Deployment, now: datetime
) -> Notice:
    return Notice(
        subject=compose_subject(
            "REMEDY NOT APPLIED:", remediation.function, f": {remediation.title}"
        ),
        body=compose_body(
            (
                lines_of(
                    remediation.summary,
                    "Loopbreaker tried the remedy, and nothing of it is in force.",
                    describe_location(deployment),
                ),
                section("EVIDENCE", *map(bullet, remediation.evidence[:MOST_EVIDENCE])),
                section(
                    "WHAT WAS TRIED",
                    bullet(remediation.remedy),
                    *_list_applied_steps(remediation.steps),
                    paragraph("To do it by hand:"),
                    *(
                        command_line(text)
                        for one in remediation.steps
                        if (text := build_remedy_command(one.step, deployment.region))
                    ),
                ),
                compose_page_link(remediation.page),
                *compose_footer(remediation.function, deployment, now),
            )
        ),
    )


def _compose_undone(
    event: RemediationEvent, remediation: Remediation, deployment: Deployment, now: datetime
) -> Notice:
    is_deleted = event is RemediationEvent.DELETED
    who = f" by {shorten_actor(remediation.actor)}" if remediation.actor else ""
    opening = (
        f"{remediation.function} no longer exists. What Loopbreaker had given to its role is taken"
        " back."
        if is_deleted
        else f"Loopbreaker undid its remedy on {remediation.function}, as it was asked{who}. It"
        " does not apply it again."
    )
    left = [one for one in remediation.steps if one.restored is StepStatus.CHANGED_MEANWHILE]
    tail = (
        f", {format_count(len(left), 'setting')} left alone" if left else f": {remediation.title}"
    )
    return Notice(
        subject=compose_subject("REMEDY UNDONE:", remediation.function, tail),
        body=compose_body(
            (
                lines_of(opening, describe_location(deployment)),
                section("SETTINGS", *_list_undone_steps(remediation.steps)),
                section("WHAT IT WAS AGAINST", bullet(remediation.summary)),
                *compose_footer(remediation.function, deployment, now),
            )
        ),
    )


def _compose_undo_failed(remediation: Remediation, deployment: Deployment, now: datetime) -> Notice:
    return Notice(
        subject=compose_subject(
            "REMEDY NOT UNDONE:", remediation.function, f": {remediation.title}"
        ),
        body=compose_body(
            (
                lines_of(
                    f"Loopbreaker could not undo all of its remedy on {remediation.function}. What"
                    " AWS refused is still in force.",
                    describe_location(deployment),
                ),
                section("SETTINGS", *_list_undone_steps(remediation.steps)),
                _compose_undo(remediation, deployment),
                *compose_footer(remediation.function, deployment, now),
            )
        ),
    )


_DONE_WORDS: Final = {
    StepStatus.DONE: "done",
    StepStatus.ALREADY: "it was so already",
    StepStatus.PLANNED: "not done",
    StepStatus.CHANGED_MEANWHILE: "somebody changed it meanwhile, so it was left alone",
    StepStatus.GONE: "it no longer exists",
    StepStatus.FAILED: "AWS refused",
}
_UNDONE: Final = {
    **_DONE_WORDS,
    StepStatus.DONE: "undone",
    StepStatus.ALREADY: "was undone already",
    StepStatus.PLANNED: "not undone",
}


def _list_applied_steps(results: Sequence[RemedyOutcome]) -> tuple[str, ...]:
    return tuple(
        bullet(
            f"{capitalize(describe_step(one.step))}: {_describe_outcome(one.status, one.detail)}"
        )
        for one in results
    )


def _list_undone_steps(results: Sequence[RemedyOutcome]) -> tuple[str, ...]:
    shown = [one for one in results if one.status in {StepStatus.DONE, StepStatus.PLANNED}]
    outcomes = (
        (one.step, one.restored or StepStatus.PLANNED, one.restored_detail)
        for one in reversed(shown)
    )
    return tuple(
        bullet(f"{capitalize(describe_step(step))}: {_describe_outcome(status, detail, _UNDONE)}")
        for step, status, detail in outcomes
    )


def _describe_outcome(
    status: StepStatus, detail: str, verbs: Mapping[StepStatus, str] = _DONE_WORDS
) -> str:
    words = verbs[status]
    if status is StepStatus.FAILED and detail:
        return f"{words}. {quote_aws_error(detail)}"
    return f"{words} ({clean(detail, 300)})." if detail else f"{words}."


def _compose_undo(remediation: Remediation, deployment: Deployment) -> str:
    inverses = [
        build_remedy_undo_command(one.step.invert(), deployment.region)
        for one in reversed(remediation.steps)
        if one.status is StepStatus.DONE
        and one.restored not in {StepStatus.DONE, StepStatus.ALREADY, StepStatus.GONE}
    ]
    return section(
        "UNDO IT",
        paragraph("This undoes everything that nobody has changed since:"),
        *list_ways_back(remediation.function, remediation.function_arn, deployment),
        paragraph("Or by hand:") if inverses else "",
        *map(command_line, inverses),
    )


def describe_step(step: NamedStep) -> str:
    """Name what a step changes."""
    match step:
        case PutInlinePolicy():
            return f"inline policy {step.policy_name} of role {step.role}"
        case SetTracing():
            return f"tracing mode {step.prior} to {step.to}"
        case SetMemory():
            return f"memory size {step.prior:,} MB to {step.to:,} MB"
        case SetTimeout():
            return f"timeout {step.prior:,} s to {step.to:,} s"
        case AddPermission():
            return f"statement {step.statement_id} of the resource policy"
        case RefreshCredentials():
            return "a mark in the description, so that fresh environments take the new rights"
        case _:
            assert_never(step)
