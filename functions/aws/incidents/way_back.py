"""The way back of a hold: a one-time schedule invokes `restore`, whatever becomes of `contain`.

Sources: EventBridge Scheduler user guide, *Schedule types* (a one-time schedule; invoked within the
60 seconds that begin at its time), *Deleting a schedule* (deleted after it has invoked its target
once), *Configuring a dead-letter queue*; API reference, *CreateSchedule*, *RetryPolicy*.

A schedule may fire more than once, late, or after the incident went on. `restore` looks at the
incident first, so that nothing rests on the schedule's own accuracy.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import AWS_ERRORS, get_code, get_message, translate_reading_error
from functions.domain.errors import BusyError, UnrecognisedSignalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_scheduler.type_defs import TargetTypeDef

    from functions.aws.runtime.errors import AwsError
    from functions.domain.errors import LoopbreakerError
    from functions.settings import HoldSettings

IAM_ACTIONS: Final = frozenset(
    {
        "iam:PassRole",
        "scheduler:CreateSchedule",
        "scheduler:DeleteSchedule",
        "scheduler:UpdateSchedule",
    }
)

_MARK: Final = "loopbreaker"
_END_HOLD: Final = "end hold"
_KEYS: Final = frozenset({_MARK, "incident", "function"})

# A name has at most 64 characters of letters, digits, "-", "_" and "." (CreateSchedule).
_LONGEST_NAME: Final = 64
_DIGEST_CHARACTERS: Final = 16
_OTHER_CHARACTERS: Final = re.compile(r"[^0-9a-zA-Z_.-]")
# As long as AWS tries at all: a late end is better than none (API reference, *RetryPolicy*).
_LONGEST_AGE_SECONDS: Final = 86_400
_MOST_ATTEMPTS: Final = 185
# Between finding that a schedule is there and changing it, it may have fired and be gone.
_TRIES: Final = 3
_CONFLICT: Final = "ConflictException"
_MISSING: Final = "ResourceNotFoundException"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnd:
    """What `restore` is invoked with when a hold must be over."""

    incident_id: str
    function: str

    def to_input(self) -> str:
        """The JSON text that the schedule hands over."""
        return json.dumps(
            {_MARK: _END_HOLD, "incident": self.incident_id, "function": self.function}
        )


def is_hold_end(event: Mapping[str, Any]) -> bool:
    """Tell a schedule's event from CloudFormation's requests by the key that those lack.

    A person's direct request has an object under that key, and is told from both by it.
    """
    return _MARK in event


def parse_hold_end(event: Mapping[str, Any]) -> HoldEnd:
    """Read a schedule's event.

    Raises
    ------
    UnrecognisedSignalError
        When it has not exactly the shape that `HoldEnd.to_input` writes.
    """
    match event:
        case {"loopbreaker": "end hold", "incident": str() as incident, "function": str() as name}:
            if incident and name and event.keys() == _KEYS:
                return HoldEnd(incident_id=incident, function=name)
    raise UnrecognisedSignalError(
        f"no schedule of Loopbreaker sends this event: {', '.join(sorted(map(str, event)))}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a schedule reaches `restore`.

    Attributes
    ----------
    group
        Name of the schedule group of this stack.
    target_arn
        ARN of `restore`.
    role_arn
        The role that Scheduler takes to invoke it.
    dead_letter_arn
        Queue for what could not be delivered.
    """

    group: str
    target_arn: str
    role_arn: str
    dead_letter_arn: str

    @classmethod
    def of(cls, settings: HoldSettings) -> Self:
        """The route of a deployment."""
        return cls(
            group=settings.hold_schedules,
            target_arn=settings.restore_arn,
            role_arn=settings.hold_role_arn,
            dead_letter_arn=settings.undelivered_arn,
        )


class ScheduledWayBack:
    """The port `WayBack`.

    Parameters
    ----------
    client
        Makes the client, or answers the one there is: hardly a run needs one.
    """

    def __init__(self, client: Callable[[], EventBridgeSchedulerClient], route: Route) -> None:
        self._client = client
        self._route = route

    def schedule(self, incident_id: str, function: str, at: datetime) -> None:
        """Have `restore` invoked for the incident at that time, or move the time.

        AWS's precision is a minute, so the time is rounded up to a full one: never early.

        UNCONFIRMED A-005: what AWS does with a time that is over. Where it refuses it, so does
        this.

        Raises
        ------
        RefusedError, BusyError
            When the schedule may not be there: nothing may be held then.
        """
        name = name_of(incident_id)
        request = self._request(name, HoldEnd(incident_id=incident_id, function=function), at)

        def create() -> object:
            # botocore sends the same client token with each attempt, so that an attempt whose
            # answer was lost is no conflict for the next one.
            return self._client().create_schedule(**request)

        def update() -> object:
            # It replaces the whole schedule: what an update leaves out gets its default.
            return self._client().update_schedule(**request)

        for _ in range(_TRIES):
            if self._is_done(create, name, unless=_CONFLICT):
                return
            if self._is_done(update, name, unless=_MISSING):
                return
        raise BusyError(f"schedule {name}: it comes and goes")

    def cancel(self, incident_id: str) -> None:
        """Delete the schedule of an incident; nothing happens where there is none.

        Raises
        ------
        RefusedError, BusyError
            When it may be there still, which does no harm: it finds nothing to end.
        """
        name = name_of(incident_id)
        try:
            self._client().delete_schedule(Name=name, GroupName=self._route.group)
        except AWS_ERRORS as error:
            if _get_code(error) != _MISSING:
                raise _translate_error(error, name) from error

    @staticmethod
    def _is_done(call: Callable[[], object], name: str, *, unless: str) -> bool:
        """Whether AWS took the schedule; not where it answers `unless`."""
        try:
            call()
        except AWS_ERRORS as error:
            if _get_code(error) == unless:
                return False
            raise _translate_error(error, name) from error
        return True

    def _request(self, name: str, end: HoldEnd, at: datetime) -> dict[str, Any]:
        return {
            "Name": name,
            "GroupName": self._route.group,
            "ScheduleExpression": _format_expression(at),
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": self._build_target(end),
        }

    def _build_target(self, end: HoldEnd) -> TargetTypeDef:
        return {
            "Arn": self._route.target_arn,
            "RoleArn": self._route.role_arn,
            "Input": end.to_input(),
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": _LONGEST_AGE_SECONDS,
                "MaximumRetryAttempts": _MOST_ATTEMPTS,
            },
            "DeadLetterConfig": {"Arn": self._route.dead_letter_arn},
        }


def name_of(incident_id: str) -> str:
    """The name of an incident's schedule: what people can read of it, and a digest of all of it."""
    digest = hashlib.sha256(incident_id.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    readable = _OTHER_CHARACTERS.sub("_", incident_id)
    return f"{readable[: _LONGEST_NAME - _DIGEST_CHARACTERS - 1]}-{digest}"


def _format_expression(moment: datetime) -> str:
    """A one-time schedule expression at the next full minute, in UTC."""
    utc = moment.astimezone(UTC)
    minute = utc.replace(second=0, microsecond=0)
    if minute < utc:
        minute += timedelta(minutes=1)
    return f"at({minute:%Y-%m-%dT%H:%M:%S})"


def _get_code(error: AwsError) -> str:
    return get_code(error) if isinstance(error, ClientError) else ""


def _translate_error(error: AwsError, name: str) -> LoopbreakerError:
    if _get_code(error) == _CONFLICT:  # somebody else is changing it, or its group is being deleted
        return BusyError(f"schedule {name}: {get_message(error)}")
    return translate_reading_error(error, f"schedule {name}")
