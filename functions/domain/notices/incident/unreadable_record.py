"""The mail about an open incident that cannot be read."""

from functions.domain.notices.commands import build_look_command, name_restore_of_all
from functions.domain.notices.layout import (
    bullet,
    command_line,
    compose_body,
    compose_subject,
    describe_location,
    lines_of,
    section,
)
from functions.domain.notices.notice import Deployment, Notice


def compose_unreadable_record(function: str, deployment: Deployment) -> Notice:
    """Report a function whose open incident this version cannot read."""
    return Notice(
        subject=compose_subject("RECORD UNREADABLE:", function, " is not looked after"),
        body=compose_body(
            (
                lines_of(
                    f"RECORD UNREADABLE: the open incident of {function}. It may be stopped or"
                    " capped.",
                    describe_location(deployment),
                    "What is being lost is not known. Until the record can be read, Loopbreaker"
                    " neither looks after the function nor restores it, and"
                    f" {name_restore_of_all(deployment)} fails after it has restored all others.",
                ),
                section(
                    "WHAT TO DO",
                    bullet(
                        "If an older version of Loopbreaker was deployed, deploy the newer one"
                        " again: it reads the record.",
                        "1.",
                    ),
                    bullet(
                        "Otherwise the earlier mails about this function have the commands that"
                        " restore it by hand. This shows what is reserved now:",
                        "2.",
                    ),
                    command_line(build_look_command(function, deployment.region)),
                    bullet(
                        "Then delete the record, in the table that the stack's output LedgerTable"
                        f" names: pk is live, sk is incident#{function}.",
                        "3.",
                    ),
                ),
            )
        ),
    )
