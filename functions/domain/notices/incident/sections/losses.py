"""Whether anything is being lost, and until when, in one line."""

from datetime import datetime
from typing import Final

from functions.domain.incidents.incident import Incident
from functions.domain.notices.incident.event_impact import EventImpact, Impact, assess_impacts
from functions.domain.notices.incident.sections.events import build_restriction
from functions.domain.notices.layout import join_names
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import format_duration, format_time

NOTHING_IS_LOST: Final = "Nothing is being lost."
LOST_NO_MORE: Final = "Nothing is being lost: it runs as before."
_RUNS_ON: Final = f"{NOTHING_IS_LOST} It goes on running, and so do its costs."
_MOST_NAMES: Final = 2


def describe_loss(incident: Incident, context: NoticeContext) -> str:
    """Say what is being lost of a function that is stopped, and until when nothing is."""
    if context.triggers is None:
        return "Whether anything is being lost is not known: its triggers could not be read."
    found = assess_impacts(context.triggers, build_restriction(incident, context))
    now = [_describe_present(one) for one in found if one.kind in _PRESENT]
    later = [_describe_future(one) for one in found if one.kind is Impact.EXPIRING]
    kinds = {one.kind for one in found}
    calm = (
        "" if kinds & _LOSSES else f"{'Nothing is being lost yet.' if later else NOTHING_IS_LOST}"
    )
    waits = [] if now or later else [_describe_waiting(found)]
    return " ".join(part for part in (calm, *now, *later, *waits) if part)


def describe_no_stop(incident: Incident) -> str:
    """Say that a function which goes on running loses nothing by that."""
    return _RUNS_ON if incident.assessment.rate_per_minute > 0 else NOTHING_IS_LOST


def describe_held_loss(incident: Incident, now: datetime) -> str:
    """Say until when the events of a held function wait."""
    lost_from = None if incident.watch is None else incident.watch.lost_from
    if lost_from is None:
        return f"{NOTHING_IS_LOST} What arrives waits."
    if lost_from <= now:
        return f"BEING LOST: the oldest of the events that wait, since {format_time(lost_from)}."
    return (
        f"Nothing is being lost until {format_time(lost_from)}: events wait,"
        f" {format_duration(lost_from - now)} are left."
    )


_LOSSES: Final = frozenset({Impact.LOST, Impact.MAYBE_LOST, Impact.LOOPING, Impact.MOVING})
_PRESENT: Final = _LOSSES | {Impact.REFUSED}


def _describe_present(impact: EventImpact) -> str:
    names = _name(impact)
    match impact.kind:
        case Impact.LOST:
            return f"BEING LOST until you restore it: new events{_of(names)}."
        case Impact.MAYBE_LOST:
            return f"MAY BE LOST until you restore it: new events{_of(names)}."
        case Impact.LOOPING:
            return "ITS FAILED EVENTS LOOP: they are sent to one of its own triggers."
        case Impact.MOVING:
            return f"Good messages{_of(names)} move to its dead-letter queue."
        case _:
            return f"Callers{_of(names)} are refused (status 429)."


def _describe_future(impact: EventImpact) -> str:
    when = f"{format_time(impact.deadline)} on" if impact.deadline else "a day after the stop on"
    return f"LOST from {when}: records{_of(_name(impact))}; older ones earlier."


def _describe_waiting(found: tuple[EventImpact, ...]) -> str:
    waiting = [one for one in found if one.kind is Impact.WAITING and one.triggers]
    diverted = [one for one in found if one.kind is Impact.DIVERTED]
    parts = []
    if waiting:
        names = join_names([name for one in waiting for name in one.names][:_MOST_NAMES])
        parts.append(f"Events of {names} wait.")
    if diverted:
        parts.append("New asynchronous events go to its destination.")
    return " ".join(parts)


def _name(impact: EventImpact) -> str:
    more = len(impact.names) - _MOST_NAMES
    shown = join_names(impact.names[:_MOST_NAMES])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _of(names: str) -> str:
    return f" of {names}" if names else ""
