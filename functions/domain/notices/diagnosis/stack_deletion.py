"""What people are told of remedies that stay in force when the guard's own stack goes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.changes.steps import StepStatus
from functions.domain.diagnosis.remediation import Treatment, TreatmentState
from functions.domain.diagnosis.remedy import RemedyStep
from functions.domain.notices.diagnosis.commands import inverse_command, step_words
from functions.domain.notices.incident import Notice, NoticeContext
from functions.domain.notices.sections import (
    bounded,
    command_lines,
    left_out,
    section,
    stack,
    subject_line,
    where,
)
from functions.domain.notices.text import bullet, counted, moment, paragraph

IN_FORCE: Final = frozenset(
    {TreatmentState.APPLYING, TreatmentState.APPLIED, TreatmentState.UNDOING}
)
_MOST: Final = 50
_TAKEN_BACK: Final = frozenset({StepStatus.DONE, StepStatus.ALREADY, StepStatus.GONE})


def treatments_left(
    treatments: Sequence[Treatment], context: NoticeContext, now: datetime
) -> Notice:
    """The stack is being deleted while remedies of it are in force; at least one is given."""
    shown = treatments[:_MOST]
    names = tuple(dict.fromkeys(one.function for one in treatments))
    steps = [(one, step) for one in shown for step in _in_force(one)]
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return Notice(
        subject=subject_line(
            f"STACK DELETED, remedies stay on {counted(len(names), 'function')}:", names[0], more
        ),
        body=bounded(
            (
                paragraph(
                    f"The stack {stack(context)} is being deleted. What it changed to cure"
                    f" functions stays as it is at {moment(now)}: {counted(len(names), 'function')}"
                    " would lose what cures them otherwise. KEEP THIS NOTICE if you may want it"
                    " undone."
                ),
                where(context),
                section(
                    "STILL IN FORCE",
                    *(
                        bullet(f"{one.function}, {one.title}: {step_words(step)}")
                        for one, step in steps
                    ),
                    left_out(len(treatments) - len(shown), "remedy"),
                ),
                section(
                    "UNDO IT BY HAND",
                    *command_lines(
                        [inverse_command(step.inverse(), context.region) for _, step in steps]
                    ),
                ),
            )
        ),
    )


def _in_force(treatment: Treatment) -> tuple[RemedyStep, ...]:
    """The steps that were done, or may have been, from last to first."""
    return tuple(
        one.step
        for one in reversed(treatment.steps)
        if one.status in {StepStatus.DONE, StepStatus.PLANNED} and one.undone not in _TAKEN_BACK
    )
