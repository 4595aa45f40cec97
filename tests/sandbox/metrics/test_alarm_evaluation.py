"""The rules by which an alarm's state follows from its datapoints."""

from __future__ import annotations

import pytest

from sandbox.alarms import record
from sandbox.alarms.evaluation import AlarmRule, Datapoint, evaluate

NOW = 1_570_036_840.985
_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def _rule(treatment: str, needed: int = 3, periods: int = 3) -> AlarmRule:
    return AlarmRule(
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        threshold=1.0,
        comparison="GreaterThanThreshold",
        treat_missing_data=treatment,
        period_seconds=60,
    )


def _window(text: str) -> list[Datapoint]:
    values = {"-": None, "0": 0.0, "X": 9.0}
    return [Datapoint(at=60.0 * i, value=values[c]) for i, c in enumerate(text)]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("0-X-X", ("OK", "OK", "OK", "OK")),
        ("----0", ("OK", "OK", "OK", "OK")),
        ("-----", ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        ("0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("--X--", ("ALARM", None, "ALARM", "OK")),
    ],
)
def test_missing_data_is_treated_as_in_cloudwatchs_own_table(
    window: str, expected: tuple[str | None, ...]
) -> None:
    """Three of three datapoints, for each way to treat missing ones."""
    decided = [evaluate(_rule(t), _window(window), "none", NOW) for t in _TREATMENTS]

    assert tuple(state.value if state else None for state in decided) == expected


@pytest.mark.parametrize(("window", "expected"), [("00X0X", "ALARM"), ("0X000", "OK")])
def test_m_out_of_n(window: str, expected: str) -> None:
    """Two crossing datapoints out of three are enough when two are asked for."""
    state = evaluate(_rule("missing", needed=2), _window(window), "none", NOW)

    assert state is not None
    assert state.value == expected


def test_the_same_state_is_no_transition() -> None:
    """An alarm that stays as it is says nothing."""
    assert evaluate(_rule("missing"), _window("00000"), "OK", NOW) is None


def test_the_reason_of_an_alarm_is_cloudwatchs() -> None:
    """The words are those of AWS's own event."""
    rule = AlarmRule(
        evaluation_periods=1,
        datapoints_to_alarm=1,
        threshold=50.0,
        comparison="GreaterThanThreshold",
        treat_missing_data="missing",
        period_seconds=300,
        statistic="Average",
    )
    at = 1_570_035_540.0

    state = evaluate(rule, [Datapoint(at=at, value=99.50160229693434)], "OK", NOW)

    assert state is not None
    assert state.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] "
        "was greater than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert state.reason_data is not None
    assert state.reason_data["queryDate"] == "2019-10-02T17:20:40.985+0000"
    assert state.reason_data["startDate"] == "2019-10-02T16:59:00.000+0000"
    assert state.reason_data["recentDatapoints"] == [99.50160229693434]


def test_the_reason_of_missing_data_names_how_it_was_treated() -> None:
    """No datapoints at all are explained."""
    state = evaluate(_rule("notBreaching", 1, 1), _window("---"), "ALARM", NOW)

    assert state is not None
    assert state.reason == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
        "treated as [NonBreaching]."
    )


def test_numbers_may_come_as_text() -> None:
    """A threshold from a custom resource's attribute is text in the template."""
    alarm = record.alarm_record(
        {
            "AlarmName": "a",
            "Namespace": "n",
            "MetricName": "m",
            "Statistic": "Sum",
            "Period": "60",
            "EvaluationPeriods": "2",
            "Threshold": "12.5",
            "ComparisonOperator": "GreaterThanThreshold",
        },
        None,
        NOW,
    )

    assert record.rule_of(alarm) == AlarmRule(
        evaluation_periods=2,
        datapoints_to_alarm=2,
        threshold=12.5,
        comparison="GreaterThanThreshold",
        treat_missing_data="missing",
        period_seconds=60,
        statistic="Sum",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"Threshold": "much"},
        {"Threshold": None},
        {"MetricName": None},
        {"EvaluationPeriods": 0},
        {"DatapointsToAlarm": 3},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"TreatMissingData": "never"},
        {"Period": 90},
    ],
)
def test_alarms_that_cloudwatch_refuses(change: dict[str, object]) -> None:
    """A broken alarm is refused when it is made."""
    request = {
        "AlarmName": "a",
        "Namespace": "n",
        "MetricName": "m",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }

    with pytest.raises(record.AlarmValidationError):
        record.alarm_record(request | change, None, NOW)
