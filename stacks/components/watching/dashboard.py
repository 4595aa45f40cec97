from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.names import STACK_NAME

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

_NAMESPACE: Final = "AWS/Lambda"
_WIDE: Final = 16
_NARROW: Final = 8
_WHOLE: Final = _WIDE + _NARROW
_TALL: Final = 18
_SHORT: Final = 4


def make_widgets(present: lambda_.IFunction) -> list[cloudwatch.CustomWidget]:
    """Make the widgets of the guard: what is open, how the guard is, and the last 90 days.

    They are asked for anew when the dashboard is refreshed, and not when its time range changes:
    each shows the time that matters to it.
    """
    return [
        _make_widget(present, "Loopbreaker", "incidents", width=_WIDE, height=_TALL),
        _make_widget(
            present, "The guard itself", "health", width=_NARROW, height=_TALL - 2 * _SHORT
        ),
        _make_widget(present, "The last 90 days", "history", width=_WHOLE, height=12),
    ]


def _make_widget(
    present: lambda_.IFunction, title: str, view: str, *, width: int, height: int
) -> cloudwatch.CustomWidget:
    return cloudwatch.CustomWidget(
        function_arn=present.function_arn,
        title=title,
        params={"view": view},
        width=width,
        height=height,
        update_on_refresh=True,
        update_on_resize=False,
        update_on_time_range_change=False,
    )


class GuardDashboard(Construct):
    """A CloudWatch dashboard with what the guard holds, how it is, and what the account does.

    Its name has the Region: all dashboards of an account are global, and one of the same name in
    another Region would be replaced (CloudWatch API reference, *PutDashboard*).
    """

    def __init__(self, scope: Construct, construct_id: str, *, present: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        incidents, health, history = make_widgets(present)
        dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"{STACK_NAME}-{Aws.REGION}",
            default_interval=Duration.hours(3),
        )
        beside = cloudwatch.Column(
            health,
            _graph("All functions: invocations a minute", ("Invocations", "Sum")),
            _graph(
                "All functions: concurrent executions, throttles a minute",
                ("ConcurrentExecutions", "Maximum"),
                ("Throttles", "Sum"),
            ),
        )
        # A column is a widget; the CDK's types for Python leave out two of its properties.
        dashboard.add_widgets(incidents, cast("cloudwatch.IWidget", beside))
        dashboard.add_widgets(history)


def _graph(title: str, *metrics: tuple[str, str]) -> cloudwatch.GraphWidget:
    """Metrics of all functions together, which have no dimension."""
    return cloudwatch.GraphWidget(
        title=title,
        width=_NARROW,
        height=_SHORT,
        left=[
            cloudwatch.Metric(
                namespace=_NAMESPACE,
                metric_name=name,
                statistic=statistic,
                period=Duration.minutes(1),
            )
            for name, statistic in metrics
        ],
    )
