"""`loopbreaker scan`: find loops in a deployed account, with rights to read only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from cdk_loopbreaker.cli.report_options import AS_JSON, FAIL_ON

_EPILOG: Final = """\b
Examples:
  loopbreaker scan --dry-run
  loopbreaker scan --profile audit --region eu-west-1 --region us-east-1
  loopbreaker scan --format html --output report.html
  loopbreaker scan --save account.json.gz
  loopbreaker scan --from account.json.gz --json
  loopbreaker scan --print-policy > scan-policy.json

\b
Exit codes:
  0  nothing that --fail-on asks for
  1  findings that --fail-on asks for
  2  the scan was not done; standard error says why
"""


@click.command(epilog=_EPILOG)
@click.option("--profile", default="", help="Profile of the AWS configuration; else AWS_PROFILE.")
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="Region to scan; may be repeated. Without one that of the environment or profile.",
)
@click.option("--role-arn", default="", metavar="ARN", help="Role to assume for the scan.")
@click.option("--alias", default="", help="Name of the account, for the report.")
@click.option(
    "--dry-run", is_flag=True, help="Make a dozen calls, and say what the scan would take."
)
@click.option(
    "--print-policy",
    is_flag=True,
    help="Print the IAM policy with the rights that a scan needs. Needs no credentials.",
)
@click.option(
    "--all-settings",
    is_flag=True,
    help="Read the setting RecursiveLoop of every function: one more call for each.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save what was read (snapshot.json.gz). It holds no value of an environment variable.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Report on a saved scan. Needs no credentials.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Go on from a saved scan: details that it holds are not read again.",
)
@FAIL_ON
@click.option(
    "--accept",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="YAML file with findings that are intended: docs/checking.md describes it.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("text", "json", "html")),
    default="text",
    show_default=True,
    help="How the report is written: for a terminal, programs, or a browser.",
)
@AS_JSON
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the report to this file instead of standard output.",
)
def scan(
    *,
    profile: str,
    regions: tuple[str, ...],
    role_arn: str,
    alias: str,
    dry_run: bool,
    print_policy: bool,
    all_settings: bool,
    save: Path | None,
    source: Path | None,
    resume: Path | None,
    fail_on: str,
    accept: Path | None,
    kind: str,
    is_json: bool,
    output: Path | None,
) -> None:
    """Find functions that can invoke themselves, in an account that is deployed.

    Only reads, and deploys nothing. Says before how many calls it makes; keeps below AWS's rates;
    Ctrl-C keeps what was read. docs/scanning.md has the details.
    """
    # The SDK and the event graph take a second to import, for which --help is not to wait.
    from cdk_loopbreaker.cli.commands.scan_run import ScanRequest, run_scan  # noqa: PLC0415

    run_scan(
        ScanRequest(
            profile=profile,
            regions=regions,
            role_arn=role_arn,
            alias=alias,
            is_dry_run=dry_run,
            wants_policy=print_policy,
            with_all_settings=all_settings,
            saved=save,
            source=source,
            resumed=resume,
            fail_on=fail_on,
            accept=accept,
            kind="json" if is_json else kind,
            output=output,
        )
    )
