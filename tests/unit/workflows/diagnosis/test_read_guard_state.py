"""What the guard knows of functions before it examines any."""

from datetime import timedelta

from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.collection.guard_state import GuardState
from functions.domain.diagnosis.facts import DenialSource, DeniedCall
from functions.domain.errors import NoticeUndeliveredError
from functions.workflows.diagnosis.read_guard_state import read_guard_state
from tests.fake_diagnosis import NOON, Ward
from tests.functional.scene import Scene


def test_it_is_what_the_records_and_the_operator_say() -> None:
    """A contained function, a flag, a change, and a denied invocation of the last day."""
    scene, ward = Scene(), Ward()
    scene.add_runaway()
    scene.contributor()
    role = "arn:aws:iam::123456789012:role/web"
    seen, old = (
        DeniedCall(source=DenialSource.CLOUDTRAIL, principal_arn=role, last_at=NOON - age)
        for age in (timedelta(hours=1), timedelta(days=2))
    )
    ward.memory.denied = [("well", seen), ("well", old)]
    policy = RemedyPolicy(
        exempt=frozenset({"billing"}),
        own_functions=frozenset({"Loopbreaker-contain"}),
        memory_ceiling_mb=1024,
    )

    state = read_guard_state(scene.account.ledger, ward.memory, policy, ["well"], NOON)

    assert state == GuardState(
        contained=frozenset({"orders"}),
        exempt=frozenset({"billing"}),
        own=frozenset({"Loopbreaker-contain"}),
        closely=frozenset({"well"}),
        denials={"well": (seen,)},
        memory_ceiling_mb=1024,
    )


def test_a_function_that_was_restored_is_not_contained() -> None:
    """Its facts say something of it again, though its record is live until the mail is sent."""
    scene, ward = Scene(), Ward()
    scene.add_runaway()
    scene.contributor()
    scene.account.faults.fail("publish", NoticeUndeliveredError("away"))
    scene.rollback("orders")
    assert scene.account.ledger.read_live().incidents

    state = read_guard_state(scene.account.ledger, ward.memory, RemedyPolicy(), [], NOON)

    assert state == GuardState()
