"""What the outputs of the stack say about the account."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.domain.account.watched_region import ElsewhereError
from functions.domain.errors import MetricsUnavailableError
from functions.workflows.deployment.report_account import DeploymentPlan, report_account
from tests.unit.workflows.deployment.account import FakeAccount, FakeTraffic, context

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PLAN = DeploymentPlan(standard_alarms=11, sweep_minutes=60, has_alarm_per_function=False)


def test_account_figures() -> None:
    """The account's figures, with the cost for its number of functions."""
    report = report_account(PLAN, context(FakeAccount()), NOW)

    assert (report.limits.concurrency, report.limits.functions) == (1000, 42)
    assert report.threshold.in_words() == (
        "10,000 invocations a minute, the default; normal here is up to 100 a minute"
    )
    assert report.exempt == "none by flag"
    assert report.cost.in_words() == (
        "about $3.94 a month for 42 functions "
        "(alarms $1.10, pulse $2.37, sweep $0.30, chart $0.07, diagnosis $0.10); "
        "prices of us-east-1, free tier not counted"
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("billing", "audit"), "2 by flag, all found"),
        (("billing", "adit"), "CHECK THE NAMES: of 2 by flag, 1 do not exist here: adit"),
    ],
)
def test_a_name_that_exempts_nothing_is_said(names: tuple[str, ...], expected: str) -> None:
    """A typing error would leave a function unprotected, and nobody would know."""
    account = FakeAccount(names=frozenset({"billing", "audit"}))

    assert report_account(replace(PLAN, exempt=names), context(account), NOW).exempt == expected


def test_account_figures_with_an_alarm_per_function() -> None:
    """The cost counts the alarm per function where it is asked for."""
    plan = DeploymentPlan(standard_alarms=10, sweep_minutes=0, has_alarm_per_function=True)

    report = report_account(plan, context(FakeAccount(functions=1000)), NOW)

    assert report.cost.in_words().startswith("about $108.74 a month for 1,000 functions")


def test_the_account_alarm_is_above_normal_traffic() -> None:
    """A busy account gets a threshold that its normal traffic does not reach, each time anew."""
    for normal, expected in ((45_000.0, 90_000), (15_000.0, 30_000)):
        ports = context(FakeAccount(), traffic=FakeTraffic(normal))

        assert report_account(PLAN, ports, NOW).threshold.per_minute == expected


def test_the_flag_says_the_threshold() -> None:
    """The number that the operator gave is taken as it is."""
    plan = replace(PLAN, alarm_per_minute=5000)

    assert report_account(plan, context(FakeAccount()), NOW).threshold.per_minute == 5000


def test_traffic_that_cannot_be_read_fails_no_deployment() -> None:
    """The default holds, and the output says why."""
    ports = context(
        FakeAccount(), traffic=FakeTraffic(fault=MetricsUnavailableError("AccessDenied: no"))
    )

    threshold = report_account(PLAN, ports, NOW).threshold

    assert threshold.per_minute == 10_000
    assert "could not be read (AccessDenied: no" in threshold.in_words()


def test_an_arn_of_another_account_fails_the_deployment() -> None:
    """A flag that names a function of another account says nothing about one of this account."""
    arn = "arn:aws:lambda:eu-west-1:999999999999:function:orders"

    with pytest.raises(ElsewhereError, match="is in account 999999999999 Region eu-west-1"):
        report_account(replace(PLAN, arns=(arn,)), context(FakeAccount()), NOW)
