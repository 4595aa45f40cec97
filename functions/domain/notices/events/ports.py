"""Where events go beside people, and where they wait until everything else is done."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from functions.domain.notices.events.envelope import OutgoingEvent
from functions.domain.notices.notice import Notice
from functions.domain.notices.outbox import HasOutbox

_R = TypeVar("_R", bound=HasOutbox)


class Sink(StrEnum):
    """What takes events. The names are stored."""

    BUS = "bus"
    CHAT = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a sink answered.

    Attributes
    ----------
    taken
        Ids of the events that it took.
    why
        Why it did not take the others, in AWS's words; empty where it took all.
    """

    taken: frozenset[str]
    why: str = ""


class EventSink(Protocol):
    """One place for events. It gives up within seconds, and raises nothing."""

    @property
    def name(self) -> Sink:
        """Which it is."""
        ...

    def put(self, events: Sequence[OutgoingEvent]) -> Receipt:
        """Send events, in their order. Sending one again is harmless: it carries the same id."""
        ...


class EventOutlet(Protocol):
    """Where events wait for the end of a run: nothing else ever waits for them."""

    @property
    def sinks(self) -> Collection[str]:
        """Names of the sinks of this deployment."""
        ...

    def keep(self, key: str, record: _R, save: Callable[[_R], _R]) -> None:
        """Have the events of a record sent that are due, and what became of them saved.

        Parameters
        ----------
        key
            Names the record: what was kept under it before is replaced.
        save
            Writes the record. It may raise `LedgerUnavailableError` and `StaleIncidentError`.
        """
        ...

    def keep_unrecorded(self, notice: Notice, key: str) -> None:
        """Have the event sent of a notice that no record holds; once, as well as it goes."""
        ...

    def flush(self, seconds_left: Callable[[], float]) -> None:
        """Send what waits, as far as there is time; nothing is raised."""
        ...


class NoEvents:
    """Where a deployment has no sink."""

    sinks: Collection[str] = ()

    def keep(self, key: str, record: _R, save: Callable[[_R], _R]) -> None:
        """See the port."""

    def keep_unrecorded(self, notice: Notice, key: str) -> None:
        """See the port."""

    def flush(self, seconds_left: Callable[[], float]) -> None:
        """See the port."""
