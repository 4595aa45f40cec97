"""CloudFormation custom resources: the request, and the answer to its pre-signed URL.

Sources: CloudFormation user guide, *Custom resource request and response reference*
(crpg-ref-requests, crpg-ref-responses): the answer is a JSON document of at most 4,096 bytes, PUT
to the URL that came with the request. CloudFormation waits for it until the resource's
ServiceTimeout has passed, so whatever fails is answered, and an answer that could not be delivered
must be an error: Lambda then runs the handler again.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from functions.aws.runtime.observability import logger
from functions.aws.runtime.propagation import PROPAGATION
from functions.aws.runtime.retry import RetriesExhaustedError, Retry
from functions.domain.errors import LoopbreakerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

IAM_ACTIONS: Final[frozenset[str]] = frozenset()  # the URL is pre-signed: no permission is needed

MAX_BODY_BYTES: Final = 4096
_TIMEOUT_SECONDS: Final = 10.0
_ELLIPSIS: Final = " ..."
# S3 answers a pre-signed PUT it will never accept (expired, wrong signature) with one of these.
# 400 is not among them: S3's RequestTimeout has that status and passes.
_FINAL_STATUSES: Final = frozenset({403, 404, 405})
DELIVERY: Final = Retry(attempts=5, first_pause_seconds=1.0, longest_pause_seconds=8.0)


class CustomResourceShapeError(LoopbreakerError):
    """When an event is not a request of a CloudFormation custom resource."""


class ResponseUndeliveredError(LoopbreakerError):
    """When CloudFormation's pre-signed URL did not take the answer."""


class RequestType(StrEnum):
    """What CloudFormation is doing to the resource."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomResourceRequest:
    """One request of a custom resource.

    Attributes
    ----------
    request_type
        Create, Update or Delete. During a rollback CloudFormation sends an Update whose
        properties are the former ones, or a Delete: nothing marks it as a rollback.
    resource_type
        `Custom::...`, which tells the resources of one Lambda function apart.
    request_id
        Unique; the same for a repeated delivery of the same request.
    physical_resource_id
        `None` for a Create.
    properties
        As in the template; CloudFormation turns every number and boolean into text. `ServiceToken`
        and `ServiceTimeout` are CloudFormation's own and are left out.
    """

    request_type: RequestType
    resource_type: str
    request_id: str
    stack_id: str
    logical_resource_id: str
    physical_resource_id: str | None
    response_url: str = field(repr=False)  # pre-signed: whoever holds it may answer
    properties: Mapping[str, Any]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> CustomResourceRequest:
        """Parse CloudFormation's event.

        `ServiceToken` is absent in AWS's own sample requests, so it is not asked for.

        Raises
        ------
        CustomResourceShapeError
            When a required key is missing, or the request type is unknown.
        """
        try:
            request_type = RequestType(event["RequestType"])
            return cls(
                request_type=request_type,
                resource_type=event["ResourceType"],
                request_id=event["RequestId"],
                stack_id=event["StackId"],
                logical_resource_id=event["LogicalResourceId"],
                physical_resource_id=(
                    None if request_type is RequestType.CREATE else event["PhysicalResourceId"]
                ),
                response_url=event["ResponseURL"],
                properties=_own_properties(event.get("ResourceProperties")),
            )
        except KeyError as error:
            raise CustomResourceShapeError(
                f"a custom resource request needs {error}; found {', '.join(sorted(event))}"
            ) from error
        except ValueError as error:
            raise CustomResourceShapeError(str(error)) from error


def is_custom_resource_event(event: Mapping[str, Any]) -> bool:
    """Tell CloudFormation's requests from other events by the keys only they have."""
    return "RequestType" in event and "ResponseURL" in event


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomResourceResponse:
    """The answer to one request.

    Attributes
    ----------
    physical_resource_id
        Keep it the same for the resource's whole life: a new one makes CloudFormation delete
        the old resource.
    reason
        Why it failed; `None` when it succeeded. It ends up in the stack's events.
    data
        What `Fn::GetAtt` reads.

    What is too long for CloudFormation's 4,096 bytes is cut, with an ellipsis.
    """

    physical_resource_id: str
    reason: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)

    def render_body(self, request: CustomResourceRequest) -> bytes:
        """Render the JSON document that CloudFormation expects, below 4,096 bytes.

        Raises
        ------
        ValueError
            When the answer is too long without any text of its own.
        """
        whole = _render_whole(self, request)
        if len(whole) < MAX_BODY_BYTES:
            return whole
        texts = self._list_texts().items()
        name, text = max(texts, key=lambda one: len(one[1]), default=("", ""))
        if len(text) <= len(_ELLIPSIS):
            raise ValueError(f"the answer holds {len(whole)} bytes, CloudFormation takes 4,095")
        # JSON writes a character in up to 12 bytes, so the longest text that fits is searched.
        fits, too_long = 0, len(text)
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            shorter = self._replace_text(name, text[:middle])
            if len(_render_whole(shorter, request)) < MAX_BODY_BYTES:
                fits = middle
            else:
                too_long = middle
        return self._replace_text(name, text[:fits]).render_body(request)

    def _list_texts(self) -> Mapping[str, str]:
        """What may be cut: the reason of a failure, without a name, or the data."""
        return self.data if self.reason is None else {"": self.reason}

    def _replace_text(self, name: str, beginning: str) -> CustomResourceResponse:
        cut = beginning + _ELLIPSIS
        if self.reason is not None:
            return replace(self, reason=cut)
        return replace(self, data={**self.data, name: cut})


