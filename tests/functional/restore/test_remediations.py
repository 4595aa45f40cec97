"""Rolling back remedies: with a containment, without one, refused, and when the stack goes."""

from __future__ import annotations

import pytest

from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.diagnosis.remedy import RemedyKind
from functions.domain.errors import LedgerUnavailableError, RefusedError
from functions.workflows.diagnosis.run import run_diagnosis
from functions.workflows.rollback.results import Refused, Restored
from tests.functional.scene import Scene
from tests.unit.domain.diagnosis import samples
from tests.unit.domain.diagnosis.samples import Hospital

ALLOWED = RemedyPolicy(kinds=frozenset(RemedyKind), memory_ceiling_mb=1024)


@pytest.fixture
def scene() -> Scene:
    """An account in which the function orders may not log, and was cured of it."""
    scene = Scene()
    scene.now = samples.NOW
    scene.account.add(samples.NAME)
    run_diagnosis((samples.logless(),), scene.hospital.context, ALLOWED, scene.now)
    assert scene.hospital.policies
    return scene


def test_a_remedy_is_undone_by_name(scene: Scene) -> None:
    """Everything that it changed is as it was, and the answer says so."""
    (result,) = scene.rollback("orders")

    assert result == Restored(function="orders", text="remedy undone (logs do not appear)")
    assert scene.hospital.state == Hospital().state
    assert scene.hospital.subjects[-1].startswith("[Loopbreaker] REMEDY UNDONE")


def test_all_means_remedies_too(scene: Scene) -> None:
    """Functions that are only remediated are among all."""
    (result,) = scene.rollback("all")

    assert (result.function, type(result)) == ("orders", Restored)
    assert scene.hospital.policies == {}


def test_a_contained_function_gets_both_back(scene: Scene) -> None:
    """The reservation and the remedy are put back by one request."""
    scene.add_runaway(samples.NAME, reserved=5)
    scene.contributor(samples.NAME)

    (result,) = scene.rollback("orders")

    assert result == Restored(
        function="orders", text="restored; remedy undone (logs do not appear)"
    )
    assert scene.account.by_name["orders"].reserved == 5
    assert scene.hospital.policies == {}


def test_a_refused_undoing_is_named_and_stays_in_force(scene: Scene) -> None:
    """AWS's words and the flag that brings the permission are in the answer."""
    scene.hospital.refusals["delete_inline_policy"] = RefusedError("AccessDenied: not you")

    (result,) = scene.rollback("orders")

    assert isinstance(result, Refused)
    assert "AccessDenied: not you" in result.text
    assert "-c remedies=logs" in result.text
    (remediation,) = scene.hospital.stored.values()
    assert remediation.state is RemediationState.APPLIED
    scene.hospital.revive()
    (again,) = scene.rollback("orders")
    assert isinstance(again, Restored)


def test_an_unreadable_record_refuses_and_restores_the_containment(scene: Scene) -> None:
    """What stands in the way of the remedies does not keep a function contained."""
    scene.add_runaway(samples.NAME, reserved=5)
    scene.contributor(samples.NAME)
    scene.hospital.refusals["read_remediations"] = LedgerUnavailableError("down")

    (result,) = scene.rollback("orders")

    assert isinstance(result, Refused)
    assert result.text.startswith("restored; its remedies: ")
    assert scene.account.by_name["orders"].reserved == 5


def test_a_deleted_function_closes_its_remedy(scene: Scene) -> None:
    """Rolling back everything does not fail on a function that is gone."""
    scene.account.by_name.pop("orders")
    scene.hospital.is_deleted = True

    (result,) = scene.rollback("all")

    assert result == Restored(
        function="orders",
        text="the function no longer exists; remedy undone (logs do not appear)",
    )


def test_without_a_remedy_the_answer_is_as_ever(scene: Scene) -> None:
    """A function that is neither held nor remediated: nothing was changed."""
    scene.account.add("other")

    (result,) = scene.rollback("other")

    assert result == Restored(function="other", text="was not held; nothing was changed")


def test_the_stack_s_deletion_names_open_remedies(scene: Scene) -> None:
    """People learn what stays in force, with the commands to undo it."""
    scene.rollbacks.notify_of_deletion()

    (mail,) = scene.account.publisher.sent
    assert mail.subject == ("[Loopbreaker] STACK DELETED, remedies stay on 1 function: orders")
    assert "aws iam delete-role-policy" in mail.body
    assert "orders" in mail.body


def test_the_stack_s_deletion_is_silent_without_any(scene: Scene) -> None:
    """What was undone is not named."""
    scene.rollback("orders")

    scene.rollbacks.notify_of_deletion()

    assert scene.account.publisher.sent == []
