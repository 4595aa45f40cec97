"""A deployed guard without AWS: its own answers, behind what the client sees of Lambda."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

from cdk_loopbreaker.operating.client import GuardClient
from functions.workflows.requests.answer_direct import answer_at_contain, answer_at_restore
from stacks.names import CONTAIN, RESTORE
from tests.functional.page import FakePageParts
from tests.functional.scene import Scene


@dataclass(slots=True)
class Meta:
    """What a client of the SDK says of itself."""

    region_name: str = "us-east-1"


@dataclass(slots=True)
class FakeLambda:
    """A client of Lambda whose functions are those of a scene.

    `errors` are raised first, one for each invocation; `answers` are sent instead of the guard's.
    """

    scene: Scene = field(default_factory=Scene)
    errors: list[Exception] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    meta: Meta = field(default_factory=Meta)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - the names of the SDK
        """Invoke a guard function and wait for its answer."""
        assert InvocationType == "RequestResponse"
        event = json.loads(Payload)
        self.sent.append((FunctionName, event))
        if self.errors:
            raise self.errors.pop(0)
        if self.answers:
            return self.answers.pop(0)
        return answered(self._answer(FunctionName, event))

    def _answer(self, function: str, event: dict[str, Any]) -> Any:
        invocation = f"invocation {len(self.sent)}"
        if function == RESTORE:
            return answer_at_restore(
                event,
                self.scene.rollbacks,
                invocation,
                lambda: 900.0,
                FakePageParts(self.scene).reader.read,
            )
        assert function == CONTAIN
        return answer_at_contain(event, self.scene.orders, invocation)


def answered(payload: Any, **fields: Any) -> dict[str, Any]:
    """A response of Lambda with a payload."""
    return {
        "StatusCode": 200,
        "Payload": io.BytesIO(json.dumps(payload).encode()),
        **fields,
    }


def make_client(fake: FakeLambda) -> GuardClient:
    """A client that waits for nothing."""
    return GuardClient(client=fake, region="us-east-1", sleep=lambda _seconds: None)


def contain(scene: Scene, *names: str, reserved: int | None = 5) -> None:
    """Let functions run away until the guard stops them."""
    for name in names:
        scene.add_runaway(name, reserved=reserved)
        scene.contributor(name)
        scene.chart(name)
