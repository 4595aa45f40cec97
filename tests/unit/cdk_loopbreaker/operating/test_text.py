"""Answers as text: they fit a phone, and hold no control characters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cdk_loopbreaker.operating.text import (
    WIDTH,
    format_history,
    format_restore,
    format_status,
    format_stop,
    format_what_comes_back,
)
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.requests.answer import (
    HistoryAnswer,
    RestoreAnswer,
    RestoreResult,
    StatusAnswer,
    StopAnswer,
)
from functions.domain.requests.summary import (
    RemedyInForce,
    ReportedFinding,
    summarize_ended,
    summarize_open,
)
from tests.unit.domain.notices.samples.account import FUNCTION, NOW, told
from tests.unit.domain.notices.samples.holds import held
from tests.unit.domain.notices.samples.stops import contained, ordered, restored

REGION = "eu-west-1"
STOPPED = summarize_open(contained(hours=2), NOW)
FULL = StatusAnswer(
    at=NOW,
    open=(
        STOPPED,
        summarize_open(held(Lever.PAUSE), NOW),
        summarize_open(ordered(), NOW),
        summarize_open(told(DecisionReason.EXEMPT_BY_FLAG), NOW),
    ),
    tagged=("tagged",),
    unreadable=("unreadable",),
    remedies=(RemedyInForce(function="slow", title="Not enough memory", since=NOW),),
    findings=(ReportedFinding(function="silent", title="No logs", summary="", first_seen=NOW),),
    findings_open=12,
)


def test_nothing_held_is_one_line() -> None:
    """The most frequent answer is the shortest."""
    assert format_status(StatusAnswer(at=NOW), REGION) == (
        "Loopbreaker holds no function in eu-west-1.\n"
    )


def test_a_stopped_function_reads_as_people_need_it() -> None:
    """What, since when, why, what it cost, what is lost, what comes back, and the command."""
    text = format_status(StatusAnswer(at=NOW, open=(STOPPED,)), REGION)

    assert (
        text
        == """\
Loopbreaker holds 1 function in eu-west-1.

orders-enricher
  state      stopped
  since      2026-11-23 01:15 UTC (2 h ago)
  now        Its reserved concurrency is 0 since 2026-11-23 01:15 UTC (2 h
             ago); before, nothing was reserved.
  why        A loop: the configuration of the account closes it, and it
             runs.
             In its configuration, what it writes triggers it again.
             It is far above the 3 hours before: now 14,800 invocations a
             minute, before at most 41.
             It has not let up: 6 minutes so far.
  rate       14,800 invocations a minute, normal 35
  cost       at least $3.26 until it was decided; $35.70 an hour at that
             rate
  events     Its new asynchronous events are being lost meanwhile. Stream
             records begin to expire at 2026-11-24 01:15 UTC, those that
             were already waiting earlier: restore it before.
  puts back  Reserved concurrency: nothing reserved
             Provisioned concurrency of live: 4 provisioned
             Event source mapping 0b3d1e9a-52c4-4b7e-9d58-2f1f6b1c7a10:
             enabled
             Event source mapping 7f2a4c11-8e0d-4a52-b6b9-90c3d5e8f422:
             enabled
  restore    loopbreaker restore orders-enricher --region eu-west-1
"""
    )


def test_everything_there_is_fits_a_phone() -> None:
    """Only commands and names that cannot be broken are longer than 76 characters."""
    text = format_status(FULL, REGION)

    assert text.startswith("Loopbreaker holds 4 functions in eu-west-1.\n")
    for line in text.splitlines():
        assert len(line) <= WIDTH or line.startswith("  restore ") or len(max(line.split())) > 60
    for words in ("tagged", "unreadable", "Not enough memory", "No logs", "11 more", "by itself"):
        assert words in text


def test_what_is_held_stands_before_what_was_only_reported() -> None:
    """The newest first."""
    text = format_status(FULL, REGION)

    assert text.index("  state      stopped\n") < text.index("reported, not stopped")


def test_a_history() -> None:
    """Each incident with its end; and how far back was looked."""
    ended = summarize_ended(restored())
    answer = HistoryAnswer(at=NOW, ended=(ended,), known_since=NOW - timedelta(days=14))

    text = format_history(answer, REGION)

    assert FUNCTION in text
    assert "  ending     restored\n" in text
    assert "Looked back to 2026-11-09 03:15 UTC." in text
    assert "--limit" in format_history(replace(answer, has_more=True), REGION)
    nothing = format_history(HistoryAnswer(at=NOW, known_since=NOW), REGION)
    assert nothing.startswith("No incident has ended in eu-west-1 since 2026-11-23")


def test_what_a_restore_and_a_stop_have_led_to() -> None:
    """A line for each function; commands as they are pasted."""
    done = RestoreAnswer(
        results=(RestoreResult(function="a", outcome="restored", text="restored"),)
    )
    stopped = StopAnswer(function="a", outcome="stopped", text="stopped.", incident_id="a-1")
    refused = StopAnswer(
        function="-a", outcome="refused", text="not stopped", commands=("aws lambda x",)
    )

    assert format_restore(done) == "a: restored\n"
    assert format_restore(RestoreAnswer()) == "Nothing is held.\n"
    assert format_stop(stopped, REGION) == (
        "a: stopped.\nTo put it back:\n  loopbreaker restore a --region eu-west-1\n"
    )
    assert format_stop(refused, REGION) == "-a: not stopped\n  aws lambda x\n"
    hyphen = format_stop(replace(stopped, function="-a"), REGION)
    assert hyphen.endswith("  loopbreaker restore --region eu-west-1 -- -a\n")


def test_what_comes_back_is_shown_before_it_does() -> None:
    """With what is not recorded."""
    remedies = (RemedyInForce(function="slow", title="Not enough memory", since=NOW),)

    text = format_what_comes_back((STOPPED,), remedies, ("nobody",))

    assert "puts back  Reserved concurrency: nothing reserved" in text
    assert "slow: the remedy Not enough memory" in text
    assert "nobody: the ledger has no record" in text


@given(st.text(max_size=200))
def test_no_text_of_an_answer_reaches_the_terminal_as_it_is(text: str) -> None:
    """An escape sequence in a name would do whatever a terminal does."""
    one = replace(STOPPED, function=text, restriction=text, why=(text,), expiry=text)
    answer = StatusAnswer(at=NOW, open=(one,), tagged=(text,), unreadable=(text,))
    stop = StopAnswer(function=text, outcome="stopped", text=text, commands=(text,))

    for written in (format_status(answer, REGION), format_stop(stop, REGION)):
        assert written.replace("\n", "").isprintable()
