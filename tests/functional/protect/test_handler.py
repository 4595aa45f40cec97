"""The handler of `protect`, from CloudFormation's event to the answer on its URL."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber

from functions.aws.deployment.guard_account import GuardAccount
from functions.aws.runtime import custom_resource
from functions.aws.runtime.custom_resource import (
    DELIVERY,
    CustomResourceShapeError,
    ResponseUndeliveredError,
    respond,
)
from functions.domain.deployment.ports import ProtectionContext
from functions.domain.errors import MetricsUnavailableError, RefusedError
from functions.protect import handler as module
from functions.protect import wiring
from functions.protect.handler import handler

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_lambda import LambdaClient

    from functions.domain.deployment.ports import AccountTrafficReader
    from functions.domain.notices.notice import Notice

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:Loopbreaker-protect"
CONTEXT = LambdaContext()
CONTEXT._function_name = "Loopbreaker-protect"
CONTEXT._memory_limit_in_mb = 256
CONTEXT._invoked_function_arn = ARN
CONTEXT._aws_request_id = "request"
FIGURES: Final = {"Coverage": "account", "SweepMinutes": "60", "StandardAlarms": "11"}


class NoTopic:
    """A topic that nothing may be sent to."""

    def publish(self, notice: Notice) -> None:
        """Refuse."""
        raise AssertionError(notice.subject)


class Quiet:
    """An account in which nothing was ever invoked."""

    def read_rates(self, end: datetime) -> tuple[tuple[float, float], ...]:
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


def connections(
    client: LambdaClient, traffic: AccountTrafficReader | None = None
) -> ProtectionContext:
    """The ports of a deployment."""
    return ProtectionContext(
        account=GuardAccount(client),
        traffic=traffic or Quiet(),
        publisher=NoTopic(),
        stack_name="Loopbreaker",
        region="eu-west-1",
        account_id="123456789012",
    )


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What reached CloudFormation's URL."""
    sent: list[dict[str, Any]] = []

    def put(url: str, body: bytes) -> None:
        sent.append({"url": url, **json.loads(body)})

    monkeypatch.setattr(custom_resource, "respond", partial(respond, put=put))
    return sent


@pytest.fixture
def client() -> LambdaClient:
    """A client of the Lambda API."""
    return boto3.client(
        "lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.fixture
def lambda_api(monkeypatch: pytest.MonkeyPatch, client: LambdaClient) -> Stubber:
    """The Lambda API, stubbed call by call with the checks of botocore."""
    monkeypatch.setattr(module, "connect", lambda: connections(client))
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

    handler(event("Create", "Account", **FIGURES), CONTEXT)

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

    handler(event("Create", "Account", **FIGURES, Exempt=["billing", "adit"]), CONTEXT)

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

    handler(event(kind, "Account", **FIGURES), CONTEXT)

    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert "not authorized by an SCP" in answer["Reason"]


def test_broken_settings_fail_the_deployment(
    monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]]
) -> None:
    """Settings that cannot be read are answered too."""
    monkeypatch.delenv("LOOPBREAKER_NOTICE_TOPIC_ARN", raising=False)
    wiring.connect.cache_clear()

    handler(event("Create", "Account", **FIGURES), CONTEXT)

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


@pytest.mark.parametrize("resource", ["Account", "Reservation"])
def test_delete_changes_nothing(
    resource: str, lambda_api: Stubber, answers: list[dict[str, Any]]
) -> None:
    """The reservations end with the functions: a Delete succeeds without any call."""
    handler(event("Delete", resource), CONTEXT)

    lambda_api.assert_no_pending_responses()
    assert answers[0]["Status"] == "SUCCESS"
    assert answers[0]["PhysicalResourceId"] == f"Loopbreaker{resource}"
    assert "Data" not in answers[0]


def test_an_unknown_resource_fails_the_deployment(
    lambda_api: Stubber, answers: list[dict[str, Any]]
) -> None:
    """A resource that `protect` does not serve is an error, not a silent success."""
    handler(event("Create", "Rollback"), CONTEXT)

    lambda_api.assert_no_pending_responses()
    assert answers[0]["Status"] == "FAILED"
    assert answers[0]["Reason"] == "protect serves no Custom::LoopbreakerRollback"


