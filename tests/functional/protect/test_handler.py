"""The handler of `protect`, from CloudFormation's event to the answer on its URL."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber

from functions.aws.deployment.guard_account import GuardAccount
from functions.aws.runtime.custom_resource import (
    DELIVERY,
    CustomResourceShapeError,
    ResponseUndeliveredError,
    respond,
)
from functions.domain.errors import RefusedError
from functions.protect import handler as module
from functions.protect.answer import ProtectionContext
from functions.protect.handler import handler

if TYPE_CHECKING:
    from datetime import datetime

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:Loopbreaker-protect"
CONTEXT = LambdaContext()
CONTEXT._function_name = "Loopbreaker-protect"
CONTEXT._memory_limit_in_mb = 256
CONTEXT._invoked_function_arn = ARN
CONTEXT._aws_request_id = "request"


class NoTopic:
    """A topic that nothing may be sent to."""

    def publish(self, subject: str, body: str) -> None:
        """Refuse."""
        raise AssertionError(subject)


class Quiet:
    """An account in which nothing was ever invoked."""

    def rates(self, end: datetime) -> tuple[tuple[float, float], ...]:
        """Answer nothing."""
        return ()


def event(kind: str, resource: str, **properties: object) -> dict[str, Any]:
    """A request as Lambda gets it, with the keys that CloudFormation adds to AWS's sample."""
    return {
        "RequestType": kind,
        "ServiceToken": ARN,
        "ResponseURL": "https://cloudformation-custom-resource-response.example.com/it",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/Loopbreaker/id",
        "RequestId": "b4b1",
        "LogicalResourceId": "It",
        "ResourceType": f"Custom::Loopbreaker{resource}",
        "ResourceProperties": {"ServiceToken": ARN, "ServiceTimeout": "600", **properties},
    } | ({} if kind == "Create" else {"PhysicalResourceId": f"Loopbreaker{resource}"})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What reached CloudFormation's URL."""
    sent: list[dict[str, Any]] = []

    def put(url: str, body: bytes) -> None:
        sent.append({"url": url, **json.loads(body)})

    monkeypatch.setattr(module, "respond", partial(respond, put=put))
    return sent


