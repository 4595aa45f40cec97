"""Carrying a remedy out and undoing it, from a written snapshot to a sent notice.

As with containments: what was there before is written down before the first change, each step's
outcome after it, so that whoever finds a remediation after a crash can finish it. Every step looks
first and may be repeated; what a person changed meanwhile is left alone and reported.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from functions.domain.changes.outcome import StepStatus
from functions.domain.diagnosis.finding import Finding
from functions.domain.diagnosis.ports import Configuration, FunctionChanges, RemediationContext
from functions.domain.diagnosis.remediation import (
    Prior,
    Remediation,
    RemediationEvent,
    RemediationState,
    compose_remediation_id,
)
from functions.domain.diagnosis.remedy import (
    AddPermission,
    DeleteInlinePolicy,
    PutBackDescription,
    PutBackMemory,
    PutBackTracing,
    PutInlinePolicy,
    RefreshCredentials,
    Remedy,
    RemedyKind,
    RemedyOutcome,
    RemedyStep,
    RemovePermission,
    SetMemory,
    SetTimeout,
    SetTracing,
    is_same_policy,
    mark_refreshed,
)
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.notices.diagnosis.remediation import compose_remediation
from functions.domain.notices.events.diagnosis import describe_remediation
from functions.workflows.changes.execution import ChangeExecution
from functions.workflows.notices.deliver import deliver_due

_WANTING_STATES = (RemediationState.APPLYING, RemediationState.APPLIED)


def plan_remediation(
    finding: Finding, remedy: Remedy, now: datetime, earlier: Remediation | None = None
) -> Remediation:
    """The remediation of a finding by a remedy that `consent.decide` allowed; not stored yet.

    Parameters
    ----------
    earlier
        A remediation of the same function and entry that is in force: it is continued with the
        steps that it does not have yet, so that one record undoes everything.

    Raises
    ------
    ValueError
        When the remedy is one that is only named. Always a bug of ours.
    """
    steps = tuple(
        RemedyOutcome(step=step) for step in remedy.steps if not isinstance(step, SetTimeout)
    )
    if remedy.kind is None or remedy.named_only or len(steps) != len(remedy.steps):
        raise ValueError(f"the remedy of {finding.key} is never applied")
    if earlier is not None and earlier.state is RemediationState.APPLIED:
        keys = {one.step.key for one in earlier.steps}
        more = tuple(one for one in steps if one.step.key not in keys)
        return replace(
            earlier.to(RemediationState.APPLYING, now),
            summary=finding.summary,
            evidence=tuple(one.compose_sentence() for one in finding.evidence),
            causes=tuple(sorted({*earlier.causes, *finding.causes})),
            steps=(*earlier.steps, *more),
        )
    return Remediation(
        id=compose_remediation_id(finding.function, finding.entry, now),
        function=finding.function,
        function_arn=finding.function_arn,
        entry=finding.entry,
        kind=remedy.kind,
        state=RemediationState.APPLYING,
        opened_at=now,
        updated_at=now,
        title=finding.title,
        summary=finding.summary,
        remedy=remedy.words,
        page=finding.page,
        causes=finding.causes,
        evidence=tuple(one.compose_sentence() for one in finding.evidence),
        steps=steps,
    )


def remediate(remediation: Remediation, context: RemediationContext, now: datetime) -> Remediation:
    """Carry out what a remediation says, and notify people. Resumes wherever it stopped.

    Where AWS is too busy the remediation stays in `APPLYING` for the next run.

    Parameters
    ----------
    remediation
        As stored, in `APPLYING`.

    Raises
    ------
    LedgerUnavailableError
        As the remediation store does. Remediating again goes on where it stopped.
    """
    run = RemediationExecution(record=remediation, context=context, now=now)
    try:
        return _remediate(run)
    except StaleIncidentError:
        # Another run has moved it on; what this one changed is put right.
        return context.remediations.find(remediation.function, remediation.entry) or run.record


def undo(
    remediation: Remediation,
    context: RemediationContext,
    now: datetime,
    actor: str = "",
    closing: RemediationState = RemediationState.UNDONE,
) -> Remediation:
    """Put everything back that a remediation changed, notify people, close it.

    What somebody else changed meanwhile is left alone and reported. Where AWS refuses, the
    remediation stays in force and people are notified: of a function that is gone once, although
    each round tries again.

    Parameters
    ----------
    remediation
        As stored, not closed.
    closing
        `UNDONE` when a person asked for it, `DELETED` for a function that is gone.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the remediation store does. Undoing again goes on where it stopped.
    """
    was_told = _was_told_of_refusal(remediation, closing)
    if remediation.state is not RemediationState.UNDOING:
        remediation = replace(
            remediation.to(RemediationState.UNDOING, now), actor=actor, closing=closing
        )
    run = RemediationExecution(record=remediation, context=context, now=now)
    run.take_all_back()
    if run.record.failures:
        held = run.record.to(RemediationState.APPLIED, now).unleased()
        if was_told:
            return run.save(held)
        return _notify(run, held, RemediationEvent.UNDO_FAILED)
    event = (
        RemediationEvent.DELETED
        if run.record.closing is RemediationState.DELETED
        else RemediationEvent.UNDONE
    )
    return _notify(run, run.record.to(run.record.closing, now), event)


def _was_told_of_refusal(remediation: Remediation, closing: RemediationState) -> bool:
    """Whether people know that AWS refuses to undo the remedy of a function that is gone."""
    is_gone = closing is remediation.closing is RemediationState.DELETED
    # One that is being undone may have been refused without a notice.
    return is_gone and remediation.state is RemediationState.APPLIED and bool(remediation.failures)


@dataclass(slots=True, kw_only=True)
class RemediationExecution(ChangeExecution[Remediation]):
    """What a run does about a remediation."""

    context: RemediationContext

    @property
    def present(self) -> datetime:
        """The present moment."""
        return self.context.present(self.now)

    def write(self, record: Remediation) -> Remediation:
        """Store the remediation; raises what the remediation store does."""
        return self.context.remediations.save(record)

    def perform(self, step: RemedyStep) -> tuple[StepStatus, str]:
        """Carry out a step, unless somebody has changed what it was planned upon."""
        return _perform(step, self.record, self.context.repairs)

    def undo(self, step: RemedyStep) -> tuple[StepStatus, str]:
        """Carry out the inverse of a step that may be in force."""
        if not self.record.may_be_in_force(step):
            return StepStatus.ALREADY, ""
        try:
            return _take_back(step, self.context.repairs)
        except FunctionNotFoundError:
            return StepStatus.GONE, ""  # what was given to its role may still be there

    def put_right(self, step: RemedyStep, *, is_in_force: bool) -> None:
        """Take back what nobody wants any more: a person's rollback has overtaken this run."""
        found = self.context.remediations.find(self.record.function, self.record.entry)
        wants = found is not None and found.state in _WANTING_STATES
        if is_in_force and not wants:
            with suppress(FunctionNotFoundError, RefusedError, BusyError):
                _take_back(step, self.context.repairs)


