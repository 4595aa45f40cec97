"""What a probation shows, minute by minute, with late data."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.arrivals import Arrivals, Source, SourceKind
from functions.domain.detection.evidence import MINUTE_SECONDS, Series
from functions.domain.holding.judgement.tally import Counts
from functions.domain.probation.record import (
    HELD_AGAIN_AT_MOST,
    LET_GO_AT_MOST,
    OPENING,
    STAGE,
    Probation,
    ProbationOutcome,
    ProbationPhase,
)
from functions.domain.probation.verdict import (
    Conclude,
    GoOn,
    HoldBack,
    LetMoreGo,
    ProbationCounts,
    ProbationVerdict,
    judge_probation,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BEFORE = 60  # minutes of the series before it is let go
QUEUE = Source(kind=SourceKind.QUEUE, name="orders")
LET_GO = Probation(
    begun_at=NOON,
    before=0,
    was_stopped=True,
    concurrency=1,
    stages=1,
    phase=ProbationPhase.LET_GO,
    since=NOON,
    let_go_at=NOON,
    last_let_go_at=NOON,
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was counted since noon; `late` of the newest minutes are not published."""

    arrived: tuple[float, ...]
    ran: tuple[float, ...]
    before: float = 0.0
    late: int = 0
    is_polled: bool = True
    is_more_held: bool = False
    waiting: float | None = 10.0
    has_counts: bool = True
    usual: float = 0.0

    def judge(
        self, probation: Probation = LET_GO, minutes: float | None = None
    ) -> ProbationVerdict:
        """The verdict so many minutes after noon; by default when the last of them is over."""
        length = len(self.arrived)
        now = NOON + timedelta(minutes=length if minutes is None else minutes)
        counts = Counts(
            arrivals=(
                Arrivals(
                    source=QUEUE,
                    counts=self._series((self.before,) * BEFORE, self.arrived)
                    if self.has_counts
                    else None,
                    waiting=None
                    if self.waiting is None
                    else self._series((self.waiting,) * BEFORE, (0.0,) * length),
                ),
            ),
            invocations=self._series((0.0,) * BEFORE, self.ran),
            errors=self._series((0.0,) * BEFORE, (0.0,) * length),
            duration_ms=self._series((None,) * BEFORE, (500.0,) * length),
        )
        counted = ProbationCounts(
            counts=counts,
            contained_at=NOON - timedelta(minutes=30),
            is_polled=self.is_polled,
            is_more_held=self.is_more_held,
            usual_per_minute=self.usual,
        )
        return judge_probation(probation, counted, now)

    def _series(self, before: tuple[float | None, ...], since: tuple[float | None, ...]) -> Series:
        known = since[: len(since) - self.late] if self.late else since
        values = (*before, *known, *(None,) * self.late)
        start = NOON - timedelta(minutes=BEFORE)
        return Series(start=start, period_seconds=MINUTE_SECONDS, values=values)


def outcome(verdict: ProbationVerdict) -> ProbationOutcome | None:
    """How it ended, if it did."""
    return verdict.outcome if isinstance(verdict, Conclude) else None


def test_what_does_not_come_back_has_passed() -> None:
    """Once three whole minutes are settled: not a minute sooner."""
    quiet = [Told(arrived=(0.0,) * n, ran=(40.0, *(0.0,) * (n - 1))).judge() for n in range(1, 12)]

    ends = [outcome(one) for one in quiet]
    first = ends.index(ProbationOutcome.NOT_COME_BACK)
    assert set(ends[:first]) == {None}
    assert first + 1 >= 3 + 4  # complete minutes, and the lateness of data


@given(late=st.integers(min_value=0, max_value=4), minutes=st.integers(min_value=5, max_value=11))
def test_late_data_never_passes_a_loop(late: int, minutes: int) -> None:
    """What is not published yet is not nothing."""
    told = Told(arrived=(100.0,) * minutes, ran=(100.0,) * minutes, late=min(late, minutes))

    assert outcome(told.judge()) is None


def test_what_comes_back_often_is_held_again_early() -> None:
    """That something is there is told by young minutes, too."""
    verdict = Told(arrived=(100.0,) * 5, ran=(100.0,) * 5).judge()

    assert isinstance(verdict, HoldBack)
    assert (verdict.figures.rounds or 0) >= 25


def test_what_comes_back_seldom_is_held_again_in_the_end() -> None:
    """Too much waits to turn over: it is tried for as long as may be."""
    told = Told(arrived=(100.0,) * 12, ran=(100.0,) * 12, waiting=5_000.0)

    assert isinstance(told.judge(minutes=8), GoOn)
    assert isinstance(told.judge(), HoldBack)


def test_what_others_send_all_along_is_not_held_against_it() -> None:
    """It arrived before, while nothing ran."""
    told = Told(arrived=(60.0,) * 9, ran=(60.0,) * 9, before=60.0)

    assert outcome(told.judge()) is ProbationOutcome.NOT_COME_BACK


