"""What becomes of a function's events while it is held."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, StepOutcome
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.notices.incident.event_impact import (
    Impact,
    MappingState,
    Restriction,
    assess_impact,
    assess_impacts,
    find_in_flight_end,
    find_second_loop,
    name_trigger,
)
from tests.unit.domain.notices.samples.account import (
    ARN,
    FUNCTION,
    NOW,
    QUEUE,
    QUEUE_MAPPING,
    STREAM_MAPPING,
    TOPIC,
    TRIGGERS,
)

STREAM, SQS, S3 = TRIGGERS
KINESIS = Trigger(
    kind=TriggerKind.STREAM,
    service="Kinesis",
    source_arn="arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
    mapping_uuid="k",
)
KAFKA = Trigger(
    kind=TriggerKind.OTHER_POLLED,
    service="MSK",
    source_arn="arn:aws:kafka:eu-west-1:123456789012:cluster/events/0b3d-7",
    mapping_uuid="m",
)
URL = Trigger(kind=TriggerKind.SYNC, service="function URL", source_arn="")
EVERY = (STREAM, SQS, S3, KINESIS, KAFKA, URL)


def disabled(*uuids: str, status: StepStatus = StepStatus.DONE) -> tuple[StepOutcome, ...]:
    """Outcomes of disabling mappings."""
    return tuple(
        StepOutcome(step=DisableMapping(function=FUNCTION, uuid=uuid, source_arn=""), status=status)
        for uuid in uuids
    )


ALL_DISABLED = disabled(STREAM_MAPPING, QUEUE_MAPPING, "k", "m")
RESTRICTION = Restriction(function_arn=ARN, since=NOW, is_async_target_known=True)


@pytest.mark.parametrize(
    ("trigger", "restriction", "kind"),
    [
        (S3, RESTRICTION, Impact.LOST),
        (S3, replace(RESTRICTION, is_async_target_known=False), Impact.MAYBE_LOST),
        (S3, replace(RESTRICTION, async_target_arn=TOPIC), Impact.DIVERTED),
        (SQS, RESTRICTION, Impact.MOVING),
        (SQS, replace(RESTRICTION, outcomes=ALL_DISABLED), Impact.WAITING),
        (SQS, replace(RESTRICTION, disabled_before=frozenset({QUEUE_MAPPING})), Impact.WAITING),
        (STREAM, RESTRICTION, Impact.EXPIRING),
        (STREAM, replace(RESTRICTION, outcomes=ALL_DISABLED), Impact.EXPIRING),
        (KINESIS, replace(RESTRICTION, outcomes=ALL_DISABLED), Impact.EXPIRING),
        (KAFKA, RESTRICTION, Impact.WAITING),
        (KAFKA, replace(RESTRICTION, outcomes=ALL_DISABLED), Impact.WAITING),
        (URL, RESTRICTION, Impact.REFUSED),
        *((trigger, replace(RESTRICTION, at=5), Impact.SLOWED) for trigger in EVERY),
    ],
)
def test_impact(trigger: Trigger, restriction: Restriction, kind: Impact) -> None:
    """Each kind of trigger has its impact, by what holds the function."""
    impact = assess_impact(trigger, restriction)

    assert impact.kind is kind
    assert impact.triggers == (trigger,)
    assert impact.text.endswith(".")


def test_streams_have_a_deadline() -> None:
    """Records of a DynamoDB stream expire 24 h after the stop, and nothing extends that."""
    impact = assess_impact(STREAM, replace(RESTRICTION, outcomes=ALL_DISABLED))

    assert impact.deadline == NOW + timedelta(hours=24)
    assert "2026-11-24 03:15 UTC" in impact.text
    assert "Nothing can extend that" in impact.text


def test_kinesis_can_be_kept_longer() -> None:
    """Kinesis keeps 24 h by default and can be told to keep up to 365 days."""
    impact = assess_impact(KINESIS, RESTRICTION)

    assert impact.deadline == NOW + timedelta(hours=24)
    assert "365 days at most" in impact.text


def test_unknown_stop_has_no_deadline() -> None:
    """Without a moment of the stop the text says how long, and no moment is made up."""
    for trigger in (STREAM, KINESIS):
        impact = assess_impact(trigger, replace(RESTRICTION, since=None))

        assert impact.deadline is None
        assert "a day after the stop" in impact.text.lower()


@pytest.mark.parametrize(
    ("status", "restored", "state"),
    [
        (StepStatus.DONE, None, MappingState.DISABLED),
        (StepStatus.ALREADY, None, MappingState.DISABLED),
        (StepStatus.PLANNED, None, MappingState.DISABLING),
        (StepStatus.FAILED, None, MappingState.ENABLED),
        (StepStatus.GONE, None, MappingState.ENABLED),
        (StepStatus.DONE, StepStatus.DONE, MappingState.ENABLED),
        (StepStatus.DONE, StepStatus.FAILED, MappingState.DISABLED),
    ],
)
def test_mapping_state(
    status: StepStatus, restored: StepStatus | None, state: MappingState
) -> None:
    """A mapping counts as disabled only while the guard's change is in force."""
    outcomes = tuple(replace(one, restored=restored) for one in disabled("u", status=status))

    assert replace(RESTRICTION, outcomes=outcomes).find_mapping_state("u") is state


