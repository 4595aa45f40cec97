import pytest

from functions.domain.changes.steps import EventSourceMapping, ProvisionedConcurrency
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.errors import (
    FunctionNotFoundError,
    MappingNotFoundError,
    ProvisionedConcurrencyError,
    RefusedError,
    VersionNotFoundError,
)
from tests.contract.stage import Stage, unique


@pytest.fixture
def name() -> str:
    """A function's name that no other test uses."""
    return unique("orders")


@pytest.mark.parametrize("reserved", [None, 0, 5])
def test_describes_a_function(stage: Stage, name: str, reserved: int | None) -> None:
    """Configuration, tags and reservation come together; nothing reserved is not 0."""
    arn = stage.add(name, reserved=reserved, tags={"loopbreaker:exempt": "true"})

    facts = stage.functions.describe(name)

    assert (name, arn, 128, 3) == (facts.name, facts.arn, facts.memory_mb, facts.timeout_seconds)
    assert facts.reserved_concurrency == reserved
    assert facts.tags == {"loopbreaker:exempt": "true"}
    assert (facts.architecture, facts.async_target_arn) == ("x86_64", "")
    assert facts.last_modified is not None
    assert facts.last_modified.tzinfo is not None


@pytest.mark.parametrize("reserved", [None, 0, 5])
def test_reads_the_reservation(stage: Stage, name: str, reserved: int | None) -> None:
    """Nothing reserved is not 0."""
    stage.add(name, reserved=reserved)

    assert stage.functions.reserved_concurrency(name) == reserved


@pytest.mark.parametrize("reserved", [None, 5])
def test_reserves_and_unreserves(stage: Stage, name: str, reserved: int | None) -> None:
    """A reservation is set, to 0 as well, and taken away without a trace."""
    stage.add(name, reserved=reserved)

    stage.functions.reserve(name, 0)
    assert stage.functions.reserved_concurrency(name) == 0
    stage.functions.reserve(name, 7)
    assert stage.functions.reserved_concurrency(name) == 7
    stage.functions.unreserve(name)
    stage.functions.unreserve(name)
    assert stage.functions.reserved_concurrency(name) is None


def test_leaves_the_unreserved_minimum(stage: Stage, name: str) -> None:
    """A reservation that leaves too little for the others is refused in AWS's words."""
    stage.add(name, reserved=2)

    with pytest.raises(RefusedError, match=r"below its minimum value of \[100\]") as refused:
        stage.functions.reserve(name, 990)

    assert not isinstance(refused.value, ProvisionedConcurrencyError)
    assert stage.functions.reserved_concurrency(name) == 2


def test_provisioned_concurrency_stands_in_the_way(stage: Stage, name: str) -> None:
    """A reservation below the provisioned concurrency is refused, until that is taken away."""
    stage.add(name)
    alias = stage.provision(name, 4)

    with pytest.raises(ProvisionedConcurrencyError):
        stage.functions.reserve(name, 0)
    found = stage.functions.provisioned(name)
    stage.functions.remove_provisioned(name, alias)
    stage.functions.remove_provisioned(name, alias)
    stage.functions.reserve(name, 0)

    assert found == (ProvisionedConcurrency(qualifier=alias, requested=4),)
    assert stage.functions.provisioned(name) == ()
    assert stage.functions.reserved_concurrency(name) == 0


def test_requests_provisioned_concurrency_again(stage: Stage, name: str) -> None:
    """What was taken away is put back, but not above the reservation."""
    stage.add(name)
    alias = stage.provision(name, 4)
    stage.functions.remove_provisioned(name, alias)
    stage.functions.reserve(name, 3)

    with pytest.raises(RefusedError):
        stage.functions.put_provisioned(name, alias, 4)
    stage.functions.put_provisioned(name, alias, 3)

    found = stage.functions.provisioned(name)
    assert found == (ProvisionedConcurrency(qualifier=alias, requested=3),)


def test_knows_an_alias_that_is_gone(stage: Stage, name: str) -> None:
    """It is told from a function that is gone, and takes no provisioned concurrency."""
    stage.add(name)
    alias = stage.provision(name, 4)
    assert stage.functions.has_version(name, alias)
    stage.functions.remove_provisioned(name, alias)

    stage.delete_alias(name, alias)

    assert not stage.functions.has_version(name, alias)
    with pytest.raises(VersionNotFoundError):
        stage.functions.put_provisioned(name, alias, 4)
    with pytest.raises(FunctionNotFoundError):
        stage.functions.has_version("nobody", alias)


@pytest.mark.parametrize(
    "call",
    [
        "describe",
        "reserved_concurrency",
        "unreserve",
        "provisioned",
    ],
)
def test_knows_no_missing_function(stage: Stage, call: str) -> None:
    """A function that does not exist is said not to."""
    with pytest.raises(FunctionNotFoundError):
        getattr(stage.functions, call)("nobody")


def test_reserves_nothing_for_a_missing_function(stage: Stage) -> None:
    """A function that does not exist is said not to, before and after."""
    with pytest.raises(FunctionNotFoundError):
        stage.functions.reserve("nobody", 0)
    with pytest.raises(FunctionNotFoundError):
        stage.functions.put_provisioned("nobody", "live", 1)
    with pytest.raises(FunctionNotFoundError):
        stage.functions.remove_provisioned("nobody", "live")


