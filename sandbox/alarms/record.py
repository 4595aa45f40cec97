"""The alarm record: made from a request or a template, read by evaluation and documents."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sandbox.alarms import evaluation
from sandbox.metrics import insights
from sandbox.metrics.query import QueryValidationError, period_minutes
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp",
         "StateTransitionedTimestamp")  # fmt: skip
_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
_SIMPLE = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Unit", "ThresholdMetricId",
           "EvaluateLowSampleCountPercentile", "WarmUpConfiguration")  # fmt: skip
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")


class AlarmValidationError(ValueError):
    """When CloudWatch would refuse an alarm with ``ValidationError``."""


def alarm_arn(name: str) -> str:
    """The ARN of an alarm in the sandbox's account."""
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT_ID}:alarm:{name}"


def alarm_record(
    request: Mapping[str, Any], existing: Mapping[str, Any] | None, now: float
) -> dict[str, Any]:
    """The record of an alarm; an existing alarm keeps its state.

    Numbers may come as text, as they do from a template whose value is the attribute of a custom
    resource.
    """
    name = str(request["AlarmName"])
    record: dict[str, Any] = {
        "AlarmName": name,
        "AlarmArn": alarm_arn(name),
        "AlarmDescription": request.get("AlarmDescription") or "",
        "EvaluationPeriods": _integer(request, "EvaluationPeriods", 0),
        "ComparisonOperator": request.get("ComparisonOperator"),
        "TreatMissingData": request.get("TreatMissingData") or "missing",
        "ActionsEnabled": _boolean(request.get("ActionsEnabled", True)),
        "AlarmConfigurationUpdatedTimestamp": now,
    }
    record |= {field: request[field] for field in _SIMPLE if request.get(field)}
    record |= {field: [str(one) for one in request.get(field) or []] for field in _ACTIONS}
    if request.get("Threshold") is not None:
        record["Threshold"] = _number(request["Threshold"])
    if request.get("DatapointsToAlarm") is not None:
        record["DatapointsToAlarm"] = _integer(request, "DatapointsToAlarm", 0)
    if request.get("Metrics"):
        record["Metrics"] = [_metric_query(query) for query in request["Metrics"]]
    else:
        record["Dimensions"] = list(request.get("Dimensions") or [])
        record["Period"] = _integer(request, "Period", 60)
    _check(record)
    if existing is not None:
        record |= {field: existing[field] for field in _KEPT if field in existing}
    else:
        record |= {
            "StateValue": evaluation.INSUFFICIENT_DATA,
            "StateReason": "Unchecked: Initial alarm creation",
            "StateUpdatedTimestamp": now,
            "StateTransitionedTimestamp": now,
        }
    return record


def _integer(request: Mapping[str, Any], field: str, default: int) -> int:
    value = request.get(field)
    return default if value in (None, "") else int(_number(value))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise AlarmValidationError(f"'{value}' is not a number") from error


def _boolean(value: Any) -> bool:
    return value.lower() != "false" if isinstance(value, str) else bool(value)


def _metric_query(query: Mapping[str, Any]) -> dict[str, Any]:
    tidy = dict(query)
    tidy["ReturnData"] = _boolean(query.get("ReturnData", True))
    if query.get("Period") is not None:
        tidy["Period"] = int(_number(query["Period"]))
    if query.get("MetricStat"):
        stat = dict(query["MetricStat"])
        stat["Period"] = int(_number(stat.get("Period", 60)))
        tidy["MetricStat"] = stat
    return tidy


def _check(record: Mapping[str, Any]) -> None:
    if bool(record.get("MetricName")) == bool(record.get("Metrics")):
        raise AlarmValidationError("The parameters MetricName and Metrics exclude each other.")
    if record["EvaluationPeriods"] < 1:
        raise AlarmValidationError("EvaluationPeriods must be at least 1.")
    if record.get("DatapointsToAlarm", 1) not in range(1, record["EvaluationPeriods"] + 1):
        raise AlarmValidationError(
            "DatapointsToAlarm must be between 1 and the value of EvaluationPeriods."
        )
    if record["ComparisonOperator"] not in evaluation.COMPARISONS:
        raise AlarmValidationError(
            f"The sandbox does not know the ComparisonOperator {record['ComparisonOperator']}."
        )
    if record["TreatMissingData"] not in _TREATMENTS:
        raise AlarmValidationError(
            f"Value '{record['TreatMissingData']}' at 'treatMissingData' is not supported."
        )
    if "Threshold" not in record:
        raise AlarmValidationError("Threshold is required.")
    _check_queries(record)


