"""Calls of a scan end when somebody asks for it, or with the credentials."""

from __future__ import annotations

import threading
import time

import pytest

from bench.worlds.growth import grown
from cdk_loopbreaker.scanning.client import ClosedClient, StopSignal
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import (
    NotAllowedError,
    Operation,
    OutOfTimeError,
    UnansweredError,
)
from tests.unit.cdk_loopbreaker.scanning.samples import HastyStop, make_client

LIST = Operation(service="pipes", method="list_pipes", action="pipes:ListPipes", lane=Quota.PIPES)


def test_a_stop_ends_a_pause_at_once() -> None:
    """Who waits for the turn of a call does not wait to its end."""
    stop = StopSignal()
    threading.Timer(0.05, lambda: stop.set("interrupted")).start()
    began = time.monotonic()

    with pytest.raises(OutOfTimeError, match="interrupted"):
        stop.sleep(30)

    assert time.monotonic() - began < 5


def test_the_first_reason_stays() -> None:
    """Expired credentials after an interruption do not explain it."""
    stop = StopSignal()
    stop.set("interrupted")
    stop.set("the credentials have expired")

    assert stop.reason == "interrupted"


def test_a_pause_ends_by_itself() -> None:
    """Without a stop it takes as long as it is to."""
    StopSignal().sleep(0.01)


def test_nothing_is_asked_after_a_stop() -> None:
    """The call is not made."""
    account, stop = grown(1), HastyStop()
    stop.set("interrupted")

    with pytest.raises(OutOfTimeError):
        make_client(account, stop).ask(LIST, Limit=100)

    assert account.calls.total() == 0


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_expired_credentials_stop_the_scan(code: str) -> None:
    """What comes after would be refused as well: the scan ends with what it has."""
    account, stop = grown(1), HastyStop()
    account.failures["pipes", "list_pipes"] = [code]

    with pytest.raises(OutOfTimeError):
        make_client(account, stop).ask(LIST, Limit=100)

    assert "expired" in stop.reason


def test_a_refusal_does_not_stop_the_scan() -> None:
    """Another call may be allowed."""
    account, stop = grown(1), HastyStop()
    account.refused.add(("pipes", "list_pipes"))

    with pytest.raises(NotAllowedError):
        make_client(account, stop).ask(LIST, Limit=100)

    assert not stop.is_set


def test_each_call_is_reported_before_it_is_made() -> None:
    """The progress hears of a call with its action."""
    heard: list[str] = []
    make_client(grown(1), on_call=lambda one: heard.append(one.action)).ask(LIST, Limit=100)

    assert heard == ["pipes:ListPipes"]


def test_a_closed_client_names_what_it_was_asked_for() -> None:
    """The gap says which call was not made any more."""
    with pytest.raises(UnansweredError, match=r"stopped before .*pipes:ListPipes"):
        ClosedClient().ask(LIST, Limit=100)
