"""The schedule that ends a hold, or a probation, if `contain` is gone by then."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from functions.domain.errors import BusyError, RefusedError
from functions.domain.holding.watch import Watch
from functions.domain.incidents.incident import Incident
from functions.workflows.incidents.context import Context

# After the time that a hold takes at most: by then a pulse would have ended it.
HOLD_ENDS_AFTER: Final = timedelta(minutes=10)
# The same of a cap that refuses callers: it does not wait for data that are late.
CAP_ENDS_AFTER: Final = timedelta(minutes=2)


def schedule_way_back(incident: Incident, watch: Watch, world: Context, now: datetime) -> None:
    """Make or move what ends a hold if this function is gone by then.

    Raises
    ------
    RefusedError, BusyError
        As AWS answers: the hold may not last as long as `watch` says then.
    """
    after = CAP_ENDS_AFTER if watch.plan.is_for_callers else HOLD_ENDS_AFTER
    # From the hold on: people may have known of it for hours before it could be held.
    world.way_back.schedule(incident.id, incident.function, max(watch.ends_at + after, now))


def restore_way_back(incident: Incident, world: Context, now: datetime) -> None:
    """Make the schedule anew that ends a hold which goes on, or delete it where nothing is to end.

    One that AWS refuses stays as it was. If it comes too early, the hold ends too early.
    """
    if incident.watch is None or not incident.is_being_judged:
        cancel_schedule(incident, world)
        return
    with suppress(RefusedError, BusyError):
        schedule_way_back(incident, incident.watch, world, now)


def cancel_way_back(incident: Incident, world: Context) -> None:
    """Delete the schedule that ends a hold. One that stays finds nothing to do when it comes."""
    if incident.watch is not None or incident.probation is not None:
        cancel_schedule(incident, world)


def cancel_schedule(incident: Incident, world: Context) -> None:
    """Delete the schedule of an incident, if AWS takes that."""
    with suppress(RefusedError, BusyError):
        world.way_back.cancel(incident.id)
