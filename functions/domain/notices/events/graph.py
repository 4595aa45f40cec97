"""The events about loops that could run, and about what the guard may not read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.account.inventory import Gap
from functions.domain.graph.loop_lookup import EdgeFact
from functions.domain.graph.model import Certainty, Edge, Loop, NativeStop
from functions.domain.notices.events.encode import (
    LONGEST_NAME,
    count_rest,
    cut_name,
    cut_text,
    cut_texts,
    encode_facts,
)
from functions.domain.notices.events.facts import EventFacts, GuardFact, LoopFact
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.graph.drawing import draw_line

_MOST_EDGES: Final = 16
_MOST_LOOPS: Final = 20
_LONGEST_DRAWING: Final = 600


def describe_loops(loops: Sequence[Loop], read_at: datetime) -> NoticeEvent:
    """The event of a loop that was found, or of several that are reported together.

    Parameters
    ----------
    loops
        At least one.
    read_at
        When the account was read.
    """
    severity = max(map(_choose_severity, loops), key=list(_BY_URGENCY).index)
    if len(loops) > 1:
        described = tuple(_describe_loop(one, read_at, most_edges=0) for one in loops[:_MOST_LOOPS])
        facts = EventFacts(loops=described, loops_left_out=count_rest(loops, _MOST_LOOPS))
        return NoticeEvent(
            kind=EventKind.LOOPS_FOUND, severity=severity, at=read_at, facts=encode_facts(facts)
        )
    (loop,) = loops
    first = loop.functions[0]
    arns = (one.target.arn for one in loop.edges if one.target.name == first)
    return NoticeEvent(
        kind=EventKind.LOOP_FOUND,
        severity=severity,
        at=read_at,
        function=cut_name(first),
        function_arn=cut_text(next(arns, "")),
        facts=encode_facts(EventFacts(loop=_describe_loop(loop, read_at, most_edges=_MOST_EDGES))),
    )


_BY_URGENCY: Final = (EventSeverity.INFO, EventSeverity.WARNING, EventSeverity.CRITICAL)


def _choose_severity(loop: Loop) -> EventSeverity:
    """A certain loop that AWS will not stop waits for its first event; nothing burns yet."""
    is_certain = loop.certainty is Certainty.CERTAIN
    is_open = is_certain and loop.native_stop is not NativeStop.PROBABLY
    return EventSeverity.WARNING if is_open else EventSeverity.INFO


def _describe_loop(loop: Loop, read_at: datetime, *, most_edges: int) -> LoopFact:
    cuts = loop.cuts[:1]
    return LoopFact(
        certainty=loop.certainty.value,
        key=loop.key,
        functions=cut_texts(loop.functions, LONGEST_NAME),
        functions_left_out=count_rest(loop.functions),
        edges=tuple(map(_describe_edge, loop.edges[:most_edges])),
        edges_left_out=count_rest(loop.edges, most_edges),
        drawing=cut_text(draw_line(loop, loop.functions[0]), _LONGEST_DRAWING)
        if most_edges
        else None,
        broken_by=cut_text("; and ".join(cuts[0].words)) if cuts and most_edges else None,
        stopped_by_aws=loop.native_stop.value,
        read_at=read_at,
    )


def _describe_edge(edge: Edge) -> EdgeFact:
    return EdgeFact(
        source=cut_name(edge.source.name),
        source_kind=edge.source.kind.value,
        target=cut_name(edge.target.name),
        target_kind=edge.target.kind.value,
        means=edge.means.value,
        label=cut_text(edge.label or edge.means.value, 40),
        certainty=edge.certainty.value,
    )


def describe_blind_spots(gaps: Sequence[Gap], read_at: datetime) -> NoticeEvent:
    """The event of permissions that the guard lacks."""
    actions = sorted({gap.action for gap in gaps if gap.action})
    guard = GuardFact(
        trouble="permissions_missing",
        detail="; ".join(cut_text(f"{gap.area.value}: {gap.words}", 200) for gap in gaps[:3]),
        missing_actions=cut_texts(actions, LONGEST_NAME),
        missing_actions_left_out=count_rest(actions),
    )
    return NoticeEvent(
        kind=EventKind.PERMISSIONS_MISSING,
        severity=EventSeverity.WARNING,
        at=read_at,
        facts=encode_facts(EventFacts(guard=guard)),
    )
