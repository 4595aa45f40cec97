"""CloudFormation's requests, and the delivery of the answer."""

from __future__ import annotations

import json
import threading
import urllib.error
from dataclasses import replace
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.runtime import custom_resource
from functions.aws.runtime.custom_resource import (
    DELIVERY,
    MAX_BODY_BYTES,
    CustomResourceRequest,
    CustomResourceResponse,
    CustomResourceShapeError,
    RequestType,
    ResponseUndeliveredError,
    is_custom_resource_event,
    put_over_https,
    respond,
    serve_request,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

# The shape of AWS's own sample (crpg-ref-requesttypes-update), which has no ServiceToken.
UPDATE: dict[str, Any] = {
    "RequestType": "Update",
    "RequestId": "unique-request-id",
    "StackId": "arn:aws:cloudformation:us-west-2:123456789012:stack/mystack/id",
    "ResponseURL": "https://example.com/pre-signed",
    "ResourceType": "Custom::MyCustomResourceType",
    "LogicalResourceId": "resource-logical-id",
    "PhysicalResourceId": "provider-defined-physical-id",
    "ResourceProperties": {"key1": "new-string", "key2": ["new-list"]},
    "OldResourceProperties": {"key1": "string", "key2": ["list"]},
}
CREATE = {
    key: "Create" if key == "RequestType" else value
    for key, value in UPDATE.items()
    if key not in {"PhysicalResourceId", "OldResourceProperties"}
}
REQUEST = CustomResourceRequest.from_event(UPDATE)
DONE = CustomResourceResponse(physical_resource_id="it")


class Endpoint:
    """Stands for the pre-signed URL: fails as often as told, keeps what it takes."""

    def __init__(self, *failures: OSError) -> None:
        self.failures = list(failures)
        self.bodies: list[bytes] = []
        self.pauses: list[float] = []

    def put(self, url: str, body: bytes) -> None:
        """Take one answer."""
        if self.failures:
            raise self.failures.pop(0)
        self.bodies.append(body)

    def respond(self) -> None:
        """Deliver an answer here."""
        respond(REQUEST, DONE, put=self.put, retry=replace(DELIVERY, sleep=self.pauses.append))


def http_error(status: int) -> urllib.error.HTTPError:
    """Build the error that urllib raises for a status."""
    return urllib.error.HTTPError("https://example.com", status, "no", Message(), None)


def test_update_is_parsed() -> None:
    """An Update carries both sets of properties and the physical id."""
    assert (
        CustomResourceRequest(
            request_type=RequestType.UPDATE,
            resource_type="Custom::MyCustomResourceType",
            request_id="unique-request-id",
            stack_id="arn:aws:cloudformation:us-west-2:123456789012:stack/mystack/id",
            logical_resource_id="resource-logical-id",
            physical_resource_id="provider-defined-physical-id",
            response_url="https://example.com/pre-signed",
            properties={"key1": "new-string", "key2": ["new-list"]},
        )
        == REQUEST
    )


def test_create_has_no_physical_id() -> None:
    """CloudFormation gives it one after the answer."""
    request = CustomResourceRequest.from_event(CREATE)

    assert request.physical_resource_id is None


def test_properties_of_cloudformation_are_left_out() -> None:
    """`ServiceToken` and `ServiceTimeout` are not properties of ours."""
    event = {
        **UPDATE,
        "ResourceProperties": {"ServiceToken": "arn", "ServiceTimeout": "900", "Mode": "now"},
    }

    assert CustomResourceRequest.from_event(event).properties == {"Mode": "now"}


@pytest.mark.parametrize(
    "key",
    ["RequestType", "RequestId", "StackId", "ResponseURL", "ResourceType", "LogicalResourceId"],
)
def test_missing_key_is_named(key: str) -> None:
    """A request without a required key is refused with the key's name."""
    event = {name: value for name, value in UPDATE.items() if name != key}

    with pytest.raises(CustomResourceShapeError, match=f"needs '{key}'"):
        CustomResourceRequest.from_event(event)


def test_unknown_request_type_is_refused() -> None:
    """A request type that CloudFormation does not have is refused."""
    with pytest.raises(CustomResourceShapeError, match="Import"):
        CustomResourceRequest.from_event({**UPDATE, "RequestType": "Import"})


def test_the_url_is_not_shown() -> None:
    """The pre-signed URL is a credential and stays out of logs."""
    assert "pre-signed" not in repr(REQUEST)


@pytest.mark.parametrize(
    ("event", "expected"),
    [(UPDATE, True), (CREATE, True), ({"source": "aws.events"}, False), ({}, False)],
)
def test_recognised(event: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    """Requests of CloudFormation are told from other events."""
    assert is_custom_resource_event(event) is expected


SAMPLES = Path(__file__).resolve().parents[5] / "shared" / "events"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="AWS's sample documents")


@needs_samples
@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_documented_requests_are_parsed(kind: str) -> None:
    """AWS's own samples, which have no ServiceToken, are parsed with nothing lost."""
    sample = json.loads((SAMPLES / f"cfn_custom_resource.request_{kind}.json").read_text())

    request = CustomResourceRequest.from_event(sample)

    assert request.request_type.value.lower() == kind
    assert request.properties == sample["ResourceProperties"]
    assert request.physical_resource_id == sample.get("PhysicalResourceId")


@needs_samples
@pytest.mark.parametrize(("kind", "reason"), [("success", None), ("failed", "denied")])
def test_answers_have_the_documented_shape(kind: str, reason: str | None) -> None:
    """The answers have the keys of AWS's own samples."""
    sample = json.loads((SAMPLES / f"cfn_custom_resource.response_{kind}.json").read_text())

    body = CustomResourceResponse(physical_resource_id="it", reason=reason).render_body(REQUEST)

    assert set(json.loads(body)) == set(sample)
    assert json.loads(body)["Status"] == sample["Status"]


def test_success() -> None:
    """A success has the data and no reason."""
    response = CustomResourceResponse(physical_resource_id="it", data={"Limit": "1000"})

    assert json.loads(response.render_body(REQUEST)) == {
        "Status": "SUCCESS",
        "RequestId": "unique-request-id",
        "StackId": "arn:aws:cloudformation:us-west-2:123456789012:stack/mystack/id",
        "LogicalResourceId": "resource-logical-id",
        "PhysicalResourceId": "it",
        "Data": {"Limit": "1000"},
    }


def test_failure() -> None:
    """A failure has the reason and no data."""
    response = CustomResourceResponse(
        physical_resource_id="it", reason="orders: denied", data={"a": "b"}
    )

    assert json.loads(response.render_body(REQUEST)) == {
        "Status": "FAILED",
        "RequestId": "unique-request-id",
        "StackId": "arn:aws:cloudformation:us-west-2:123456789012:stack/mystack/id",
        "LogicalResourceId": "resource-logical-id",
        "PhysicalResourceId": "it",
        "Reason": "orders: denied",
    }


def test_failure_without_words_still_has_a_reason() -> None:
    """CloudFormation requires a reason for a failure."""
    body = CustomResourceResponse(physical_resource_id="it", reason="").render_body(REQUEST)

    assert json.loads(body)["Reason"] == "no reason was given"


@given(st.text(max_size=6000))
def test_any_reason_fits(reason: str) -> None:
    """Whatever the reason is, the body stays below CloudFormation's 4,096 bytes and is JSON."""
    body = CustomResourceResponse(physical_resource_id="it", reason=reason).render_body(REQUEST)

    assert len(body) < MAX_BODY_BYTES
    assert json.loads(body)["Status"] == "FAILED"


@pytest.mark.parametrize("char", ["a", "ü", "🔁", '"'])
def test_a_long_reason_is_cut_as_little_as_possible(char: str) -> None:
    """The cut reason uses the space there is, whatever its characters weigh in JSON."""
    body = CustomResourceResponse(physical_resource_id="it", reason=char * 9000).render_body(
        REQUEST
    )

    assert json.loads(body)["Reason"].endswith(char + " ...")
    assert MAX_BODY_BYTES - 12 <= len(body) < MAX_BODY_BYTES


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=5000), max_size=3))
def test_any_data_fits(data: dict[str, str]) -> None:
    """An answer that is too long is no reason to give none: the longest text is cut, visibly."""
    body = CustomResourceResponse(physical_resource_id="it", data=data).render_body(REQUEST)

    assert len(body) < MAX_BODY_BYTES
    given_back = json.loads(body).get("Data", {})
    assert given_back.keys() == data.keys()
    for name, text in given_back.items():
        assert text == data[name] or text.endswith(" ...")


