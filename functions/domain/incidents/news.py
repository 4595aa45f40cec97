"""Whether people do not know yet what is decided about an open incident."""

from functions.domain.detection.assessment import Reason, Verdict
from functions.domain.incidents.decision import (
    Notify,
)
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState, Transition


def has_news(incident: Incident, decision: Notify) -> bool:
    """Whether people do not know yet what is decided about an open incident."""
    match incident.state:
        case IncidentState.RELEASED:
            return not incident.has_notified(Transition.RUNNING_AWAY_AGAIN)
        case IncidentState.NOTIFIED:
            return _is_news(incident, decision)
        case _:
            return False


def may_have_news(incident: Incident, decision: Notify) -> bool:
    """Whether it is worth while to find out what people would be notified of."""
    is_danger_new = (
        incident.state is IncidentState.NOTIFIED
        and decision.assessment.is_in_danger
        and not incident.assessment.is_in_danger
    )
    return is_danger_new or has_news(incident, decision)


def _is_news(incident: Incident, decision: Notify) -> bool:
    before, after = incident.assessment, decision.assessment
    rose = after.verdict is Verdict.RUNAWAY and before.verdict is not Verdict.RUNAWAY
    is_cap_new = after.has(Reason.WOULD_BE_CAPPED) and not before.has(Reason.WOULD_BE_CAPPED)
    return rose or is_cap_new or incident.decided != decision.reason
