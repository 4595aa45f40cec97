import json

import pytest

from bench import graph
from bench.graph import measured


def test_a_small_account_reaches_every_aim() -> None:
    """The figures of a hundred functions are complete, and no aim is missed."""
    size = measured(100)

    assert size.calls_per_function <= 2.2
    assert size.calls["lambda.get_policy"] == 100
    assert size.most_change_calls < 20
    assert size.gaps == 0
    assert size.seconds_in_a_row == pytest.approx(size.call_count / 15)
    assert sum(size.light_calls.values()) < 20


def test_report_is_json_and_holds_what_is_judged() -> None:
    """Calls by API, the ratios, and each aim with its verdict."""
    size = measured(100)
    document = size.document()

    assert json.loads(json.dumps(document)) == document
    assert document["calls_per_function"] == pytest.approx(size.calls_per_function, abs=1e-4)
    assert [one.name for one in graph.targets([size])] == [
        "calls per function at 100",
        "CPU seconds per 1,000 functions at 100",
        "calls of the dearest change at 100",
    ]
