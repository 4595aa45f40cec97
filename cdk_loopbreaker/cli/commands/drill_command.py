"""`loopbreaker drill`: prove the guard in your own account."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from cdk_loopbreaker.cli.aws_options import take_aws_options

_EPILOG: Final = """\b
Examples:
  loopbreaker drill
  loopbreaker drill --depth dry --yes
  loopbreaker drill --depth live --loop sqs --loop dynamodb
  loopbreaker drill --depth live --print-policy > drill-policy.json
  loopbreaker drill --clean

\b
Exit codes:
  0    everything that could be seen was as it should be
  1    a check failed, or you said no
  2    the drill was not done; standard error says why
  130  interrupted; what it had made is removed
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--depth",
    type=click.Choice(("bell", "dry", "live")),
    default="bell",
    show_default=True,
    help="How far it goes: an alarm without a cause; up to the change; loops that are stopped.",
)
@click.option(
    "--loop",
    "loops",
    type=click.Choice(("sqs", "dynamodb", "events")),
    multiple=True,
    help="With --depth live: a loop to run; may be repeated. Without one, all three.",
)
@click.option("--yes", is_flag=True, help="Do not ask. Needed where no terminal can answer.")
@click.option(
    "--all-places",
    is_flag=True,
    help="With --depth live: leave no place of the blast radius free for a real runaway.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="Where drill-report.html and drill-report.json are written. Without one, here.",
)
@click.option("--clean", is_flag=True, help="Only remove what earlier drills have left.")
@click.option(
    "--print-policy",
    is_flag=True,
    help="Print the IAM policy that a drill of this depth needs. Needs no credentials.",
)
@take_aws_options
def drill(
    *,
    depth: str,
    loops: tuple[str, ...],
    yes: bool,
    all_places: bool,
    output: Path,
    clean: bool,
    print_policy: bool,
    profile: str | None,
    region: str | None,
    is_json: bool,
) -> None:
    """Prove in your own account that the deployed guard works, and measure how fast.

    bell sets an alarm of the guard to ALARM and changes nothing. dry runs a small loop that the
    guard decides about and does not stop. live runs loops of disposable functions, which the guard
    stops and the drill restores. Everything that it makes is removed at the end, also after Ctrl-C.
    docs/drill.md has the details.
    """
    # The SDK takes a second to import, for which --help is not to wait.
    from cdk_loopbreaker.cli.commands.drill_run import DrillRequest, run_drill  # noqa: PLC0415

    run_drill(
        DrillRequest(
            depth=depth,
            loops=tuple(dict.fromkeys(loops)),
            is_sure=yes,
            takes_all_places=all_places,
            output=output,
            is_cleaning=clean,
            wants_policy=print_policy,
            profile=profile,
            region=region,
            is_json=is_json,
        )
    )
