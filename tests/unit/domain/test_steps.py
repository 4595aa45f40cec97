"""Steps and their inverses: each looks first, may be repeated, and undoes exactly what was done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.plan import (
    DisableMapping,
    EnableMapping,
    EventSourceMapping,
    ProvisionedConcurrency,
    PutBackProvisioned,
    PutBackReserved,
    RemoveProvisioned,
    Reserve,
    StepOutcome,
    StepStatus,
    follow_up_steps,
    order_of,
    restore_order,
)
from functions.domain.steps import perform, undo
from tests.fakes import FakeAccount

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"

reservations = st.none() | st.integers(min_value=1, max_value=800)
provisions = st.dictionaries(st.sampled_from(["live", "canary", "7"]), st.integers(1, 5))


@given(reservations, provisions, st.lists(st.booleans(), max_size=4))
def test_restoring_a_containment_is_the_identity(
    reserved: int | None, provisioned: dict[str, int], mappings: list[bool]
) -> None:
    """restore(contain(x)) = x, with None and 0 kept apart."""
    total = sum(provisioned.values())
    before = reserved if reserved is None or reserved >= total else reserved + total
    account = FakeAccount()
    orders = account.add("orders", reserved=before, provisioned=dict(provisioned))
    sources = [account.add_mapping("orders", QUEUE, enabled=enabled) for enabled in mappings]
    steps = (
        *follow_up_steps(
            "orders",
            [ProvisionedConcurrency(qualifier=k, requested=v) for k, v in provisioned.items()],
            [EventSourceMapping(uuid=m.uuid, source_arn=QUEUE, enabled=m.enabled) for m in sources],
        ),
        Reserve(function="orders", to=0, prior=before),
    )
    outcomes = tuple(StepOutcome(step=step) for step in steps)

    for outcome in sorted(outcomes, key=lambda one: order_of(one.step)):
        perform(outcome.step, account.functions)
    assert (orders.reserved, orders.provisioned) == (0, {})
    assert not any(one.enabled for one in sources)
    for _ in range(2):
        for outcome in restore_order(outcomes):
            undo(outcome.step.inverse(), (0,), account.functions)

    assert (orders.reserved, orders.provisioned) == (before, provisioned)
    assert [one.enabled for one in sources] == mappings


@pytest.mark.parametrize(
    ("present", "prior", "status", "after"),
    [
        (0, None, StepStatus.DONE, None),
        (0, 5, StepStatus.DONE, 5),
        (5, 5, StepStatus.ALREADY, 5),
        (None, None, StepStatus.ALREADY, None),
        (7, 5, StepStatus.CHANGED_MEANWHILE, 7),
        (None, 5, StepStatus.CHANGED_MEANWHILE, None),
        (3, None, StepStatus.DONE, None),  # 3 was the guard's own cap
    ],
)
def test_a_reservation_is_put_back_only_over_the_guards_own_value(
    present: int | None, prior: int | None, status: StepStatus, after: int | None
) -> None:
    """Whatever somebody else wrote is left alone."""
    account = FakeAccount()
    account.add("orders", reserved=present)
    step = PutBackReserved(function="orders", prior=prior, written=0)

    assert undo(step, (3, 0), account.functions)[0] is status
    assert account.by_name["orders"].reserved == after


@pytest.mark.parametrize(
    ("present", "status", "after"),
    [
        ({}, StepStatus.DONE, {"live": 4}),
        ({"live": 4}, StepStatus.ALREADY, {"live": 4}),
        ({"live": 2}, StepStatus.CHANGED_MEANWHILE, {"live": 2}),
    ],
)
def test_provisioned_concurrency_is_put_back_only_where_there_is_none(
    present: dict[str, int], status: StepStatus, after: dict[str, int]
) -> None:
    """A person's new request is left alone."""
    account = FakeAccount()
    account.add("orders", provisioned=present)
    step = PutBackProvisioned(function="orders", qualifier="live", requested=4)

    assert undo(step, (0,), account.functions)[0] is status
    assert account.by_name["orders"].provisioned == after


def test_a_mapping_that_is_gone_is_said_to_be_gone() -> None:
    """Deleting a mapping meanwhile is no failure of the guard."""
    account = FakeAccount()
    disable = DisableMapping(function="orders", uuid="u", source_arn=QUEUE)
    enable = EnableMapping(function="orders", uuid="u", source_arn=QUEUE)

    assert perform(disable, account.functions) is StepStatus.GONE
    assert undo(enable, (0,), account.functions)[0] is StepStatus.GONE


def test_repeating_a_step_changes_nothing_more() -> None:
    """A resumed run may do again what a dead one did."""
    account = FakeAccount()
    account.add("orders", provisioned={"live": 1})
    mapping = account.add_mapping("orders", QUEUE)
    steps = (
        RemoveProvisioned(function="orders", qualifier="live", prior=1),
        Reserve(function="orders", to=0, prior=None),
        DisableMapping(function="orders", uuid=mapping.uuid, source_arn=QUEUE),
    )

    for _ in range(2):
        for step in steps:
            perform(step, account.functions)

    assert (account.by_name["orders"].reserved, mapping.enabled) == (0, False)