def test_what_others_have_stopped_sending_explains_nothing() -> None:
    """They sent more than it writes now, and they do not any more."""
    told = Told(arrived=(100.0,) * 12, ran=(100.0,) * 12, before=500.0)

    assert outcome(told.judge(minutes=9)) is None
    assert isinstance(told.judge(), HoldBack)


def test_the_next_mapping_follows_where_nothing_comes_back() -> None:
    """After its time; where something does, nothing more is let go."""
    minutes = int(STAGE / timedelta(minutes=1))
    quiet = Told(arrived=(0.0,) * minutes, ran=(5.0,) * minutes, is_more_held=True)
    looping = Told(arrived=(9.0,) * minutes, ran=(9.0,) * minutes, is_more_held=True, waiting=500.0)

    assert isinstance(quiet.judge(minutes=minutes - 1), GoOn)
    assert isinstance(quiet.judge(), LetMoreGo)
    assert isinstance(looping.judge(), GoOn)


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (Told(arrived=(0.0,) * 12, ran=(0.0,) * 12), ProbationOutcome.NOTHING_RAN),
        (
            Told(arrived=(0.0,) * 12, ran=(9.0,) * 12, has_counts=False),
            ProbationOutcome.UNCOUNTED,
        ),
        (
            Told(arrived=(0.0,) * 12, ran=(9.0,) * 12, is_polled=False),
            ProbationOutcome.UNCOUNTED,
        ),
    ],
)
def test_what_cannot_be_told_ends(told: Told, end: ProbationOutcome) -> None:
    """At its time, without a sign of a loop."""
    last = (LET_GO_AT_MOST + OPENING) / timedelta(minutes=1)

    assert outcome(told.judge(minutes=max(12.0, last))) is end


def held_again(after: int, told: Told, *, before: int | None = 0) -> ProbationVerdict:
    """The verdict once it is held again, `after` minutes after noon."""
    at = NOON + timedelta(minutes=after)
    probation = replace(
        LET_GO, phase=ProbationPhase.HELD_AGAIN, since=at, again_at=at, before=before
    )
    return told.judge(probation)


def test_what_stops_with_it_was_its_own() -> None:
    """It came back often: a loop."""
    told = Told(arrived=(*(100.0,) * 5, *(0.0,) * 8), ran=(*(100.0,) * 5, *(0.0,) * 8))

    assert outcome(held_again(5, told)) is ProbationOutcome.CAME_BACK


def test_what_goes_on_comes_from_outside() -> None:
    """As soon as it is seen."""
    told = Told(arrived=(100.0,) * 8, ran=(*(100.0,) * 5, *(0.0,) * 3))

    assert outcome(held_again(5, told)) is ProbationOutcome.FED_FROM_OUTSIDE


def test_a_few_rounds_where_many_were_possible_are_no_loop() -> None:
    """It writes about its own work."""
    told = Told(
        arrived=(40.0, 10.0, *(0.0,) * 16),
        ran=(*(100.0,) * 5, *(0.0,) * 13),
        waiting=20.0,
    )

    assert outcome(held_again(5, told)) in {
        ProbationOutcome.FEW_ROUNDS,
        ProbationOutcome.NOT_COME_BACK,
    }


def test_a_backlog_that_goes_round_too_seldom_is_not_let_go() -> None:
    """Its own doing, and too little of it to be shown."""
    told = Told(
        arrived=(*(100.0,) * 10, *(0.0,) * 8), ran=(*(100.0,) * 10, *(0.0,) * 8), waiting=5_000.0
    )

    assert outcome(held_again(10, told)) is ProbationOutcome.TOO_MANY_WAIT


def test_figures_that_never_settle_end_it_held() -> None:
    """Something came back, and nobody knows what became of it."""
    minutes = int(HELD_AGAIN_AT_MOST / timedelta(minutes=1)) + 6
    told = Told(arrived=(100.0,) * minutes, ran=(100.0,) * minutes, has_counts=False)

    assert outcome(held_again(5, told)) is ProbationOutcome.NOT_SETTLED


def test_usual_traffic_under_a_cap_passes() -> None:
    """It was served under the cap, so that it did not stand out before."""
    capped = replace(LET_GO, before=4, was_stopped=False)
    told = Told(arrived=(30.0,) * 9, ran=(30.0,) * 9, before=30.0, usual=30.0)

    assert outcome(told.judge(capped)) is ProbationOutcome.NOT_COME_BACK


def test_a_loop_under_a_cap_needs_no_silence() -> None:
    """A cap leaves something: what is settled decides."""
    told = Told(arrived=(100.0,) * 12, ran=(100.0,) * 12, usual=1.0)

    assert outcome(held_again(6, told, before=4)) is ProbationOutcome.CAME_BACK
