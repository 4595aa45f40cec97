"""A changed reserved concurrency is in force a moment later; who reads it sees it at once.

Executions that run go on in either case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import lambda_svc

from sandbox.patches.hooks import replace
from sandbox.timing.delayed import Delayed
from sandbox.weather.lateness import concurrency_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.patches.functions.lambda_api import Response
    from sandbox.world import World

_IN_FORCE = "_sandbox_concurrency_in_force"
_FAILED = 400


def in_force(world: World, func: Mapping[str, Any]) -> int | None:
    """The reservation that invocations meet now; ``None`` for none."""
    delayed: Delayed[int | None] | None = func.get(_IN_FORCE)
    value = func.get("concurrency") if delayed is None else delayed.value_at(world.clock.now())
    return None if value is None else int(value)


def note_change(world: World, name: str, before: int | None) -> None:
    """Let what a function's reservation was go on to be in force for a while."""
    if world.settings.weather.is_calm:
        return
    func = lambda_svc._functions[name]
    delayed: Delayed[int | None] = func.setdefault(_IN_FORCE, Delayed(before))
    number = world.occurrences.number("concurrency", name)
    seconds = concurrency_seconds(world.settings.weather, name, number)
    delayed.change(func.get("concurrency"), world.clock.now() + seconds)


def apply(world: World) -> None:
    """Note the changes that Lambda's API makes; those of CloudFormation are noted where made."""

    def put(func_name: str, data: dict[str, Any]) -> Response:
        before = _reserved(func_name)
        response: Response = original_put(func_name, data)
        if response[0] < _FAILED:
            note_change(world, func_name, before)
        return response

    def delete(func_name: str) -> Response:
        before = _reserved(func_name)
        response: Response = original_delete(func_name)
        if response[0] < _FAILED:
            note_change(world, func_name, before)
        return response

    original_put = replace(lambda_svc, "_put_function_concurrency", put, ("func_name", "data"))
    original_delete = replace(lambda_svc, "_delete_function_concurrency", delete, ("func_name",))


def _reserved(name: str) -> int | None:
    value = (lambda_svc._functions.get(name) or {}).get("concurrency")
    return None if value is None else int(value)
