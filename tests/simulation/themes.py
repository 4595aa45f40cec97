"""Troubles that belong together: drawn independently, they would hardly ever meet.

Each theme adds to a schedule what it takes for some interplay to be possible, at moments that are
random all the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from tests.simulation.schedule import (
    ALL,
    Asks,
    Away,
    Deploys,
    Dies,
    Refuses,
    Reserves,
    Stalls,
    Switches,
    Tags,
    Wakes,
)
from tests.simulation.world.traffic import Demand

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.simulation.schedule import (
        Event,
        Fault,
        Schedule,
    )

Theme: TypeAlias = "Callable[[Schedule, Random], Schedule]"


def embellish(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with one theme added."""
    return random.choice(_THEMES)(schedule, random)


def _protect_while_capped(schedule: Schedule, random: Random) -> Schedule:
    """A person does what the mail about a cap suggests; or the deployment changes."""
    name, schedule = _with_loop(schedule, random, (Demand.PLATEAU, Demand.CROWD))
    at = random.uniform(30.0, schedule.seconds)
    event = random.choice(
        (
            Tags(at=at, function=name, exempt=True),
            Deploys(at=at, observes=True, exempt=()),
            Deploys(at=at, observes=False, exempt=(name,)),
        )
    )
    return _plus(replace(schedule, response="hold"), (event,))


def _refuse_for_long(schedule: Schedule, random: Random) -> Schedule:
    """AWS refuses what stops, lifts or restores a function, for as long as the schedule lasts."""
    demands = (Demand.CEILING, Demand.PLATEAU, Demand.CROWD)
    name, schedule = _with_loop(schedule, random, demands)
    methods = random.choice(
        (
            frozenset({"reserve"}),
            frozenset({"reserve", "unreserve"}),
            frozenset({"unreserve"}),
            frozenset({"put_provisioned"}),
            frozenset({"switch_mapping"}),
        )
    )
    seconds = max(schedule.seconds, random.choice((900.0, 1_500.0)))
    provisioned = random.choice((0, 5))
    functions = tuple(
        replace(one, provisioned=provisioned) if one.name == name else one
        for one in schedule.functions
    )
    refusal = Refuses(
        function=name,
        methods=methods,
        since=random.choice((0.0, 60.0)),
        until=seconds,
        why=random.choices(("refused", "busy", "invalid"), (70, 15, 15))[0],
    )
    return _plus(replace(schedule, seconds=seconds, functions=functions), (), (refusal,))


def _lose_the_ledger_when_held(schedule: Schedule, random: Random) -> Schedule:
    """The ledger is away while a function that is capped or released runs away."""
    name, schedule = _with_loop(schedule, random, (Demand.QUICK, Demand.CEILING))
    since = random.uniform(60.0, 240.0)
    until = since + random.uniform(20.0, 200.0)
    times = random.choice((1, 2))
    wakes = tuple(
        Wakes(at=random.uniform(since, until), kind="contributor", function=name, twice=None)
        for _ in range(times)
    )
    extra: list[Event] = list(wakes)
    if random.random() < 0.5:
        at = random.uniform(since - 20.0, since + 20.0)
        extra.append(Reserves(at=at, function=name, to=random.choice((None, 33, 44))))
    if random.random() < 0.6:
        extra.append(Asks(at=random.uniform(since, until + 90.0), functions=ALL))
    away = Away(port="ledger", since=since, until=until, loses=False, methods=frozenset())
    longer = replace(schedule, seconds=max(schedule.seconds, until + 120.0))
    return _plus(longer, tuple(extra), (away,))


