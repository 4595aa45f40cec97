"""What people are told of findings and remedies: one notice for each thing, once.

As in the notices of incidents, the most important comes first: what is wrong with which function,
what shows it, what cures it with commands to paste, and what the guard did or why not.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from functions.domain.changes.steps import StepStatus
from functions.domain.diagnosis.authorization import Consent, RemedyDecision
from functions.domain.diagnosis.checks import pages
from functions.domain.diagnosis.evaluated import Judged, Patient
from functions.domain.diagnosis.finding import Certainty, Finding
from functions.domain.diagnosis.finding_registry import (
    MOST_LEFT_OUT,
    Change,
    ChangeKind,
    FindingBook,
    OpenFinding,
)
from functions.domain.diagnosis.remediation import Treatment, TreatmentEvent
from functions.domain.diagnosis.remedy import Remedy, StepResult
from functions.domain.notices.diagnosis.commands import (
    build_diagnose_command,
    build_inverse_command,
    build_rollback_command,
    build_step_command,
    describe_step,
)
from functions.domain.notices.layout import (
    MARK,
    SUBJECT_LIMIT,
    bullet,
    command_line,
    compose_body,
    compose_subject,
    count_left_out,
    describe_location,
    paragraph,
    quote,
    quote_aws_error,
    section,
)
from functions.domain.notices.links import build_function_link
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import (
    capitalize,
    clean,
    format_count,
    format_time,
    format_time_with_age,
    shorten_actor,
)

OUTPUT_LIMIT: Final = 3_500  # bytes: a custom resource answers at most 4 KB
MOST_EVIDENCE: Final = 20
MOST_REMEDIES: Final = 10
MOST_LISTED: Final = 100

_LEADS: Final = {
    ChangeKind.NEW: "FOUND",
    ChangeKind.NEW_CAUSE: "FOUND MORE",
    ChangeKind.RETURNED: "FOUND AGAIN",
}
CERTAINTY_WORDS: Final = {
    Certainty.CERTAIN: "certain",
    Certainty.LIKELY: "likely, not certain",
}
_WHY_NOT: Final = {
    Consent.OWN_FUNCTION: "It is a function of Loopbreaker itself, which never changes itself.",
    Consent.EXEMPT: "The function is exempt.",
    Consent.CONTAINED: "It holds the function, and changes nothing of it while it does.",
    Consent.OBSERVE_MODE: "It is in observe mode.",
    Consent.NOT_CERTAIN: "The finding is likely, not certain: a person decides.",
    Consent.NO_CEILING: "Memory is changed only within -c memory_ceiling_mb=, which is not given.",
    Consent.ABOVE_CEILING: "It would be above the memory_ceiling_mb of this deployment.",
    Consent.TOO_BROAD: "The change would allow more than the finding needs.",
    Consent.UNDONE_BY_PERSON: "A person undid this remedy before, and it is not repeated.",
}


# One thing ---------------------------------------------------------------------------------------


def compose_finding(
    change: Change, judged: Judged, context: NoticeContext, now: datetime
) -> Notice:
    """A finding that is new, has a new cause, or is back."""
    finding = judged.finding
    return Notice(
        subject=compose_subject(
            _LEADS.get(change.kind, "FOUND"), finding.function, f": {finding.title}"
        ),
        body=compose_body(
            (
                paragraph(
                    finding.summary,
                    "It was resolved before and is back." * (change.kind is ChangeKind.RETURNED),
                    "It was found before, for another cause."
                    * (change.kind is ChangeKind.NEW_CAUSE),
                ),
                *compose_details(judged, context),
                *compose_footer(finding.function, context, now),
            )
        ),
    )


def compose_resolved(change: Change, context: NoticeContext, now: datetime) -> Notice:
    """A finding whose cause is gone."""
    record = change.record
    opening = (
        f"{record.function} no longer exists, so this is resolved: {record.title}."
        if change.is_deleted
        else f"{record.function}: the cause of this finding is gone ({record.title})."
    )
    return Notice(
        subject=compose_subject("RESOLVED", record.function, f": {record.title}"),
        body=compose_body(
            (
                paragraph(
                    opening, f"It was found at {format_time_with_age(record.first_seen, now)}."
                ),
                section("WHAT IT WAS", bullet(record.summary)),
                describe_location(context),
                *compose_footer(record.function, context, now),
            )
        ),
    )


def compose_remediation(
    event: TreatmentEvent, treatment: Treatment, context: NoticeContext, now: datetime
) -> Notice:
    """What became of a remedy that the guard applied or undid."""
    match event:
        case TreatmentEvent.APPLIED:
            return _compose_applied(treatment, context, now)
        case TreatmentEvent.APPLY_FAILED:
            return _compose_apply_failed(treatment, context, now)
        case TreatmentEvent.UNDONE | TreatmentEvent.DELETED:
            return _compose_undone(event, treatment, context, now)
        case TreatmentEvent.UNDO_FAILED:
            return _compose_undo_failed(treatment, context, now)


# Many things -------------------------------------------------------------------------------------


def compose_digest(changes: Sequence[Change], context: NoticeContext, now: datetime) -> Notice:
    """Many findings of one round at once: new ones, or resolved ones."""
    are_closed = all(one.kind is ChangeKind.CLOSED for one in changes)
    functions = len({one.record.function for one in changes})
    lead = "RESOLVED" if are_closed else "FOUND"
    shown = changes[:MOST_LISTED]
    return Notice(
        subject=f"{MARK} {lead} {format_count(len(changes), 'finding')} in"
        f" {format_count(functions, 'function')}"[:SUBJECT_LIMIT],
        body=compose_body(
            (
                paragraph(
                    f"{format_count(len(changes), 'finding')} in"
                    f" {format_count(functions, 'function')}"
                    f" {'are resolved' if are_closed else 'are new'}, in one list because they are"
                    " many."
                ),
                describe_location(context),
                section(
                    lead,
                    *(_describe_record(one.record, now, is_closed=are_closed) for one in shown),
                    count_left_out(len(changes) - len(shown), "finding"),
                ),
                "" if are_closed else _compose_hint(shown[0].record.function, context),
                compose_writing_time(context, now),
            )
        ),
    )


def compose_weekly(book: FindingBook, context: NoticeContext, now: datetime) -> Notice:
    """The findings that are open."""
    functions = len({one.function for one in book.open})
    shown = book.open[:MOST_LISTED]
    first = shown[0].function if shown else ""
    return Notice(
        subject=f"{MARK} STILL OPEN: {format_count(len(book.open), 'finding')} in"
        f" {format_count(functions, 'function')}"[:SUBJECT_LIMIT],
        body=compose_body(
            (
                paragraph(
                    "These findings are open. You were told of each when it was found; this list"
                    " comes once a week as long as there are any."
                ),
                describe_location(context),
                section(
                    "STILL OPEN, THE OLDEST FIRST",
                    *(_describe_record(one, now, is_closed=False) for one in shown),
                    count_left_out(len(book.open) - len(shown), "finding"),
                ),
                _compose_not_listed(book),
                _compose_hint(first, context) if first else "",
                compose_writing_time(context, now),
            )
        ),
    )


def compose_registry_full(book: FindingBook, context: NoticeContext, now: datetime) -> Notice:
    """There are more findings than the record of them holds."""
    return Notice(
        subject=f"{MARK} MORE FINDINGS THAN ARE KEPT: {len(book.left_out):,} are not listed"[
            :SUBJECT_LIMIT
        ],
        body=compose_body(
            (
                paragraph(
                    f"The record of findings holds {len(book.open):,}, the certain and the oldest"
                    " ones. The others are found again with every look, and come into the record"
                    " as others are resolved: each is told of then."
                ),
                describe_location(context),
                _compose_not_listed(book),
                compose_writing_time(context, now),
            )
        ),
    )


def _compose_not_listed(book: FindingBook) -> str:
    parts = []
    if book.left_out:
        more = "at least " if len(book.left_out) >= MOST_LEFT_OUT else ""
        parts.append(
            f"Not listed, because the record has no room for them: {more}"
            f"{format_count(len(book.left_out), 'finding')}. Deploy with -c diagnose=FUNCTION to"
            " see what is found of one function."
        )
    if book.unsent:
        parts.append(
            f"{format_count(book.unsent, 'notice')} could not be sent for long and"
            f" {'was' if book.unsent == 1 else 'were'} dropped."
        )
    return section("NOT LISTED", paragraph(*parts)) if parts else ""


# The answer to -c diagnose= ----------------------------------------------------------------------


def compose_output(patients: Sequence[Patient], context: NoticeContext) -> str:
    """The answer to ``-c diagnose=<function>`` for the stack's output, within `OUTPUT_LIMIT`."""
    del context  # an output is read beside its stack: where it is need not be said
    text = "\n".join(line for one in patients for line in _list_lines(one))
    if len(text.encode(errors="backslashreplace")) <= OUTPUT_LIMIT:
        return text
    note = "\n(Cut here: the whole answer is in the mail.)"
    kept = text.encode(errors="backslashreplace")[: OUTPUT_LIMIT - len(note)].decode(
        errors="ignore"
    )
    return kept.rsplit("\n", 1)[0] + note


