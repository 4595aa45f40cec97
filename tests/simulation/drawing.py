"""Drawing a schedule from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final

from tests.simulation.schedule import (
    ALL,
    SAME,
    Adds,
    Asks,
    AsksOtherwise,
    Away,
    Deletes,
    DeletesAlias,
    Deploys,
    Dies,
    Ends,
    Loses,
    Orders,
    Provisions,
    Refuses,
    Reserves,
    Schedule,
    Shifts,
    Stalls,
    Starts,
    Switches,
    Tags,
    Wakes,
    Weather,
)
from tests.simulation.themes import embellish
from tests.simulation.world.traffic import Demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.schedule import (
        Event,
        Fault,
    )

NAMES: Final = ("orders", "billing", "mailer")
_THEMED_SHARE: Final = 0.45
_ENDING_SHARE: Final = 0.2
_CALLERS_SHARE: Final = 0.2
_LOOP_SHARE: Final = 0.25
_ORDERS_SHARE: Final = 0.25
_PROBATION_SHARE: Final = 0.25
_SKEWED_SHARE: Final = 0.2
_SINKS_SHARE: Final = 0.4
# Which of two stops came first is told by clocks, also by those of two processes. AWS keeps them
# within milliseconds of each other; minutes apart, nobody could tell.
CLOCKS_DIFFER_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
_KEYLESS_SHARE: Final = 0.2
_CALLS: Final = (*range(1, 25), *range(5, 18), *range(25, 50))
_REFUSED: Final = (
    frozenset({"reserve"}),
    frozenset({"reserve", "unreserve"}),
    frozenset({"reserve", "unreserve", "put_provisioned", "remove_provisioned"}),
    frozenset({"put_provisioned"}),
    frozenset({"remove_provisioned"}),
    frozenset({"switch_mapping"}),
    frozenset({"tag", "untag"}),
    frozenset({"untag"}),
    frozenset({"describe", "reserved_concurrency"}),
    frozenset({"provisioned", "mappings", "mapping"}),
)
_LEDGER_PARTS: Final = (
    frozenset[str](),
    frozenset({"open"}),
    frozenset({"save"}),
    frozenset({"save", "supersede", "hold", "file_away"}),
    frozenset({"read_live"}),
    frozenset({"find", "read_live"}),
)


def draw(seed: int) -> Schedule:
    """The schedule of a seed."""
    random = Random(seed)
    schedule = _Draw(random).schedule(seed)
    if random.random() < _THEMED_SHARE:
        schedule = embellish(schedule, random)
    schedule = _with_callers(schedule, Random(f"{seed} callers"))
    schedule = _with_loop(schedule, Random(f"{seed} loop"))
    schedule = _with_ends(schedule, Random(f"{seed} ends"))
    schedule = _with_orders(schedule, Random(f"{seed} orders"))
    schedule = _with_sinks(schedule, Random(f"{seed} sinks"))
    schedule = _with_probation(schedule, Random(f"{seed} probation"))
    return _with_processes(schedule, Random(f"{seed} processes"))


def _with_sinks(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with a bus or a topic for chat that fails for a while, drawn apart as well."""
    if random.random() >= _SINKS_SHARE:
        return schedule
    since = random.choice((0.0, random.uniform(0.0, schedule.seconds)))
    spell = Away(
        port=random.choice(("bus", "chat")),
        since=since,
        until=since + random.choice((2.0, 90.0, 600.0, schedule.seconds)),
        loses=random.random() < 0.3,
        methods=frozenset(),
    )
    return replace(schedule, faults=(*schedule.faults, spell))