def test_finds_the_mappings_of_a_function(stage: Stage, name: str) -> None:
    """Each mapping comes with its source and its switch, those of versions and aliases included."""
    stage.add(name)
    stage.add(other := unique("other"))
    on, queue = stage.let_poll(name)
    off, second = stage.let_poll(name, enabled=False)
    aliased, third = stage.let_poll(name, alias="prod")
    versioned, fourth = stage.let_poll(name, version="1")
    stage.let_poll(other)

    found = {one.uuid: one for one in stage.functions.mappings(name)}

    assert found == {
        on: EventSourceMapping(uuid=on, source_arn=queue, enabled=True),
        off: EventSourceMapping(uuid=off, source_arn=second, enabled=False),
        aliased: EventSourceMapping(uuid=aliased, source_arn=third, enabled=True),
        versioned: EventSourceMapping(uuid=versioned, source_arn=fourth, enabled=True),
    }


def test_a_missing_function_has_no_mappings(stage: Stage) -> None:
    """Nothing invokes a function that does not exist."""
    assert stage.functions.mappings("nobody") == ()


@pytest.mark.thorough
def test_switches_a_mapping(stage: Stage, name: str) -> None:
    """A mapping is disabled and enabled again, each as often as one likes."""
    stage.add(name)
    uuid, queue = stage.let_poll(name)

    for enabled in (False, False, True, True, False):
        stage.functions.switch_mapping(uuid, enabled=enabled)
        found = stage.functions.mapping(uuid)
        assert found == EventSourceMapping(uuid=uuid, source_arn=queue, enabled=enabled)
        assert found.function == name


@pytest.mark.thorough
def test_limits_a_mapping(stage: Stage, name: str) -> None:
    """A limit is set, changed and taken away without a trace, whether it is enabled or not."""
    stage.add(name)
    uuid, queue = stage.let_poll(name, enabled=False)

    for maximum in (5, 5, 1_000, None, None, 2):
        stage.functions.limit_mapping(uuid, maximum)
        found = stage.functions.mapping(uuid)
        assert found == EventSourceMapping(
            uuid=uuid, source_arn=queue, enabled=False, maximum_concurrency=maximum
        )
    assert stage.functions.mappings(name) == (found,)
    stage.functions.switch_mapping(uuid, enabled=True)

    assert stage.functions.mapping(uuid).maximum_concurrency == 2


@pytest.mark.parametrize("maximum", [1_001, 10_000])
def test_a_limit_out_of_bounds_is_refused(stage: Stage, name: str, maximum: int) -> None:
    """The mapping stays as it was. Too small a value does not even leave the SDK."""
    stage.add(name)
    uuid, _ = stage.let_poll(name)

    with pytest.raises(RefusedError):
        stage.functions.limit_mapping(uuid, maximum)

    assert stage.functions.mapping(uuid).maximum_concurrency is None


@pytest.mark.thorough
def test_knows_no_missing_mapping(stage: Stage) -> None:
    """A mapping that does not exist is said not to."""
    uuid = "99999999-0000-4000-8000-000000000000"

    with pytest.raises(MappingNotFoundError):
        stage.functions.mapping(uuid)
    with pytest.raises(MappingNotFoundError):
        stage.functions.switch_mapping(uuid, enabled=False)
    with pytest.raises(MappingNotFoundError):
        stage.functions.limit_mapping(uuid, 5)


def test_tells_how_events_arrive(stage: Stage, name: str) -> None:
    """What polls and what pushes, each with its source."""
    stage.add(name)
    uuid, queue = stage.let_poll(name)
    topic = stage.admit_topic(name)

    triggers = stage.functions.triggers(name, stage.functions.mappings(name))

    assert set(triggers) == {
        Trigger(kind=TriggerKind.SQS, service="SQS", source_arn=queue, mapping_uuid=uuid),
        Trigger(kind=TriggerKind.ASYNC, service="SNS", source_arn=topic),
    }


def test_tells_of_no_trigger(stage: Stage, name: str) -> None:
    """A function that nothing may invoke has none."""
    stage.add(name)

    assert stage.functions.triggers(name, ()) == ()


def test_tells_where_failures_go(stage: Stage, name: str) -> None:
    """The on-failure destination, or nothing."""
    stage.add(name)
    before = stage.functions.async_target(name)
    target = "arn:aws:sqs:us-east-1:123456789012:failures"
    stage.send_failures_to(name, target)

    assert ("", target) == (before, stage.functions.async_target(name))


def test_tags_and_untags(stage: Stage, name: str) -> None:
    """Tags are put on, found by their key and taken off; the others stay."""
    arn = stage.add(name, tags={"team": "orders"})
    key = unique("loopbreaker:snapshot")

    stage.functions.tag(arn, {key: "v1"})
    assert stage.functions.tagged(key) == {arn: "v1"}
    assert stage.functions.describe(name).tags == {"team": "orders", key: "v1"}
    stage.functions.untag(arn, [key, "never-there"])

    assert stage.functions.tagged(key) == {}
    assert stage.functions.describe(name).tags == {"team": "orders"}