@pytest.fixture
def lambda_api(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """The Lambda API, stubbed call by call with the checks of botocore."""
    client = boto3.client(
        "lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    world = ProtectionContext(
        account=GuardAccount(client),
        traffic=Quiet(),
        publisher=NoTopic(),
        stack_name="Loopbreaker",
        region="eu-west-1",
        account_id="123456789012",
    )
    monkeypatch.setattr(module, "connect", lambda: world)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


SETTINGS: dict[str, Any] = {
    "AccountLimit": {
        "TotalCodeSize": 80530636800,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    },
    "AccountUsage": {"TotalCodeSize": 1, "FunctionCount": 10},
}


def test_account(lambda_api: Stubber, answers: list[dict[str, Any]]) -> None:
    """The account's figures reach CloudFormation."""
    lambda_api.add_response("get_account_settings", SETTINGS, {})

    handler(
        event("Create", "Account", Coverage="account", SweepMinutes="60", StandardAlarms="11"),
        CONTEXT,
    )

    (answer,) = answers
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == "LoopbreakerAccount"
    assert answer["Data"]["ConcurrencyAlarmThreshold"] == "800"
    assert answer["Data"]["AccountAlarmThreshold"] == "10000"


def test_exempt_functions_are_looked_up(lambda_api: Stubber, answers: list[dict[str, Any]]) -> None:
    """AWS's answer for a function that is not there becomes a line of the outputs."""
    lambda_api.add_response("get_function_concurrency", {}, {"FunctionName": "billing"})
    lambda_api.add_client_error(
        "get_function_concurrency", "ResourceNotFoundException", "Function not found", 404
    )
    lambda_api.add_response("get_account_settings", SETTINGS, {})
    figures = {"Coverage": "account", "SweepMinutes": "60", "StandardAlarms": "11"}

    handler(event("Create", "Account", **figures, Exempt=["billing", "adit"]), CONTEXT)

    assert answers[0]["Data"]["ExemptFunctions"].endswith("1 do not exist here: adit")


def test_reservation(lambda_api: Stubber, answers: list[dict[str, Any]]) -> None:
    """Each guard function is reserved by one call; AWS answers no key when there is nothing."""
    lambda_api.add_response("get_account_settings", SETTINGS, {})
    for name in ("Loopbreaker-contain", "Loopbreaker-restore"):
        lambda_api.add_response("get_function_concurrency", {}, {"FunctionName": name})
    for name, count in (("Loopbreaker-contain", 5), ("Loopbreaker-restore", 2)):
        lambda_api.add_response(
            "put_function_concurrency",
            {"ReservedConcurrentExecutions": count},
            {"FunctionName": name, "ReservedConcurrentExecutions": count},
        )

    handler(
        event(
            "Create",
            "Reservation",
            Functions={"Loopbreaker-contain": "5", "Loopbreaker-restore": "2"},
        ),
        CONTEXT,
    )

    lambda_api.assert_no_pending_responses()
    assert answers[0]["Data"]["Protection"].startswith("protected")


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_aws_error_fails_the_deployment_in_its_own_words(
    kind: str, lambda_api: Stubber, answers: list[dict[str, Any]]
) -> None:
    """An error of AWS becomes the reason of the failure; the stack never waits in vain."""
    lambda_api.add_client_error(
        "get_account_settings", "AccessDeniedException", "not authorized by an SCP", 403
    )

    handler(event(kind, "Account", Coverage="account"), CONTEXT)

    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert "not authorized by an SCP" in answer["Reason"]


def test_broken_settings_fail_the_deployment(
    monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]]
) -> None:
    """Settings that cannot be read are answered too."""
    monkeypatch.delenv("LOOPBREAKER_NOTICE_TOPIC_ARN", raising=False)
    module.connect.cache_clear()

    handler(event("Create", "Account"), CONTEXT)

    assert answers[0]["Status"] == "FAILED"
    assert "LOOPBREAKER_NOTICE_TOPIC_ARN is not set" in answers[0]["Reason"]


def test_delete_always_succeeds(
    monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]]
) -> None:
    """Even a `protect` that cannot start lets the stack be removed."""

    def broken() -> ProtectionContext:
        raise RuntimeError("no credentials")

    monkeypatch.setattr(module, "connect", broken)

    handler(event("Delete", "Reservation"), CONTEXT)

    assert answers[0]["Status"] == "SUCCESS"


def test_unknown_shape_is_raised(answers: list[dict[str, Any]]) -> None:
    """An event without a URL to answer to is an error, and ends as a dead letter."""
    with pytest.raises(CustomResourceShapeError):
        handler({"source": "aws.events"}, CONTEXT)

    assert answers == []


def test_undelivered_answer_is_raised(monkeypatch: pytest.MonkeyPatch, lambda_api: Stubber) -> None:
    """When the URL does not take the answer, Lambda must try again."""

    def refuse(url: str, body: bytes) -> None:
        raise TimeoutError

    retry = replace(DELIVERY, sleep=lambda seconds: None)
    monkeypatch.setattr(module, "respond", partial(respond, put=refuse, retry=retry))

    with pytest.raises(ResponseUndeliveredError):
        handler(event("Delete", "Account"), CONTEXT)


def test_refusal_of_aws_is_told_apart(lambda_api: Stubber) -> None:
    """Only the refusal of a reservation becomes `RefusedError`, with AWS's words."""
    words = (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    lambda_api.add_client_error(
        "put_function_concurrency", "InvalidParameterValueException", words, 400
    )
    account = module.connect().account

    with pytest.raises(RefusedError) as caught:
        account.reserve("Loopbreaker-contain", 5)

    assert str(caught.value) == f"InvalidParameterValueException: {words}"
