"""Which function of a loop is held."""

import pytest

from functions.domain.holding.place import (
    BACKLOG_SECONDS,
    Chosen,
    HoldPlace,
    choose_where_to_hold,
    without,
)
from functions.domain.holding.plan import NotHeld, NotHeldReason

REFUSES = NotHeld(reason=NotHeldReason.SYNCHRONOUS)
GIVES_UP = NotHeld(reason=NotHeldReason.FEW_RECEIVES, value=1, bound=3)
OFTEN = NotHeld(reason=NotHeldReason.HELD_OFTEN, value=4, bound=4)
HOUR = 3_600.0
FEEDS = NotHeld(reason=NotHeldReason.BACKLOG_BEFORE, value=HOUR, bound=BACKLOG_SECONDS)


def _place(name: str, why_not: NotHeld | None = None, backlog: float = 0.0) -> HoldPlace:
    return HoldPlace(function=name, why_not=why_not, backlog_seconds=backlog)


OWN, OTHER, THIRD = _place("own"), _place("other"), _place("third")
CASES: dict[str, tuple[HoldPlace, list[HoldPlace], tuple[str, NotHeld | None] | NotHeld]] = {
    "alone": (OWN, [], ("own", None)),
    "alone, and cannot be held": (_place("own", REFUSES), [], REFUSES),
    "the suspected one, where it can be": (OWN, [OTHER], ("own", None)),
    "another, where it cannot be": (_place("own", REFUSES), [OTHER], ("other", REFUSES)),
    "the first by name of those that can be": (
        _place("own", REFUSES),
        [THIRD, _place("a", GIVES_UP), OTHER],
        ("other", REFUSES),
    ),
    "none can be": (_place("own", REFUSES), [_place("other", GIVES_UP)], REFUSES),
    "held often: the loop is not held by turns": (_place("own", OFTEN), [OTHER], OFTEN),
    "the bottleneck": (OWN, [_place("other", backlog=HOUR), THIRD], ("other", FEEDS)),
    "the bottleneck, and the other cannot be held": (
        _place("own", REFUSES),
        [_place("other", backlog=HOUR)],
        ("other", REFUSES),
    ),
    "a short backlog is none": (OWN, [_place("other", backlog=BACKLOG_SECONDS)], ("own", None)),
    "the suspected one is the bottleneck": (_place("own", backlog=HOUR), [OTHER], ("own", None)),
    "the bottleneck cannot be held: as ever": (
        OWN,
        [_place("other", GIVES_UP, HOUR)],
        ("own", None),
    ),
    "two are behind: as ever": (
        OWN,
        [_place("other", backlog=HOUR), _place("third", backlog=HOUR)],
        ("own", None),
    ),
    "fed by what cannot be held: a hold elsewhere shows nothing": (
        _place("own", REFUSES),
        [_place("other", GIVES_UP, HOUR), THIRD],
        REFUSES,
    ),
    "what cannot be held works off a backlog: nor here": (
        _place("own", REFUSES, HOUR),
        [OTHER],
        REFUSES,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_where_a_loop_is_held(case: str) -> None:
    """The suspected function, unless another place shows more."""
    suspected, others, expected = CASES[case]

    found = choose_where_to_hold(suspected, others)

    told = (found.place.function, found.because) if isinstance(found, Chosen) else found
    assert told == expected


def test_a_place_that_turns_out_not_to_be_one_is_not_chosen_again() -> None:
    """The others are as they were."""
    places = without([OTHER, THIRD], "other", GIVES_UP)

    assert places == (_place("other", GIVES_UP), THIRD)
    found = choose_where_to_hold(_place("own", REFUSES), places)
    assert isinstance(found, Chosen)
    assert found.place is THIRD
