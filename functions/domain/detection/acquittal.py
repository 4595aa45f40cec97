"""Whether a suspected function is left alone, because what feeds it was counted elsewhere.

The event graph hears of changes late (CloudTrail), and a loop often begins with a change. So it is
asked twice: with the sources that it ruled out after it had heard of all that was changed before
the spike began, and with those that it rules out now. The second answer may be out of date. It
holds a hold back only where the spike is not urgent, and whoever acts by it looks again once the
graph has heard of the changes.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from functions.domain.detection.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.detection.feeding import Fed, Feeding
from functions.domain.incidents.decision import DecisionReason

# Series settle after 4 minutes, and a cause shows in two settled ones. Who is not acquitted after
# this long is held: the counts have come by then, or do not come at all.
PENDING_FOR: Final = timedelta(minutes=10)
# Such a spike costs too much, or refuses too much, to wait for counts or for the graph.
_URGENT: Final = (Reason.AT_CEILING, Reason.GROWING, Reason.THROTTLED)
_CAUSES: Final = MappingProxyType(
    {
        Fed.OUTSIDE: Reason.FED_BY_OTHERS,
        Fed.BACKLOG: Reason.WORKS_OFF,
        Fed.RETRIES: Reason.TRIED_AGAIN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A suspected function that is not held, and why: acquitted, or not to be told yet."""

    assessment: Assessment
    reason: DecisionReason


def judge_feeding(
    assessment: Assessment, *, seen: Feeding, charted: Feeding, is_throttled: bool
) -> LeftAlone | None:
    """Whether a suspected function is left alone; ``None`` if it is to be held.

    Parameters
    ----------
    seen
        Who feeds it, as far as the graph had heard of all changes when the spike began.
    charted
        Who feeds it, as the graph is now.
    is_throttled
        Whether invocations were throttled in the spike.
    """
    if seen.is_acquitted:
        return _acquit(assessment, seen)
    if is_throttled or assessment.is_in_danger or any(assessment.has(one) for one in _URGENT):
        return None
    if charted.is_acquitted:
        return _acquit(assessment, charted)
    since = assessment.since
    is_early = since is not None and assessment.at - since <= PENDING_FOR
    if charted.fed is Fed.PENDING and is_early:
        return LeftAlone(assessment=assessment, reason=DecisionReason.NOT_YET_COUNTED)
    return None


def _acquit(assessment: Assessment, feeding: Feeding) -> LeftAlone:
    cause = Ground(
        reason=_CAUSES[feeding.fed],
        value=feeding.added_per_minute,
        unit=Unit.PER_MINUTE,
        reference=feeding.own_per_minute,
    )
    explained = replace(assessment, verdict=Verdict.BUSY, grounds=(cause, *assessment.grounds))
    return LeftAlone(assessment=explained, reason=DecisionReason.EXPLAINED)
