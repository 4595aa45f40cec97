"""What the refresh of the event graph needs. Adapters in `functions.aws`, fakes in the tests."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from functions.domain.account.configuration_change import Change
from functions.domain.account.inventory import Account
from functions.domain.graph.refresh import ChartState, Manifest, NotedChange
from functions.domain.graph.summary import LoopBook
from functions.domain.notices.outbox import OutboxNotice


class DatedFacts(Protocol):
    """What was read of an account so far. What it holds is a matter of who reads and stores it."""

    @property
    def at(self) -> datetime:
        """When the reading of it began."""
        ...


FactsT = TypeVar("FactsT", bound=DatedFacts)
_FactsT_contra = TypeVar("_FactsT_contra", bound=DatedFacts, contravariant=True)


class AccountSource(Protocol[_FactsT_contra]):
    """AWS, asked until the facts are complete or the time of a run is up.

    Whatever AWS does not tell is a gap of the account, never an error.
    """

    def read(self, facts: _FactsT_contra) -> Account | None:
        """Go on until everything is read; ``None`` when the time is up before."""
        ...

    def work_in(self, changes: Iterable[Change], facts: _FactsT_contra) -> Account | None:
        """Bring complete facts up to date after changes; ``None`` when the time is up before."""
        ...


class FactArchive(Protocol[FactsT]):
    """Where facts are kept. Every method but `begun` raises `LedgerUnavailableError`."""

    def begin(self, at: datetime, *, carried_from: FactsT | None = None) -> FactsT:
        """Facts for a reading that begins; details of an earlier one need not be read again."""
        ...

    def load(self, manifest: Manifest) -> FactsT:
        """The facts of a manifest; raises `UnreadableError` when they are to be read anew."""
        ...

    def save(
        self, facts: FactsT, base: Manifest | None = None, *, stored: Iterable[Manifest] = ()
    ) -> Manifest:
        """Write what is not stored yet, and answer the manifest of all.

        Parameters
        ----------
        base
            The manifest that the facts were loaded from, or were last saved as.
        stored
            Other manifests whose parts are stored for certain.
        """
        ...

    def clear(self, kept: Iterable[Manifest]) -> int:
        """Delete the parts that none of these manifests names; answers how many items."""
        ...


class RefreshStore(Protocol):
    """What a refresh remembers. Every method raises `LedgerUnavailableError`."""

    def take_turn(self, now: datetime, until: datetime) -> ChartState | None:
        """Where the refresh stands, if no other run is at it; ``None`` if one is."""
        ...

    def end_turn(self) -> None:
        """Let the next run have its turn; nothing happens where another has it already."""
        ...

    def save(self, state: ChartState, notices: Sequence[OutboxNotice] = ()) -> None:
        """Write where the refresh stands together with the notices that follow from it.

        Raises
        ------
        TurnLostError
            When another run has the turn. Nothing is written then.
        """
        ...

    def read_noted(self) -> tuple[NotedChange, ...]:
        """All that is to be read again."""
        ...

    def forget(self, noted: Iterable[NotedChange]) -> None:
        """Delete notes that were worked in; one that was noted again meanwhile stays."""
        ...

    def read_notices(self) -> tuple[OutboxNotice, ...]:
        """The notices that are not known to be sent, oldest first."""
        ...

    def keep_notice(self, notice: OutboxNotice) -> None:
        """Write a notice as it is now; one that was sent, its event too, is deleted."""
        ...

    def write_book(self, book: LoopBook) -> None:
        """Replace the book that `contain` reads."""
        ...
