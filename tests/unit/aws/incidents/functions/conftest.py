"""The adapter of Lambda with a script of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.incidents.lambda_functions import LambdaFunctions
from functions.aws.runtime.retry import CHANGES
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
UUID = "00000000-0000-4000-8000-000000000001"
MINIMUM = (
    "Specified ReservedConcurrentExecutions for function decreases account's "
    "UnreservedConcurrentExecution below its minimum value of [100]."
)


script = scripted("lambda")
tagging = scripted("resourcegroupstaggingapi")


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that were made."""
    return []


@pytest.fixture
def functions(script: Script, tagging: Script, pauses: list[float]) -> LambdaFunctions:
    """The adapter."""
    return LambdaFunctions(
        script.client, lambda: tagging.client, retry=replace(CHANGES, sleep=pauses.append)
    )


def bare() -> dict[str, Any]:
    """A configuration with what every function has."""
    return {"FunctionName": "orders", "FunctionArn": ARN, "MemorySize": 128, "Timeout": 3}


PROVIDER = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:pool"


def on_instances() -> dict[str, Any]:
    """The configuration of a function on Lambda Managed Instances."""
    return {
        "Configuration": {
            **bare(),
            "CapacityProviderConfig": {
                "LambdaManagedInstancesCapacityProviderConfig": {
                    "CapacityProviderArn": PROVIDER,
                    "PerExecutionEnvironmentMaxConcurrency": 10,
                    "ExecutionEnvironmentMemoryGiBPerVCpu": 4.0,
                }
            },
        }
    }
