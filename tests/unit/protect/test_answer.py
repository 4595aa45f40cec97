"""What `protect` answers to each request of its custom resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.aws.runtime.custom_resource import CustomResourceRequest, CustomResourceResponse
from functions.domain.account.watched_region import ElsewhereError
from functions.domain.deployment.guard_protection import AccountLimits
from functions.domain.errors import (
    MetricsUnavailableError,
    NoticeUndeliveredError,
    RefusedError,
)
from functions.protect.answer import ProtectionContext, UnknownResourceError, answer, failed

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FIGURES = {"Coverage": "account", "SweepMinutes": "60", "StandardAlarms": "11"}
BELOW_MINIMUM = (
    "Specified ReservedConcurrentExecutions for function decreases account's "
    "UnreservedConcurrentExecution below its minimum value of [100]."
)
FUNCTIONS = {"Loopbreaker-contain": "5", "Loopbreaker-restore": "2"}


@dataclass
class FakeAccount:
    """An account with a limit, reservations and a minimum that must stay."""

    concurrency: int = 1000
    functions: int = 42
    minimum: int = 100
    reservations: dict[str, int] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def exists(self, function: str) -> bool:
        """Answer whether it is one of the account's."""
        return function in self.names

    def limits(self) -> AccountLimits:
        """Answer the limits."""
        return AccountLimits(
            concurrency=self.concurrency,
            unreserved=self.concurrency - sum(self.reservations.values()),
            functions=self.functions,
        )

    def reserved(self, function: str) -> int | None:
        """Answer a reservation."""
        return self.reservations.get(function)

    def reserve(self, function: str, concurrency: int) -> None:
        """Reserve, or refuse as AWS does."""
        taken = self.concurrency - self.limits().unreserved + concurrency
        if self.concurrency - taken < self.minimum:
            raise RefusedError(BELOW_MINIMUM)
        self.reservations[function] = concurrency


@dataclass
class FakeTopic:
    """A topic that keeps what it is sent."""

    fault: Exception | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, subject: str, body: str) -> None:
        """Take a notice."""
        if self.fault:
            raise self.fault
        self.sent.append((subject, body))


def request(
    kind: str, resource: str = "Reservation", **properties: object
) -> CustomResourceRequest:
    """Build a request of CloudFormation."""
    event: dict[str, Any] = {
        "RequestType": kind,
        "RequestId": "id",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/Loopbreaker/id",
        "ResponseURL": "https://example.com",
        "ResourceType": f"Custom::Loopbreaker{resource}",
        "LogicalResourceId": "It",
        "ResourceProperties": properties,
    }
    if kind != "Create":
        event["PhysicalResourceId"] = f"Loopbreaker{resource}"
    return CustomResourceRequest.from_event(event)


@dataclass
class FakeTraffic:
    """An account that is equally busy all the time, or whose traffic cannot be read."""

    per_minute: float = 100.0
    fault: Exception | None = None

    def rates(self, end: datetime) -> tuple[tuple[float, float], ...]:
        """Answer a rate for each hour of 14 days."""
        if self.fault:
            raise self.fault
        return tuple((end.timestamp() - 3600 * (n + 1), self.per_minute) for n in range(14 * 24))


def ask(
    asked: CustomResourceRequest,
    account: FakeAccount,
    topic: FakeTopic | None = None,
    traffic: FakeTraffic | None = None,
) -> CustomResourceResponse:
    """Let `protect` answer."""
    world = ProtectionContext(
        account=account,
        traffic=traffic or FakeTraffic(),
        publisher=topic or FakeTopic(),
        stack_name="Loopbreaker",
        region="eu-west-1",
        account_id="123456789012",
    )
    return answer(asked, world, NOW)


def test_account_figures() -> None:
    """The account's figures are answered as texts, with the cost for its number of functions."""
    response = ask(
        request("Create", "Account", Coverage="account", SweepMinutes="60", StandardAlarms="11"),
        FakeAccount(),
    )

    assert response == CustomResourceResponse(
        physical_resource_id="LoopbreakerAccount",
        data={
            "ConcurrencyLimit": "1000",
            "ConcurrencyAlarmThreshold": "800",
            "AccountAlarmThreshold": "10000",
            "AccountAlarm": (
                "10,000 invocations a minute, the default; normal here is up to 100 a minute"
            ),
            "ExemptFunctions": "none by flag",
            "FunctionCount": "42",
            "MonthlyCost": (
                "about $3.94 a month for 42 functions "
                "(alarms $1.10, pulse $2.37, sweep $0.30, chart $0.07, diagnosis $0.10); "
                "prices of us-east-1, free tier not counted"
            ),
        },
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["billing", "audit"], "2 by flag, all found"),
        (
            ["billing", "adit"],
            "CHECK THE NAMES: of 2 by flag, 1 do not exist here: adit",
        ),
    ],
)
def test_a_name_that_exempts_nothing_is_said(names: list[str], expected: str) -> None:
    """A typing error would leave a function unprotected, and nobody would know."""
    account = FakeAccount(names=frozenset({"billing", "audit"}))

    response = ask(request("Create", "Account", **FIGURES, Exempt=names), account)

    assert response.data["ExemptFunctions"] == expected


