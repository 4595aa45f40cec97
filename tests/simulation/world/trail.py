"""CloudTrail's events of changes, people's and the guard's own: late, lost and doubled."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from tests.simulation.world.traffic import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Any

    from tests.simulation.schedule import Schedule
    from tests.simulation.turns import Turns
    from tests.simulation.world.happenings import Change

_NAMES: Final = {
    "reserve": "PutFunctionConcurrency20171031",
    "unreserve": "DeleteFunctionConcurrency20171031",
    "put_provisioned": "PutProvisionedConcurrencyConfig",
    "remove_provisioned": "DeleteProvisionedConcurrencyConfig",
    "switch_mapping": "UpdateEventSourceMapping20150331",
    "limit_mapping": "UpdateEventSourceMapping20150331",
    "delete": "DeleteFunction20150331",
}


class Trail:
    """Hands the events of changes over, some time later."""

    def __init__(
        self, schedule: Schedule, turns: Turns, see: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._weather = schedule.weather
        self._turns = turns
        self._see = see
        self._random = Random(f"{schedule.seed} trail")

    def of_guard(self, change: Change) -> None:
        """The guard has changed something."""
        role = "contain" if change.run.memory.get("denies_exempt") else "restore"
        who = f"Loopbreaker-{role}"
        self._note(
            change.function, change.method, who, who if self._weather.trail_names_us else "1"
        )

    def of_person(self, function: str, method: str) -> None:
        """A person has changed something."""
        self._note(function, method, "Developer", "ada")

    def _note(self, function: str, method: str, role: str, session: str) -> None:
        weather, random = self._weather, self._random
        if weather.trail_seconds is None or not function:
            return
        if random.random() < weather.trail_loses:
            return
        now = NOON + timedelta(seconds=self._turns.now)
        event = _trail_event(function, _NAMES[method], role, session, now)
        after = random.uniform(2.0, weather.trail_seconds)
        self._turns.at(self._turns.now + after, lambda: self._see(event))
        if random.random() < weather.trail_doubles:
            later = after + random.uniform(0.1, 30.0)
            self._turns.at(self._turns.now + later, lambda: self._see(event))


def _trail_event(
    function: str, name: str, role: str, session: str, at: datetime
) -> Mapping[str, Any]:
    """A CloudTrail event as EventBridge hands it over; its shape is tests/events/cloudtrail.*."""
    issuer = f"arn:aws:iam::123456789012:role/{role}"
    return {
        "version": "0",
        "id": "1",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.lambda",
        "account": "123456789012",
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "userIdentity": {
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::123456789012:assumed-role/{role}/{session}",
                "sessionContext": {
                    "sessionIssuer": {"type": "Role", "arn": issuer, "userName": role}
                },
            },
            "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": "lambda.amazonaws.com",
            "eventName": name,
            "requestParameters": {"functionName": function},
            "responseElements": {},
            "eventID": "1",
        },
    }