def _keep_mappings_busy(schedule: Schedule, random: Random) -> Schedule:
    """Mappings take their time to switch, and a person asks for the function meanwhile."""
    name, schedule = _with_loop(schedule, random, (Demand.CEILING, Demand.PLATEAU))
    functions = tuple(
        replace(one, mappings=one.mappings or (True,)) if one.name == name else one
        for one in schedule.functions
    )
    # A pulse that waits for the mapping gets it just when the person's deployment is at work.
    until = 20.0 + 60.0 * random.choice((1, 2)) + random.uniform(0.0, 14.0)
    asks = tuple(
        Asks(at=until + random.uniform(-12.0, 5.0), functions=(name,))
        for _ in range(random.choice((1, 2)))
    )
    weather = replace(
        schedule.weather,
        mapping_seconds=random.choice((0.0, 30.0, 90.0)),
        slowness=random.choice((0, 0, 1)),
    )
    events: tuple[Event, ...] = asks
    if random.random() < 0.3:
        switched = Switches(at=random.uniform(1.0, 60.0), function=name, index=0, enabled=True)
        events = (switched, *asks)
    busy = Refuses(
        function=name,
        methods=frozenset({"switch_mapping"}),
        since=0.0,
        until=until,
        why="busy",
    )
    longer = replace(schedule, seconds=max(schedule.seconds, until + 60.0))
    return _plus(replace(longer, functions=functions, weather=weather), events, (busy,))


def _stop_without_ledger(schedule: Schedule, random: Random) -> Schedule:
    """A function is stopped by its tag alone, restored, and an old signal is tried again."""
    name, schedule = _with_loop(schedule, random, (Demand.CEILING,))
    until = random.uniform(20.0, 160.0)
    away = Away(
        port="ledger",
        since=0.0,
        until=until,
        loses=False,
        methods=random.choice((frozenset[str](), frozenset({"open"}))),
    )
    events: list[Event] = [
        Asks(at=random.uniform(until - 15.0, until + 60.0), functions=random.choice((ALL, (name,))))
    ]
    if random.random() < 0.4:
        events.append(Tags(at=random.uniform(20.0, until + 30.0), function=name, exempt=True))
    return _plus(schedule, tuple(events), (away,))


def _stall(schedule: Schedule, random: Random) -> Schedule:
    """One call of a run takes so long that its lease ends, and others go on meanwhile.

    Some runs die right after that call: nobody is there to put right what came too late.
    """
    name, schedule = _with_loop(schedule, random, (Demand.CEILING, Demand.PLATEAU))
    runs = ("signal 1", random.choice(("signal 1", "pulse 1", "pulse 2", "rollback 1")))
    stalls = tuple(
        Stalls(run=run, call=random.randrange(4, 22), seconds=random.choice((25.0, 40.0)))
        for run in runs
    )
    asks = Asks(at=random.uniform(5.0, 150.0), functions=(name,))
    again = Wakes(at=random.uniform(5.0, 150.0), kind="contributor", function=name, twice=None)
    deaths = tuple(
        Dies(run=one.run, call=one.call, after=True) for one in stalls if random.random() < 0.3
    )
    return _plus(schedule, (asks, again), (*stalls, *deaths))


_THEMES: Final[tuple[Theme, ...]] = (
    _protect_while_capped,
    _refuse_for_long,
    _lose_the_ledger_when_held,
    _keep_mappings_busy,
    _stop_without_ledger,
    _stall,
)


def _with_loop(
    schedule: Schedule, random: Random, demands: tuple[Demand, ...]
) -> tuple[str, Schedule]:
    """A function of the schedule that is looping, and seen to."""
    first = replace(schedule.functions[0], demand=random.choice(demands))
    wakes = Wakes(
        at=round(random.uniform(1.0, 30.0), 1), kind="contributor", function=first.name, twice=None
    )
    functions = (first, *schedule.functions[1:])
    return first.name, _plus(replace(schedule, functions=functions), (wakes,))


def _plus(
    schedule: Schedule, events: tuple[Event, ...], faults: tuple[Fault, ...] = ()
) -> Schedule:
    rounded = (replace(one, at=round(one.at, 1)) for one in events)
    ordered = sorted((*schedule.events, *rounded), key=lambda one: one.at)
    return replace(schedule, events=tuple(ordered), faults=(*schedule.faults, *faults))
