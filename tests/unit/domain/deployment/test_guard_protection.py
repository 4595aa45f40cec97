"""Whether concurrency is set aside for the guard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.account.limits import LEAST_UNRESERVED, AccountLimits
from functions.domain.deployment.guard_protection import (
    LeaveUnprotected,
    SetAside,
    compose_unprotected_notice,
    decide_protection,
    describe_protected,
    describe_too_small,
)

WANTED = {"Loopbreaker-contain": 5, "Loopbreaker-restore": 2}
NOTHING = {"Loopbreaker-contain": None, "Loopbreaker-restore": None}


def limits(concurrency: int, unreserved: int | None = None) -> AccountLimits:
    """Limits of an account."""
    return AccountLimits(
        concurrency=concurrency,
        unreserved=concurrency if unreserved is None else unreserved,
        functions=1,
    )


@pytest.mark.parametrize(
    ("unreserved", "is_reserved"), [(1000, True), (107, True), (106, False), (10, False)]
)
def test_a_hundred_must_stay(unreserved: int, is_reserved: bool) -> None:  # noqa: FBT001
    """Concurrency is set aside as long as a hundred executions stay for the others."""
    decision = decide_protection(limits=limits(1000, unreserved), wanted=WANTED, reserved=NOTHING)

    assert isinstance(decision, SetAside) is is_reserved


def test_what_holds_is_left_alone() -> None:
    """A reservation that is as wanted is not set again, so a repeated request does nothing."""
    decision = decide_protection(
        limits=limits(1000, 100),
        wanted=WANTED,
        reserved={"Loopbreaker-contain": 5, "Loopbreaker-restore": 2},
    )

    assert decision == SetAside(reservations=())


def test_only_the_difference_counts() -> None:
    """What a guard function has already is not counted twice."""
    decision = decide_protection(
        limits=limits(1000, 102),
        wanted=WANTED,
        reserved={"Loopbreaker-contain": 5, "Loopbreaker-restore": None},
    )

    assert decision == SetAside(reservations=(("Loopbreaker-restore", 2),))


@given(
    unreserved=st.integers(0, 2000),
    contain=st.none() | st.integers(0, 20),
    restore=st.none() | st.integers(0, 20),
)
def test_never_below_the_minimum(unreserved: int, contain: int | None, restore: int | None) -> None:
    """Whatever is reserved already, the guard never takes the pool below what must stay."""
    reserved = {"Loopbreaker-contain": contain, "Loopbreaker-restore": restore}

    decision = decide_protection(limits=limits(2000, unreserved), wanted=WANTED, reserved=reserved)

    if isinstance(decision, SetAside):
        taken = sum(count - (reserved[name] or 0) for name, count in decision.reservations)
        assert taken <= 0 or unreserved - taken >= LEAST_UNRESERVED


@pytest.mark.parametrize(("concurrency", "threshold"), [(1000, 800), (10, 8), (1, 1)])
def test_alarm_threshold(concurrency: int, threshold: int) -> None:
    """The alarm rings at 80 % of the limit, and at one execution at the least."""
    assert limits(concurrency).alarm_threshold == threshold


def test_texts_carry_the_numbers() -> None:
    """Both texts say what was decided, with the numbers behind it."""
    assert describe_protected(WANTED) == (
        "protected: concurrency is set aside for the guard "
        "(Loopbreaker-contain 5, Loopbreaker-restore 2)"
    )
    assert describe_too_small(LeaveUnprotected(limits=limits(10), wanted=7)) == (
        "NOT protected. A runaway function that takes all concurrency stops the guard too: the"
        " account runs at most 10 functions at a time in this Region and 10 of these are"
        " unreserved; the guard needs 7, and 100 must stay"
    )


def test_notice_fits_sns() -> None:
    """The subject is short enough for SNS and the body says what to do."""
    notice = compose_unprotected_notice("Loopbreaker", "NOT protected: too small")

    assert len(notice.subject) < 100
    assert "NOT protected: too small" in notice.body
    assert "Service Quotas" in notice.body
