"""The benchmark of judging candidates."""

import json

from bench.assess import measured


def test_a_few_candidates_are_judged_in_each_round() -> None:
    """Some of them are suspected and others are not; each round has both figures."""
    found = measured(30, 2)

    assert 0 < found.suspected < 30
    assert len(found.seconds) == len(found.reference_seconds) == 2
    document = found.document()
    assert json.loads(json.dumps(document)) == document
    assert [one.name for one in found.targets()] == ["CPU seconds for 30 candidates"]
    assert document["ratio_to_sorting_14_days"]["median"] > 0
