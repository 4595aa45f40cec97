"""Answers what the flag `diagnose` asks: once, whoever sends the request again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.domain.account.names import parse_function_name
from functions.domain.account.watched_region import refuse_elsewhere
from functions.domain.diagnosis.ports import Requests
from functions.domain.errors import LoopbreakerError, NoticeUndeliveredError
from functions.domain.incidents.ports import RequestClaim
from functions.domain.notices.diagnosis.answer import compose_answer, compose_output
from functions.domain.notices.events.diagnosis import describe_answer
from functions.domain.notices.notice import with_event
from functions.workflows.diagnosis.triage import DiagnosisTriage, UnknownFunctionError

NOTHING_ASKED: Final = "nothing was asked for"
ASKED_BEFORE: Final = "nothing: this request was carried out by an earlier deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisRequest:
    """What a deployment with the flag `diagnose` asks for.

    Attributes
    ----------
    id
        Unique; the same for a repeated delivery.
    function
        A name or an ARN; empty for none.
    nonce
        New with each synthesis that has the flag.
    """

    id: str
    function: str
    nonce: str


def answer_request(
    request: DiagnosisRequest, triage: DiagnosisTriage, requests: Requests, now: datetime
) -> str:
    """Examine the function that is asked about, and state the result.

    A diagnosis that fails is said in words and fails no deployment: it is a question, and what is
    deployed with it does not depend on the answer.

    Raises
    ------
    UnknownFunctionError
        When the function does not exist: the flag is wrong, and is to be seen as such.
    ElsewhereError
        When the ARN is of another account or Region, likewise.
    """
    asked = request.function
    if not asked:
        return NOTHING_ASKED
    deployment = triage.context.deployment
    refuse_elsewhere([asked], account=deployment.account, region=deployment.region)
    # A deployment may restore as well, with the same nonce and by another request.
    nonce = f"diagnose/{request.nonce}"
    try:
        claim = requests.claim_request(nonce, request.id, now)
        if claim is not RequestClaim.MINE:
            return ASKED_BEFORE
        text = _diagnose(parse_function_name(asked), triage, now)
        requests.settle_request(nonce, request.id, is_done=True)
    except UnknownFunctionError:
        raise
    except LoopbreakerError as error:
        triage.log.exception("the diagnosis failed", function=asked)
        return f"{asked} could not be diagnosed: {error}"
    return text


def _diagnose(function: str, triage: DiagnosisTriage, now: datetime) -> str:
    examined = triage.examine_one(function, now).evaluated
    notice = with_event(
        compose_answer(examined, triage.context.describe_place(), now),
        describe_answer(examined, now),
    )
    text = compose_output(examined, triage.context.deployment)
    try:
        triage.context.events.keep_unrecorded(notice, function)
        triage.context.publisher.publish(notice)
    except NoticeUndeliveredError as error:
        return f"{text} (The notice about it could not be sent: {error})"
    return text
