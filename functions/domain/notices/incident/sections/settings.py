"""What the guard changes of a function: each setting now and before, and what became of it."""

from collections.abc import Sequence
from typing import Final

from functions.domain.changes.outcome import PUT_BACK, StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    LimitMapping,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    Step,
    StepOutcome,
    VersionScaling,
    restore_order,
)
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import build_restore_commands
from functions.domain.notices.layout import (
    MOST_COMMANDS,
    MOST_NAMES,
    bullet,
    command_lines,
    count_left_out,
    join_names,
    paragraph,
    quote_aws_error,
    section,
)
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import capitalize, clean, format_count
from functions.domain.notices.ways_back import list_ways_back

MOST_SETTINGS: Final = 15
# Steps in these states changed nothing.
_UNCHANGED: Final = frozenset({StepStatus.FAILED, StepStatus.GONE, StepStatus.CHANGED_MEANWHILE})


def list_steps_in_force(incident: Incident) -> tuple[StepOutcome, ...]:
    """List the steps that are, or may be, still in force, in the order of their undoing.

    A step that is only planned counts: a run may have died between doing it and writing it down.
    """
    outcomes = incident.steps
    if not outcomes and incident.snapshot is not None:
        prior = incident.snapshot.reserved_concurrency
        step = Reserve(function=incident.function, to=incident.target or 0, prior=prior)
        outcomes = (StepOutcome(step=step),)
    return tuple(
        one
        for one in restore_order(outcomes)
        if one.status not in _UNCHANGED and one.restored not in PUT_BACK
    )


def _name_step(step: Step) -> str:
    """Name what a step changes."""
    match step:
        case Reserve():
            return "reserved concurrency"
        case ScaleToZero():
            return f"scaling of {step.prior.qualifier}"
        case DisableMapping():
            return f"event source mapping {step.uuid}"
        case LimitMapping():
            return f"maximum concurrency of event source mapping {step.uuid}"
        case RemoveProvisioned():
            return f"provisioned concurrency of {step.qualifier}"


def describe_other_changes(incident: Incident) -> str:
    """Say what was changed beside the reservation."""
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
        parts.append(f"Its provisioned concurrency was removed ({join_names(removed)}).")
    return " ".join(parts)


def list_refused_steps(incident: Incident) -> tuple[str, ...]:
    """List the steps of a containment that AWS refused."""
    failed = [one for one in incident.steps if one.status is StepStatus.FAILED]
    return (
        *(
            paragraph(f"Not done: {_name_step(one.step)}.", quote_aws_error(one.detail))
            for one in failed[:MOST_NAMES]
        ),
        count_left_out(len(failed) - MOST_NAMES, "failure"),
    )


def list_failures(outcomes: Sequence[tuple[Step, str]], detail: str) -> tuple[str, ...]:
    """List each step that AWS refused, with its words; then words that belong to no step."""
    shown = outcomes[:MOST_SETTINGS]
    is_said = any(detail.strip() in words for _, words in outcomes)
    return (
        *(
            paragraph(f"{capitalize(_name_step(step))}:", quote_aws_error(words) or "AWS refused.")
            for step, words in shown
        ),
        count_left_out(len(outcomes) - len(shown), "failure"),
        "" if is_said else paragraph(quote_aws_error(detail)),
    )


def list_settings(incident: Incident) -> tuple[str, ...]:
    """List what became of each setting that the guard had changed."""
    shown = incident.steps[:MOST_SETTINGS]
    return (
        *(bullet(_describe_setting(one)) for one in shown),
        "" if shown else bullet("Loopbreaker had changed nothing."),
        count_left_out(len(incident.steps) - len(shown), "setting"),
    )


def _describe_setting(outcome: StepOutcome) -> str:
    name = capitalize(_name_step(outcome.step))
    before = _describe_prior_value(outcome.step)
    found = f" ({clean(outcome.restored_detail, 200)})" if outcome.restored_detail else ""
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
            if outcome.status in _UNCHANGED:
                return f"{name}: never changed by Loopbreaker."
            return f"{name}: not put back yet; before, {before}."


