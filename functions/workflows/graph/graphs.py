"""The event graph of an account, built once as long as the account stays the same."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from functions.domain.account.inventory import Account
from functions.domain.graph.build import build
from functions.domain.graph.model import EventGraph, Loop
from functions.domain.graph.new_loops import find_new_loops


class Graphs:
    """The graph of an account, built once as long as the account stays the same.

    Event source mappings that the guard itself has disabled count as enabled: that is no fix of a
    loop, and a restore takes it back.
    """

    def __init__(self, accepted: Mapping[str, str], own: Collection[str] = ()) -> None:
        self.accepted = accepted
        self._own = frozenset(own)
        self._account: Account | None = None
        self._graph: EventGraph | None = None
        self._held: frozenset[str] = frozenset()

    def regard_as_enabled(self, mappings: frozenset[str]) -> None:
        """Note the ids of the mappings that the guard has disabled."""
        self._held = mappings

    def of(self, account: Account) -> EventGraph:
        """Build the graph, unless the last one is of the same account."""
        account = _enable(account, self._held)
        if self._graph is None or self._account != account:
            self._graph = build(account, self.accepted)
            self._account = account
        return self._graph

    def find_new_loops(self, notified: Sequence[str], graph: EventGraph) -> tuple[Loop, ...]:
        """Find the loops to report, beside those with the keys in `notified`."""
        return find_new_loops(notified, graph.loops, self.accepted, self._own)

    def suspects(self, account: Account) -> Iterable[str]:
        """The functions on a loop, those on the surest ones first."""
        return (name for loop in self.of(account).loops for name in loop.functions)


def _enable(account: Account, held: frozenset[str]) -> Account:
    if not any(one.uuid in held and not one.is_enabled for one in account.mappings):
        return account
    mappings = tuple(
        replace(one, is_enabled=True) if one.uuid in held else one for one in account.mappings
    )
    return replace(account, mappings=mappings)