def compose_answer(patients: Sequence[Patient], context: NoticeContext, now: datetime) -> Notice:
    """The same at length, for the mail."""
    first = patients[0].facts.name if patients else "nothing"
    found = sum(len(one.judged) for one in patients)
    what = format_count(found, "finding") if found else "nothing found"
    if patients and all(one.facts.is_contained for one in patients):
        what = "not examined"
    return Notice(
        subject=compose_subject("DIAGNOSIS", first, f": {what}"),
        body=compose_body(
            (
                *(block for one in patients for block in _compose_blocks(one, context)),
                *compose_footer(first, context, now),
            )
        ),
    )


# Parts -------------------------------------------------------------------------------------------


def compose_details(judged: Judged, context: NoticeContext) -> tuple[str, ...]:
    """Evidence, cure, and what the guard did."""
    finding = judged.finding
    return (
        paragraph(f"This is {CERTAINTY_WORDS[finding.certainty]}."),
        describe_location(context),
        section(
            "WHAT SHOWS IT",
            *(bullet(one.said()) for one in finding.evidence[:MOST_EVIDENCE]),
            count_left_out(len(finding.evidence) - MOST_EVIDENCE, "observation"),
        ),
        _compose_remedies(finding, context),
        section("WHAT LOOPBREAKER DID", paragraph(describe_decision(judged.decision, finding))),
        compose_unread(finding.gaps),
        compose_page_link(finding.page),
    )