def test_a_failure_without_words_is_named_by_its_type(
    monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]]
) -> None:
    """CloudFormation's events say more than nothing."""

    def broken() -> ProtectionContext:
        raise KeyError

    monkeypatch.setattr(module, "connect", broken)

    handler(event("Create", "Account", **FIGURES), CONTEXT)

    assert answers[0]["Reason"] == "KeyError()"


@pytest.mark.parametrize(("given", "expected"), [("5000", "5000"), ("0", "10000")])
def test_the_flag_says_the_threshold(
    given: str, expected: str, lambda_api: Stubber, answers: list[dict[str, Any]]
) -> None:
    """The number that the operator gave is taken as it is; 0 leaves it to the guard."""
    lambda_api.add_response("get_account_settings", SETTINGS, {})

    handler(event("Create", "Account", AccountAlarmPerMinute=given, **FIGURES), CONTEXT)

    assert answers[0]["Data"]["AccountAlarmThreshold"] == expected


def test_an_arn_of_another_account_fails_the_deployment(
    lambda_api: Stubber, answers: list[dict[str, Any]]
) -> None:
    """A flag that names a function of another account says nothing about one of this account."""
    arn = "arn:aws:lambda:eu-west-1:999999999999:function:orders"

    handler(event("Create", "Account", Arns=[arn], **FIGURES), CONTEXT)

    lambda_api.assert_no_pending_responses()
    assert answers[0]["Status"] == "FAILED"
    assert "is in account 999999999999 Region eu-west-1" in answers[0]["Reason"]


def test_an_alarm_for_each_function_is_priced(
    lambda_api: Stubber, answers: list[dict[str, Any]]
) -> None:
    """The flag `coverage` reaches the price."""
    usage = {**SETTINGS, "AccountUsage": {"TotalCodeSize": 1, "FunctionCount": 1000}}
    lambda_api.add_response("get_account_settings", usage, {})
    figures = {"Coverage": "function", "SweepMinutes": "0", "StandardAlarms": "10"}

    handler(event("Update", "Account", **figures), CONTEXT)

    cost = answers[0]["Data"]["MonthlyCost"]
    assert cost.startswith("about $108.74 a month for 1,000 functions")


def test_a_long_message_of_aws_is_cut(
    monkeypatch: pytest.MonkeyPatch,
    client: LambdaClient,
    lambda_api: Stubber,
    answers: list[dict[str, Any]],
) -> None:
    """CloudFormation takes no long answer; why the traffic is unknown fails no deployment."""

    class Unreadable:
        def read_rates(self, end: datetime) -> tuple[tuple[float, float], ...]:
            raise MetricsUnavailableError("AccessDenied: " + "é" * 5_000)

    monkeypatch.setattr(module, "connect", lambda: connections(client, Unreadable()))
    lambda_api.add_response("get_account_settings", SETTINGS, {})

    handler(event("Create", "Account", **FIGURES), CONTEXT)

    assert answers[0]["Data"]["AccountAlarmThreshold"] == "10000"
    assert answers[0]["Data"]["AccountAlarm"].endswith("éé ...")


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
    monkeypatch.setattr(custom_resource, "respond", partial(respond, put=refuse, retry=retry))

    with pytest.raises(ResponseUndeliveredError):
        handler(event("Delete", "Account"), CONTEXT)


def test_refusal_of_aws_is_told_apart(lambda_api: Stubber, client: LambdaClient) -> None:
    """Only the refusal of a reservation becomes `RefusedError`, with AWS's words."""
    words = (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    lambda_api.add_client_error(
        "put_function_concurrency", "InvalidParameterValueException", words, 400
    )
    account = GuardAccount(client)

    with pytest.raises(RefusedError) as caught:
        account.reserve("Loopbreaker-contain", 5)

    assert str(caught.value) == f"InvalidParameterValueException: {words}"
