"""The mails about one finding: that it was found, and that its cause is gone."""

from datetime import datetime
from typing import Final

from functions.domain.diagnosis.evaluated import EvaluatedFinding
from functions.domain.diagnosis.finding_registry import Change, ChangeKind
from functions.domain.notices.diagnosis.sections import compose_details, compose_footer
from functions.domain.notices.layout import (
    bullet,
    compose_body,
    compose_subject,
    describe_location,
    lines_of,
    paragraph,
    section,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import format_time_with_age

_LEADS: Final = {
    ChangeKind.NEW: "FOUND",
    ChangeKind.NEW_CAUSE: "FOUND ANOTHER CAUSE:",
    ChangeKind.RETURNED: "FOUND AGAIN",
}


def compose_finding(
    change: Change, judged: EvaluatedFinding, deployment: Deployment, now: datetime
) -> Notice:
    """Report a finding that is new, has a new cause, or is back."""
    finding = judged.finding
    return Notice(
        subject=compose_subject(
            _LEADS.get(change.kind, "FOUND"), finding.function, f": {finding.title}"
        ),
        body=compose_body(
            (
                lines_of(
                    finding.summary,
                    "It was resolved before and is back." * (change.kind is ChangeKind.RETURNED),
                    "It was found before, for another cause."
                    * (change.kind is ChangeKind.NEW_CAUSE),
                    describe_location(deployment),
                ),
                *compose_details(judged, deployment),
                *compose_footer(finding.function, deployment, now),
            )
        ),
    )


def compose_resolved(change: Change, deployment: Deployment, now: datetime) -> Notice:
    """Report a finding whose cause is gone."""
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
                describe_location(deployment),
                *compose_footer(record.function, deployment, now),
            )
        ),
    )
