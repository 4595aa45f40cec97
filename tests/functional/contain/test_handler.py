"""The handler of `contain`, from AWS's own event shapes to what becomes of a function."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from functions.aws.incidents.signals import parse_signal
from functions.contain.handler import handler
from functions.domain.errors import UnrecognisedSignalError
from functions.workflows.detection.report import PartlyFailedError
from tests.functional.lambda_context import lambda_context
from tests.functional.scene import Scene

EVENTS = Path(__file__).parents[2] / "events"
CONTEXT = lambda_context("Loopbreaker-contain")


def _event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def _runaway_named_by(event: dict[str, Any]) -> str:
    attributes = event.get("detail", {}).get("alarmContributor", {}).get("attributes", {})
    return str(attributes.get("FunctionName", "orders"))


@pytest.mark.parametrize(
    "name",
    [
        "alarm_state_change.alarm",
        "alarm_contributor_state_change.alarm",
        "lambda_alarm_action.metric",
        "scheduled.pulse",
        "scheduled.sweep",
    ],
)
def test_each_trigger_leads_to_the_containment(name: str, scene: Scene) -> None:
    """Whichever trigger comes first stops the function."""
    event = _event(name)
    runaway = _runaway_named_by(event)
    scene.now = parse_signal(event).at
    scene.add_runaway(runaway)

    handler(event, CONTEXT)

    assert scene.account.by_name[runaway].reserved == 0


@pytest.mark.parametrize(
    "name",
    [
        "alarm_state_change.ok",
        "alarm_state_change.insufficient_data",
        "alarm_contributor_state_change.ok",
        "cloudtrail.denied",
    ],
)
def test_what_calls_for_nothing_changes_nothing(name: str, scene: Scene) -> None:
    """A cleared alarm or a denied call leads to no call of ours at all."""
    scene.add_runaway()

    handler(_event(name), CONTEXT)

    assert scene.account.journal == []


def test_a_change_of_a_contained_function_is_noticed_with_its_author(scene: Scene) -> None:
    """CloudTrail's event of a released reservation becomes a notice that names who it was."""
    event = _event("cloudtrail.put_function_concurrency")
    name = event["detail"]["requestParameters"]["functionName"].rpartition(":function:")[2]
    scene.add_runaway(name)
    scene.contributor(name)
    scene.account.reserves(name, 9)

    later = scene.now.replace(hour=scene.now.hour + 1)
    scene.now = later
    handler(event, CONTEXT)

    identity = event["detail"]["userIdentity"]["arn"]
    assert identity in scene.account.publisher.sent[-1].body.replace("\n", "")


def test_a_late_signal_is_judged_by_what_is_the_case_now(scene: Scene) -> None:
    """A delivery that was retried for hours does not stop a function that is calm by now."""
    event = _event("alarm_contributor_state_change.alarm")
    runaway = _runaway_named_by(event)
    scene.add_runaway(runaway)
    scene.now = scene.now.replace(hour=18)
    scene.calm(runaway, 180)

    handler(event, CONTEXT)

    assert scene.account.by_name[runaway].reserved is None


def _without(event: dict[str, Any], *path: str) -> dict[str, Any]:
    broken = copy.deepcopy(event)
    inner = broken
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return broken


MALFORMED = [
    {},
    {"Records": [{"Sns": {"Message": "ALARM"}}]},
    {"source": "aws.s3", "detail-type": "Object Created", "detail": {}},
    _without(_event("alarm_state_change.alarm"), "detail", "state"),
    _without(_event("alarm_contributor_state_change.alarm"), "detail", "alarmContributor"),
    _without(_event("scheduled.pulse"), "resources"),
    _without(_event("cloudtrail.put_function_concurrency"), "detail", "eventName"),
]


@pytest.mark.parametrize("event", MALFORMED)
def test_a_malformed_event_is_a_clear_error_and_changes_nothing(
    event: dict[str, Any], scene: Scene
) -> None:
    """The error reaches Lambda, whose retries end in the dead-letter queue."""
    scene.add_runaway()

    with pytest.raises(UnrecognisedSignalError):
        handler(event, CONTEXT)

    assert scene.account.journal == []


def test_a_failure_reaches_lambda(scene: Scene) -> None:
    """A handler that returned normally after a failure would hide it from the retries."""
    event = _event("alarm_contributor_state_change.alarm")
    scene.add_runaway(_runaway_named_by(event))
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        handler(event, CONTEXT)