def _check_queries(record: Mapping[str, Any]) -> None:
    queries = record.get("Metrics", [])
    if queries and sum(query["ReturnData"] for query in queries) != 1:
        raise AlarmValidationError("Exactly one element of Metrics must have ReturnData true.")
    try:
        for query in queries:
            if insights.looks_like_insights(query.get("Expression") or ""):
                insights.parse(query["Expression"])
        period_minutes(period_seconds(record))
    except (insights.InsightsSyntaxError, QueryValidationError) as error:
        raise AlarmValidationError(str(error)) from error


def queries_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The metric data queries which the alarm watches."""
    if record.get("Metrics"):
        return list(record["Metrics"])
    return [
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {
                    "Namespace": record["Namespace"],
                    "MetricName": record["MetricName"],
                    "Dimensions": record.get("Dimensions") or [],
                },
                "Period": record["Period"],
                "Stat": record.get("ExtendedStatistic") or record.get("Statistic") or "Average",
            },
        }
    ]


def period_seconds(record: Mapping[str, Any]) -> int:
    """The period of what the alarm compares."""
    queries = record.get("Metrics")
    if not queries:
        return int(record["Period"])
    returned = next(query for query in queries if query["ReturnData"])
    if returned.get("MetricStat"):
        return int(returned["MetricStat"]["Period"])
    if returned.get("Period"):
        return int(returned["Period"])
    return max((q["MetricStat"]["Period"] for q in queries if q.get("MetricStat")), default=60)


def has_contributors(record: Mapping[str, Any]) -> bool:
    """Whether the alarm watches the lines of a grouped query, each by itself."""
    return any(
        query["ReturnData"]
        and insights.looks_like_insights(query.get("Expression") or "")
        and insights.parse(query["Expression"]).group_by
        for query in record.get("Metrics") or []
    )


def rule_of(record: Mapping[str, Any]) -> evaluation.AlarmRule:
    """The rule by which the alarm is evaluated."""
    return evaluation.AlarmRule(
        evaluation_periods=record["EvaluationPeriods"],
        datapoints_to_alarm=record.get("DatapointsToAlarm") or record["EvaluationPeriods"],
        threshold=record["Threshold"],
        comparison=record["ComparisonOperator"],
        treat_missing_data=record["TreatMissingData"],
        period_seconds=period_seconds(record),
        statistic=(
            None
            if record.get("Metrics")
            else record.get("ExtendedStatistic") or record.get("Statistic") or "Average"
        ),
    )


def configuration_document(record: Mapping[str, Any]) -> dict[str, Any]:
    """The alarm's configuration as events and Lambda actions carry it."""
    if record.get("AlarmRule"):
        return {"alarmRule": record["AlarmRule"]}
    if record.get("Metrics"):
        metrics = [_query_document(query) for query in record["Metrics"]]
    else:
        query = queries_of(record)[0]
        metrics = [_query_document(query | {"Id": _metric_id(record), "ReturnData": True})]
        if record.get("Unit"):
            metrics[0]["metricStat"]["unit"] = record["Unit"]
    document: dict[str, Any] = {"metrics": metrics}
    if record.get("AlarmDescription"):
        document["description"] = record["AlarmDescription"]
    return document


def _metric_id(record: Mapping[str, Any]) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, record["AlarmArn"]))


def _query_document(query: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {"id": query["Id"], "returnData": query["ReturnData"]}
    if query.get("Expression"):
        document["expression"] = query["Expression"]
    if query.get("Label"):
        document["label"] = query["Label"]
    if query.get("Period"):
        document["period"] = query["Period"]
    if query.get("MetricStat"):
        stat = query["MetricStat"]
        metric = stat["Metric"]
        document["metricStat"] = {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
    return document
