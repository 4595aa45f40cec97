"""The reports of a scan: text for people, JSON by its schema, and what a scan would take."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from rich.console import Console

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from cdk_loopbreaker.checking.finding import Acceptance
from cdk_loopbreaker.scanning.analysis import analyze
from cdk_loopbreaker.scanning.estimate import estimate_reading
from cdk_loopbreaker.scanning.model import ScannedAccount, ScanResult
from cdk_loopbreaker.scanning.reports.estimate import announce, describe_plans, print_plans
from cdk_loopbreaker.scanning.reports.json_report import format_scan_json
from cdk_loopbreaker.scanning.reports.text import describe_protection, print_scan
from cdk_loopbreaker.scanning.scan import Scan, ScanOptions
from functions.aws.account.read_session import run_one_by_one
from functions.domain.account.inventory import Area, Gap
from functions.domain.graph.build import build
from functions.domain.graph.paths.near_loops import find_near_loops
from tests.corpus.description import cases
from tests.unit.cdk_loopbreaker.scanning.samples import (
    AT,
    HastyStop,
    StoppingAccount,
    copy_into,
    read,
    read_sample,
)

if TYPE_CHECKING:
    from cdk_loopbreaker.scanning.scan import RegionPlan
    from functions.domain.account.inventory import Account

ROOT = Path(__file__).resolve().parents[5]
SCHEMA = json.loads((ROOT / "docs/schemas/scan-report.schema.json").read_text())
CORPUS = {case.name: case.account for case in cases()}


def print_text(result: ScanResult) -> str:
    """The text of a report, in lines of 100 columns."""
    console = Console(file=io.StringIO(), width=100, markup=False, highlight=False)
    print_scan(result, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def scanned(account: Account) -> ScannedAccount:
    """An account without findings."""
    return ScannedAccount(
        account=account, graph=build(account), near_loops=find_near_loops(account)
    )


def result_of(*accounts: ScannedAccount, alias: str = "") -> ScanResult:
    """A result of these."""
    return ScanResult(accounts=accounts, at=AT, alias=alias)


def sample() -> ScanResult:
    """The result of the sample."""
    return analyze([read_sample()], at=AT, alias="shop")


def stopped() -> ScanResult:
    """The result of a scan that was stopped."""
    stop = HastyStop()
    return analyze([read(copy_into(StoppingAccount(stop, 40)), stop)], at=AT)


def with_settings(account: Account, *values: str) -> Account:
    """The first functions have these settings."""
    changed = tuple(
        replace(one, recursive_loop=value)
        for one, value in zip(account.functions, values, strict=False)
    )
    return replace(account, functions=(*changed, *account.functions[len(changed) :]))


def test_the_text_has_loop_protection_and_summary() -> None:
    """The account is named with its alias, the loop drawn, and the end says how many."""
    text = print_text(sample())

    assert f"Account {ACCOUNT} (shop), {REGION}, as it was at 2026-11-29 07:00 UTC" in text
    assert "LB001 certain" in text
    assert "<- and round again" in text
    assert "AWS's own protection" in text
    assert "1 certain loop, 0 possible loops" in text
    assert "no configuration tells" in " ".join(text.split())
    assert "Not seen" not in text


def test_the_text_says_what_was_not_seen() -> None:
    """Grouped by area, with the action that is missing."""
    account = replace(
        CORPUS["s3_prefixes_apart"],
        gaps=(
            Gap(area=Area.PIPES, words="denied", action="pipes:ListPipes"),
            Gap(area=Area.BUCKETS, words="500: <html>", resource="photos"),
        ),
    )
    text = print_text(result_of(scanned(account)))

    assert "pipes (pipes:ListPipes is missing)" in text
    assert "bucket notifications: photos (500: <html>)" in text


def test_the_text_says_that_a_scan_was_stopped() -> None:
    """Nobody takes half a reading for a whole one."""
    assert "The scan was stopped before its end" in print_text(stopped())
    assert "The scan was stopped" not in print_text(sample())


def test_the_text_shows_what_rules_a_near_loop_out() -> None:
    """With the prefix that does it."""
    text = print_text(result_of(scanned(CORPUS["s3_prefixes_apart"])))

    assert "Nearly loops, and what rules them out" in text
    assert "the filter excludes it" in " ".join(text.split())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("Allow",), "RecursiveLoop is Allow on 1 function: "),
        (("Terminate",), "RecursiveLoop is Terminate on all functions."),
        ((), "The setting was read of 0 of 1 function: --all-settings"),
    ],
)
def test_the_protection_is_what_was_read(settings: tuple[str, ...], words: str) -> None:
    """Functions on Allow are named; what was not read is not taken for anything."""
    account = with_settings(CORPUS["dynamodb_same_table"], *settings)

    assert words in " ".join(describe_protection(scanned(account)))


def test_hostile_names_do_not_reach_the_terminal() -> None:
    """No control character of a name or of AWS's words is printed."""
    account = replace(
        CORPUS["dynamodb_same_table"],
        gaps=(Gap(area=Area.PIPES, words="\x1b[2Jgone", resource="a\x1b]0;x\x07b\nc"),),
    )
    text = print_text(result_of(scanned(account), alias="\x1b[31mshop"))

    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("make", [sample, stopped])
