"""`loopbreaker check`: find loops in templates, before anything is deployed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cdk_loopbreaker.checking.acceptance import (
    AcceptanceFileError,
    accept_by_file,
    read_accepted_entries,
)
from cdk_loopbreaker.checking.check import check_templates
from cdk_loopbreaker.checking.reports.github import format_github
from cdk_loopbreaker.checking.reports.json_report import format_json
from cdk_loopbreaker.checking.reports.markdown import format_markdown
from cdk_loopbreaker.checking.reports.sarif import format_sarif
from cdk_loopbreaker.checking.reports.text import print_report
from cdk_loopbreaker.cli.console import show_progress
from cdk_loopbreaker.cli.errors import CLEAN, FOUND, UserError
from cdk_loopbreaker.cli.report_options import AS_JSON, FAIL_ON, write_report
from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.home import is_account, is_region
from cdk_loopbreaker.templates.read import read_templates
from cdk_loopbreaker.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_loopbreaker.checking.acceptance import (
        AcceptedEntry,
    )
    from cdk_loopbreaker.checking.finding import Report

_FORMATS: Final = ("text", "json", "sarif", "github", "markdown")

_EPILOG: Final = """\b
Examples:
  npx cdk synth && loopbreaker check cdk.out
  loopbreaker check template.yaml --parameter Stage=prod
  loopbreaker check infra/ --format sarif --output loops.sarif
  loopbreaker check cdk.out --fail-on certain --accept accepted.yaml

\b
Exit codes:
  0  nothing that --fail-on asks for
  1  findings that --fail-on asks for
  2  the check was not done; standard error says why
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@FAIL_ON
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="How the report is written: for people, programs, GitHub's code scanning, annotations of"
    " GitHub Actions, or a job summary with diagrams.",
)
@AS_JSON
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to this file instead of standard output.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of a template parameter; may be repeated. Without one its default counts.",
)
@click.option(
    "--account",
    metavar="ID",
    default="",
    help="Account that stacks are deployed to which name none, as 12 digits.",
)
@click.option(
    "--region",
    metavar="REGION",
    default="",
    help="AWS Region of stacks that name none. What depends on it is possible without it.",
)
@click.option(
    "--accept",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file with findings that are intended, each with its reason:"
    " docs/checking.md describes it.",
)
def check(
    *,
    paths: tuple[Path, ...],
    fail_on: str,
    kind: str,
    is_json: bool,
    output: Path | None,
    parameters: tuple[str, ...],
    account: str,
    region: str,
    accept: Path | None,
) -> None:
    """Find functions that can invoke themselves, in templates that are not deployed yet.

    PATHS are folders such as cdk.out, or templates: CDK assemblies, CloudFormation (YAML, JSON) and
    SAM. All paths are checked together, so that loops across stacks are found. No account and no
    network is needed.
    """
    given = _parse_parameters(parameters)
    _check_home(account, region)
    entries: tuple[AcceptedEntry, ...] = ()
    try:
        if accept is not None:
            entries = read_accepted_entries(accept)
        now = datetime.now(UTC)
        with show_progress("Checking templates"):
            templates = read_templates(paths, parameters=given, account=account, region=region)
            report = check_templates(templates, at=now)
    except (TemplateError, AcceptanceFileError) as error:
        raise UserError(str(error)) from error
    if accept is not None:
        findings, unused = accept_by_file(report.findings, entries, str(accept), now.date())
        report = replace(report, findings=findings, unused=unused)
    _write(report, "json" if is_json else kind, output, fail_on)
    raise SystemExit(FOUND if report.count_failing(fail_on) else CLEAN)


def _parse_parameters(parameters: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for one in parameters:
        name, separator, value = one.partition("=")
        if not separator or not name.strip():
            raise UserError(f"--parameter {one}: write NAME=VALUE")
        given[name.strip()] = value
    return given


def _check_home(account: str, region: str) -> None:
    if account and not is_account(account):
        raise UserError(f"--account {account}: an account's id has 12 digits")
    if region and not is_region(region):
        raise UserError(f"--region {region}: write a Region such as eu-west-1")


def _write(report: Report, kind: str, output: Path | None, fail_on: str) -> None:
    write_report(
        kind,
        output,
        lambda console: print_report(report, console),
        {
            "json": lambda: format_json(report),
            "sarif": lambda: format_sarif(report, __version__, fail_on),
            "github": lambda: format_github(report, fail_on),
            "markdown": lambda: format_markdown(report),
        },
    )
