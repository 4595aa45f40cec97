"""The handler of `diagnose`: events, CloudFormation's requests, and the answers on their URL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.aws.runtime import custom_resource
from functions.aws.runtime.custom_resource import MAX_BODY_BYTES, respond
from functions.diagnose import handler as module
from functions.diagnose.handler import handler
from functions.domain.errors import (
    LedgerUnavailableError,
    NoticeUndeliveredError,
    UnrecognisedSignalError,
)
from functions.domain.incidents.ports import RequestClaim
from functions.domain.notices.events.ports import NoEvents
from functions.workflows.diagnosis.answer_request import ASKED_BEFORE, NOTHING_ASKED
from tests.fake_diagnosis import NOON, Ward
from tests.functional.lambda_context import lambda_context
from tests.unit.domain.diagnosis.samples import allow

EVENTS = Path(__file__).resolve().parents[2] / "events"
CONTEXT = lambda_context("Loopbreaker-diagnose")


class Stage:
    """A ward behind the handler, and what CloudFormation was answered."""

    def __init__(self, ward: Ward) -> None:
        self.ward = ward
        self.answers: list[dict[str, Any]] = []
        self.claimed: dict[str, str] = {}
        self.ledger_error: Exception | None = None

    # -- as the handler's connections

    @property
    def context(self) -> Any:
        """The ports; nothing publishes events."""
        return SimpleNamespace(events=NoEvents())

    @property
    def ledger(self) -> Stage:
        """Who claims requests."""
        return self

    def triage(self, seconds_left: Any) -> Any:
        """The diagnosis of one run."""
        assert seconds_left() >= 0
        return self.ward.triage

    def claim_request(self, nonce: str, request_id: str, now: Any) -> RequestClaim:
        """See `Ledger`."""
        if self.ledger_error is not None:
            raise self.ledger_error
        is_mine = self.claimed.setdefault(nonce, request_id) == request_id
        return RequestClaim.MINE if is_mine else RequestClaim.DONE

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See `Ledger`."""
        assert (self.claimed[nonce], is_done) == (request_id, True)

    # -- as CloudFormation

    def ask(self, function: str, nonce: str = "n", kind: str = "Update", **more: Any) -> Any:
        """One request; its answer."""
        handler(request(kind, function, nonce, **more), CONTEXT)
        return self.answers[-1]


def request(kind: str, function: str, nonce: str, request_id: str = "") -> dict[str, Any]:
    """CloudFormation's event."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:Loopbreaker-diagnose"
    return {
        "RequestType": kind,
        "ServiceToken": arn,
        "ResponseURL": "https://cloudformation-custom-resource-response.example.com/it",
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/Loopbreaker/id",
        "RequestId": request_id or f"request-{kind}-{nonce}",
        "LogicalResourceId": "OnDemand",
        "ResourceType": "Custom::LoopbreakerDiagnosis",
        "ResourceProperties": {"ServiceToken": arn, "Function": function, "Nonce": nonce},
    } | ({} if kind == "Create" else {"PhysicalResourceId": "LoopbreakerDiagnosis"})


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The handler with fakes behind it, and a function that logs nothing."""
    ward = Ward()
    ward.add("orders", allow("s3:GetObject"))
    ward.invoked("orders", logged=False)
    staged = Stage(ward)

    def put(url: str, body: bytes) -> None:
        assert len(body) < MAX_BODY_BYTES
        staged.answers.append(json.loads(body))

    monkeypatch.setattr(custom_resource, "respond", partial(respond, put=put))
    monkeypatch.setattr(module, "read_clock", lambda: NOON)
    monkeypatch.setattr(module, "connect", lambda: staged)
    return staged


# -- on demand


