"""Every report says the same, and no name from a template becomes more than a name in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from sarif_pydantic import Sarif

from cdk_loopbreaker.checking.check import check_accounts
from cdk_loopbreaker.checking.finding import Acceptance, Report
from cdk_loopbreaker.checking.reports.github import format_github
from cdk_loopbreaker.checking.reports.json_report import format_json
from cdk_loopbreaker.checking.reports.markdown import format_markdown
from cdk_loopbreaker.checking.reports.sarif import format_sarif
from cdk_loopbreaker.checking.reports.text import print_report
from cdk_loopbreaker.checking.rules import RULES
from cdk_loopbreaker.templates.model import Problem
from tests.unit.cdk_loopbreaker.checking.accounts import FILE, describe, of_corpus, place

HOSTILE = 'x"];%0A::error::\n<script>|[a](b)`'


def format_text(report: Report) -> str:
    """The report as it stands in a log."""
    out = StringIO()
    print_report(report, Console(file=out, width=100, highlight=False, markup=False, emoji=False))
    return out.getvalue()


@pytest.fixture(name="report")
def make_report() -> Report:
    """A certain loop, an accepted one, other findings, and something that is not resolved."""
    report = check_accounts([of_corpus("dynamodb_same_table"), of_corpus("s3_same_bucket")])
    accepted = Acceptance(reason="three rounds", source="file accepted.yaml")
    findings = tuple(
        replace(one, accepted=accepted) if one.rule.id == "LB002" else one
        for one in report.findings
    )
    problem = Problem(words="parameter Table is unknown", file=FILE, place=place("Enrich", 7))
    return replace(report, findings=findings, problems=(problem,))


def test_text(report: Report) -> None:
    """A person sees rule, place, loop, what breaks it, what is unknown, and the sum."""
    text = format_text(report)

    assert text.startswith("LB001 certain A function can invoke itself, and AWS does not stop it\n")
    assert "template.yaml:1 (enrich" in text
    assert "<- and round again" in text
    assert "To break it:" in text
    assert "Accepted: three rounds (file accepted.yaml)" in text
    assert "template.yaml:7 (Enrich, stack shop): parameter Table is unknown" in text
    assert text.rstrip().splitlines()[-1].startswith("2 functions: ")
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.thorough
def test_text_of_many_findings_ends_and_counts_the_rest(report: Report) -> None:
    """A terminal or log gets the first findings whole, and the number of the others."""
    certain = next(one for one in report.findings if one.is_certain)
    text = format_text(replace(report, findings=(certain,) * 1_103))

    assert text.count(f"{certain.rule.id} certain ") == 100
    assert "and 1,003 more findings, 1,003 of them certain: --json lists all" in text
    assert "more finding" not in format_text(replace(report, findings=(certain,) * 100))


def test_text_without_findings() -> None:
    """Nothing found is one line."""
    assert (
        format_text(Report())
        == "0 functions: 0 certain loops, 0 possible loops, 0 other findings.\n"
    )


def test_json(report: Report) -> None:
    """A program finds the same findings, steps and places."""
    document = json.loads(format_json(report))

    assert document["version"] == 1
    assert document["summary"]["accepted"] == 1
    first = document["findings"][0]
    assert (first["rule"], first["certainty"], first["accepted"]) == ("LB001", "certain", None)
    assert len(first["steps"]) == 2
    assert first["place"] == {
        "file": FILE,
        "line": 1,
        "stack": "shop",
        "logical_id": first["functions"][0],
        "construct_path": None,
    }
    assert document["problems"][0]["words"] == "parameter Table is unknown"


def test_sarif(report: Report) -> None:
    """Code scanning gets rules, levels by the gate, a code flow, and a stable fingerprint."""
    run = json.loads(format_sarif(report, "1.2.3", "certain"))["runs"][0]
    results = run["results"]

    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == [one.id for one in RULES]
    assert len(results) == len(report.findings)
    for result, finding in zip(results, report.findings, strict=True):
        assert RULES[result["ruleIndex"]].id == result["ruleId"] == finding.rule.id
        assert result["partialFingerprints"]["loopbreaker/v1"] == finding.fingerprint
    first = results[0]
    assert first["level"] == "error"
    assert len(first["codeFlows"][0]["threadFlows"][0]["locations"]) == 2
    physical = first["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": FILE}, "region": {"startLine": 1}}
    suppressed = [one for one in results if "suppressions" in one]
    assert [one["level"] for one in suppressed] == ["warning"]
    assert run["invocations"][0]["toolExecutionNotifications"][0]["level"] == "note"


def test_sarif_has_the_fields_of_its_standard(report: Report) -> None:
    """Somebody else's model of SARIF 2.1.0 knows each field and value, and loses none of them."""
    document = json.loads(format_sarif(report, "1.2.3", "certain"))
    read = Sarif.model_validate(document)

    assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == document


