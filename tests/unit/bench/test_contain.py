import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st

from bench import contain, measure
from bench.contain import BARE, Measured, Rounds
from bench.measure import Spread, Target, Wire
from bench.worlds import stage
from functions.aws.incidents.signals import parse_signal
from functions.domain.signal import SignalKind

NOON = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)


def measured(named_seconds: float = 0.008) -> Measured:
    """What two rounds gave."""
    rounds = Rounds()
    rounds.seconds = {
        BARE: [0.002, 0.004],
        "named": [named_seconds, 2 * named_seconds],
        "unnamed": [0.010, 0.020],
    }
    rounds.emulator_seconds = {"named": [0.004, 0.008], "unnamed": [0.006, 0.012]}
    calls = Counter({"GetMetricData": 2, "GetFunction": 1, "TransactWriteItems": 1})
    return Measured(
        near=rounds,
        distant=rounds,
        calls={"named": calls, "unnamed": calls + Counter({"GetMetricData": 1})},
        import_seconds={"boto3": [0.2, 0.4], "handler": [0.1, 0.4], "ready": [0.3, 0.6]},
    )


def test_spread_of_a_single_value() -> None:
    """One sample is all there is to say."""
    assert Spread.of([3.0]) == Spread(min=3.0, median=3.0, p95=3.0, samples=1)


def test_percentile_lies_between_neighbours() -> None:
    """The 95th percentile of 0 to 10 is halfway between 9 and 10."""
    assert measure.percentile([float(one) for one in range(11)], 95) == pytest.approx(9.5)


@given(st.lists(st.floats(0.001, 1e6), min_size=1))
def test_spread_is_ordered(values: list[float]) -> None:
    """The least is no more than the median, the median no more than the 95th percentile."""
    spread = Spread.of(values)

    assert min(values) == spread.min
    assert spread.min <= spread.median <= spread.p95 * (1 + 1e-9)
    assert spread.p95 <= max(values) * (1 + 1e-9)


def test_ratios_are_taken_round_by_round() -> None:
    """A round in which the machine was slow counts like any other: both were slow."""
    assert measure.ratios([10.0, 100.0, 30.0], [1.0, 10.0, 3.0]) == Spread(
        min=10.0, median=10.0, p95=10.0, samples=3
    )


def test_ratios_need_a_reference_in_each_round() -> None:
    """A missing sample is an error, not a shorter list."""
    with pytest.raises(ValueError, match="shorter"):
        measure.ratios([1.0, 2.0], [1.0])


def test_calls_are_counted_up_to_the_one_that_stops_the_function() -> None:
    """What comes after it is no part of the way to it."""
    names = ["GetMetricData", "GetFunction", "GetMetricData", "Stop", "GetPolicy", "Stop"]

    assert measure.calls_before("Stop", names) == {"GetMetricData": 2, "GetFunction": 1}


def test_calls_without_a_stop_are_all_counted() -> None:
    """Where nothing was stopped, every call was in vain."""
    assert measure.calls_before("Stop", ["A", "B", "A"]) == {"A": 2, "B": 1}


def test_calls_are_told_the_most_frequent_first() -> None:
    """Equal ones by name, so that two reports can be compared."""
    assert measure.calls_text({"B": 1, "A": 1, "C": 1200}) == "1,200 C, 1 A, 1 B"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of Lambda whose requests are answered on the spot."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    found: Any = boto3.session.Session().client("lambda", region_name="us-east-1")
    found.meta.events.register_last("before-send", _answer)
    return found


def _answer(**_: object) -> AWSResponse:
    raw: Any = SimpleNamespace(stream=lambda: iter([b"{}"]))
    headers: Any = {}
    return AWSResponse("https://lambda.us-east-1.amazonaws.com", 200, headers, raw)


def test_the_wire_sees_every_request_and_the_time_of_the_stop(client: Any) -> None:
    """Counted is what leaves, and the clock stops with the answer to the stopping call."""
    wire = Wire()
    wire.watch(client)

    wire.start()
    client.get_function(FunctionName="orders")
    assert wire.seconds is None
    client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=0)
    seconds = wire.seconds
    client.get_policy(FunctionName="orders")

    assert seconds is not None
    assert seconds > 0
    assert wire.seconds == seconds
    assert wire.calls_before == {"GetFunction": 1}
    assert [one.method for one in wire.requests] == ["GET", "PUT"]


