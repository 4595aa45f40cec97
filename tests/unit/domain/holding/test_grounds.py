"""What a hold showed, and why there is none, as grounds with their numbers."""

from dataclasses import replace
from typing import get_args

import pytest

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.holding.grounds import explain_hold, explain_not_held
from functions.domain.holding.judgement.case import Figures
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldAgain,
    HoldVerdict,
    LetGo,
    Release,
    ReleaseReason,
    Shown,
    TryLonger,
    UntoldReason,
    Wait,
)
from functions.domain.holding.plan import NotHeld, NotHeldReason
from functions.domain.notices.grounds import GROUND_WORDS, describe_ground

ALL = Figures(
    minutes=13.6,
    normal_per_minute=3,
    before_per_minute=900,
    held_per_minute=0,
    trial_per_minute=800,
    again_per_minute=0,
    waiting=40,
    generations=61,
)


def said(verdict: HoldVerdict) -> list[str]:
    """What people read of it."""
    return [describe_ground(one) for one in explain_hold(verdict)]


def test_a_shown_loop_is_told_with_everything_that_was_seen() -> None:
    """The verdict, then the phases in their order."""
    assert said(Shown(figures=ALL)) == [
        "It feeds itself: held, nothing arrives; in a trial, it comes back round after round.",
        "It was watched for 14 minutes.",
        "While it was held, nothing arrived; before, 900 events a minute.",
        "Then a few events ran in a trial; 40 events had waited.",
        "What ran in the trial came back 61 times; a loop comes back 12 times or more.",
        "Held again, nothing arrived; in the trial, 800 events a minute.",
    ]


def test_what_a_multiplying_loop_wrote_is_told_in_place_of_its_rounds() -> None:
    """More of its events wait than a trial turns over."""
    figures = replace(ALL, waiting=400_000, generations=0.01, written_for_each=1.5)

    assert said(Shown(figures=figures))[3:5] == [
        "Then a few events ran in a trial; 400,000 events had waited.",
        (
            "What its own executions wrote accounts for all that arrived since it began: 1.5 events"
            " for each that they were given."
        ),
    ]


def test_of_a_loop_beside_work_people_read_what_it_wrote() -> None:
    """Its rounds show nothing beside so much from outside."""
    figures = replace(ALL, held_per_minute=210, wrote_minutes=4.04, writer_minutes=8.46)

    assert said(Shown(figures=figures, is_beside_work=True)) == [
        (
            "It feeds itself beside its usual work: held, only as much arrives as always; in a"
            " trial, it writes as much as before for as long as it runs, and nothing for what had"
            " waited."
        ),
        "It was watched for 14 minutes.",
        "While it was held, 210 events a minute arrived; before, 900 events a minute.",
        "Then a few events ran in a trial; 40 events had waited.",
        (
            "In the trial it wrote as much as in 4 minutes before; had it written for what had"
            " waited too, it would have been as much as in 8.5 minutes."
        ),
        "Held again, nothing arrived; in the trial, 800 events a minute.",
    ]


def test_what_was_not_seen_is_not_told() -> None:
    """A release in the first phase knows of no trial."""
    figures = Figures(minutes=4, before_per_minute=900, held_per_minute=870.4)

    assert said(Release(reason=ReleaseReason.STILL_ARRIVING, figures=figures)) == [
        "As much arrived while it was held as before, so others feed it.",
        "It was watched for 4 minutes.",
        "While it was held, 870 events a minute arrived; before, 900 events a minute.",
    ]
    assert said(CannotTell(reason=UntoldReason.UNCOUNTED, figures=Figures(minutes=1))) == [
        "What arrives could not be counted everywhere.",
        "It was watched for 1 minute.",
    ]


def test_a_verdict_that_decides_nothing_has_figures_only() -> None:
    """Of these only the log tells."""
    assert explain_hold(HoldAgain(figures=Figures(minutes=2))) == (
        Ground(reason=Reason.HELD_FOR, value=2, unit=Unit.MINUTES),
    )


@pytest.mark.parametrize("reason", [*ReleaseReason, *UntoldReason])
def test_every_outcome_has_a_reason_of_its_own(reason: ReleaseReason | UntoldReason) -> None:
    """None is told as another one."""
    found = {}
    for one in type(reason):
        verdict: HoldVerdict = (
            Release(reason=one, figures=ALL)
            if isinstance(one, ReleaseReason)
            else CannotTell(reason=one, figures=ALL)
        )
        found[one] = explain_hold(verdict)[0].reason

    assert len(set(found.values())) == len(found)
    assert found[reason] in GROUND_WORDS
    assert set(get_args(HoldVerdict)) == {
        Wait,
        LetGo,
        TryLonger,
        HoldAgain,
        Shown,
        Release,
        CannotTell,
    }


@pytest.mark.parametrize("reason", NotHeldReason)
def test_every_reason_not_to_hold_is_told(reason: NotHeldReason) -> None:
    """With its numbers or without, as a sentence about this function."""
    plain = describe_ground(explain_not_held(NotHeld(reason=reason)))
    numbered = describe_ground(explain_not_held(NotHeld(reason=reason, value=90, bound=4_300)))

    for one in (plain, numbered):
        assert one.startswith("It ")
        assert one.endswith(".")
        assert "{" not in one
    assert "None" not in plain


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (
            NotHeld(reason=NotHeldReason.FEW_RECEIVES, value=1, bound=3),
            (
                "It was not held: its queue gives a message up after 1 receive, and a hold needs"
                " 3 receives."
            ),
        ),
        (
            NotHeld(reason=NotHeldReason.SHORT_RETENTION, value=1_200, bound=4_340),
            "It was not held: its events are kept for 20 min only, and a hold needs 1 h 12 min.",
        ),
        (
            NotHeld(reason=NotHeldReason.SHORT_RETENTION, bound=4_340),
            "It was not held: its events may not be kept for long enough: a hold needs 1 h 12 min.",
        ),
        (
            NotHeld(reason=NotHeldReason.SHORT_AGE, value=45, bound=4_340),
            (
                "It was not held: its events are given up after 45 seconds, and a hold needs"
                " 1 h 12 min."
            ),
        ),
        (
            NotHeld(reason=NotHeldReason.DOES_NOT_BIND, value=5, bound=2.4),
            (
                "It was not held: its normal peak is 5 concurrent executions, and only 2.4"
                " concurrent executions or fewer would slow it down."
            ),
        ),
        (
            NotHeld(reason=NotHeldReason.TOO_SLOW, value=3_000, bound=1_200),
            (
                "It may go round too slowly for a hold to show it: that could take 50 min, and"
                " a hold takes 20 min at most."
            ),
        ),
    ],
)
def test_what_a_hold_would_need_is_told(why: NotHeld, words: str) -> None:
    """People can change a queue's redrive policy, or how long events are kept."""
    assert describe_ground(explain_not_held(why)) == words
