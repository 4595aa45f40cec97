"""When what CloudTrail reports reaches the event bus: at once, or in AWS's weather late.

There it comes some seconds later, now and then minutes later, now and then twice with the same
CloudTrail event id, and so out of order. The event's time is the time of the call in either case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from sandbox.patches.events.schedules import at_moment
from sandbox.settings import ACCOUNT_ID, REGION
from sandbox.weather.lateness import trail_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.world import World

_NAMES = ("FunctionName", "RoleName", "Name", "Rule", "BucketName", "TopicArn", "QueueUrl")


def put(
    world: World,
    operation: str,
    request: Mapping[str, Any],
    entry: dict[str, Any],
    called_at: float,
) -> None:
    """Put the event of a call on the default bus when its time has come."""
    weather = world.settings.weather
    if weather.is_calm:
        _put(entry)
        return

    def report() -> None:
        with at_moment(called_at):
            _put(entry)

    name = next((str(request[key]) for key in _NAMES if request.get(key)), "")
    number = world.occurrences.number("trail", operation, name)
    for seconds in trail_seconds(weather, operation, name, number):
        world.later.at(called_at + seconds, report)


def _put(entry: dict[str, Any]) -> None:
    with request_scope(ACCOUNT_ID, REGION):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
