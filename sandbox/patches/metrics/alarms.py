"""Alarms: the sandbox's evaluator, actions and events in the place of the emulator's."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, lambda_svc, sns

from sandbox.alarms import record
from sandbox.alarms.evaluation import ALARM, INSUFFICIENT_DATA, OK, AlarmState, iso_milliseconds
from sandbox.alarms.watch import AlarmWatch
from sandbox.patches.hooks import replace
from sandbox.patches.metrics.cloudwatch_api import ApiError
from sandbox.patches.permissions.policies import service_may_invoke
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.alarms.watch import Contributor
    from sandbox.world import World

logger = logging.getLogger("sandbox.alarms")

LAMBDA_ACTION_PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
REGION_NAME = "US East (N. Virginia)"
DELIVERY_ATTEMPTS = 5
_ACTION_FIELDS = {
    ALARM: "AlarmActions",
    OK: "OKActions",
    INSUFFICIENT_DATA: "InsufficientDataActions",
}
_STATES = frozenset(_ACTION_FIELDS)


class AlarmDesk:
    """Keeps the alarms in the emulator's own tables, publishes events and runs actions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cloudwatch = cloudwatch
        self._previous: dict[str, dict[str, Any]] = {}
        self.watch = AlarmWatch(world, self)
        world.on_reset.append(self._previous.clear)

    def alarms(self) -> Iterable[dict[str, Any]]:
        """All metric alarms."""
        with request_scope(ACCOUNT_ID, REGION):
            return list(self._cloudwatch._alarms.values())

    def transition(self, alarm: dict[str, Any], state: AlarmState) -> None:
        """Give a metric alarm another state and tell of it."""
        with request_scope(ACCOUNT_ID, REGION):
            old = alarm["StateValue"]
            self._remember(alarm)
            now = self._world.clock.now()
            alarm["StateValue"] = state.value
            alarm["StateReason"] = state.reason
            alarm.pop("StateReasonData", None)
            if state.reason_data is not None:
                alarm["StateReasonData"] = json.dumps(state.reason_data, separators=(",", ":"))
            alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = now
            self._cloudwatch._record_history(
                alarm["AlarmName"], old, state.value, state.reason, "MetricAlarm", state.reason_data
            )
            self.dispatch(alarm, old, state.value, state.reason)
            self._cloudwatch._evaluate_parent_alarms(alarm)

    def _remember(self, alarm: dict[str, Any]) -> None:
        self._previous[alarm["AlarmArn"]] = _state_document(alarm)

    def dispatch(self, alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        """Publish an alarm's transition and run the actions of its new state."""
        state = _state_document(alarm)
        previous = self._previous.get(alarm["AlarmArn"]) or {
            "value": old_state,
            "reason": "Unchecked: Initial alarm creation",
            "timestamp": state["timestamp"],
        }
        self._previous[alarm["AlarmArn"]] = state
        detail = {
            "alarmName": alarm["AlarmName"],
            "state": state,
            "previousState": previous,
            "configuration": record.configuration_document(alarm),
        }
        self._publish("CloudWatch Alarm State Change", alarm, detail)
        # With contributors, actions run for each of them; the alarm itself acts only without data.
        if record.has_contributors(alarm) and new_state != INSUFFICIENT_DATA:
            return
        self._act(alarm, new_state, detail, _sns_message(alarm, old_state, new_state, reason))

    def contributor_transition(self, alarm: dict[str, Any], contributor: Contributor) -> None:
        """Publish a contributor's transition and run the alarm's actions for it."""
        state = contributor.state
        detail = {
            "alarmName": alarm["AlarmName"],
            "alarmContributor": contributor.document(),
            "state": {
                "value": state.value,
                "reason": state.reason,
                "timestamp": iso_milliseconds(contributor.since),
            },
            "configuration": record.configuration_document(alarm),
        }
        message = _sns_message(
            alarm, OK if state.value == ALARM else ALARM, state.value, state.reason
        )
        message |= {
            "StateChangeTime": iso_milliseconds(contributor.since),
            "AlarmContributorId": contributor.contributor_id,
            "AlarmContributorAttributes": dict(contributor.attributes),
        }
        with request_scope(ACCOUNT_ID, REGION):
            self._publish("CloudWatch Alarm Contributor State Change", alarm, detail)
            self._act(alarm, state.value, detail, message)

    def _publish(self, detail_type: str, alarm: dict[str, Any], detail: dict[str, Any]) -> None:
        entry = {
            "Source": "aws.cloudwatch",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": [alarm["AlarmArn"]],
        }
        _persistently(lambda: eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True))

    def _act(
        self, alarm: dict[str, Any], state: str, detail: dict[str, Any], message: dict[str, Any]
    ) -> None:
        if not alarm.get("ActionsEnabled", True):
            return
        for action in alarm.get(_ACTION_FIELDS.get(state, ""), []):
            if action.startswith("arn:aws:sns:"):
                self._notify(action, alarm, state, message)
            elif action.startswith("arn:aws:lambda:"):
                self._invoke(action, alarm, detail)
            else:
                logger.warning("the sandbox does not run the alarm action %s", action)

    def _notify(
        self, topic_arn: str, alarm: dict[str, Any], state: str, message: dict[str, Any]
    ) -> None:
        subject = f'{state}: "{alarm["AlarmName"]}" in {REGION_NAME}'[:99]
        _persistently(lambda: sns.publish_internal(topic_arn, json.dumps(message), subject))

    def _invoke(self, function_arn: str, alarm: dict[str, Any], detail: dict[str, Any]) -> None:
        func, _, name = lambda_svc._get_func_record_for_ref(function_arn)
        if func is None:
            logger.error("alarm action: the function %s does not exist", function_arn)
            return
        if not service_may_invoke(func, LAMBDA_ACTION_PRINCIPAL, alarm["AlarmArn"]):
            logger.error(
                "alarm action: the policy of %s does not let %s invoke it for %s",
                name,
                LAMBDA_ACTION_PRINCIPAL,
                alarm["AlarmArn"],
            )
            return
        event = {
            "source": "aws.cloudwatch",
            "alarmArn": alarm["AlarmArn"],
            "accountId": ACCOUNT_ID,
            "time": detail["state"]["timestamp"],
            "region": REGION,
            "alarmData": detail,
        }
        _persistently(lambda: lambda_svc.invoke_async_with_retry(func, event))


