"""Answers in JSON's terms: what is written is read, also by another version."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.requests.answer import (
    Answer,
    AnswerError,
    HistoryAnswer,
    OverviewAnswer,
    RehearsalAnswer,
    RejectedAnswer,
    Rejection,
    RestoreAnswer,
    RestoreOutcome,
    RestoreResult,
    StatusAnswer,
    StopAnswer,
    StopOutcome,
    parse_answer,
    write_answer,
)
from functions.domain.requests.summary import summarize_ended, summarize_open
from tests.unit.domain.notices.samples.stops import contained, restored
from tests.unit.domain.page.pages import PAGES

AT: Final = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
ANSWERS: Final[tuple[Answer, ...]] = (
    StatusAnswer(at=AT, open=(summarize_open(contained(), AT),), tagged=("orders",)),
    HistoryAnswer(at=AT, ended=(summarize_ended(restored()),), known_since=AT, has_more=True),
    RestoreAnswer(
        results=(
            RestoreResult(
                function="orders", outcome=RestoreOutcome.RESTORED.value, text="restored"
            ),
        )
    ),
    StopAnswer(
        function="orders",
        outcome=StopOutcome.REFUSED.value,
        text="not stopped",
        commands=("aws lambda",),
    ),
    RehearsalAnswer(
        function="loopbreaker-DRILL-3f9a1c-sqs",
        verdict="suspected",
        decision="observe_mode",
        why=("It is new.",),
        incident_id="loopbreaker-DRILL-3f9a1c-sqs-20261123T031500Z",
        subject="[Loopbreaker] WOULD HOLD",
        is_sent=True,
    ),
    RejectedAnswer(reason=Rejection.INVALID.value, text="no"),
    *(OverviewAnswer(overview=make()) for make in PAGES.values()),
)


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_written_is_read(answer: Answer) -> None:
    """An answer survives the way through JSON."""
    assert parse_answer(json.loads(json.dumps(write_answer(answer)))) == answer


def test_what_a_later_version_adds_is_left_alone() -> None:
    """A field too many, or a word that is new, keeps nobody from reading the rest."""
    written = write_answer(ANSWERS[2])
    written["loopbreaker"]["version"] = 7
    written["loopbreaker"]["took_seconds"] = 3
    written["loopbreaker"]["results"][0]["outcome"] = "restored in part"

    answer = parse_answer(written)

    assert isinstance(answer, RestoreAnswer)
    assert not answer.results[0].is_done


@pytest.mark.parametrize("outcome", RestoreOutcome)
def test_a_restore_is_done_where_nothing_holds_the_function(outcome: RestoreOutcome) -> None:
    """What was refused, is unknown, unsure or on a closed loop, is not."""
    result = RestoreResult(function="f", outcome=outcome.value, text="")

    assert result.is_done == (outcome in {"restored", "pending", "not_held", "on_probation"})


@pytest.mark.parametrize("outcome", StopOutcome)
def test_a_stop_is_done_where_the_function_is_stopped(outcome: StopOutcome) -> None:
    """One that the guard still works on is not."""
    answer = StopAnswer(function="f", outcome=outcome.value, text="")

    assert answer.is_done == (outcome in {"stopped", "already"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(("loopbreaker", "answer", "results")), inner)
        ),
    )
    | st.sampled_from(("status", "history", "restore", "stop", "rejected")).map(
        lambda name: {"loopbreaker": {"answer": name}}
    )
)
def test_what_is_no_answer_is_a_clear_error(payload: Any) -> None:
    """Whatever a function of that name answers."""
    try:
        answer = parse_answer(payload)
    except AnswerError:
        return
    assert answer == RestoreAnswer()  # the only one without a field that it must have
