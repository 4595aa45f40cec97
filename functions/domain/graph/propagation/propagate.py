"""Follows events through an account: from what functions write to all that this leads to."""

from collections.abc import Iterable, Iterator
from typing import Final

from functions.domain.account.inventory import Account, Role
from functions.domain.graph.model import Certainty, Doubt, Means, NodeKind
from functions.domain.graph.nodes import node_of
from functions.domain.graph.paths.limits import USUAL, Limits
from functions.domain.graph.payloads import ANYTHING, Invoked, Payload
from functions.domain.graph.propagation.builder import Builder
from functions.domain.graph.propagation.decisions import Decisions
from functions.domain.graph.propagation.doubts import GapDoubts
from functions.domain.graph.propagation.function_writes import FunctionWrites
from functions.domain.graph.propagation.graph import Propagation, Rank
from functions.domain.graph.propagation.index import AccountIndex
from functions.domain.graph.propagation.state_machines import StateMachines
from functions.domain.graph.triggers.filters import count_steps, is_told_apart
from functions.domain.graph.triggers.trigger_edge import TriggerEdge
from functions.domain.graph.writes.permission import WildcardMember, WildcardTarget
from functions.domain.graph.writes.resource_grants import ResourcePolicies

_SYNCHRONOUS: Final = frozenset(
    {Means.MAPPING, Means.HTTP, Means.TRANSFORM, Means.PIPE, Means.TASK}
)
# Steps, as measured, of a filter about other things.
_GLANCE: Final = 3


def propagate(
    account: Account,
    policies: ResourcePolicies | None = None,
    limits: Limits = USUAL,
    *,
    with_ruled_out: bool = False,
) -> Propagation:
    """Follow everything that events can do in the account.

    Parameters
    ----------
    policies
        The account's resource policies, if they are read.
    with_ruled_out
        Whether the edges that something rules out are wanted, to see why there is no loop. They
        can be most of a graph, and no proof takes them.
    """
    policies = policies or ResourcePolicies(account)
    return _Propagator(account, policies, limits, with_ruled_out=with_ruled_out).run()


class _Propagator:
    """Makes one graph."""

    __slots__ = ("_builder", "_decisions", "_gaps", "_index", "_machines")

    def __init__(
        self, account: Account, policies: ResourcePolicies, limits: Limits, *, with_ruled_out: bool
    ) -> None:
        self._index = AccountIndex(account, policies, limits)
        self._builder = Builder(self._index, limits, with_ruled_out=with_ruled_out)
        self._decisions = Decisions(account.region, limits)
        self._gaps = GapDoubts(self._index, self._builder)
        self._machines = StateMachines(self._index, self._builder, self._decisions, limits)

    def run(self) -> Propagation:
        build = self._builder
        self._index.permissions.read(self._list_roles())
        for function in self._index.functions:
            node = node_of(function.arn)
            build.acting = function.name
            build.flow.places_of[function.name] = tuple(
                build.number((node, Invoked(is_async=is_async))) for is_async in (True, False)
            )
        writes = FunctionWrites(self._index, build, self._decisions, self._gaps)
        for function in self._index.functions:
            build.acting = function.name
            writes.write(function)
        for machine in self._machines.machines:
            build.acting = machine.arn
            build.number((machine, ANYTHING))
        self._lead_on(self._machines)
        self._gaps.doubt_places(self._lead_on)
        return build.flow

    def _list_roles(self) -> Iterator[tuple[Role, str]]:
        """The roles that something acts with, and the names of their sessions."""
        for function in self._index.functions:
            role = self._index.role_of(function)
            if role is not None:
                yield role, function.name
        for machine in self._machines.machines.values():
            if machine.role is not None:
                yield machine.role, ""

    def _lead_on(self, machines: StateMachines | None = None) -> None:
        """Follow every place that was reached, until nothing new is."""
        while (number := self._builder.turns.next()) is not None:
            place = self._builder.flow.places[number]
            self._builder.acting = self._builder.turns.owner(number)
            if isinstance(place, WildcardTarget):
                self._spread(number, self._index.permissions.members(place))
            elif isinstance(place, tuple):
                node, payload = place
                self._pass_on(number, self._index.triggers_of.get(node, ()), payload)
                if machines is not None:
                    machines.run(number, node)

    def _spread(self, number: int, members: tuple[WildcardMember, ...]) -> None:
        """Lead from a wildcard to what it stands for."""
        for member in members:
            if member.refusal and not self._builder.with_ruled_out:
                continue
            if not self._builder.may_go_on(number, 1):
                return
            rank = Rank.RULED_OUT if member.refusal else Rank.CERTAIN
            target = self._builder.place(member.node, member.payload)
            self._builder.join(number, target, rank, member)

    def _pass_on(self, number: int, triggers: Iterable[TriggerEdge], payload: Payload) -> None:
        """Ask every filter of a resource about what lies in it."""
        for trigger in triggers:
            is_other = is_told_apart(trigger.event_filter, payload)
            if not self._builder.may_go_on(
                number, _GLANCE if is_other else count_steps(trigger.event_filter)
            ):
                return
            if not is_other or self._builder.with_ruled_out:
                self._follow(number, trigger, payload)

    def _follow(self, number: int, trigger: TriggerEdge, payload: Payload) -> None:
        passed = trigger.passes(payload)
        if passed is None or (
            passed.certainty is Certainty.RULED_OUT and not self._builder.with_ruled_out
        ):
            return
        self._builder.edges.spend(1)
        target = trigger.target
        if self._index.is_out_of_sight(target):
            if passed.certainty is not Certainty.RULED_OUT:
                doubt = Doubt.UNKNOWN_TARGET if target.kind is NodeKind.OTHER else Doubt.ELSEWHERE
                self._builder.doubt((number,), doubt)
            return
        arrived = self._builder.place(
            target, trigger.after(payload), is_async=trigger.means not in _SYNCHRONOUS
        )
        self._builder.carry((number,), arrived, trigger.describe(passed))
