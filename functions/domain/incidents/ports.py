"""The ledger as the core needs it: an adapter in `functions.aws.records`, a fake in the tests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from functions.domain.incidents.history import FiledIncident, LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.pulse.memory import PulseMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The incident is now in the ledger."""

    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyOpen:
    """The function already has an open incident."""

    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadiusReached:
    """As many functions as allowed were contained within the window."""

    contained: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatelyClosed:
    """An incident of the function was closed after that began on which the new one rests.

    The datapoints may still be those of the former trouble: who has put it back must not find it
    stopped again for what was before.
    """

    closed_at: datetime


Opening: TypeAlias = Opened | AlreadyOpen | BlastRadiusReached


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """How many functions may be held within a window of time, each counted once.

    Attributes
    ----------
    is_binding
        Whether an incident without a free place is refused. What is done already is only counted.
    """

    most: int
    window: timedelta
    is_binding: bool = True


class RequestClaim(StrEnum):
    """Whose a rollback request is, when a request of CloudFormation brings its nonce."""

    MINE = "mine"  # to be carried out by the request that asked
    DONE = "done"  # carried out by another request
    UNDER_WAY = "under_way"  # another request is carrying it out


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often something was done, and when last (``None`` for never)."""

    count: int = 0
    last_at: datetime | None = None


ATTEMPTS_KEPT: Final = timedelta(days=90)
# A request without an outcome after this long is over: longer than a run of `restore` lasts.
REQUEST_LASTS: Final = timedelta(minutes=20)


class Ledger(Protocol):
    """The durable record. Every method raises `LedgerUnavailableError`."""

    def open(
        self,
        incident: Incident,
        blast_radius: BlastRadius | None,
        *,
        known_until: datetime | None = None,
    ) -> Opening | LatelyClosed:
        """Write a new incident, if its function has none and the blast radius allows.

        One transaction: the incident and a place within the blast radius come together or not at
        all. `blast_radius` is ``None`` for an incident that changes nothing. Opening the
        same incident again answers `Opened` with what is stored, so that a retry is harmless. One
        that another run has opened within the same second has the same id, and is another one.

        No incident is opened whose beginning lies before the function's last closed one ended,
        unless that one was known when it was judged.

        Parameters
        ----------
        known_until
            When the last one was closed of which the judgement knew, see `LiveLedger.known_until`;
            ``None`` where it knew of none.
        """
        ...

    def hold(self, incident: Incident, blast_radius: BlastRadius) -> Opening:
        """Save a changed incident that from now on takes hold of its function.

        As `save`, with a place within the blast radius in the same transaction.
        """
        ...

    def save(self, incident: Incident) -> Incident:
        """Replace the stored incident and answer it with its new version.

        One that holds nothing any more gives its place within the blast radius back.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `incident` carries.
        """
        ...

    def find(self, function: str) -> Incident | None:
        """The open incident of a function, read consistently."""
        ...

    def read_live(self) -> LiveLedger:
        """All that is not filed away, in one query."""
        ...

    def supersede(self, old: Incident, new: Incident, blast_radius: BlastRadius | None) -> Opening:
        """File `old` away and open `new` for the same function, in one transaction.

        `blast_radius` is ``None`` where the change that `new` reports is done already.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `old` carries.
        """
        ...

    def file_away(self, incident: Incident) -> None:
        """Move a closed incident whose notices are sent out of the live ones.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `incident` carries.
        """
        ...

    def read_closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """Incidents of a function that were closed after `since`, newest first."""
        ...

    def read_filed(self, since: datetime) -> tuple[FiledIncident, ...]:
        """Incidents of all functions that were filed away and closed after `since`, newest first.

        They are listed for `FILED_KEPT`. Those that an earlier version filed away are not.
        """
        ...

    def remember_pulse(self, memory: PulseMemory) -> None:
        """Keep what the pulse saw. Last writer wins: it only saves queries."""
        ...

    def read_attempts(self, about: str) -> Attempts:
        """What was counted of a matter that has no incident, such as telling of it.

        Parameters
        ----------
        about
            A name for the matter, of at most 1,000 bytes.
        """
        ...

    def count_attempt(self, about: str, now: datetime) -> None:
        """Count one more. It is forgotten `ATTEMPTS_KEPT` after the last one."""
        ...

    def read_tag_key(self) -> bytes:
        """The secret by which a snapshot in a tag is known as the guard's own.

        The first one that asks creates it; it never changes after that.
        """
        ...

    def get_known_tag_key(self) -> bytes | None:
        """The same where this process has read it before, without a call; else ``None``."""
        ...

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """Whether the rollback request with this nonce is this request's to carry out.

        It is for the request that brought the nonce first, and again for its retries; for any
        other only after the former has failed, or has reported no outcome within `REQUEST_LASTS`.
        CloudFormation replays old properties when it rolls a deployment back: only those of a
        request that succeeded, and never again those of one that failed.
        """
        ...

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """Write down what became of a claimed request.

        Nothing is written where another one has it by now, or where it is done: a repeated
        delivery that fails makes nothing undone.
        """
        ...
