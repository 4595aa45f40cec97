"""Every assumption that a drill measures has code, and gets a finding."""

from __future__ import annotations

from typing import Final

import pytest

from cdk_loopbreaker.drill.assumptions.catalogue import ASSUMPTIONS, list_measured_by
from cdk_loopbreaker.drill.assumptions.model import MeasureName
from cdk_loopbreaker.drill.measures.registry import AFTER_THE_LOOPS, MEASURES, complete
from cdk_loopbreaker.drill.model import Finding, Outcome


def test_every_measure_of_the_table_has_code() -> None:
    """And no code is left over."""
    assert set(MEASURES) == set(MeasureName)
    assert {one.measure for one in ASSUMPTIONS if one.measure} == set(MeasureName)
    assert set(MEASURES) > AFTER_THE_LOOPS


@pytest.mark.parametrize("name", MeasureName)
def test_a_measure_answers_an_assumption(name: MeasureName) -> None:
    """At least one."""
    assert list_measured_by(name)


WHY: Final = "the drill ended before it was measured"


def test_what_was_not_measured_says_why() -> None:
    """By the reason of the table, or because the drill ended."""
    found = {one.id: one for one in complete((), WHY)}

    assert {one.outcome for one in found.values()} == {Outcome.NOT_MEASURED}
    for one in ASSUMPTIONS:
        assert found[one.id].text == (one.reason or WHY)


def test_findings_keep_their_place() -> None:
    """In the order of the ids, each once."""
    one = Finding(id="A-050", outcome=Outcome.CONFIRMED, text="complete after 100 s")

    found = complete((one,), WHY)

    assert [each.id for each in found] == [each.id for each in ASSUMPTIONS]
    assert one in found
