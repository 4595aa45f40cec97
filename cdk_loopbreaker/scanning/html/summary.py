"""What the page says first: the most important sentence, and the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.domain.graph.model import Certainty, NativeStop
from functions.domain.notices.text import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdk_loopbreaker.scanning.model import ScannedAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts over accounts. Loops that people have accepted are counted as `accepted` only.

    Attributes
    ----------
    unprotected
        Certain loops that AWS does not stop; `unsure`: that it stops unless a setting that was not
        read says otherwise.
    undecided
        Functions on no loop that are not ruled out.
    unread
        What could not be read.
    """

    functions: int
    certain: int
    unprotected: int
    unsure: int
    possible: int
    accepted: int
    findings: int
    undecided: int
    unread: int
    is_complete: bool


def summarize(accounts: Iterable[ScannedAccount]) -> Summary:
    """Count what was found."""
    every = tuple(accounts)
    found = [one for each in every for one in each.findings]
    loops = [one.loop for one in found if one.loop is not None and one.accepted is None]
    certain = [one for one in loops if one.certainty is Certainty.CERTAIN]
    return Summary(
        functions=sum(one.graph.counts.functions for one in every),
        certain=len(certain),
        unprotected=sum(one.native_stop is NativeStop.NO for one in certain),
        unsure=sum(one.native_stop is NativeStop.UNLESS_ALLOWED for one in certain),
        possible=len(loops) - len(certain),
        accepted=sum(one.accepted is not None for one in found),
        findings=sum(one.loop is None and one.accepted is None for one in found),
        undecided=sum(one.graph.counts.unknown for one in every),
        unread=sum(len(one.graph.gaps) for one in every),
        is_complete=all(one.is_complete for one in every),
    )


def write_headline(summary: Summary) -> str:
    """The most important thing that was found, without a full stop."""
    if summary.unprotected:
        return f"{format_count(summary.unprotected, 'loop')} that AWS will not stop"
    if summary.certain:
        may = "may" if summary.unsure else "should"
        return f"{format_count(summary.certain, 'loop')} that AWS {may} stop after about 16 rounds"
    if summary.possible:
        return f"No certain loop, {format_count(summary.possible, 'possible one')}"
    if not summary.is_complete or summary.unread:
        return "No loop in what could be read"
    return "No loop"


def explain_headline(summary: Summary) -> str:
    """What the headline means for the reader."""
    if summary.unprotected:
        return (
            "One event may become thousands of invocations a minute, until somebody stops them."
            " Begin with these."
        )
    if summary.certain:
        return (
            "AWS ends such a loop and drops its events, or sends them to a dead-letter queue."
            " An intended loop is ended as well."
        )
    if summary.possible:
        return "The configuration allows these, but does not show that they happen."
    if not summary.is_complete or summary.unread:
        return "Loops through what could not be read are not found. Grant the rights, scan again."
    if summary.undecided:
        return (
            f"{format_count(summary.undecided, 'function')} could not be ruled out: the reasons"
            " are below."
        )
    return "No event that a function writes leads back to it."
