"""Ports of the simulated account that are unlike their fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.domain.errors import BusyError
from tests.fakes.functions import FakeFunctions
from tests.fakes.outlets import FakeWayBack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tests.simulation.world.account import SimulatedAccount


_WAITS_FOR_MAPPING_SECONDS: Final = 12.0  # functions.aws.runtime.retry


class SimulatedWayBack(FakeWayBack):
    """The fake schedules, with somebody who lets them fire."""

    def __init__(self, account: SimulatedAccount) -> None:
        super().__init__(account)
        self._simulated = account

    def schedule(self, incident_id: str, function: str, at: datetime) -> None:
        """See the port."""
        super().schedule(incident_id, function, at)
        self._simulated.on_schedule(incident_id)


class SimulatedFunctions(FakeFunctions):
    """The fake control plane, with reads that are behind and mappings that take their time."""

    def __init__(self, account: SimulatedAccount) -> None:
        super().__init__(account)
        self._simulated = account
        self._busy_until: dict[str, float] = {}

    def tagged(self, key: str) -> Mapping[str, str]:
        """See the port. The tagging API is behind."""
        account = self._simulated
        if not account.stale.tags_seconds:
            return super().tagged(key)
        super().tagged(key)
        tags = account.stale.at(account.turns.now)
        return {arn: found[key] for arn, found in tags.items() if key in found}

    def switch_mapping(self, uuid: str, *, enabled: bool) -> None:
        """See the port. A mapping that is being changed refuses to be changed again."""
        self._wait_for_mapping(uuid)
        super().switch_mapping(uuid, enabled=enabled)
        self._mapping_changes(uuid)

    def limit_mapping(self, uuid: str, maximum: int | None) -> None:
        """See the port. A mapping that is being changed refuses to be changed again."""
        self._wait_for_mapping(uuid)
        super().limit_mapping(uuid, maximum)
        self._mapping_changes(uuid)

    def _wait_for_mapping(self, uuid: str) -> None:
        account = self._simulated
        now = account.turns.now
        free_at = max(self._busy_until.get(uuid, 0.0), account.mapping_busy_until(uuid))
        if account.turns.run is not None and free_at > now:
            account.turns.pause(min(_WAITS_FOR_MAPPING_SECONDS, free_at - now))
            if free_at > account.turns.now:
                with account.call("functions", "wait_for_mapping", uuid=uuid):
                    raise BusyError(f"ResourceInUseException: {uuid} is being updated")

    def _mapping_changes(self, uuid: str) -> None:
        account = self._simulated
        self._busy_until[uuid] = account.turns.now + account.mapping_takes()


class StaleReads:
    """What readers of the tagging API see: the tags of some time ago."""

    def __init__(self, tags_seconds: float) -> None:
        self.tags_seconds = tags_seconds
        self._tags: list[tuple[float, Mapping[str, Mapping[str, str]]]] = [(-1e9, {})]

    def note(self, now: float, tags: Mapping[str, Mapping[str, str]]) -> None:
        """Keep what is the case from now on."""
        self._tags.append((now, tags))

    def at(self, now: float) -> Mapping[str, Mapping[str, str]]:
        """What a reader sees now."""
        seen = now - self.tags_seconds
        return next(tags for moment, tags in reversed(self._tags) if moment <= seen)
