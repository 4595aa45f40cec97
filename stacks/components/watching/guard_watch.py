from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from stacks.names import GUARD_ALARM_PREFIX, STACK_NAME

if TYPE_CHECKING:
    from aws_cdk import aws_events as events
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sns as sns

    from stacks.components.dead_letters import DeadLetters

_FIVE_MINUTES: Final = Duration.minutes(5)
_THROTTLE_MINUTES: Final = 5
_THROTTLED_MINUTES: Final = 3
_AT_LEAST: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_LESS_THAN: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


def _handed_over(rule: events.IRule, period: Duration) -> cloudwatch.Metric:
    """How often EventBridge handed an event of a rule to its target."""
    return cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name="Invocations",
        dimensions_map={"RuleName": rule.rule_name},
        statistic=cloudwatch.Stats.SUM,
        period=period,
    )


class GuardWatch(Construct):
    """Alarms on the guard itself. They go straight to the topic: the guard may be what is broken.

    `protect` has none: it runs during deployments only, and CloudFormation tells what it says.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic: sns.ITopic,
        contain: lambda_.IFunction,
        restore: lambda_.IFunction,
        dead_letters: DeadLetters,
        sweep: events.IRule | None,
        chart_tick: events.IRule,
        diagnosis_tick: events.IRule,
        sweep_minutes: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        self.alarms: list[cloudwatch.Alarm] = []
        for verb, function in (("Contain", contain), ("Restore", restore)):
            self._presence(
                f"{verb}Errors",
                function.metric_errors(period=_FIVE_MINUTES, statistic=cloudwatch.Stats.SUM),
                f"{STACK_NAME}-{verb.lower()} failed. Its log group tells why",
            )
            # Its own reservation throttles it, too, when more events come at once than it has
            # executions, and Lambda hands those over a moment later. Only throttling that goes on
            # keeps the guard from its work.
            self._alarm(
                f"{verb}Throttles",
                function.metric_throttles(
                    period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM
                ),
                f"{STACK_NAME}-{verb.lower()} is throttled all the time: more events come than its "
                "reserved executions take, or, where the output Protection says that it has none, "
                "the account's concurrency is used up",
                comparison=_AT_LEAST,
                periods=_THROTTLE_MINUTES,
                breaching=_THROTTLED_MINUTES,
                missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        for construct_id_, queue in (
            ("Undelivered", dead_letters.undelivered),
            ("Failed", dead_letters.failed),
        ):
            self._presence(
                construct_id_,
                queue.metric_approximate_number_of_messages_visible(
                    period=_FIVE_MINUTES, statistic=cloudwatch.Stats.MAXIMUM
                ),
                # SQS sends no metrics of a queue that was idle for six hours, and takes up to 15
                # minutes to begin again (SQS developer guide, *Available CloudWatch metrics*), so
                # this may come that much later.
                "An event for the guard ended as a dead letter. Read the queue, then empty it",
            )
        self._absence(
            "Pulse",
            contain.metric_invocations(period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM),
            "The pulse has not run for minutes: the guard is blind",
            periods=5,
        )
        # What a run of these fails at ends as a dead letter; here it is of runs that never begin.
        self._absence(
            "Chart",
            _handed_over(chart_tick, _FIVE_MINUTES),
            "The chart of the account is not kept any more: it grows old",
            periods=6,
        )
        self._absence(
            "Diagnosis",
            _handed_over(diagnosis_tick, Duration.hours(1)),
            "Nobody looks for causes other than loops any more",
            periods=2,
        )
        if sweep is not None:
            self._absence(
                "Sweep",
                _handed_over(sweep, Duration.minutes(sweep_minutes)),
                "No sweep ran for twice its interval",
                periods=2,
            )

    def _presence(self, construct_id: str, metric: cloudwatch.IMetric, description: str) -> None:
        self._alarm(
            construct_id,
            metric,
            description,
            comparison=_AT_LEAST,
            periods=1,
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _absence(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        periods: int,
    ) -> None:
        # A metric that is sent no more has no datapoint, and an alarm begins its life without any.
        # Were that breaching, every new deployment would begin with a false alarm; so the state
        # INSUFFICIENT_DATA acts, which a new alarm is in and a running one falls back to. (It
        # looks some periods further back before it does: CloudWatch user guide, *Configuring how
        # CloudWatch alarms treat missing data*.)
        # UNCONFIRMED A-051: that the state which an alarm is created in sends nothing. "Any actions
        # associated with the new state are then executed" (PutMetricAlarm) can be read otherwise,
        # and the alarms with periods of an hour stay in it longest. If it does send something,
        # that is one mail for each of these alarms after the first deployment. CloudWatch's warm-up
        # period would exclude it, but a Region whose CloudFormation does not know that property
        # yet would refuse the whole deployment.
        alarm = self._alarm(
            construct_id,
            metric,
            description,
            comparison=_LESS_THAN,
            periods=periods,
            missing=cloudwatch.TreatMissingData.MISSING,
        )
        alarm.add_insufficient_data_action(actions.SnsAction(self._topic))

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        comparison: cloudwatch.ComparisonOperator,
        periods: int,
        missing: cloudwatch.TreatMissingData,
        breaching: int | None = None,
    ) -> cloudwatch.Alarm:
        name = "".join(f"-{char.lower()}" if char.isupper() else char for char in construct_id)
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=f"{GUARD_ALARM_PREFIX}{name.removeprefix('-')}",
            alarm_description=f"{description}.",
            metric=metric,
            threshold=1,
            comparison_operator=comparison,
            evaluation_periods=periods,
            datapoints_to_alarm=breaching or periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        self.alarms.append(alarm)
        return alarm
