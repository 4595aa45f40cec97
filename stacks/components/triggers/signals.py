from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.components.triggers.waking import WakingRules
from stacks.names import SIGNAL_ALARM_PREFIX, STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs

    from stacks.config import Config

_MINUTE: Final = Duration.minutes(1)

BUSIEST_FUNCTIONS: Final = (
    'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
    "GROUP BY FunctionName ORDER BY SUM() DESC"
)


class SignalAlarms(Construct):
    """Alarms that say that something may be running away.

    The account-wide series carry no dimension ("Across All Functions"). Lambda sends them every
    minute, and a period of 60 s is evaluated every minute (CloudWatch user guide,
    *alarm-evaluation*).

    Two datapoints in a row must breach: a loop goes on by itself, a burst of one minute is nearly
    always a batch, and the second minute of a runaway costs cents. Missing data is not breaching,
    or a quiet account would look like a runaway one.

    Every alarm also calls `contain` directly: a second way beside EventBridge. Both lead to the
    same incident in the ledger, so the second one changes nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Config,
        contain: lambda_.IFunction,
        concurrency_threshold: float,
        invocations_threshold: float,
    ) -> None:
        super().__init__(scope, construct_id)
        self._contain = contain
        self._alarm(
            "Invocations",
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="Invocations",
                statistic=cloudwatch.Stats.SUM,
                period=_MINUTE,
            ),
            threshold=invocations_threshold,
            datapoints=2,
            description="All functions together are invoked unusually often",
        )
        self._alarm(
            "Concurrency",
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="ConcurrentExecutions",
                statistic=cloudwatch.Stats.MAXIMUM,
                period=_MINUTE,
            ),
            threshold=concurrency_threshold,
            datapoints=2,
            description="The account is close to its limit of concurrent executions",
        )
        # UNCONFIRMED A-052: that this metric exists without a dimension. If it does not, the
        # alarm stays quiet for ever and costs its ten cents; nothing else depends on it.
        self._alarm(
            "Dropped",
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="RecursiveInvocationsDropped",
                statistic=cloudwatch.Stats.SUM,
                period=_MINUTE,
            ),
            threshold=1,
            datapoints=1,
            description="Lambda itself stopped a recursive loop",
        )
        if config.coverage == "function":
            # One alarm over all functions, also those to come. Its contributor events name the
            # function. At most 500 series are returned, the busiest first; 10,000 are read.
            self._alarm(
                "Function",
                cloudwatch.MathExpression(
                    expression=BUSIEST_FUNCTIONS,
                    using_metrics={},
                    period=_MINUTE,
                    label="Invocations per function",
                ),
                threshold=config.floor_per_minute,
                datapoints=2,
                description="A function is invoked unusually often",
            )

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        datapoints: int,
        description: str,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=f"{SIGNAL_ALARM_PREFIX}{construct_id.lower()}",
            alarm_description=f"{description}. {STACK_NAME} looks at the functions when it rings.",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=datapoints,
            datapoints_to_alarm=datapoints,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.LambdaAction(self._contain))


class SignalRules(WakingRules):
    """EventBridge rules that bring signals to `contain`.

    All are on the default bus, where AWS's own events arrive. Every target has a dead-letter
    queue and a bounded retry: a signal that is older than its `longest_wait` says nothing any
    more, since the next pulse looks at the same account again.

    Parameters
    ----------
    guard_roles
        Names of the roles by which the guard itself changes functions. Their calls wake nobody: a
        step that AWS refuses is taken back, and both would be heard as changes by others, for ever.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Config,
        contain: lambda_.IFunction,
        guard_roles: Sequence[str],
        undelivered: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id, function=contain, undelivered=undelivered)
        our_alarms = {
            "alarmName": [{"prefix": SIGNAL_ALARM_PREFIX}],
            "state": {"value": ["ALARM"]},
        }
        self._rule(
            "Alarm",
            "One of the signal alarms rings",
            longest_wait=Duration.hours(1),
            pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                account=[Aws.ACCOUNT_ID],
                detail=our_alarms,
            ),
        )
        self._rule(
            "Contributor",
            "The alarm per function rings, and names the function",
            longest_wait=Duration.hours(1),
            pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm Contributor State Change"],
                account=[Aws.ACCOUNT_ID],
                detail=our_alarms,
            ),
        )
        self._rule(
            "Change",
            "Somebody changed what holds a contained function (needs an active trail)",
            longest_wait=Duration.hours(1),
            pattern=events.EventPattern(
                source=["aws.lambda"],
                detail_type=["AWS API Call via CloudTrail"],
                account=[Aws.ACCOUNT_ID],
                detail={
                    "eventSource": ["lambda.amazonaws.com"],
                    # CloudTrail appends the API's version to most names, such as
                    # PutFunctionConcurrency20171031 (Lambda developer guide,
                    # logging-using-cloudtrail).
                    "eventName": [
                        {"prefix": "PutFunctionConcurrency"},
                        {"prefix": "DeleteFunctionConcurrency"},
                        {"prefix": "UpdateEventSourceMapping"},
                        {"prefix": "DeleteEventSourceMapping"},
                        {"prefix": "PutProvisionedConcurrencyConfig"},
                        {"prefix": "DeleteProvisionedConcurrencyConfig"},
                        "DeleteFunction20150331",
                    ],
                    # Who called as a user, or by a service, has no session (CloudTrail user guide,
                    # *CloudTrail userIdentity element*). Where the name stood elsewhere, `contain`
                    # would still leave out its own calls.
                    "userIdentity": {
                        "sessionContext": {
                            "sessionIssuer": {
                                "userName": [
                                    {"exists": False},
                                    {"anything-but": list(guard_roles)},
                                ]
                            }
                        }
                    },
                },
            ),
        )
        self._rule(
            "Health",
            "AWS tells that it stopped a recursive loop",
            longest_wait=Duration.hours(6),
            pattern=events.EventPattern(
                source=["aws.health"],
                detail_type=["AWS Health Event"],
                account=[Aws.ACCOUNT_ID],
                detail={
                    "service": ["LAMBDA"],
                    "eventTypeCode": ["AWS_LAMBDA_RUNAWAY_TERMINATION_NOTIFICATION"],
                },
            ),
        )
        self._rule(
            "Pulse",
            "Every minute: the account as a whole, and open incidents",
            longest_wait=Duration.minutes(2),
            schedule=events.Schedule.rate(_MINUTE),
        )
        self.sweep: events.Rule | None = None
        if config.sweep_minutes:
            self.sweep = self._rule(
                "Sweep",
                "Once in a while: every function",
                longest_wait=Duration.minutes(10),
                schedule=events.Schedule.rate(Duration.minutes(config.sweep_minutes)),
            )
