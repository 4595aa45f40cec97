"""The account for the diagnosis: out of the chart's facts where there are any, else read anew.

The chart keeps what it reads in the ledger's table and works changes in as CloudTrail tells of
them. Who takes that over asks AWS only for what changed since, and for what has to be fresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.account import facts as f
from functions.aws.runtime.observability import logger
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.diagnosis.collection.failure_metrics import DEFAULT_BUS, find_bus_name
from functions.domain.diagnosis.remedy import parse_role_name
from functions.domain.diagnosis.triage import ROLE, RULE, SCHEDULE_GROUP, split_mark
from functions.domain.serialization import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from functions.aws.account.account_reader import AccountReader
    from functions.aws.records.chart_store import ChartStore
    from functions.aws.records.fact_store import FactStore
    from functions.domain.account.inventory import Account

IAM_ACTIONS: Final[frozenset[str]] = frozenset()  # those of `reading` and `chart_store`

# Lists that are older are read anew; the chart does so every hour.
LONGEST_USE: Final = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """Where the account comes from."""

    chart: ChartStore
    facts: FactStore

    def account(self, reader: AccountReader, fresh: Iterable[str], now: datetime) -> Account | None:
        """The account; ``None`` when the time is up before it is read.

        Parameters
        ----------
        fresh
            What must be as it is now: names of functions (configuration, policy and role), and
            behind their prefixes those of roles, rules (with targets) and groups of schedules.

        Raises
        ------
        LedgerUnavailableError
        """
        shared = self._read_shared(now)
        if shared is None:
            return reader.read(self.facts.begin(now))
        noted = [one.change for one in self.chart.read_noted()]
        return reader.work_in([*noted, *_list_changes(shared, fresh)], shared)

    def _read_shared(self, now: datetime) -> f.Facts | None:
        """The chart's facts, if they can be used."""
        state = self.chart.state()
        if state.facts is None or state.listed_at is None:
            return None
        if now - state.listed_at > LONGEST_USE:
            logger.info("the chart's facts are too old", extra={"listed_at": state.listed_at})
            return None
        try:
            return self.facts.load(state.facts)
        except UnreadableError as error:
            # The chart may just have cleared them away for newer ones.
            logger.info("the chart's facts cannot be used", extra={"why": str(error)})
            return None


def _list_changes(shared: f.Facts, fresh: Iterable[str]) -> Iterator[Change]:
    """Everything that is to be read again; roles last, each once."""
    functions = shared.of(f.FUNCTIONS)
    roles: dict[str, None] = {}
    for mark in fresh:
        prefix, name = split_mark(mark)
        if prefix == ROLE:
            roles[name] = None
        elif prefix == RULE:
            yield from _list_rules(shared, name)
        elif prefix == SCHEDULE_GROUP:
            yield Change(kind=ChangeKind.SCHEDULE_GROUP, name=name)
        else:
            yield Change(kind=ChangeKind.FUNCTION, name=name)
            yield Change(kind=ChangeKind.PERMISSION, name=name)
            if name in functions:
                roles[parse_role_name(functions[name].role_arn)] = None
    for role in roles:
        yield Change(kind=ChangeKind.ROLE, name=role)


def _list_rules(shared: f.Facts, name: str) -> Iterator[Change]:
    """The known rules of a name, on any bus; of none, the one that the default bus may have."""
    buses = {find_bus_name(one) for one in shared.of(f.RULES).values() if one.name == name}
    for bus in sorted(buses or {DEFAULT_BUS}):
        yield Change(kind=ChangeKind.RULE, name=f"{bus}|{name}")
