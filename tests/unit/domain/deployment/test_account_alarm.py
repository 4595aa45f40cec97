"""The threshold of the account-wide alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.deployment.account_alarm import (
    DEFAULT_PER_MINUTE,
    HISTORY_DAYS,
    ThresholdReason,
    account_threshold,
    choose_threshold_unread,
)

if TYPE_CHECKING:
    from functions.domain.deployment.account_alarm import AccountThreshold

END = 1_800_000_000.0
DAY = 86_400.0
FIVE_MINUTES = 300.0


def days(*busiest: float) -> list[tuple[float, float]]:
    """A busiest rate for each day, the latest first, above an idle rest."""
    return [
        (END - day * DAY - offset, rate if offset == 12 * FIVE_MINUTES else 1.0)
        for day, rate in enumerate(busiest)
        for offset in (FIVE_MINUTES, 12 * FIVE_MINUTES, DAY)
    ]


def threshold(rates: list[tuple[float, float]], given: int | None = None) -> AccountThreshold:
    """The threshold at the end of these days."""
    return account_threshold(rates, end=END, given=given)


def test_a_quiet_account_has_the_default() -> None:
    """Where twice the normal traffic is less, the default holds."""
    found = threshold(days(*[120.0] * 14))

    assert (found.per_minute, found.reason) == (DEFAULT_PER_MINUTE, ThresholdReason.QUIET)
    assert found.in_words() == (
        "10,000 invocations a minute, the default; normal here is up to 120 a minute"
    )


def test_a_busy_account_has_twice_its_normal() -> None:
    """Normal traffic above the default leaves room for the alarm to speak."""
    found = threshold(days(*[40_200.0] * 14))

    assert (found.per_minute, found.reason) == (81_000, ThresholdReason.NORMAL)
    assert found.in_words() == (
        "81,000 invocations a minute, 2 times what is normal: on 11 of the last 14 days no five "
        "minutes had more than 40,200 a minute"
    )


@pytest.mark.parametrize(
    ("normal", "expected"), [(5_000.0, 10_000), (5_000.1, 11_000), (5_500.0, 11_000)]
)
def test_boundary_of_the_default(normal: float, expected: int) -> None:
    """The default gives way as soon as twice the normal is more."""
    assert threshold(days(*[normal] * 14)).per_minute == expected


@pytest.mark.parametrize(("looping_days", "is_hidden"), [(0, False), (3, False), (4, True)])
def test_a_loop_of_some_days_is_not_normal(looping_days: int, *, is_hidden: bool) -> None:
    """A loop on up to three days changes nothing, however busy it was."""
    rates = days(*[1_000_000.0] * looping_days, *[8_000.0] * (14 - looping_days))

    assert (threshold(rates).per_minute != 16_000) is is_hidden


def test_busy_weekends_are_normal() -> None:
    """Four busy days in two weeks are what the account does."""
    busy = {0, 1, 7, 8}
    rates = days(*[90_000.0 if day in busy else 10.0 for day in range(14)])

    assert threshold(rates).per_minute == 180_000


def test_a_new_account_has_the_default() -> None:
    """What three days hold may be a loop as well as a beginning."""
    assert threshold(days(50_000.0, 50_000.0, 50_000.0)).per_minute == DEFAULT_PER_MINUTE
    assert threshold([]).per_minute == DEFAULT_PER_MINUTE


def test_the_flag_goes_first() -> None:
    """Who gives a number gets it, and is warned where it makes the alarm deaf."""
    fine = threshold(days(*[120.0] * 14), given=500)
    deaf = threshold(days(*[900.0] * 14), given=900)

    assert (fine.per_minute, fine.is_always_breached) == (500, False)
    assert fine.in_words() == (
        "500 invocations a minute, as the flag account_alarm_per_minute says"
    )
    assert (deaf.per_minute, deaf.is_always_breached) == (900, True)
    assert deaf.in_words() == (
        "900 invocations a minute, as the flag account_alarm_per_minute says; WARNING: normal here "
        "is up to 900 a minute, so the alarm is in ALARM all the time and does not notify; leave "
        "the flag out"
    )


def test_an_unread_history() -> None:
    """Without a history there is the default, and the reason."""
    assert choose_threshold_unread("AccessDenied: no", given=None).in_words() == (
        "10,000 invocations a minute, the default: what is normal here could not be read "
        "(AccessDenied: no)"
    )
    assert choose_threshold_unread("AccessDenied: no", given=700).in_words() == (
        "700 invocations a minute, as the flag account_alarm_per_minute says"
    )


rate = st.floats(0, 1e7)
history = st.lists(st.tuples(st.floats(END - 20 * DAY, END + DAY), rate), max_size=300)


@given(history)
def test_never_below_the_default_nor_below_twice_what_is_normal(
    rates: list[tuple[float, float]],
) -> None:
    """On at least eleven of fourteen days normal traffic stays below the threshold by half."""
    found = threshold(rates)

    over = {
        int((END - at) // DAY)
        for at, one in rates
        if at < END and 0 <= END - at < HISTORY_DAYS * DAY and one * 2 > found.per_minute
    }
    assert found.per_minute >= DEFAULT_PER_MINUTE
    assert len(over) <= 3
    assert not found.is_always_breached


@given(history, st.lists(rate, min_size=3, max_size=3))
def test_three_days_cannot_move_it_beyond_the_others(
    rates: list[tuple[float, float]], loop: list[float]
) -> None:
    """Whatever happens on three days, the threshold is that of some other day's traffic."""
    others = [(at, one) for at, one in rates if END - at >= 3 * DAY]
    looped = [(END - day * DAY - FIVE_MINUTES, one) for day, one in enumerate(loop)]

    highest = max((one for at, one in others if at >= END - HISTORY_DAYS * DAY), default=0.0)

    assert threshold([*others, *looped]).per_minute <= max(DEFAULT_PER_MINUTE, 2 * highest + 1_000)


@given(history, history)
def test_more_traffic_never_lowers_it(
    fewer: list[tuple[float, float]], more: list[tuple[float, float]]
) -> None:
    """The threshold grows with what the account does, and asking twice gives the same."""
    first = threshold(fewer)

    assert first == threshold(list(reversed(fewer)))
    assert first.per_minute <= threshold([*fewer, *more]).per_minute
