"""Making a schedule that breaks a rule as short as it can be while it still breaks it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from tests.simulation.play import play
from tests.simulation.schedule import Wakes, Weather

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.schedule import Schedule, Starts

_T = TypeVar("_T")


def shorten(schedule: Schedule, rule: str) -> Schedule:
    """The shortest schedule found that still breaks the rule: nothing can be left out of it."""
    changed = True
    while changed:
        changed = False
        for shorter in _shorter(schedule):
            if any(one.rule == rule for one in play(shorter).broken):
                schedule, changed = shorter, True
                break
    return schedule


def _shorter(schedule: Schedule) -> Iterator[Schedule]:
    """The schedule without one thing each time, the largest things first."""
    yield from _with_fewer_functions(schedule)
    for index in range(len(schedule.events)):
        yield replace(schedule, events=_without(schedule.events, index))
    for index in range(len(schedule.faults)):
        yield replace(schedule, faults=_without(schedule.faults, index))
    yield from _in_calmer_weather(schedule)
    for index, event in enumerate(schedule.events):
        if isinstance(event, Wakes) and event.twice is not None:
            once = replace(event, twice=None)
            yield replace(schedule, events=_without(schedule.events, index, once))
    for index, one in enumerate(schedule.functions):
        for simpler in _simpler(one):
            yield replace(schedule, functions=_without(schedule.functions, index, simpler))


def _without(items: tuple[_T, ...], index: int, *instead: _T) -> tuple[_T, ...]:
    return (*items[:index], *instead, *items[index + 1 :])


def _with_fewer_functions(schedule: Schedule) -> Iterator[Schedule]:
    if len(schedule.functions) == 1:
        return
    for index, one in enumerate(schedule.functions):
        yield replace(
            schedule,
            functions=_without(schedule.functions, index),
            events=tuple(
                event for event in schedule.events if getattr(event, "function", "") != one.name
            ),
        )


def _in_calmer_weather(schedule: Schedule) -> Iterator[Schedule]:
    weather, calm = schedule.weather, Weather()
    for one in fields(Weather):
        value: Any = getattr(calm, one.name)
        if getattr(weather, one.name) != value:
            yield replace(schedule, weather=replace(weather, **{one.name: value}))


def _simpler(starts: Starts) -> Iterator[Starts]:
    if starts.mappings:
        yield replace(starts, mappings=starts.mappings[1:])
    if starts.provisioned:
        yield replace(starts, provisioned=0)
    if starts.reserved is not None:
        yield replace(starts, reserved=None)