def test_the_wire_forgets_at_the_next_start(client: Any) -> None:
    """One round's calls are not the next one's."""
    wire = Wire()
    wire.watch(client)
    client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=0)

    wire.start()

    assert wire.seconds is None
    assert not wire.calls_before
    assert wire.requests == ()


def test_a_network_holds_every_request_up(client: Any) -> None:
    """The delay is part of the measured time."""
    wire = Wire()
    wire.watch(client)
    wire.delay_seconds = 0.02

    wire.start()
    client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=0)

    assert wire.seconds is not None
    assert wire.seconds >= 0.02


@pytest.mark.parametrize(
    ("target", "is_met", "aim"),
    [
        (Target(name="x", value=6.0, at_most=6.0), True, "at most 6"),
        (Target(name="x", value=6.01, at_most=6.0), False, "at most 6"),
        (Target(name="x", value=50.0, at_least=50.0), True, "at least 50"),
        (Target(name="x", value=49.9, at_least=50.0), False, "at least 50"),
    ],
)
def test_a_target_is_met_up_to_its_bound(target: Target, is_met: bool, aim: str) -> None:  # noqa: FBT001
    """The bound itself is good enough; nothing beyond it is."""
    assert (target.is_met, target.aim) == (is_met, aim)
    assert target.document() == {"value": round(target.value, 4), "aim": aim, "met": is_met}


def test_report_has_the_figures_that_are_asked_for() -> None:
    """Ratio, calls before the throttle and import ratio stand at the top."""
    document = measured().document()

    assert document["ratio_to_bare_call"]["named"]["median"] == 4.0
    assert document["ratio_to_bare_call"]["unnamed"]["median"] == 5.0
    assert document["calls_before_throttle"] == {"named": 4, "unnamed": 5}
    assert document["import_ratio"]["median"] == 0.75
    assert document["local_aws_alone"]["named"]["median"] == 2.0
    assert json.loads(json.dumps(document)) == document


def test_a_missed_target_is_called_missed() -> None:
    """A ratio beyond its aim says so in the report."""
    found = {one.name: one.is_met for one in measured(named_seconds=0.0123).targets()}

    assert found == {
        "ratio_to_bare_call (named)": False,
        "ratio_to_bare_call (unnamed)": True,
        "calls_before_throttle (named)": True,
        "calls_before_throttle (unnamed)": True,
        "import_ratio": True,
    }


def test_the_table_and_the_report_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report comes into a folder that need not be there."""
    path = tmp_path / "new" / "contain.json"

    contain.show(measured())
    measure.write_report(path, measured().document())

    assert json.loads(path.read_text())["calls_before_throttle"] == {"named": 4, "unnamed": 5}
    assert "times bare" in capsys.readouterr().out


def test_signals_are_real_events_about_the_function_that_runs_away() -> None:
    """The guard's own parser reads them, with the time of the measurement."""
    named = parse_signal(stage.event(contain.SIGNALS["named"], NOON))
    unnamed = parse_signal(stage.event(contain.SIGNALS["unnamed"], NOON))

    assert (named.kind, named.functions) == (SignalKind.CONTRIBUTOR, (stage.RUNAWAY,))
    assert (unnamed.kind, unnamed.functions) == (SignalKind.ALARM, ())
    assert named.at == unnamed.at == NOON


def test_seeded_history_covers_two_weeks_and_three_hours() -> None:
    """Each function has both, and only one of them runs away."""
    names = [stage.RUNAWAY, "busy-50", "function-1"]

    series = stage.history(names)

    invocations = [one for one in series if one["metric"] == "Invocations"]
    for name in names:
        starts = sorted(one["minutes_ago"] for one in invocations if name in one["functions"])
        assert starts == [180, 180 + 14 * 1440]
    lengths = {name: len(values) for name, values in stage.patterns().items()}
    assert lengths["quiet days"] == lengths["busy days"] == 14 * 288
    assert lengths["quiet minutes"] == lengths["busy minutes"] == 180 + stage.AHEAD_MINUTES
    (runaway,) = (one for one in invocations if "values" in one)
    assert len(runaway["values"]) == 180 + stage.AHEAD_MINUTES
    assert runaway["values"].count(stage.RUNAWAY_RATE) == 7 + stage.AHEAD_MINUTES
