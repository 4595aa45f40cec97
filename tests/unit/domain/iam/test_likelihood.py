"""Three-valued logic, against all that an answer may turn out to be."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.iam.likelihood import Likelihood, all_of, any_of, negate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

YES, MAYBE, NO = Likelihood.YES, Likelihood.MAYBE, Likelihood.NO
MEANINGS = {YES: (True,), NO: (False,), MAYBE: (True, False)}

likelihoods = st.lists(st.sampled_from(Likelihood), max_size=4)


def told(truths: set[bool]) -> Likelihood:
    """What is known where it may turn out in each of these ways."""
    return MAYBE if len(truths) > 1 else YES if True in truths else NO


@pytest.mark.parametrize(("combine", "exact"), [(all_of, all), (any_of, any)])
@given(given_ones=likelihoods)
def test_only_what_is_proved_is_sure(
    combine: Callable[[Iterable[Likelihood]], Likelihood],
    exact: Callable[[Iterable[bool]], bool],
    given_ones: list[Likelihood],
) -> None:
    """The answer is sure exactly where it is the same whatever each MAYBE turns out to be."""
    expected = {exact(truths) for truths in product(*map(MEANINGS.__getitem__, given_ones))}

    assert told(expected) is combine(given_ones)


def test_opposites() -> None:
    """YES and NO change places."""
    assert list(map(negate, (YES, MAYBE, NO))) == [NO, MAYBE, YES]