def _with_orders(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with a person who stops functions, drawn apart from all the rest."""
    if random.random() >= _ORDERS_SHARE:
        return schedule
    orders = tuple(
        Orders(
            at=round(random.uniform(1.0, schedule.seconds), 1),
            function=random.choice(schedule.functions).name,
            again=random.choice((None, None, 0.5, 20.0, 300.0)),
        )
        for _ in range(random.choice((1, 1, 2, 3)))
    )
    events = tuple(sorted((*schedule.events, *orders), key=lambda one: one.at))
    return replace(schedule, events=events)


def _with_probation(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with people who want functions back carefully, drawn apart from all the rest.

    The loop is mended before, or not, or only after it came back. Some of these runs die.
    """
    if random.random() >= _PROBATION_SHARE:
        return schedule
    events: list[Event] = []
    seconds = schedule.seconds
    for _ in range(random.choice((1, 1, 1, 2))):
        at = random.uniform(40.0, max(60.0, schedule.seconds))
        name = random.choice(schedule.functions).name
        events.append(
            AsksOtherwise(
                at=at,
                functions=ALL if random.random() < 0.3 else (name,),
                careful=random.random() < 0.85,
                again=random.choice((None, None, 0.5, 30.0, 300.0)),
            )
        )
        mended = random.choice((None, None, at - 20.0, at - 1.0, at + 200.0))
        if mended is not None:
            events.append(Shifts(at=max(1.0, mended), function=name, demand=Demand.QUIET))
        # Most probations are over within half an hour; some schedules end while one is under way.
        seconds = max(seconds, at + random.choice((60.0, 900.0, 1_800.0)))
    run = random.choice(("rollback 1", "careful 1", "careful 1", "pulse 3", "pulse 8"))
    call = random.randint(1, 22)
    deaths = tuple(
        Dies(run=run, call=call, after=random.random() < 0.5)
        for _ in range(random.choice((0, 0, 1)))
    )
    rounded = (replace(one, at=round(one.at, 1)) for one in events)
    return replace(
        schedule,
        seconds=seconds,
        events=tuple(sorted((*schedule.events, *rounded), key=lambda one: one.at)),
        faults=(*schedule.faults, *deaths),
    )


def _with_callers(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with a function that only callers invoke, drawn apart from all the rest.

    They fill the account from the beginning, or from some moment on; they may give up, or not.
    """
    if random.random() >= _CALLERS_SHARE:
        return schedule
    starts = random.choice(schedule.functions)
    began = random.random() < 0.7
    called = replace(
        starts,
        reserved=random.choice((None, None, None, 50)),
        provisioned=0,
        mappings=(),
        demand=Demand.CALLERS if began else Demand.QUIET,
    )
    at = 0.0 if began else random.uniform(1.0, schedule.seconds / 2)
    wakes = Wakes(
        at=at + random.uniform(1.0, 40.0 if began else 150.0),
        kind="contributor",
        function=called.name,
        twice=random.choice((None, None, 2.0, 60.0)),
    )
    events: list[Event] = [wakes]
    if not began:
        events.append(Shifts(at=at, function=called.name, demand=Demand.CALLERS))
    if random.random() < 0.5:
        ends = random.uniform(at, schedule.seconds)
        events.append(Shifts(at=ends, function=called.name, demand=Demand.QUIET))
    functions = tuple(called if one is starts else one for one in schedule.functions)
    rounded = (replace(one, at=round(one.at, 1)) for one in events)
    return replace(
        schedule,
        # A cap lasts for a quarter of an hour, and some schedules are over before that.
        seconds=max(schedule.seconds, random.choice((0.0, 1_200.0))),
        functions=functions,
        events=tuple(sorted((*schedule.events, *rounded), key=lambda one: one.at)),
    )


def _with_loop(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with an event graph, in which functions lie on one loop; drawn apart.

    Mostly all of them run away together, and the guard is told of more than one.
    """
    if random.random() >= _LOOP_SHARE:
        return schedule
    functions = schedule.functions
    if len(functions) == 1 and random.random() < 0.7:
        functions = (*functions, _Draw(random)._starts(NAMES[1]))
    if len(functions) > 1 and random.random() < 0.8:
        demand = random.choice((Demand.PLATEAU, Demand.PLATEAU, Demand.CEILING, Demand.QUICK))
        functions = tuple(replace(one, demand=demand) for one in functions)
    wakes = tuple(
        Wakes(
            at=round(random.uniform(1.0, 90.0), 1),
            kind="contributor",
            function=one.name,
            twice=None,
        )
        for one in functions
        if random.random() < 0.7
    )
    return replace(
        schedule,
        # A certain loop that cannot be held is stopped after a quarter of an hour.
        seconds=max(schedule.seconds, random.choice((0.0, 0.0, 1_500.0))),
        functions=functions,
        events=tuple(sorted((*schedule.events, *wakes), key=lambda one: one.at)),
        loop=frozenset(one.name for one in functions),
        is_certain=random.random() < 0.6,
    )


def _with_ends(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with ends of holds, drawn apart from all the rest; some of these runs die."""
    if random.random() >= _ENDING_SHARE:
        return schedule
    ends = tuple(
        Ends(
            at=round(random.uniform(5.0, schedule.seconds - 5.0), 1),
            function=random.choice(schedule.functions).name,
            late=random.choice((None, 0.5, 30.0, 200.0)),
        )
        for _ in range(random.choice((1, 1, 2)))
    )
    deaths = tuple(
        Dies(run="end 1", call=random.randint(1, 14), after=random.random() < 0.5)
        for _ in range(random.choice((0, 0, 1)))
    )
    events = sorted((*schedule.events, *ends), key=lambda one: one.at)
    return replace(schedule, events=tuple(events), faults=(*schedule.faults, *deaths))


def _with_processes(schedule: Schedule, random: Random) -> Schedule:
    """The schedule with processes whose clocks differ, or that lack the key of the tags.

    Without the key some of them cannot read it for a while, and some need it just then.
    """
    weather, faults = schedule.weather, schedule.faults
    if random.random() < _SKEWED_SHARE:
        weather = replace(weather, clock_seconds=random.choice(CLOCKS_DIFFER_SECONDS))
    if random.random() < _KEYLESS_SHARE:
        weather = replace(weather, keyless=random.choice((0.3, 1.0)))
        since = random.choice((0.0, random.uniform(0.0, schedule.seconds)))
        until = min(schedule.seconds, since + random.choice((20.0, 90.0, 240.0)))
        parts = random.choice((None, frozenset({"read_tag_key"}), frozenset[str]()))
        if parts is not None:
            away = Away(port="ledger", since=since, until=until, loses=False, methods=parts)
            faults = (*faults, away)
    return replace(schedule, weather=weather, faults=faults)


@dataclass(slots=True)
class _Draw:
    random: Random
    seconds: float = 0.0

    def schedule(self, seed: int) -> Schedule:
        random = self.random
        is_long = random.random() < 0.05
        self.seconds = random.choice((1_200.0, 1_800.0)) if is_long else random.uniform(150, 540)
        functions = tuple(
            self._starts(name) for name in NAMES[: random.choices((1, 2, 3), (70, 24, 6))[0]]
        )
        names = [one.name for one in functions]
        events = [*self._signals(functions), *self._people(names)]
        if is_long:  # what wears on: few things at a time
            events = [one for one in events if not isinstance(one, Deletes)]
        return Schedule(
            seed=seed,
            seconds=self.seconds,
            response=random.choices(("hold", "throttle", "notify"), (70, 25, 5))[0],
            blast_radius=random.choice((1, 3, 3, 3)),
            weather=self._weather(),
            functions=functions,
            events=tuple(sorted(events, key=lambda one: one.at)),
            faults=self._faults(names, len(events), is_long=is_long),
        )

    def _may(self, share: float) -> bool:
        return self.random.random() < share

    def _moment(self) -> float:
        return round(self.random.uniform(1.0, self.seconds - 5.0), 1)

    def _starts(self, name: str) -> Starts:
        random = self.random
        reserved = random.choice((None, None, 50, 20))
        return Starts(
            name=name,
            reserved=reserved,
            provisioned=random.choice((0, 0, 0, 5)),
            mappings=tuple(
                random.random() < 0.8 for _ in range(random.choices((0, 1, 2), (30, 50, 20))[0])
            ),
            demand=random.choices(list(Demand), (10, 40, 25, 10, 15, 0))[0],  # callers: apart
            since=random.choice((120.0, 240.0, 480.0)),
        )

    def _weather(self) -> Weather:
        random = self.random
        return Weather(
            slowness=random.choices((0, 1, 2), (40, 40, 20))[0],
            late_minutes=random.choice((0, 0, 1, 2)),
            tags_seconds=random.choice((0.0, 0.0, 0.0, 5.0, 45.0)),
            mapping_seconds=random.choice((0.0, 0.0, 20.0, 90.0)),
            trail_seconds=random.choice((None, None, 5.0, 60.0, 300.0)),
            trail_names_us=random.random() < 0.6,
            trail_loses=random.choice((0.0, 0.0, 0.3)),
            trail_doubles=random.choice((0.0, 0.0, 0.3)),
            pulse_loses=random.choice((0.0, 0.0, 0.0, 0.3)),
        )

    def _signals(self, functions: tuple[Starts, ...]) -> list[Event]:
        random = self.random
        found: list[Event] = []
        for one in functions:
            if one.demand is not Demand.QUIET or self._may(0.2):
                at = round(random.uniform(1.0, 40.0), 1)
                found.append(self._wakes(at, one.name))
            if self._may(0.35):
                found.append(self._wakes(self._moment(), one.name))
            if self._may(0.45):
                found.append(
                    Shifts(
                        at=self._moment(),
                        function=one.name,
                        demand=random.choice((Demand.QUIET, Demand.QUIET, Demand.CEILING)),
                    )
                )
        if self._may(0.15):
            found.append(
                Wakes(
                    at=self._moment(),
                    kind=random.choice(("alarm", "sweep")),
                    function="",
                    twice=None,
                )
            )
        return found

    def _wakes(self, at: float, name: str) -> Wakes:
        twice = round(self.random.choice((0.1, 2.0, 30.0, 200.0)), 1) if self._may(0.25) else None
        return Wakes(at=at, kind="contributor", function=name, twice=twice)

    def _people(self, names: list[str]) -> list[Event]:
        random = self.random
        kinds: list[Callable[[str], Event]] = [
            lambda name: Asks(at=self._moment(), functions=self._asked(name)),
            lambda name: Asks(at=self._moment(), functions=self._asked(name)),
            lambda name: Reserves(
                at=self._moment(),
                function=name,
                to=random.choice((None, None, 0, 3, 2, 33, 44, 50, SAME)),
            ),
            lambda name: Provisions(at=self._moment(), function=name, to=random.choice((0, 4, 7))),
            lambda name: Switches(
                at=self._moment(),
                function=name,
                index=random.choice((0, 1)),
                enabled=random.random() < 0.5,
            ),
            lambda name: Tags(at=self._moment(), function=name, exempt=random.random() < 0.8),
            lambda name: Deploys(
                at=self._moment(),
                observes=random.random() < 0.5,
                exempt=(name,) if random.random() < 0.5 else (),
            ),
            lambda name: Deletes(
                at=self._moment(),
                function=name,
                again=random.choice((None, 1.0, 20.0, 200.0)),
            ),
            lambda name: DeletesAlias(at=self._moment(), function=name),
            lambda name: Adds(at=self._moment(), function=name),
        ]
        if self._may(0.15):
            return []
        drawn = random.sample(kinds, random.choices((1, 2, 3), (45, 35, 20))[0])
        return [kind(random.choice(names)) for kind in drawn for _ in range(self._times())]

    def _asked(self, name: str) -> tuple[str, ...]:
        return ALL if self._may(0.5) else (name,)

    def _faults(self, names: list[str], events: int, *, is_long: bool) -> tuple[Fault, ...]:
        random = self.random
        kinds: list[Callable[[], Fault]] = [
            lambda: Dies(run=self._run(), call=self._call(), after=random.random() < 0.5),
            lambda: Dies(run=self._run(), call=self._call(), after=random.random() < 0.5),
            lambda: Stalls(
                run=self._run(), call=self._call(), seconds=random.choice((5.0, 15.0, 25.0))
            ),
            lambda: Loses(run=self._run(), call=self._call()),
            lambda: self._away("ledger", random.choice(_LEDGER_PARTS), is_long=is_long),
            lambda: self._away("ledger", frozenset(), is_long=is_long),
            lambda: self._away("publisher", frozenset(), is_long=is_long),
            lambda: self._away("metrics", frozenset(), is_long=is_long),
            lambda: self._refuses(random.choice(names), is_long=is_long),
            lambda: self._refuses(random.choice(names), is_long=is_long),
        ]
        if self._may(0.12):
            return ()
        drawn = random.sample(kinds, random.choices((1, 2, 3), (45, 35, 20))[0])
        return tuple(kind() for kind in drawn for _ in range(self._times()))

    def _times(self) -> int:
        return self.random.choices((1, 2, 3), (60, 30, 10))[0]

    def _run(self) -> str:
        """One of the runs that there may be: the first of each kind are the likeliest."""
        number = self.random.choices((1, 2, 3, 4), (50, 25, 15, 10))[0]
        kind = self.random.choice(("signal", "signal", "pulse", "pulse", "rollback", "event"))
        return f"{kind} {number}"

    def _call(self) -> int:
        call: int = self.random.choice(_CALLS)
        return call

    def _away(self, port: str, methods: frozenset[str], *, is_long: bool) -> Away:
        since = 0.0 if self._may(0.4) else self._moment()
        length = self.seconds if is_long else self.random.choice((2.0, 20.0, 90.0, 240.0))
        return Away(
            port=port,
            since=since,
            until=min(self.seconds, since + length),
            loses=self._may(0.15),
            methods=methods,
        )

    def _refuses(self, name: str, *, is_long: bool) -> Refuses:
        since = 0.0 if self._may(0.4) else self._moment()
        length = self.seconds if is_long else self.random.choice((2.0, 20.0, 90.0, 240.0))
        return Refuses(
            function=name,
            methods=self.random.choice(_REFUSED),
            since=since,
            until=min(self.seconds, since + length),
            why=self.random.choices(("refused", "busy", "invalid"), (55, 30, 15))[0],
        )