def _remediate(run: RemediationExecution) -> Remediation:
    now = run.now
    run.save(run.record.leased(run.present))
    try:
        run.save(_add_snapshot(run.record, run.context.repairs, now))
        for outcome in run.record.steps:
            if outcome.status is StepStatus.PLANNED and not _is_stuck(run.record):
                with suppress(RefusedError):  # it is in the record
                    run.carry_out(outcome.step)
    except FunctionNotFoundError:
        # What was given to its role is taken back.
        return undo(run.record, run.context, now, closing=RemediationState.DELETED)
    except BusyError:
        return run.save(run.record.unleased())
    remediation = run.record
    if any(one.status is StepStatus.DONE for one in remediation.steps):
        applied = remediation.to(RemediationState.APPLIED, now).unleased()
        applied = replace(applied, applied_at=remediation.applied_at or now)
        return _notify(run, applied, RemediationEvent.APPLIED)
    return _notify(run, remediation.to(RemediationState.FAILED, now), RemediationEvent.APPLY_FAILED)


def _is_stuck(remediation: Remediation) -> bool:
    """Whether going on makes no sense: a refresh without the rights is an update for nothing.

    Statements of a resource policy stand alone.
    """
    stuck = {StepStatus.FAILED, StepStatus.CHANGED_MEANWHILE}
    return remediation.kind is not RemedyKind.PERMISSIONS and any(
        one.status in stuck for one in remediation.steps
    )


def _notify(
    run: RemediationExecution, remediation: Remediation, event: RemediationEvent
) -> Remediation:
    """Write down the new state together with its notice, then send that."""
    context = run.context
    notice = compose_remediation(event, remediation, context.describe_place(), run.now)
    twin = describe_remediation(event, remediation, run.now)
    stored = run.save(remediation.with_notice(event, notice.subject, notice.body, twin))
    stored = deliver_due(
        stored, run.write, context.publisher, lambda: run.present, context.events.sinks
    )
    context.events.keep(stored.id, stored, context.remediations.save)
    return stored


# What was there before ---------------------------------------------------------------------------


@dataclass(slots=True)
class _ConfigurationReader:
    """The function's configuration, read at most once."""

    repairs: FunctionChanges
    found: Configuration | None = None

    def at(self, function: str) -> Configuration:
        if self.found is None:
            self.found = self.repairs.read_configuration(function)
        return self.found


def _add_snapshot(remediation: Remediation, repairs: FunctionChanges, now: datetime) -> Remediation:
    """Write down what each step finds, before the first change; what is written stays."""
    known = {one.key for one in remediation.snapshot or ()}
    reader = _ConfigurationReader(repairs)
    for result in remediation.steps:
        if result.step.key in known:
            continue
        try:
            was = _read_present(result.step, reader)
        except RefusedError as refusal:
            # Not even to be looked at: nothing is known, so nothing is changed.
            remediation = remediation.with_outcome(result.step, StepStatus.FAILED, str(refusal))
            continue
        remediation = remediation.with_prior(Prior(key=result.step.key, was=was))
        if isinstance(result.step, RefreshCredentials):
            step = replace(result.step, prior=was or "", to=mark_refreshed(was or "", now))
            remediation = remediation.with_step(step)
    return remediation


