"""From the loops of an event graph to findings: LB001 to LB010."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.checking.finding import Acceptance, Finding, Step, compute_fingerprint
from cdk_loopbreaker.checking.rules import (
    ALLOWED_LOOP,
    CUT_LOOP,
    FAILURE_LOOP,
    LOG_LOOP,
    POSSIBLE_LOOP,
    UNPROTECTED_LOOP,
)
from functions.domain.graph.model import Certainty, Means, NativeStop
from functions.domain.notices.graph.drawing import draw_line
from functions.domain.notices.graph.text import describe_edge
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdk_loopbreaker.checking.rules import Rule
    from cdk_loopbreaker.templates.model import Place
    from functions.domain.graph.model import Edge, EventGraph, Loop

_FAILURE_MEANS: Final = frozenset(
    {Means.DESTINATION, Means.DEAD_LETTER, Means.REDRIVE, Means.MOVED_BACK}
)
_LOG_MEANS: Final = frozenset({Means.LOG_SUBSCRIPTION, Means.ACCOUNT_LOG_SUBSCRIPTION})
_MOST_ADVICE: Final = 3
_STOPS: Final = {
    UNPROTECTED_LOOP: "AWS's own detection does not cover it: it runs until somebody stops it",
    CUT_LOOP: "AWS's own detection ends it after about 16 rounds, an intended one as well",
    ALLOWED_LOOP: "AWS's own detection is switched off for {allowing} (RecursiveLoop=Allow)",
}


def list_loop_findings(graph: EventGraph, places: Mapping[str, Place]) -> tuple[Finding, ...]:
    """A finding for each listed loop, in the order of the graph: certain ones first."""
    return tuple(_compose_finding(graph, loop, places) for loop in graph.loops)


def choose_rule(loop: Loop) -> Rule:
    """The rule that a loop breaks: by how it closes first, then by what AWS does about it."""
    means = {edge.means for edge in loop.edges}
    if Means.RUNTIME_LOGS in means and means & _LOG_MEANS:
        return LOG_LOOP
    if means & _FAILURE_MEANS:
        return FAILURE_LOOP
    if loop.certainty is not Certainty.CERTAIN:
        return POSSIBLE_LOOP
    if loop.allowing:
        return ALLOWED_LOOP
    return UNPROTECTED_LOOP if loop.native_stop is NativeStop.NO else CUT_LOOP


def find_edge_place(edge: Edge, places: Mapping[str, Place]) -> Place | None:
    """Where an edge is declared: its own resource, else the policy, else one of its ends."""
    keys = (f"{edge.id}|{edge.policy}", edge.id, edge.source.arn, edge.target.arn)
    return next((places[key] for key in keys if key in places), None)


def _compose_finding(graph: EventGraph, loop: Loop, places: Mapping[str, Place]) -> Finding:
    rule = choose_rule(loop)
    steps = tuple(
        Step(
            text=describe_edge(edge), certainty=edge.certainty, place=find_edge_place(edge, places)
        )
        for edge in loop.edges
    )
    accepted = loop.accepted
    return Finding(
        rule=rule,
        certainty=loop.certainty,
        account=graph.account,
        region=graph.region,
        functions=tuple(dict.fromkeys(loop.functions)),
        summary=_summarize(rule, loop),
        fingerprint=compute_fingerprint(rule, (edge.source.arn for edge in loop.edges)),
        steps=steps,
        advice=tuple(_list_advice(loop)),
        place=_choose_place(loop, steps, places),
        loop=loop,
        accepted=None
        if accepted is None
        else Acceptance(
            reason=clean(accepted.reason, 200), source=f"tag of function {clean(accepted.by, 80)}"
        ),
    )


def _summarize(rule: Rule, loop: Loop) -> str:
    first = clean(loop.functions[0], 80)
    verb = "can" if loop.certainty is Certainty.CERTAIN else "may be able to"
    said = f"{first} {verb} invoke itself: {draw_line(loop)}."
    why = _STOPS.get(rule, "")
    return f"{said} {why.format(allowing=_join(loop.allowing))}." if why else said


def _join(names: Iterable[str]) -> str:
    return ", ".join(clean(one, 80) for one in names)


def _list_advice(loop: Loop) -> Iterable[str]:
    """What breaks the loop: single changes, else the first ones that do it together."""
    cuts = [cut for cut in loop.cuts if len(cut.words) == 1] or list(loop.cuts[:1])
    for cut in cuts[:_MOST_ADVICE]:
        yield "; and ".join(cut.words)


def _choose_place(loop: Loop, steps: tuple[Step, ...], places: Mapping[str, Place]) -> Place | None:
    """The function itself where a template declares it: people look for its name."""
    function = loop.edges[0].target.arn
    if function in places:
        return places[function]
    return next((one.place for one in steps if one.place is not None), None)
