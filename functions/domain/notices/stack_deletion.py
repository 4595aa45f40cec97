"""The mails about what stays as it is when the guard's own stack is deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import build_restore_commands
from functions.domain.notices.incident.sections.settings import (
    describe_step_in_force,
    list_steps_in_force,
)
from functions.domain.notices.layout import (
    MARK,
    MOST_NAMES,
    bullet,
    command_lines,
    compose_body,
    compose_subject,
    count_left_out,
    describe_location,
    name_stack,
    paragraph,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import format_count, format_time

_MOST_FUNCTIONS: Final = 25


def compose_stack_deleted(
    still_contained: Sequence[Incident], context: NoticeContext, now: datetime
) -> Notice:
    """The guard's own stack is being deleted while it holds functions."""
    changes = [(one, list_steps_in_force(one)) for one in still_contained]
    names = [one.function for one, _ in changes]
    shown = changes[:_MOST_FUNCTIONS]
    others_count = len(names) - 1
    lead = f"STACK DELETED, {format_count(len(names), 'function')} still held"
    if not names:
        return Notice(
            subject=f"{MARK} STACK DELETED: no function is held",
            body=compose_body(
                (
                    paragraph(
                        f"The stack {name_stack(context)} is being deleted. It holds no function:"
                        " there is nothing to put back. From now on no loop is stopped here."
                    ),
                    describe_location(context),
                )
            ),
        )
    # Reservations first, whatever else has to be left out: they are what keeps a function still.
    reservations = [
        command
        for _, steps in shown
        for command in build_restore_commands(steps, context.region, reserved_only=True)
    ]
    others = [
        command
        for _, steps in shown
        for command in build_restore_commands(steps, context.region, reserved_only=False)
    ]
    return Notice(
        subject=compose_subject(
            f"{lead}:", names[0], f" and {others_count:,} more" if others_count else ""
        ),
        body=compose_body(
            (
                paragraph(
                    f"The stack {name_stack(context)} is being deleted. It puts nothing back by"
                    f" itself: {format_count(len(names), 'function stays', 'functions stay')} as"
                    f" {'it is' if len(names) == 1 else 'they are'} at {format_time(now)}, and from"
                    " now on no loop is stopped here. KEEP THIS NOTICE until all is put back."
                ),
                describe_location(context),
                section(
                    "STILL HELD",
                    *(
                        bullet(
                            f"{one.function}: "
                            + (
                                "; ".join(
                                    describe_step_in_force(step) for step in steps[:MOST_NAMES]
                                )
                                or "what was there before is not known"
                            )
                            + (f" and {len(steps) - MOST_NAMES:,} more" * (len(steps) > MOST_NAMES))
                        )
                        for one, steps in shown
                    ),
                    count_left_out(len(changes) - len(shown), "function"),
                ),
                section(
                    "PUT THEM BACK, ONCE THE LOOPS ARE FIXED",
                    paragraph("The reservations:"),
                    *command_lines(reservations),
                    *(
                        (
                            paragraph("Then what was disabled or taken away beside them:"),
                            *command_lines(others),
                        )
                        if others
                        else ()
                    ),
                ),
            )
        ),
    )
