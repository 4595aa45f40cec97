"""How often a function may be held: nobody is to keep it held by sending it bursts.

What is counted are the incidents themselves, closed or not, so nothing is written for it: a run
that dies and is tried again goes on with the same incident, and one that AWS refused holds nothing
and has no time at which it took effect.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from functions.domain.incidents.incident import Incident

# Each hold takes up to 15 minutes and a trial, and none begins within an hour of one that ended:
# more of them would be a good part of the day. A loop is shown by the first as well as by the
# fourth; of healthy functions, one with a few bursts a day is still judged by each.
MOST_HOLDS: Final = 4
COUNTED_FOR: Final = timedelta(hours=24)


def count_holds(incidents: Iterable[Incident], now: datetime) -> int:
    """How many of the incidents held their function, and began to within `COUNTED_FOR`.

    Parameters
    ----------
    incidents
        Of one function, each once or more often.
    """
    return len(
        {
            one.id
            for one in incidents
            if one.watch is not None
            and one.contained_at is not None
            and one.contained_at > now - COUNTED_FOR
        }
    )


def was_capped_in_danger(closed: Iterable[Incident], since: datetime) -> bool:
    """Whether a cap that refuses callers ended after `since`."""
    return any(
        one.watch is not None
        and one.watch.plan.is_for_callers
        and one.closed_at is not None
        and one.closed_at >= since
        for one in closed
    )
