"""Batches of events out of a queue."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.aws.runtime.queued_events import (
    Queued,
    compose_batch_answer,
    is_batch,
    parse_queued_events,
)


def batch(*bodies: str) -> dict[str, Any]:
    """Messages as Lambda hands them over (Lambda developer guide, *Using Lambda with Amazon SQS*).

    Only what is read; AWS adds receipt handles, attributes and checksums.
    """
    return {
        "Records": [
            {"messageId": f"id-{number}", "body": body, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


def test_events() -> None:
    """Each message holds one event."""
    event = batch(json.dumps({"a": 1}), json.dumps({"b": 2}))

    assert is_batch(event)
    assert parse_queued_events(event) == (
        Queued(message_id="id-0", event={"a": 1}),
        Queued(message_id="id-1", event={"b": 2}),
    )


@pytest.mark.parametrize("body", ["{", "", "[" * 100_000])
def test_a_body_that_is_no_json(body: str) -> None:
    """It is handed on as it is, for whoever knows what an event must look like."""
    assert parse_queued_events(batch(body)) == (Queued(message_id="id-0", event=body),)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        {"Records": "x"},
        {"Records": [{"eventSource": "aws:kinesis"}]},
        {"Records": [{"eventSource": "aws:sqs"}, {"eventSource": "aws:s3"}]},
        {"Records": [None]},
    ],
)
def test_no_batch(event: dict[str, Any]) -> None:
    """Other events are not taken for a batch."""
    assert not is_batch(event)


def test_answer() -> None:
    """Only what failed comes again."""
    assert compose_batch_answer(("id-1",)) == {"batchItemFailures": [{"itemIdentifier": "id-1"}]}
    assert compose_batch_answer(()) == {"batchItemFailures": []}
