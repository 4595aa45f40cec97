import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.aws.incidents.signals import parse_signal
from functions.domain.errors import UnrecognisedSignalError
from functions.domain.signal import Signal, SignalKind

EVENTS = Path(__file__).parents[3] / "events"
DOCUMENTED = Path(__file__).parents[5] / "shared" / "events"
ADA = "arn:aws:sts::123456789012:assumed-role/Developer/ada"


def event(name: str) -> dict[str, Any]:
    """One of the project's own payloads."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


@pytest.mark.parametrize(
    ("name", "kind", "functions", "source"),
    [
        ("alarm_state_change.alarm", "alarm", (), "Loopbreaker-AccountInvocations"),
        ("alarm_state_change.ok", "cleared", (), "Loopbreaker-AccountInvocations"),
        ("alarm_state_change.insufficient_data", "cleared", (), "Loopbreaker-AccountInvocations"),
        ("alarm_state_change.drops", "drops", (), "Loopbreaker-NativeDrops"),
        (
            "alarm_contributor_state_change.alarm",
            "contributor",
            ("enrich-order",),
            "Loopbreaker-PerFunction",
        ),
        (
            "alarm_contributor_state_change.ok",
            "cleared",
            ("enrich-order",),
            "Loopbreaker-PerFunction",
        ),
        ("lambda_alarm_action.metric", "alarm", (), "Loopbreaker-AccountInvocations"),
        (
            "lambda_alarm_action.contributor",
            "contributor",
            ("enrich-order",),
            "Loopbreaker-PerFunction",
        ),
        ("scheduled.pulse", "pulse", (), "Loopbreaker-pulse"),
        ("scheduled.sweep", "sweep", (), "Loopbreaker-sweep"),
        (
            "cloudtrail.put_function_concurrency",
            "change",
            ("enrich-order",),
            "PutFunctionConcurrency20171031",
        ),
        (
            "cloudtrail.delete_function_concurrency",
            "change",
            ("enrich-order",),
            "DeleteFunctionConcurrency20171031",
        ),
        (
            "cloudtrail.update_event_source_mapping",
            "change",
            ("enrich-order",),
            "UpdateEventSourceMapping20150331",
        ),
        (
            "cloudtrail.put_provisioned_concurrency",
            "change",
            ("enrich-order",),
            "PutProvisionedConcurrencyConfig",
        ),
        ("cloudtrail.delete_function", "change", ("enrich-order",), "DeleteFunction20150331"),
        ("cloudtrail.denied", "cleared", ("enrich-order",), "DeleteFunctionConcurrency20171031"),
        (
            "health.runaway",
            "health",
            ("enrich-order", "resize-image"),
            "AWS_LAMBDA_RUNAWAY_TERMINATION_NOTIFICATION",
        ),
        (
            "health.runaway.bare_names",
            "health",
            ("enrich-order",),
            "AWS_LAMBDA_RUNAWAY_TERMINATION_NOTIFICATION",
        ),
    ],
)
def test_reads_every_trigger(name: str, kind: str, functions: tuple[str, ...], source: str) -> None:
    """Each payload becomes the signal that it stands for."""
    signal = parse_signal(event(name))

    assert (SignalKind(kind), functions, source) == (signal.kind, signal.functions, signal.source)
    assert signal.id
    assert signal.at.tzinfo is not None


def test_reads_the_whole_signal() -> None:
    """A change comes with its moment, its identifier and whoever made it."""
    signal = parse_signal(event("cloudtrail.put_function_concurrency"))

    assert signal == Signal(
        kind=SignalKind.CHANGE,
        at=datetime(2026, 3, 10, 12, 30, 15, tzinfo=UTC),
        id="22222222-0000-4000-8000-000000000020",
        functions=("enrich-order",),
        source="PutFunctionConcurrency20171031",
        actor=ADA,
    )


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("alarm_state_change.alarm", datetime(2026, 3, 10, 12, 3, 4, 512000, tzinfo=UTC)),
        ("lambda_alarm_action.metric", datetime(2026, 3, 10, 12, 3, 4, 512000, tzinfo=UTC)),
        ("scheduled.pulse", datetime(2026, 3, 10, 12, 3, tzinfo=UTC)),
        ("health.runaway", datetime(2026, 3, 10, 15, 27, 57, tzinfo=UTC)),
    ],
)
def test_reads_both_forms_of_time(name: str, moment: datetime) -> None:
    """Times with Z and with +0000 become moments with a time zone."""
    assert moment == parse_signal(event(name)).at


def test_names_the_service_where_no_person_called() -> None:
    """A change that CloudFormation made for somebody names CloudFormation."""
    assert parse_signal(event("cloudtrail.by_a_service")).actor == "cloudformation.amazonaws.com"


def test_reads_an_alarm_without_reason_data() -> None:
    """AWS leaves the reason data out of some states."""
    given = event("alarm_state_change.alarm")
    del given["detail"]["state"]["reasonData"]
    del given["detail"]["previousState"]

    assert parse_signal(given).kind is SignalKind.ALARM


def test_recognises_drops_in_an_expression() -> None:
    """An alarm by a Metrics Insights query on drops is one on drops."""
    given = event("alarm_contributor_state_change.alarm")
    query = given["detail"]["configuration"]["metrics"][0]
    query["expression"] = query["expression"].replace("Invocations", "RecursiveInvocationsDropped")

    signal = parse_signal(given)

    assert (signal.kind, signal.functions) == (SignalKind.DROPS, ("enrich-order",))


def test_takes_the_function_from_the_answer_where_the_request_names_none() -> None:
    """The request that switches a mapping names only the mapping; its answer names the function."""
    given = event("cloudtrail.update_event_source_mapping")
    assert "functionName" not in given["detail"]["requestParameters"]

    assert parse_signal(given).functions == ("enrich-order",)


def test_reads_a_schedule_of_eventbridge_scheduler() -> None:
    """A schedule of EventBridge Scheduler counts as a rule does."""
    given = event("scheduled.sweep")
    given["source"] = "aws.scheduler"
    given["resources"] = ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/guard-Sweep"]

    assert parse_signal(given).kind is SignalKind.SWEEP


def test_falls_back_to_the_resources_of_a_health_event() -> None:
    """A Health event whose entities are no functions may name them as resources."""
    given = event("health.runaway")
    given["detail"]["affectedEntities"] = [{"entityValue": "not a function!"}]

    assert parse_signal(given).functions == ("enrich-order", "resize-image")


def _changed(name: str, *path: str | int, to: Any) -> dict[str, Any]:
    given = deepcopy(event(name))
    at: Any = given
    for key in path[:-1]:
        at = at[key]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return given


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({}, "an unknown kind of event"),
        ({"Records": [{"EventSource": "aws:sns"}]}, "keys Records"),
        ({"key1": "value1"}, "keys key1"),
        (_changed("alarm_state_change.alarm", "detail-type", to="Other"), "detail-type 'Other'"),
        (_changed("alarm_state_change.alarm", "source", to="custom"), "source 'custom'"),
        (_changed("alarm_state_change.alarm", "detail", to=None), "KeyError 'detail'"),
        (_changed("alarm_state_change.alarm", "detail", to="text"), "TypeError"),
        (
            _changed("alarm_state_change.alarm", "detail", "state", "timestamp", to="noon"),
            "Invalid isoformat string: 'noon'",
        ),
        (
            _changed(
                "alarm_contributor_state_change.alarm",
                "detail",
                "alarmContributor",
                "attributes",
                to={"TableName": "orders"},
            ),
            "a contributor with TableName and no FunctionName",
        ),
        (_changed("scheduled.pulse", "resources", to=[]), "IndexError"),
        (
            _changed("scheduled.pulse", "resources", 0, to="arn:aws:events:::rule/backup"),
            "a schedule named 'backup'",
        ),
        (
            _changed(
                "cloudtrail.delete_function", "detail", "eventName", to="DeleteFunctionUrlConfig"
            ),
            "the API call DeleteFunctionUrlConfig",
        ),
        (
            _changed("health.runaway", "detail", "eventTypeCode", to="AWS_EC2_OTHER"),
            "the Health event AWS_EC2_OTHER",
        ),
    ],
)
def test_refuses_what_no_trigger_sends(given: dict[str, Any], what: str) -> None:
    """An unknown shape is refused, with what was seen and what would be accepted."""
    with pytest.raises(UnrecognisedSignalError) as refused:
        parse_signal(given)

    assert what in str(refused.value)
    assert "Accepted: 'CloudWatch Alarm State Change'" in str(refused.value)


def test_leaves_out_what_names_no_function(caplog: pytest.LogCaptureFixture) -> None:
    """A known event about a thing with an odd name is about no function, and that is logged."""
    changed = ("detail", "requestParameters", "functionName")
    attribute = ("detail", "alarmContributor", "attributes", "FunctionName")

    call = parse_signal(_changed("cloudtrail.delete_function", *changed, to="a b"))
    alarm = parse_signal(_changed("alarm_contributor_state_change.alarm", *attribute, to="a b"))

    assert (call.kind, call.functions) == (SignalKind.CHANGE, ())
    assert (alarm.kind, alarm.functions) == (SignalKind.CONTRIBUTOR, ())
    assert caplog.text.count("names no function") == 2


def test_names_a_replica_of_lambda_at_edge() -> None:
    """A copy that CloudFront runs is named as its metrics are."""
    attribute = ("detail", "alarmContributor", "attributes", "FunctionName")
    event = _changed(
        "alarm_contributor_state_change.alarm", *attribute, to="us-east-1.enrich-order"
    )

    assert parse_signal(event).functions == ("us-east-1.enrich-order",)


def test_refuses_what_is_no_object() -> None:
    """A list is refused like any unknown shape."""
    with pytest.raises(UnrecognisedSignalError, match="not an object"):
        parse_signal([])  # type: ignore[arg-type]


# Fields that AWS sends only sometimes, and parts whose keys are the user's own.
OPTIONAL = frozenset(
    {
        "actionsSuppressedBy",
        "actionsSuppressedReason",
        "evaluationState",
        "lastUpdatedTime",
        "muteDetail",
        "reasonData",
        "unit",
    }
)
FREE = frozenset({"attributes", "dimensions", "requestParameters", "responseElements"})


def shape(value: Any, path: str = "") -> set[str]:
    """Every path of a document with the type that stands there."""
    if isinstance(value, dict):
        found = {f"{path}: object"}
        for key, inner in value.items():
            if key in FREE:
                found.add(f"{path}/{key}: free")
            elif key not in OPTIONAL:
                found |= shape(inner, f"{path}/{key}")
        return found
    if isinstance(value, list):
        return {f"{path}: list"}.union(*(shape(one, f"{path}[]") for one in value))
    kind = (
        "number" if isinstance(value, int | float) and value is not True else type(value).__name__
    )
    return {f"{path}: {kind}"}


@pytest.mark.skipif(not DOCUMENTED.is_dir(), reason="AWS's own payloads are not at hand")
@pytest.mark.parametrize(
    ("ours", "documented"),
    [
        ("alarm_state_change.alarm", "alarm_state_change.single_metric"),
        ("alarm_state_change.ok", "alarm_state_change.single_metric"),
        ("alarm_state_change.drops", "alarm_state_change.single_metric"),
        (
            "alarm_contributor_state_change.alarm",
            "alarm_contributor_state_change.metrics_insights",
        ),
        ("alarm_contributor_state_change.ok", "alarm_contributor_state_change.metrics_insights"),
        ("lambda_alarm_action.metric", "lambda_alarm_action.metric"),
        ("health.runaway", "health.lambda_runaway_termination.SYNTHETIC"),
        ("health.runaway", "health.account_specific_ec2_drive_degraded"),
    ],
)
def test_payloads_have_the_documented_shape(ours: str, documented: str) -> None:
    """Our payloads have exactly the keys and types of those in AWS's documents."""
    theirs = json.loads((DOCUMENTED / f"{documented}.json").read_text())
    for varying in ("endTime",):  # an event that goes on has none
        theirs.get("detail", {}).pop(varying, None)

    assert shape(theirs) == shape(event(ours))


