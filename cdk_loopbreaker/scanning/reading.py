"""The reading of one account and Region, to its end or to where it was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_loopbreaker.scanning.client import ClosedClient
from functions.aws.account import facts as f
from functions.aws.account.account_reader import AccountReader, in_threads
from functions.aws.account.read_client import OutOfTimeError
from functions.aws.account.read_session import ReadSession, Variables, run_one_by_one
from functions.aws.account.services import lambdas
from functions.domain.account.inventory import Area
from functions.workflows.graph.graphs import Graphs

if TYPE_CHECKING:
    from functions.aws.account.facts import Facts
    from functions.aws.account.read_client import ReadClient
    from functions.aws.account.read_session import SideBySide


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFacts:
    """What was read of one account and Region.

    Attributes
    ----------
    facts
        Closed: what was not read is a gap, so nothing is ruled out for want of it.
    is_complete
        False where the reading was stopped before its end.
    """

    facts: Facts
    is_complete: bool = True

    @property
    def hides_functions(self) -> bool:
        """Whether not even the functions could be listed, though there was time to."""
        return (
            self.is_complete
            and self.facts.is_missed(Area.FUNCTIONS)
            and not self.facts.of(f.FUNCTIONS)
        )


def read_region(
    client: ReadClient,
    facts: Facts,
    *,
    with_all_settings: bool = False,
    side_by_side: SideBySide = in_threads,
) -> RegionFacts:
    """Read until everything is known, or the client has no more time.

    Parameters
    ----------
    facts
        Begun facts; they are filled.
    with_all_settings
        Whether the setting `RecursiveLoop` is read of all functions: one more call for each.
    """
    variables = Variables()
    reader = AccountReader(
        client, suspects=Graphs({}).suspects, side_by_side=side_by_side, variables=variables
    )
    is_complete = reader.read(facts) is not None
    if is_complete and with_all_settings:
        reading = ReadSession(asker=client, facts=facts, side_by_side=side_by_side)
        try:
            lambdas.read_recursion(reading, facts.of(f.FUNCTIONS))
        except OutOfTimeError:
            is_complete = False
    if not is_complete:
        close_facts(facts, variables)
    return RegionFacts(facts=facts, is_complete=is_complete)


def close_facts(facts: Facts, variables: Variables | None = None) -> None:
    """Turn all that was not read into gaps.

    The reader goes on with a client that answers nothing, so the gaps are those that it notes
    where AWS does not answer. Facts that are complete stay as they are.
    """
    AccountReader(
        ClosedClient(),
        suspects=Graphs({}).suspects,
        side_by_side=run_one_by_one,
        variables=variables,
    ).read(facts)
