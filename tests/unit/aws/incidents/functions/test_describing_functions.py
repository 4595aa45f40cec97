"""What is read of a function, and what is never invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.changes.steps import VersionScaling
from functions.domain.detection.evidence import FunctionFacts, FunctionKind
from functions.domain.errors import (
    BusyError,
)
from tests.unit.aws.incidents.functions.conftest import (
    ARN,
    PROVIDER,
    QUEUE,
    bare,
    on_instances,
)

if TYPE_CHECKING:
    from functions.aws.incidents.lambda_functions import LambdaFunctions
    from tests.unit.aws.stubs import Script


def test_one_call_tells_everything(functions: LambdaFunctions, script: Script) -> None:
    """Configuration, tags, reservation and dead-letter queue come from one GetFunction."""
    script.answer(
        "get_function",
        {
            "Configuration": {
                "FunctionName": "orders",
                "FunctionArn": ARN,
                "MemorySize": 512,
                "Timeout": 30,
                "Architectures": ["arm64"],
                "DeadLetterConfig": {"TargetArn": QUEUE},
                "LastModified": "2026-03-09T08:00:00.000+0000",
            },
            "Tags": {"team": "orders"},
            "Concurrency": {"ReservedConcurrentExecutions": 0},
        },
        FunctionName="orders",
    )

    assert functions.describe("orders") == FunctionFacts(
        name="orders",
        arn=ARN,
        memory_mb=512,
        timeout_seconds=30,
        architecture="arm64",
        reserved_concurrency=0,
        tags={"team": "orders"},
        async_target_arn=QUEUE,
        last_modified=datetime(2026, 3, 9, 8, tzinfo=UTC),
    )


def test_absent_fields_are_not_invented(functions: LambdaFunctions, script: Script) -> None:
    """What AWS leaves out is nothing reserved, no tags, no dead-letter queue, no date."""
    script.answer("get_function", {"Configuration": {**bare(), "LastModified": "?"}})

    facts = functions.describe("orders")

    assert facts.reserved_concurrency is None
    assert (dict(facts.tags), facts.async_target_arn, facts.last_modified) == ({}, "", None)


def test_reads_the_scaling_of_every_version_with_instances(
    functions: LambdaFunctions, script: Script
) -> None:
    """Only a function on Lambda Managed Instances is asked about, by its own versions alone."""
    script.answer("get_function", on_instances())
    arns = (f"{ARN}:7", f"{ARN}-2:7", f"{ARN}:$LATEST.PUBLISHED", ARN)
    script.answer(
        "list_function_versions_by_capacity_provider",
        {
            "CapacityProviderArn": PROVIDER,
            "FunctionVersions": [{"FunctionArn": one, "State": "Active"} for one in arns],
        },
        CapacityProviderName=PROVIDER,
    )
    script.answer(
        "get_function_scaling_config",
        {
            "FunctionArn": ARN,
            "AppliedFunctionScalingConfig": {"MinExecutionEnvironments": 1},
            "RequestedFunctionScalingConfig": {"MinExecutionEnvironments": 3},
        },
        FunctionName="orders",
        Qualifier="$LATEST.PUBLISHED",
    )
    script.answer(
        "get_function_scaling_config",
        {
            "RequestedFunctionScalingConfig": {
                "MinExecutionEnvironments": 0,
                "MaxExecutionEnvironments": 0,
            }
        },
        FunctionName="orders",
        Qualifier="7",
    )

    facts = functions.describe("orders")

    assert facts.kind is FunctionKind.MANAGED_INSTANCES
    assert facts.scaling == (
        VersionScaling(qualifier="$LATEST.PUBLISHED", minimum=3, maximum=None),
        VersionScaling(qualifier="7", minimum=0, maximum=0),
    )
    assert not facts.is_stopped


def test_a_scaling_that_cannot_be_read_is_unknown(
    functions: LambdaFunctions, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """The function is described all the same: people are notified that it cannot be stopped."""
    script.answer("get_function", on_instances())
    script.refuse("list_function_versions_by_capacity_provider", "AccessDeniedException")

    facts = functions.describe("orders")

    assert (facts.kind, facts.scaling) == (FunctionKind.MANAGED_INSTANCES, ())
    assert "scaling unknown" in caplog.text


def test_knows_durable_functions_and_those_with_tenants(
    functions: LambdaFunctions, script: Script
) -> None:
    """Executions of the former go on; a reservation counts for all tenants together."""
    durable = {"RetentionPeriodInDays": 7, "ExecutionTimeout": 3600}
    script.answer("get_function", {"Configuration": {**bare(), "DurableConfig": durable}})
    tenants = {"TenantIsolationMode": "PER_TENANT"}
    script.answer("get_function", {"Configuration": {**bare(), "TenancyConfig": tenants}})

    first, second = functions.describe("orders"), functions.describe("orders")

    assert (first.is_durable, first.kind) == (True, FunctionKind.STANDARD)
    assert (second.is_durable, second.kind) == (False, FunctionKind.STANDARD)


def test_unknown_tags_are_logged(
    functions: LambdaFunctions, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Tags that AWS could not read are none, and that is said in the log."""
    failure = {"ErrorCode": "AccessDeniedException", "Message": f"{'not authorized':<84}"}
    script.answer("get_function", {"Configuration": bare(), "TagsError": failure})

    assert functions.describe("orders").tags == {}
    assert "tags unknown" in caplog.text


def test_finds_tagged_functions_page_by_page(functions: LambdaFunctions, tagging: Script) -> None:
    """All functions with the tag, each with the tag's value."""

    def found(arn: str, value: str) -> dict[str, Any]:
        tags = [{"Key": "other", "Value": "no"}, {"Key": "key", "Value": value}]
        return {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": tags}]}

    expected = {"TagFilters": [{"Key": "key"}], "ResourceTypeFilters": ["lambda:function"]}
    tagging.answer("get_resources", {**found("a", "1"), "PaginationToken": "next"}, **expected)
    tagging.answer("get_resources", found("b", "2"), **expected, PaginationToken="next")

    assert functions.tagged("key") == {"a": "1", "b": "2"}


def test_the_tagging_api_is_busy(functions: LambdaFunctions, tagging: Script) -> None:
    """Its errors are the domain's, too."""
    tagging.refuse("get_resources", "ThrottledException")

    with pytest.raises(BusyError, match="functions with the tag key"):
        functions.tagged("key")
