"""The picture of a hold shows what the page says of it."""

from pathlib import Path

import matplotlib.image
import numpy as np

from bench.detection.drawings.gallery import PICTURES
from bench.detection.holds.hold_picture import (
    FIRST,
    LAST,
    LOAD_TEST_PER_MINUTE,
    Played,
    draw_hold,
    load_test,
    loop,
    play,
)
from functions.domain.holding.outcomes import Release, ReleaseReason, Shown
from functions.domain.holding.plan import GENERATIONS


def minutes(played: Played, begin: float, end: float) -> np.ndarray:
    """What arrived in the whole minutes between two moments."""
    return played.arrived[int(np.ceil(begin)) - FIRST : int(end) - FIRST]


def test_the_loop_is_silent_comes_back_and_is_silent_again() -> None:
    """Twice, and only then it stays held."""
    played = play(loop())

    held, trial, again, second, last = played.phases
    before = minutes(played, 1, held)
    assert [type(one) for one in played.verdicts] == [Shown, Shown]
    assert all((one.figures.generations or 0) >= GENERATIONS for one in played.verdicts)
    assert minutes(played, held, trial).max() < 0.02 * before.min()
    for begin, end, until in ((trial, again, second), (second, last, LAST)):
        back = minutes(played, begin + 1, end)
        assert back.min() > 0.3 * before.min()
        assert minutes(played, end + 1, until).max() < 0.03 * back.min()
    assert held < trial < again < second < last < played.ended_at < LAST


def test_the_load_test_arrives_all_the_while_and_is_let_go() -> None:
    """Held or not; nothing that waited is lost."""
    played = play(load_test())

    since = -FIRST
    held, _ = played.phases
    arrived = played.arrived[since:]
    (verdict,) = played.verdicts
    assert isinstance(verdict, Release)
    assert verdict.reason is ReleaseReason.STILL_ARRIVING
    assert np.abs(arrived / LOAD_TEST_PER_MINUTE - 1).max() < 0.1
    assert played.ran[since + int(np.ceil(held))] == 0
    assert abs(played.ran.sum() - played.arrived.sum()) <= LOAD_TEST_PER_MINUTE / 60


def test_the_page_has_it_and_it_can_be_drawn_anew(tmp_path: Path) -> None:
    """As wide as the page needs it."""
    path = draw_hold(tmp_path)

    kept = Path(PICTURES, path.name)
    height, width, _ = matplotlib.image.imread(path).shape
    assert matplotlib.image.imread(kept).shape[:2] == (height, width)
    assert f"({PICTURES.name}/{path.name})" in (PICTURES.parent / "detection.md").read_text()
    assert width > height > 600
