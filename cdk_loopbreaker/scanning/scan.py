"""A scan of one account in one or several Regions: counted first, then read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_loopbreaker.scanning.client import ScanClient
from cdk_loopbreaker.scanning.errors import ScanError
from cdk_loopbreaker.scanning.estimate import count_resources, estimate_reading
from cdk_loopbreaker.scanning.reading import RegionFacts, close_facts, read_region
from functions.aws.account import facts as f
from functions.aws.account.account_reader import in_threads
from functions.aws.account.services import roles
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from cdk_loopbreaker.scanning.client import StopSignal
    from cdk_loopbreaker.scanning.estimate import Counts, Estimate
    from cdk_loopbreaker.scanning.snapshot import Snapshot
    from functions.aws.account.facts import Facts
    from functions.aws.account.rate_limit import Quota
    from functions.aws.account.read_client import Operation
    from functions.aws.account.read_session import SideBySide


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """How a scan reads.

    Attributes
    ----------
    with_all_settings
        Whether the setting `RecursiveLoop` is read of every function.
    earlier
        A scan to go on from: details that it holds are not asked for again.
    rates
        Calls a second, by what AWS counts together; ``None`` for the guard's share of AWS's rates.
    on_call
        Called before each call of AWS, with its Region, from several threads.
    side_by_side
        How independent calls are made.
    """

    with_all_settings: bool = False
    earlier: Snapshot | None = None
    rates: Mapping[Quota, float] | None = None
    on_call: Callable[[str, Operation], None] = lambda *_: None
    side_by_side: SideBySide = in_threads


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionPlan:
    """A Region that is to be read. The facts hold what the counting has read."""

    region: str
    client: ScanClient
    facts: Facts
    counts: Counts
    estimate: Estimate


class Scan:
    """A scan of one account.

    Parameters
    ----------
    clients_of
        Makes, for a Region, what makes the client of a service by botocore's name of it.
    at
        The moment of the scan.
    """

    def __init__(
        self,
        account: str,
        partition: str,
        clients_of: Callable[[str], Callable[[str], Any]],
        *,
        at: datetime,
        stop: StopSignal,
        options: ScanOptions | None = None,
    ) -> None:
        self._account = account
        self._partition = partition
        self._clients_of = clients_of
        self._at = at
        self._stop = stop
        self._options = options or ScanOptions()

    def plan(self, regions: Sequence[str]) -> tuple[RegionPlan, ...]:
        """Count what there is in each Region, by a dozen calls.

        Raises
        ------
        ScanError
            When functions may be listed in none of them, or the earlier scan is of another account.
        """
        earlier = self._options.earlier
        for one in earlier.regions if earlier else ():
            if one.facts.account != self._account:
                raise ScanError(
                    f"--resume: the snapshot is of account {clean(one.facts.account, 40)}, the"
                    f" credentials are of {self._account}"
                )
        plans = [
            self._plan_region(region, is_first=number == 0) for number, region in enumerate(regions)
        ]
        refusals = [one.counts.refusal for one in plans]
        if refusals and all(refusals):
            raise ScanError(_explain_refusal(refusals[0]))
        return tuple(plans)

    def read(self, plans: Sequence[RegionPlan]) -> tuple[RegionFacts, ...]:
        """Read all Regions, one after the other; what was not read any more is a gap.

        Raises
        ------
        ScanError
            When functions may be listed in none of them.
        """
        found: list[RegionFacts] = []
        for plan in plans:
            if found:
                roles.carry_over(found[0].facts, plan.facts)
            found.append(self._read_region(plan))
        hidden = [one for one in found if one.hides_functions]
        if found and len(hidden) == len(found):
            gaps = hidden[0].facts.of(f.GAPS).values()
            raise ScanError(_explain_refusal(next(gap.words for gap in gaps if not gap.resource)))
        return tuple(found)

    def _plan_region(self, region: str, *, is_first: bool) -> RegionPlan:
        options = self._options
        client = ScanClient(
            self._clients_of(region),
            stop=self._stop,
            rates=options.rates,
            on_call=lambda operation: options.on_call(region, operation),
        )
        earlier = options.earlier.regions if options.earlier else ()
        carried = next((one.facts for one in earlier if one.facts.region == region), None)
        facts = f.begin(self._account, region, self._partition, self._at, carried_from=carried)
        counts = count_resources(
            client, facts, has_roles=not is_first, side_by_side=options.side_by_side
        )
        estimate = estimate_reading(
            counts,
            facts,
            with_all_settings=options.with_all_settings,
            rates=options.rates,
        )
        return RegionPlan(
            region=region, client=client, facts=facts, counts=counts, estimate=estimate
        )

    def _read_region(self, plan: RegionPlan) -> RegionFacts:
        if self._stop.is_set:
            close_facts(plan.facts)
            return RegionFacts(facts=plan.facts, is_complete=False)
        return read_region(
            plan.client,
            plan.facts,
            with_all_settings=self._options.with_all_settings,
            side_by_side=self._options.side_by_side,
        )


def _explain_refusal(words: str) -> str:
    return (
        f"the functions cannot be listed: {clean(words, 300)}; the rights that a scan needs are"
        " printed by: loopbreaker scan --print-policy"
    )
