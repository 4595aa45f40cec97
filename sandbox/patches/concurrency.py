"""Concurrency: live reservations, the account's pool, and a bound for this machine."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.services import lambda_svc

from sandbox.patches.asynchronous import live_function
from sandbox.patches.hooks import replace, substitute
from sandbox.patches.late_concurrency import in_force

if TYPE_CHECKING:
    from sandbox.world import World

HEADROOM = 8
"""Executions beyond the worker cap that functions with a reservation may use."""

MACHINE_WAIT_SECONDS = 8.0
"""Real seconds that an invocation waits for this machine, where AWS would have had room."""

_RECHECK_SECONDS = 0.05
_FUNCTION, _ACCOUNT, _MACHINE = "function", "account", "machine"


def reservations() -> dict[str, int]:
    """The reserved concurrency of every function that has one, in force or not yet."""
    return {
        name: int(func["concurrency"])
        for name, func in list(lambda_svc._functions.items())
        if func.get("concurrency") is not None
    }


def _in_force(world: World) -> dict[str, int]:
    found = ((name, in_force(world, func)) for name, func in list(lambda_svc._functions.items()))
    return {name: value for name, value in found if value is not None}


class Slots:
    """Who may run now.

    A reservation is taken from the account's pool and kept for its function. Beyond what AWS
    limits there is the machine: an invocation that AWS would have run waits for a free worker.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._freed = threading.Condition()

    def acquire(
        self, func: dict[str, Any], config: dict[str, Any]
    ) -> tuple[str | None, str | None]:
        """The key of a slot, or what refused it."""
        deadline = time.monotonic() + MACHINE_WAIT_SECONDS
        while True:
            key, refusal = self._try(func, config)
            if refusal is None:
                return key, None
            if refusal != _MACHINE or time.monotonic() > deadline or self._world.stop.is_set():
                self._world.invocations.refused(config.get("FunctionName", "unknown"))
                return None, _FUNCTION if refusal == _FUNCTION else _ACCOUNT
            with self._freed:
                self._freed.wait(_RECHECK_SECONDS)

    def reserved(self, func: dict[str, Any], config: dict[str, Any]) -> int | None:
        """The reservation of a function that is in force."""
        live = live_function(config)
        return in_force(self._world, live if live is not None else func or {})

    def freed(self) -> None:
        """Tell those who wait that something ended."""
        with self._freed:
            self._freed.notify()

    def _try(self, func: dict[str, Any], config: dict[str, Any]) -> tuple[str, str | None]:
        reserved = self.reserved(func, config)
        key = lambda_svc._inflight_key(config)
        others = _in_force(self._world)
        with lambda_svc._inflight_lock:
            inflight = lambda_svc._inflight
            running = inflight.get(key, 0)
            if reserved is not None:
                refusal = self._refused_reserved(running, reserved, sum(inflight.values()))
            else:
                shared = sum(n for k, n in inflight.items() if k.split(":")[2] not in others)
                refusal = self._refused_unreserved(shared, sum(others.values()))
            if refusal is None:
                inflight[key] = running + 1
                lambda_svc._inflight_total += 1
        return key, refusal

    def _refused_reserved(self, running: int, reserved: int, total: int) -> str | None:
        if running >= reserved:
            return _FUNCTION
        return _MACHINE if total >= self._world.settings.worker_cap + HEADROOM else None

    def _refused_unreserved(self, running: int, reserved_by_others: int) -> str | None:
        settings = self._world.settings
        if running >= max(0, settings.account_limit - reserved_by_others):
            return _ACCOUNT
        return _MACHINE if running >= settings.worker_cap else None


def apply(world: World) -> None:
    """Decide here who may run."""
    substitute(lambda_svc, "_ACCOUNT_CONCURRENCY_CAP", world.settings.account_limit, int)
    slots = Slots(world)
    replace(lambda_svc, "_reserved_concurrency", slots.reserved, ("func", "config"))
    replace(lambda_svc, "_acquire_execution_slot", slots.acquire, ("func", "config"))

    def release(key: str | None) -> None:
        original_release(key)
        slots.freed()

    original_release = replace(lambda_svc, "_release_execution_slot", release, ("key",))

    def mapping_width(
        esm: dict[str, Any],
        func_rec: dict[str, Any],
        config: dict[str, Any],
        queue: dict[str, Any] | None = None,
    ) -> int:
        # A poller goes on polling for a function without concurrency; its messages come back
        # after their visibility timeout with a higher receive count.
        width: int = original(esm, func_rec, config, queue)
        return max(1, min(width, world.settings.worker_cap))

    original = replace(
        lambda_svc, "_sqs_esm_concurrency", mapping_width, ("esm", "func_rec", "config", "queue")
    )
