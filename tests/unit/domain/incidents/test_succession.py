"""A new incident takes over what the former one changed and nobody has put back."""

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, LimitMapping, StepOutcome
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.succession import succeed
from tests.contract.stage import NOON, an_incident
from tests.fakes.account import FakeAccount
from tests.fakes.resources import FakeMapping

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"


def _released(mapping: FakeMapping, *, limit: LimitMapping) -> Incident:
    """An incident that disabled and limited a mapping, and whose reservation somebody removed."""
    old = an_incident("orders", NOON, state=IncidentState.RELEASED)
    disable = DisableMapping(function="orders", uuid=mapping.uuid, source_arn=QUEUE)
    for step in (disable, limit):
        old = old.with_step(StepOutcome(step=step, status=StepStatus.DONE))
    return old


@pytest.mark.parametrize(
    ("present", "is_ours", "before"), [(5, True, 40), (2, True, 40), (7, False, 7)]
)
def test_a_limit_of_the_guards_is_taken_over(present: int, *, is_ours: bool, before: int) -> None:
    """It is undone with the rest, to what was there before the first; another's stays."""
    account = FakeAccount()
    account.add("orders")
    mapping = account.add_mapping("orders", QUEUE, enabled=False)
    mapping.maximum_concurrency = present
    limit = LimitMapping(function="orders", uuid=mapping.uuid, source_arn=QUEUE, to=2, prior=40)
    old = _released(mapping, limit=limit.changed_to(5))
    new = an_incident("orders", NOON, state=IncidentState.CONTAINING).with_reservation(0, None)

    new = succeed(old, new, account.functions)

    assert new.snapshot is not None
    assert new.snapshot.mappings is not None
    (known,) = new.snapshot.mappings
    assert (known.enabled, known.maximum_concurrency) == (True, before)
    taken = [one for one in new.steps if isinstance(one.step, LimitMapping)]
    assert [(one.step, one.status) for one in taken] == (
        [(limit.changed_to(5), StepStatus.DONE)] if is_ours else []
    )