def test_json_keeps_to_its_schema(make: object) -> None:
    """Of a complete scan, and of one that was stopped."""
    assert callable(make)
    document = json.loads(format_scan_json(make()))

    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)


@pytest.mark.thorough
def test_json_of_every_account_of_the_corpus_keeps_to_its_schema() -> None:
    """With near loops, doubts, gaps and acceptances of every kind."""
    accounts = [scanned(one) for one in CORPUS.values()]
    document = json.loads(format_scan_json(result_of(*accounts)))

    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert len(document["regions"]) == len(CORPUS)


def test_json_describes_all_that_it_has() -> None:
    """The schema has every field of the report, so none is published without a word."""
    document = json.loads(format_scan_json(sample()))
    finding = SCHEMA["$defs"]["finding"]

    assert set(document) == set(SCHEMA["properties"])
    assert set(document["summary"]) == set(SCHEMA["properties"]["summary"]["properties"])
    assert set(document["regions"][0]) == set(SCHEMA["$defs"]["region"]["properties"])
    assert set(document["findings"][0]) == set(finding["properties"]) == set(finding["required"])


def test_accepted_findings_are_counted_apart() -> None:
    """They are not open any more."""
    (account,) = sample().accounts
    accepted = replace(
        account,
        findings=tuple(
            replace(one, accepted=Acceptance(reason="meant", source="a.yaml"))
            for one in account.findings
        ),
    )
    document = json.loads(format_scan_json(result_of(accepted)))

    assert document["summary"]["certain"] == document["summary"]["possible"] == 0
    assert document["summary"]["accepted"] == len(account.findings) > 0
    assert f"{len(account.findings)} accepted" in " ".join(print_text(result_of(accepted)).split())


def plan(functions: int) -> tuple[RegionPlan, ...]:
    """The plan of a scan."""
    account = grown(functions)
    options = ScanOptions(side_by_side=run_one_by_one)
    scan = Scan(ACCOUNT, "aws", lambda _: account.client, at=AT, stop=HastyStop(), options=options)
    return scan.plan([REGION])


def test_the_announcement_says_calls_and_time() -> None:
    """Before anything is read."""
    (one,) = plan(100)
    words = announce(ACCOUNT, [one])

    assert f"Scanning account {ACCOUNT} in {REGION}: about " in words
    assert f"{one.estimate.total:,} calls" in words
    assert "at 67% of AWS's rates" in words


def test_a_rough_estimate_is_called_so() -> None:
    """A list that goes on may be longer than it usually is."""
    (one,) = plan(10)
    rough = replace(one, estimate=replace(one.estimate, is_rough=True))

    assert "it may be a quarter more" in announce(ACCOUNT, [rough])
    assert "it may be" not in announce(ACCOUNT, [one])


def test_the_plan_is_printed_by_service() -> None:
    """With the rate of each, and as JSON with the same numbers."""
    plans = plan(100)
    console = Console(file=io.StringIO(), width=100)
    print_plans(ACCOUNT, plans, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    document = describe_plans(ACCOUNT, plans)

    assert "lambda GetPolicy" in text
    assert f"about {plans[0].estimate.total:,} calls" in text
    assert document["calls"] == plans[0].estimate.total
    assert document["regions"][0]["calls"]["lambda GetPolicy"] == 100
    assert estimate_reading(plans[0].counts, plans[0].facts).total == document["calls"]
