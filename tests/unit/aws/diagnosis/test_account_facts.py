"""Where the account of the diagnosis comes from: the chart's facts, or a reading of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bench.graph import Memory
from bench.paged_account import ACCOUNT, REGION, grown
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.aws.diagnosis.account_facts import LONGEST_USE, AccountFacts
from functions.aws.records.fact_store import FactStore
from functions.aws.records.table import Table
from functions.domain.account.configuration_change import Change, ChangeKind
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

    def account(self, *fresh: str, roles: tuple[str, ...] = (), now: datetime = NOW) -> Account:
        """What the diagnosis works with."""
        chart: Any = self.chart
        found = AccountFacts(chart=chart, facts=self.store).account(
            self.reader(), fresh, roles, now
        )
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
