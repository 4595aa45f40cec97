"""What is changed at a function, and AWS's refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.changes.steps import VersionScaling
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    ProvisionedConcurrencyError,
    RefusedError,
    VersionNotFoundError,
)
from tests.unit.aws.incidents.functions.conftest import (
    ARN,
    MINIMUM,
    UUID,
    bare,
)

if TYPE_CHECKING:
    from functions.aws.incidents.lambda_functions import LambdaFunctions
    from functions.domain.errors import LoopbreakerError
    from tests.unit.aws.stubs import Script


@pytest.mark.parametrize(
    ("minimum", "maximum", "config"),
    [
        (0, 0, {"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0}),
        (3, None, {"MinExecutionEnvironments": 3}),
        (None, None, {}),
    ],
)
def test_scales_a_version(
    functions: LambdaFunctions,
    script: Script,
    minimum: int | None,
    maximum: int | None,
    config: dict[str, int],
) -> None:
    """Both numbers go together; one that was Lambda's default is left out."""
    script.answer(
        "put_function_scaling_config",
        {"FunctionState": "Deactivating"},
        FunctionName="orders",
        Qualifier="7",
        FunctionScalingConfig=config,
    )

    functions.scale("orders", VersionScaling(qualifier="7", minimum=minimum, maximum=maximum))


def test_a_missing_version_is_no_missing_function(
    functions: LambdaFunctions, script: Script
) -> None:
    """AWS says the same of both, and only the latter ends an incident."""
    script.refuse("get_function_scaling_config", "ResourceNotFoundException", status=404)
    script.answer("get_function", {"Configuration": bare()})
    with pytest.raises(VersionNotFoundError):
        functions.scaling("orders", "7")

    script.refuse("put_function_scaling_config", "ResourceNotFoundException", status=404)
    script.refuse("get_function", "ResourceNotFoundException", status=404)
    with pytest.raises(FunctionNotFoundError):
        functions.scale("orders", VersionScaling(qualifier="7", minimum=0, maximum=0))


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (("InvalidParameterValueException", MINIMUM, 400), InvalidValueError),
        (
            (
                "InvalidParameterValueException",
                "ReservedConcurrentExecutions cannot be lower than provisioned concurrency",
                400,
            ),
            ProvisionedConcurrencyError,
        ),
        (
            (
                "InvalidParameterValueException",
                "The Provisioned Concurrency Configs of this function add up to more",
                400,
            ),
            ProvisionedConcurrencyError,
        ),
        (("ResourceNotFoundException", "Function not found", 404), FunctionNotFoundError),
        (("AccessDeniedException", "explicit deny", 403), RefusedError),
        (("TooManyRequestsException", "Rate exceeded", 429), BusyError),
        (("ServiceException", "internal", 500), BusyError),
        (("SomethingNew", "on our side", 503), BusyError),
    ],
)
def test_errors_in_the_words_of_the_domain(
    functions: LambdaFunctions,
    script: Script,
    refusal: tuple[str, str, int],
    error: type[LoopbreakerError],
) -> None:
    """Each refusal becomes the domain's error, with AWS's own words."""
    code, words, status = refusal
    script.refuse("put_function_concurrency", code, words, status)

    with pytest.raises(error) as raised:
        functions.reserve("orders", 0)

    assert type(raised.value) is error
    assert str(raised.value) == f"orders: {code}: {words}"
    assert raised.value.__cause__ is not None


def test_conflicts_are_waited_for(
    functions: LambdaFunctions, script: Script, pauses: list[float]
) -> None:
    """A reservation that something else is in the way of is tried again."""
    script.refuse("put_function_concurrency", "ResourceConflictException", status=409)
    script.refuse("put_function_concurrency", "ResourceConflictException", status=409)
    script.answer("put_function_concurrency", FunctionName="orders", ReservedConcurrentExecutions=0)

    functions.reserve("orders", 0)

    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


def test_conflicts_are_not_waited_for_forever(
    functions: LambdaFunctions, script: Script, pauses: list[float]
) -> None:
    """After six attempts within seconds the function is busy."""
    for _ in range(6):
        script.refuse("delete_function_concurrency", "ResourceConflictException", status=409)

    with pytest.raises(BusyError, match=r"ResourceConflictException: .* \(tried 6 times\)"):
        functions.unreserve("orders")

    assert len(pauses) == 5
    assert sum(pauses) < 12


def test_a_mapping_in_use_is_waited_for(functions: LambdaFunctions, script: Script) -> None:
    """A mapping that is still changing takes the switch a little later."""
    script.refuse("update_event_source_mapping", "ResourceInUseException")
    script.answer("update_event_source_mapping", UUID=UUID, Enabled=False)

    functions.switch_mapping(UUID, enabled=False)


@pytest.mark.parametrize(("maximum", "config"), [(5, {"MaximumConcurrency": 5}), (None, {})])
def test_limits_a_mapping(
    functions: LambdaFunctions, script: Script, maximum: int | None, config: dict[str, int]
) -> None:
    """One that is in use is waited for; an empty configuration removes the limit."""
    script.refuse("update_event_source_mapping", "ResourceInUseException")
    script.answer("update_event_source_mapping", UUID=UUID, ScalingConfig=config)

    functions.limit_mapping(UUID, maximum)


def test_a_missing_alias_is_no_missing_function(functions: LambdaFunctions, script: Script) -> None:
    """AWS's "not found" for an alias does not pass for the function's."""
    script.refuse("put_provisioned_concurrency_config", "ResourceNotFoundException", status=404)
    script.answer("get_function", FunctionName="orders")

    with pytest.raises(VersionNotFoundError, match="orders:live"):
        functions.put_provisioned("orders", "live", 5)


def test_knows_whether_an_alias_is_there(functions: LambdaFunctions, script: Script) -> None:
    """One that is gone is told from a function that is."""
    script.answer("get_function", FunctionName="orders", Qualifier="live")
    script.refuse("get_function", "ResourceNotFoundException", status=404)
    script.answer("get_function", FunctionName="orders")
    script.refuse("get_function", "ResourceNotFoundException", status=404)
    script.refuse("get_function", "ResourceNotFoundException", status=404)

    assert functions.has_version("orders", "live")
    assert not functions.has_version("orders", "live")
    with pytest.raises(FunctionNotFoundError):
        functions.has_version("orders", "live")


def test_provisioned_concurrency_that_is_gone(functions: LambdaFunctions, script: Script) -> None:
    """Removing what is not there is fine as long as the function is."""
    script.refuse("delete_provisioned_concurrency_config", "ResourceNotFoundException", status=404)
    script.answer("get_function_concurrency", FunctionName="orders")

    functions.remove_provisioned("orders", "live")


def test_reads_provisioned_concurrency_page_by_page(
    functions: LambdaFunctions, script: Script
) -> None:
    """What was requested counts, not what is allocated already."""

    def page(qualifier: str, **more: Any) -> dict[str, Any]:
        one = {
            "FunctionArn": f"{ARN}:{qualifier}",
            "RequestedProvisionedConcurrentExecutions": 5,
            "AllocatedProvisionedConcurrentExecutions": 1,
        }
        return {"ProvisionedConcurrencyConfigs": [one], **more}

    script.answer("list_provisioned_concurrency_configs", page("live", NextMarker="next"))
    script.answer("list_provisioned_concurrency_configs", page("7"))

    found = functions.provisioned("orders")

    assert [(one.qualifier, one.requested) for one in found] == [("7", 5), ("live", 5)]
