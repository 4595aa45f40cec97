"""A schedule: what happens when, as data, drawn from a seed and told in plain English.

Not every schedule has everything: each draws which kinds of trouble it has, so that few of them
meet often (swarm testing). Every item can be left out, which is how a schedule is made shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tests.simulation.world.traffic import Demand

ALL = ("all",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """A function as it is in the beginning; its loop or crowd began `since` seconds before."""

    name: str
    reserved: int | None
    provisioned: int
    mappings: tuple[bool, ...]
    demand: Demand
    since: float

    def __str__(self) -> str:
        """Say it."""
        kept = "nothing reserved" if self.reserved is None else f"{self.reserved} reserved"
        provisioned = f", {self.provisioned} provisioned on alias live" if self.provisioned else ""
        switched = ", ".join("enabled" if one else "disabled" for one in self.mappings)
        mappings = f", mappings {switched}" if self.mappings else ", no mapping"
        return f"{self.name}: {kept}{provisioned}{mappings}; traffic: {self.demand}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    """Other traffic asks for a function."""

    at: float
    function: str
    demand: Demand

    def __str__(self) -> str:
        """Say it."""
        return f"the traffic of {self.function} turns to {self.demand}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wakes:
    """A signal wakes `contain`; `twice` seconds later once more, or ``None``."""

    at: float
    kind: str
    function: str
    twice: float | None

    def __str__(self) -> str:
        """Say it."""
        about = f" about {self.function}" if self.function else ""
        again = "" if self.twice is None else f", and the same event {self.twice:.1f} s later"
        return f"a signal ({self.kind}){about}{again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """A person deploys with the rollback flag, and by force."""

    at: float
    functions: tuple[str, ...]

    def __str__(self) -> str:
        """Say it."""
        return f"a person deploys with -c rollback={','.join(self.functions)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsksOtherwise:
    """A person wants functions back, and not by force.

    Attributes
    ----------
    careful
        On probation; else at once, unless their loop is closed in the event graph.
    again
        Seconds later the same request comes once more, or ``None``.
    """

    at: float
    functions: tuple[str, ...]
    careful: bool
    again: float | None

    def __str__(self) -> str:
        """Say it."""
        how = " --probation" if self.careful else ""
        twice = "" if self.again is None else f", and sends it again {self.again:.1f} s later"
        return f"a person runs loopbreaker restore {','.join(self.functions)}{how}{twice}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """A person orders a stop; `again` seconds later the same request comes once more, or not."""

    at: float
    function: str
    again: float | None

    def __str__(self) -> str:
        """Say it."""
        twice = "" if self.again is None else f", and sends it again {self.again:.1f} s later"
        return f"a person runs loopbreaker stop {self.function}{twice}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The schedule fires that ends the hold of the incident that a function has at that time.

    `late` seconds later the same comes once more, whatever has become of the incident; or ``None``.
    """

    at: float
    function: str
    late: float | None

    def __str__(self) -> str:
        """Say it."""
        again = "" if self.late is None else f", and once more {self.late:.1f} s later"
        return f"the schedule fires that ends a hold of {self.function}{again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserves:
    """A person sets the reservation; -1: to what is reserved now."""

    at: float
    function: str
    to: int | None

    def __str__(self) -> str:
        """Say it."""
        if self.to == SAME:
            return f"a person reserves for {self.function} what is reserved already"
        to = "takes the reservation away from" if self.to is None else f"reserves {self.to} for"
        return f"a person {to} {self.function}"


SAME = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisions:
    """A person requests provisioned concurrency on alias live; 0: takes it away."""

    at: float
    function: str
    to: int

    def __str__(self) -> str:
        """Say it."""
        return f"a person sets the provisioned concurrency of {self.function}:live to {self.to}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """A person switches a mapping."""

    at: float
    function: str
    index: int
    enabled: bool

    def __str__(self) -> str:
        """Say it."""
        does = "enables" if self.enabled else "disables"
        return f"a person {does} mapping {self.index + 1} of {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """A person tags a function as exempt, or takes the tag away."""

    at: float
    function: str
    exempt: bool

    def __str__(self) -> str:
        """Say it."""
        does = "puts loopbreaker:exempt=true on" if self.exempt else "takes the exempt tag off"
        return f"a person {does} {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploys:
    """A person deploys the guard with other flags."""

    at: float
    observes: bool
    exempt: tuple[str, ...]

    def __str__(self) -> str:
        """Say it."""
        mode = "observe" if self.observes else "enforce"
        flag = f" -c exempt={','.join(self.exempt)}" if self.exempt else ""
        return f"a person deploys with -c mode={mode}{flag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletes:
    """A person deletes a function, and creates it again `again` seconds later."""

    at: float
    function: str
    again: float | None

    def __str__(self) -> str:
        """Say it."""
        after = "" if self.again is None else f" and creates it again {self.again:.1f} s later"
        return f"a person deletes {self.function}{after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletesAlias:
    """A person deletes alias live of a function, and its provisioned concurrency with it."""

    at: float
    function: str

    def __str__(self) -> str:
        """Say it."""
        return f"a person deletes alias live of {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adds:
    """A person creates one more mapping."""

    at: float
    function: str

    def __str__(self) -> str:
        """Say it."""
        return f"a person creates a mapping of {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dies:
    """A run dies at a call."""

    run: str
    call: int
    after: bool

    def __str__(self) -> str:
        """Say it."""
        return f"{self.run} dies {'after' if self.after else 'before'} its call {self.call}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalls:
    """A call of a run takes long."""

    run: str
    call: int
    seconds: float

    def __str__(self) -> str:
        """Say it."""
        return f"call {self.call} of {self.run} takes {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loses:
    """The answer to a call of a run is lost, its effect is not."""

    run: str
    call: int

    def __str__(self) -> str:
        """Say it."""
        return f"the answer to call {self.call} of {self.run} is lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A service does not answer for a while; `loses`: it carries out what it is asked."""

    port: str
    since: float
    until: float
    loses: bool
    methods: frozenset[str]  # empty for all

    def __str__(self) -> str:
        """Say it."""
        which = f" ({', '.join(sorted(self.methods))})" if self.methods else ""
        how = "carries out what it is asked, and its answers are lost" if self.loses else "is away"
        return f"the {self.port}{which} {how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuses:
    """AWS refuses some calls about a function for a while."""

    function: str
    methods: frozenset[str]
    since: float
    until: float
    why: str  # refused, invalid or busy

    def __str__(self) -> str:
        """Say it."""
        words = {
            "refused": "refuses",
            "invalid": "calls invalid",
            "busy": "throttles",
        }
        return f"AWS {words[self.why]} {', '.join(sorted(self.methods))} of {self.function}"


