"""The client and the guard understand each other; what goes wrong is one line."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from botocore import exceptions as aws

from cdk_loopbreaker.operating.client import RequestRejectedError
from cdk_loopbreaker.operating.errors import OperatingError
from functions.domain.requests.answer import StatusAnswer, write_answer
from functions.domain.requests.request import MOST_ENTRIES, parse_request
from tests.functional.scene import NOON
from tests.unit.cdk_loopbreaker.operating.guard import FakeLambda, answered, contain, make_client

REGION = "us-east-1"


def refusal(code: str, message: str = "") -> aws.ClientError:
    """An error as AWS answers it."""
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, "Invoke")


def test_a_function_is_stopped_listed_and_restored() -> None:
    """Each request is read by the guard, and each answer by the client."""
    fake = FakeLambda()
    function = fake.scene.account.add("orders", reserved=5)
    client = make_client(fake)

    stopped = client.stop("orders", "arn:aws:iam::123456789012:user/anna")
    held = client.read_status().open
    restored = client.restore(("orders",))
    ended = client.read_history((), since=None, limit=5).ended

    assert stopped.is_done
    assert [(one.function, one.standing) for one in held] == [("orders", "stopped")]
    assert held[0].ordered_by.endswith("user/anna")
    assert [one.outcome for one in restored.results] == ["restored"]
    assert [(one.function, one.ending) for one in ended] == [("orders", "restored")]
    assert function.reserved == 5


def test_each_request_goes_to_the_function_that_may_do_it() -> None:
    """Only an order to stop goes to `contain`. The ids differ."""
    fake = FakeLambda()
    client = make_client(fake)
    fake.scene.account.add("orders")

    client.read_status()
    client.stop("orders", "")
    client.restore(("orders",))
    client.restore((), is_for_all=True)

    assert [one for one, _ in fake.sent] == [
        "Loopbreaker-restore",
        "Loopbreaker-contain",
        "Loopbreaker-restore",
        "Loopbreaker-restore",
    ]
    ids = [event["loopbreaker"].get("id") for _, event in fake.sent]
    assert len(set(ids)) == 4
    for _, event in fake.sent:
        parse_request(event)


def test_all_pages_of_a_status_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """And put together."""
    monkeypatch.setattr("functions.workflows.requests.read_status.MOST_ENTRIES", 2)
    fake = FakeLambda()
    contain(fake.scene, "a", "b", "c")

    found = make_client(fake).read_status()

    assert [one.function for one in found.open] == ["a", "b", "c"]
    assert found.next_after == ""


def test_a_page_that_leads_to_itself_is_the_last() -> None:
    """No guard keeps a client busy for ever."""
    fake = FakeLambda()
    page = write_answer(StatusAnswer(at=NOON, next_after="x"))
    fake.answers = [answered(page) for _ in range(100)]

    found = make_client(fake).read_status()

    assert found.next_after == ""
    assert len(fake.sent) == 2


def test_a_long_history_is_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where several incidents ended in the same moment."""
    monkeypatch.setattr("cdk_loopbreaker.operating.client.MOST_ENTRIES", 2)
    fake = FakeLambda()
    scene = fake.scene
    names = ("a", "b", "c")
    for _ in range(2):
        for name in names:
            if name in scene.account.by_name:
                scene.burn(name)
            else:
                scene.add_runaway(name, reserved=5)
            scene.contributor(name)
        scene.rollback(*names)
        scene.now += timedelta(hours=9)

    every = make_client(fake).read_history((), since=None, limit=100)
    few = make_client(fake).read_history((), since=None, limit=3)

    assert len({one.id for one in every.ended}) == 6
    assert not every.has_more
    assert few.ended == every.ended[:3]
    assert few.has_more
    assert MOST_ENTRIES == 100


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("AccessDeniedException"), "need lambda:InvokeFunction on Loopbreaker-restore in"),
        (refusal("ResourceNotFoundException"), "Loopbreaker is not deployed in us-east-1"),
        (
            refusal("ExpiredTokenException"),
            "the AWS credentials have expired: sign in again",
        ),
        (refusal("UnrecognizedClientException"), "does not accept the credentials in us-east-1"),
        (refusal("KMSAccessDeniedException", "no\nkey"), "KMSAccessDeniedException: no key"),
        (aws.NoCredentialsError(), "no AWS credentials"),
        (aws.PartialCredentialsError(provider="env", cred_var="x"), "incomplete AWS credentials"),
        (aws.EndpointConnectionError(endpoint_url="https://x"), "check that this Region exists"),
        (aws.ReadTimeoutError(endpoint_url="https://x"), "loopbreaker status shows"),
        (aws.ConnectionClosedError(endpoint_url="https://x"), "loopbreaker status shows"),
        (aws.TokenRetrievalError(provider="sso", error_msg="x"), "aws sso login"),
        (
            aws.SSLError(endpoint_url="https://x", error=OSError("bad")),
            "AWS cannot be reached in us-east-1",
        ),
    ],
)
def test_what_goes_wrong_is_one_line_that_says_what_to_do(error: Exception, words: str) -> None:
    """It is no traceback, and it is not tried again: the request may have been carried out."""
    fake = FakeLambda(errors=[error])

    with pytest.raises(OperatingError) as raised:
        make_client(fake).restore(("orders",))

    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(fake.sent) == 1


def test_a_defect_stays_one() -> None:
    """What no library of AWS raises is not explained away."""
    with pytest.raises(ZeroDivisionError):
        make_client(FakeLambda(errors=[ZeroDivisionError()])).read_status()


def test_a_throttled_invocation_is_tried_again() -> None:
    """It did not run. After a few times a person is asked to come back."""
    throttled = refusal("TooManyRequestsException")
    fake = FakeLambda(errors=[throttled, throttled])
    busy = FakeLambda(errors=[throttled] * 9)

    found = make_client(fake).read_status()
    with pytest.raises(OperatingError, match="is busy"):
        make_client(busy).read_status()

    assert found.open == ()
    assert (len(fake.sent), len(busy.sent)) == (3, 5)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (
            answered({"errorType": "UnrecognisedSignalError"}, FunctionError="Unhandled"),
            "Loopbreaker-restore is of an earlier version",
        ),
        (
            answered({"errorMessage": "Task timed out"}, FunctionError="Unhandled"),
            "failed (Task timed out)",
        ),
        (answered(["?"], FunctionError="Unhandled"), "failed (no reason given)"),
        (answered(None), "does not understand"),
        (answered({"loopbreaker": {"answer": "status"}}), "does not understand"),
        ({"Payload": io.BytesIO(b"<html>")}, "is not JSON"),
        ({"Payload": io.BytesIO(b"[" * 100_000)}, "is not JSON"),
        ({}, "is not JSON"),
    ],
)
def test_an_answer_that_is_none_is_one_line(response: dict[str, Any], words: str) -> None:
    """Whatever is deployed under that name."""
    with pytest.raises(OperatingError) as raised:
        make_client(FakeLambda(answers=[response])).read_status()

    assert words in str(raised.value)


def test_a_rejection_is_an_error_with_its_reason() -> None:
    """The guard's own words say what to do."""
    fake = FakeLambda()
    fake.scene.account.ledger.is_down = True

    with pytest.raises(RequestRejectedError) as raised:
        make_client(fake).read_status()

    assert raised.value.reason == "unavailable"