def _compose_remedies(finding: Finding, context: NoticeContext) -> str:
    shown = finding.remedies[:MOST_REMEDIES]
    lines = []
    for number, remedy in enumerate(shown, start=1):
        lines.append(bullet(remedy.words, f"{number}."))
        lines += [command_line(one) for one in _list_commands(remedy, context)]
        if remedy.alternative:
            lines.append(paragraph(remedy.alternative))
    lines.append(count_left_out(len(finding.remedies) - len(shown), "remedy"))
    return section("WHAT CURES IT", *lines)


def _list_commands(remedy: Remedy, context: NoticeContext) -> tuple[str, ...]:
    """What to paste. A name that no line can hold is none of AWS's, so its command is left out."""
    commands = (build_step_command(one, context.region) for one in remedy.steps)
    return tuple(one for one in commands if one and one.isprintable())


def describe_decision(decision: RemedyDecision, finding: Finding) -> str:
    """What the guard did about a finding, or why it did nothing, in sentences."""
    remedy = decision.remedy
    match decision.consent:
        case Consent.ALLOWED:
            return "It applied the remedy."
        case Consent.TREATED_BEFORE:
            return (
                "It applied a remedy before and the finding is still there: it does not try again,"
                " a person has to look."
            )
        case Consent.NAMED_ONLY:
            why = remedy.named_only if remedy is not None else ""
            return f"Nothing. {why}".rstrip()
        case Consent.NOT_ALLOWED:
            flag = remedy.kind if remedy is not None and remedy.kind else "..."
            ceiling = " -c memory_ceiling_mb=<MB>" if flag == "memory" else ""
            likely = (
                " (once the finding is certain)" if finding.certainty is Certainty.LIKELY else ""
            )
            return (
                "Nothing: this deployment does not allow it. To let it apply the first of these"
                f" remedies by itself{likely}, deploy with -c remedies={flag}{ceiling}."
            )
        case other:
            return f"Nothing. {_WHY_NOT[other]}"


def _compose_applied(treatment: Treatment, context: NoticeContext, now: datetime) -> Notice:
    failed = [one for one in treatment.steps if one.status is StepStatus.FAILED]
    part = " IN PART" if failed else ""
    return Notice(
        subject=compose_subject(
            f"REMEDY APPLIED{part}:", treatment.function, f": {treatment.title}"
        ),
        body=compose_body(
            (
                paragraph(treatment.summary),
                paragraph(
                    f"Loopbreaker applied the remedy{' in part' if failed else ''}, as this"
                    f" deployment allows (-c remedies={treatment.kind})."
                ),
                describe_location(context),
                section("WHAT SHOWED IT", *map(bullet, treatment.evidence[:MOST_EVIDENCE])),
                section(
                    "WHAT WAS DONE", bullet(treatment.remedy), *_list_applied_steps(treatment.steps)
                ),
                _compose_undo(treatment, context),
                paragraph(
                    "Whether it helped is looked at with the next examination; you are told when"
                    " the finding is resolved."
                ),
                compose_page_link(treatment.page),
                *compose_footer(treatment.function, context, now),
            )
        ),
    )


