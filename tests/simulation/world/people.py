"""What people do to functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.domain.incidents.policy import EXEMPT_TAG
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from tests.simulation.schedule import (
    SAME,
    Adds,
    Deletes,
    DeletesAlias,
    Provisions,
    Reserves,
    Shifts,
    Switches,
    Tags,
)
from tests.simulation.wishes import Setting
from tests.simulation.world.traffic import Demand

if TYPE_CHECKING:
    from tests.fakes.resources import FakeFunction
    from tests.simulation.schedule import Schedule
    from tests.simulation.wishes import Value
    from tests.simulation.world.account import SimulatedAccount
    from tests.simulation.world.trail import Trail

QUEUES: Final = "arn:aws:sqs:us-east-1:123456789012:"
_MINUTE: Final = 60.0


class People:
    """Changes functions, and says what is wanted with that."""

    def __init__(self, schedule: Schedule, account: SimulatedAccount, trail: Trail) -> None:
        self._schedule = schedule
        self._account = account
        self._turns = account.turns
        self._trail = trail

    def change(self, event: Any) -> None:
        """Carry out what a person does to a function that exists."""
        account, name = self._account, event.function
        function = account.by_name[name]
        match event:
            case Shifts(demand=demand):
                account.ask_for(name, demand)
            case Reserves(to=to):
                self._reserve(name, function.reserved if to == SAME else to)
            case Provisions(to=to):
                if "live" not in function.gone:
                    self._provision(name, to)
            case DeletesAlias():
                function.gone.add("live")
                self._provision(name, 0)
            case Tags(exempt=exempt):
                self._tag(name, exempt=exempt)
            case Deletes(again=again):
                self._delete(name, again)
            case _:
                self._change_mapping(event)

    def _change_mapping(self, event: Switches | Adds) -> None:
        account, name = self._account, event.function
        match event:
            case Switches(index=index, enabled=enabled):
                uuids = [one.uuid for one in account.by_uuid.values() if one.function == name]
                if index < len(uuids):
                    self._switch(name, uuids[index], enabled=enabled)
            case Adds():
                mapping = account.add_mapping(name, f"{QUEUES}{name}")
                account.wishes.settings["mapping", mapping.uuid] = Setting({True})

    def _delete(self, name: str, again: float | None) -> None:
        self._account.remove(name)
        self._account.keep_tags()
        self._account.exempt_since.pop(name, None)
        self._trail.of_person(name, "delete")
        if again is not None:
            self._turns.at(self._turns.now + again, lambda: self.create(name))

    def create(self, name: str) -> None:
        """Create a function of the schedule."""
        account = self._account
        starts = next(one for one in self._schedule.functions if one.name == name)
        if name in account.by_name:
            return
        provisioned = {"live": starts.provisioned} if starts.provisioned else {}
        function = account.create(name, reserved=starts.reserved, provisioned=provisioned)
        mappings = [
            account.add_mapping(name, f"{QUEUES}{name}", enabled=one) for one in starts.mappings
        ]
        account.wishes.know(function, mappings, self._turns.now)
        incident = account.ledger.stored(name)
        if incident is not None and not incident.is_closed:
            account.wishes.confuse(incident)
        minutes = account.simulated.minutes[name]
        if self._turns.now == 0.0 and starts.demand is not Demand.QUIET:
            account.ask_for(name, starts.demand)
            minutes.filled = -int(starts.since // _MINUTE)
            for series in minutes.all():
                del series[minutes.filled :]
            minutes.settle(0.0)

    def _reserve(self, name: str, to: int | None) -> None:
        account = self._account
        function = account.by_name[name]
        if to is not None and sum(function.provisioned.values()) > to:
            return  # AWS refuses it
        account.simulated.settle()
        incident = account.ledger.stored(name)
        account.wishes.person_sets(
            ("reserved", name),
            to,
            function.reserved,
            incident,
            self._turns.now,
            tagged=_tagged(function),
        )
        function.reserved = to
        self._trail.of_person(name, "unreserve" if to is None else "reserve")

    def _provision(self, name: str, to: int) -> None:
        account = self._account
        function = account.by_name[name]
        present = function.provisioned
        if function.reserved is not None and to > function.reserved:
            return  # AWS refuses it
        incident = account.ledger.stored(name)
        account.wishes.person_sets(
            ("pc:live", name), to or None, present.get("live"), incident, self._turns.now
        )
        if to:
            present["live"] = to
        else:
            present.pop("live", None)
        self._trail.of_person(name, "put_provisioned" if to else "remove_provisioned")

    def _switch(self, name: str, uuid: str, *, enabled: bool) -> None:
        account = self._account
        mapping = account.by_uuid[uuid]
        incident = account.ledger.stored(name)
        account.wishes.person_sets(
            ("mapping", uuid), enabled, mapping.enabled, incident, self._turns.now
        )
        mapping.enabled = enabled
        self._trail.of_person(name, "switch_mapping")

    def _tag(self, name: str, *, exempt: bool) -> None:
        tags = self._account.by_name[name].tags
        if exempt:
            tags[EXEMPT_TAG] = "true"
            self._account.exempt_since.setdefault(name, self._turns.now)
        else:
            tags.pop(EXEMPT_TAG, None)
            self._account.exempt_since.pop(name, None)
        self._account.keep_tags()


def _tagged(function: FakeFunction) -> frozenset[Value]:
    """What the guard's tag says was reserved; empty where there is none."""
    value = function.tags.get(SNAPSHOT_TAG)
    if value is None:
        return frozenset()
    return frozenset({TaggedSnapshot.from_tag(value.partition(" seal=")[0]).reserved_concurrency})