def _describe_prior_value(step: Step) -> str:
    match step:
        case Reserve(prior=None):
            return "nothing reserved"
        case Reserve(prior=prior):
            return f"{prior:,} reserved"
        case ScaleToZero():
            return _describe_environments(step.prior)
        case DisableMapping():
            return "enabled"
        case LimitMapping():
            return "no limit" if step.prior is None else f"{step.prior:,}"
        case RemoveProvisioned():
            return f"{step.prior:,} provisioned"


def describe_step_in_force(outcome: StepOutcome) -> str:
    """Describe a change that is still in force, in a few words."""
    step = outcome.step
    present, prior = _describe_present_value(step), _count_prior(step)
    return f"{_name_step(step)} {present} (before: {prior})"


def list_prior_values(outcomes: Sequence[StepOutcome]) -> tuple[str, ...]:
    """List what was there before, one item a setting."""
    shown = outcomes[:MOST_COMMANDS]
    return (
        *(bullet(f"{describe_step_to_undo(one)}.") for one in shown),
        "" if shown else bullet("Not known."),
        count_left_out(len(outcomes) - len(shown), "setting"),
    )


def describe_step_to_undo(outcome: StepOutcome) -> str:
    """Name a setting with the value that was there before."""
    return f"{capitalize(_name_step(outcome.step))}: {_describe_prior_value(outcome.step)}"


def compose_leftovers(
    incident: Incident,
    context: NoticeContext,
    changed: Sequence[StepOutcome],
    *,
    is_closed: bool = False,
    is_first: bool = False,
) -> str:
    """Say what the guard had changed and nobody has put back, with how to do it.

    Parameters
    ----------
    is_closed
        Whether the incident is over, so that no restore knows of it any more.
    is_first
        Whether the first screen of the mail has the commands that restore it.
    """
    if not changed:
        return ""
    shown = changed[:MOST_SETTINGS]
    by_flag = (
        ()
        if is_closed or is_first
        else (
            paragraph("This puts it back and leaves alone what others have changed:"),
            *list_ways_back(incident.function, incident.function_arn, context.deployment),
            paragraph("Or by hand:"),
        )
    )
    return section(
        "STILL CHANGED",
        *(
            bullet(f"{capitalize(_name_step(one.step))}: {_describe_leftover(one.step)}.")
            for one in shown
        ),
        count_left_out(len(changed) - len(shown), "setting"),
        *(by_flag or (paragraph("Restore it by hand:"),)),
        *command_lines(build_restore_commands(changed, context.deployment.region)),
    )


def _describe_leftover(step: Step) -> str:
    if isinstance(step, DisableMapping):
        return f"disabled ({clean(step.source_arn, 300)})" if step.source_arn else "disabled"
    return f"{_describe_present_value(step)}; before, {_count_prior(step)}"


def _describe_present_value(step: Step) -> str:
    match step:
        case Reserve() | LimitMapping():
            return f"{step.to:,}"
        case ScaleToZero():
            return "0"
        case DisableMapping():
            return "disabled"
        case RemoveProvisioned():
            return "none"


def _count_prior(step: Step) -> str:
    """Describe the prior value beside the present one, where the unit need not be said."""
    return f"{step.prior:,}" if isinstance(step, RemoveProvisioned) else _describe_prior_value(step)


def _describe_environments(scaling: VersionScaling) -> str:
    """Say how many execution environments a version may have."""
    least, most = scaling.minimum, scaling.maximum
    if least is None and most is None:
        return "Lambda's default number of execution environments"
    lowest = "Lambda's default" if least is None else f"{least:,}"
    highest = "Lambda's default" if most is None else f"{most:,}"
    return f"{lowest} to {highest} execution environments"
