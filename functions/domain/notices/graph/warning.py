"""Notices of loops that could run, before the first event does.

Such a notice comes at the time of a deployment, not at 3 a.m.: it says first what the loop is, that
nothing was changed, whether AWS would stop it, how to fix it, and how to say that it is
intended. A loop that is only possible gets no notice of its own, and neither does one that AWS
stops: they come in a digest.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.domain.account.inventory import Gap
from functions.domain.graph.model import Certainty, Edge, Loop, NativeStop
from functions.domain.graph.new_loops import is_stopped_by_aws, make_notified_key
from functions.domain.notices.commands import name_flag
from functions.domain.notices.graph.drawing import draw_line, draw_loop
from functions.domain.notices.graph.native_stop import describe_native_stop
from functions.domain.notices.graph.text import describe_edge
from functions.domain.notices.layout import (
    MARK,
    SUBJECT_LIMIT,
    bullet,
    command_line,
    compose_body,
    compose_subject,
    count_left_out,
    describe_location,
    indent_drawing,
    join_names,
    lines_of,
    name_stack,
    paragraph,
    section,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import clean, cut_middle, format_count, format_time

MOST_SINGLE: Final = 5
"""More new loops than that at one time come in one notice."""

_WIDEST: Final = 76
_MOST_LISTED: Final = 20
_MOST_GAPS: Final = 20
_MOST_CUTS: Final = 3
_MOST_WHY: Final = 40
_LONGEST_DIGEST: Final = 28_000  # bytes of the items; `BODY_LIMIT` cuts what is longer
_TAG: Final = "loopbreaker:accepted-loop"
_FLAG: Final = "accepted_loops"
_NOTHING_CHANGED: Final = "Nothing was changed."
_READ_FROM_CONFIGURATION: Final = (
    f"{_NOTHING_CHANGED} This was read from the configuration, whether or not it has run yet."
)
_AS_PROVEN_OR_NOT: Final = (
    "If one of these functions runs away, Loopbreaker suspects it sooner, and stops it once a hold"
    " has shown that it feeds itself."
)
_AS_PROVEN: Final = (
    "If it runs away, Loopbreaker suspects it sooner, and stops it once a hold has shown that it"
    " feeds itself."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopNotice:
    """A mail with the keys of the loops that it is about: see `make_notified_key`."""

    notice: Notice
    keys: tuple[str, ...]


def compose_warnings(
    loops: Sequence[Loop], deployment: Deployment, read_at: datetime, *, is_first: bool
) -> tuple[LoopNotice, ...]:
    """Report new loops that get a notice of their own, or one for all where they are many.

    Parameters
    ----------
    loops
        Certain ones that AWS does not stop.
    read_at
        When the account was read.
    is_first
        Whether the account was never charted before: its loops come in one notice then.
    """
    if not loops:
        return ()
    if len(loops) > MOST_SINGLE or (is_first and len(loops) > 1):
        keys = tuple(map(make_notified_key, loops))
        return (
            LoopNotice(
                notice=_compose_many(loops, deployment, read_at, is_first=is_first), keys=keys
            ),
        )
    return tuple(
        LoopNotice(notice=compose_warning(one, deployment, read_at), keys=(make_notified_key(one),))
        for one in loops
    )


def compose_digest(
    loops: Sequence[Loop], total: int, deployment: Deployment, read_at: datetime
) -> tuple[LoopNotice, ...]:
    """List new loops that get no notice of their own: possible ones, and those that AWS stops.

    Where they are too many for one mail, the others wait for the next digest.

    Parameters
    ----------
    total
        How many such loops there are in all, those of earlier digests among them.
    """
    if not loops:
        return ()
    stopped = [one for one in loops if is_stopped_by_aws(one)]
    possible = [one for one in loops if not is_stopped_by_aws(one)]
    shown, items = _fit_items([*possible, *stopped], deployment)
    first_stopped = sum(not is_stopped_by_aws(one) for one in shown)
    left = len(loops) - len(shown)
    title = f"{len(loops):,} new, {total:,} in all"
    region = f" --region {shlex.quote(deployment.region)}" if deployment.region else ""
    notice = Notice(
        subject=f"{MARK} POSSIBLE LOOPS: {title}"[:SUBJECT_LIMIT],
        body=compose_body(
            (
                lines_of(
                    f"POSSIBLE LOOPS: {title}.",
                    describe_location(deployment),
                    f"{_NOTHING_CHANGED} The configuration allows these loops. Whether the code"
                    " runs them is not known."
                    if possible
                    else _READ_FROM_CONFIGURATION,
                ),
                paragraph(
                    "Nothing is urgent. Look whether each new one can happen, and fix it. Accept"
                    " one that is intended by its command, with the reason."
                ),
                section("NEW, POSSIBLE", *_list_items(items[:first_stopped])),
                section(
                    "NEW, CERTAIN, BUT AWS STOPS THEM AFTER ABOUT 16 ROUNDS",
                    *_list_items(items[first_stopped:]),
                ),
                section(
                    "NOT LISTED HERE",
                    bullet(f"{format_count(left, 'new loop')}, for the next digest.")
                    if left
                    else "",
                    bullet(f"{format_count(total - len(loops), 'loop')} of earlier digests.")
                    if total > len(loops)
                    else "",
                    paragraph("This lists all loops with their reasons:"),
                    command_line(f"loopbreaker scan{region}"),
                )
                if left or total > len(loops)
                else "",
                paragraph(
                    f"Stack {name_stack(deployment)}, account read at {format_time(read_at)}.",
                    "A digest comes at most once a week, and only if there is a new loop. A loop"
                    " that becomes certain, and that AWS does not stop, gets a mail of its own.",
                ),
            )
        ),
    )
    return (LoopNotice(notice=notice, keys=tuple(map(make_notified_key, shown))),)


def _fit_items(
    loops: Sequence[Loop], deployment: Deployment
) -> tuple[list[Loop], list[tuple[str, str]]]:
    """Make as many items as one mail has room for, one at least."""
    shown: list[Loop] = []
    items: list[tuple[str, str]] = []
    size = 0
    for loop in loops:
        item = (draw_line(loop, limit=_WIDEST), _build_accept_command(loop, deployment))
        size += sum(len(one.encode(errors="backslashreplace")) for one in item)
        if shown and size > _LONGEST_DIGEST:
            break
        shown.append(loop)
        items.append(item)
    return shown, items


def _list_items(items: Sequence[tuple[str, str]]) -> Iterator[str]:
    for number, (drawn, command) in enumerate(items, 1):
        yield bullet(cut_middle(clean(drawn), 400), f"{number}.")
        yield command_line(command)


def compose_warning(loop: Loop, deployment: Deployment, read_at: datetime) -> Notice:
    """Warn of one certain loop."""
    first = loop.functions[0]
    others = [one for one in loop.functions[1:] if one != first]
    by_way_of = f" by way of {join_names(others)}" if others else ""
    line = draw_line(loop, first)
    is_short = len(line) <= _WIDEST
    return Notice(
        subject=compose_subject("WARNING", first, " can invoke itself in a loop"),
        body=compose_body(
            (
                lines_of(
                    f"WARNING: {clean(first, 160)} can invoke itself{by_way_of}.",
                    describe_location(deployment),
                    f"Loop, certain: {cut_middle(clean(line), _WIDEST * 2)}",
                    _READ_FROM_CONFIGURATION,
                    f"Would AWS stop it? {describe_native_stop(loop, deployment.region or '')}",
                ),
                paragraph("Fix it (see below). If it is intended, say so with the reason:"),
                command_line(_build_accept_command(loop, deployment)),
                section("EVIDENCE", *_list_edges(loop)),
                "" if is_short else section("THE LOOP", *_draw(loop, first)),
                section("HOW TO FIX", *_list_cuts(loop)),
                section("INTENDED?", *_compose_acceptance(loop, deployment)),
                paragraph(
                    f"Loop {loop.key}, stack {name_stack(deployment)}, account read at"
                    f" {format_time(read_at)}.",
                    "You get no second notice of it unless it changes.",
                ),
            )
        ),
    )


def compose_blind_spots(gaps: Sequence[Gap], deployment: Deployment, read_at: datetime) -> Notice:
    """Report what the guard may not read. `gaps` are whole areas."""
    actions = sorted({gap.action for gap in gaps if gap.action})
    missing = format_count(len(actions), "permission")
    return Notice(
        subject=f"{MARK} LOOPS MAY GO UNSEEN: {missing} missing"[:SUBJECT_LIMIT],
        body=compose_body(
            (
                lines_of(
                    f"LOOPS MAY GO UNSEEN: {missing} to read missing.",
                    describe_location(deployment),
                    "Loops through what Loopbreaker does not see are called possible, or are not"
                    " found.",
                ),
                section(
                    "WHAT TO DO",
                    paragraph(
                        "The role of the function has these permissions. Something above it takes"
                        " them away: a service control policy, a resource control policy or a"
                        " permissions boundary. Let it allow:"
                    ),
                    *(bullet(clean(one, 160)) for one in actions),
                ),
                section(
                    "WHAT IT COULD NOT READ",
                    *(
                        bullet(f"{gap.area.value}: {gap.action}. AWS says: {clean(gap.words)}")
                        for gap in gaps[:_MOST_GAPS]
                    ),
                    count_left_out(len(gaps) - _MOST_GAPS, "area"),
                ),
                paragraph(
                    f"Stack {name_stack(deployment)}, account read at {format_time(read_at)}.",
                    "You get no second notice of these unless others are added.",
                ),
            )
        ),
    )


def _draw(loop: Loop, first: str) -> tuple[str, ...]:
    """Draw from top to bottom; lines are not broken."""
    picture = draw_loop(loop, first).splitlines()
    return ("\n".join(indent_drawing(one) for one in picture),)


def _list_edges(loop: Loop) -> tuple[str, ...]:
    return (
        *(
            bullet(f"{_describe_certainty(edge)}{describe_edge(edge)}.")
            for edge in loop.edges[:_MOST_WHY]
        ),
        count_left_out(len(loop.edges) - _MOST_WHY, "step"),
    )


def _describe_certainty(edge: Edge) -> str:
    return "" if edge.certainty is Certainty.CERTAIN else f"{edge.certainty.value.capitalize()}: "


def _list_cuts(loop: Loop) -> tuple[str, ...]:
    if not loop.cuts:
        return (paragraph("Any of the steps above, taken away."),)
    lines = []
    for number, cut in enumerate(loop.cuts[:_MOST_CUTS], 1):
        also = (
            f" This breaks {cut.loops_broken:,} of the {cut.loops:,} loops that hang together here."
            if cut.loops > 1
            else ""
        )
        lines.append(bullet(f"{'; and '.join(cut.words)}.{also}", f"{number}."))
    lead = "Any one of these:" if len(lines) > 1 else "This:"
    return (paragraph(lead), *lines)


def _build_accept_command(loop: Loop, deployment: Deployment) -> str:
    """Write the command that accepts a loop by a tag of its first function."""
    first = loop.functions[0]
    arn = next(
        (edge.target.arn for edge in loop.edges if edge.target.name == first), "FUNCTION_ARN"
    )
    region = f" --region {shlex.quote(deployment.region)}" if deployment.region else ""
    return (
        f"aws lambda tag-resource --resource {shlex.quote(clean(arn, 400))}"
        f" --tags '{_TAG}=why it is intended'{region}"
    )


def _compose_acceptance(loop: Loop, deployment: Deployment) -> tuple[str, ...]:
    first = clean(loop.functions[0], 400)
    name = first if deployment.is_embedded else shlex.quote(first)
    return (
        bullet(
            "Code can end a loop by itself, which no configuration shows. The reason is kept beside"
            " the loop, and a spike of the function is judged without the proof."
        ),
        bullet(
            f"Instead of the tag you can deploy with {name_flag(_FLAG, name, deployment)} beside"
            f" your other {'properties' if deployment.is_embedded else 'flags'}."
        ),
        bullet(_AS_PROVEN),
    )


def _compose_many(
    loops: Sequence[Loop], deployment: Deployment, read_at: datetime, *, is_first: bool
) -> Notice:
    unprotected = sum(one.native_stop is NativeStop.NO for one in loops)
    unsure = sum(one.native_stop is NativeStop.UNLESS_ALLOWED for one in loops)
    more = "" if is_first else "more "
    found = f"{len(loops):,} {more}certain loops that could run"
    return Notice(
        subject=clean(f"{MARK} WARNING {found}")[:SUBJECT_LIMIT],
        body=compose_body(
            (
                lines_of(
                    f"WARNING: {found}. Functions can invoke themselves.",
                    describe_location(deployment),
                    _READ_FROM_CONFIGURATION,
                    _describe_unprotected(unprotected, unsure),
                ),
                paragraph("Fix each of them, or accept it if it is intended: see below."),
                section(
                    "THE LOOPS",
                    *(
                        _describe_loop(number, one)
                        for number, one in enumerate(loops[:_MOST_LISTED], 1)
                    ),
                    count_left_out(len(loops) - _MOST_LISTED, "loop"),
                ),
                section(
                    "INTENDED?",
                    paragraph(
                        "Code can end a loop by itself, which no configuration shows. Accept an"
                        f" intended one with the tag {_TAG} on a function of it, its value the"
                        f" reason, or deploy with"
                        f" {name_flag(_FLAG, 'FUNCTION[,FUNCTION...]', deployment)}.",
                        _AS_PROVEN_OR_NOT,
                    ),
                ),
                paragraph(
                    f"Stack {name_stack(deployment)}, account read at {format_time(read_at)}.",
                    "From now on each new certain loop comes in a notice of its own, unless many"
                    " come at once. You get no second notice of these unless they change.",
                ),
            )
        ),
    )


def _describe_unprotected(unprotected: int, unsure: int) -> str:
    unread = (
        f" Of {unsure:,} of them the setting RecursiveLoop could not be read." if unsure else ""
    )
    if not unprotected:
        return f"AWS would probably stop them by itself, after about 16 rounds.{unread}"
    return f"AWS's own detection would not stop {unprotected:,} of them.{unread}"


def _describe_loop(number: int, loop: Loop) -> str:
    """Describe a loop of many: its line, what allows it, and the best way to fix it."""
    words = [f"{draw_line(loop, limit=_WIDEST)}."]
    if loop.allowing:
        words.append(f"{join_names(loop.allowing)}: RecursiveLoop=Allow.")
    if loop.cuts:
        words.append(f"Fix: {'; and '.join(loop.cuts[0].words)}.")
    return bullet(clean(" ".join(words), 900), f"{number}.")
