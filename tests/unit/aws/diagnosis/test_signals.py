"""Events that wake the diagnosis, by the payloads that AWS sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.aws.diagnosis.signals import parse_diagnosis_signal
from functions.domain.diagnosis.facts import DenialSource, DeniedCall
from functions.domain.diagnosis.triage import DeniedInvocation, Tick, Touched
from functions.domain.errors import UnrecognisedSignalError

EVENTS = Path(__file__).resolve().parents[3] / "events"
AT = datetime(2026, 3, 10, 12, 30, 15, tzinfo=UTC)


def payload(name: str, **detail: Any) -> dict[str, Any]:
    """A payload, with some of its details changed."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    event["detail"] |= detail
    return event


def test_the_schedule() -> None:
    """It brings nothing but its time."""
    event = json.loads((EVENTS / "scheduled.pulse.json").read_text())

    signal = parse_diagnosis_signal(event)

    assert signal == Tick(at=datetime.fromisoformat(event["time"]))


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("cloudtrail.add_permission", ("enrich-order",)),
        ("cloudtrail.update_function_configuration", ("enrich-order",)),
        ("cloudtrail.put_role_policy", ("role/enrich-order-role",)),
    ],
)
def test_changes(name: str, names: tuple[str, ...]) -> None:
    """What was changed, whatever form AWS names it in."""
    signal = parse_diagnosis_signal(payload(name))

    assert isinstance(signal, Touched)
    assert signal.names == names


@pytest.mark.parametrize(
    "name", ["cloudtrail.add_permission", "cloudtrail.put_role_policy", "cloudtrail.invoke_denied"]
)
def test_what_came_to_nothing(name: str) -> None:
    """A change that failed changed nothing; an invocation that failed otherwise was not denied."""
    signal = parse_diagnosis_signal(payload(name, errorCode="ThrottlingException"))

    assert isinstance(signal, Touched)
    assert signal.names == ()


def test_a_denied_invocation() -> None:
    """Who was denied which function: the role of the session, and AWS's words."""
    event = payload("cloudtrail.invoke_denied")
    issuer = event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"]

    signal = parse_diagnosis_signal(event)

    assert isinstance(signal, DeniedInvocation)
    assert signal.function == "enrich-order"
    assert signal.call == DeniedCall(
        source=DenialSource.CLOUDTRAIL,
        principal_arn=issuer,
        last_at=signal.at,
        message=event["detail"]["errorMessage"],
    )


def test_a_denied_user() -> None:
    """A user has no session."""
    user = {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/ada"}

    signal = parse_diagnosis_signal(payload("cloudtrail.invoke_denied", userIdentity=user))

    assert isinstance(signal, DeniedInvocation)
    assert signal.call.principal_arn == "arn:aws:iam::123456789012:user/ada"


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"detail-type": "Scheduled Event", "source": "aws.events"},
        {"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": {}},
        {"detail-type": "AWS API Call via CloudTrail", "source": "aws.lambda"},
        {"detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch"},
        payload("cloudtrail.invoke_denied", resources=[{"type": "AWS::Lambda::Function"}])
        | {"detail": {"eventName": "Invoke", "errorCode": "AccessDenied"}},
    ],
)
def test_unknown_shapes_are_refused(event: Any) -> None:
    """They end as dead letters, with words that say what would have been known."""
    with pytest.raises(UnrecognisedSignalError, match="does not know this event"):
        parse_diagnosis_signal(event)
