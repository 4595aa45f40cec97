"""The page says which functions AWS protects, those on loops first."""

from __future__ import annotations

from dataclasses import replace

from cdk_loopbreaker.scanning.html.functions import (
    FunctionRow,
    explain_protection,
    list_allowing,
    list_functions,
    write_allowing,
    write_function_table,
    write_row,
)
from functions.domain.detection.evidence import LoopProof
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.cdk_loopbreaker.scanning.results import scan_corpus, scan_shop


def test_functions_on_loops_come_first() -> None:
    """Certain ones before possible ones, and of these the ones on Allow."""
    rows = list_functions(scan_shop().accounts[0])

    assert [row.proof for row in rows[:5]] == [LoopProof.CERTAIN] * 3 + [LoopProof.POSSIBLE] * 2
    assert rows[0].setting == "Allow"
    assert [row.name for row in list_allowing(rows)] == [rows[0].name, "shop-webhook"]


def test_settings_are_counted() -> None:
    """What was not read is counted apart, and what Allow means is said where one is set to it."""
    scanned = scan_corpus("s3_recursion_allowed", "sqs_same_queue").accounts
    allowed = list(explain_protection(scanned[0].account, list_functions(scanned[0])))
    unread = list(explain_protection(scanned[1].account, list_functions(scanned[1])))

    assert allowed[0] == "RecursiveLoop is Terminate for 0 functions, Allow for 1."
    assert "set it back to Terminate" in allowed[1]
    assert unread == ["RecursiveLoop is Terminate for 0 functions, Allow for 0, not read for 1."]


def test_a_region_without_detection() -> None:
    """Where AWS detects nothing the setting is worth nothing."""
    scanned = scan_shop().accounts[0]
    elsewhere = replace(scanned.account, region="mx-central-1")

    assert next(iter(explain_protection(elsewhere, ()))) == (
        "AWS's own detection of loops does not run in mx-central-1."
    )


def test_rows() -> None:
    """A row has the name, the proof and the setting; an entry on Allow says whether it loops."""
    row = FunctionRow(name="a<b", proof=LoopProof.CERTAIN, setting="")

    assert Page(write_row(row)).texts == ["a<b", "certain", "not read"]
    assert Page(write_allowing(row)).text == "a<b, on a certain loop"
    assert Page(write_allowing(replace(row, proof=LoopProof.UNKNOWN))).text == "a<b"


def test_a_table_that_is_cut_says_so() -> None:
    """The heading counts what is shown."""
    row = FunctionRow(name="a", proof=LoopProof.RULED_OUT, setting="Terminate")

    assert "The first 1 of 2 functions" in write_function_table((row, row), (write_row(row),))
    assert "Every function" in write_function_table((row,), (write_row(row),))
