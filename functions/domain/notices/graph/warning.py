"""What people are told of loops that could run, before the first event does.

Such a notice comes at the time of a deployment, not at 3 a.m.: it says first that nothing has
happened, then what the loop is, whether AWS would stop it, what takes it apart, and how to say
that it is meant to be.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.domain.account.inventory import Gap
from functions.domain.graph.model import Certainty, Edge, Loop, NativeStop
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
    name_stack,
    paragraph,
    quote,
    section,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import clean, format_count, format_time

MOST_SINGLE: Final = 5
"""More new loops than that at one time come in one notice."""

_WIDEST: Final = 76
_MOST_LISTED: Final = 20
_MOST_GAPS: Final = 20
_MOST_CUTS: Final = 3
_MOST_WHY: Final = 40
_TAG: Final = "loopbreaker:accepted-loop"
_FLAG: Final = "accepted_loops"
_NOTHING_CHANGED: Final = "Nothing was changed, so there is nothing to restore."
_AS_ANY_OTHER: Final = (
    "Should it begin to run away, Loopbreaker deals with it as with any other function."
)
_AS_PROVEN_OR_NOT: Final = (
    "Should one begin to run away, Loopbreaker takes a certain loop as proof, and acts on less."
)
_AS_PROVEN: Final = (
    "Should it begin to run away, Loopbreaker takes this loop as proof, and acts on less."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopNotice:
    """A mail with the keys of the loops that it is about."""

    notice: Notice
    keys: tuple[str, ...]


def compose_warnings(
    loops: Sequence[Loop], deployment: Deployment, read_at: datetime, *, is_first: bool
) -> tuple[LoopNotice, ...]:
    """Tell of new loops: in a notice for each, or in one for all where they are many.

    Parameters
    ----------
    read_at
        When the account was read.
    is_first
        Whether the account was never charted before: its loops come in one notice then.
    """
    if not loops:
        return ()
    if len(loops) > MOST_SINGLE or (is_first and len(loops) > 1):
        keys = tuple(one.key for one in loops)
        return (
            LoopNotice(
                notice=_compose_digest(loops, deployment, read_at, is_first=is_first), keys=keys
            ),
        )
    return tuple(
        LoopNotice(notice=compose_warning(one, deployment, read_at), keys=(one.key,))
        for one in loops
    )


def compose_warning(loop: Loop, deployment: Deployment, read_at: datetime) -> Notice:
    """Warn of one loop."""
    first = loop.functions[0]
    is_certain = loop.certainty is Certainty.CERTAIN
    can = "can" if is_certain else "might"
    subject = compose_subject(
        "WARNING" if is_certain else "Perhaps a loop:", first, f" {can} invoke itself in a loop"
    )
    return Notice(
        subject=subject,
        body=compose_body(
            (
                _compose_opening(loop, first),
                describe_location(deployment),
                section("THE LOOP", *_draw(loop, first)),
                section("WHY LOOPBREAKER THINKS SO", *_list_edges(loop)),
                section(
                    "WOULD AWS STOP IT",
                    paragraph(describe_native_stop(loop, deployment.region or "")),
                ),
                section("WHAT BREAKS IT", *_list_cuts(loop)),
                section("IS IT MEANT TO BE", *_compose_acceptance(loop, deployment)),
                section(
                    "NOTHING TO RESTORE",
                    paragraph(_NOTHING_CHANGED, _AS_PROVEN if is_certain else _AS_ANY_OTHER),
                ),
                paragraph(
                    f"Loop {loop.key}, stack {name_stack(deployment)}, account read at"
                    f" {format_time(read_at)}.",
                    "You get no second notice of it unless it changes.",
                ),
            )
        ),
    )


def compose_blind_spots(gaps: Sequence[Gap], deployment: Deployment, read_at: datetime) -> Notice:
    """Tell what the guard may not read. `gaps` are whole areas."""
    actions = sorted({gap.action for gap in gaps if gap.action})
    return Notice(
        subject=clean(
            f"{MARK} Loops may go unseen: {format_count(len(actions), 'permission')} to read"
            " missing"
        )[:SUBJECT_LIMIT],
        body=compose_body(
            (
                paragraph(
                    "Loopbreaker reads the configuration of this account to find loops before they"
                    " run. AWS did not let it read a part of that.",
                    "Loops through what it does not see are called possible, or are not found.",
                ),
                describe_location(deployment),
                section(
                    "WHAT IT COULD NOT READ",
                    *(
                        bullet(f"{gap.area.value}: {gap.action}. AWS says: {quote(gap.words)}")
                        for gap in gaps[:_MOST_GAPS]
                    ),
                    count_left_out(len(gaps) - _MOST_GAPS, "area"),
                ),
                section(
                    "WHAT TO DO",
                    paragraph(
                        "The role of the function has these permissions. Something above it takes"
                        " them away: a service control policy, a resource control policy or a"
                        " permissions boundary. Let it allow:"
                    ),
                    *(command_line(one) for one in actions),
                ),
                paragraph(
                    f"Stack {name_stack(deployment)}, account read at {format_time(read_at)}.",
                    "You get no second notice of these unless others are added.",
                ),
            )
        ),
    )


def _compose_opening(loop: Loop, first: str) -> str:
    others = [one for one in loop.functions[1:] if one != first]
    by_way_of = f" by way of {join_names(others)}" if others else ""
    said = clean(first, 160)
    if loop.certainty is Certainty.CERTAIN:
        return paragraph(
            f"{said} can invoke itself{by_way_of}: what it writes triggers it again. This was read"
            " from the configuration of the account, whether or not it has run yet. Nothing was"
            " changed."
        )
    return paragraph(
        f"{said} might invoke itself{by_way_of}. The configuration allows it, but does not show"
        " that it happens: see below for what is not certain. Nothing was changed."
    )


def _draw(loop: Loop, first: str) -> tuple[str, ...]:
    """Draw on one line where it fits, otherwise from top to bottom; lines are not broken."""
    picture = draw_line(loop, first)
    if len(picture) > _WIDEST:
        picture = draw_loop(loop, first)
    return (
        "\n".join(indent_drawing(one) for one in picture.splitlines()),
        "" if loop.certainty is Certainty.CERTAIN else paragraph("Dashed: possible, not certain."),
    )


def _list_edges(loop: Loop) -> tuple[str, ...]:
    return (
        *(
            bullet(f"{describe_edge(edge)}{_describe_certainty(edge)}.")
            for edge in loop.edges[:_MOST_WHY]
        ),
        count_left_out(len(loop.edges) - _MOST_WHY, "step"),
    )


def _describe_certainty(edge: Edge) -> str:
    return "" if edge.certainty is Certainty.CERTAIN else f" ({edge.certainty.value})"


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


def _compose_acceptance(loop: Loop, deployment: Deployment) -> tuple[str, ...]:
    first = loop.functions[0]
    region = f" --region {shlex.quote(deployment.region)}" if deployment.region else ""
    arn = next(
        (edge.target.arn for edge in loop.edges if edge.target.name == first), "FUNCTION_ARN"
    )
    resource = shlex.quote(clean(arn, 400))
    name = clean(first, 400) if deployment.is_embedded else shlex.quote(clean(first, 400))
    return (
        paragraph(
            "Code can end a loop by itself, which no configuration tells. If this one is intended,"
            " say so with the reason; it is kept beside the loop, and a spike of the function is"
            " judged without the proof:"
        ),
        command_line(
            f"aws lambda tag-resource --resource {resource}"
            f" --tags '{_TAG}=why it is intended'{region}"
        ),
        paragraph(
            f"Or deploy with {name_flag(_FLAG, name, deployment)} beside your other"
            f" {'properties' if deployment.is_embedded else 'flags'}."
        ),
    )


def _compose_digest(
    loops: Sequence[Loop], deployment: Deployment, read_at: datetime, *, is_first: bool
) -> Notice:
    certain = sum(one.certainty is Certainty.CERTAIN for one in loops)
    unprotected = sum(one.native_stop is NativeStop.NO for one in loops)
    unsure = sum(one.native_stop is NativeStop.UNLESS_ALLOWED for one in loops)
    found = format_count(len(loops), "loop")
    lead = f"WARNING {found}" if certain else f"Perhaps {found}"
    tail = "that could run" if is_first else "more that could run"
    return Notice(
        subject=clean(f"{MARK} {lead} {tail}, {certain} certain")[:SUBJECT_LIMIT],
        body=compose_body(
            (
                paragraph(
                    f"The configuration of this account holds {found}"
                    f"{'' if is_first else ' that you were not told of yet'}, by which functions"
                    f" can invoke themselves: {certain:,} certain,"
                    f" {len(loops) - certain:,} possible."
                    f" {_describe_unprotected(unprotected, unsure)} Nothing was changed.",
                ),
                describe_location(deployment),
                section(
                    "THE LOOPS",
                    *(
                        _describe_loop(number, one)
                        for number, one in enumerate(loops[:_MOST_LISTED], 1)
                    ),
                    count_left_out(len(loops) - _MOST_LISTED, "loop"),
                ),
                section(
                    "ARE THEY MEANT TO BE",
                    paragraph(
                        "Code can end a loop by itself, which no configuration tells. Accept an"
                        f" intended one with the tag {_TAG} on a function of it, its value the"
                        f" reason, or deploy with"
                        f" {name_flag(_FLAG, 'FUNCTION[,FUNCTION...]', deployment)}."
                    ),
                ),
                section(
                    "NOTHING TO RESTORE",
                    paragraph(_NOTHING_CHANGED, _AS_PROVEN_OR_NOT if certain else _AS_ANY_OTHER),
                ),
                paragraph(
                    f"Stack {name_stack(deployment)}, account read at {format_time(read_at)}.",
                    "From now on each new loop comes in a notice of its own, unless many come at"
                    " once. You get no second notice of these unless they change.",
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
    """Describe a loop of many: its line, what allows it, and the best way to break it."""
    words = [f"{loop.certainty.value.capitalize()}: {draw_line(loop, limit=_WIDEST)}."]
    if loop.allowing:
        words.append(f"{join_names(loop.allowing)}: RecursiveLoop=Allow.")
    if loop.cuts:
        words.append(f"Breaks it: {'; and '.join(loop.cuts[0].words)}.")
    return bullet(clean(" ".join(words), 900), f"{number}.")
