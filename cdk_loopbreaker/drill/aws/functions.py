"""The functions of a drill: their settings, their tokens, and what a probe answers."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.model import Helper, LoopKind
from functions.aws.runtime.errors import get_code

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.aws.clients import Clients
    from cdk_loopbreaker.drill.model import Names
    from cdk_loopbreaker.drill.plan import LoopPlan

REFUSED: Final = frozenset({"TooManyRequestsException"})
# Fields of a mapping that change by themselves.
_VOLATILE: Final = frozenset(
    {"LastModified", "LastProcessingResult", "ResponseMetadata", "StateTransitionReason"}
)
_BATCH: Final = 10
_PROGRESS: Final = "progress-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """How far the tokens of a loop have come.

    Attributes
    ----------
    rounds
        Begun by all of them.
    ended
        Those that have no round left.
    came_back
        Those that arrived once more after the loop was closed.
    first_at
        When the first round began, in seconds since the epoch by the functions' clock; ``None``
        before that.
    """

    total: int
    rounds: int
    ended: int
    came_back: int
    first_at: float | None


class DrillFunctions:
    """The functions of one drill."""

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self.names = names

    # -- settings

    def read_reserved(self, kind: LoopKind | Helper) -> int | None:
        """The reserved concurrency of a function; ``None`` for nothing."""
        found = self._clients("lambda").get_function_concurrency(
            FunctionName=self.names.function(kind)
        )
        value: int | None = found.get("ReservedConcurrentExecutions")
        return value

    def read_mappings(self, kind: LoopKind | Helper) -> list[dict[str, Any]]:
        """The event source mappings of a function."""
        found: dict[str, Any] = self._clients("lambda").list_event_source_mappings(
            FunctionName=self.names.function(kind)
        )
        return list(found["EventSourceMappings"])

    def describe_settings(self, kind: LoopKind | Helper) -> str:
        """All settings that a containment may change, as a text that can be compared."""
        mappings = [
            {key: one[key] for key in sorted(one) if key not in _VOLATILE}
            for one in self.read_mappings(kind)
        ]
        settings = {
            "reserved_concurrency": self.read_reserved(kind),
            "mappings": sorted(mappings, key=lambda one: str(one.get("UUID"))),
        }
        return json.dumps(settings, sort_keys=True, default=str)

    # -- the loops

    def start(self, plan: LoopPlan) -> None:
        """Write the tokens of a loop down and send each on its way."""
        ends = time.time() + plan.seconds
        for number in range(plan.tokens):
            token = {
                "token": f"{plan.kind}-{number}",
                "left": plan.rounds,
                "ends": ends,
                "period": plan.period_seconds,
            }
            self._clients("dynamodb").put_item(
                TableName=self.names.resource("progress"),
                Item={
                    "token": {"S": f"{_PROGRESS}{token['token']}"},
                    "loop": {"S": plan.kind.value},
                    "rounds": {"N": str(plan.rounds)},
                    "rounds_left": {"N": str(plan.rounds)},
                },
            )
            self._send(plan.kind, str(token["token"]), json.dumps(token))

    def _send(self, kind: LoopKind, token: str, body: str) -> None:
        match kind:
            case LoopKind.SQS:
                self._clients("sqs").send_message(
                    QueueUrl=self.find_queue(kind.value), MessageBody=body
                )
            case LoopKind.DYNAMODB:
                item = {"token": {"S": f"event-{token}"}, "next": {"S": body}}
                self._clients("dynamodb").put_item(
                    TableName=self.names.resource("table"), Item=item
                )
            case LoopKind.EVENTS:
                entry = {
                    "EventBusName": self.names.resource("bus"),
                    "Source": "loopbreaker.drill",
                    "DetailType": "round",
                    "Detail": body,
                }
                self._clients("events").put_events(Entries=[entry])

    def read_tokens(self, kind: LoopKind) -> Tokens:
        """How far the tokens of a loop have come."""
        items = self._read_progress(kind)
        begun = [float(one["began_at"]["N"]) for one in items if "began_at" in one]
        return Tokens(
            total=len(items),
            rounds=sum(int(one["rounds"]["N"]) - int(one["rounds_left"]["N"]) for one in items),
            ended=sum(int(one["rounds_left"]["N"]) <= 0 for one in items),
            came_back=sum("came_back_at" in one for one in items),
            first_at=min(begun, default=None),
        )

    def close(self, kind: LoopKind) -> None:
        """End a loop: each of its tokens arrives once more, and goes no further."""
        for item in self._read_progress(kind):
            self._clients("dynamodb").update_item(
                TableName=self.names.resource("progress"),
                Key={"token": item["token"]},
                UpdateExpression="SET closed = :yes",
                ExpressionAttributeValues={":yes": {"BOOL": True}},
            )

    def _read_progress(self, kind: LoopKind) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._clients("dynamodb").scan(
            TableName=self.names.resource("progress"), ConsistentRead=True
        )["Items"]
        return [one for one in found if one.get("loop", {}).get("S") == kind.value]

    def send_healthy(self, messages: int, period_seconds: float) -> None:
        """Send work to the healthy function."""
        body = json.dumps({"token": "work", "left": 1, "ends": 0, "period": period_seconds})
        url = self.find_queue(Helper.HEALTHY.value)
        for _ in range(messages):
            self._clients("sqs").send_message(QueueUrl=url, MessageBody=body)

    # -- queues and notices

    def find_queue(self, what: str) -> str:
        """The URL of a queue of the drill."""
        found: dict[str, Any] = self._clients("sqs").get_queue_url(
            QueueName=self.names.resource(what)
        )
        return str(found["QueueUrl"])

    def take_notices(self) -> tuple[str, ...]:
        """Subjects of the guard's notices that came since this was asked last."""
        url, subjects = self.find_queue("notices"), []
        while True:
            got = self._clients("sqs").receive_message(
                QueueUrl=url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=0
            )
            messages = got.get("Messages", [])
            for one in messages:
                subjects.append(str(json.loads(one["Body"]).get("Subject") or ""))
                self._clients("sqs").delete_message(
                    QueueUrl=url, ReceiptHandle=one["ReceiptHandle"]
                )
            if not messages:
                return tuple(subjects)

    # -- probes

    def probe(self, kind: LoopKind | Helper, probe: str = "", **given: Any) -> dict[str, Any]:
        """Ask a function directly. A throttled invocation is raised, and not tried again."""
        answer = self._clients.once("lambda").invoke(
            FunctionName=self.names.function(kind),
            Payload=json.dumps({"probe": probe, **given}).encode(),
        )
        found = json.load(answer["Payload"])
        return found if isinstance(found, dict) else {}

    def is_refused(self, kind: LoopKind | Helper) -> bool:
        """Whether the function is throttled at this moment."""
        try:
            self.probe(kind)
        except Exception as error:
            if get_code(error) in REFUSED:
                return True
            raise
        return False

    def reserve(self, kind: LoopKind | Helper, count: int) -> None:
        """Set the reserved concurrency; a refusal is raised as AWS words it."""
        self._clients.once("lambda").put_function_concurrency(
            FunctionName=self.names.function(kind), ReservedConcurrentExecutions=count
        )
