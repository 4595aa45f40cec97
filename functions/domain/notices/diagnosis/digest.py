"""The mails about many findings: new or resolved ones of one run, and all that are open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.diagnosis.finding import Certainty
from functions.domain.diagnosis.finding_registry import (
    MOST_LEFT_OUT,
    Change,
    ChangeKind,
    FindingBook,
    OpenFinding,
)
from functions.domain.notices.commands import build_diagnose_command, name_flag
from functions.domain.notices.diagnosis.sections import compose_writing_time
from functions.domain.notices.layout import (
    MARK,
    SUBJECT_LIMIT,
    bullet,
    command_line,
    compose_body,
    count_left_out,
    describe_location,
    paragraph,
    section,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import format_count, format_time_with_age

MOST_LISTED: Final = 100


def compose_digest(changes: Sequence[Change], deployment: Deployment, now: datetime) -> Notice:
    """List many findings of one run: new ones, or resolved ones."""
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
                describe_location(deployment),
                section(
                    lead,
                    *(_describe_record(one.record, now, is_closed=are_closed) for one in shown),
                    count_left_out(len(changes) - len(shown), "finding"),
                ),
                "" if are_closed else _compose_hint(shown[0].record.function, deployment),
                compose_writing_time(deployment, now),
            )
        ),
    )


def compose_weekly(book: FindingBook, deployment: Deployment, now: datetime) -> Notice:
    """List the findings that are open."""
    functions = len({one.function for one in book.open})
    shown = book.open[:MOST_LISTED]
    first = shown[0].function if shown else ""
    return Notice(
        subject=f"{MARK} STILL OPEN: {format_count(len(book.open), 'finding')} in"
        f" {format_count(functions, 'function')}"[:SUBJECT_LIMIT],
        body=compose_body(
            (
                paragraph(
                    "These findings are open. A mail reported each when it was found; this list"
                    " comes once a week while any is open."
                ),
                describe_location(deployment),
                section(
                    "STILL OPEN, THE OLDEST FIRST",
                    *(_describe_record(one, now, is_closed=False) for one in shown),
                    count_left_out(len(book.open) - len(shown), "finding"),
                ),
                _compose_not_listed(book),
                _compose_hint(first, deployment) if first else "",
                compose_writing_time(deployment, now),
            )
        ),
    )


def compose_registry_full(book: FindingBook, deployment: Deployment, now: datetime) -> Notice:
    """Report that there are more findings than their record holds."""
    return Notice(
        subject=f"{MARK} MORE FINDINGS THAN ARE KEPT: {len(book.left_out):,} are not listed"[
            :SUBJECT_LIMIT
        ],
        body=compose_body(
            (
                paragraph(
                    f"The record of findings holds {len(book.open):,}, the certain and the oldest"
                    " ones. Each check finds the others again. They come into the record when"
                    " others are resolved, and a mail reports each then."
                ),
                describe_location(deployment),
                _compose_not_listed(book),
                compose_writing_time(deployment, now),
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


def _describe_record(record: OpenFinding, now: datetime, *, is_closed: bool) -> str:
    when = "" if is_closed else f" Since {format_time_with_age(record.first_seen, now)}."
    likely = " (likely)" if record.certainty is Certainty.LIKELY else ""
    return bullet(f"{record.function}, {record.title}{likely}: {record.summary}{when}")


def _compose_hint(function: str, deployment: Deployment) -> str:
    command = build_diagnose_command(function, deployment)
    return section(
        "MORE ABOUT ONE OF THEM",
        *(
            (
                paragraph("Evidence and remedy of one function, with commands to paste:"),
                command_line(command),
            )
            if command
            else (
                paragraph(
                    "For evidence and remedy of one function, with commands to paste, deploy once"
                    f" with {name_flag('diagnose', function, deployment)} on the LoopGuard of your"
                    " app."
                ),
            )
        ),
    )
