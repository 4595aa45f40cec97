"""Records in a few words."""

from dataclasses import replace
from datetime import timedelta

from functions.domain.holding.outcomes import Shown
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.states import IncidentState
from functions.domain.requests.summary import summarize_ended, summarize_open
from tests.unit.domain.notices.samples.account import ALICE, NOW, told
from tests.unit.domain.notices.samples.holds import FIGURES, held, judged
from tests.unit.domain.notices.samples.stops import contained, ordered, released, restored


def test_a_stopped_function() -> None:
    """Since when, why, what it cost, what expires when, and what comes back."""
    found = summarize_open(contained(hours=2, prior=5), NOW)

    assert found.standing == "stopped"
    assert found.is_held
    assert found.since == NOW - timedelta(hours=2)
    assert found.restriction.startswith("Its reserved concurrency is 0 since")
    assert found.why[0].startswith("A loop: ")
    assert found.per_minute == 14_800
    assert found.usd_so_far is not None
    assert found.usd_so_far > 3
    assert found.expires_at == NOW + timedelta(hours=22)
    assert "being lost" in found.expiry
    assert found.puts_back[0] == "Reserved concurrency: 5 reserved"
    assert len(found.puts_back) == 4


def test_a_function_that_a_person_stopped() -> None:
    """The order is why, and says whose it was."""
    found = summarize_open(ordered(), NOW)

    assert found.reason == "ordered"
    assert found.ordered_by == ALICE
    assert found.why == (f"A person ordered it: {ALICE}, as the order said.",)
    assert summarize_open(replace(ordered(), ordered_by=""), NOW).why == ("A person ordered it.",)


def test_a_hold_says_when_it_ends() -> None:
    """By itself, as long as nothing was shown; after that its events expire."""
    begun = summarize_open(held(Lever.PAUSE), NOW)
    kept = judged(Lever.PAUSE, Shown(figures=FIGURES), DecisionReason.SHOWN)
    shown = summarize_open(replace(kept, is_shown=True), NOW)

    assert begun.standing == "held"
    assert begun.ends_by is not None
    assert begun.expires_at is None
    assert shown.ends_by is None


def test_what_is_not_held_says_so() -> None:
    """People were told of one; others released the other."""
    reported = summarize_open(told(DecisionReason.EXEMPT_BY_FLAG), NOW)
    let_go = summarize_open(released(), NOW)

    assert (reported.standing, reported.is_held) == ("reported, not stopped", False)
    assert (reported.restriction, reported.puts_back) == ("", ())
    assert not reported.is_restorable
    assert (let_go.standing, let_go.is_held) == ("released by others", False)
    assert let_go.is_restorable


def test_a_function_without_a_rate_costs_nothing_that_is_known() -> None:
    """A function that was stopped without metrics has none."""
    bare = replace(contained(), assessment=replace(contained().assessment, rate_per_minute=0))

    found = summarize_open(bare, NOW)

    assert (found.per_minute, found.usd_so_far, found.usd_per_hour) == (None, None, None)


def test_an_ended_incident() -> None:
    """How it ended, and whether the function was ever held."""
    found = summarize_ended(restored())
    never = told(DecisionReason.EXEMPT_BY_FLAG)
    ended = summarize_ended(replace(never, state=IncidentState.ENDED, closed_at=NOW))

    assert (found.ending, found.was_held) == ("restored", True)
    assert (ended.ending, ended.was_held, ended.ended_at) == ("ended by itself", False, NOW)


def test_texts_are_bounded() -> None:
    """AWS's words and names have any length; an answer has not."""
    long = replace(ordered(), ordered_by="x" * 5_000)

    found = summarize_open(long, NOW)

    assert max(map(len, (found.ordered_by, *found.why, *found.puts_back))) <= 400
