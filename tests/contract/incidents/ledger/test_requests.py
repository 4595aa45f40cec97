"""A request is carried out once, and attempts are counted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from functions.domain.incidents.ports import (
    REQUEST_LASTS,
    AlreadyOpen,
    Attempts,
    BlastRadiusReached,
    Opened,
    RequestClaim,
)
from tests.contract.incidents.ledger.records import (
    HOUR,
    ONE,
    THREE,
)
from tests.contract.stage import NOON, Stage, an_incident


def test_a_request_is_claimed_once(stage: Stage) -> None:
    """A nonce belongs to the request that brought it first, and to its retries."""
    claims = [
        stage.ledger.claim_request("nonce", request, NOON)
        for request in ("first", "first", "second", "first")
    ]

    mine = RequestClaim.MINE
    assert claims == [mine, mine, RequestClaim.UNDER_WAY, mine]
    assert stage.ledger.claim_request("another", "second", NOON) is mine


@pytest.mark.parametrize(
    ("is_done", "claim"), [(True, RequestClaim.DONE), (False, RequestClaim.MINE)]
)
def test_a_request_that_failed_may_be_taken_over(
    stage: Stage, *, is_done: bool, claim: RequestClaim
) -> None:
    """One that was carried out is not carried out again, however late."""
    stage.ledger.claim_request("nonce", "first", NOON)
    stage.ledger.settle_request("nonce", "first", is_done=is_done)

    assert stage.ledger.claim_request("nonce", "second", NOON + HOUR) is claim


def test_a_request_without_an_outcome_is_over_after_a_while(stage: Stage) -> None:
    """A run that died claimed it and told nothing."""
    stage.ledger.claim_request("nonce", "first", NOON)
    early, late = NOON + REQUEST_LASTS - timedelta(seconds=1), NOON + REQUEST_LASTS

    assert stage.ledger.claim_request("nonce", "second", early) is RequestClaim.UNDER_WAY
    assert stage.ledger.claim_request("nonce", "second", late) is RequestClaim.MINE


def test_only_who_has_a_request_settles_it(stage: Stage) -> None:
    """A run that comes to itself after another took over decides nothing any more."""
    stage.ledger.claim_request("nonce", "first", NOON)
    stage.ledger.claim_request("nonce", "second", NOON + REQUEST_LASTS)

    stage.ledger.settle_request("nonce", "first", is_done=False)
    stage.ledger.settle_request("unknown", "first", is_done=False)

    claim = stage.ledger.claim_request("nonce", "third", NOON + REQUEST_LASTS)
    assert claim is RequestClaim.UNDER_WAY


def test_a_repeated_delivery_that_fails_makes_nothing_undone(stage: Stage) -> None:
    """What succeeded may be sent again by CloudFormation for years."""
    stage.ledger.claim_request("nonce", "first", NOON)
    stage.ledger.settle_request("nonce", "first", is_done=True)

    assert stage.ledger.claim_request("nonce", "first", NOON) is RequestClaim.MINE
    stage.ledger.settle_request("nonce", "first", is_done=False)

    assert stage.ledger.claim_request("nonce", "second", NOON + HOUR) is RequestClaim.DONE


def test_attempts_are_counted(stage: Stage) -> None:
    """Each matter by itself, with the moment of the last one."""
    assert stage.ledger.read_attempts("a") == Attempts()

    stage.ledger.count_attempt("a", NOON)
    stage.ledger.count_attempt("a", NOON + HOUR)
    stage.ledger.count_attempt("b", NOON)

    assert stage.ledger.read_attempts("a") == Attempts(count=2, last_at=NOON + HOUR)
    assert stage.ledger.read_attempts("b") == Attempts(count=1, last_at=NOON)


def test_as_many_as_allowed_at_the_same_moment(stage: Stage) -> None:
    """Of eight functions at the same moment, exactly three are opened."""
    names = [f"function-{number}" for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        openings = list(pool.map(lambda name: stage.ledger.open(an_incident(name), THREE), names))

    assert sum(isinstance(one, Opened) for one in openings) == 3
    assert sum(isinstance(one, BlastRadiusReached) for one in openings) == 5
    assert len(stage.ledger.read_live().incidents) == 3


def test_one_of_many_at_the_same_moment(stage: Stage) -> None:
    """Of eight incidents of one function at the same moment, exactly one is opened."""
    incidents = [an_incident("orders", NOON + timedelta(seconds=number)) for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        openings = list(pool.map(lambda one: stage.ledger.open(one, ONE), incidents))

    (winner,) = [one.incident for one in openings if isinstance(one, Opened)]
    assert openings.count(AlreadyOpen(incident=winner)) == 7
    taken = stage.ledger.open(an_incident("b"), ONE)
    assert taken == BlastRadiusReached(contained=("orders",))
