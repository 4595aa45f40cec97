"""What people read after they pressed a button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions.domain.page.answers import write_popup
from functions.domain.page.style import Theme
from functions.domain.requests.answer import (
    RejectedAnswer,
    RestoreAnswer,
    RestoreResult,
    StatusAnswer,
    StopAnswer,
    write_answer,
)
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.domain.notices.samples.account import NOW
from tests.unit.domain.page.pages import HOSTILE

if TYPE_CHECKING:
    from functions.domain.requests.answer import (
        Answer,
    )


def read(answer: Answer) -> Page:
    """The popup as a browser takes it apart."""
    return Page(write_popup(write_answer(answer), Theme.DARK))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            RestoreAnswer(
                results=(RestoreResult(function="orders", outcome="restored", text="restored"),)
            ),
            "orders: restored",
        ),
        (
            RestoreAnswer(
                results=(RestoreResult(function="orders", outcome="refused", text="AWS says: no"),)
            ),
            "orders: refusedAWS says: no",
        ),
        (RestoreAnswer(), "Nothing is held"),
        (StopAnswer(function="orders", outcome="stopped", text="stopped."), "orders: stopped"),
        (
            StopAnswer(
                function="orders", outcome="refused", text="not stopped.", commands=("aws x",)
            ),
            "orders: not stoppednot stopped.aws x",
        ),
        (RejectedAnswer(reason="repeated", text="nothing was done"), "Pressed twice"),
        (RejectedAnswer(reason="unavailable", text="later"), "Nothing was donelater"),
        (StatusAnswer(at=NOW), "a question that no button asks"),
    ],
)
def test_answers(answer: Answer, words: str) -> None:
    """In words, and what to do next."""
    text = read(answer).text

    assert words in text
    assert "Refresh the dashboard" in text


def test_hostile_words_are_shown_as_they_are() -> None:
    """AWS's errors hold names of the account."""
    page = read(
        RestoreAnswer(results=(RestoreResult(function=HOSTILE, outcome=HOSTILE, text=HOSTILE),))
    )

    assert page.count("script") == 0
    assert page.count("cwdb-action") == 0
    assert "<script>alert(1)</script>" in page.text
