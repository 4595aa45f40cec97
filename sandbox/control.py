"""The sandbox's own endpoints under ``/_sandbox/``, beside AWS's.

=============  ====  ===============================================================
clock          GET   virtual and real time, speed, pace
state          GET   everything below at once, for the demo
rates          GET   invocations by function in each of the last ``seconds``
alarms         GET   alarm names with state and reason
traces         GET   how many traces of each function have reached X-Ray
deployed       POST  functions were deployed so many days ago: functions, days_ago
memory         POST  what a function reports as its memory used: function, megabytes
patches        GET   which of the emulator's functions have been replaced
seed           POST  give metrics history, see ``sandbox.scenarios.seeding``
emit           POST  record a metric of a function, such as RecursiveInvocationsDropped
fire           POST  let a rule or a schedule of a name be due at once: rule
events         POST  publish an event as an AWS service: source, detail-type, detail
rights         POST  whether policies that are changed from now on count late: late
faults         POST  let the next calls of an action fail
faults         DELETE  let no call fail any more
evaluate       POST  evaluate the alarms at once
reset          POST  forget everything, the emulator's state too
=============  ====  ===============================================================
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, lambda_svc

from sandbox.patches.events import schedules
from sandbox.patches.hooks import applied
from sandbox.scenarios import seeding
from sandbox.settings import ACCOUNT_ID, CONTROL_PREFIX, REGION
from sandbox.weather.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.async_queue import AsyncQueue
    from sandbox.world import World

logger = logging.getLogger("sandbox.control")

RATE_SECONDS = 60
Query = dict[str, list[str]]


class Control:
    """Answers the sandbox's own endpoints."""

    def __init__(self, world: World, queue: AsyncQueue) -> None:
        self._world = world
        self._queue = queue
        self._routes: dict[tuple[str, str], Callable[[Query, Any], Any]] = {
            ("GET", "clock"): self._clock,
            ("GET", "state"): self._state,
            ("GET", "rates"): self._rates,
            ("GET", "alarms"): self._alarms,
            ("GET", "traces"): lambda *_: dict(self._world.traces),
            ("POST", "deployed"): self._deployed,
            ("POST", "memory"): self._memory,
            ("POST", "fire"): lambda _, body: {"rules": schedules.fire(body["rule"])},
            ("GET", "patches"): lambda *_: list(applied()),
            ("POST", "seed"): self._seed,
            ("POST", "emit"): self._emit,
            ("POST", "events"): self._publish,
            ("POST", "rights"): self._rights,
            ("POST", "faults"): self._fault,
            ("DELETE", "faults"): self._no_faults,
            ("POST", "evaluate"): self._evaluate,
            ("POST", "reset"): self._reset,
        }

    def answer(self, method: str, name: str, query: Query, body: bytes) -> tuple[int, Any]:
        """The status and the JSON document of a request."""
        route = self._routes.get((method, name)) or self._routes.get(("GET", name))
        if route is None:
            return 404, {"error": f"{method} {CONTROL_PREFIX}{name} does not exist"}
        try:
            return 200, route(query, json.loads(body) if body else {})
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def _clock(self, _query: Query, _body: Any) -> dict[str, float]:
        clock = self._world.clock
        return {"now": clock.now(), "real": time.time(), "speed": clock.speed, "pace": clock.pace}

    def _rates(self, query: Query, _body: Any) -> dict[str, list[int]]:
        seconds = int(query.get("seconds", [str(RATE_SECONDS)])[0])
        return self._world.invocations.per_second(seconds)

    def _alarms(self, _query: Query, _body: Any) -> list[dict[str, Any]]:
        with request_scope(ACCOUNT_ID, REGION):
            return [
                {
                    "name": alarm["AlarmName"],
                    "state": alarm["StateValue"],
                    "reason": alarm["StateReason"],
                    "since": alarm.get("StateTransitionedTimestamp"),
                }
                for alarm in list(cloudwatch._alarms.values())
            ]

    def _state(self, query: Query, body: Any) -> dict[str, Any]:
        return {
            "clock": self._clock(query, body),
            "rates": self._rates(query, body),
            "running": self._world.invocations.running(),
            "counts": self._world.invocations.counts(),
            "queued": len(self._queue),
            "alarms": self._alarms(query, body),
        }

    def _seed(self, _query: Query, body: Any) -> dict[str, int]:
        return {"series": seeding.seed(self._world.metrics, self._world.clock.minute(), body)}

    def _emit(self, _query: Query, body: Any) -> dict[str, Any]:
        self._world.invocations.emit(
            body["metric"], body["function"], float(body.get("value", 1.0))
        )
        return {}

    def _rights(self, _query: Query, body: Any) -> dict[str, Any]:
        self._world.are_rights_late = bool(body["late"])
        return {}

    def _deployed(self, _query: Query, body: Any) -> dict[str, Any]:
        moment = datetime.now(UTC) - timedelta(days=float(body["days_ago"]))
        with request_scope(ACCOUNT_ID, REGION):
            for name in body["functions"]:
                configuration = lambda_svc._functions[name]["config"]
                configuration["LastModified"] = f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"
        return {}

    def _memory(self, _query: Query, body: Any) -> dict[str, Any]:
        self._world.memory_used_mb[body["function"]] = int(body["megabytes"])
        return {}

    def _publish(self, _query: Query, body: Any) -> Any:
        entry = {
            "Source": body["source"],
            "DetailType": body["detail-type"],
            "Detail": json.dumps(body["detail"]),
            "Resources": body.get("resources", []),
        }
        with request_scope(ACCOUNT_ID, REGION):
            _, _, answer = eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        return json.loads(answer)

    def _fault(self, _query: Query, body: Any) -> dict[str, Any]:
        self._world.faults.add(Fault(**body))
        return {}

    def _no_faults(self, _query: Query, _body: Any) -> dict[str, Any]:
        self._world.faults.clear()
        return {}

    def _evaluate(self, _query: Query, _body: Any) -> dict[str, Any]:
        for evaluate in self._world.on_evaluate:
            evaluate()
        return {}

    def _reset(self, _query: Query, _body: Any) -> dict[str, Any]:
        app._reset_all_state()
        self._world.reset()
        for mail in self._world.settings.mail_directory.glob("*.eml"):
            mail.unlink(missing_ok=True)
        return {}


def with_control(application: Any, world: World, queue: AsyncQueue) -> Any:
    """The emulator's application with the sandbox's endpoints in front of it."""
    control = Control(world, queue)

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(CONTROL_PREFIX):
            await application(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = parse_qs(scope.get("query_string", b"").decode())
        name = path.removeprefix(CONTROL_PREFIX).strip("/")
        # Some answers take long; the emulator must serve others meanwhile.
        status, document = await asyncio.to_thread(
            control.answer, scope["method"], name, query, bytes(body)
        )
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(document).encode()})

    return serve
