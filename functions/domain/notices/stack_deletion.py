"""The mails about what stays as it is when the guard's own stack is deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.diagnosis.remedy import RemedyStep
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import build_remedy_undo_command, build_restore_commands
from functions.domain.notices.diagnosis.remediation import describe_step
from functions.domain.notices.incident.sections.settings import (
    describe_step_in_force,
    list_steps_in_force,
)
from functions.domain.notices.layout import (
    MOST_NAMES,
    bullet,
    command_lines,
    compose_body,
    compose_subject,
    count_left_out,
    describe_location,
    lines_of,
    name_stack,
    paragraph,
    section,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import format_count, format_time

_MOST_FUNCTIONS: Final = 25
_MOST_REMEDIES: Final = 50
_TAKEN_BACK: Final = frozenset({StepStatus.DONE, StepStatus.ALREADY, StepStatus.GONE})


def compose_functions_left(
    incidents: Sequence[Incident], deployment: Deployment, now: datetime
) -> Notice:
    """Report which functions stay held; at least one is given."""
    changes = [(one, list_steps_in_force(one)) for one in incidents]
    names = [one.function for one, _ in changes]
    shown = changes[:_MOST_FUNCTIONS]
    # Reservations first, whatever else has to be left out: they are what keeps a function still.
    reservations = [
        command
        for _, steps in shown
        for command in build_restore_commands(steps, deployment.region, reserved_only=True)
    ]
    others = [
        command
        for _, steps in shown
        for command in build_restore_commands(steps, deployment.region, reserved_only=False)
    ]
    return Notice(
        subject=compose_subject(
            f"STACK DELETED, {format_count(len(names), 'function')} still contained:",
            names[0],
            _count_others(names),
        ),
        body=compose_body(
            (
                lines_of(
                    f"STACK DELETED: {name_stack(deployment)} restores nothing by itself."
                    f" {format_count(len(names), 'function stays', 'functions stay')} as"
                    f" {'it is' if len(names) == 1 else 'they are'} at {format_time(now)}.",
                    describe_location(deployment),
                    "What waits or is lost of their events goes on as their own mails say. From now"
                    " on no loop is stopped here.",
                    "KEEP THIS NOTICE until all is restored: the commands are below.",
                ),
                section(
                    "STILL CONTAINED",
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
                    "RESTORE THEM, ONCE THE LOOPS ARE FIXED",
                    paragraph("The reservations:"),
                    *command_lines(reservations),
                    *(
                        (
                            paragraph("Then what was disabled or removed beside them:"),
                            *command_lines(others),
                        )
                        if others
                        else ()
                    ),
                ),
            )
        ),
    )


def compose_remedies_left(
    remediations: Sequence[Remediation], deployment: Deployment, now: datetime
) -> Notice:
    """Report which remedies stay in force; at least one is given."""
    shown = remediations[:_MOST_REMEDIES]
    names = tuple(dict.fromkeys(one.function for one in remediations))
    steps = [(one, step) for one in shown for step in _list_remedy_steps(one)]
    return Notice(
        subject=compose_subject(
            f"STACK DELETED, remedies stay on {format_count(len(names), 'function')}:",
            names[0],
            _count_others(names),
        ),
        body=compose_body(
            (
                lines_of(
                    f"STACK DELETED: {name_stack(deployment)} undoes no remedy by itself. What it"
                    f" fixed in {format_count(len(names), 'function')} stays as it is at"
                    f" {format_time(now)}.",
                    describe_location(deployment),
                    "KEEP THIS NOTICE if you may want it undone.",
                ),
                section(
                    "STILL IN FORCE",
                    *(
                        bullet(f"{one.function}, {one.title}: {describe_step(step)}")
                        for one, step in steps
                    ),
                    count_left_out(len(remediations) - len(shown), "remedy"),
                ),
                section(
                    "UNDO IT BY HAND",
                    *command_lines(
                        [
                            build_remedy_undo_command(step.invert(), deployment.region)
                            for _, step in steps
                        ]
                    ),
                ),
            )
        ),
    )


def _list_remedy_steps(remediation: Remediation) -> tuple[RemedyStep, ...]:
    """List the steps that were done, or may have been, from last to first."""
    return tuple(
        one.step
        for one in reversed(remediation.steps)
        if one.status in {StepStatus.DONE, StepStatus.PLANNED} and one.restored not in _TAKEN_BACK
    )


def _count_others(names: Sequence[str]) -> str:
    return f" and {len(names) - 1:,} more" if len(names) > 1 else ""