@pytest.mark.skipif(not DOCUMENTED.is_dir(), reason="AWS's own payloads are not at hand")
def test_api_calls_have_the_documented_shape() -> None:
    """Our API calls have every key that AWS's records of calls have."""
    records = json.loads(
        (DOCUMENTED / "cloudtrail_records.lambda_accessdenied_and_delete.json").read_text()
    )["Records"]
    ours = event("cloudtrail.delete_function")["detail"]
    denied = event("cloudtrail.denied")["detail"]

    assert set(records[1]) <= set(ours)
    assert set(records[0]) <= set(denied)
    user = event("cloudtrail.by_a_user")["detail"]
    assert shape(records[1]["userIdentity"]) == shape(user["userIdentity"])
    wrapped = json.loads(
        (DOCUMENTED / "eventbridge_cloudtrail.create_function.THIRDPARTY.json").read_text()
    )
    assert set(wrapped) <= set(event("cloudtrail.delete_function"))


@pytest.mark.skipif(not DOCUMENTED.is_dir(), reason="AWS's own payloads are not at hand")
@pytest.mark.parametrize(
    ("documented", "kind"),
    [
        ("alarm_state_change.anomaly_detection", SignalKind.ALARM),
        ("alarm_state_change.composite", SignalKind.ALARM),
        ("alarm_state_change.metric_math", SignalKind.ALARM),
        ("alarm_state_change.metrics_insights_multi_series", SignalKind.ALARM),
        ("alarm_state_change.metrics_insights_partial_data", SignalKind.ALARM),
        ("alarm_state_change.single_metric", SignalKind.ALARM),
        ("lambda_alarm_action.composite", SignalKind.ALARM),
        ("lambda_alarm_action.metric", SignalKind.ALARM),
        ("health.lambda_runaway_termination.SYNTHETIC", SignalKind.HEALTH),
    ],
)
def test_reads_the_documented_payloads(documented: str, kind: SignalKind) -> None:
    """The payloads in AWS's documents are read, whatever kind of alarm they come from."""
    theirs = json.loads((DOCUMENTED / f"{documented}.json").read_text())

    assert kind is parse_signal(theirs).kind


@pytest.mark.skipif(not DOCUMENTED.is_dir(), reason="AWS's own payloads are not at hand")
@pytest.mark.parametrize(
    "documented",
    [
        "alarm_config_change.create_composite",
        "alarm_contributor_state_change.metrics_insights",  # its contributor is a table
        "cfn_custom_resource.request_create",
        "custom_widget.widgetContext",
        "eventbridge_cloudtrail.create_function.THIRDPARTY",
        "health.account_specific_ec2_drive_degraded",
        "lambda_async_failure_invocation_record",
        "sns_alarm_contributor_notification.partial",
    ],
)
def test_refuses_other_documented_payloads(documented: str) -> None:
    """Events of AWS that no trigger of the stack sends are refused."""
    theirs = json.loads((DOCUMENTED / f"{documented}.json").read_text())

    with pytest.raises(UnrecognisedSignalError):
        parse_signal(theirs)