@pytest.mark.parametrize(
    ("fail_on", "level"), [("never", "warning"), ("certain", "error"), ("possible", "error")]
)
def test_the_level_is_error_only_where_the_check_fails(
    report: Report, fail_on: str, level: str
) -> None:
    """A check that is no gate reports no error."""
    result = json.loads(format_sarif(report, "1.2.3", fail_on))["runs"][0]["results"][0]

    assert result["level"] == level
    assert format_github(report, fail_on).startswith(f"::{level} file=template.yaml,line=1,title=")


def test_github(report: Report) -> None:
    """Each open finding is one command on one line; the sum is the last."""
    lines = format_github(report, "never").splitlines()

    assert len(lines) == len(report.open) + 1
    assert all(line.startswith(("::warning ", "::notice ")) for line in lines)


def test_markdown(report: Report) -> None:
    """A job summary has the sum, the loop as a diagram, and the steps as a list."""
    text = format_markdown(report)

    assert text.startswith("## Loopbreaker check\n\n2 functions: ")
    assert text.count("```mermaid") == 2
    assert re.search(r'n0 -->\|"stream"\| n1', text)
    assert "<details><summary>Not resolved: 1</summary>" in text


UNUSED = ("accepted.yaml: entry 2 (LB001 pay|all) accepts no finding", "entry 3: 100% ended")


def test_every_report_names_acceptances_without_effect(report: Report) -> None:
    """Whoever reads only one of them learns that an entry has ended or accepts nothing."""
    unused = replace(report, unused=UNUSED)

    assert all(words in format_text(unused) for words in UNUSED)
    assert json.loads(format_json(unused))["unused"] == list(UNUSED)
    (line,) = (one for one in format_github(unused, "never").splitlines() if "entry 2" in one)
    assert line == (
        "::notice title=Loopbreaker acceptances::accepted.yaml: entry 2 (LB001 pay|all) accepts no"
        " finding%0Aentry 3: 100%25 ended"
    )
    markdown = format_markdown(unused)
    assert r"- accepted\.yaml: entry 2 \(LB001 pay\|all\) accepts no finding" in markdown
    (run,) = json.loads(format_sarif(unused, "1", "never"))["runs"]
    said = run["invocations"][0]["toolExecutionNotifications"]
    assert [one["message"]["text"] for one in said][:-1] == list(UNUSED)


def test_markdown_counts_the_acceptances_that_it_leaves_out(report: Report) -> None:
    """A long file does not fill a job summary."""
    markdown = format_markdown(replace(report, unused=tuple(f"entry {one}" for one in range(60))))

    assert "- entry 49\n- and 10 more acceptances\n" in markdown


def test_hostile_names() -> None:
    """A name cannot end a command, a diagram, a line or a list."""
    account = of_corpus("dynamodb_same_table").account
    function = replace(account.functions[0], name=HOSTILE)
    described = describe(replace(account, functions=(function,)))
    report = check_accounts([described])

    assert report.findings
    for line in format_github(report, "never").splitlines():
        assert line.count("::error") == 0 or not line.startswith("::error")
    assert len(format_github(report, "never").splitlines()) == len(report.open) + 1
    markdown = format_markdown(report)
    assert "<script>" not in markdown
    assert "\\<script\\>" in markdown
    for diagram in re.findall(r"```mermaid\n(.*?)```", markdown, re.DOTALL):
        assert re.fullmatch(r'[A-Za-z0-9 ._/:*\-\n"|>\[\]()]*', diagram)
    json.loads(format_json(report))
    json.loads(format_sarif(report, "1", "never"))
    assert "\n::" not in format_text(report)


def test_a_path_with_odd_characters_stays_one_uri() -> None:
    """Spaces, percent signs and fragments are encoded in the SARIF report."""
    described = of_corpus("dynamodb_same_table")
    odd = replace(next(iter(described.places.values())), file="a b/100%#x?.yaml")
    report = check_accounts([replace(described, places=dict.fromkeys(described.places, odd))])
    result = json.loads(format_sarif(report, "1", "never"))["runs"][0]["results"][0]

    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/100%25%23x%3F.yaml"