def _compose_apply_failed(treatment: Treatment, context: NoticeContext, now: datetime) -> Notice:
    return Notice(
        subject=compose_subject("REMEDY NOT APPLIED:", treatment.function, f": {treatment.title}"),
        body=compose_body(
            (
                paragraph(treatment.summary),
                paragraph("Loopbreaker tried the remedy, and nothing of it is in force."),
                describe_location(context),
                section("WHAT SHOWED IT", *map(bullet, treatment.evidence[:MOST_EVIDENCE])),
                section(
                    "WHAT WAS TRIED",
                    bullet(treatment.remedy),
                    *_list_applied_steps(treatment.steps),
                    paragraph("To do it by hand:"),
                    *(
                        command_line(text)
                        for one in treatment.steps
                        if (text := build_step_command(one.step, context.region))
                    ),
                ),
                compose_page_link(treatment.page),
                *compose_footer(treatment.function, context, now),
            )
        ),
    )


def _compose_undone(
    event: TreatmentEvent, treatment: Treatment, context: NoticeContext, now: datetime
) -> Notice:
    is_deleted = event is TreatmentEvent.DELETED
    who = f" by {shorten_actor(treatment.actor)}" if treatment.actor else ""
    opening = (
        f"{treatment.function} no longer exists. What Loopbreaker had given to its role is taken"
        " back."
        if is_deleted
        else f"Loopbreaker undid its remedy on {treatment.function}, as it was asked{who}. It does"
        " not apply it again."
    )
    left = [one for one in treatment.steps if one.undone is StepStatus.CHANGED_MEANWHILE]
    tail = f", {format_count(len(left), 'setting')} left alone" if left else f": {treatment.title}"
    return Notice(
        subject=compose_subject("REMEDY UNDONE:", treatment.function, tail),
        body=compose_body(
            (
                paragraph(opening),
                describe_location(context),
                section("SETTINGS", *_list_undone_steps(treatment.steps)),
                section("WHAT IT WAS AGAINST", bullet(treatment.summary)),
                *compose_footer(treatment.function, context, now),
            )
        ),
    )


