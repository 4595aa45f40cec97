"""What the event graph says about one function, as far as it is recent enough to be believed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from functions.domain.detection.arrivals import Source
from functions.domain.detection.evidence import LoopProof

# The graph is read anew every day and patched within minutes of a change. Two days without that
# mean that the chart does not run, and that what it says may be about an account of the past.
STALE_AFTER = timedelta(hours=48)
_WEAKER = {LoopProof.CERTAIN: LoopProof.POSSIBLE, LoopProof.RULED_OUT: LoopProof.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFact:
    """Events pass from one resource to the next.

    Attributes
    ----------
    source, target
        Names of the two.
    source_kind, target_kind
        What they are, such as ``function`` or ``queue``.
    means
        How the events pass, such as ``event source mapping`` or ``permission``.
    label
        The same in a word or two, such as ``PutItem``.
    certainty
        ``certain`` or ``possible``.
    """

    source: str
    source_kind: str
    target: str
    target_kind: str
    means: str
    label: str
    certainty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStatus:
    """The loop that a function is on, or that it is on none.

    Attributes
    ----------
    drawing
        The loop in characters; empty where there is none. `line`: on one line.
    closed_by
        What closes it, in words, such as the trigger and the statement of a policy.
    broken_by
        The single change that breaks it, in words; empty where there is none.
    not_ruled_out
        Why a loop cannot be ruled out though none is known, as clauses.
    at
        When the function was read for the graph; ``None`` where there is no graph.
    key
        What the loop is known by; empty where there is none.
    steps
        The loop, beginning with what triggers the function; empty where it is not kept.
    steps_left_out
        How many further ones it has.
    """

    proof: LoopProof = LoopProof.UNKNOWN
    drawing: str = ""
    line: str = ""
    closed_by: tuple[str, ...] = ()
    broken_by: str = ""
    not_ruled_out: tuple[str, ...] = ()
    at: datetime | None = None
    key: str = ""
    steps: tuple[EdgeFact, ...] = ()
    steps_left_out: int = 0

    def believed(self, now: datetime) -> "LoopStatus":
        """The same, or no more than a hint where the graph is too old to act on."""
        if self.at is not None and now - self.at <= STALE_AFTER:
            return self
        return replace(self, proof=_WEAKER.get(self.proof, self.proof))


NOTHING_KNOWN = LoopStatus()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnLoop:
    """A function on a loop, by name.

    Attributes
    ----------
    proof
        `CERTAIN` or `POSSIBLE`. A loop that a person accepted is no more than possible.
    loop
        What the functions on one loop have in common; empty where the loop was not listed.
    is_stopped_by_aws
        Whether AWS's own loop detection stops that loop.
    """

    function: str
    proof: LoopProof
    loop: str = ""
    is_stopped_by_aws: bool = False


class LoopLookup(Protocol):
    """The stored event graph, for who must not wait for it: nothing here raises.

    What asks without a refresh gets what was read last. Only the first time it costs a call.
    """

    def refresh(self) -> None:
        """Read the graph if it was not read lately, in one call."""
        ...

    def of(self, function: str) -> LoopStatus:
        """What is known of a function; `NOTHING_KNOWN` for nothing."""
        ...

    def find_sources(self, function: str) -> tuple[Source, ...]:
        """What invokes a function, and whether that lies on a loop of it; empty if unknown."""
        ...

    def find_mates(self, function: str) -> frozenset[str]:
        """The other functions on its loop.

        A loop is cut by stopping one of them: the spike of the others ends with it.
        """
        ...

    def list_on_loops(self) -> tuple[OnLoop, ...]:
        """The functions on loops of which the name is known."""
        ...


class EmptyLookup:
    """Where there is no event graph."""

    def refresh(self) -> None:
        """See the port."""

    def of(self, _function: str) -> LoopStatus:
        """See the port."""
        return NOTHING_KNOWN

    def find_sources(self, _function: str) -> tuple[Source, ...]:
        """See the port."""
        return ()

    def find_mates(self, _function: str) -> frozenset[str]:
        """See the port."""
        return frozenset()

    def list_on_loops(self) -> tuple[OnLoop, ...]:
        """See the port."""
        return ()
