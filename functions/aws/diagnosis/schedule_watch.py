"""Schedules whose group counts errors: which group that is, and what such a schedule is now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import AWS_ERRORS, get_code, translate_reading_error
from functions.domain.diagnosis.collection.failure_metrics import group_and_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from functions.domain.account.inventory import Schedule

IAM_ACTIONS: Final = frozenset({"scheduler:GetSchedule"})

_GONE: Final = "ResourceNotFoundException"


class Schedules:
    """GetSchedule, for the role of a schedule: ListSchedules leaves it out.

    Parameters
    ----------
    wait
        Returns when the next call may go out.
    """

    def __init__(
        self, client: EventBridgeSchedulerClient, wait: Callable[[], None] = lambda: None
    ) -> None:
        self._client = client
        self._wait = wait

    def read_schedule(self, schedule: Schedule) -> Schedule | None:
        """The schedule as it is now, with its role; ``None`` for one that is gone.

        Raises
        ------
        RefusedError, BusyError
            When AWS does not tell.
        """
        group, name = group_and_name(schedule.arn)
        self._wait()
        try:
            told = self._client.get_schedule(GroupName=group, Name=name)
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and get_code(error) == _GONE:
                return None
            raise translate_reading_error(error, f"schedule {group}/{name}") from error
        target = told.get("Target", {})
        return replace(
            schedule,
            target_arn=target.get("Arn", ""),
            role_arn=target.get("RoleArn", ""),
            dead_letter_arn=target.get("DeadLetterConfig", {}).get("Arn", ""),
            is_enabled=told.get("State") != "DISABLED",
        )
