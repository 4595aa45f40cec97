import json
from typing import Any

import pytest

from bench import sweep
from bench.rivals import custodian, custodian_run
from bench.rivals.custodian import CustodianUnavailableError, Run
from bench.sweep import Size, Sweeps


def size(functions: int = 10_000, *, is_cut: bool = False, has_rival: bool = True) -> Size:
    """What one number of functions gave."""
    rival = Sweeps(
        seconds=[30.0], calls={"GetMetricStatistics": 10_000, "ListFunctions": 200}, is_cut=is_cut
    )
    return Size(
        functions=functions,
        busy=functions // 100,
        guard=Sweeps(seconds=[0.4, 0.5, 0.6], calls={"GetMetricData": 3, "Query": 1}),
        bare=Sweeps(seconds=[4.0, 5.0, 6.0], calls={"ListFunctions": 200, "GetMetricData": 20}),
        custodian=rival if has_rival else None,
    )


def test_ratios_are_those_of_calls_and_of_median_seconds() -> None:
    """The guard's figures are the unit."""
    found = size()

    assert found.calls_ratio(found.bare) == 55.0
    assert found.time_ratio(found.bare) == 10.0
    assert found.custodian is not None
    assert found.calls_ratio(found.custodian) == 2550.0
    assert found.time_ratio(found.custodian) == 60.0


def test_report_holds_every_way_with_its_ratios() -> None:
    """Calls by API, seconds with their spread, and the ratios beside the guard."""
    document = size().document()

    assert document["guard"]["calls"] == 4
    assert document["cloud_custodian"]["calls_ratio"] == 2550.0
    assert document["cloud_custodian"]["time_ratio"] == 60.0
    assert document["bare_calls"]["calls_by_api"] == {"ListFunctions": 200, "GetMetricData": 20}
    assert document["guard"]["seconds"]["median"] == 0.5
    assert json.loads(json.dumps(document)) == document


def test_without_custodian_the_rest_is_reported() -> None:
    """Where it cannot be installed there is nothing to compare, and no aim is claimed."""
    alone = size(has_rival=False)

    assert "cloud_custodian" not in alone.document()
    assert sweep.targets([alone]) == ()


def test_targets_are_those_of_the_largest_account() -> None:
    """The aim is for 10,000 functions: smaller accounts are shown and not judged."""
    found = sweep.targets([size(300), size(10_000)])

    assert [(one.name, one.is_met) for one in found] == [
        ("calls_ratio at 10,000", True),
        ("time_ratio at 10,000", True),
    ]
    assert sweep.targets([size(300)]) == ()


def test_a_run_that_was_cut_is_shown_as_a_lower_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is extrapolated from it."""
    sweep.show([size(is_cut=True)])

    assert "at least" in capsys.readouterr().out


def test_what_stops_the_function_is_not_counted_on_the_way_to_it() -> None:
    """The three ways are counted alike: up to the stopping call, without it."""
    calls = {"ListFunctions": 6, "GetMetricStatistics": 300, "PutFunctionConcurrency": 1}

    run = Run.of({"calls": calls, "seconds": 1.5, "contained_functions": 1, "is_cut": False})

    assert run.call_count == 306
    assert "PutFunctionConcurrency" not in run.calls


class Session:
    """As much of boto3's session as the runner looks at."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self._session = self

    def get_component(self, name: str) -> "Session":
        """Itself, as the emitter of events."""
        assert name == "event_emitter"
        return self

    def register(self, event: str, handler: Any, unique_id: str) -> None:
        """Keep the handler."""
        self.handlers[event] = handler


def test_the_runner_counts_up_to_the_stop(tmp_path: Any) -> None:
    """Requests after the function was stopped are not counted."""
    report = tmp_path / "report.json"
    counting, session = custodian_run.Counting(report), Session()
    counting.watch(session)
    send = session.handlers["before-send"]

    counting.begin()
    send(event_name="before-send.lambda.ListFunctions")
    send(event_name="before-send.cloudwatch.GetMetricStatistics")
    send(event_name="before-send.lambda.PutFunctionConcurrency")
    session.handlers["after-call.lambda.PutFunctionConcurrency"]()
    send(event_name="before-send.cloudwatch.PutMetricData")
    counting.write(is_cut=False)

    run = Run.of(json.loads(report.read_text()))
    assert run.calls == {"ListFunctions": 1, "GetMetricStatistics": 1}
    assert run.contained_functions == 1
    assert run.seconds > 0
    assert not run.is_cut


def test_the_runner_writes_what_it_has_when_it_is_cut(tmp_path: Any) -> None:
    """A run that takes too long still says how far it came."""
    report = tmp_path / "report.json"
    counting, session = custodian_run.Counting(report), Session()
    counting.watch(session)

    session.handlers["before-send"](event_name="before-send.lambda.ListFunctions")
    counting.write(is_cut=True)

    run = Run.of(json.loads(report.read_text()))
    assert (run.calls, run.contained_functions, run.is_cut) == ({"ListFunctions": 1}, 0, True)


def test_without_a_registry_custodian_is_called_unavailable(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The benchmark goes on without it and says why."""
    monkeypatch.setattr(custodian, "HOME", tmp_path / "custodian")
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))

    with pytest.raises(CustodianUnavailableError, match="no-python"):
        custodian.install()


def test_custodian_is_pinned_exactly() -> None:
    """Every package that is installed beside it has one version."""
    lines = [line for line in custodian.PINNED.read_text().splitlines() if line[0] != "#"]

    assert custodian.version() == "0.9.53"
    assert all(line.count("==") == 1 for line in lines)
