"""The Lambda function that keeps the event graph, invoked by its schedule and by changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account.configuration_changes import find_changes, is_change
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.observability import logger
from functions.chart.wiring import connect
from functions.domain.errors import UnrecognisedSignalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

_SCHEDULED: Final = "Scheduled Event"
_RULE: Final = "-chart"


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Note a change, or do what is due. Whatever fails is raised: Lambda tries again.

    Raises
    ------
    UnrecognisedSignalError
        When neither the schedule nor a change sends such an event.
    """
    wiring = connect()
    clock = clock_for(event)
    now = clock()
    if is_change(event):
        changes = find_changes(event)
        mark = str(event.get("id") or context.aws_request_id)
        wiring.store(context.aws_request_id).note(changes, mark, now)
        logger.info("noted", extra={"changes": [f"{one.kind}: {one.name}" for one in changes]})
    elif is_tick(event):
        until = now + timedelta(milliseconds=context.get_remaining_time_in_millis())
        try:
            wiring.refresh(context.aws_request_id, until, clock).tick()
        finally:
            wiring.events.flush(lambda: context.get_remaining_time_in_millis() / 1000)
    else:
        raise UnrecognisedSignalError(
            f"no trigger of chart sends this event: source {event.get('source')!r}, detail-type "
            f"{event.get('detail-type')!r}. Accepted: scheduled events of a rule that ends with "
            f"{_RULE}, CloudTrail's events of calls that change what is charted"
        )


def is_tick(event: Mapping[str, Any]) -> bool:
    """Whether the schedule sent the event."""
    rules = event.get("resources") or [""]
    name = str(rules[0]).rpartition("/")[2]
    return event.get("detail-type") == _SCHEDULED and name.casefold().endswith(_RULE)


def clock_for(event: Mapping[str, Any]) -> Callable[[], datetime]:
    """A clock that is not behind the event, as in `contain`: the event's time is AWS's own.

    So are the times of the functions' last changes, with which the reading's is compared.
    """
    time = event.get("time")
    try:
        ahead = datetime.fromisoformat(str(time)) - read_clock()
    except (TypeError, ValueError):
        ahead = timedelta(0)
    return lambda: read_clock() + max(ahead, timedelta(0))
