"""The functions of the guard, and the flags that reach them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from aws_cdk import Token

from stacks.components.guard_function import size_of_environment
from stacks.flag_values import ConfigError
from stacks.names import GUARD_FUNCTIONS, PRESENT
from tests.infrastructure.stack.resources import (
    CHART,
    CONTAIN,
    DIAGNOSE,
    LASTING,
    PROTECT,
    RESTORE,
    logical_id,
    variable,
)

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesize, Synthesized


@pytest.mark.parametrize(
    ("verb", "timeout", "memory", "longest_wait"),
    [
        ("contain", 120, 512, 600),
        ("restore", 900, 512, 900),
        ("protect", 300, 256, 600),
        ("diagnose", 900, 1024, 3600),
        ("chart", 900, 1024, 3600),
    ],
)
def test_functions(
    default: Synthesized, verb: str, timeout: int, memory: int, longest_wait: int
) -> None:
    """Each function has its limits, and what fails three times is kept."""
    name = f"Loopbreaker-{verb}"
    function = default.function(name)
    logical = logical_id(default, "AWS::Lambda::Function", "FunctionName", name)
    (invoke,) = (
        one
        for one in default.properties("AWS::Lambda::EventInvokeConfig")
        if one["FunctionName"] == {"Ref": logical}
    )
    (queue,) = (
        one for one in default.of_type("AWS::SQS::Queue") if one.startswith("DeadLettersFailed")
    )

    assert (function["Handler"], function["Timeout"], function["MemorySize"]) == (
        f"functions.{verb}.handler.handler",
        timeout,
        memory,
    )
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert (invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"]) == (2, longest_wait)
    assert invoke["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}
    }
    assert {"Key": "loopbreaker:exempt", "Value": "true"} in function["Tags"]


def test_no_reservation_in_the_template(default: Synthesized) -> None:
    """A reservation as a property would fail the deployment on small accounts."""
    for function in default.properties("AWS::Lambda::Function"):
        assert "ReservedConcurrentExecutions" not in function


def test_logs_are_kept_for_three_months(default: Synthesized) -> None:
    """Each function writes to its own group, which ends with the stack."""
    groups = default.of_type("AWS::Logs::LogGroup").values()

    assert {one["Properties"]["LogGroupName"] for one in groups} == {
        f"/aws/lambda/{name}" for name in (CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART)
    }
    assert {one["Properties"]["RetentionInDays"] for one in groups} == {90}
    assert {one["DeletionPolicy"] for one in groups} == {"Delete"}


def test_settings_of_contain(full: Synthesized) -> None:
    """The flags reach `contain`, and the account's limit comes from the deployment."""
    variables = full.function(CONTAIN)["Environment"]["Variables"]
    (account,) = full.of_type("Custom::LoopbreakerAccount")
    (table,) = full.of_type("AWS::DynamoDB::Table")
    names = {
        one["Properties"]["DisplayName"]: name
        for name, one in full.of_type("AWS::SNS::Topic").items()
    }
    topic, chat = names["Loopbreaker"], names["Loopbreaker chat"]
    way_back = {
        name: variables.pop(f"LOOPBREAKER_{name}")
        for name in ("HOLD_SCHEDULES", "HOLD_ROLE_ARN", "RESTORE_ARN", "UNDELIVERED_ARN")
    }
    for_restore = full.function(RESTORE)["Environment"]["Variables"]

    assert way_back == {name: for_restore[f"LOOPBREAKER_{name}"] for name in way_back}
    assert way_back["HOLD_SCHEDULES"] == full.one("AWS::Scheduler::ScheduleGroup")["Name"]
    assert str(way_back["RESTORE_ARN"]).endswith(f":function:{RESTORE}']]}}")
    assert variables == {
        "POWERTOOLS_SERVICE_NAME": CONTAIN,
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "LOOPBREAKER_LEDGER_TABLE": {"Ref": table},
        "LOOPBREAKER_NOTICE_TOPIC_ARN": {"Ref": topic},
        "LOOPBREAKER_CHAT_TOPIC_ARN": {"Ref": chat},
        "LOOPBREAKER_STACK_NAME": "Loopbreaker",
        "LOOPBREAKER_MODE": "observe",
        "LOOPBREAKER_RESPONSE": "notify",
        "LOOPBREAKER_DANGER_USD_PER_MINUTE": "1",
        "LOOPBREAKER_FLOOR_PER_MINUTE": "120",
        "LOOPBREAKER_BLAST_RADIUS": "7",
        "LOOPBREAKER_BLAST_RADIUS_WINDOW_MINUTES": "60",
        "LOOPBREAKER_EXEMPT": "billing,audit",
        "LOOPBREAKER_OWN_FUNCTIONS": ",".join((*GUARD_FUNCTIONS, PRESENT)),
        "LOOPBREAKER_ACCOUNT_CONCURRENCY": {"Fn::GetAtt": [account, "ConcurrencyLimit"]},
        "LOOPBREAKER_SWEEP_MINUTES": "0",
        "LOOPBREAKER_DEPLOY_FLAGS": LASTING,
    }


def test_lists_that_do_not_fit_into_an_environment(synthesize: Synthesize) -> None:
    """Names that Lambda would refuse during the deployment are refused before, with a way out."""
    names = ",".join(f"{'a' * 32}-{number:02}" for number in range(60))

    with pytest.raises(ConfigError) as caught:
        synthesize(exempt=names)

    assert re.fullmatch(
        r"Loopbreaker: flag exempt=a[a0-9,-]+\.\.\.: with 60 entries the environment of "
        r"Loopbreaker-contain has 6,\d{3} bytes, Lambda takes 4,096; use the tag "
        r"loopbreaker:exempt=true on the functions instead",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, len("{}")),
        ({"A": "é"}, len('{"A":"é"}') + 1),
        ({"A": "b", "C": Token.as_string({"Ref": "T"})}, len('{"A":"b","C":""}') + 150),
    ],
)
def test_size_of_an_environment(environment: dict[str, str], expected: int) -> None:
    """The size is that of the JSON text in UTF-8, with room for what CloudFormation fills in."""
    assert size_of_environment(environment) == expected


def test_arns_of_exempt_functions(synthesize: Synthesize) -> None:
    """Functions may be exempted by their ARNs; the guard knows them by name."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function"
    stack = synthesize(exempt=f"{arn}:billing,audit", accepted_loops=f"{arn}:requeue")

    assert variable(stack, CONTAIN, "EXEMPT") == "billing,audit"
    assert variable(stack, DIAGNOSE, "EXEMPT") == "billing,audit"
    assert stack.one("Custom::LoopbreakerAccount")["Arns"] == [f"{arn}:billing", f"{arn}:requeue"]
    assert variable(stack, CHART, "ACCEPTED_LOOPS") == "requeue"
