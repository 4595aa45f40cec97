"""The assessment: what a loop looks like, and what only looks like one."""

import math
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.assessment import Reason, Verdict
from functions.domain.detection.evidence import Evidence, LoopProof, Series
from functions.domain.detection.spike import assess
from functions.domain.detection.traffic import is_candidate
from functions.domain.incidents.policy import Policy, Response
from functions.domain.notices.grounds import describe_ground
from tests.unit.domain.detection.traffic_samples import (
    NOW,
    RECENT,
    SLOTS,
    evidence,
    facts,
    flat,
    habit_with,
    series,
    with_drops,
    wobble,
)

POLICY = Policy(floor_per_minute=500)
QUIET = wobble(6, 120)
STOPPING = {Verdict.SUSPECTED, Verdict.RUNAWAY}

LOOPS = {
    "fan-out 1, two datapoints": evidence([*QUIET, *flat(900, 2)]),
    "fan-out 1, first datapoint partial": evidence([*QUIET, 340.0, *flat(900, 2)]),
    "fan-out 1, newest datapoint partial": evidence([*QUIET, *flat(900, 4), 380.0]),
    "fan-out 1, newest datapoint missing": evidence([*QUIET, *flat(900, 4), None]),
    "fan-out 1 for an hour": evidence([*QUIET[:60], *flat(900, 60)]),
    "fan-out 1 on top of traffic": evidence([*wobble(60, 120, 0.1), *flat(900, 6)]),
    "growth by retries": evidence([*QUIET, 90.0, 160.0, 300.0, 560.0, 1050.0]),
    "growth into the ceiling": evidence(
        [*QUIET, 2400.0, 29000.0, 60000.0], concurrency=[*[1.0] * 120, 30.0, 600.0, 1000.0]
    ),
    "saturated at once": evidence(
        [*QUIET, 58000.0, 60000.0],
        concurrency=[*[1.0] * 120, 1000.0, 1000.0],
        throttles=[*[0.0] * 120, 20000.0, 30000.0],
    ),
    "ten requests a second for each environment": evidence(
        [*QUIET, 590000.0, 600000.0], seconds=0.02
    ),
    "a function of today": evidence(flat(900, 3), habit=[None] * SLOTS),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_suspected(name: str) -> None:
    """Each of these is stopped within a few datapoints, with its grounds and numbers."""
    seen = assess(LOOPS[name], POLICY)

    assert seen.verdict in STOPPING
    assert {ground.reason for ground in seen.grounds} & {
        Reason.PLATEAU,
        Reason.GROWING,
        Reason.AT_CEILING,
    }
    assert all(ground.value is not None for ground in seen.grounds)


NEW = {
    "a load test in steps": [*wobble(520, 10, 0.03), *wobble(1000, 10, 0.1)],
    "people who stay": wobble(1500, 8, 0.3),
    "a loop with uneven handlers": [900.0, 2100.0, 1300.0, 2600.0, 1000.0, 1900.0, 1500.0, 2300.0],
    "a loop that slows down": [3000 * 0.95**minute for minute in range(14)],
    "a slope onto a height": [150.0, 400.0, 650.0, *wobble(900, 7, 0.2)],
}


@pytest.mark.parametrize("name", NEW)
def test_what_is_new_and_stays_is_suspected_whatever_its_shape(name: str) -> None:
    """Whether it feeds itself is asked; one minute less is too early, and a habit explains it."""
    minutes = NEW[name]
    short = [*QUIET, *minutes[-6:-1]]

    seen = assess(evidence([*QUIET, *minutes]), POLICY)

    assert (seen.verdict, seen.is_shaped) == (Verdict.SUSPECTED, False)
    assert any(
        (ground.reason, ground.reference) == (Reason.SUSTAINED, 6.0) for ground in seen.grounds
    )
    assert assess(evidence(short), POLICY).verdict is Verdict.BUSY
    throttling = assess(evidence([*QUIET, *minutes]), replace(POLICY, response=Response.THROTTLE))
    assert (throttling.verdict, throttling.is_shaped) == (Verdict.SUSPECTED, False)
    usual = evidence([*QUIET, *minutes], habit=5 * max(minutes))
    assert assess(usual, POLICY).verdict not in STOPPING


CRON = [0.0] * 55 + [700.0, 702.0] + [0.0] * 58 + [700.0, 702.0] + [0.0] * 58 + [701.0, 700.0]
INNOCENTS: dict[str, tuple[Evidence, Reason]] = {
    "below the floor": (evidence([*QUIET, *flat(450, 10)]), Reason.BELOW_FLOOR),
    "a single datapoint": (evidence([*QUIET, 900.0]), Reason.NOT_SUSTAINED),
    "cron each hour": (evidence(CRON), Reason.WITHIN_RECENT),
    "cron each night": (
        evidence([*QUIET, *flat(900, 5)], habit=habit_with(1445, [4600.0, 4500.0])),
        Reason.FOLLOWS_CLOCK,
    ),
    "as busy at another hour": (
        evidence([*QUIET, *flat(900, 5)], habit=habit_with(600, [4600.0, 4700.0, 4500.0])),
        Reason.HAS_PRECEDENT,
    ),
    "a backlog after an outage": (
        evidence([*wobble(400, 120, 0.1), *[0.0] * 20, 80.0, *flat(4000, 2)], habit=None),
        Reason.BACKLOG,
    ),
    "a launch day": (
        evidence([*wobble(40, 100), 180.0, 460.0, 700.0, 690.0, 950.0, 900.0, 1240.0]),
        Reason.UNLIKE_LOOP,
    ),
    "people who have come for five minutes": (
        evidence([*QUIET, *wobble(1500, 5, 0.3)]),
        Reason.UNLIKE_LOOP,
    ),
    "a campaign that decays": (
        evidence([*QUIET, *(8000 * 0.85**minute for minute in range(12))]),
        Reason.SUBSIDING,
    ),
    "a burst that goes down": (
        evidence([*QUIET, 2678.0, 1845.0, 594.0]),
        Reason.SUBSIDING,
    ),
    "a series cut by a deploy": (
        evidence([*wobble(900, 140, 0.1), *[None] * 6, *wobble(900, 8, 0.1)], habit=4500.0),
        Reason.WITHIN_RECENT,
    ),
    "busy as always": (evidence(wobble(2000, 180), habit=10_000.0), Reason.WITHIN_RECENT),
}


@pytest.mark.parametrize("name", INNOCENTS)
def test_a_look_alike_is_left_alone(name: str) -> None:
    """Real work that rises fast is explained, and the reason says by what."""
    given_evidence, reason = INNOCENTS[name]

    seen = assess(given_evidence, POLICY)

    assert seen.verdict not in STOPPING
    assert seen.has(reason), seen.grounds


def test_a_certain_circle_and_a_shape_convict_nobody() -> None:
    """The configuration closes a circle; whether anything goes round, a hold must show."""
    seen = assess(replace(LOOPS["fan-out 1, two datapoints"], proof=LoopProof.CERTAIN), POLICY)

    assert seen.verdict is Verdict.SUSPECTED
    assert seen.grounds[0].reason is Reason.LOOP_PROVEN


def test_proof_alone_accuses_nobody() -> None:
    """A function that could loop and is merely busy is left alone."""
    launch = replace(INNOCENTS["a launch day"][0], proof=LoopProof.CERTAIN)

    assert assess(launch, POLICY).verdict is Verdict.BUSY


def test_where_a_loop_is_ruled_out_a_suspect_is_busy() -> None:
    """Also one that takes all that the account has."""
    suspect = LOOPS["fan-out 1, two datapoints"]
    pinned = evidence(
        [*QUIET, *[60000.0] * 7],
        concurrency=[*[1.0] * 120, *[1000.0] * 7],
        throttles=[*[0.0] * 120, *[30000.0] * 7],
    )

    for one in (suspect, pinned):
        assert assess(one, POLICY).verdict is Verdict.SUSPECTED
        seen = assess(replace(one, proof=LoopProof.RULED_OUT), POLICY)
        assert (seen.verdict, seen.has(Reason.LOOP_RULED_OUT)) == (Verdict.BUSY, True)


def test_what_aws_drops_is_proof_enough() -> None:
    """Native drops make a suspect a runaway, and a calm function busy with that reason."""
    suspect = with_drops(LOOPS["fan-out 1, two datapoints"], [3.0])
    calm = with_drops(evidence(QUIET), [3.0])

    assert assess(suspect, POLICY).verdict is Verdict.RUNAWAY
    seen = assess(calm, POLICY)
    assert (seen.verdict, seen.has(Reason.NATIVE_DROPS)) == (Verdict.BUSY, True)


def test_a_function_without_history_is_judged_by_shape_and_says_so() -> None:
    """No precedent: the same verdict, with the days that are known and needed."""
    seen = assess(LOOPS["a function of today"], POLICY)

    ground = next(one for one in seen.grounds if one.reason is Reason.NO_HISTORY)
    assert (ground.value, ground.reference) == (0.0, 3.0)


def test_a_history_that_could_not_be_read_is_not_called_missing() -> None:
    """Unread history, no history and short history are three different things to say."""
    one = LOOPS["a function of today"]
    young = evidence(flat(900, 3), habit=[*[None] * (SLOTS - 252), *[1.0] * 252])

    said = [
        " ".join(describe_ground(ground) for ground in assess(given, POLICY).grounds)
        for given in (replace(one, precedent=None), one, young)
    ]

    assert "Its last 14 days could not be read" in said[0]
    assert "Nothing is known of it from the 14 days before" in said[1]
    assert "Its history is too short to have a normal: known are 1 day, needed are 3." in said[2]
    assert sum("could not be read" in one for one in said) == 1


def test_the_assessment_says_since_when_how_much_and_what_is_normal() -> None:
    """The notice and the cap find what they need."""
    seen = assess(evidence([*wobble(20, 150, 0.1), *flat(900, 10)], seconds=6.0), POLICY)

    assert seen.since == NOW - timedelta(minutes=10)
    assert seen.invocations_since == pytest.approx(9000, rel=0.01)
    assert seen.rate_per_minute == pytest.approx(900, abs=3)
    assert seen.normal_per_minute == pytest.approx(20, abs=3)
    assert seen.normal_concurrency in {2, 3}
    assert seen.mean_duration_ms == pytest.approx(6000)


def test_long_running_work_is_counted_by_its_concurrency() -> None:
    """Invocations that still run have no datapoint yet: Little's law stands in for them."""
    counts = [*[4.0] * 170, *[0.0] * 10]
    running = [*[12.0] * 170, *[3000.0 * 180 / 60 / 10 + index % 2 for index in range(10)]]

    seen = assess(evidence(counts, seconds=180.0, concurrency=running), POLICY)

    assert seen.rate_per_minute == pytest.approx(300, rel=0.05)


def test_a_small_reservation_is_no_ceiling() -> None:
    """A queue worker at its own limit of 5 is where its owner wants it."""
    counts = [*wobble(30, 120), *wobble(620, 5, 0.2)]
    running = [*[1.0] * 120, *[5.0] * 5]
    worker = evidence(
        counts, concurrency=running, throttles=[*[0.0] * 120, *[400.0] * 5], facts=facts(5)
    )

    assert assess(worker, POLICY).verdict is Verdict.BUSY


def test_a_throttled_function_is_calm() -> None:
    """Nothing runs at concurrency 0, whatever is refused."""
    stopped = evidence(
        [*flat(900, 60), *[None] * 30], throttles=[*[0.0] * 60, *[5000.0] * 30], facts=facts(0)
    )

    assert assess(stopped, POLICY).verdict is Verdict.CALM


BAD = {
    "empty": Series.empty(start=NOW),
    "nothing but gaps": series([None] * RECENT),
    "not a number": series([*[5.0] * 170, *[math.nan] * 10]),
    "negative": series([*[5.0] * 170, *[-4000.0] * 10]),
    "infinite": series([*[5.0] * 170, *[math.inf] * 10]),
    "another period": replace(series([4000.0] * RECENT), period_seconds=300),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_calm_without_data(name: str) -> None:
    """What is no series of counts never stops a function, not even with proof."""
    bad = evidence([0.0], proof=LoopProof.CERTAIN)
    bad = replace(bad, recent=replace(bad.recent, invocations=BAD[name]))

    seen = assess(bad, POLICY)

    assert (seen.verdict, seen.has(Reason.NO_DATA)) == (Verdict.CALM, True)


def test_bad_precedent_is_no_precedent() -> None:
    """Nonsense in the 14 days neither excuses nor accuses."""
    for nonsense in (math.nan, math.inf, -5.0):
        odd = evidence([*QUIET, *flat(900, 3)], habit=[nonsense] * 4032)
        assert assess(odd, POLICY).verdict is Verdict.SUSPECTED


counts = st.one_of(
    st.none(),
    st.floats(min_value=0, max_value=1e6),
    st.sampled_from([0.0, 499.0, 500.0, 900.0, 60000.0]),
)
anything = st.one_of(counts, st.sampled_from([math.nan, math.inf, -1.0]))


@given(
    st.lists(anything, min_size=0, max_size=RECENT),
    st.lists(anything, min_size=0, max_size=RECENT),
    st.sampled_from(LoopProof),
)
def test_nonsense_never_raises_and_never_contains(
    values: list[float | None], beside: list[float | None], proof: LoopProof
) -> None:
    """Whatever CloudWatch answers, a series with one bad value leads to nothing."""
    given_evidence = evidence([0.0], concurrency=beside, throttles=beside, proof=proof)
    recent = replace(given_evidence.recent, invocations=series(values))

    seen = assess(replace(given_evidence, recent=recent), POLICY)

    if any(value is not None and not 0 <= value < math.inf for value in values):
        assert seen.verdict is Verdict.CALM


@given(
    st.lists(st.floats(min_value=0, max_value=499.9), min_size=1, max_size=RECENT),
    st.sampled_from(LoopProof),
)
def test_below_the_floor_nothing_is_more_than_busy(values: list[float], proof: LoopProof) -> None:
    """The operator's floor holds, with whatever proof."""
    seen = assess(evidence(values, proof=proof), POLICY)

    assert seen.verdict in {Verdict.CALM, Verdict.BUSY}


@given(st.lists(counts, min_size=0, max_size=RECENT))
def test_deciding_twice_is_deciding_once(values: list[float | None]) -> None:
    """No state, no clock, no chance."""
    same = evidence(values)

    assert assess(same, POLICY) == assess(same, POLICY)


@given(st.sets(st.integers(min_value=0, max_value=150), max_size=60))
def test_gaps_in_the_past_hide_no_loop(gaps: set[int]) -> None:
    """Missing minutes before the loop change nothing."""
    values: list[float | None] = [*[0.0] * (RECENT - 123), *QUIET, *flat(900, 3)]
    for gap in gaps:
        values[gap] = None

    assert assess(evidence(values), POLICY).verdict is Verdict.SUSPECTED


@given(st.floats(min_value=505, max_value=200_000), st.integers(min_value=2, max_value=90))
def test_a_flat_loop_stays_suspected_however_late_one_looks(level: float, minutes: int) -> None:
    """A sweep that comes an hour later sees what the pulse would have seen at once."""
    level = round(level)

    assert assess(evidence([*QUIET[:80], *flat(level, minutes)]), POLICY).verdict in STOPPING


@given(st.integers(min_value=100, max_value=5000))
def test_a_higher_floor_never_accuses_more(floor: int) -> None:
    """Raising the floor can only acquit."""
    loop = LOOPS["growth by retries"]

    if assess(loop, Policy(floor_per_minute=floor)).verdict in STOPPING:
        assert assess(loop, Policy(floor_per_minute=floor // 2)).verdict in STOPPING


def test_a_candidate_has_one_newest_datapoint_at_the_floor() -> None:
    """The cheap first look at the list of all functions."""
    assert is_candidate(series([0.0] * 8 + [500.0, 0.0]), 500)
    assert not is_candidate(series([500.0] + [499.0] * 9), 500)
    assert not is_candidate(Series.empty(start=NOW), 500)


def test_an_assessment_costs_a_few_readings_of_its_own_data() -> None:
    """On any machine: as a multiple of laying out its 14 days, measured in the same run."""
    candidates = [*LOOPS.values(), *(one for one, _ in INNOCENTS.values())]
    laying_out = assessing = 0.0

    for index in range(200):
        candidate = candidates[index % len(candidates)]
        started = time.process_time()
        for _ in range(5):
            sorted(
                map(float, filter(None, candidate.precedent.values if candidate.precedent else ()))
            )
        between = time.process_time()
        assess(candidate, POLICY)
        laying_out += between - started
        assessing += time.process_time() - between

    assert assessing < 4 * laying_out


def _slow(minutes: int, seconds: float = 150.0, running: float = 1000.0) -> Evidence:
    """A function that has run for `minutes` with the account's concurrency, below the floor."""
    quiet = 170 - minutes
    return evidence(
        [*[2.0] * quiet, *[running * 60 / seconds] * minutes],
        concurrency=[*[5.0] * quiet, *[running] * minutes],
        throttles=[*[0.0] * quiet, *[900.0] * minutes],
        habit=10.0,
        seconds=seconds,
    )


def test_a_slow_loop_that_holds_the_account_is_found_below_the_floor() -> None:
    """400 invocations a minute are few, and with 150 s each they are all that the account has."""
    assert assess(_slow(76), POLICY).verdict in STOPPING
    assert assess(_slow(20), POLICY).verdict not in STOPPING
    assert assess(replace(_slow(20), proof=LoopProof.CERTAIN), POLICY).verdict is Verdict.SUSPECTED


def test_long_work_that_leaves_the_account_room_stays_below_the_floor() -> None:
    """A tenth of the account's concurrency is somebody's night job."""
    assert assess(_slow(76, running=100.0), POLICY).verdict is Verdict.CALM


def test_a_proven_loop_that_came_up_slowly_is_known_by_a_short_plateau() -> None:
    """A slope before the plateau is no step; with the cycle known, six flat minutes are enough."""
    slope = evidence([*QUIET, 150.0, 400.0, 650.0, *flat(900, 6)])
    begun = evidence([*QUIET, 150.0, 400.0, 650.0, *flat(900, 3)])

    assert not assess(slope, POLICY).is_shaped
    assert assess(replace(slope, proof=LoopProof.CERTAIN), POLICY).is_shaped
    assert assess(replace(begun, proof=LoopProof.CERTAIN), POLICY).verdict is Verdict.BUSY


def test_what_a_proven_loop_always_does_stays_busy() -> None:
    """The cycle alone accuses nobody: the level must be new."""
    usual = evidence([*flat(900, 40), *flat(300, 120), *flat(900, 10)])

    seen = assess(replace(usual, proof=LoopProof.CERTAIN), POLICY)

    assert seen.verdict not in STOPPING
