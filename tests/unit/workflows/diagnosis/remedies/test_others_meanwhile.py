"""What people changed, what AWS refuses, and what is deleted."""

import json

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.diagnosis.remediation import RemediationState
from functions.workflows.diagnosis.remediate import (
    remediate,
    undo,
)
from functions.workflows.diagnosis.run import reconcile, undo_remediations
from tests.unit.domain.diagnosis.samples import (
    BUSY,
    NOW,
    REFUSED,
    UNDELIVERED,
    Hospital,
)
from tests.unit.workflows.diagnosis.remedies.cases import (
    CASES,
    LATER,
    MINUTE,
    applied,
    calls,
    opened,
    stored,
)


@pytest.mark.parametrize("name", CASES)
def test_what_people_changed_meanwhile_is_left_alone(name: str) -> None:
    """An inverse looks first, and says what it found."""
    hospital, remediation = applied(name)
    hospital.memory_mb, hospital.tracing_mode, hospital.description_ = 3_008, "Off", "mine"
    for key in hospital.policies:
        hospital.policies[key] = '{"Statement": []}'
    for own, text in hospital.statements.items():
        hospital.statements[own] = json.dumps({**json.loads(text), "Action": "lambda:*"})
    before = hospital.state

    undone = undo(remediation, hospital.context, LATER)

    assert hospital.state == before
    assert {one.restored for one in undone.steps} == {StepStatus.CHANGED_MEANWHILE}
    assert undone.state is RemediationState.UNDONE
    assert "left alone" in hospital.subjects[0]


@pytest.mark.parametrize("name", CASES)
def test_what_people_undid_by_hand_is_undone_already(name: str) -> None:
    """Undoing what is not there any more changes nothing."""
    before = Hospital().state
    hospital, remediation = applied(name)
    hospital.memory_mb, hospital.tracing_mode, hospital.description_ = (
        128,
        "PassThrough",
        "takes orders",
    )
    hospital.policies.clear()
    hospital.statements.clear()

    undone = undo(remediation, hospital.context, LATER)

    assert hospital.state == before
    assert {one.restored for one in undone.steps} == {StepStatus.ALREADY}


def test_a_plan_that_is_out_of_date_changes_nothing() -> None:
    """Somebody gave the function memory between the look and the remediation."""
    hospital, remediation = opened("memory")
    hospital.memory_mb = 1_024

    remediation = remediate(remediation, hospital.context, NOW)

    assert hospital.memory_mb == 1_024
    assert remediation.state is RemediationState.FAILED
    assert remediation.steps[0].status is StepStatus.CHANGED_MEANWHILE


def test_what_was_there_before_is_nobody_elses_to_undo() -> None:
    """A setting that somebody else had made already is not put back on rollback."""
    hospital, remediation = opened("traces")
    hospital.tracing_mode = "Active"

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.FAILED
    assert remediation.steps[0].status is StepStatus.ALREADY
    assert hospital.tracing_mode == "Active"


def test_somebody_elses_policy_of_the_name_is_not_overwritten() -> None:
    """A policy that says something else under the guard's name is left alone."""
    hospital, remediation = opened("logs")
    hospital.policies["orders-role", "Loopbreaker-logs-orders"] = '{"Statement": []}'

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.FAILED
    assert hospital.policies == {("orders-role", "Loopbreaker-logs-orders"): '{"Statement": []}'}
    assert hospital.description_ == "takes orders"


def test_a_refusal_changes_nothing_and_is_told_with_aws_words() -> None:
    """Where AWS refuses the right, the function is not updated for nothing."""
    hospital, remediation = opened("logs")
    hospital.refusals = {"put_inline_policy": REFUSED}

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.FAILED
    assert hospital.description_ == "takes orders"
    ((subject, body),) = hospital.sent
    assert subject.startswith("[Loopbreaker] REMEDY NOT APPLIED: orders")
    assert "iam:PutRolePolicy" in body


def test_a_refusal_to_look_changes_nothing() -> None:
    """What cannot be looked at is not changed."""
    hospital, remediation = opened("logs")
    before = hospital.state
    hospital.refusals = {"inline_policy": REFUSED}

    remediation = remediate(remediation, hospital.context, NOW)

    assert (remediation.state, hospital.state) == (RemediationState.FAILED, before)


def test_a_part_that_fails_leaves_the_rest_in_force() -> None:
    """The rights are there, the refresh was refused: told as a part, and undone whole."""
    hospital, remediation = opened("logs")
    before = hospital.state
    hospital.refusals = {"set_description": REFUSED}

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.APPLIED
    assert "IN PART" in hospital.subjects[0]
    hospital.revive()
    undo(remediation, hospital.context, LATER)
    assert hospital.state == before


@pytest.mark.parametrize("call", ["put_inline_policy", "set_description", "read_configuration"])
def test_a_busy_aws_is_tried_again_by_the_next_run(call: str) -> None:
    """A remediation that AWS was too busy for stays open and is finished later."""
    hospital, remediation = opened("logs")
    hospital.refusals = {call: BUSY}

    waiting = remediate(remediation, hospital.context, NOW)
    hospital.revive()
    reconcile(hospital.context, NOW + MINUTE)

    assert (waiting.state, waiting.lease_until) == (RemediationState.APPLYING, None)
    assert stored(hospital).state is RemediationState.APPLIED
    assert len(hospital.sent) == 1


def test_a_refused_undo_stays_in_force_and_may_be_asked_for_again() -> None:
    """What AWS refuses to put back is told with its words."""
    hospital, remediation = applied("memory")
    hospital.refusals = {"set_memory": REFUSED}

    held = undo(remediation, hospital.context, LATER)

    assert held.state is RemediationState.APPLIED
    assert held.failures == (str(REFUSED),)
    assert hospital.subjects[0].startswith("[Loopbreaker] REMEDY NOT UNDONE: orders")
    hospital.revive()
    (undone,) = undo_remediations(("orders",), hospital.context, LATER + MINUTE)
    assert (undone.state, hospital.memory_mb) == (RemediationState.UNDONE, 128)


@pytest.mark.parametrize(
    "number", range(1, calls("logs", is_undo=False).index("set_description") + 2)
)
def test_a_function_that_is_deleted_meanwhile_leaves_nothing_on_its_role(number: int) -> None:
    """The role outlives its function: what was given to it is taken back."""
    hospital, remediation = opened("logs")

    def delete(count: int, name: str) -> None:
        if count == number:
            hospital.is_deleted = True

    hospital.calls = 0
    hospital.before_call = delete
    remediate(remediation, hospital.context, NOW)

    assert hospital.policies == {}
    assert stored(hospital).state in {RemediationState.DELETED, RemediationState.FAILED}


def test_an_undelivered_notice_is_sent_by_the_next_run() -> None:
    """SNS being down delays the notice, not the remedy."""
    hospital, remediation = opened("traces")
    hospital.refusals = {"publish": UNDELIVERED}

    remediate(remediation, hospital.context, NOW)
    assert hospital.tracing_mode == "Active"
    assert hospital.sent == []
    hospital.revive()
    reconcile(hospital.context, LATER)

    assert len(hospital.sent) == 1
