"""How and since when a function is held, and for how long it was."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, LimitMapping, ScaleToZero
from functions.domain.detection.arrivals import has_others
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import Transition
from functions.domain.notices.layout import join_names
from functions.domain.notices.text import (
    format_duration,
    format_time,
    format_time_with_age,
    shorten_arn,
)


def parse_decision_reason(incident: Incident) -> DecisionReason | None:
    """Read why something was or was not done; ``None`` where the text is no known reason."""
    try:
        return DecisionReason(incident.decided)
    except ValueError:
        return None


def is_ordered(incident: Incident) -> bool:
    """Whether a person has ordered its stop."""
    return parse_decision_reason(incident) is DecisionReason.ORDERED


_ONLY_HELD: Final = frozenset(
    {DecisionReason.SUSPECTED, DecisionReason.SHOWN, DecisionReason.CANNOT_BE_TOLD}
)


def is_only_held(incident: Incident) -> bool:
    """Whether it was held to see whether it feeds itself, and never stopped for good."""
    is_held = incident.watch is not None and parse_decision_reason(incident) in _ONLY_HELD
    return is_held and not incident.has_notified(Transition.CONTAINED)


def name_restriction(incident: Incident) -> str:
    """Name what was done to the function."""
    if is_only_held(incident):
        return "held"
    return f"capped at {incident.target:,}" if incident.target else "stopped"


def describe_restriction(incident: Incident, now: datetime) -> str:
    """Say what is reserved, since when, what it was before, and whether a cap came first."""
    at = find_restriction_start(incident)
    when = f" since {format_time_with_age(at, now)}" if at else ""
    if incident.is_on_instances:
        names = join_names(
            [
                one.step.prior.qualifier
                for one in incident.stops
                if isinstance(one.step, ScaleToZero)
            ]
        )
        return (
            "It runs on Lambda Managed Instances. They are scaled to 0 execution environments"
            f"{when} ({names})."
        )
    if incident.snapshot is None:
        prior = ""
    elif incident.snapshot.reserved_concurrency is None:
        prior = "; before, nothing was reserved"
    else:
        prior = f"; before, it was {incident.snapshot.reserved_concurrency:,}"
    cap = _find_cap(incident)
    capped = ""
    if incident.watch is not None and incident.contained_at and not incident.target:
        when = "" if at == incident.contained_at else when  # a little was let go in between
        capped = f" It had been held first, from {format_time(incident.contained_at)} on."
    elif cap and not incident.target and incident.capped_at:
        capped = f" It had been capped at {cap:,} first, at {format_time(incident.capped_at)}."
    return f"Its reserved concurrency is {incident.target or 0:,}{when}{prior}.{capped}"


def find_restriction_start(incident: Incident) -> datetime | None:
    """Find when the reservation that is wanted now took effect; ``None`` where unknown."""
    return incident.capped_at if incident.target else incident.stopped_at


def _find_cap(incident: Incident) -> int:
    """Find the cap that the guard wrote last; 0 for none."""
    return next((one for one in reversed(incident.written) if one > 0), 0)


def describe_restriction_time(incident: Incident, now: datetime) -> str:
    """Say when it was capped, stopped and released, as far as the record tells."""
    if is_only_held(incident):
        return describe_hold_time(incident, now)
    capped, stopped, end = incident.capped_at, incident.stopped_at, find_end(incident, now)
    if incident.watch is not None:
        begun = incident.contained_at
        first = "" if begun is None else f"It was held first, from {format_time(begun)} on. "
        at = stopped if stopped != begun else None
        return (
            f"{first}It was stopped {_describe_span(at, end)}."
            if at
            else f"{first}Then it was stopped."
        )
    as_cap = f"It was capped at {_find_cap(incident):,}"
    if capped is None:
        return f"It was stopped {_describe_span(stopped, end)}." if stopped else ""
    if stopped is None:
        if not incident.is_at_zero:
            return f"{as_cap} {_describe_span(capped, end)}."
        # A record of an earlier version: it does not tell when.
        return f"{as_cap} at {format_time(capped)}, and stopped after that."
    if stopped < capped:  # written by clocks that differ: each moment stands for itself
        return f"{as_cap} at {format_time(capped)} and stopped at {format_time(stopped)}."
    under_cap = _describe_span(capped, _End(at=stopped))
    return f"{as_cap} {under_cap}, then stopped {_describe_span(stopped, end)}."


def describe_hold_time(incident: Incident, now: datetime) -> str:
    """Say when a hold began and ended, as far as the record tells."""
    begun = incident.contained_at
    return "" if begun is None else f"It was held {_describe_span(begun, find_end(incident, now))}."


@dataclass(frozen=True, slots=True)
class _End:
    """When something ended; `is_exact`: by the clock that told when it began."""

    at: datetime | None
    is_exact: bool = True


_FREED_BY_OTHERS: Final = frozenset(
    {StepStatus.CHANGED_MEANWHILE, StepStatus.ALREADY, StepStatus.GONE}
)


def find_end(incident: Incident, now: datetime) -> _End:
    """Find when the function was released or restored; unknown where others did it unnoticed.

    Without a record of it, the present moment, unless the record knows a later one: then `now` is
    of another clock. Where they differ by less than a minute the later one is true to the minute,
    no duration is.
    """
    if incident.released_at is not None:
        return _End(incident.released_at)
    if any(one.restored in _FREED_BY_OTHERS for one in incident.stops):
        return _End(None)
    if incident.freed_at is not None:
        return _End(incident.freed_at if incident.is_freed_at_known else None)
    if now >= incident.updated_at:
        return _End(now)
    is_near = incident.updated_at - now < timedelta(minutes=1)
    return _End(incident.updated_at if is_near else None, is_exact=False)


def _describe_span(begin: datetime, end: _End) -> str:
    if end.at is None or end.at < begin:
        return f"at {format_time(begin)}"
    span = f"from {format_time(begin)} to {format_time(end.at)}"
    has_lasted = end.is_exact and end.at - begin >= timedelta(seconds=1)
    return f"{span}, for {format_duration(end.at - begin)}" if has_lasted else span


def describe_hold(incident: Incident, now: datetime) -> str:
    """Say by what it is held, and since when."""
    at = incident.contained_at
    when = "" if at is None else f" since {format_time_with_age(at, now)}"
    if incident.is_paused:
        return _describe_pause(incident, when)
    target = incident.target or 0
    before = "nothing was reserved" if incident.prior is None else f"it was {incident.prior:,}"
    kept_on = "" if target else " Its event source mappings stay enabled."
    return f"Its reserved concurrency is {target:,}{when}; before, {before}.{kept_on}"


def _describe_pause(incident: Incident, when: str) -> str:
    sources = [
        shorten_arn(one.step.source_arn) or one.step.uuid
        for one in incident.stops
        if isinstance(one.step, DisableMapping)
    ]
    is_one = len(sources) == 1
    subject = "Its event source mapping of" if is_one else "Its event source mappings of"
    watch = incident.watch
    is_alone = watch is None or not has_others(watch.sources)
    others = "" if is_alone else " What else invokes it goes on."
    limits = [one.step.to for one in incident.steps if isinstance(one.step, LimitMapping)]
    if incident.is_let_go and limits:
        some = f"{limits[0]:,} executions at a time"
        return f"{subject} {join_names(sources)} may run {some}{when}.{others}"
    is_or_are = "is" if is_one else "are"
    return (
        f"{subject} {join_names(sources)} {is_or_are} disabled{when}. Its reserved concurrency is"
        f" not changed.{others}"
    )
