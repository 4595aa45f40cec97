"""The simulated account: the project's fakes, with calls that take time and go wrong.

Each call of a run first lets everything else happen that comes before its answer (`Turns.pause`),
then meets the faults of the schedule, and leaves a trace in what is checked later.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from functions.domain.errors import LoopbreakerError, RefusedError
from functions.domain.incidents.policy import EXEMPT_TAG
from functions.domain.incidents.tags.snapshot import is_of_guard
from tests.fakes.account import FakeAccount
from tests.simulation.wishes import Wishes
from tests.simulation.world.happenings import Change, Line
from tests.simulation.world.ledger import SimulatedLedger
from tests.simulation.world.ports import SimulatedFunctions, SimulatedWayBack
from tests.simulation.world.traffic import LOOPING, PAUSED, Demand, Minutes, SimulatedMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.fakes.resources import FakeFunction
    from tests.simulation.turns import Run, Turns
    from tests.simulation.wishes import Key, Value
    from tests.simulation.world.happenings import Mishap
    from tests.simulation.world.ports import StaleReads

# Calls that change what people have set.
CHANGING: Final = frozenset(
    {
        "reserve",
        "unreserve",
        "put_provisioned",
        "remove_provisioned",
        "switch_mapping",
        "limit_mapping",
        "tag",
        "untag",
    }
)
# What the policy of `contain` denies on exempt functions (stacks/components/permissions).
_DENIED_ON_EXEMPT: Final = CHANGING - {"switch_mapping", "limit_mapping"}
_QUIET: Final = frozenset(
    {
        "read_live",
        "tagged",
        "reserved_concurrency",
        "describe",
        "find",
        "mapping",
        "mappings",
        "provisioned",
        "async_target",
        "read_triggers",
        "claim_request",
    }
)
_STILL: Final = (0, PAUSED)


class SimulatedAccount(FakeAccount):
    """One account and Region on a virtual clock.

    Attributes
    ----------
    mishap
        Asked before each call: what happens to it.
    latency
        Seconds that a call takes.
    on_change
        Called after a successful change: CloudTrail sees it.
    loop
        The functions that lie on one loop: who stands still keeps the events of the others.
    on_schedule
        Called with an incident's id after its hold was scheduled to end.
    story
        What happened, when somebody listens.
    """

    def __init__(self, turns: Turns, *, late_minutes: int, stale: StaleReads) -> None:
        super().__init__()
        self.turns = turns
        self.stale = stale
        self.functions = SimulatedFunctions(self)
        self.ledger: SimulatedLedger = SimulatedLedger(self, turns)
        self.way_back = SimulatedWayBack(self)
        self.simulated = SimulatedMetrics(self, late_minutes)
        self.wishes = Wishes()
        self.changes: list[Change] = []
        self.mails: list[tuple[float, str]] = []
        # Mails, also those that did not go out: when, subject and text.
        self.attempted: list[tuple[float, str, str]] = []
        self.before: Value = None
        self.exempt_since: dict[str, float] = {}
        self.only_in_notice: set[str] = set()
        self.unsealed: dict[str, float] = {}  # when a tag was written that proves nothing
        self.demands: dict[str, list[tuple[float, Demand]]] = {}
        self.mishap: Callable[[Run, str, str, Mapping[str, Any]], Mishap | None] = _nothing
        self.latency: Callable[[Run], float] = _no_time
        self.on_change: Callable[[Change], None] = _ignored
        self.on_schedule: Callable[[str], None] = _not_scheduled
        self.story: list[Line] | None = None
        self.loop: frozenset[str] = frozenset()
        self.mapping_takes: Callable[[], float] = lambda: 0.0
        self.mapping_busy_until: Callable[[str], float] = lambda _uuid: 0.0

    def create(self, name: str, **given: Any) -> FakeFunction:
        """Create a function as a person does."""
        function = self.add(name, **given)
        former = self.simulated.minutes.get(name)
        minutes = Minutes(lambda: self._most_running(name), filled=int(self.turns.now // 60))
        minutes.follow(former)
        self.simulated.minutes[name] = minutes
        self.demands.setdefault(name, []).append((self.turns.now, Demand.QUIET))
        return function

    def _most_running(self, name: str) -> int | None:
        """How many executions may run at a time; ``None`` for any number, `PAUSED` for a pause.

        Who is on a loop with one that stands still gets no events either.
        """
        own = self._most_of_its_own(name)
        minutes = self.simulated.minutes
        if own in _STILL or name not in self.loop or minutes[name].demand not in LOOPING:
            return own
        mates = (self.loop & self.by_name.keys() & minutes.keys()) - {name}
        is_cut = any(
            minutes[one].demand in LOOPING and self._most_of_its_own(one) in _STILL for one in mates
        )
        return PAUSED if is_cut else own

    def _most_of_its_own(self, name: str) -> int | None:
        function = self.by_name.get(name)
        if function is None or function.reserved == 0:
            return 0
        mappings = [one for one in self.by_uuid.values() if one.function == name]
        held = [one for one in mappings if self.wishes.of(("mapping", one.uuid)).by_guard]
        if held and not any(one.enabled for one in mappings):
            return PAUSED
        limits = [one.maximum_concurrency for one in mappings if one.maximum_concurrency]
        found = [one for one in (function.reserved, *limits) if one is not None]
        return min(found, default=None)

    def ask_for(self, name: str, demand: Demand) -> None:
        """Let something else ask for a function from now on."""
        self.simulated.minutes[name].turn_to(demand, self.turns.now)
        self.demands.setdefault(name, []).append((self.turns.now, demand))

    def remove(self, name: str) -> None:
        """Delete a function as a person does."""
        uuids = [one.uuid for one in self.by_uuid.values() if one.function == name]
        self.wishes.forget(name, uuids)
        self.delete(name)

    @contextmanager
    def call(self, port: str, method: str, **arguments: Any) -> Iterator[None]:
        """One call of a run; people's and the checks' own calls leave no trace."""
        run = self.turns.run
        if run is None:
            yield
            return
        mishap = self._begin(run, port, method, arguments)
        try:
            yield
        except RefusedError as error:
            self._refused(run, method, arguments, error)
            raise
        self._succeeded(run, method, arguments)
        if mishap is not None and mishap.is_late:
            self._fail(run, mishap, "it died after this call")
        elif method == "publish":
            self.mails.append((self.turns.now, arguments["subject"]))

    def _begin(
        self, run: Run, port: str, method: str, arguments: Mapping[str, Any]
    ) -> Mishap | None:
        """All that comes before the effect of a call."""
        if run.is_dead:
            raise run.die("it is dead")
        run.calls += 1
        mishap = self.mishap(run, port, method, arguments)
        self.turns.pause(self.latency(run) + (mishap.stalls if mishap else 0.0))
        if self.story is not None:
            self._tell(run, port, method, arguments)
        if method == "publish":
            self.attempted.append((self.turns.now, arguments["subject"], arguments["body"]))
        try:
            if mishap is not None and not mishap.is_late:
                self._fail(run, mishap, "it died before this call")
            if method in _DENIED_ON_EXEMPT and run.memory.get("denies_exempt"):
                self._deny_exempt(method, arguments)
        except LoopbreakerError as error:
            self._refused(run, method, arguments, error)
            raise
        self._read(run, method, arguments)
        self._note_before(method, arguments)
        return mishap

    def _fail(self, run: Run, mishap: Mishap, death: str) -> None:
        if mishap.kills:
            raise run.die(death)
        if mishap.error is not None:
            raise mishap.error

    def function_of(self, arguments: Mapping[str, Any]) -> str:
        """The function that a call is about; empty for none."""
        if "uuid" in arguments:
            mapping = self.by_uuid.get(arguments["uuid"])
            return mapping.function if mapping else ""
        arn = arguments.get("function_arn")
        return str(arn).rpartition(":")[2] if arn else str(arguments.get("function", ""))

    def present(self, key: Key) -> Value:
        """What is in force."""
        kind, name = key
        if kind == "mapping":
            return self.by_uuid[name].enabled if name in self.by_uuid else None
        if kind == "limit":
            return self.by_uuid[name].maximum_concurrency if name in self.by_uuid else None
        if name not in self.by_name:
            return None
        function = self.by_name[name]
        if kind == "reserved":
            return function.reserved
        return function.provisioned.get(kind.partition(":")[2])

    def keep_tags(self) -> None:
        """Note the tags for readers that see them late."""
        self.stale.note(
            self.turns.now, {one.arn: dict(one.tags) for one in self.by_name.values() if one.tags}
        )

    def _deny_exempt(self, method: str, arguments: Mapping[str, Any]) -> None:
        function = self.by_name.get(self.function_of(arguments))
        is_own_tag = method == "untag" and all(map(is_of_guard, arguments["keys"]))
        if is_own_tag or function is None:
            return
        if function.tags.get(EXEMPT_TAG) == "true":
            raise RefusedError(f"AccessDenied: explicit deny of {method} on an exempt function")

    def _refused(
        self, run: Run, method: str, arguments: Mapping[str, Any], error: Exception
    ) -> None:
        self.say(f"  refused: {error}", run)
        if method in CHANGING:
            self.changes.append(self._change(run, method, arguments, str(error)))
        if method == "tag":
            run.memory.setdefault("untagged", set()).add(self.function_of(arguments))
            run.memory.setdefault("mails", len(self.mails))

    def _succeeded(self, run: Run, method: str, arguments: Mapping[str, Any]) -> None:
        if method not in CHANGING:
            return
        change = self._change(run, method, arguments)
        self.changes.append(change)
        match method:
            case "reserve":
                self._set(run, ("reserved", change.function), arguments["concurrency"])
                self._note_untagged(run, change.function)
            case "unreserve":
                self._set(run, ("reserved", change.function), None)
            case "put_provisioned":
                key = (f"pc:{arguments['qualifier']}", change.function)
                self._set(run, key, arguments["requested"])
            case "remove_provisioned":
                self._set(run, (f"pc:{arguments['qualifier']}", change.function), None)
                self._note_untagged(run, change.function)
            case "switch_mapping":
                self._set(run, ("mapping", arguments["uuid"]), arguments["enabled"])
            case "limit_mapping":
                self._set(run, ("limit", arguments["uuid"]), arguments["maximum"])
            case _:
                if method == "tag" and not all(
                    "seal=" in one for one in arguments["tags"].values()
                ):
                    self.unsealed.setdefault(change.function, self.turns.now)
                self.keep_tags()
                return
        self.on_change(change)

    def _note_untagged(self, run: Run, function: str) -> None:
        """Note what is changed with nothing but a notice to know it, which must be sent by then."""
        mails = self.mails[run.memory.get("mails", 0) :]
        if function in run.memory.get("untagged", ()) and any(function in one for _, one in mails):
            self.only_in_notice.add(function)

    def is_in_notice(self, name: str) -> bool:
        """Whether nothing but a notice knows for sure what a function had: its tag has no seal."""
        since = self.unsealed.get(name, math.inf)
        is_told = any(name in subject for at, subject in self.mails if at >= since)
        return is_told or name in self.only_in_notice

    def _set(self, run: Run, key: Key, value: Value) -> None:
        self.wishes.guard_sets(key, value, run)

    def _change(
        self, run: Run, method: str, arguments: Mapping[str, Any], error: str = ""
    ) -> Change:
        function = self.function_of(arguments)
        match method:
            case "reserve":
                takes = arguments["concurrency"] not in (
                    self.before,
                    *(self.wishes.of(("reserved", function)).right - {0}),
                )
            case "remove_provisioned":
                takes = self.before is not None
            case "switch_mapping":
                takes = self.before is True and not arguments["enabled"]
            case "limit_mapping":
                takes = arguments["maximum"] is not None and arguments["maximum"] != self.before
            case _:
                takes = False
        return Change(
            at=self.turns.now,
            run=run,
            function=function,
            method=method,
            arguments=arguments,
            takes=takes,
            exempt_since=self.exempt_since.get(function),
            error=error,
        )

    def _note_before(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Keep what is in force before a change."""
        function = arguments.get("function", "")
        match method:
            case "reserve":
                self.before = self.present(("reserved", function))
            case "remove_provisioned":
                self.before = self.present((f"pc:{arguments['qualifier']}", function))
            case "switch_mapping":
                self.before = self.present(("mapping", arguments["uuid"]))
            case "limit_mapping":
                self.before = self.present(("limit", arguments["uuid"]))

    def _read(self, run: Run, method: str, arguments: Mapping[str, Any]) -> None:
        name = arguments.get("function", "")
        keys: list[Key] = []
        match method:
            case "describe" | "reserved_concurrency":
                self.simulated.settle()
                keys = [("reserved", name)]
            case "mapping":
                keys = [("mapping", arguments["uuid"]), ("limit", arguments["uuid"])]
            case "mappings":
                keys = [
                    (kind, one.uuid)
                    for one in self.by_uuid.values()
                    if one.function == name
                    for kind in ("mapping", "limit")
                ]
            case "provisioned" if name in self.by_name:
                keys = [(f"pc:{one}", name) for one in self.by_name[name].provisioned]
            case "reserve" | "unreserve":
                self.simulated.settle()
        for key in keys:
            self.wishes.guard_reads(key, run, self.turns.now)

    def say(self, text: str, run: Run | None = None, *, is_quiet: bool = False) -> None:
        """Add a line to the story, where somebody listens."""
        if self.story is not None:
            label = "" if run is None else run.label
            about = f"{label}: " if label else ""
            line = f"{self.turns.now:8.1f} s   {about}{text}"
            self.story.append(Line(run=label, text=line, is_quiet=is_quiet))

    def _tell(self, run: Run, port: str, method: str, arguments: Mapping[str, Any]) -> None:
        if port != "metrics":
            shown = ", ".join(_short(one) for one in arguments.values())
            text = f"call {run.calls}, {method}({shown})"
            self.say(text, run, is_quiet=method in _QUIET)


def _nothing(run: Run, port: str, method: str, arguments: Mapping[str, Any]) -> Mishap | None:
    return None


def _no_time(run: Run) -> float:
    return 0.0


def _ignored(change: Change) -> None:
    return None


def _not_scheduled(incident_id: str) -> None:
    return None


def _short(value: object) -> str:
    """A value for the story: an incident by what matters of it."""
    state = getattr(value, "state", None)
    if state is None:
        text = str(value).replace("\n", " ")
        return text if len(text) <= 60 else f"{text[:57]}..."
    incident: Any = value
    steps = ", ".join(
        f"{one.step.key}={one.status}"
        + (f" back={one.restored}" if one.restored is not None else "")
        for one in incident.steps
    )
    return f"{incident.function} {state} v{incident.version} [{steps}]"
