"""What people want each setting to be, whatever the guard does to it meanwhile.

A setting is what it was before the guard's first change, or what a person made of it last. Where
nobody who only looks at AWS could tell which of two values people want, both are right:

- a person sets what the guard has set already, or is about to, so that nothing changes;
- a person creates a function anew under the name of one that is held;
- a person changes a setting after the run that is about to change it has read it: Lambda has no
  conditional write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, LimitMapping, RemoveProvisioned, Reserve
from functions.domain.incidents.states import HOLDING_STATES, IncidentState

if TYPE_CHECKING:
    from functions.domain.incidents.incident import Incident
    from tests.fakes.resources import FakeFunction, FakeMapping
    from tests.simulation.turns import Run

# What kind of setting ("reserved", "pc:<alias>", "mapping", "limit"), of which function or mapping.
Key: TypeAlias = tuple[str, str]
Value: TypeAlias = int | bool | None

_SETTLED = frozenset({StepStatus.DONE, StepStatus.ALREADY})


@dataclass(slots=True)
class Setting:
    """One setting that people and the guard change.

    Attributes
    ----------
    right
        The values that count as people's.
    by_guard
        Whether the guard wrote what is in force.
    people_at
        When a person changed it last, seconds on the virtual clock.
    """

    right: set[Value]
    by_guard: bool = False
    people_at: float = -1.0


@dataclass(slots=True)
class Wishes:
    """The settings of the account as people want them."""

    settings: dict[Key, Setting] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)  # that have read a setting

    def know(self, function: FakeFunction, mappings: list[FakeMapping], now: float) -> None:
        """Take what there is for what people want: of a function that was just created."""
        self.settings["reserved", function.name] = Setting({function.reserved}, people_at=now)
        for qualifier, requested in function.provisioned.items():
            self.settings[f"pc:{qualifier}", function.name] = Setting({requested}, people_at=now)
        for one in mappings:
            self.settings["mapping", one.uuid] = Setting({one.enabled}, people_at=now)
            self.settings["limit", one.uuid] = Setting({one.maximum_concurrency}, people_at=now)

    def confuse(self, incident: Incident) -> None:
        """A function was created anew while an incident of its name is open.

        Lambda tells nobody that it is another one: what was reserved and provisioned for the old
        one passes for its own.
        """
        for one in incident.steps:
            match one.step:
                case Reserve(prior=prior):
                    self.of(("reserved", incident.function)).right.add(prior)
                case RemoveProvisioned(qualifier=qualifier, prior=requested):
                    self.of((f"pc:{qualifier}", incident.function)).right.add(requested)
                case _:
                    continue

    def forget(self, function: str, uuids: list[str]) -> None:
        """A function is gone, and its mappings with it."""
        for key in [key for key in self.settings if key[1] == function or key[1] in uuids]:
            del self.settings[key]

    def of(self, key: Key) -> Setting:
        """A setting; one of which nobody knew was not there."""
        return self.settings.setdefault(key, Setting({None}))

    def person_sets(
        self,
        key: Key,
        value: Value,
        present: Value,
        incident: Incident | None,
        now: float,
        *,
        tagged: frozenset[Value] = frozenset(),
    ) -> None:
        """A person changes a setting (or sets again what is there).

        Parameters
        ----------
        tagged
            What the guard's tag says was there before it reserved 0; empty where there is no tag.
            What a person set in between, the guard may never have seen.
        """
        setting = self.of(key)
        if value == present and not setting.by_guard:
            return
        # A run may have read what was there before, and not have written down yet what it does.
        is_planned = key[0] == "mapping" or key[0].startswith("pc:")
        read = [run for run in self.runs if not run.is_over] if is_planned else []
        unread = [run.memory.get("right", {}).get(key, set()) for run in read]
        if value == present or (tagged and value == 0):
            setting.right |= {value, *(tagged if value == 0 else ())}
        elif incident is not None and _is_taken_for_guards(key, value, incident):
            setting.right |= {value, *_unseen(key, incident)}
        else:
            setting.right = {value}
        setting.right = setting.right.union(*unread)
        setting.by_guard = setting.by_guard and value == present
        setting.people_at = now

    def guard_sets(self, key: Key, value: Value, run: Run) -> None:
        """The guard changes a setting."""
        setting = self.of(key)
        if setting.people_at > run.read_at.get(key, run.began):
            # It could not know: what it has read before is as good as what the person wants.
            setting.right |= run.memory.get("right", {}).get(key, set())
        setting.by_guard = True

    def guard_reads(self, key: Key, run: Run, now: float) -> None:
        """A run looks at a setting."""
        run.read_at[key] = now
        if run not in self.runs:
            self.runs = [*(one for one in self.runs if not one.is_over), run]
        run.memory.setdefault("right", {})[key] = set(self.of(key).right)

    def is_held(self, key: Key, present: Value) -> bool:
        """Whether the guard keeps a setting at what people do not want."""
        setting = self.of(key)
        return setting.by_guard and present not in setting.right


def _unseen(key: Key, incident: Incident) -> set[Value]:
    """What the guard puts back where it takes what is in force for its own.

    What a person set in between, it may never have seen.
    """
    for one in incident.steps:
        if isinstance(one.step, RemoveProvisioned) and key[0] == f"pc:{one.step.qualifier}":
            return {one.step.prior}
    if key[0] != "reserved" or incident.snapshot is None:
        return set()
    # After a release it knows what it saw then, and not what somebody made of that since.
    seen = incident.released_to if incident.state is IncidentState.RELEASED else None
    prior = incident.snapshot.reserved_concurrency
    return {prior if seen is None else seen.reserved_concurrency}


def _is_taken_for_guards(key: Key, value: Value, incident: Incident) -> bool:
    """Whether a value that a person sets looks like one that the guard may have written itself.

    The guard writes down what it is about to do before it does it, and what it has done after
    that: in between, and when the run dies in between, its own value proves nothing.
    """
    kind, name = key
    for one in incident.steps:
        is_open = one.status not in _SETTLED or one.restored is StepStatus.PLANNED
        match one.step:
            case Reserve() if kind == "reserved":
                # The guard may not have seen what was reserved in between; after a release, 0 may
                # be what people were told to set until they roll back.
                is_ours = value == incident.target or value in incident.written
                is_wanted = incident.state in HOLDING_STATES and is_ours
                return is_wanted or (is_open and value in (*incident.written, one.step.prior))
            case RemoveProvisioned(qualifier=qualifier) if kind == f"pc:{qualifier}":
                # The guard has removed it already: that somebody does so too changes nothing.
                return value is None and one.restored not in _SETTLED
            case DisableMapping(uuid=uuid) if kind == "mapping" and uuid == name:
                return value is False and (is_open or one.restored not in _SETTLED)
            case LimitMapping(uuid=uuid, written=written) if kind == "limit" and uuid == name:
                return value in written and (is_open or one.restored not in _SETTLED)
            case _:
                continue
    return False