@pytest.mark.parametrize(
    "function", ["orders", "arn:aws:lambda:eu-west-1:123456789012:function:orders"]
)
def test_the_answer_is_in_the_output_and_in_a_mail(stage: Stage, function: str) -> None:
    """What is wrong, in words, by name or by ARN."""
    answered = stage.ask(function)

    assert answered["Status"] == "SUCCESS"
    assert answered["PhysicalResourceId"] == "LoopbreakerDiagnosis"
    assert "orders" in answered["Data"]["Diagnosis"]
    assert "log" in answered["Data"]["Diagnosis"]
    assert any(one.startswith("[Loopbreaker] DIAGNOSIS") for one in stage.ward.hospital.subjects)


def test_a_healthy_function_is_said_to_be_well(stage: Stage) -> None:
    """No finding is an answer, too."""
    stage.ward.add("well")
    stage.ward.invoked("well")

    answered = stage.ask("well")

    assert answered["Status"] == "SUCCESS"
    assert answered["Data"]["Diagnosis"]


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_the_absence_of_the_flag_asks_nothing(stage: Stage, kind: str) -> None:
    """Most deployments."""
    answered = stage.ask("", "", kind)

    assert (answered["Status"], answered["Data"]) == ("SUCCESS", {"Diagnosis": NOTHING_ASKED})
    assert stage.ward.asked["account"] == 0


def test_a_deployment_may_restore_and_ask(stage: Stage) -> None:
    """Both requests have the nonce of one synthesis: each is carried out."""
    stage.claim_request("n", "the rollback's request", None)

    answered = stage.ask("orders", nonce="n")

    assert answered["Data"]["Diagnosis"] != ASKED_BEFORE


def test_a_replayed_request_asks_nothing(stage: Stage) -> None:
    """CloudFormation rolls a failed deployment back with the former properties."""
    stage.ask("orders", "monday")

    answered = stage.ask("orders", "monday", request_id="the rollback's own")

    assert answered["Data"] == {"Diagnosis": ASKED_BEFORE}
    assert stage.ward.asked["account"] == 1


def test_a_deletion_asks_nothing(stage: Stage) -> None:
    """The stack goes."""
    answered = stage.ask("orders", "n", "Delete")

    assert answered["Status"] == "SUCCESS"
    assert stage.ward.asked["account"] == 0


def test_a_function_that_does_not_exist_fails_the_deployment(stage: Stage) -> None:
    """The one thing that does, with a clear message."""
    answered = stage.ask("nobody")

    assert answered["Status"] == "FAILED"
    assert answered["Reason"] == "there is no function nobody in this account and Region"


def test_a_function_of_another_account_fails_the_deployment(stage: Stage) -> None:
    """A function of the same name here is another one."""
    answered = stage.ask("arn:aws:lambda:us-east-1:999999999999:function:orders")

    assert answered["Status"] == "FAILED"
    assert answered["Reason"] == (
        "arn:aws:lambda:us-east-1:999999999999:function:orders is in account 999999999999 "
        "Region us-east-1, but this Loopbreaker watches account 123456789012 Region eu-west-1; "
        "nothing was changed"
    )


@pytest.mark.parametrize(
    ("break_", "words"),
    [
        (lambda s: setattr(s, "ledger_error", LedgerUnavailableError("down")), "down"),
        (
            lambda s: s.ward.hospital.refusals.update(read_findings=LedgerUnavailableError("down")),
            "down",
        ),
        (lambda s: setattr(s.ward, "is_time_up", True), "in the time of one run"),
        (lambda s: s.ward.refusals.update(account=RuntimeError("a bug")), "RuntimeError a bug"),
    ],
)
def test_a_diagnosis_that_cannot_be_made_fails_no_deployment(
    stage: Stage, break_: Any, words: str
) -> None:
    """It is said in the output."""
    break_(stage)

    answered = stage.ask("orders")

    assert answered["Status"] == "SUCCESS"
    assert words in answered["Data"]["Diagnosis"]


def test_an_answer_whose_mail_was_not_sent_says_so(stage: Stage) -> None:
    """The output has it all the same."""
    stage.ward.hospital.refusals["publish"] = NoticeUndeliveredError("SNS is down")

    answered = stage.ask("orders")

    assert "could not be sent: SNS is down" in answered["Data"]["Diagnosis"]


