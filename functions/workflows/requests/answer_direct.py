"""Answers what people ask a guard function for directly, whatever they send.

A rejected request is answered, not raised: Lambda would try an asynchronous one again. A request
that changes something is carried out once for its id; `restore` and `contain` know a repeated
delivery by the id that Lambda gives an invocation and its retries.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.account.watched_region import ElsewhereError, refuse_elsewhere
from functions.domain.errors import LedgerUnavailableError, LoopbreakerError
from functions.domain.incidents.ports import RequestClaim
from functions.domain.page.overview import Overview
from functions.domain.requests.answer import (
    Answer,
    OverviewAnswer,
    RejectedAnswer,
    Rejection,
    RestoreAnswer,
    RestoreOutcome,
    RestoreResult,
    write_answer,
)
from functions.domain.requests.request import (
    HistoryRequest,
    OverviewRequest,
    RehearseRequest,
    RequestError,
    RestoreRequest,
    StatusRequest,
    StopRequest,
    parse_request,
)
from functions.workflows.requests.ordered_stop import OrderedStop
from functions.workflows.requests.read_status import read_history, read_status
from functions.workflows.requests.rehearsal import Rehearsal
from functions.workflows.rollback.answer_request import RollbackRequest, restore_once
from functions.workflows.rollback.results import (
    NOT_HELD,
    LeftUnchanged,
    LoopClosed,
    OnProbation,
    Refused,
    Restored,
    Result,
)
from functions.workflows.rollback.rollback import ALL, RESERVE_SECONDS, Rollback

# A person waits for the answer: a mapping that takes longer is enabled by the guard later.
RESTORE_SECONDS: Final = RESERVE_SECONDS + 60.0
_DONE_BEFORE: Final = "nothing was done: this request was carried out before"
_UNDER_WAY: Final = (
    "nothing was done: this request is being carried out. Ask for the status in a minute"
)


def answer_at_restore(
    event: Mapping[str, Any],
    rollback: Rollback,
    invocation_id: str,
    seconds_left: Callable[[], float],
    read_overview: Callable[[], Overview],
) -> dict[str, Any]:
    """Answer a direct request to the function `restore`.

    Parameters
    ----------
    read_overview
        Reads the page of the guard.
    invocation_id
        What Lambda calls this invocation; the same for its retries.
    seconds_left
        How long this run may still take.
    """

    def carry_out() -> Answer:
        match parse_request(event):
            case StatusRequest() as request:
                return read_status(request, rollback)
            case HistoryRequest() as request:
                return read_history(request, rollback)
            case OverviewRequest():
                return OverviewAnswer(overview=read_overview())
            case RestoreRequest() as request:
                _refuse_late(request, rollback.world.clock())
                return _restore(request, rollback, invocation_id, seconds_left)
            case StopRequest() | RehearseRequest():
                raise RequestError("this function stops nothing: ask the function contain")

    return _answer(carry_out)


def answer_at_contain(
    event: Mapping[str, Any], stopping: OrderedStop, invocation_id: str
) -> dict[str, Any]:
    """Answer a direct request to the function `contain`. See `answer_at_restore`."""

    def carry_out() -> Answer:
        match parse_request(event):
            case StopRequest() as request:
                _refuse_late(request, stopping.world.clock())
                return _stop(request, stopping, invocation_id)
            case RehearseRequest() as request:
                return _rehearse(request, stopping, invocation_id)
            case _:
                raise RequestError("this function only stops functions: ask the function restore")

    return _answer(carry_out)


def _answer(carry_out: Callable[[], Answer]) -> dict[str, Any]:
    try:
        answer = carry_out()
    except (RequestError, ElsewhereError, InvalidFunctionReferenceError) as error:
        answer = RejectedAnswer(reason=Rejection.INVALID.value, text=str(error))
    except LoopbreakerError as error:
        answer = RejectedAnswer(reason=Rejection.UNAVAILABLE.value, text=str(error))
    return write_answer(answer)


def _refuse_late(request: RestoreRequest | StopRequest, now: datetime) -> None:
    if request.not_after is not None and now > request.not_after:
        raise RequestError(
            "nothing was done: the page with this button is old, and may show what is no longer so."
            " Refresh it, look at it, and press again"
        )


def _restore(
    request: RestoreRequest,
    rollback: Rollback,
    invocation_id: str,
    seconds_left: Callable[[], float],
) -> Answer:
    began, clock = rollback.world.clock(), rollback.world.clock

    def seconds_left_for_person() -> float:
        gone = (clock() - began).total_seconds()
        return min(seconds_left(), RESTORE_SECONDS - gone)

    asked = RollbackRequest(
        id=invocation_id,
        functions=(ALL,) if request.is_for_all else _name_exactly(request, rollback),
        nonce=f"restore {request.id}",
        terms=request.terms,
    )
    done = restore_once(asked, replace(rollback, is_direct=True), seconds_left_for_person)
    if isinstance(done, RequestClaim):
        return _reject_repeated(done)
    return RestoreAnswer(results=tuple(map(_describe_result, done)))


def _name_exactly(request: RestoreRequest, rollback: Rollback) -> tuple[str, ...]:
    """The functions, of which one that is called ``all`` is not taken for all of them."""
    place = rollback.world.deployment
    of_all = f"arn:aws:lambda:{place.region}:{place.account}:function:{ALL}"
    return tuple(of_all if one == ALL else one for one in request.functions)


def _describe_result(result: Result) -> RestoreResult:
    match result:
        case Restored(text=text) if text == NOT_HELD:
            outcome = RestoreOutcome.NOT_HELD
        case Restored(is_pending=True):
            outcome = RestoreOutcome.PENDING
        case Restored():
            outcome = RestoreOutcome.RESTORED
        case OnProbation():
            outcome = RestoreOutcome.ON_PROBATION
        case LoopClosed():
            outcome = RestoreOutcome.LOOP_CLOSED
        case Refused(is_unknown=True):
            outcome = RestoreOutcome.UNKNOWN
        case Refused():
            outcome = RestoreOutcome.REFUSED
        case LeftUnchanged():
            outcome = RestoreOutcome.UNSURE
    note = result.note if isinstance(result, Restored) else ""
    text = f"{result.text} ({note})" if note else result.text
    return RestoreResult(function=result.function, outcome=outcome.value, text=text)


def _stop(request: StopRequest, stopping: OrderedStop, invocation_id: str) -> Answer:
    world = stopping.world
    place = world.deployment
    refuse_elsewhere((request.function,), account=place.account, region=place.region)
    name, nonce = parse_function_name(request.function), f"stop {request.id}"
    try:
        claim = world.ledger.claim_request(nonce, invocation_id, world.clock())
    except LedgerUnavailableError:
        claim = RequestClaim.MINE  # a loop burns: it is stopped all the same
    if claim is not RequestClaim.MINE:
        return _reject_repeated(claim)
    is_done = False
    try:
        answer = stopping.stop(request, name)
        is_done = answer.is_done
    finally:
        with suppress(LedgerUnavailableError):  # without an outcome it is over after a while
            world.ledger.settle_request(nonce, invocation_id, is_done=is_done)
    return answer


def _rehearse(request: RehearseRequest, stopping: OrderedStop, invocation_id: str) -> Answer:
    world = stopping.world
    place = world.deployment
    refuse_elsewhere((request.function,), account=place.account, region=place.region)
    name, nonce = parse_function_name(request.function), f"rehearse {request.id}"
    claim = world.ledger.claim_request(nonce, invocation_id, world.clock())
    if claim is not RequestClaim.MINE:
        return _reject_repeated(claim)
    is_done = False
    try:
        rehearsal = Rehearsal(enforcer=stopping.enforcer, gathering=stopping.gathering)
        answer = rehearsal.rehearse(name, request.at)
        is_done = True
    finally:
        world.ledger.settle_request(nonce, invocation_id, is_done=is_done)
    return answer


def _reject_repeated(claim: RequestClaim) -> RejectedAnswer:
    if claim is RequestClaim.DONE:
        return RejectedAnswer(reason=Rejection.REPEATED.value, text=_DONE_BEFORE)
    return RejectedAnswer(reason=Rejection.UNDER_WAY.value, text=_UNDER_WAY)
