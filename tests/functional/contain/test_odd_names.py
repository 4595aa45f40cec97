"""Names in metrics that are no function of this Region: reported or left out, never an error."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from functions.aws.incidents.signals import parse_signal
from functions.contain.handler import handler
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.functional.lambda_context import lambda_context
from tests.functional.scene import Scene

EVENTS = Path(__file__).parents[2] / "events"
CONTEXT = lambda_context("Loopbreaker-contain")
REPLICA = "us-east-1.edge-auth"


def contributor(function: str) -> dict[str, Any]:
    """The event of one series of the alarm that is grouped by FunctionName."""
    text = (EVENTS / "alarm_contributor_state_change.alarm.json").read_text()
    event: dict[str, Any] = copy.deepcopy(json.loads(text))
    event["detail"]["alarmContributor"]["attributes"]["FunctionName"] = function
    return event


def add_replica(scene: Scene, name: str = REPLICA) -> None:
    """Metrics of a replica that runs away; Lambda's API knows no such function here."""
    scene.account.metrics.habit(name, 150.0)
    scene.burn(name)


def changes(scene: Scene) -> list[str]:
    """The calls that asked or changed Lambda's control plane about some function."""
    return [one.name for one in scene.account.journal if one.name.startswith("functions.")]


def test_a_replica_is_reported_once_and_never_touched(scene: Scene) -> None:
    """CloudFront runs it: people are notified what to do, once, however often its alarm rings."""
    scene.now = parse_signal(contributor(REPLICA)).at
    add_replica(scene)

    handler(contributor(REPLICA), CONTEXT)
    handler(contributor(REPLICA), CONTEXT)
    for _ in range(5):
        scene.pulse()
        scene.burn(REPLICA)

    incident = scene.incident(REPLICA)
    assert (incident.state, incident.decided) == (
        IncidentState.NOTIFIED,
        DecisionReason.EDGE_REPLICA,
    )
    assert len(scene.subjects) == 1
    assert "NOT STOPPED (Lambda@Edge): us-east-1.edge-auth" in scene.subjects[0]
    body = scene.account.publisher.sent[0].body
    assert "--function-name edge-auth --reserved-concurrent-executions 0 --region us-east-1" in body
    assert set(changes(scene)) <= {"functions.tagged"}


def test_the_incident_of_a_replica_ends_when_it_is_calm(scene: Scene) -> None:
    """What was reported is closed by itself, as any other."""
    add_replica(scene)
    scene.contributor(REPLICA)

    scene.calm(REPLICA)
    scene.pulse()

    assert scene.account.ledger.stored(REPLICA) is None
    assert [one.state for one in scene.account.ledger.filed(REPLICA)] == [IncidentState.ENDED]


@pytest.mark.parametrize("kind", [SignalKind.ALARM, SignalKind.SWEEP])
def test_a_survey_reports_a_replica_and_contains_the_function_beside_it(
    scene: Scene, kind: SignalKind
) -> None:
    """A replica among the candidates keeps nobody from being stopped."""
    add_replica(scene)
    scene.add_runaway("orders")

    scene.signal(kind)

    assert scene.account.by_name["orders"].reserved == 0
    assert scene.incident(REPLICA).decided == DecisionReason.EDGE_REPLICA


@pytest.mark.parametrize("name", ["a.b", "", "not a function", "x" * 65])
def test_a_contributor_that_names_nothing_is_left_out(scene: Scene, name: str) -> None:
    """Only that series is odd: the event is dealt with, so that no retry and no alarm follows."""
    add_replica(scene, name)

    handler(contributor(name), CONTEXT)

    assert (scene.account.journal, scene.subjects) == ([], [])


@pytest.mark.parametrize("kind", [SignalKind.ALARM, SignalKind.SWEEP])
def test_a_survey_leaves_out_what_names_nothing(scene: Scene, kind: SignalKind) -> None:
    """An odd name among the candidates keeps nobody from being stopped."""
    add_replica(scene, "a.b")
    scene.add_runaway("orders")

    scene.signal(kind)

    assert scene.account.by_name["orders"].reserved == 0
    assert scene.account.ledger.stored("a.b") is None


def test_a_named_version_is_the_function(scene: Scene) -> None:
    """``$LATEST.PUBLISHED`` and versions are those of the function itself."""
    event = contributor("orders:$LATEST.PUBLISHED")
    scene.now = parse_signal(event).at
    scene.add_runaway("orders")

    handler(event, CONTEXT)

    assert scene.account.by_name["orders"].reserved == 0