def _render_whole(response: CustomResourceResponse, request: CustomResourceRequest) -> bytes:
    document: dict[str, object] = {
        "Status": "SUCCESS" if response.reason is None else "FAILED",
        "RequestId": request.request_id,
        "StackId": request.stack_id,
        "LogicalResourceId": request.logical_resource_id,
        "PhysicalResourceId": response.physical_resource_id,
    }
    if response.reason is not None:
        document["Reason"] = response.reason or "no reason was given"
    elif response.data:
        document["Data"] = dict(response.data)
    return json.dumps(document).encode()


class HttpPut(Protocol):
    """Sends one body to one URL; raises `OSError` when it is not taken."""

    def __call__(self, url: str, body: bytes) -> None:
        """Send the body."""


def put_over_https(url: str, body: bytes) -> None:
    """PUT to a pre-signed URL, which must see an empty Content-Type or its signature differs."""
    put = urllib.request.Request(  # noqa: S310 - the URL comes from CloudFormation
        url,
        data=body,
        method="PUT",
        headers={"Content-Type": "", "Content-Length": str(len(body))},
    )
    with urllib.request.urlopen(put, timeout=_TIMEOUT_SECONDS):  # noqa: S310
        return


def serve_request(
    event: Mapping[str, Any],
    carry_out: Callable[[CustomResourceRequest, ExitStack], Mapping[str, str]],
    seconds_left: Callable[[], float],
) -> None:
    """Carry a request out and answer it, whatever happens: without an answer the stack waits.

    While it is carried out, denied calls wait for new permissions to be in force. Why it failed is
    said in CloudFormation's events, in AWS's own words where it has some. A Delete succeeds all the
    same: a stack that cannot be removed helps nobody.

    The resource's physical id is the name of its type, for its whole life: another one would make
    CloudFormation delete what it believes to be the old resource.

    Parameters
    ----------
    carry_out
        Does the work and returns what `Fn::GetAtt` reads. What it registers runs after the answer.

    Raises
    ------
    CustomResourceShapeError
        When the event is no request.
    ResponseUndeliveredError
        See `respond`.
    """
    request = CustomResourceRequest.from_event(event)
    data: Mapping[str, str] = {}
    reason = None
    with ExitStack() as after_the_answer:
        try:
            with PROPAGATION.wait_for_propagation(seconds_left()):
                data = carry_out(request, after_the_answer)
        except Exception as error:  # noqa: BLE001 - the answer carries it to the stack's events
            logger.exception("request failed", resource_type=request.resource_type)
            if request.request_type is not RequestType.DELETE:
                reason = str(error) or repr(error)
        name = request.resource_type.removeprefix("Custom::")
        respond(
            request, CustomResourceResponse(physical_resource_id=name, reason=reason, data=data)
        )


def respond(
    request: CustomResourceRequest,
    response: CustomResourceResponse,
    *,
    put: HttpPut = put_over_https,
    retry: Retry = DELIVERY,
) -> None:
    """Deliver the answer, trying a few times with growing pauses.

    Delivering it twice is harmless: CloudFormation takes the first answer to a request and the
    URL's object is only written over. UNCONFIRMED A-058: that it ignores the second. Every retried
    handler depends on it.

    Raises
    ------
    ResponseUndeliveredError
        When the URL refused the answer, or did not take it in five attempts. Lambda's own retry
        of the invocation then tries again.
    """
    body = response.render_body(request)
    about = f"the answer for {request.logical_resource_id}"
    try:
        retry.call(lambda: put(request.response_url, body), may_pass=_may_pass)
    except urllib.error.HTTPError as error:
        raise ResponseUndeliveredError(
            f"CloudFormation's URL refused {about}: HTTP {error.code}"
        ) from error
    except RetriesExhaustedError as error:
        raise ResponseUndeliveredError(
            f"CloudFormation's URL did not take {about}: {error}"
        ) from error


def _may_pass(error: Exception) -> bool:
    is_final = isinstance(error, urllib.error.HTTPError) and error.code in _FINAL_STATUSES
    return isinstance(error, OSError) and not is_final


def _own_properties(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    reserved = {"ServiceToken", "ServiceTimeout"}
    return {key: value for key, value in (properties or {}).items() if key not in reserved}
