"""Events that come through a queue: many at once, and each of them at least once.

The shape is that of Lambda's developer guide, *Using Lambda with Amazon SQS*. What could not be
dealt with is named in the answer (`ReportBatchItemFailures`): only that comes again, and ends as a
dead letter in the end. An error that is raised brings the whole batch again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# Lambda reads the queue and deletes what was dealt with, by the role of the function.
IAM_ACTIONS: Final = frozenset(
    {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One event out of a queue.

    Attributes
    ----------
    message_id
        What names it in the answer.
    event
        The event as its rule sent it; the text as it is where that is no JSON.
    """

    message_id: str
    event: Any


def is_batch(event: Mapping[str, Any]) -> bool:
    """Whether Lambda hands over messages of an SQS queue."""
    records = event.get("Records")
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(one, Mapping) and one.get("eventSource") == "aws:sqs" for one in records)
    )


def parse_queued_events(event: Mapping[str, Any]) -> tuple[Queued, ...]:
    """The events of a batch."""
    return tuple(
        Queued(message_id=str(one["messageId"]), event=_read(str(one.get("body", ""))))
        for one in event["Records"]
    )


def compose_batch_answer(failed: tuple[str, ...]) -> dict[str, list[dict[str, str]]]:
    """What Lambda is answered: the ids of the messages that shall come again."""
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
