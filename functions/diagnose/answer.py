"""The answers to the custom resource behind the flag `diagnose`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from functions.aws.runtime.custom_resource import CustomResourceResponse, RequestType
from functions.diagnose.diagnosing import UnknownFunctionError
from functions.domain.account.names import function_name
from functions.domain.account.watched_region import ElsewhereError, refuse_elsewhere
from functions.domain.errors import LoopbreakerError, NoticeUndeliveredError
from functions.domain.incidents.ports import RequestClaim
from functions.domain.notices.diagnosis.answer import compose_answer, compose_output

if TYPE_CHECKING:
    from datetime import datetime

    from functions.aws.runtime.custom_resource import CustomResourceRequest
    from functions.diagnose.diagnosing import DiagnosisTriage

# The same for the resource's whole life: another one would make CloudFormation delete "the old".
PHYSICAL_ID: Final = "LoopbreakerDiagnosis"
NOTHING_ASKED: Final = "nothing was asked for"
ASKED_BEFORE: Final = "nothing: this request was carried out by an earlier deployment"


class Requests(Protocol):
    """Who carries out which request."""

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """See `Ledger.claim_request`."""
        ...

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See `Ledger.settle_request`."""
        ...


def answer(
    request: CustomResourceRequest, diagnosing: DiagnosisTriage, requests: Requests, now: datetime
) -> CustomResourceResponse:
    """Carry out what the properties ask for: `Function`, a name or an ARN, and its `Nonce`.

    A diagnosis that fails is said in words and fails no deployment: it is a question, and what is
    deployed with it does not depend on the answer.

    Raises
    ------
    UnknownFunctionError
        When the function does not exist: the flag is wrong, and is to be seen as such.
    ElsewhereError
        When the ARN is of another account or Region, likewise.
    """
    if request.request_type is RequestType.DELETE:
        return done("")
    asked = str(request.properties.get("Function", ""))
    if not asked:
        return done(NOTHING_ASKED)
    deployment = diagnosing.practice.deployment
    refuse_elsewhere([asked], account=deployment.account, region=deployment.region)
    # A deployment may restore as well, with the same nonce and by another request.
    nonce = f"diagnose/{request.properties.get('Nonce', '')}"
    try:
        claim = requests.claim_request(nonce, request.request_id, now)
        if claim is not RequestClaim.MINE:
            return done(ASKED_BEFORE)
        found = _diagnosed(function_name(asked), diagnosing, now)
        requests.settle_request(nonce, request.request_id, is_done=True)
        return done(found)
    except UnknownFunctionError:
        raise
    except LoopbreakerError as error:
        diagnosing.log.exception("the diagnosis failed", function=asked)
        return done(f"{asked} could not be diagnosed: {error}")


def failed(request: CustomResourceRequest, error: Exception) -> CustomResourceResponse:
    """Say why a request failed. Only a flag that names no function here fails the deployment."""
    is_wrong_flag = isinstance(error, UnknownFunctionError | ElsewhereError)
    if request.request_type is not RequestType.DELETE and is_wrong_flag:
        return CustomResourceResponse(physical_resource_id=PHYSICAL_ID, reason=str(error))
    if request.request_type is RequestType.DELETE:
        return done("")
    return done(f"the diagnosis failed: {type(error).__name__} {error}")


def done(told: str) -> CustomResourceResponse:
    """The answer that lets the deployment go on."""
    return CustomResourceResponse(
        physical_resource_id=PHYSICAL_ID, data={"Diagnosis": _fitting(told)}
    )


def _diagnosed(function: str, diagnosing: DiagnosisTriage, now: datetime) -> str:
    patients = diagnosing.on_demand(function, now).patients
    deployment = diagnosing.practice.deployment
    notice = compose_answer(patients, deployment, now)
    told = compose_output(patients)
    try:
        diagnosing.practice.publisher.publish(notice.subject, notice.body)
    except NoticeUndeliveredError as error:
        return f"{told} (The notice about it could not be sent: {error})"
    return told


_MOST_BYTES: Final = 3_000


def _fitting(told: str) -> str:
    """The text, cut to what fits into CloudFormation's answer however JSON writes it."""
    # json.dumps escapes whatever is not ASCII, with up to twelve bytes for a character.
    while len(told.encode("ascii", errors="backslashreplace")) > _MOST_BYTES:
        told = told[: int(len(told) * 0.9)].rstrip() + " ..."
    return told
