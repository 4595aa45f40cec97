"""What people are told of remedies that stay in force when the guard's own stack goes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.changes.steps import StepStatus
from functions.domain.diagnosis.remediation import Treatment, TreatmentState
from functions.domain.diagnosis.remedy import RemedyStep
from functions.domain.notices.diagnosis.commands import build_inverse_command, describe_step
from functions.domain.notices.layout import (
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

IN_FORCE: Final = frozenset(
    {TreatmentState.APPLYING, TreatmentState.APPLIED, TreatmentState.UNDOING}
)
_MOST: Final = 50
_TAKEN_BACK: Final = frozenset({StepStatus.DONE, StepStatus.ALREADY, StepStatus.GONE})


def compose_remedies_left(
    treatments: Sequence[Treatment], context: NoticeContext, now: datetime
) -> Notice:
    """The stack is being deleted while remedies of it are in force; at least one is given."""
    shown = treatments[:_MOST]
    names = tuple(dict.fromkeys(one.function for one in treatments))
    steps = [(one, step) for one in shown for step in _list_remedy_steps(one)]
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return Notice(
        subject=compose_subject(
            f"STACK DELETED, remedies stay on {format_count(len(names), 'function')}:",
            names[0],
            more,
        ),
        body=compose_body(
            (
                paragraph(
                    f"The stack {name_stack(context)} is being deleted. What it changed to cure"
                    f" functions stays as it is at {format_time(now)}:"
                    f" {format_count(len(names), 'function')} would lose what cures them"
                    " otherwise. KEEP THIS NOTICE if you may want it undone."
                ),
                describe_location(context),
                section(
                    "STILL IN FORCE",
                    *(
                        bullet(f"{one.function}, {one.title}: {describe_step(step)}")
                        for one, step in steps
                    ),
                    count_left_out(len(treatments) - len(shown), "remedy"),
                ),
                section(
                    "UNDO IT BY HAND",
                    *command_lines(
                        [build_inverse_command(step.inverse(), context.region) for _, step in steps]
                    ),
                ),
            )
        ),
    )


def _list_remedy_steps(treatment: Treatment) -> tuple[RemedyStep, ...]:
    """The steps that were done, or may have been, from last to first."""
    return tuple(
        one.step
        for one in reversed(treatment.steps)
        if one.status in {StepStatus.DONE, StepStatus.PLANNED} and one.undone not in _TAKEN_BACK
    )
