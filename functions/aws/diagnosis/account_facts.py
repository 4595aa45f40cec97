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
from functions.domain.diagnosis.remedy import parse_role_name
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

    def account(
        self, reader: AccountReader, fresh: Iterable[str], roles: Iterable[str], now: datetime
    ) -> Account | None:
        """The account; ``None`` when the time is up before it is read.

        Parameters
        ----------
        fresh
            Names of functions whose configuration, policy and role must be those of now.
        roles
            Names of roles of which the same is true.

        Raises
        ------
        LedgerUnavailableError
        """
        shared = self._read_shared(now)
        if shared is None:
            return reader.read(self.facts.begin(now))
        noted = [one.change for one in self.chart.read_noted()]
        return reader.work_in([*noted, *_list_changes(shared, fresh, roles)], shared)

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


def _list_changes(shared: f.Facts, fresh: Iterable[str], roles: Iterable[str]) -> Iterator[Change]:
    functions = shared.of(f.FUNCTIONS)
    wanted = dict.fromkeys(roles)
    for name in fresh:
        yield Change(kind=ChangeKind.FUNCTION, name=name)
        yield Change(kind=ChangeKind.PERMISSION, name=name)
        known = functions.get(name)
        if known is not None:
            wanted[parse_role_name(known.role_arn)] = None
    for role in wanted:
        yield Change(kind=ChangeKind.ROLE, name=role)