Event: TypeAlias = (
    Shifts
    | Wakes
    | Asks
    | AsksOtherwise
    | Orders
    | Ends
    | Reserves
    | Provisions
    | Switches
    | Tags
    | Deploys
    | Deletes
    | DeletesAlias
    | Adds
)
Fault: TypeAlias = Dies | Stalls | Loses | Away | Refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How AWS is all the time.

    Attributes
    ----------
    slowness
        0 for quick calls, 1 for some that take seconds, 2 for many.
    late_minutes
        Of metrics that are not published yet.
    tags_seconds
        How far the tagging API is behind.
    mapping_seconds
        How long a mapping is being switched, at most.
    trail_seconds
        How late CloudTrail's events are, at most; ``None``: there is no trail.
    trail_names_us
        Whether the guard's own changes are known by the name of the role's session.
    trail_loses, trail_doubles, pulse_loses
        Shares of the events.
    pulse_second
        Of each minute, at which the pulse comes.
    clock_seconds
        How far the clock of a process is ahead of the true time or behind it, at most.
    keyless
        Share of the processes that have not read yet the key that seals tags.
    """

    slowness: int = 0
    late_minutes: int = 0
    tags_seconds: float = 0.0
    mapping_seconds: float = 0.0
    trail_seconds: float | None = None
    trail_names_us: bool = True
    trail_loses: float = 0.0
    trail_doubles: float = 0.0
    pulse_loses: float = 0.0
    pulse_second: float = 20.0
    clock_seconds: float = 0.0
    keyless: float = 0.0

    def __str__(self) -> str:
        """Say it."""
        trail = (
            "no trail"
            if self.trail_seconds is None
            else f"CloudTrail's events up to {self.trail_seconds:.0f} s late,"
            f" {self.trail_loses:.0%} lost, {self.trail_doubles:.0%} twice"
            + ("" if self.trail_names_us else ", the guard's own unknown as such")
        )
        calls = ("quick calls", "some slow calls", "many slow calls")[self.slowness]
        return (
            f"{calls}; metrics {self.late_minutes} minutes late;"
            f" tags read {self.tags_seconds:.0f} s late; mappings switched within"
            f" {self.mapping_seconds:.0f} s; {trail}; {self.pulse_loses:.0%} of the pulses lost;"
            f" clocks up to {self.clock_seconds:.0f} s ahead or behind;"
            f" {self.keyless:.0%} of the processes begin without the key of the tags"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Everything that happens.

    Attributes
    ----------
    seconds
        After which nothing goes wrong any more.
    response
        What is done with a suspected function: hold, throttle or notify.
    loop
        The functions that lie on one loop, by the event graph; empty where there is no graph.
    is_certain
        Whether the graph is certain of that loop.
    """

    seed: int
    seconds: float
    response: str
    blast_radius: int
    weather: Weather
    functions: tuple[Starts, ...]
    events: tuple[Event, ...]
    faults: tuple[Fault, ...]
    loop: frozenset[str] = frozenset()
    is_certain: bool = False

    def lines(self) -> list[str]:
        """The schedule in plain English, in order."""
        flags = f"response={self.response}, blast radius {self.blast_radius}"
        head = [
            f"seed {self.seed}: {self.seconds / 60:.0f} minutes, {flags}",
            f"  AWS: {self.weather}",
            *(f"  {one}" for one in self.functions),
            *self._loop_lines(),
        ]
        timed = [(one.at, f"{one.at:8.1f} s   {one}") for one in self.events]
        for fault in self.faults:
            if isinstance(fault, Away | Refuses):
                until = f" until {fault.until:.1f} s"
                timed.append((fault.since, f"{fault.since:8.1f} s   {fault}{until}"))
        runs = [
            f"             {one}" for one in self.faults if isinstance(one, Dies | Stalls | Loses)
        ]
        return [*head, *(line for _, line in sorted(timed)), *runs]

    def _loop_lines(self) -> list[str]:
        names = ", ".join(sorted(self.loop))
        certain = "certain" if self.is_certain else "possible"
        return [f"  on a loop that is {certain}: {names}"] if self.loop else []
