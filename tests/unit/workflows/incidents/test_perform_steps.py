"""Steps and their inverses: each looks first, may be repeated, and undoes exactly what was done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EnableMapping,
    EventSourceMapping,
    LimitMapping,
    ProvisionedConcurrency,
    PutBackProvisioned,
    PutBackReserved,
    RemoveProvisioned,
    Reserve,
    StepOutcome,
    follow_up_steps,
    order_of,
    restore_order,
)
from functions.domain.errors import BusyError, InvalidValueError
from functions.workflows.incidents.perform_steps import perform, undo
from tests.fakes.account import FakeAccount

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


limits = st.none() | st.integers(min_value=2, max_value=1_000)


@given(limits, st.lists(st.integers(min_value=2, max_value=1_000), min_size=1, max_size=4))
def test_a_limit_is_undone_exactly(prior: int | None, written: list[int]) -> None:
    """However often it was changed, and wherever a run died: what was there before comes back."""
    account = FakeAccount()
    account.add("orders")
    mapping = account.add_mapping("orders", QUEUE)
    mapping.maximum_concurrency = prior
    step = _limit(mapping.uuid, written[0], prior)

    assert perform(step, account.functions) in {StepStatus.DONE, StepStatus.ALREADY}
    for to in written[1:]:
        step = step.changed_to(to)  # written down, and not carried out
    undone = undo(step.inverse(), (), account.functions)

    assert undone[0] in {StepStatus.DONE, StepStatus.ALREADY}
    assert mapping.maximum_concurrency == prior


def _limit(uuid: str, to: int, prior: int | None) -> LimitMapping:
    return LimitMapping(function="orders", uuid=uuid, source_arn=QUEUE, to=to, prior=prior)


@pytest.mark.parametrize(
    ("present", "prior", "done", "after"),
    [
        (None, None, StepStatus.DONE, 5),
        (40, 40, StepStatus.DONE, 5),
        (5, None, StepStatus.ALREADY, 5),
        (3, None, StepStatus.DONE, 5),  # 3 was the guard's own
        (7, None, StepStatus.CHANGED_MEANWHILE, 7),
        (None, 40, StepStatus.CHANGED_MEANWHILE, None),
    ],
)
def test_a_limit_is_set_only_over_what_was_there_before(
    present: int | None, prior: int | None, done: StepStatus, after: int | None
) -> None:
    """What somebody has set since the snapshot would be lost by it."""
    account = FakeAccount()
    account.add("orders")
    mapping = account.add_mapping("orders", QUEUE)
    mapping.maximum_concurrency = present

    assert perform(_limit(mapping.uuid, 3, prior).changed_to(5), account.functions) is done
    assert mapping.maximum_concurrency == after


@pytest.mark.parametrize(
    ("present", "prior", "status", "after"),
    [
        (5, None, StepStatus.DONE, None),
        (5, 40, StepStatus.DONE, 40),
        (3, 40, StepStatus.DONE, 40),
        (40, 40, StepStatus.ALREADY, 40),
        (None, None, StepStatus.ALREADY, None),
        (7, 40, StepStatus.CHANGED_MEANWHILE, 7),
        (None, 40, StepStatus.CHANGED_MEANWHILE, None),
    ],
)
def test_a_limit_is_put_back_only_over_the_guards_own(
    present: int | None, prior: int | None, status: StepStatus, after: int | None
) -> None:
    """Whatever somebody else wrote is left alone, and said."""
    account = FakeAccount()
    account.add("orders")
    mapping = account.add_mapping("orders", QUEUE)
    mapping.maximum_concurrency = present
    step = _limit(mapping.uuid, 3, prior).changed_to(5).inverse()

    found, words = undo(step, (), account.functions)

    assert (found, mapping.maximum_concurrency) == (status, after)
    assert ("now" in words) is (status is StepStatus.CHANGED_MEANWHILE)


def test_a_limit_is_of_one_mapping_of_one_function() -> None:
    """One that is gone is gone; one that invokes another function is not touched."""
    account = FakeAccount()
    account.add("orders")
    account.add("bills")
    moved = account.add_mapping("bills", QUEUE)
    moved.maximum_concurrency = 5
    step, gone = _limit(moved.uuid, 5, None), _limit("u", 5, None)

    assert perform(gone, account.functions) is StepStatus.GONE
    assert undo(gone.inverse(), (), account.functions)[0] is StepStatus.GONE
    assert perform(step, account.functions) is StepStatus.GONE
    assert undo(step.inverse(), (), account.functions) == (
        StepStatus.CHANGED_MEANWHILE,
        "it invokes bills now",
    )
    assert moved.maximum_concurrency == 5


def test_only_a_queue_can_be_limited() -> None:
    """AWS refuses it for streams: nothing is changed."""
    account = FakeAccount()
    account.add("orders")
    stream = account.add_mapping("orders", "arn:aws:kinesis:us-east-1:123456789012:stream/s")

    with pytest.raises(InvalidValueError):
        perform(_limit(stream.uuid, 5, None), account.functions)


def test_a_mapping_in_the_hands_of_aws_is_not_enabled_already() -> None:
    """It hides whether it is enabled: it is waited for, and never reported as restored."""
    account = FakeAccount()
    account.add("orders")
    mapping = account.add_mapping("orders", QUEUE, enabled=False)
    mapping.is_changing = True
    enable = EnableMapping(function="orders", uuid=mapping.uuid, source_arn=QUEUE)

    with pytest.raises(BusyError):
        undo(enable, (), account.functions)
    mapping.is_changing = False

    assert undo(enable, (), account.functions) == (StepStatus.DONE, "")
    assert mapping.enabled


def test_a_mapping_loses_its_limit_before_it_is_enabled() -> None:
    """And it is limited after it was disabled."""
    disable = DisableMapping(function="orders", uuid="u", source_arn=QUEUE)
    stop = Reserve(function="orders", to=0, prior=None)
    limit = _limit("u", 5, None)
    outcomes = tuple(StepOutcome(step=one) for one in (disable, limit, stop))

    assert [one.step for one in restore_order(outcomes)] == [stop, limit, disable]
    assert order_of(stop) < order_of(disable) < order_of(limit)
