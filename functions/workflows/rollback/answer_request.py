"""Carries out each request for a rollback once, whoever sends it again, and states the result."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from functions.domain.account.watched_region import refuse_elsewhere
from functions.domain.errors import LedgerUnavailableError, LoopbreakerError, RestoreFailedError
from functions.domain.incidents.ports import Ledger, RequestClaim
from functions.domain.requests.terms import RestoreTerms
from functions.workflows.holding.end_hold import HoldEnder
from functions.workflows.rollback.results import (
    LoopClosed,
    OnProbation,
    Refused,
    Restored,
    Result,
)
from functions.workflows.rollback.rollback import ALL, Rollback

NOTHING_ASKED: Final = "nothing was asked for"
ASKED_BEFORE: Final = "nothing: this request was carried out by an earlier deployment"
STILL_UNDER_WAY: Final = (
    "an earlier deployment with the same request is still being carried out: deploy again in a"
    " few minutes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """What a deployment with the rollback flag asks for, or a person directly.

    Attributes
    ----------
    id
        Unique; the same for a repeated delivery.
    functions
        Names or ARNs; ``("all",)`` for everything that the guard holds.
    nonce
        New with each synthesis that has the flag, and with each direct request.
    terms
        How they are restored.
    """

    id: str
    functions: tuple[str, ...]
    nonce: str
    terms: RestoreTerms = field(default_factory=RestoreTerms)


def answer_request(
    request: RollbackRequest,
    rollback: Rollback,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> str:
    """Restore what is asked for, and state the result.

    CloudFormation sends old properties again when it rolls a failed deployment back (an Update like
    any other); their nonce is known as carried out by then, so they restore nothing a second time.
    One that failed may be tried again: a pipeline deploys the same assembly once more. A function
    that runs again while a mapping of it is pending is no failure: a failed deployment would not
    bring the mapping back sooner.

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
    if not request.functions:
        return NOTHING_ASKED
    done = restore_once(request, rollback, seconds_left)
    match done:
        case RequestClaim.DONE:
            return ASKED_BEFORE
        case RequestClaim():
            raise RestoreFailedError(STILL_UNDER_WAY)
        case _:
            return _describe_results(request.functions, done)


def restore_once(
    request: RollbackRequest,
    rollback: Rollback,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> tuple[Result, ...] | RequestClaim:
    """Restore what is asked for, unless another request has the same nonce.

    One that failed for a function may be sent again: it is carried out again.

    Returns
    -------
    tuple[Result, ...] | RequestClaim
        What became of each function; or whose the request is, where it is not this one's.

    Raises
    ------
    LedgerUnavailableError
        When it cannot be read what is held.
    ElsewhereError
        When an ARN is of another account or Region; nothing is restored then.
    """
    deployment = rollback.world.deployment
    refuse_elsewhere(request.functions, account=deployment.account, region=deployment.region)
    ledger = rollback.world.ledger
    claim = ledger.claim_request(request.nonce, request.id, rollback.world.clock())
    if claim is not RequestClaim.MINE:
        return claim
    try:
        asked = replace(rollback, terms=request.terms)
        results = asked.of(request.functions, seconds_left)
        is_done = not any(isinstance(one, Refused | LoopClosed) for one in results)
        if is_done:
            # Never success without it: CloudFormation may send these properties again next year.
            ledger.settle_request(request.nonce, request.id, is_done=True)
    except LoopbreakerError:
        _settle_failure(request, ledger)
        raise
    if not is_done:
        _settle_failure(request, ledger)
    return results


def _settle_failure(request: RollbackRequest, ledger: Ledger) -> None:
    with suppress(LedgerUnavailableError):  # without an outcome it is over after a while
        ledger.settle_request(request.nonce, request.id, is_done=False)


def end_deployment(rollback: Rollback, seconds_left: Callable[[], float]) -> None:
    """End all holds, because nobody would end them any more once the stack is gone.

    What is contained stays so, and people are notified.
    """
    HoldEnder(world=rollback.world, sleep=rollback.sleep).end_all(seconds_left)
    rollback.notify_of_deletion()


def _describe_results(asked: tuple[str, ...], results: tuple[Result, ...]) -> str:
    refused = [one for one in results if isinstance(one, Refused | LoopClosed)]
    if refused:
        reasons = "; ".join(f"{one.function}: {one.text}" for one in refused)
        others = [one.function for one in results if isinstance(one, Restored | OnProbation)]
        raise RestoreFailedError(
            f"not restored: {reasons}. Restored: {', '.join(others) or 'none'}. What is not"
            " restored stays contained and recorded; deploy with the rollback flag again."
        )
    if asked == (ALL,) and not results:
        return "nothing is held"
    return "; ".join(f"{one.function}: {one.text}{_add_note(one)}" for one in results)


def _add_note(result: Result) -> str:
    return f" ({result.note})" if isinstance(result, Restored) and result.note else ""
