"""Answers of the guard as text that fits a phone: 76 columns, and commands on their own lines."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from functions.domain.notices.commands import build_own_restore_command
from functions.domain.notices.text import (
    clean,
    format_count,
    format_least_usd,
    format_number,
    format_time,
    format_time_with_age,
    format_usd,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from functions.domain.requests.answer import (
        HistoryAnswer,
        RestoreAnswer,
        StatusAnswer,
        StopAnswer,
    )
    from functions.domain.requests.summary import EndedIncident, OpenIncident, RemedyInForce

WIDTH: Final = 76
_LABEL: Final = 11
_LONGEST: Final = 1_000
_MOST_FINDINGS: Final = 10


def format_status(answer: StatusAnswer, region: str) -> str:
    """Write what is held, what was only reported, remedies in force, and open findings."""
    newest_first = sorted(answer.open, key=lambda one: (one.opened_at, one.function), reverse=True)
    held = [one for one in newest_first if one.is_held]
    others = [one for one in newest_first if not one.is_held]
    count = len(held) + len(answer.tagged)
    first = (
        f"Loopbreaker holds {format_count(count, 'function')} in {region}."
        if count
        else f"Loopbreaker holds no function in {region}."
    )
    blocks = [
        _wrap(first),
        *(_format_open(one, answer.at, region) for one in held),
        *(_format_tagged(one, region) for one in answer.tagged),
        *(_format_open(one, answer.at, region) for one in others),
        _format_unreadable(answer.unreadable),
        _format_remedies(answer, region),
        _format_findings(answer),
        _wrap("There are more than are listed here.") if answer.next_after else "",
    ]
    return _join(blocks)


def format_history(answer: HistoryAnswer, region: str) -> str:
    """Write ended incidents, newest first."""
    if not answer.ended:
        since = "" if answer.known_since is None else f" since {format_time(answer.known_since)}"
        return _join([_wrap(f"No incident has ended in {region}{since}, as far as is asked.")])
    last = ""
    if answer.has_more:
        last = "There are older ones: a larger --limit shows them."
    elif answer.known_since is not None:
        last = (
            f"Looked back to {format_time(answer.known_since)}. With names, history goes back 400"
            " days."
        )
    return _join([*map(_format_ended, answer.ended), _wrap(last)])


def format_restore(answer: RestoreAnswer) -> str:
    """Write what became of each function that was to be restored."""
    if not answer.results:
        return "Nothing is held.\n"
    return "".join(f"{_wrap(f'{one.function}: {one.text}', '  ')}\n" for one in answer.results)


def format_stop(answer: StopAnswer, region: str) -> str:
    """Write what became of an order to stop a function, and how to go on."""
    lines = [_wrap(f"{answer.function}: {answer.text}", "  ")]
    lines += [f"  {clean(one, _LONGEST)}" for one in answer.commands]
    if answer.is_done and answer.incident_id:
        lines += ["To put it back:", f"  {build_own_restore_command(answer.function, region)}"]
    return "\n".join(lines) + "\n"


def format_what_comes_back(
    held: Iterable[OpenIncident], remedies: Iterable[RemedyInForce], unknown: Iterable[str]
) -> str:
    """Write what a restore puts back, before it is asked for."""
    blocks = []
    for one in held:
        lines = [clean(one.function, _LONGEST), _row("state", one.standing)]
        lines += _rows("puts back", one.puts_back or ("nothing: Loopbreaker changed nothing",))
        if one.expires_at is not None:
            lines.append(_row("note", one.expiry))
        blocks.append("\n".join(lines))
    blocks += [_wrap(f"{one.function}: the remedy {one.title}", "  ") for one in remedies]
    blocks += [
        _wrap(f"{name}: the ledger has no record that it is held.", "  ") for name in unknown
    ]
    return _join(blocks)


def _format_open(one: OpenIncident, now: datetime, region: str) -> str:
    since = "" if one.since is None else format_time_with_age(one.since, now)
    lines = [clean(one.function, _LONGEST), _row("state", one.standing), _row("since", since)]
    lines.append(_row("now", one.restriction))
    lines += _rows("why", one.why)
    lines.append(_row("rate", _describe_rate(one)))
    lines.append(_row("cost", _describe_cost(one)))
    lines.append(_row("events", one.expiry))
    if one.ends_by is not None:
        lines.append(_row("ends", f"by itself, at about {format_time(one.ends_by)} at the latest"))
    lines += _rows("puts back", one.puts_back if one.is_held else ())
    lines += _rows("refused", one.refusals)
    if one.is_held:
        lines.append(
            _row("restore", build_own_restore_command(one.function, region), is_wrapped=False)
        )
    return "\n".join(line for line in lines if line)


def _format_tagged(function: str, region: str) -> str:
    lines = [
        clean(function, _LONGEST),
        _row("state", "stopped while the ledger could not be reached; known by its tag alone"),
        _row("restore", build_own_restore_command(function, region), is_wrapped=False),
    ]
    return "\n".join(lines)


def _format_unreadable(functions: tuple[str, ...]) -> str:
    if not functions:
        return ""
    names = ", ".join(clean(one, _LONGEST) for one in functions)
    return _wrap(f"The record of these functions cannot be read; they may be held: {names}")


def _format_remedies(answer: StatusAnswer, region: str) -> str:
    if not answer.remedies:
        return ""
    lines = ["Remedies in force:"]
    for one in answer.remedies:
        text = f"{one.function}: {one.title}, since {format_time(one.since)}"
        lines.append(_wrap(f"- {text}", "  "))
    first = answer.remedies[0].function
    lines += ["A restore takes the remedies of a function back, too:"]
    lines.append(f"  {build_own_restore_command(first, region)}")
    return "\n".join(lines)


def _format_findings(answer: StatusAnswer) -> str:
    if not answer.findings_open:
        return ""
    lines = [f"Open findings: {answer.findings_open:,}"]
    shown = answer.findings[:_MOST_FINDINGS]
    lines += [_wrap(f"- {one.function}: {one.title}", "  ") for one in shown]
    left = answer.findings_open - len(shown)
    if left > 0:
        lines.append(f"- and {left:,} more; the weekly mail lists them")
    return "\n".join(lines)


def _format_ended(one: EndedIncident) -> str:
    spent = f"{format_time(one.opened_at)} to {format_time(one.ended_at)}"
    held = one.ending if one.was_held else f"{one.ending}, never held"
    lines = [
        clean(one.function, _LONGEST),
        _row("when", spent),
        _row("ending", held),
        *_rows("why", one.why),
        _row("rate", _describe_rate(one)),
        _row("cost", _describe_cost(one)),
        _row("incident", one.id),
    ]
    return "\n".join(line for line in lines if line)


def _describe_rate(one: OpenIncident | EndedIncident) -> str:
    if one.per_minute is None:
        return ""
    normal = one.normal_per_minute
    usual = "" if normal is None else f", normal {format_number(normal)}"
    return f"{format_number(one.per_minute)} invocations a minute{usual}"


def _describe_cost(one: OpenIncident | EndedIncident) -> str:
    if one.usd_per_hour is None:
        return ""
    hourly = f"{format_usd(one.usd_per_hour)} an hour at that rate"
    if one.usd_so_far is None:
        return hourly
    return f"{format_least_usd(one.usd_so_far)} until it was decided; {hourly}"


def _rows(label: str, texts: Iterable[str]) -> list[str]:
    return [_row(label if number == 0 else "", text) for number, text in enumerate(texts)]


def _row(label: str, text: str, *, is_wrapped: bool = True) -> str:
    """A line with a label, and its lines of continuation; empty without a text."""
    shown = clean(text, _LONGEST)
    if not shown:
        return ""
    lead = f"  {label:<{_LABEL}}"
    return _wrap(shown, " " * len(lead), lead) if is_wrapped else f"{lead}{shown}"


def _wrap(text: str, others: str = "", lead: str = "") -> str:
    """Break a text into lines; names and ARNs are never broken."""
    return textwrap.fill(
        clean(text, _LONGEST),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(one for one in blocks if one) + "\n"
