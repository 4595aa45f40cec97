"""The answers to the custom resource behind the rollback flag."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from functions.aws.runtime.custom_resource import CustomResourceResponse, RequestType
from functions.domain.account.watched_region import refuse_elsewhere
from functions.domain.errors import LedgerUnavailableError, LoopbreakerError, RestoreFailedError
from functions.domain.incidents.ports import RequestClaim
from functions.workflows.holding.end_hold import HoldEnder
from functions.workflows.rollback.results import Refused, Restored
from functions.workflows.rollback.rollback import ALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.aws.runtime.custom_resource import CustomResourceRequest
    from functions.workflows.rollback.results import Result
    from functions.workflows.rollback.rollback import Rollback

# The same for the resource's whole life: another one would make CloudFormation delete "the old".
PHYSICAL_ID: Final = "LoopbreakerRollback"
NOTHING_ASKED: Final = "nothing was asked for"
ASKED_BEFORE: Final = "nothing: this request was carried out by an earlier deployment"
STILL_UNDER_WAY: Final = (
    "an earlier deployment with the same request is still being carried out: deploy again in a"
    " few minutes"
)


def answer(
    request: CustomResourceRequest,
    rollback: Rollback,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> CustomResourceResponse:
    """Carry out what the properties ask for: `Rollback`, a list of names, and its `Nonce`.

    Each synthesis with the flag brings a new nonce. CloudFormation sends old properties again
    when it rolls a failed deployment back (an Update like any other); their nonce is known as
    carried out by then, so they restore nothing a second time. One that failed may be tried again:
    a pipeline deploys the same assembly once more. A function that runs again while a mapping of it
    is pending is no failure: a failed deployment would not bring the mapping back sooner.

    Raises
    ------
    RestoreFailedError
        When at least one function could not be put back: names each, with the reason. Also while
        another request with the same nonce is at it.
    LedgerUnavailableError
        When it cannot be read what is held.
    ElsewhereError
        When an ARN is of another account or Region; nothing is restored then.
    """
    if request.request_type is RequestType.DELETE:
        # Nobody would end them any more. What is contained stays so, and people are notified.
        HoldEnder(world=rollback.world, sleep=rollback.sleep).end_all(seconds_left)
        rollback.tell_of_deletion()
        return _done("")
    asked = tuple(str(one) for one in request.properties.get("Rollback", ()))
    if not asked:
        return _done(NOTHING_ASKED)
    deployment = rollback.world.deployment
    refuse_elsewhere(asked, account=deployment.account, region=deployment.region)
    nonce = str(request.properties.get("Nonce", ""))
    ledger = rollback.world.ledger
    match ledger.claim_request(nonce, request.request_id, rollback.world.clock()):
        case RequestClaim.DONE:
            return _done(ASKED_BEFORE)
        case RequestClaim.UNDER_WAY:
            raise RestoreFailedError(STILL_UNDER_WAY)
        case RequestClaim.MINE:
            pass
    try:
        answered = _answered(asked, rollback.of(asked, seconds_left))
        # Never success without it: CloudFormation may send these properties again next year.
        ledger.settle_request(nonce, request.request_id, is_done=True)
    except LoopbreakerError:
        with suppress(LedgerUnavailableError):  # without an outcome it is over after a while
            ledger.settle_request(nonce, request.request_id, is_done=False)
        raise
    return answered


def _answered(asked: tuple[str, ...], results: tuple[Result, ...]) -> CustomResourceResponse:
    told = "; ".join(f"{one.function}: {one.text}" for one in results)
    refused = [one for one in results if isinstance(one, Refused)]
    if refused:
        words = "; ".join(f"{one.function}: {one.text}" for one in refused)
        others = [one.function for one in results if isinstance(one, Restored)]
        raise RestoreFailedError(
            f"not restored: {words}. Restored: {', '.join(others) or 'none'}. What is not restored"
            " stays contained and recorded; deploy with the rollback flag again."
        )
    if asked == (ALL,) and not results:
        return _done("nothing is held")
    return _done(told)


def failed(request: CustomResourceRequest, error: Exception) -> CustomResourceResponse:
    """Say in CloudFormation's events why a request failed, in AWS's own words where it has some.

    A Delete succeeds all the same: a stack that cannot be removed helps nobody, and the ledger
    stays when the stack goes.
    """
    if request.request_type is RequestType.DELETE:
        return _done("")
    return CustomResourceResponse(
        physical_resource_id=PHYSICAL_ID, reason=str(error) or repr(error)
    )


def _done(told: str) -> CustomResourceResponse:
    data = {"Restored": told[:2000]} if told else {}
    return CustomResourceResponse(physical_resource_id=PHYSICAL_ID, data=data)
