"""Where the account of the diagnosis comes from: the chart's facts, or a reading of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bench.graph import Memory
from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.aws.account.services.events import MOST_RELISTED
from functions.aws.diagnosis.account_facts import LONGEST_USE, AccountFacts
from functions.aws.records.fact_store import FactStore
from functions.aws.records.table import Table
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.diagnosis.collection.failure_metrics import group_and_name
from functions.domain.graph.refresh import ChartState, NotedChange

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class Chart:
    """What the chart has stored."""

    standing: ChartState = field(default_factory=ChartState)
    changes: tuple[NotedChange, ...] = ()

    def state(self) -> ChartState:
        """See `ChartStore`."""
        return self.standing

    def read_noted(self) -> tuple[NotedChange, ...]:
        """See `ChartStore`."""
        return self.changes


class Stage:
    """An account of some functions, charted."""

    def __init__(self) -> None:
        self.paged = grown(30)
        self.chart = Chart()
        memory: Any = Memory()
        self.store = FactStore(
            Table(lambda: memory, "t"), account=ACCOUNT, region=REGION, partition="aws"
        )
        self.name = next(iter(self.paged.functions))

    def charted(self) -> None:
        """Let the chart read everything."""
        facts = self.store.begin(NOW)
        assert self.reader().read(facts) is not None
        self.chart.standing = ChartState(facts=self.store.save(facts), listed_at=NOW)
        self.paged.calls.clear()

    def reader(self) -> AccountReader:
        """A reader, as one run has it."""
        return AccountReader(
            ReadClient(self.paged.client, RateLimiter({})), side_by_side=run_one_by_one
        )

    def account(self, *fresh: str, now: datetime = NOW) -> Account:
        """What the diagnosis works with."""
        chart: Any = self.chart
        found = AccountFacts(chart=chart, facts=self.store).account(self.reader(), fresh, now)
        assert found is not None
        return found


@pytest.fixture
def stage() -> Stage:
    """The account."""
    return Stage()


def test_without_a_chart_everything_is_read(stage: Stage) -> None:
    """Before its first pass, for instance."""
    found = stage.account()

    assert len(found.functions) == 30
    assert stage.paged.calls["lambda.list_functions"] == 1


def test_what_the_chart_has_read_is_not_asked_again(stage: Stage) -> None:
    """The same account, without a call."""
    stage.charted()

    assert len(stage.account().functions) == 30
    assert stage.paged.calls.total() == 0


def test_some_functions_are_read_afresh(stage: Stage) -> None:
    """Configuration, policy and role of those that a decision rests on."""
    stage.charted()

    stage.account(stage.name)

    assert stage.paged.calls["lambda.get_function_configuration"] == 1
    assert stage.paged.calls["lambda.get_policy"] == 1
    assert stage.paged.calls["iam.get_role"] == 1


def test_a_failing_group_of_schedules_is_listed_afresh(stage: Stage) -> None:
    """CloudTrail may not have told yet that one was enabled, made or deleted."""
    stage.charted()
    enabled, deleted, *_ = stage.paged.schedules
    stage.paged.schedules[enabled]["State"] = "DISABLED"
    del stage.paged.schedules[deleted]
    made = stage.paged.arn("scheduler", "schedule/default/made")
    target = stage.paged.functions[stage.name]["FunctionArn"]
    stage.paged.schedules["made"] = {"Arn": made, "Target": {"Arn": target}, "State": "ENABLED"}

    found = {
        group_and_name(one.arn)[1]: one for one in stage.account("schedule-group/default").schedules
    }

    assert not found[enabled].is_enabled
    assert deleted not in found
    assert found["made"].target_arn == target
    assert stage.paged.calls["scheduler.list_schedules"] == 1


def test_another_group_stays_as_it_is_known(stage: Stage) -> None:
    """Its schedules are not lost, and those of a group that is gone are."""
    stage.charted()
    known = len(stage.account().schedules)

    assert len(stage.account("schedule-group/other").schedules) == known

    stage.paged.schedules.clear()
    assert stage.account("schedule-group/default").schedules == ()


@pytest.mark.thorough
def test_a_group_of_very_many_schedules_is_not_listed(stage: Stage) -> None:
    """It would take minutes: what is known of it stays."""
    target = stage.paged.functions[stage.name]["FunctionArn"]
    for number in range(MOST_RELISTED + 1):
        arn = stage.paged.arn("scheduler", f"schedule/many/m{number}")
        stage.paged.schedules[f"m{number}"] = {"Arn": arn, "Target": {"Arn": target}}
    stage.charted()

    found = stage.account("schedule-group/many").schedules

    assert sum(":schedule/many/" in one.arn for one in found) == MOST_RELISTED + 1
    assert stage.paged.calls["scheduler.list_schedules"] == 0


def test_a_group_that_grew_since_is_listed_as_far_as_allowed(stage: Stage) -> None:
    """Nothing that is known is forgotten then."""
    stage.charted()
    known = {one.arn for one in stage.account().schedules}
    for number in range(2 * MOST_RELISTED):
        arn = stage.paged.arn("scheduler", f"schedule/default/m{number}")
        stage.paged.schedules[f"m{number}"] = {"Arn": arn, "Target": {"Arn": "arn"}}

    found = {one.arn for one in stage.account("schedule-group/default").schedules}

    assert known < found
    assert len(found) <= MOST_RELISTED + len(known) + 100


def test_a_failing_rule_is_read_afresh(stage: Stage) -> None:
    """With its targets; of a rule on another bus too, and of one that was not known."""
    stage.charted()
    (bus, name), rule = next(iter(stage.paged.rules.items()))
    target = stage.paged.functions[stage.name]["FunctionArn"]
    stage.paged.targets[bus, name] = [{"Arn": target, "Id": "1"}]
    made = stage.paged.arn("events", "rule/made")
    stage.paged.rules["default", "made"] = {**rule, "Name": "made", "Arn": made}
    stage.paged.targets["default", "made"] = [{"Arn": target, "Id": "1"}]

    found = {one.name: one for one in stage.account(f"rule/{name}", "rule/made").rules}

    assert [one.arn for one in found[name].targets] == [target]
    assert [one.arn for one in found["made"].targets] == [target]


def test_changes_that_the_chart_only_noted_are_worked_in(stage: Stage) -> None:
    """It may do so later; the diagnosis does not wait for it."""
    stage.charted()
    change = Change(kind=ChangeKind.PERMISSION, name=stage.name)
    stage.chart.changes = (NotedChange(change=change, mark="1"),)

    stage.account()

    assert stage.paged.calls["lambda.get_policy"] == 1


@pytest.mark.parametrize("age", [LONGEST_USE + timedelta(minutes=1), timedelta(days=2)])
def test_facts_that_are_too_old_are_not_used(stage: Stage, age: timedelta) -> None:
    """The chart may stand still; then the account is read."""
    stage.charted()

    stage.account(now=NOW + age)

    assert stage.paged.calls["lambda.list_functions"] == 1


def test_facts_that_were_cleared_away_are_read_anew(stage: Stage) -> None:
    """Between the state and its parts another pass of the chart may have come."""
    stage.charted()
    manifest = stage.chart.standing.facts
    assert manifest is not None
    gone = replace(manifest, parts={"functions#00": "0" * 32 + "#1"})
    stage.chart.standing = replace(stage.chart.standing, facts=gone)

    assert len(stage.account().functions) == 30
