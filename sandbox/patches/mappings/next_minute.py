"""Pollers and state machines begin nothing while a minute is held open.

On AWS a minute has the same length for everybody. Here a minute that waits for slow work is longer
in real time, in which a loop would go round more often than in other minutes. What begins anew
while the clock stands still waits for the next minute; asynchronous events do so by their due time,
see `sandbox.async_queue`.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ministack.services import lambda_svc, pipes, stepfunctions

from sandbox.patches.hooks import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.world import World

_POLLERS = (
    (lambda_svc, "_poll_sqs"),
    (lambda_svc, "_poll_kinesis"),
    (lambda_svc, "_poll_dynamodb_streams"),
    (pipes, "_poll_once"),
)

_is_handed_on: ContextVar[bool] = ContextVar("is_handed_on", default=False)
"""Whether nobody waits for the execution of a state machine that is started."""


def apply(world: World) -> None:
    """Let them wait."""
    for module, name in _POLLERS:
        _hold_back(world, module, name)

    def start(data: dict[str, Any]) -> Any:
        token = _is_handed_on.set(True)
        try:
            return original_start(data)
        finally:
            _is_handed_on.reset(token)

    def run(exec_arn: str) -> None:
        # Who waits for its end may be what the minute is held open for.
        if _is_handed_on.get():
            world.clock.wait_while_standing(world.stop)
        original_run(exec_arn)

    original_start = replace(stepfunctions, "_start_execution", start, ("data",))
    original_run = replace(stepfunctions, "_run_execution", run, ("exec_arn",))


def _hold_back(world: World, module: Any, name: str) -> None:
    def poll() -> Any:
        world.clock.wait_while_standing(world.stop)
        return original()

    original: Callable[[], Any] = replace(module, name, poll, ())
