"""The answers to the custom resource behind the rollback flag."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from functions.aws.custom_resource import CustomResourceResponse, RequestType
from functions.domain.errors import RestoreFailedError
from functions.domain.places import refuse_elsewhere
from functions.restore.rollback import ALL, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from functions.aws.custom_resource import CustomResourceRequest
    from functions.restore.rollback import Rollback

# The same for the resource's whole life: another one would make CloudFormation delete "the old".
PHYSICAL_ID: Final = "LoopbreakerRollback"
NOTHING_ASKED: Final = "nothing was asked for"
ASKED_BEFORE: Final = "nothing: this request was carried out by an earlier deployment"


def answer(
    request: CustomResourceRequest,
    rollback: Rollback,
    now: datetime,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> CustomResourceResponse:
    """Carry out what the properties ask for: `Rollback`, a list of names, and its `Nonce`.

    Each synthesis with the flag brings a new nonce. CloudFormation sends old properties again
    when it rolls a failed deployment back (an Update like any other); their nonce is known by
    then, so they restore nothing a second time. A function that runs again while a mapping of it
    is pending is no failure: a failed deployment would not bring the mapping back sooner.

    Raises
    ------
    RestoreFailedError
        When at least one function could not be put back: names each, with the reason.
    LedgerUnavailableError
        When it cannot be read what is held.
    ElsewhereError
        When an ARN is of another account or Region; nothing is restored then.
    """
    if request.request_type is RequestType.DELETE:
        rollback.tell_of_deletion(now)
        return _done("")
    asked = tuple(str(one) for one in request.properties.get("Rollback", ()))
    if not asked:
        return _done(NOTHING_ASKED)
    place = rollback.world.place
    refuse_elsewhere(asked, account=place.account, region=place.region)
    nonce = str(request.properties.get("Nonce", ""))
    if not rollback.world.ledger.claim_request(nonce, request.request_id, now):
        return _done(ASKED_BEFORE)
    results = rollback.of(asked, now, seconds_left)
    told = "; ".join(f"{one.function}: {one.text}" for one in results)
    refused = [one for one in results if isinstance(one, Refused)]
    if refused:
        words = "; ".join(f"{one.function}: {one.text}" for one in refused)
        others = [one.function for one in results if not isinstance(one, Refused)]
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