def _persistently(deliver: Callable[[], Any]) -> None:
    """Deliver, trying again when it fails: CloudWatch's deliveries are durable."""
    for attempt in range(1, DELIVERY_ATTEMPTS + 1):
        try:
            deliver()
        except Exception:
            logger.exception("delivery failed, attempt %d", attempt)
            time.sleep(0.05 * attempt)
        else:
            return


def _state_document(alarm: dict[str, Any]) -> dict[str, Any]:
    document = {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": iso_milliseconds(alarm["StateUpdatedTimestamp"]),
    }
    if alarm.get("StateReasonData"):
        document["reasonData"] = alarm["StateReasonData"]
    return document


def _sns_message(
    alarm: dict[str, Any], old_state: str, new_state: str, reason: str
) -> dict[str, Any]:
    trigger: dict[str, Any] = {
        "Period": alarm.get("Period"),
        "EvaluationPeriods": alarm.get("EvaluationPeriods"),
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "ComparisonOperator": alarm.get("ComparisonOperator"),
        "Threshold": alarm.get("Threshold"),
        "TreatMissingData": alarm.get("TreatMissingData"),
    }
    if alarm.get("Metrics"):
        trigger["Metrics"] = alarm["Metrics"]
    else:
        trigger |= {
            "MetricName": alarm.get("MetricName"),
            "Namespace": alarm.get("Namespace"),
            "StatisticType": "Statistic" if alarm.get("Statistic") else "ExtendedStatistic",
            "Statistic": str(alarm.get("Statistic") or "").upper() or None,
            "Unit": alarm.get("Unit"),
            "Dimensions": [
                {"value": d["Value"], "name": d["Name"]} for d in alarm.get("Dimensions") or []
            ],
        }
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": ACCOUNT_ID,
        "NewStateValue": new_state,
        "NewStateReason": reason,
        "StateChangeTime": iso_milliseconds(alarm["StateUpdatedTimestamp"]),
        "Region": REGION_NAME,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old_state,
        "OKActions": alarm.get("OKActions", []),
        "AlarmActions": alarm.get("AlarmActions", []),
        "InsufficientDataActions": alarm.get("InsufficientDataActions", []),
        "Trigger": trigger,
    }


def apply(world: World) -> AlarmDesk:
    """Take evaluation and actions away from the emulator."""
    desk = AlarmDesk(world)
    # Evaluation happens on the watch's ticks only, never as a side effect of a request.
    replace(cloudwatch, "_evaluate_alarm", lambda alarm: None, ("alarm",))  # noqa: ARG005
    replace(cloudwatch, "_evict_old_metrics", lambda: None, ())
    replace(
        cloudwatch,
        "_dispatch_alarm_actions",
        desk.dispatch,
        ("alarm", "old_state", "new_state", "reason"),
    )
    return desk


def operations(
    desk: AlarmDesk, world: World
) -> dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]]:
    """The alarm operations of CloudWatch that the sandbox answers itself."""

    def put_metric_alarm(request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("AlarmName", "")
        existing = cloudwatch._alarms.get(name)
        try:
            alarm = record.alarm_record(request, existing, world.clock.now())
        except record.AlarmValidationError as error:
            raise ApiError("ValidationError", str(error)) from error
        cloudwatch.cloudformation_put_metric_alarm(alarm)
        desk.watch.forget(name)
        if existing is None and request.get("Tags"):
            cloudwatch.cloudformation_set_metric_alarm_tags(name, request["Tags"])
        return {}

    def set_alarm_state(request: dict[str, Any]) -> dict[str, Any] | None:
        if request.get("StateValue") not in _STATES:
            raise ApiError("ValidationError", f"{request.get('StateValue')} is not a state")
        alarm = cloudwatch._alarms.get(request.get("AlarmName", ""))
        if alarm is None:
            return None
        data = request.get("StateReasonData")
        if request["StateValue"] != alarm["StateValue"]:
            state = AlarmState(
                value=request["StateValue"],
                reason=request.get("StateReason", ""),
                reason_data=json.loads(data) if data else None,
            )
            desk.transition(alarm, state)
        return {}

    def describe_contributors(request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("AlarmName", "")
        if cloudwatch._alarms.get(name) is None:
            raise ApiError("ResourceNotFound", f"Alarm {name} not found", 404)
        return {
            "AlarmContributors": [
                {
                    "ContributorId": one.contributor_id,
                    "ContributorAttributes": dict(one.attributes),
                    "StateReason": one.state.reason,
                    "StateTransitionedTimestamp": one.since,
                }
                for one in desk.watch.contributors(name)
            ]
        }

    return {
        "PutMetricAlarm": put_metric_alarm,
        "SetAlarmState": set_alarm_state,
        "DescribeAlarmContributors": describe_contributors,
    }
