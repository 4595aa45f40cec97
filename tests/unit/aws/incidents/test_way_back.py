from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.incidents.way_back import (
    HoldEnd,
    Route,
    ScheduledWayBack,
    name_of,
    parse_hold_end,
)
from functions.domain.errors import BusyError, RefusedError
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

ROUTE = Route(
    group="Loopbreaker-holds",
    target_arn="arn:aws:lambda:us-east-1:123456789012:function:Loopbreaker-restore",
    role_arn="arn:aws:iam::123456789012:role/Loopbreaker-WayBack",
    dead_letter_arn="arn:aws:sqs:us-east-1:123456789012:undelivered",
)
ID = "orders-20260310T120030Z"
NAME = name_of(ID)
AT = datetime(2026, 3, 10, 12, 15, 0, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "Name": NAME,
    "GroupName": "Loopbreaker-holds",
    "ScheduleExpression": "at(2026-03-10T12:15:00)",
    "ScheduleExpressionTimezone": "UTC",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "ActionAfterCompletion": "DELETE",
    "Target": {
        "Arn": ROUTE.target_arn,
        "RoleArn": ROUTE.role_arn,
        "Input": f'{{"loopbreaker": "end hold", "incident": "{ID}", "function": "orders"}}',
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
        "DeadLetterConfig": {"Arn": ROUTE.dead_letter_arn},
    },
}
DONE = {
    "ScheduleArn": f"arn:aws:scheduler:us-east-1:123456789012:schedule/Loopbreaker-holds/{NAME}"
}


script = scripted("scheduler")


def way_back(script: Script) -> ScheduledWayBack:
    """The adapter."""
    return ScheduledWayBack(lambda: script.client, ROUTE)


def expecting(at: str = "2026-03-10T12:15:00") -> dict[str, Any]:
    """The request with another time."""
    return {**REQUEST, "ScheduleExpression": f"at({at})"}


def test_creates_a_schedule_that_deletes_itself(script: Script) -> None:
    """Once, at that time, with the role that may invoke `restore`."""
    script.answer("create_schedule", DONE, **expecting())

    way_back(script).schedule(ID, "orders", AT)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (AT + timedelta(seconds=1), "2026-03-10T12:16:00"),
        (AT + timedelta(microseconds=1), "2026-03-10T12:16:00"),
        (datetime(2026, 3, 10, 23, 59, 30, tzinfo=UTC), "2026-03-11T00:00:00"),
        (AT.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-03-10T12:15:00"),
    ],
)
def test_the_time_is_a_full_minute_in_utc_and_never_early(
    script: Script, moment: datetime, expected: str
) -> None:
    """AWS fires within the minute that begins at its time."""
    script.answer("create_schedule", DONE, **expecting(expected))

    way_back(script).schedule(ID, "orders", moment)


def test_moves_the_schedule_of_the_same_incident(script: Script) -> None:
    """There is one already: it gets the new time, and loses nothing by the update."""
    script.refuse("create_schedule", "ConflictException", status=409)
    script.answer("update_schedule", DONE, **expecting())

    way_back(script).schedule(ID, "orders", AT)


def test_a_schedule_that_fires_in_between_is_created_anew(script: Script) -> None:
    """It was there, and is gone when it is to be moved."""
    script.refuse("create_schedule", "ConflictException", status=409)
    script.refuse("update_schedule", "ResourceNotFoundException", status=404)
    script.answer("create_schedule", DONE, **expecting())

    way_back(script).schedule(ID, "orders", AT)


def test_a_group_that_is_being_deleted_takes_no_schedule(script: Script) -> None:
    """Whatever AWS calls that, it is an error: nothing may be held."""
    for _ in range(3):
        script.refuse("create_schedule", "ConflictException", status=409)
        script.refuse("update_schedule", "ResourceNotFoundException", status=404)

    with pytest.raises(BusyError, match="it comes and goes"):
        way_back(script).schedule(ID, "orders", AT)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ResourceNotFoundException", 404, RefusedError),
        ("ServiceQuotaExceededException", 402, RefusedError),
        ("ValidationException", 400, RefusedError),
        ("AccessDeniedException", 403, RefusedError),
        ("ThrottlingException", 429, BusyError),
        ("InternalServerException", 500, BusyError),
    ],
)
def test_a_schedule_that_may_not_be_there_is_an_error(
    script: Script, code: str, status: int, error: type[Exception]
) -> None:
    """In AWS's words, with the name of the schedule."""
    script.refuse("create_schedule", code, "AWS's words", status)

    with pytest.raises(error, match=f"schedule {NAME}: {code}: AWS's words"):
        way_back(script).schedule(ID, "orders", AT)


def test_an_update_that_conflicts_may_go_well_later(script: Script) -> None:
    """Two runs move it at the same time."""
    script.refuse("create_schedule", "ConflictException", status=409)
    script.refuse("update_schedule", "ConflictException", status=409)

    with pytest.raises(BusyError):
        way_back(script).schedule(ID, "orders", AT)


def test_cancels(script: Script) -> None:
    """By the incident's name, in the group."""
    script.answer("delete_schedule", Name=NAME, GroupName="Loopbreaker-holds")

    way_back(script).cancel(ID)


def test_what_is_not_there_is_cancelled(script: Script) -> None:
    """It fired and deleted itself."""
    script.refuse("delete_schedule", "ResourceNotFoundException", status=404)

    way_back(script).cancel(ID)


def test_a_schedule_that_cannot_be_cancelled_is_an_error(script: Script) -> None:
    """The caller decides whether that matters."""
    script.refuse("delete_schedule", "AccessDeniedException", status=403)

    with pytest.raises(RefusedError):
        way_back(script).cancel(ID)


@given(
    function=st.from_regex(r"[a-zA-Z0-9_.:-]{1,140}", fullmatch=True),
    second=st.integers(0, 10**6),
)
def test_every_incident_has_a_name_that_scheduler_takes(function: str, second: int) -> None:
    """At most 64 characters of its alphabet, and another one for another incident."""
    moment = datetime(2026, 3, 10, tzinfo=UTC) + timedelta(seconds=second)
    incident = f"{function}-{moment:%Y%m%dT%H%M%SZ}"
    later = f"{function}-{moment + timedelta(seconds=1):%Y%m%dT%H%M%SZ}"

    assert re.fullmatch(r"[0-9a-zA-Z_.-]{1,64}", name_of(incident))
    assert name_of(incident) == name_of(incident)
    assert name_of(incident) != name_of(later)


def test_the_event_is_what_the_schedule_hands_over() -> None:
    """Written and read by the same module, and as the tests' payload has it."""
    end = HoldEnd(incident_id=ID, function="orders")
    path = Path(__file__).parents[3] / "events" / "schedule.end_hold.json"

    assert json.loads(end.to_input()) == json.loads(path.read_text())
    assert parse_hold_end(json.loads(end.to_input())) == end