def test_a_very_long_answer_fits(stage: Stage) -> None:
    """CloudFormation takes 4 KB, whatever characters there are."""
    stage.ward.refusals["account"] = LedgerUnavailableError("☃" * 5000)

    answered = stage.ask("orders")

    assert answered["Data"]["Diagnosis"].endswith(" ...")


# -- events


def payload(name: str) -> dict[str, Any]:
    """A payload."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def test_the_schedule_examines(stage: Stage) -> None:
    """The hourly tick."""
    handler(payload("scheduled.pulse"), CONTEXT)

    assert stage.ward.hospital.subjects == ["[Loopbreaker] FOUND orders: logs do not appear"]


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("cloudtrail.add_permission", {"enrich-order"}),
        ("cloudtrail.put_role_policy", {"role/enrich-order-role"}),
        ("cloudtrail.invoke_denied", {"enrich-order"}),
    ],
)
def test_calls_are_remembered(stage: Stage, name: str, marks: set[str]) -> None:
    """Nothing is read for them."""
    handler(payload(name), CONTEXT)

    assert set(stage.ward.memory.marks) == marks
    assert stage.ward.asked["account"] == 0


def queued(*events: object) -> dict[str, Any]:
    """Events as they come out of the queue."""
    return {
        "Records": [
            {"messageId": f"id-{n}", "body": json.dumps(event), "eventSource": "aws:sqs"}
            for n, event in enumerate(events)
        ]
    }


def denial(second: int, *, caller: str = "web", function: str = "enrich-order") -> dict[str, Any]:
    """A denied invocation at a second of a minute."""
    event: dict[str, Any] = json.loads(json.dumps(payload("cloudtrail.invoke_denied")))
    detail = event["detail"]
    detail["eventTime"] = f"2026-11-28T11:59:{second:02}Z"
    issuer = detail["userIdentity"]["sessionContext"]["sessionIssuer"]
    issuer["arn"] = f"arn:aws:iam::123456789012:role/{caller}"
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    detail["resources"] = [{"type": "AWS::Lambda::Function", "ARN": arn}]
    return event


def test_a_flood_of_denied_invocations_is_written_once(stage: Stage) -> None:
    """A thousand denials of one caller are one record, with the latest time."""
    flood = [denial(n % 60) for n in range(59, 1059)]

    answered = handler(queued(*flood), CONTEXT)

    ((function, call),) = stage.ward.memory.denied
    assert answered == {"batchItemFailures": []}
    assert function == "enrich-order"
    assert call.last_at == datetime(2026, 11, 28, 11, 59, 59, tzinfo=UTC)
    assert set(stage.ward.memory.marks) == {"enrich-order"}


def test_each_caller_and_function_is_remembered(stage: Stage) -> None:
    """Only what is the same is written once."""
    handler(queued(denial(1), denial(2, caller="cron"), denial(3, function="orders")), CONTEXT)

    assert {(name, call.principal_arn[-4:]) for name, call in stage.ward.memory.denied} == {
        ("enrich-order", "/web"),
        ("enrich-order", "cron"),
        ("orders", "/web"),
    }
    assert set(stage.ward.memory.marks) == {"enrich-order", "orders"}


def test_an_unknown_event_in_the_queue_stops_no_other(stage: Stage) -> None:
    """It comes again by itself, and ends as a dead letter."""
    answered = handler(queued({"source": "x"}, denial(1), "text"), CONTEXT)

    assert answered == {
        "batchItemFailures": [{"itemIdentifier": "id-0"}, {"itemIdentifier": "id-2"}]
    }
    assert [function for function, _ in stage.ward.memory.denied] == ["enrich-order"]


@pytest.mark.parametrize("event", [{}, {"detail-type": "x"}, {"Records": []}])
def test_unknown_events_are_dead_letters(stage: Stage, event: dict[str, Any]) -> None:
    """They are raised, for Lambda's retries."""
    with pytest.raises(UnrecognisedSignalError):
        handler(event, CONTEXT)
