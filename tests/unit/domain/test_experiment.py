"""The cap as an experiment: what stays pinned and what falls back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.assessment import Reason, Verdict
from functions.domain.evidence import Evidence, LoopProof, Series
from functions.domain.experiment import judge_cap
from functions.domain.lateness import LATEST
from functions.domain.policy import Policy
from tests.unit.domain.traffic_samples import NOW, evidence, flat, series, wobble

POLICY = Policy(floor_per_minute=500)
CAP = 2


def under_cap(
    minutes: int,
    *,
    served: float,
    refused: list[float],
    running: float = CAP,
    **given: object,
) -> Evidence:
    """A loop of 900 a minute, capped so many minutes ago, and what came then."""
    before = [*wobble(6, 100), *flat(900, 4)]
    return evidence(
        [*before, *[served] * minutes],
        concurrency=[*[1.0] * 100, *[14.0] * 4, *[running] * minutes],
        throttles=[*[0.0] * 104, *refused],
        **given,  # type: ignore[arg-type]
    )


def judge(given: Evidence, minutes: int) -> tuple[Verdict, tuple[Reason, ...]]:
    """The verdict, and the reasons for it, once these minutes are settled."""
    settled = replace(given, now=NOW + LATEST)
    seen = judge_cap(settled, CAP, NOW - timedelta(minutes=minutes), POLICY)
    return seen.verdict, tuple(ground.reason for ground in seen.grounds)


def test_a_loop_is_pinned_with_a_demand_that_collapsed() -> None:
    """At the cap, throttled each minute, asking for a fraction: a runaway, within 7 minutes."""
    verdict, reasons = judge(under_cap(7, served=130.0, refused=[60.0] * 7), 7)

    assert verdict is Verdict.RUNAWAY
    assert reasons[0] is Reason.PINNED_AT_CAP
    assert Reason.BELOW_FLOOR not in reasons, "it is the cap that keeps the rate low"


def test_work_that_falls_back_below_the_cap_is_calm() -> None:
    """No throttles for some minutes, at a fraction of the rate: lift the cap."""
    verdict, reasons = judge(under_cap(5, served=20.0, refused=[0.0] * 5, running=1.0), 5)

    assert (verdict, reasons) == (Verdict.CALM, (Reason.BELOW_CAP,))


def test_work_that_ended_altogether_is_calm() -> None:
    """No datapoints at all, once they cannot be late any more, are no invocations."""
    ended = under_cap(8, served=0.0, refused=[0.0] * 8, running=0.0)
    gone = replace(
        ended,
        recent=replace(
            ended.recent, invocations=series([*ended.recent.invocations.values[:-8], *[None] * 8])
        ),
    )

    assert judge(gone, 8)[0] is Verdict.CALM


@pytest.mark.parametrize("minutes", [1, 3, 5])
def test_the_first_minutes_decide_nothing(minutes: int) -> None:
    """The cap stays while the evidence is too young."""
    verdict, _ = judge(under_cap(minutes, served=130.0, refused=[60.0] * minutes), minutes)

    assert verdict is Verdict.SUSPECTED


def test_people_who_go_on_asking_are_not_stopped() -> None:
    """A demand that does not care about the cap comes from outside: the cap is lifted."""
    asked = [700.0 + (index * 37) % 150 for index in range(17)]

    assert judge(under_cap(9, served=130.0, refused=asked[:9]), 9)[0] is Verdict.SUSPECTED
    verdict, reasons = judge(under_cap(17, served=130.0, refused=asked), 17)
    assert (verdict, reasons) == (Verdict.CALM, (Reason.OUTSIDE_DEMAND,))


def test_certain_proof_ends_the_experiment_at_once() -> None:
    """Pinned for one settled minute is enough where the graph proves the loop."""
    proven = under_cap(3, served=130.0, refused=[800.0] * 3, proof=LoopProof.CERTAIN)

    assert judge(proven, 3)[0] is Verdict.RUNAWAY


def test_young_minutes_acquit_nobody_and_convict_without_proof_nobody() -> None:
    """What is still filling looks like a demand that fell, or collapsed."""
    fell = under_cap(5, served=20.0, refused=[0.0] * 5, running=1.0)
    collapsed = under_cap(7, served=130.0, refused=[60.0] * 7)

    for given, minutes in ((fell, 5), (collapsed, 7)):
        capped_at = NOW - timedelta(minutes=minutes)
        assert judge_cap(given, CAP, capped_at, POLICY).verdict is Verdict.SUSPECTED


def test_a_proven_loop_is_convicted_by_a_young_minute() -> None:
    """That it is at the cap and throttled is there to be seen, and cannot be taken back."""
    given = under_cap(3, served=130.0, refused=[800.0] * 3, proof=LoopProof.CERTAIN)
    newest_missing = replace(
        given, recent=replace(given.recent, throttles=_without_newest(given.recent.throttles))
    )

    verdict = judge_cap(newest_missing, CAP, NOW - timedelta(minutes=3), POLICY).verdict

    assert verdict is Verdict.RUNAWAY


def test_minutes_of_which_the_throttles_are_unknown_are_not_free() -> None:
    """A poller that backs off sends nothing for some minutes: that lifts no cap."""
    given = under_cap(9, served=20.0, refused=[60.0] * 4 + [0.0] * 5)
    silent = series([*given.recent.throttles.values[:-5], *[None] * 5])
    unknown = replace(given, recent=replace(given.recent, throttles=silent))

    assert judge(unknown, 9)[0] is Verdict.SUSPECTED
    assert judge(given, 9)[0] is Verdict.CALM


@pytest.mark.parametrize(("silent", "verdict"), [(9, Verdict.SUSPECTED), (10, Verdict.CALM)])
def test_a_function_that_is_silent_altogether_has_ended_after_a_while(
    silent: int, verdict: Verdict
) -> None:
    """Nothing at all is recorded of it any more."""
    given = under_cap(11, served=130.0, refused=[60.0] * 11)
    recent = given.recent
    cut = {
        name: series([*getattr(recent, name).values[:-silent], *[None] * silent])
        for name in ("invocations", "throttles", "concurrency")
    }

    assert judge(replace(given, recent=replace(recent, **cut)), 11)[0] is verdict


def test_minutes_of_slow_work_are_not_settled_before_their_executions_can_have_ended() -> None:
    """Twelve minutes under the cap, of executions of 15 minutes: nothing is known to be gone."""
    given = under_cap(12, served=1.0, refused=[60.0] * 12, seconds=900.0)

    assert judge(given, 12)[0] is Verdict.SUSPECTED


def test_slow_work_that_is_pinned_no_more_is_judged_all_the_same() -> None:
    """Pinned in its settled minutes and not in the young ones, of which it has more than others."""
    refused = [60.0] * 12 + [0.0]
    given = under_cap(13, served=130.0, refused=refused, seconds=121.0)

    assert judge(given, 13)[0] in {Verdict.RUNAWAY, Verdict.SUSPECTED}


def _without_newest(given: Series) -> Series:
    return series([*given.values[:-1], None])


def test_where_a_loop_is_ruled_out_it_takes_three_times_as_long() -> None:
    """The contrary proof asks for far more."""
    for minutes, verdict in ((8, Verdict.SUSPECTED), (18, Verdict.RUNAWAY)):
        given = under_cap(
            minutes, served=130.0, refused=[60.0] * minutes, proof=LoopProof.RULED_OUT
        )
        assert judge(given, minutes)[0] is verdict


def test_without_data_the_cap_stays() -> None:
    """Nothing is concluded from nothing."""
    blind = evidence([0.0])
    blind = replace(blind, recent=replace(blind.recent, invocations=series([None] * 180)))

    assert judge(blind, 9)[0] is Verdict.SUSPECTED
