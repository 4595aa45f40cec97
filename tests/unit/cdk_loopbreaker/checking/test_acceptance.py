"""Findings are accepted by file and by acknowledgement, with a reason, and never by accident."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_loopbreaker.checking.acceptance import (
    AcceptanceFileError,
    accept_by_acknowledgement,
    accept_by_file,
    read_accepted_entries,
)
from cdk_loopbreaker.checking.check import check_accounts
from tests.unit.cdk_loopbreaker.checking.accounts import describe, of_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.checking.finding import Finding

TODAY = date(2026, 11, 29)


@pytest.fixture(name="finding")
def find_loop() -> Finding:
    """A certain loop of one function."""
    return check_accounts([of_corpus("dynamodb_same_table")]).findings[0]


def write(folder: Path, text: str) -> Path:
    """A file with accepted findings."""
    path = folder / "accepted.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_by_function(tmp_path: Path, finding: Finding) -> None:
    """An entry with rule and function accepts the finding, with its reason."""
    path = write(
        tmp_path,
        f"accept:\n- {{rule: lb001, function: {finding.functions[0]}, reason: three rounds}}\n",
    )
    marked, unused = accept_by_file([finding], read_accepted_entries(path), path.name, TODAY)

    assert marked[0].accepted is not None
    assert (marked[0].accepted.reason, marked[0].accepted.source) == (
        "three rounds",
        "accepted.yaml",
    )
    assert unused == ()


def test_by_fingerprint(tmp_path: Path, finding: Finding) -> None:
    """An entry with a fingerprint accepts just that finding."""
    path = write(tmp_path, f"accept: [{{fingerprint: {finding.fingerprint}, reason: known}}]")
    marked, _ = accept_by_file([finding], read_accepted_entries(path), path.name, TODAY)

    assert marked[0].accepted is not None


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("function: other, reason: known", "accepts no finding"),
        ("rule: LB002, function: enrich, reason: known", "accepts no finding"),
        ("function: FUNCTION, reason: known, until: 2026-11-28", "ended on 2026-11-28"),
    ],
)
def test_what_accepts_nothing_is_said(
    tmp_path: Path, finding: Finding, entry: str, said: str
) -> None:
    """An entry about nothing, or that has ended, accepts nothing and is reported."""
    entry = entry.replace("FUNCTION", finding.functions[0])
    path = write(tmp_path, f"accept:\n- {{{entry}}}\n")
    marked, unused = accept_by_file([finding], read_accepted_entries(path), path.name, TODAY)

    assert marked == (finding,)
    assert len(unused) == 1
    assert said in unused[0]


def test_an_entry_counts_on_its_last_day(tmp_path: Path, finding: Finding) -> None:
    """`until` is the last day on which the entry counts."""
    entry = f"function: {finding.functions[0]}, reason: known, until: 2026-11-29"
    path = write(tmp_path, f"accept:\n- {{{entry}}}\n")
    marked, _ = accept_by_file([finding], read_accepted_entries(path), path.name, TODAY)

    assert marked[0].accepted is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accept: {", "is no YAML"),
        ("", "must hold a list under the key accept"),
        ("- accept", "must hold a list under the key accept"),
        ("accept: [word]", "entry 1 must be a mapping"),
        ("accept: [{function: f, reason: r, why: x}]", "unknown key why"),
        ("accept: [{function: f}]", "entry 1 has no reason"),
        ("accept: [{function: f, reason: '  '}]", "entry 1 has no reason"),
        ("accept: [{reason: r}]", "either a function or a fingerprint"),
        ("accept: [{function: f, fingerprint: a, reason: r}]", "either a function or"),
        ("accept: [{function: f, reason: r, rule: LB999}]", "unknown rule LB999; known are LB001"),
        ("accept: [{function: [f], reason: r}]", "a function that is no text"),
        ("accept: [{function: f, reason: r, until: soon}]", "until that is no day"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """One line says what is wrong and what is allowed."""
    with pytest.raises(AcceptanceFileError) as raised:
        read_accepted_entries(write(tmp_path, text))

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(AcceptanceFileError, match=r"missing\.yaml: cannot be read"):
        read_accepted_entries(tmp_path / "missing.yaml")


@given(content=st.binary(max_size=200))
def test_whatever_the_file_holds(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Any content is read or refused, never anything else."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        read_accepted_entries(path)
    except AcceptanceFileError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most contents are refused, some are not


@pytest.mark.parametrize(
    ("path", "is_accepted"),
    [
        ("Shop/Orders/Enrich", True),
        ("Shop/Orders", True),
        ("Shop", True),
        ("Shop/Ord", False),
        ("Shop/Orders/Enrich/Resource/Other", False),
    ],
)
def test_an_acknowledgement_counts_for_what_lies_in_the_construct(
    path: str, *, is_accepted: bool
) -> None:
    """A construct acknowledges for itself and for all that it holds."""
    case = of_corpus("dynamodb_same_table").account
    described = describe(case, **{case.functions[0].name: "Shop/Orders/Enrich/Resource"})
    findings = check_accounts([described]).findings[:1]
    marked = accept_by_acknowledgement(findings, {path: {"LB001": "bounded"}})

    assert (marked[0].accepted is not None) is is_accepted
    other = accept_by_acknowledgement(findings, {path: {"LB002": "bounded"}})
    assert other == findings
