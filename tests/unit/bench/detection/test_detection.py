"""The benchmark of detection judges what it says it judges."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import detection
from bench.detection import data
from bench.detection.accounts import judge_account
from bench.detection.data import Row, generated, load
from bench.detection.holds.held import HEALTHY, LOOPS
from bench.detection.judge import count_episodes
from bench.detection.looks import judge_looks
from bench.detection.ours import EPOCH, watched
from bench.detection.read_loops import judge_all
from bench.detection.rules import held, over, over_band, over_median, trailing_sum
from bench.detection.statistics import quantile, rate_interval, share_interval
from functions.domain.detection.assessment import Verdict
from functions.domain.detection.evidence import LoopProof
from functions.domain.detection.spike import assess
from functions.domain.incidents.policy import Policy
from tests.examples import examples

POLICY = Policy(floor_per_minute=500)


def row(counts: list[float], seconds: float = 0.5) -> Row:
    """One function."""
    return Row(name="one", pool="day", group="g", counts=np.array(counts, float), seconds=seconds)


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 3.0, 200.0, 490.0, 500.0, 502.0, 1500.0, 40_000.0]), min_size=5),
    st.integers(min_value=0, max_value=12),
    st.sampled_from([0.1, 0.5, 20.0, 80.0, 400.0]),
    st.sampled_from(LoopProof),
)
def test_no_minute_is_skipped_at_which_the_assessment_would_act(
    tail: list[float], repeat: int, seconds: float, proof: LoopProof
) -> None:
    """The prefilter of the benchmark is conservative: judged against the real assessment."""
    counts = [0.0] * 60 + [value for value in tail for _ in range(1 + repeat)]
    series = watched(row(counts[:200], seconds))
    candidates = set(series.candidates(POLICY.floor_per_minute).tolist())

    for at in range(len(series.counts)):
        if at not in candidates:
            verdict = assess(series.evidence(at, proof), POLICY).verdict
            assert verdict in {Verdict.CALM, Verdict.BUSY}


def test_the_evidence_never_looks_ahead() -> None:
    """Everything in it ends when the minute ends."""
    series = watched(row([float(index) for index in range(400)]))

    evidence = series.evidence(250)

    assert evidence.now == evidence.recent.invocations.end
    assert evidence.recent.invocations.values[-1] == 250.0
    assert evidence.precedent is not None
    assert evidence.precedent.end <= evidence.recent.invocations.start
    assert evidence.precedent.start == EPOCH


def test_the_rules_of_today_do_what_their_names_say() -> None:
    """On a step from 10 to 2,000 a minute."""
    counts = np.array([10.0] * 100 + [2000.0] * 20)

    assert trailing_sum(counts, 5)[101] == 4030
    assert np.flatnonzero(over(500)(counts))[0] == 100
    assert np.flatnonzero(over_median(1000)(counts))[0] == 102
    assert np.flatnonzero(over_band(3)(counts))[0] == 102
    assert held(np.array([True, True, False, True]), 2).tolist() == [False, True, False, False]


def test_alarms_less_than_an_hour_apart_are_one_episode() -> None:
    """And nothing counts within the first hour, of which no rule has a history."""
    alarms = np.zeros(400, bool)
    alarms[[10, 100, 150, 300]] = True

    assert count_episodes(alarms) == 2


def test_intervals_are_those_of_the_textbook() -> None:
    """Garwood for rates, Wilson for shares."""
    assert rate_interval(0, 1.0) == pytest.approx((0.0, 3.689), abs=0.01)
    assert rate_interval(5, 1.0) == pytest.approx((1.623, 11.668), abs=0.01)
    assert share_interval(9, 10) == pytest.approx((0.596, 0.982), abs=0.005)
    assert share_interval(0, 0) == (0.0, 1.0)
    assert quantile([1, 2, 3, 4], 0.5) == 2
    assert quantile([], 0.5) is None


def test_without_traces_it_judges_by_traffic_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same every time, loops and functions alike."""
    first, second = (generated(seed=3, functions=6, loops=3) for _ in range(2))

    monkeypatch.setattr(data, "generated", lambda *, seed: first)

    assert load(tmp_path) is first
    assert [one.counts.tolist() for one in first.rows] == [
        one.counts.tolist() for one in second.rows
    ]
    assert [one.counts.tolist() for one in first.runs] == [
        one.counts.tolist() for one in second.runs
    ]


def test_the_benchmark_writes_one_record_for_each_rule_and_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the command line to the report, on a small part of our own traffic."""
    small = generated(seed=3, functions=30, loops=4)
    monkeypatch.setattr(detection, "load", lambda _folder, **_given: small)
    monkeypatch.setattr(detection, "ACCOUNTS", (10,))
    few = partial(judge_account, accounts=1, each=4, quiet=2)
    monkeypatch.setattr(detection, "judge_account", few)
    one_budget = partial(judge_looks, accounts=1, each=2, times=(1.0,))
    monkeypatch.setattr(detection, "judge_looks", one_budget)
    few_loops = partial(judge_all, accounts=1, each=2)
    monkeypatch.setattr(detection, "judge_all", few_loops)
    monkeypatch.setattr(detection, "CONFOUNDERS", {})
    monkeypatch.setattr(detection, "HEALTHY", {"erratic bursts": HEALTHY["erratic bursts"]})
    monkeypatch.setattr(detection, "LOOPS", {"queue": LOOPS["queue"]})
    report = tmp_path / "report.json"

    small_parts = ["--each", "1", "--plays", "1"]
    detection.main(["--traces", str(tmp_path), "--report", str(report), *small_parts])

    written = json.loads(report.read_text())
    rules = [(one["rule"], one["pool"]) for one in written["records"]]
    assert len(rules) == len(set(rules)) == 8
    assert {pool for _, pool in rules} == {"day"}
    assert written["pulse"][0]["functions"] == 10
    (looks,) = written["looks"]
    assert 1.4 < looks["usd"] <= looks["most_usd"] + 0.2
    assert {(one["functions"], one["on_loops"]) for one in written["read_loops"]} == {
        (10, on_loops) for on_loops in (0, 1, 2, 10)
    }
    assert all(one["usd"] <= one["most_usd"] + 0.2 for one in written["read_loops"])
    assert [pool["plays"] for part in written["held"].values() for pool in part] == [1, 1]
    assert "traffic of our own" in capsys.readouterr().out
