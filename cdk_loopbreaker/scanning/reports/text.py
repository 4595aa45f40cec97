"""The report of a scan for people at a terminal; without colour it reads the same in a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from cdk_loopbreaker.checking.reports.text import print_findings, print_lines
from cdk_loopbreaker.checking.reports.wording import count_findings
from cdk_loopbreaker.scanning.unseen import group_gaps
from functions.domain.graph.model import Certainty
from functions.domain.notices.graph.drawing import draw_line
from functions.domain.notices.graph.text import describe_edge
from functions.domain.notices.layout import join_names
from functions.domain.notices.text import clean, format_count, format_time, shorten_arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from cdk_loopbreaker.scanning.model import ScannedAccount, ScanResult
    from cdk_loopbreaker.scanning.unseen import UnseenArea
    from functions.domain.graph.model import Loop

CERTAIN_MEANS: Final = (
    "Certain means that the configuration closes the loop. Whether the code sends events round it,"
    " no configuration tells."
)
STOPPED: Final = (
    "The scan was stopped before its end. No loop is ruled out through what was not read."
)
_ALLOW: Final = "Allow"
_INDENT: Final = "    "
_MOST_NAMES: Final = 10
_MOST_NEAR: Final = 5


def print_scan(result: ScanResult, console: Console) -> None:
    """Print findings, AWS's own protection, what could not be seen, and the summary."""
    for account in result.accounts:
        _print_account(account, result.alias, console)
    for words in result.unused:
        print_lines(console, words, style="yellow")
    if any(one.loop and one.is_certain and not one.accepted for one in result.findings):
        print_lines(console, CERTAIN_MEANS, style="dim")
    for account in result.accounts:
        print_lines(console, summarize(account), style="bold")


def summarize(account: ScannedAccount) -> str:
    """One account and Region in one sentence."""
    counts = account.graph.counts
    parts = count_findings(account.findings)
    functions = format_count(counts.functions, "function")
    return (
        f"{account.account.account} {account.account.region}: {functions}: {', '.join(parts)};"
        f" a loop is ruled out for {counts.ruled_out:,}, unknown for {counts.unknown:,}."
    )


def list_allowing(account: ScannedAccount) -> tuple[str, ...]:
    """The functions whose setting tells AWS to let loops run."""
    return tuple(one.name for one in account.account.functions if one.recursive_loop == _ALLOW)


def describe_protection(account: ScannedAccount) -> Iterator[str]:
    """What AWS's own detection would do, as far as the settings were read."""
    functions = account.account.functions
    read = [one for one in functions if one.recursive_loop]
    allowing = list_allowing(account)
    if allowing:
        yield (
            f"RecursiveLoop is {_ALLOW} on {format_count(len(allowing), 'function')}:"
            f" {_list_names(allowing)}. AWS stops no loop of these."
        )
    if len(read) < len(functions):
        told = f"{len(read):,} of {format_count(len(functions), 'function')}"
        yield f"The setting was read of {told}: --all-settings reads it of all."
    elif not allowing and functions:
        yield "RecursiveLoop is Terminate on all functions."
    yield (
        "Terminate ends loops through Lambda, SQS, SNS and S3 after about 16 rounds, and no others."
    )


def describe_unseen(unseen: UnseenArea) -> str:
    """A group of gaps on one line."""
    area = unseen.area.value
    what = area if unseen.is_whole else f"{area}: {_list_names(unseen.resources)}"
    why = f"{unseen.action} is missing" if unseen.action else clean(unseen.words, 160)
    return f"{what} ({why})"


def _print_account(account: ScannedAccount, alias: str, console: Console) -> None:
    read = account.account
    name = f" ({clean(alias, 80)})" if alias else ""
    title = f"Account {read.account}{name}, {read.region}, as it was at {format_time(read.at)}"
    console.print(Text(clean(title, 200), style="bold underline"))
    console.print()
    if not account.is_complete:
        print_lines(console, STOPPED, style="bold yellow")
        console.print()
    print_findings(account.findings, console)
    if unlisted := account.graph.counts.loops_unlisted:
        words = format_count(unlisted, "more function")
        print_lines(console, f"{words} on a loop that is not listed.")
        console.print()
    _print_near_loops(account, console)
    _print_section(console, "AWS's own protection", list(describe_protection(account)))
    unseen = [describe_unseen(one) for one in group_gaps(read.gaps)]
    _print_section(console, "Not seen: nothing that depends on it is ruled out", unseen)


def _print_near_loops(account: ScannedAccount, console: Console) -> None:
    near = account.near_loops
    lines = [
        f"{draw_line(loop)} (ruled out: {_explain_refusal(loop)})" for loop in near[:_MOST_NEAR]
    ]
    if len(near) > _MOST_NEAR:
        lines.append(f"and {len(near) - _MOST_NEAR:,} more: --json lists all")
    _print_section(console, "Nearly loops, and what rules them out", lines)


def _explain_refusal(loop: Loop) -> str:
    refused = (one for one in loop.edges if one.certainty is Certainty.RULED_OUT)
    return "; ".join(map(describe_edge, refused))


def _print_section(console: Console, title: str, lines: list[str]) -> None:
    if not lines:
        return
    console.print(Text(title, style="bold"))
    for line in lines:
        print_lines(console, line, indent=_INDENT, hanging="  ")
    console.print()


def _list_names(names: tuple[str, ...]) -> str:
    shown = [clean(shorten_arn(one), 80) for one in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return f"{', '.join(shown)} and {more:,} more" if more else join_names(shown)
