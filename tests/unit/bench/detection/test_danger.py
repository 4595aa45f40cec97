"""The measure of danger: functions run on as without a guard, and the guard's own rule judges."""

import numpy as np

from bench.detection.danger import BOUNDS, DangerRecord, Seen, watch
from bench.detection.holds.held import BEGINS
from bench.detection.holds.held_world import Subject
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.assessment import Reason


def _flood(level: float, seconds: float) -> Subject:
    return Subject(
        kind=SourceKind.ASYNCHRONOUS,
        outside=lambda second: 30.0 if second < BEGINS else level,
        begins=BEGINS,
        seconds=seconds,
    )


def test_who_fills_the_account_is_suspected_sooner_whatever_the_bound() -> None:
    """Four times as much is asked for as the account can run."""
    seen = watch(_flood(120_000, 2.0), np.random.default_rng(1))

    for bound in BOUNDS:
        assert Reason.STARVES_OTHERS in seen.dangers[bound]
        assert seen.suspected_after[bound] <= seen.suspected_after[None]
    assert seen.suspected_after[BOUNDS[0]] == 1


def test_a_small_flood_is_in_no_danger() -> None:
    """The bounds change nothing for it."""
    seen = watch(_flood(1_000, 0.1), np.random.default_rng(1))

    assert set(seen.dangers.values()) == {frozenset()}
    assert len(set(seen.suspected_after.values())) == 1


def test_a_record_counts_functions_and_minutes() -> None:
    """One that was never suspected without danger has no minutes to be sooner by."""
    dear = frozenset({Reason.BURNS_FAST})
    nothing = dict.fromkeys(BOUNDS, frozenset[Reason]())
    first = Seen(
        suspected_after={None: 4, 0.5: 1, 1.0: 2, 2.0: 4, 5.0: 4},
        dangers={**nothing, 0.5: dear, 1.0: dear},
    )
    second = Seen(suspected_after={0.5: 3}, dangers={**nothing, 0.5: dear})

    low, middle, high, _ = DangerRecord(title="x", seen=[first, second]).to_json()["bounds"]

    assert (low["dear"], low["suspected"], low["only_for_danger"]) == (2, 2, 1)
    assert (low["sooner"], low["minutes_sooner_median"]) == (1, 3)
    assert (middle["dear"], middle["minutes_sooner_median"]) == (1, 2)
    assert (high["dear"], high["sooner"], high["minutes_sooner_median"]) == (0, 0, None)