def test_the_target_is_named() -> None:
    """Diverted events are told with the ARN of where they are."""
    assert TOPIC in assess_impact(S3, replace(RESTRICTION, async_target_arn=TOPIC)).text


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        (QUEUE, QUEUE, TriggerKind.SQS),
        (TOPIC, TOPIC, TriggerKind.ASYNC),
        ("arn:aws:sns:eu-west-1:123456789012:*", TOPIC, TriggerKind.ASYNC),
    ],
)
def test_another_loop(source: str, target: str, kind: TriggerKind) -> None:
    """A target that is one of the function's own sources is another loop."""
    trigger = Trigger(kind=kind, service="it", source_arn=source)

    warning = find_second_loop((S3, trigger), replace(RESTRICTION, async_target_arn=target))

    assert warning is not None
    assert warning.kind is Impact.LOOPING
    assert warning.triggers == (trigger,)
    assert target in warning.text


def test_the_function_as_its_own_target() -> None:
    """A function that is its own on-failure destination is another loop, triggers or none."""
    assert find_second_loop((), replace(RESTRICTION, async_target_arn=f"{ARN}:live")) is not None


@pytest.mark.parametrize("target", ["", TOPIC])
def test_no_other_loop(target: str) -> None:
    """A target that triggers nothing of the function's is no loop."""
    assert find_second_loop(TRIGGERS, replace(RESTRICTION, async_target_arn=target)) is None


def test_the_worst_comes_first_and_equal_impacts_once() -> None:
    """Lost events are told before refused and waiting ones; two with one impact share a text."""
    sns = Trigger(kind=TriggerKind.ASYNC, service="SNS", source_arn=TOPIC)

    found = assess_impacts((URL, SQS, S3, STREAM, sns), replace(RESTRICTION, outcomes=ALL_DISABLED))

    assert [impact.kind for impact in found] == [
        Impact.LOST,
        Impact.EXPIRING,
        Impact.REFUSED,
        Impact.WAITING,
    ]
    assert found[0].names == ("S3 order-uploads", "SNS orders-failed")


def test_in_flight() -> None:
    """Executions in flight go on until the function's timeout, 15 min where it is unknown."""
    assert find_in_flight_end(NOW, 60) == NOW + timedelta(seconds=60)
    assert find_in_flight_end(NOW, None) == NOW + timedelta(minutes=15)
    assert find_in_flight_end(None, 60) is None


@pytest.mark.parametrize(
    ("trigger", "name"),
    [
        (STREAM, "DynamoDB stream orders"),
        (SQS, "SQS orders-in"),
        (S3, "S3 order-uploads"),
        (KINESIS, "Kinesis clicks"),
        (KAFKA, "MSK events"),
        (URL, "function URL"),
        (Trigger(kind=TriggerKind.ASYNC, service="", source_arn="odd"), "async odd"),
    ],
)
def test_names(trigger: Trigger, name: str) -> None:
    """Triggers are called what people call them."""
    assert name_trigger(trigger) == name
