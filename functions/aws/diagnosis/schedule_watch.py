"""Schedules whose group counts errors: which group that is, and what such a schedule is now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from functions.aws.diagnosis.metrics import Family
from functions.aws.runtime.errors import AWS_ERRORS, code_of, of_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from functions.aws.diagnosis.metrics import MetricQuery
    from functions.domain.account.inventory import Schedule

IAM_ACTIONS: Final = frozenset({"scheduler:GetSchedule"})

# UNCONFIRMED: that it is there only while it is not zero. If it is always there, each hour some
# metrics more are analysed.
FAILURES: Final = Family(
    namespace="AWS/Scheduler", metric="TargetErrorCount", dimensions=("ScheduleGroup",)
)
_GONE: Final = "ResourceNotFoundException"


def group_of(arn: str) -> str:
    """The name of the group in a schedule's ARN; empty where it has not the shape of one.

    >>> group_of("arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly")
    'default'
    """
    return _place(arn)[0]


def failures_in(group: str) -> MetricQuery:
    """How often a target refused or failed an invocation by some schedule of the group.

    Counted for the whole group only (EventBridge Scheduler user guide, *Monitoring Amazon
    EventBridge Scheduler with Amazon CloudWatch*).

    UNCONFIRMED: that an invocation which the schedule's role may not make is counted here. If it is
    not, such a schedule is not read, and nothing is said of it.
    """
    return FAILURES.one((group,))


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

    def now(self, schedule: Schedule) -> Schedule | None:
        """The schedule as it is now, with its role; ``None`` for one that is gone.

        Raises
        ------
        RefusedError, BusyError
            When AWS does not tell.
        """
        group, name = _place(schedule.arn)
        self._wait()
        try:
            told = self._client.get_schedule(GroupName=group, Name=name)
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and code_of(error) == _GONE:
                return None
            raise of_reading(error, f"schedule {group}/{name}") from error
        target = told.get("Target", {})
        return replace(
            schedule,
            target_arn=target.get("Arn", ""),
            role_arn=target.get("RoleArn", ""),
            dead_letter_arn=target.get("DeadLetterConfig", {}).get("Arn", ""),
            is_enabled=told.get("State") != "DISABLED",
        )


def _place(arn: str) -> tuple[str, str]:
    """Group and name, in ``arn:aws:scheduler:<region>:<account>:schedule/<group>/<name>``."""
    group, _, name = arn.partition(":schedule/")[2].partition("/")
    return group, name