def _compose_undo_failed(treatment: Treatment, context: NoticeContext, now: datetime) -> Notice:
    return Notice(
        subject=compose_subject("REMEDY NOT UNDONE:", treatment.function, f": {treatment.title}"),
        body=compose_body(
            (
                paragraph(
                    f"Loopbreaker could not undo all of its remedy on {treatment.function}. What"
                    " AWS refused is still in force."
                ),
                describe_location(context),
                section("SETTINGS", *_list_undone_steps(treatment.steps)),
                _compose_undo(treatment, context),
                *compose_footer(treatment.function, context, now),
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


def _list_applied_steps(results: Sequence[StepResult]) -> tuple[str, ...]:
    return tuple(
        bullet(
            f"{capitalize(describe_step(one.step))}: {_describe_outcome(one.status, one.detail)}"
        )
        for one in results
    )


def _list_undone_steps(results: Sequence[StepResult]) -> tuple[str, ...]:
    shown = [one for one in results if one.status in {StepStatus.DONE, StepStatus.PLANNED}]
    return tuple(
        bullet(
            f"{capitalize(describe_step(one.step))}:"
            f" {_describe_outcome(one.undone or StepStatus.PLANNED, one.undone_detail, _UNDONE)}"
        )
        for one in reversed(shown)
    )


def _describe_outcome(
    status: StepStatus, detail: str, verbs: Mapping[StepStatus, str] = _DONE_WORDS
) -> str:
    words = verbs[status]
    if status is StepStatus.FAILED and detail:
        return f"{words}. {quote_aws_error(detail)}"
    return f"{words} ({quote(detail, 300)})." if detail else f"{words}."


def _compose_undo(treatment: Treatment, context: NoticeContext) -> str:
    inverses = [
        build_inverse_command(one.step.inverse(), context.region)
        for one in reversed(treatment.steps)
        if one.status is StepStatus.DONE
        and one.undone not in {StepStatus.DONE, StepStatus.ALREADY, StepStatus.GONE}
    ]
    return section(
        "UNDO IT",
        paragraph("This puts everything back that nobody has changed since:"),
        command_line(
            build_rollback_command(treatment.function, treatment.function_arn, context.deploy_flags)
        ),
        paragraph("Or by hand:") if inverses else "",
        *map(command_line, inverses),
    )


def compose_page_link(url: str) -> str:
    """Link to the page of AWS that says more; empty for none."""
    if not url:
        return ""
    title = f", {pages.TITLES[url]}" if url in pages.TITLES else ""
    return f"{paragraph(f'On the page of AWS{title}:')}\n{url}"


def compose_unread(gaps: Sequence[str]) -> str:
    """List what AWS did not let the guard read."""
    if not gaps:
        return ""
    return section(
        "WHAT COULD NOT BE READ", *(bullet(quote(one, 300)) for one in gaps[:MOST_EVIDENCE])
    )


def _describe_record(record: OpenFinding, now: datetime, *, is_closed: bool) -> str:
    when = "" if is_closed else f" Since {format_time_with_age(record.first_seen, now)}."
    likely = " (likely)" if record.certainty is Certainty.LIKELY else ""
    return bullet(f"{record.function}, {record.title}{likely}: {record.summary}{when}")


def _compose_hint(function: str, context: NoticeContext) -> str:
    return section(
        "MORE ABOUT ONE OF THEM",
        paragraph("Evidence and remedy of one function, with commands to paste:"),
        command_line(build_diagnose_command(function, "", context.deploy_flags)),
    )


def _compose_blocks(patient: Patient, context: NoticeContext) -> tuple[str, ...]:
    facts = patient.facts
    if facts.is_contained:
        return (paragraph(_describe_contained(facts.name)),)
    blocks = [paragraph(_describe_count(patient))]
    for judged in patient.judged:
        blocks += [
            paragraph(f"{judged.finding.title.upper()}: {judged.finding.summary}"),
            *compose_details(judged, context),
        ]
    if not patient.judged:
        blocks.append(describe_location(context))
    said = {gap for judged in patient.judged for gap in judged.finding.gaps}
    every = (f"{one.part}: {one.words}" for one in facts.gaps)
    blocks.append(compose_unread([one for one in every if one not in said]))
    return tuple(blocks)


def _list_lines(patient: Patient) -> tuple[str, ...]:
    if patient.facts.is_contained:
        return (_describe_contained(patient.facts.name),)
    lines = [_describe_count(patient)]
    for number, judged in enumerate(patient.judged, start=1):
        finding = judged.finding
        remedy = judged.decision.remedy or next(iter(finding.remedies), None)
        lines.append(
            f"{number}. {finding.title} ({CERTAINTY_WORDS[finding.certainty]}): {finding.summary}"
        )
        if remedy is not None:
            lines.append(f"   Cure: {remedy.words}")
        lines.append(f"   Loopbreaker did: {describe_decision(judged.decision, finding)}")
    if patient.facts.gaps:
        parts = ", ".join(dict.fromkeys(str(one.part) for one in patient.facts.gaps))
        lines.append(f"   Could not be read: {parts}.")
    return tuple(clean_line(one) for one in lines)


def clean_line(line: str) -> str:
    """A line without control characters, its indentation kept."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + clean(line, 900)


def _describe_contained(function: str) -> str:
    return (
        f"{function}: not examined, because Loopbreaker holds it (reserved concurrency 0). Examine"
        " it after it was restored."
    )


def _describe_count(patient: Patient) -> str:
    checks = format_count(patient.checks, "check")
    found = len(patient.judged)
    open_ = patient.checks - len(
        patient.examination.complete | {one.finding.entry for one in patient.judged}
    )
    undecided = f", of which {open_} could not be decided" if open_ > 0 else ""
    what = format_count(found, "finding") if found else "nothing found"
    return f"{patient.facts.name}: {what} ({checks}{undecided})."


def compose_footer(function: str, context: NoticeContext, now: datetime) -> tuple[str, ...]:
    """Link to the function, and say of which stack the mail is and when it was written."""
    links = (
        section("LINKS", f"Function:\n{build_function_link(function, context.region)}")
        if context.region
        else ""
    )
    return (links, compose_writing_time(context, now))


def compose_writing_time(context: NoticeContext, now: datetime) -> str:
    """Say of which stack the mail is, and when it was written."""
    stack = f"Stack {clean(context.stack_name, 128)}, written" if context.stack_name else "Written"
    return paragraph(f"{stack} at {format_time(now)}.")