def _read_present(step: RemedyStep, reader: _ConfigurationReader) -> str | None:
    match step:
        case PutInlinePolicy(role=role, policy_name=name):
            return reader.repairs.inline_policy(role, name)
        case AddPermission(function=function, qualifier=qualifier, statement_id=statement):
            return reader.repairs.read_permission(function, qualifier, statement)
        case SetTracing(function=function):
            return reader.at(function).tracing_mode
        case SetMemory(function=function):
            return str(reader.at(function).memory_mb)
        case RefreshCredentials(function=function):
            return reader.at(function).description
        case _:
            assert_never(step)


# One step, and its inverse -----------------------------------------------------------------------


def _perform(
    step: RemedyStep, remediation: Remediation, repairs: FunctionChanges
) -> tuple[StepStatus, str]:
    present = _read_present(step, _ConfigurationReader(repairs))
    if _is_written(step, present):
        was = remediation.was(step.key)
        # Found as it is to be: by this remediation before a crash, or by somebody else before it.
        return (StepStatus.ALREADY if _is_written(step, was) else StepStatus.DONE), ""
    if present != _get_expected(step):
        return StepStatus.CHANGED_MEANWHILE, _describe_found(step, present)
    match step:
        case PutInlinePolicy(role=role, policy_name=name, document=document):
            repairs.put_inline_policy(role, name, document)
        case AddPermission():
            repairs.add_permission(step)
        case SetTracing(function=function, to=mode):
            repairs.set_tracing(function, mode)
        case SetMemory(function=function, to=memory_mb):
            repairs.set_memory(function, memory_mb)
        case RefreshCredentials(function=function, to=description):
            repairs.set_description(function, description)
        case _:
            assert_never(step)
    return StepStatus.DONE, ""


def _is_written(step: RemedyStep, present: str | None) -> bool:
    """Whether what is there is what the step writes."""
    if present is None:
        return False
    match step:
        case PutInlinePolicy(document=document):
            return is_same_policy(present, document)
        case AddPermission():
            return is_statement_of(step, present)
        case SetMemory(to=memory_mb):
            return present == str(memory_mb)
        case SetTracing(to=text) | RefreshCredentials(to=text):
            return present == text
        case _:
            assert_never(step)


def _get_expected(step: RemedyStep) -> str | None:
    """What the step was planned upon."""
    match step:
        case PutInlinePolicy() | AddPermission():
            return None
        case SetMemory(prior=memory_mb):
            return str(memory_mb)
        case SetTracing(prior=text) | RefreshCredentials(prior=text):
            return text
        case _:
            assert_never(step)


def _describe_found(step: RemedyStep, present: str | None) -> str:
    match step:
        case PutInlinePolicy():
            return "a policy of this name says something else now"
        case AddPermission():
            return "a statement of this id says something else now"
        case SetMemory():
            return f"it is {present} MB now"
        case SetTracing():
            return f"it is {present} now"
        case RefreshCredentials():
            return "the description says something else now"
        case _:
            assert_never(step)


def _take_back(step: RemedyStep, repairs: FunctionChanges) -> tuple[StepStatus, str]:
    """Carry out the inverse of a step, unless somebody else changed the thing meanwhile."""
    present = _read_present(step, _ConfigurationReader(repairs))
    if present == _get_expected(step):
        return StepStatus.ALREADY, ""
    if not _is_written(step, present):
        return StepStatus.CHANGED_MEANWHILE, _describe_found(step, present)
    inverse = step.invert()
    match inverse:
        case DeleteInlinePolicy(role=role, policy_name=name):
            repairs.delete_inline_policy(role, name)
        case RemovePermission(permission=own):
            repairs.remove_permission(own.function, own.qualifier, own.statement_id)
        case PutBackMemory(function=function, prior=memory_mb):
            repairs.set_memory(function, memory_mb)
        case PutBackTracing(function=function, prior=mode):
            repairs.set_tracing(function, mode)
        case PutBackDescription(function=function, prior=description):
            repairs.set_description(function, description)
        case _:
            assert_never(inverse)
    return StepStatus.DONE, ""


def is_statement_of(permission: AddPermission, text: str) -> bool:
    """Whether a statement of a resource policy is the one that AddPermission makes of this.

    AWS writes it with the principal as an object and the conditions under keys of its own choice of
    case, so only what counts is compared. A condition that the guard did not write makes it
    another statement.
    """
    try:
        statement = json.loads(text)
        principal = statement["Principal"]
        named = principal if isinstance(principal, str) else next(iter(principal.values()))
        conditions = {
            key.lower(): value
            for lines in statement.get("Condition", {}).values()
            for key, value in lines.items()
        }
        wanted = {
            key: value
            for key, value in (
                ("aws:sourcearn", permission.source_arn),
                ("aws:sourceaccount", permission.source_account),
            )
            if value
        }
        return bool(
            statement.get("Effect") == "Allow"
            and statement.get("Action") == permission.action
            and named == permission.principal
            and conditions == wanted
        )
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return False
