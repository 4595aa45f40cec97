"""Concurrency: live reservations, the account's pool, and a bound for this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import lambda_svc

from sandbox.patches.asynchronous import live_function
from sandbox.patches.hooks import replace, substitute

if TYPE_CHECKING:
    from sandbox.world import World

HEADROOM = 8
"""Executions beyond the worker cap that functions with a reservation may use."""


def reservations() -> dict[str, int]:
    """The reserved concurrency of every function that has one."""
    return {
        name: int(func["concurrency"])
        for name, func in list(lambda_svc._functions.items())
        if func.get("concurrency") is not None
    }


def apply(world: World) -> None:
    """Reserve as AWS does: a reservation is taken from the pool and kept for its function."""
    settings = world.settings
    substitute(lambda_svc, "_ACCOUNT_CONCURRENCY_CAP", settings.account_limit, int)

    def reserved_concurrency(func: dict[str, Any], config: dict[str, Any]) -> int | None:
        live = live_function(config)
        value = (live if live is not None else func or {}).get("concurrency")
        return None if value is None else int(value)

    replace(lambda_svc, "_reserved_concurrency", reserved_concurrency, ("func", "config"))

    def acquire(func: dict[str, Any], config: dict[str, Any]) -> tuple[str | None, str | None]:
        name = config.get("FunctionName", "unknown")
        reserved = reserved_concurrency(func, config)
        key = lambda_svc._inflight_key(config)
        others = reservations() if reserved is None else {}
        with lambda_svc._inflight_lock:
            inflight = lambda_svc._inflight
            running = inflight.get(key, 0)
            refusal = None
            if reserved is not None:
                if running >= reserved:
                    refusal = "function"
                elif sum(inflight.values()) >= settings.worker_cap + HEADROOM:
                    refusal = "account"
            else:
                shared = sum(
                    count for other, count in inflight.items() if other.split(":")[2] not in others
                )
                unreserved = settings.account_limit - sum(others.values())
                if shared >= min(settings.worker_cap, max(0, unreserved)):
                    refusal = "account"
            if refusal is None:
                inflight[key] = running + 1
                lambda_svc._inflight_total += 1
                return key, None
        world.invocations.refused(name)
        return None, refusal

    replace(lambda_svc, "_acquire_execution_slot", acquire, ("func", "config"))

    def mapping_width(
        esm: dict[str, Any],
        func_rec: dict[str, Any],
        config: dict[str, Any],
        queue: dict[str, Any] | None = None,
    ) -> int:
        # A poller goes on polling for a function without concurrency; its messages come back
        # after their visibility timeout with a higher receive count.
        width = original(esm, func_rec, config, queue)
        return max(1, min(width, settings.worker_cap))

    original = replace(
        lambda_svc, "_sqs_esm_concurrency", mapping_width, ("esm", "func_rec", "config", "queue")
    )