def test_data_is_cut_as_little_as_possible() -> None:
    """The short texts stay whole, and the long one uses the space that is left."""
    response = CustomResourceResponse(
        physical_resource_id="it", data={"Count": "12", "Text": "x" * 5000}
    )

    body = response.render_body(REQUEST)

    assert json.loads(body)["Data"]["Count"] == "12"
    assert len(body) == MAX_BODY_BYTES - 1


def test_names_that_are_too_long_are_an_error() -> None:
    """Only texts are cut: another name would be another attribute."""
    response = CustomResourceResponse(physical_resource_id="it" * 2500)

    with pytest.raises(ValueError, match="CloudFormation takes 4,095"):
        response.render_body(REQUEST)


class Served:
    """Requests that are carried out and answered, with what happened in turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failures: OSError) -> None:
        self.endpoint = Endpoint(*failures)
        self.happened: list[str] = []
        retry = replace(DELIVERY, sleep=lambda _: None)
        monkeypatch.setattr(
            custom_resource, "respond", partial(respond, put=self.endpoint.put, retry=retry)
        )

    def serve(self, event: dict[str, Any], *, fails: Exception | None = None) -> dict[str, Any]:
        """The answer to a request of which the work fails or not."""

        def carry_out(_: CustomResourceRequest, after_the_answer: ExitStack) -> dict[str, str]:
            after_the_answer.callback(self.finish)
            if fails is not None:
                raise fails
            return {"Text": "done"}

        serve_request(event, carry_out, lambda: 100.0)
        answer: dict[str, Any] = json.loads(self.endpoint.bodies[-1])
        return answer

    def finish(self) -> None:
        """Run after the answer."""
        self.happened.append(f"after {len(self.endpoint.bodies)} answers")


def test_what_is_carried_out_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it returned; what it left for later runs after the answer."""
    served = Served(monkeypatch)

    answer = served.serve(UPDATE)

    assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Text": "done"})
    assert answer["PhysicalResourceId"] == "MyCustomResourceType"
    assert served.happened == ["after 1 answers"]


