"""Concurrency: live reservations, the account's pool, and a bound for this machine.

What AWS limits is refused as AWS refuses it. What only this machine limits is never refused: an
invocation that AWS would have run waits for a free worker, first come, first served, and neither
its caller nor a metric sees more of that than a slow start.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.services import lambda_svc

from sandbox.patches.functions.asynchronous import live_function
from sandbox.patches.functions.late_concurrency import in_force
from sandbox.patches.hooks import replace, substitute

if TYPE_CHECKING:
    from sandbox.world import World

logger = logging.getLogger("sandbox.concurrency")

HEADROOM = 8
"""Executions beyond the worker cap, for functions with a reservation and for nested invocations.

Ten functions that each wait for one more they invoked would otherwise wait for ever.
"""

MACHINE_WAIT_SECONDS = 120.0
"""Real seconds that an invocation waits for this machine: longer than any function may run here."""

_RECHECK_SECONDS = 0.05
_FUNCTION, _ACCOUNT, _MACHINE = "function", "account", "machine"


class NoFreeWorkerError(Exception):
    """When this machine had no worker for an invocation that AWS would have run."""


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

    def __init__(self, world: World, wait_seconds: float = MACHINE_WAIT_SECONDS) -> None:
        self._world = world
        self._wait_seconds = wait_seconds
        self._freed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: dict[int, bool] = {}
        """By number, the older the lower: whether a waiting invocation may use the headroom."""

    def acquire(
        self, func: dict[str, Any], config: dict[str, Any]
    ) -> tuple[str | None, str | None]:
        """The key of a slot, or the limit of AWS that refuses it.

        Raises
        ------
        NoFreeWorkerError
            When this machine was busy all the time.
        """
        deadline = time.monotonic() + self._wait_seconds
        number = next(self._numbers)
        try:
            while not self._world.stop.is_set():
                key, refusal = self._try(number, func, config)
                if refusal is None:
                    return key, None
                if refusal != _MACHINE:
                    self._world.invocations.refused(config.get("FunctionName", "unknown"))
                    return None, refusal
                if time.monotonic() > deadline:
                    break
                with self._freed:
                    self._freed.wait(_RECHECK_SECONDS)
        finally:
            with self._freed:
                self._waiting.pop(number, None)
                self._freed.notify_all()
        raise NoFreeWorkerError(
            f"{config.get('FunctionName')}: no free worker on this machine within "
            f"{self._wait_seconds:g} s"
        )

    def reserved(self, func: dict[str, Any], config: dict[str, Any]) -> int | None:
        """The reservation of a function that is in force."""
        live = live_function(config)
        return in_force(self._world, live if live is not None else func or {})

    def freed(self) -> None:
        """Tell those who wait that something ended."""
        with self._freed:
            self._freed.notify_all()

    def _may_go_first(self, number: int, *, uses_headroom: bool) -> bool:
        """Whether nobody has waited longer for the same workers; who waits is noted."""
        with self._freed:
            self._waiting[number] = uses_headroom
            return number == min(
                one for one, other in self._waiting.items() if other is uses_headroom
            )

    def _try(
        self, number: int, func: dict[str, Any], config: dict[str, Any]
    ) -> tuple[str, str | None]:
        reserved = self.reserved(func, config)
        key = lambda_svc._inflight_key(config)
        others = _in_force(self._world)
        uses_headroom = reserved is not None or lambda_svc._invoke_depth.get() > 1
        is_first = self._may_go_first(number, uses_headroom=uses_headroom)
        with lambda_svc._inflight_lock:
            inflight = lambda_svc._inflight
            running = inflight.get(key, 0)
            shared = sum(n for k, n in inflight.items() if k.split(":")[2] not in others)
            refusal = self._refused_by_aws(running, reserved, shared, sum(others.values()))
            if refusal is None:
                cap = self._world.settings.worker_cap
                is_free = sum(inflight.values()) < cap + HEADROOM if uses_headroom else shared < cap
                refusal = None if is_first and is_free else _MACHINE
            if refusal is None:
                inflight[key] = running + 1
                lambda_svc._inflight_total += 1
        return key, refusal

    def _refused_by_aws(
        self, running: int, reserved: int | None, shared: int, reserved_by_all: int
    ) -> str | None:
        if reserved is not None:
            return _FUNCTION if running >= reserved else None
        pool = max(0, self._world.settings.account_limit - reserved_by_all)
        return _ACCOUNT if shared >= pool else None


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

    def execute(func: dict[str, Any], event: Any) -> dict[str, Any]:
        # The minute does not end before it is done, nor while it waits for this machine.
        with world.work.unit():
            try:
                result: dict[str, Any] = original_execute(func, event)
            except NoFreeWorkerError as error:
                logger.error("%s", error)  # noqa: TRY400 - it happened elsewhere
                body = {"errorMessage": str(error), "errorType": "Sandbox.NoFreeWorker"}
                return {"body": body, "error": True, "log": ""}
            return result

    original_execute = replace(lambda_svc, "_execute_function", execute, ("func", "event"))

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
