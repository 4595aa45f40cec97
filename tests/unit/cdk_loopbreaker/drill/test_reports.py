"""The report of a drill: as a page, as JSON and for a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jsonschema
import pytest

from cdk_loopbreaker.drill.assumptions.catalogue import ASSUMPTIONS
from cdk_loopbreaker.drill.model import Check, Depth, LoopKind
from cdk_loopbreaker.drill.reports.html_report import format_drill_html
from cdk_loopbreaker.drill.reports.json_report import format_drill_json
from cdk_loopbreaker.drill.reports.text import format_drill_text
from tests.unit.cdk_loopbreaker.drill.samples import loop, report

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.model import DrillReport

ROOT: Final = Path(__file__).resolve().parents[4]
SCHEMA: Final = json.loads((ROOT / "docs/schemas/drill-report.schema.json").read_text())
HOSTILE: Final = '<script>alert(1)</script>\x1b[31m"' + "x" * 3_000


@pytest.mark.parametrize(
    "one",
    [
        report(),
        report(depth=Depth.BELL, loops=(), figures=()),
        report(loops=(loop(LoopKind.EVENTS, moments={}, lost=None, is_stopped=False),)),
        report(is_interrupted=True, checks=()),
    ],
)
def test_the_json_report_follows_its_schema(one: DrillReport) -> None:
    """Every assumption is in it, with what was measured or why nothing was."""
    written = json.loads(format_drill_json(one))

    jsonschema.validate(written, SCHEMA)
    assert [found["id"] for found in written["assumptions"]] == [found.id for found in ASSUMPTIONS]
    assert all(found["measured"] for found in written["assumptions"])


def test_a_trip_time_is_counted_from_the_start_of_the_loop() -> None:
    """Phases that were not seen are null."""
    (one,) = json.loads(format_drill_json(report(loops=(loop(LoopKind.SQS),))))["loops"]

    assert one["phases"]["held"]["seconds"] == 275.0
    empty = loop(LoopKind.SQS, moments={})
    (other,) = json.loads(format_drill_json(report(loops=(empty,))))["loops"]
    assert set(other["phases"].values()) == {None}


def test_what_is_contradicted_stands_at_the_top_with_what_it_means() -> None:
    """Before the checks, the loops and the tables."""
    page = format_drill_html(report())

    wrong = next(one for one in ASSUMPTIONS if one.id == "A-050")
    assert (
        page.index('id="contradicted"') < page.index('id="results"') < page.index('id="loop-sqs"')
    )
    top = page[page.index('id="contradicted"') : page.index('id="results"')]
    assert wrong.if_wrong in top
    assert "310 s" in top


def test_the_page_loads_and_runs_nothing() -> None:
    """Neither a script nor an address; the headline says the result."""
    page = format_drill_html(report())

    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:,)', page)
    assert "The drill passed" in page
    assert "4 min 35 s" in page  # held
    assert "2 of 12 events did not come back" in page


@pytest.mark.parametrize(
    "one",
    [
        report(checks=(Check(title=HOSTILE, is_passed=False, text=HOSTILE),)),
        report(
            loops=(loop(LoopKind.SQS, ending=HOSTILE, subjects=(HOSTILE,), remarks=(HOSTILE,)),)
        ),
        report(account=HOSTILE, guard={HOSTILE: HOSTILE}),
    ],
)
def test_hostile_texts_are_harmless(one: DrillReport) -> None:
    """AWS's words and names are text, and no markup or control character."""
    page, text = format_drill_html(one), format_drill_text(one)

    assert "<script>" not in page
    assert "\x1b" not in page + text


def test_the_terminal_shows_failures_and_contradictions() -> None:
    """In plain lines that fit a log."""
    failing = Check(title="The notice arrives", is_passed=False, text="no notice arrived")
    text = format_drill_text(report(checks=(failing,)))

    assert "1 check failed" in text
    assert "FAILED  The notice arrives" in text
    assert "A-050 contradicted: complete 310 s" in text
    assert all(len(line) <= 100 for line in text.splitlines())