def test_account_figures_with_an_alarm_per_function() -> None:
    """The cost counts the alarm per function where it is asked for."""
    response = ask(
        request("Update", "Account", Coverage="function", SweepMinutes="0", StandardAlarms="10"),
        FakeAccount(functions=1000),
    )

    assert response.data["MonthlyCost"].startswith("about $108.74 a month for 1,000 functions")


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_the_account_alarm_is_above_normal_traffic(kind: str) -> None:
    """A busy account gets a threshold that its normal traffic does not reach, each time anew."""
    for normal, expected in ((45_000.0, "90000"), (15_000.0, "30000")):
        response = ask(
            request(kind, "Account", AccountAlarmPerMinute="0", Arns=[], **FIGURES),
            FakeAccount(),
            traffic=FakeTraffic(normal),
        )

        assert response.data["AccountAlarmThreshold"] == expected


def test_the_flag_says_the_threshold() -> None:
    """The number that the operator gave is taken as it is."""
    response = ask(
        request("Create", "Account", AccountAlarmPerMinute="5000", **FIGURES), FakeAccount()
    )

    assert response.data["AccountAlarmThreshold"] == "5000"


def test_traffic_that_cannot_be_read_fails_no_deployment() -> None:
    """The default holds, and the output says why."""
    response = ask(
        request("Create", "Account", **FIGURES),
        FakeAccount(),
        traffic=FakeTraffic(fault=MetricsUnavailableError("AccessDenied: " + "é" * 5_000)),
    )

    assert response.data["AccountAlarmThreshold"] == "10000"
    assert "could not be read (AccessDenied: é" in response.data["AccountAlarm"]
    assert len(response.data["AccountAlarm"]) == 500


def test_an_arn_of_another_account_fails_the_deployment() -> None:
    """A flag that names a function of another account says nothing about one of this account."""
    arn = "arn:aws:lambda:eu-west-1:999999999999:function:orders"

    with pytest.raises(ElsewhereError, match="is in account 999999999999 Region eu-west-1"):
        ask(request("Create", "Account", Arns=[arn], **FIGURES), FakeAccount())


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_reserves_where_the_limit_allows(kind: str) -> None:
    """On an ordinary account each guard function gets its share, without a notice."""
    account, topic = FakeAccount(), FakeTopic()

    response = ask(request(kind, Functions=FUNCTIONS), account, topic)

    assert account.reservations == {"Loopbreaker-contain": 5, "Loopbreaker-restore": 2}
    assert response.data["Protection"].startswith("protected: ")
    assert topic.sent == []


def test_small_account_deploys_all_the_same_and_says_so() -> None:
    """On an account with a limit of 10 nothing is reserved, and output and notice say so."""
    account, topic = FakeAccount(concurrency=10, minimum=10), FakeTopic()

    response = ask(request("Create", Functions=FUNCTIONS), account, topic)

    assert (response.reason, account.reservations) == (None, {})
    assert response.data["Protection"].startswith("NOT protected")
    assert [subject for subject, _ in topic.sent] == [
        "Loopbreaker: the guard has no concurrency of its own"
    ]


def test_a_refusal_by_aws_deploys_all_the_same() -> None:
    """Where AWS refuses what the figures allowed, its own words are passed on."""
    topic = FakeTopic()

    response = ask(
        request("Create", Functions=FUNCTIONS), FakeAccount(concurrency=110, minimum=110), topic
    )

    assert response.reason is None
    assert BELOW_MINIMUM in response.data["Protection"]
    assert len(topic.sent) == 1


def test_a_notice_that_cannot_be_sent_does_not_fail_the_deployment() -> None:
    """The output still says what the notice would have said."""
    topic = FakeTopic(fault=NoticeUndeliveredError("topic is gone"))

    response = ask(request("Create", Functions=FUNCTIONS), FakeAccount(concurrency=10), topic)

    assert "could not be sent: topic is gone" in response.data["Protection"]


def test_repeated_request() -> None:
    """Lambda may deliver a request twice; the second time changes nothing."""
    account = FakeAccount()

    first = ask(request("Create", Functions=FUNCTIONS), account)
    second = ask(request("Create", Functions=FUNCTIONS), account)

    assert first == second
    assert account.reservations == {"Loopbreaker-contain": 5, "Loopbreaker-restore": 2}


@pytest.mark.parametrize("resource", ["Account", "Reservation"])
def test_delete_changes_nothing(resource: str) -> None:
    """The reservations end with the functions: a Delete succeeds without any call."""
    account = FakeAccount(reservations={"Loopbreaker-contain": 5})

    response = ask(request("Delete", resource), account)

    assert response == CustomResourceResponse(physical_resource_id=f"Loopbreaker{resource}")
    assert account.reservations == {"Loopbreaker-contain": 5}


def test_unknown_resource() -> None:
    """A resource that `protect` does not serve is an error, not a silent success."""
    with pytest.raises(UnknownResourceError, match="Custom::LoopbreakerRollback"):
        ask(request("Create", "Rollback"), FakeAccount())


@pytest.mark.parametrize(
    ("kind", "reason"), [("Create", "denied"), ("Update", "denied"), ("Delete", None)]
)
def test_failed(kind: str, reason: str | None) -> None:
    """A failure is reported with its words, but never keeps a stack from being removed."""
    response = failed(request(kind), RuntimeError("denied"))

    assert response == CustomResourceResponse(
        physical_resource_id="LoopbreakerReservation", reason=reason
    )


def test_failed_without_words() -> None:
    """An error without a message is named by its type."""
    assert failed(request("Create"), KeyError()).reason == "KeyError()"