@pytest.mark.parametrize(("error", "reason"), [(OSError("no"), "no"), (OSError(), "OSError()")])
def test_a_failure_is_answered_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """Without an answer the stack would wait for an hour."""
    served = Served(monkeypatch)

    answer = served.serve(UPDATE, fails=error)

    assert (answer["Status"], answer["Reason"]) == ("FAILED", reason)
    assert served.happened == ["after 1 answers"]


def test_a_delete_succeeds_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that cannot be removed helps nobody."""
    answer = Served(monkeypatch).serve({**UPDATE, "RequestType": "Delete"}, fails=OSError("no"))

    assert answer["Status"] == "SUCCESS"


def test_an_answer_that_is_not_taken_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda then runs the handler again; what was left for later has run all the same."""
    served = Served(monkeypatch, *[TimeoutError()] * 5)

    with pytest.raises(ResponseUndeliveredError):
        served.serve(UPDATE)

    assert served.happened == ["after 0 answers"]


def test_delivered_at_once() -> None:
    """A URL that works is called once."""
    endpoint = Endpoint()

    endpoint.respond()

    assert endpoint.bodies == [DONE.render_body(REQUEST)]
    assert endpoint.pauses == []


@pytest.mark.parametrize(
    "failure", [http_error(500), http_error(503), http_error(400), TimeoutError(), OSError("reset")]
)
def test_passing_failures_are_tried_again(failure: OSError) -> None:
    """A failure that may pass is tried again, with growing random pauses."""
    endpoint = Endpoint(failure, failure, failure)

    endpoint.respond()

    assert endpoint.bodies == [DONE.render_body(REQUEST)]
    assert len(endpoint.pauses) == 3
    assert all(0 <= pause <= 8 for pause in endpoint.pauses)


def test_undelivered_after_five_attempts() -> None:
    """An answer that is never taken is an error, so that Lambda runs the handler again."""
    endpoint = Endpoint(*[TimeoutError()] * 5)

    with pytest.raises(ResponseUndeliveredError, match="tried 5 times"):
        endpoint.respond()

    assert len(endpoint.pauses) == 4


def test_an_expired_url_is_not_tried_again() -> None:
    """A URL that refuses for good is not tried again: 403 is what S3 says when it expired."""
    endpoint = Endpoint(http_error(403))

    with pytest.raises(ResponseUndeliveredError, match="HTTP 403"):
        endpoint.respond()

    assert endpoint.pauses == []


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    """Run an HTTP server that keeps the requests it gets."""
    taken: list[tuple[str, str | None, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Stay quiet."""

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", taken
    httpd.shutdown()
    httpd.server_close()


def test_put_keeps_the_signature_valid(
    server: tuple[str, list[tuple[str, str | None, bytes]]],
) -> None:
    """The URL is signed for an empty Content-Type; urllib's own default would break it."""
    url, taken = server

    put_over_https(f"{url}/stack?Signature=a%2Bb", b"{}")

    assert taken == [("/stack?Signature=a%2Bb", "", b"{}")]
