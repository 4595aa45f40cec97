"""Everything that events can do in the account, as a graph of whole numbers.

A place is a node with what is known of what lies in it, so that every filter is asked about what
really may come by. A function has two places: asynchronous invocations also reach destinations.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from functions.domain.account.inventory import (
    ACCOUNT_POLICIES,
    Account,
    Area,
    FunctionDescription,
    MappingDescription,
    Role,
)
from functions.domain.account.named_resources import Mentions, qualified_names
from functions.domain.account.state_machines import Place as Home
from functions.domain.account.state_machines import Reading, Task, read_machine
from functions.domain.graph.edges.assumed_roles import AssumedRoles
from functions.domain.graph.edges.payloads import (
    ANYTHING,
    Content,
    Invoked,
    is_removal,
    is_told_apart,
    steps_of,
)
from functions.domain.graph.edges.resource_grants import ResourcePolicies
from functions.domain.graph.edges.triggers import (
    Hop,
    Triggers,
    api_node,
    arriving,
    read_triggers,
)
from functions.domain.graph.edges.writes import (
    WAYS,
    Grant,
    Hub,
    Member,
    Permissions,
    Profile,
    Resources,
    asked,
    permission,
)
from functions.domain.graph.model import (
    Certainty,
    Doubt,
    Edge,
    EdgeReason,
    EdgeSpec,
    Means,
    Node,
    NodeKind,
)
from functions.domain.graph.nodes import (
    bucket_arn,
    is_elsewhere,
    log_group_arn,
    node_of,
)
from functions.domain.graph.paths.limits import USUAL, Allowance, Limits, fair_share
from functions.domain.graph.paths.turns import Turns
from functions.domain.iam.access import (
    Access,
    Answer,
    Because,
    Identity,
    execution_context,
    rights,
)

if TYPE_CHECKING:
    from functions.domain.iam.access import Rights


class Rank(IntEnum):
    """How sure an edge is, for searching."""

    CERTAIN = 0
    POSSIBLE = 1
    UNSEEN = 2  # nobody looked, or nobody can: never part of a loop, but of a doubt
    RULED_OUT = 3


@dataclass(frozen=True, slots=True)
class Dark:
    """Where events are not seen any more, though they may go on."""

    name: str


OUT_OF_SIGHT: Final = Dark("out of sight")  # may lead to any function

Place: TypeAlias = tuple[Node, Content] | Hub | Dark


Info: TypeAlias = EdgeSpec | Member | Doubt | Dark

_RANK: Final[Mapping[Certainty, Rank]] = MappingProxyType(
    {
        Certainty.CERTAIN: Rank.CERTAIN,
        Certainty.POSSIBLE: Rank.POSSIBLE,
        Certainty.RULED_OUT: Rank.RULED_OUT,
    }
)
_SYNCHRONOUS: Final = frozenset(
    {Means.MAPPING, Means.HTTP, Means.TRANSFORM, Means.PIPE, Means.TASK}
)
_DELIVERY_ACTIONS: Final[Mapping[NodeKind, str]] = MappingProxyType(
    {
        NodeKind.QUEUE: "sqs:SendMessage",
        NodeKind.TOPIC: "sns:Publish",
        NodeKind.FUNCTION: "lambda:InvokeFunction",
        NodeKind.BUS: "events:PutEvents",
        NodeKind.BUCKET: "s3:PutObject",
    }
)
_EVERYTHING_DARK: Final = frozenset(
    {
        Area.FUNCTIONS,
        Area.ROLES,
        Area.MAPPINGS,
        Area.APIS,
        Area.POLICIES,
    }
)
_DARK_KINDS: Final[Mapping[Area, frozenset[NodeKind]]] = MappingProxyType(
    {
        Area.BUCKETS: frozenset({NodeKind.BUCKET}),
        Area.TOPICS: frozenset({NodeKind.TOPIC}),
        Area.RULES: frozenset({NodeKind.BUS, NodeKind.BUCKET, NodeKind.SERVICE}),
        Area.PIPES: frozenset({NodeKind.QUEUE, NodeKind.STREAM, NodeKind.TABLE}),
        Area.LOGS: frozenset({NodeKind.LOG_GROUP}),
        Area.STATE_MACHINES: frozenset({NodeKind.STATE_MACHINE}),
        Area.QUEUES: frozenset({NodeKind.QUEUE}),
        Area.DELIVERY_STREAMS: frozenset({NodeKind.DELIVERY_STREAM}),
    }
)
_WITH_POLICIES: Final = frozenset(
    {
        NodeKind.QUEUE,
        NodeKind.TOPIC,
        NodeKind.BUCKET,
        NodeKind.BUS,
        NodeKind.TABLE,
        NodeKind.STREAM,
    }
)
# The other areas cast no doubt: a destination takes the role's permission to write to it, which is
# read; schedules are begun by the clock; tags and settings of AWS's own detection lead nowhere.
_CHECKPOINT: Final = "lambda:CheckpointDurableExecution"
_MOST_ASSUMING: Final = 50_000  # permissions of roles that functions may assume
# Steps, as measured: of reading a statement, of a filter about other things, of an answer beside
# its statements. A step reads so many characters of a definition.
_READING: Final = 3
_GLANCE: Final = 3
_ASKING: Final = 20
_CHARACTERS: Final = 8
_UNREAD: Final = Reading(is_readable=False)
_NOT_KNOWN: Final = Identity(is_complete=False)
_ANY_NODE: Final = Node(NodeKind.SCHEDULE, "*", "*")


@dataclass(slots=True)
class Flow:
    """The graph. Edge ``e`` goes from ``sources[e]`` to ``targets[e]``.

    Attributes
    ----------
    functions
        By place: the function's name, or nothing.
    places_of
        By function name: its places.
    """

    places: list[Place] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    places_of: dict[str, tuple[int, ...]] = field(default_factory=dict)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    ranks: list[Rank] = field(default_factory=list)
    infos: list[Info] = field(default_factory=list)
    unreadable_filters: int = 0
    unreadable_policies: int = 0

    def edge(self, first: int, second: int | None = None) -> Edge:
        """The edge with a number; for one that leads to a hub with the one that leads on."""
        last = first if second is None else second
        source, target = self._node(self.sources[first]), self._node(self.targets[last])
        spec = self.infos[first]
        member = None if second is None else self.infos[second]
        if not isinstance(spec, EdgeSpec):
            raise TypeError(f"edge {first} is not one of events")
        if isinstance(member, Member):
            spec = member.narrow(spec)
        return spec.between(source, target)

    def is_hub(self, place: int) -> bool:
        """Whether a place only stands for many."""
        return isinstance(self.places[place], Hub)

    def _node(self, place: int) -> Node:
        found = self.places[place]
        if isinstance(found, tuple):
            return found[0]
        raise TypeError(f"place {place} is no node")


def read_flow(
    account: Account,
    policies: ResourcePolicies | None = None,
    limits: Limits = USUAL,
    *,
    with_ruled_out: bool = False,
) -> Flow:
    """Everything that events can do in the account.

    Parameters
    ----------
    policies
        The account's resource policies, if they are read.
    with_ruled_out
        Whether the edges that something rules out are wanted, to see why there is no loop. They
        can be most of a graph, and no proof takes them.
    """
    policies = policies or ResourcePolicies(account)
    return _Reader(account, policies, limits, with_ruled_out=with_ruled_out).read()


def mentions_of(account: Account) -> Mentions:
    """What environment variables may name: what leads to something, and what may be invoked."""
    triggers = read_triggers(account)
    return _mentions(account, _nodes(account, triggers, [*triggers.hops, *_function_hops(account)]))


def _mentions(account: Account, nodes: Iterable[Node]) -> Mentions:
    return Mentions(
        {*nodes, *(api_node(one.arn, one.url, one.kind) for one in account.apis)},
        account.partition,
        account=account.account,
        qualified=qualified_names(account),
    )


def _nodes(account: Account, triggers: Triggers, hops: Iterable[Hop]) -> set[Node]:
    """Everything that leads to something, and everything that may be invoked."""
    nodes = {hop.source for hop in hops}
    nodes.update(node_of(one.arn) for one in account.functions)
    nodes.update(node_of(one.arn) for one in account.state_machines)
    nodes.update(one.node for one in triggers.listeners)
    return nodes


def _function_hops(account: Account) -> Iterator[Hop]:
    """What functions return, which others pass on."""
    for pipe in account.pipes:
        if pipe.enrichment_arn and pipe.target_arn:
            target = node_of(pipe.target_arn)
            yield Hop(
                source=node_of(pipe.enrichment_arn),
                target=target,
                means=Means.PIPE,
                id=pipe.arn,
                label=f"pipe {pipe.arn.rsplit('/', 1)[-1]}",
                arrives=arriving(target),
                is_enabled=pipe.is_enabled,
            )
    for stream in account.delivery_streams:
        for arn in stream.destination_arns if stream.transform_arn else ():
            target = node_of(arn)
            if target.kind is not NodeKind.OTHER:
                yield Hop(
                    source=node_of(stream.transform_arn),
                    target=target,
                    means=Means.DELIVERY,
                    id=stream.arn,
                    label="delivery",
                    arrives=arriving(target),
                )


class _Reader:
    """Makes one flow."""

    __slots__ = (
        "_account",
        "_acting",
        "_allowed",
        "_answers",
        "_assumed",
        "_assuming",
        "_costs",
        "_decisions",
        "_definitions",
        "_edges",
        "_functions",
        "_home",
        "_hops",
        "_mapped",
        "_mentions",
        "_numbers",
        "_permissions",
        "_redriven",
        "_resources",
        "_sharing",
        "_triggers",
        "_turns",
        "_unasked",
        "_unseen",
        "_with_ruled_out",
        "flow",
    )

    def __init__(
        self, account: Account, policies: ResourcePolicies, limits: Limits, *, with_ruled_out: bool
    ) -> None:
        self._account = account
        self._with_ruled_out = with_ruled_out
        # One half of the edges is for what functions write, the other for what leads on.
        self._edges = Allowance(limits.edges // 2)
        self._turns = Turns(limits.passages)
        self._acting = ""  # who is written or followed for
        self._definitions = Allowance(limits.definitions)
        self._decisions = Allowance(limits.decisions)
        self._allowed: dict[tuple[int, str, str], Rights] = {}
        self._answers: dict[tuple[tuple[int, str, str], Node], Answer] = {}
        self._unasked: set[str] = set()  # roles whose right to something was not asked for
        self._home = Home(
            partition=account.partition, region=account.region, account=account.account
        )
        self._functions = sorted(account.functions, key=lambda one: one.arn)
        self._triggers = read_triggers(account)
        hops = [*self._triggers.hops, *_function_hops(account)]
        nodes = _nodes(account, self._triggers, hops)
        self._hops: dict[Node, list[Hop]] = {}
        for hop in hops:
            self._hops.setdefault(hop.source, []).append(hop)
        self._costs = {
            node: sum(steps_of(hop.gate) for hop in own) for node, own in self._hops.items()
        }
        self._resources = Resources(nodes, account.partition)
        self._mentions = _mentions(account, nodes)
        self._permissions = Permissions(
            self._resources,
            self._triggers.listeners,
            policies,
            movable=frozenset(
                node_of(one.dead_letter_arn) for one in account.queues if one.dead_letter_arn
            ),
            account=account.account,
            region=account.region,
            limits=limits,
        )
        self._assumed = AssumedRoles(account, self._permissions)
        self._assuming = 0
        self._sharing = Counter(one.role_arn for one in account.functions)
        self._unseen = _unseen(account)
        self._mapped = _by_function(account.mappings)
        self._redriven = {one.arn: one.dead_letter_arn for one in account.queues}
        self._numbers: dict[Place, int] = {}
        self.flow = Flow(unreadable_filters=self._triggers.unreadable_filters)

    def read(self) -> Flow:
        machines = self._machines()
        self._permissions.read(self._roles(machines))
        for function in self._functions:
            node = node_of(function.arn)
            self._acting = function.name
            ways = tuple(
                self._number((node, Invoked(is_async=is_async))) for is_async in (True, False)
            )
            self.flow.places_of[function.name] = ways
        share = self._share()
        for function in self._functions:
            self._acting = function.name
            self._write(function, share)
        for machine in machines:
            self._acting = machine.arn
            self._number((machine, ANYTHING))
        self._lead_on(machines)
        self._darken()
        return self.flow

    def _roles(
        self, machines: Mapping[Node, tuple[Reading, Role | None, str]]
    ) -> Iterator[tuple[Role, str]]:
        """The roles that something acts with, and the names of their sessions."""
        for function in self._functions:
            role = self._account.roles.get(function.role_arn)
            if role is not None:
                yield role, function.name
        for _, role, _ in machines.values():
            if role is not None:
                yield role, ""

    def _share(self) -> int:
        """How many writes of each function become edges, so that there is room for all."""
        wanted = []
        for function in self._functions:
            role = self._account.roles.get(function.role_arn)
            profile = self._permissions.profile(role, function.name) if role else None
            wanted.append(len(profile.grants) if profile else 0)
        return fair_share(wanted, self._edges.left // 2)  # each has two places

    # -- places and edges

    def _number(self, place: Place) -> int:
        found = self._numbers.get(place)
        if found is None:
            found = self._numbers[place] = len(self.flow.places)
            self.flow.places.append(place)
            is_function = isinstance(place, tuple) and place[0].kind is NodeKind.FUNCTION
            self.flow.functions.append(place[0].name if is_function else "")  # type: ignore[index]
            self._turns.add(found, self._acting, *self._effort(place))
        return found

    def _effort(self, place: Place) -> tuple[str, int]:
        """Where a place is, and the steps of following it."""
        match place:
            case Hub():
                return f"{place.kind} {place.pattern}", len(self._permissions.members(place))
            case Dark():
                return place.name, 0
            case node, _:
                return node.arn, self._costs.get(node, 0)

    def _join(self, source: int, target: int, rank: Rank, info: Info) -> None:
        if rank is Rank.RULED_OUT and not self._with_ruled_out:
            return
        self.flow.sources.append(source)
        self.flow.targets.append(target)
        self.flow.ranks.append(rank)
        self.flow.infos.append(info)

    def _carry(self, sources: Iterable[int], target: int, edge: EdgeSpec) -> None:
        """Join places by what may carry events."""
        for source in sources:
            self._join(source, target, _RANK[edge.certainty], edge)

    def _place(self, node: Node, content: Content, *, is_async: bool = True) -> int:
        if node.kind is NodeKind.FUNCTION:
            return self._number((node, Invoked(is_async=is_async)))
        return self._number((node, content))

    # -- what leads on

    def _lead_on(self, machines: Mapping[Node, tuple[Reading, Role | None, str]]) -> None:
        """Follow every place that was reached, until nothing new is."""
        while (number := self._turns.next()) is not None:
            place = self.flow.places[number]
            self._acting = self._turns.owner(number)
            if isinstance(place, Hub):
                self._spread(number, self._permissions.members(place))
            elif isinstance(place, tuple):
                node, content = place
                self._pass_on(number, self._hops.get(node, ()), content)
                if node in machines:
                    self._run(number, machines[node])

    def _spread(self, number: int, members: tuple[Member, ...]) -> None:
        """Lead from a hub to what it stands for."""
        for member in members:
            if member.refusal and not self._with_ruled_out:
                continue
            if not self._may_go_on(number, 1):
                return
            rank = Rank.RULED_OUT if member.refusal else Rank.CERTAIN
            target = self._place(member.node, member.content)
            self._join(number, target, rank, member)

    def _pass_on(self, number: int, hops: Iterable[Hop], content: Content) -> None:
        """Ask every filter of a resource about what lies in it."""
        for hop in hops:
            is_other = is_told_apart(hop.gate, content)
            if not self._may_go_on(number, _GLANCE if is_other else steps_of(hop.gate)):
                return
            if not is_other or self._with_ruled_out:
                self._follow(number, hop, content)

    def _may_go_on(self, number: int, steps: int) -> bool:
        """Whether there are steps and edges left for a place; a doubt is cast where not."""
        if not self._edges.is_spent and self._turns.spend(number, steps):
            return True
        self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, Doubt.BUDGET)
        return False

    def _follow(self, number: int, hop: Hop, content: Content) -> None:
        passed = hop.passes(content)
        if passed is None or (passed.certainty is Certainty.RULED_OUT and not self._with_ruled_out):
            return
        self._edges.spend(1)
        target = hop.target
        if self._is_out_of_sight(target):
            if passed.certainty is not Certainty.RULED_OUT:
                doubt = Doubt.UNKNOWN_TARGET if target.kind is NodeKind.OTHER else Doubt.ELSEWHERE
                self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, doubt)
            return
        arrived = self._place(target, hop.after(content), is_async=hop.means not in _SYNCHRONOUS)
        self._carry((number,), arrived, hop.edge(passed))

    def _is_out_of_sight(self, node: Node) -> bool:
        return node.kind is NodeKind.OTHER or is_elsewhere(
            node.arn, self._account.account, self._account.region
        )

    # -- state machines

    def _machines(self) -> dict[Node, tuple[Reading, Role | None, str]]:
        found: dict[Node, tuple[Reading, Role | None, str]] = {}
        for one in sorted(self._account.state_machines, key=lambda one: len(one.definition)):
            size = len(one.definition) // _CHARACTERS
            is_read = self._definitions.has(size)
            self._definitions.spend(size if is_read else 0)
            reading = read_machine(one, self._home) if is_read else _UNREAD
            found[node_of(one.arn)] = reading, self._account.roles.get(one.role_arn), one.role_arn
        return {node: found[node] for node in sorted(found)}

    def _run(self, number: int, machine: tuple[Reading, Role | None, str]) -> None:
        """What a state machine does, if its role may."""
        reading, role, role_arn = machine
        profile = self._permissions.profile(role) if role else None
        identity = profile.identity if profile else _NOT_KNOWN
        if not reading.is_readable:
            doubt = Doubt.BUDGET if reading is _UNREAD else Doubt.RESOURCE
            self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, doubt)
        for task in _distinct(reading.tasks):
            if not self._may_go_on(number, _ASKING):
                break
            self._edges.spend(1)
            self._perform(number, task, identity, role_arn, is_known=role is not None)
        if role_arn in self._unasked or (profile and profile.is_unread):
            self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, Doubt.BUDGET)
        self._call(number, reading.urls)
        if reading.open_actions and profile is not None:
            for one in profile.grants:
                if _is_open(one, reading.open_actions):
                    if not self._may_go_on(number, 1):
                        break
                    self._edges.spend(1)
                    self._grants((number,), (one,), role_arn, means=Means.TASK)
        if reading.open_actions and (profile is None or reading.is_borrowing):
            self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, Doubt.ROLE)

    def _call(self, number: int, urls: Iterable[str]) -> None:
        """The URLs that a state machine calls."""
        for url in dict.fromkeys(urls):
            for node in self._mentions.at(url):
                link = EdgeSpec(
                    means=Means.TASK,
                    certainty=Certainty.CERTAIN,
                    reason=EdgeReason.CONFIGURED,
                    label="HTTP task",
                )
                self._carry((number,), self._place(node, ANYTHING), link)

    def _perform(
        self, number: int, task: Task, identity: Identity, role_arn: str, *, is_known: bool
    ) -> None:
        """One thing that a state machine does, if its role may."""
        if self._is_out_of_sight(task.target):
            self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, Doubt.ELSEWHERE)
            return
        answer = self._may(identity, role_arn, task.action, task.target)
        link = _task_link(task, answer, is_role_read=is_known)
        self._carry((number,), self._place(task.target, task.content, is_async=False), link)

    # -- what functions write

    def _may(self, identity: Identity, role_arn: str, action: str, target: Node) -> Answer:
        # Identities live as long as the profiles do.
        key = (id(identity), role_arn, action)
        known = self._answers.get((key, target))
        if known is not None:
            return known
        if self._decisions.is_spent:
            self._unasked.add(role_arn)
            return Answer(access=Access.POSSIBLE, because=Because.UNREADABLE)
        said = self._allowed.get(key)
        if said is None:
            context = execution_context(role_arn=role_arn, region=self._account.region)
            said = self._allowed[key] = rights(identity, action, context)
            self._decisions.spend(_READING * sum(len(one.statements) for one in identity.policies))
        # A function may be invoked with a qualifier and without one.
        answers = [said.answer(pattern) for pattern in asked(target, action)]
        answer = min(answers, key=lambda answer: _BY_ACCESS[answer.access])
        self._answers[key, target] = answer
        self._decisions.spend(_ASKING + len(answers) * said.size)
        return answer

    def _write(self, function: FunctionDescription, share: int) -> None:
        ways = self.flow.places_of[function.name]
        role = self._account.roles.get(function.role_arn)
        profile = (
            self._permissions.profile(role, function.name) if role else Profile(is_complete=False)
        )
        own_group = self._own_group(function)
        grants = [one for one in profile.grants if one.target != own_group]
        if profile.is_unread or len(grants) > share:
            self._doubt(ways, Doubt.BUDGET)
            grants = sorted(grants, key=lambda one: _RANK[one.edge.certainty])[:share]
        elif role is None or not profile.is_complete:
            self.flow.unreadable_policies += 1
            self._doubt(ways, Doubt.ROLE)
        identity = profile.identity if role else _NOT_KNOWN
        # Destinations come first: of two ways of one length the one that is configured is told.
        self._destinations(function, identity)
        mentioned = self._mentions.of(function.environment)
        served = self._served(function) - mentioned
        is_shared = self._sharing[function.role_arn] > 1
        self._grants(
            ways,
            [
                _weaken(one, EdgeReason.FOR_DESTINATION)
                if one.target in served
                else _weaken(one, EdgeReason.SHARED_ROLE)
                if is_shared and one.target not in mentioned
                else one
                for one in grants
            ],
            function.role_arn,
        )
        if mentioned:
            self._mentioned(function, profile, grants, mentioned)
        if role is not None:
            self._assume(function, role, own_group)
        self._log(ways, function.role_arn, identity, own_group)
        self._overlook(function.name, profile)
        self._wonder(ways, function.role_arn, profile)
        if self._may_at_all(profile, function.role_arn, _CHECKPOINT, node_of(function.arn)):
            self._doubt(ways, Doubt.DURABLE)
        if function.role_arn in self._unasked:
            self._doubt(ways, Doubt.BUDGET)

    def _wonder(self, ways: Iterable[int], role_arn: str, profile: Profile) -> None:
        """Doubts about what a role may do that is not followed."""
        if profile.elsewhere:
            self._doubt(ways, Doubt.ELSEWHERE)
        if profile.is_by_access_point:
            self._doubt(ways, Doubt.ACCESS_POINT)
        if self._may_at_all(profile, role_arn, "scheduler:CreateSchedule", _ANY_NODE):
            self._doubt(ways, Doubt.SCHEDULES)

    def _may_at_all(self, profile: Profile, role_arn: str, action: str, target: Node) -> bool:
        """Whether something that was read lets a role do something, perhaps."""
        if not profile.may_use(action):
            return False
        answer = self._may(profile.identity, role_arn, action, target)
        return answer.access is not Access.DENIED and answer.because is not Because.UNREADABLE

    def _assume(self, function: FunctionDescription, role: Role, own_group: Node) -> None:
        """What the function may write as another role, which its own may assume."""
        ways = self.flow.places_of[function.name]
        assumed = self._assumed.of(role)
        if assumed.elsewhere:
            self._doubt(ways, Doubt.ELSEWHERE)
        is_cut = assumed.is_cut
        for other in assumed.roles:
            profile = self._permissions.profile(other)
            grants = [
                _weaken(one, EdgeReason.ASSUMED_ROLE)
                for one in profile.grants
                if one.target != own_group and one.edge.certainty is not Certainty.RULED_OUT
            ]
            self._assuming += len(grants)
            if self._assuming > _MOST_ASSUMING:
                is_cut = True
                break
            self._grants(ways, grants, other.arn)
            if not profile.is_complete:
                self._doubt(ways, Doubt.BUDGET if profile.is_unread else Doubt.ROLE)
            self._wonder(ways, other.arn, profile)
            self._overlook(function.name, profile)
        if is_cut:
            self._doubt(ways, Doubt.ROLES)

    def _own_group(self, function: FunctionDescription) -> Node:
        name = function.log_group or f"/aws/lambda/{function.name}"
        home = self._home
        return node_of(log_group_arn(home.partition, home.region, home.account, name))

    def _doubt(self, ways: Iterable[int], doubt: Doubt) -> None:
        for way in ways:
            self._join(way, self._number(OUT_OF_SIGHT), Rank.UNSEEN, doubt)

    def _grants(
        self,
        ways: Iterable[int],
        grants: Iterable[Grant],
        role_arn: str,
        means: Means = Means.PERMISSION,
    ) -> None:
        for grant in grants:
            if grant.edge.certainty is Certainty.RULED_OUT and not self._with_ruled_out:
                continue
            if isinstance(grant.target, Hub):
                target = self._number(grant.target)
                if grant.target.kind is NodeKind.LOG_GROUP:
                    # Every basic execution role may write to every log group, and none does.
                    for way in ways:
                        self._join(way, target, Rank.UNSEEN, Doubt.LOGS)
                    continue
            else:
                target = self._place(grant.target, grant.content)
            edge = grant.edge
            if means is Means.TASK:
                edge = edge.weaken(EdgeReason.ONLY_SOMETIMES)
            elif is_removal(grant.content):
                edge = edge.weaken(EdgeReason.ONLY_ONCE)
            self._carry(ways, target, replace(edge, means=means, id=role_arn))

    def _mentioned(
        self,
        function: FunctionDescription,
        profile: Profile,
        grants: Iterable[Grant],
        mentioned: frozenset[Node],
    ) -> None:
        """What the environment names: more than a wildcard where one allows it."""
        ways = self.flow.places_of[function.name]
        named = {one.target for one in grants if not isinstance(one.target, Hub)}
        hubs = [one for one in grants if isinstance(one.target, Hub)]
        for node in sorted(mentioned):
            if node.kind in {NodeKind.API, NodeKind.BROKER}:
                link = EdgeSpec(
                    means=Means.CALL,
                    certainty=Certainty.POSSIBLE,
                    reason=EdgeReason.NAMED_BY_ENVIRONMENT,
                    label="HTTP" if node.kind is NodeKind.API else "produce",
                )
                self._carry(ways, self._place(node, ANYTHING), link)
                continue
            if node in named or node.kind not in WAYS or node == node_of(function.arn):
                continue
            is_found = False
            for grant in hubs:
                for member in self._of_hub(grant, node):
                    is_found = True
                    self._grants(ways, [_name(grant, member)], function.role_arn)
            if not is_found and profile.is_complete:
                refused = Grant(
                    target=node,
                    content=WAYS[node.kind][0].content(node),
                    edge=permission(
                        WAYS[node.kind][0].actions[0],
                        certainty=Certainty.RULED_OUT,
                        reason=EdgeReason.NOT_ALLOWED,
                    ),
                )
                self._grants(ways, [refused], function.role_arn)

    def _of_hub(self, grant: Grant, node: Node) -> Iterator[Member]:
        if isinstance(grant.target, Hub) and grant.target.kind is node.kind:
            yield from self._permissions.members_at(grant.target, node)

    def _log(self, ways: Iterable[int], role_arn: str, identity: Identity, own_group: Node) -> None:
        """Every function writes logs, unless its role does not let it."""
        if own_group not in self._hops:
            return
        answers = [
            self._may(identity, role_arn, action, own_group)
            for action in ("logs:PutLogEvents", "logs:CreateLogStream")
        ]
        refused = next((one for one in answers if one.access is Access.DENIED), None)
        certainty, reason = Certainty.CERTAIN, EdgeReason.CONFIGURED
        if refused:
            certainty, reason = Certainty.RULED_OUT, _refusal(refused)
        elif any(one.access is Access.POSSIBLE for one in answers):
            certainty, reason = Certainty.POSSIBLE, EdgeReason.CONDITION
        link = EdgeSpec(
            means=Means.RUNTIME_LOGS,
            certainty=certainty,
            reason=reason,
            id=role_arn,
            label="logs",
            policy=(refused or answers[0]).policy,
            sid=(refused or answers[0]).sid,
        )
        self._carry(ways, self._place(own_group, ANYTHING), link)

    def _served(self, function: FunctionDescription) -> frozenset[Node]:
        """What Lambda writes to with the function's role: that needs a permission too."""
        arns = [function.on_success_arn, function.on_failure_arn, function.dead_letter_arn]
        arns += [one.on_failure_arn for one in self._mapped.get(node_of(function.arn), ())]
        return frozenset(node_of(arn) for arn in arns if arn)

    def _destinations(self, function: FunctionDescription, identity: Identity) -> None:
        asynchronous, synchronous = self.flow.places_of[function.name]
        arn = function.arn
        if function.on_success_arn:
            self._deliver(
                asynchronous, function.role_arn, identity, function.on_success_arn, id_=arn
            )
            target = node_of(function.on_success_arn)
            link = EdgeSpec(
                means=Means.DESTINATION,
                certainty=Certainty.RULED_OUT,
                reason=EdgeReason.NOT_ASYNCHRONOUS,
                id=arn,
                label="on success",
            )
            if not self._is_out_of_sight(target):
                self._carry((synchronous,), self._place(target, arriving(target)), link)
        failures = [
            (function.on_failure_arn, Means.DESTINATION, arn),
            (function.dead_letter_arn, Means.DEAD_LETTER, arn),
        ]
        for mapping in self._mapped.get(node_of(arn), ()):
            failures.append((mapping.on_failure_arn, Means.DESTINATION, mapping.uuid))
            redriven = self._redriven.get(mapping.source_arn, "")
            failures.append((redriven, Means.REDRIVE, mapping.source_arn))
        for target_arn, means, number in failures:
            if target_arn:
                for way in (asynchronous, synchronous):
                    self._deliver(
                        way,
                        function.role_arn,
                        identity,
                        target_arn,
                        id_=number,
                        means=means,
                        is_failure=True,
                    )

    def _deliver(
        self,
        way: int,
        role_arn: str,
        identity: Identity,
        arn: str,
        *,
        id_: str,
        means: Means = Means.DESTINATION,
        is_failure: bool = False,
    ) -> None:
        """Lambda writes to a destination with the function's role."""
        target = node_of(arn)
        if self._is_out_of_sight(target):
            self._join(way, self._number(OUT_OF_SIGHT), Rank.UNSEEN, Doubt.ELSEWHERE)
            return
        certainty = Certainty.POSSIBLE if is_failure else Certainty.CERTAIN
        reason = EdgeReason.ONLY_ON_FAILURE if is_failure else EdgeReason.CONFIGURED
        action = _DELIVERY_ACTIONS.get(target.kind)
        policy = sid = ""
        if action and means is not Means.REDRIVE:
            answer = self._may(identity, role_arn, action, target)
            if answer.access is Access.DENIED:
                certainty, reason = Certainty.RULED_OUT, _refusal(answer)
                policy, sid = answer.policy, answer.sid
            elif answer.access is Access.POSSIBLE and not is_failure:
                certainty, reason = Certainty.POSSIBLE, EdgeReason.CONDITION
        link = EdgeSpec(
            means=means,
            certainty=certainty,
            reason=reason,
            id=id_,
            label=_DELIVERY_LABELS.get(means, "on failure" if is_failure else "on success"),
            policy=policy,
            sid=sid,
        )
        self._carry((way,), self._place(target, arriving(target)), link)

    # -- what is not seen

    def _overlook(self, name: str, profile: Profile) -> None:
        """Doubts about what a function writes to where nobody could look."""
        ways = self.flow.places_of[name]
        if self._unseen.is_everything or name in self._unseen.functions:
            self._doubt(ways, Doubt.AREA)
            return
        for kind in sorted(self._unseen.kinds):
            if self._permissions.reaches(profile, kind):
                self._doubt(ways, Doubt.AREA)
                return

    def _darken(self) -> None:
        """Doubts about resources, and what may come out of the dark."""
        for number in range(len(self.flow.places)):
            self._overlook_place(number)
        everybody = [way for ways in self.flow.places_of.values() for way in ways]
        if OUT_OF_SIGHT in self._numbers:
            number = self._numbers[OUT_OF_SIGHT]
            for way in everybody:
                self._join(number, way, Rank.UNSEEN, OUT_OF_SIGHT)
        for doubt, entries in self._entries().items():
            if not entries:
                continue
            number = self._number(Dark(doubt.value))
            for way in everybody:
                self._join(way, number, Rank.UNSEEN, doubt)
            for entry in sorted(entries):
                self._join(number, entry, Rank.UNSEEN, doubt)
        self._lead_on({})

    def _overlook_place(self, number: int) -> None:
        """Doubts about where a resource leads."""
        place = self.flow.places[number]
        if not isinstance(place, tuple) or self.flow.functions[number]:
            return
        node = place[0]
        if node in self._unseen.nodes:
            self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, Doubt.RESOURCE)
        elif node.kind in self._unseen.kinds:
            self._join(number, self._number(OUT_OF_SIGHT), Rank.UNSEEN, Doubt.AREA)

    def _entries(self) -> dict[Doubt, set[int]]:
        """What anybody may call without a permission of IAM, and what may have unread triggers."""
        found: dict[Doubt, set[int]] = {Doubt.HTTP: set(), Doubt.BROKER: set()}
        for doubt, kind in ((Doubt.HTTP, NodeKind.API), (Doubt.BROKER, NodeKind.BROKER)):
            for node in self._resources.of(kind):
                if node in self._hops:
                    found[doubt].add(self._number((node, ANYTHING)))
        self._lead_on({})
        known = {
            hop.target for hops in self._hops.values() for hop in hops if hop.means is Means.HTTP
        }
        for node in self._triggers.url_callable - known:
            found[Doubt.HTTP].add(self._number((node, Invoked(is_async=False))))
        unread = found.setdefault(Doubt.RESOURCE, set())
        for function in self._functions:
            if not function.is_policy_known or function.name in self._unseen.entries:
                unread.update(self.flow.places_of[function.name])
        for kind in sorted(_WITH_POLICIES):
            for node in self._resources.of(kind):
                if self._unseen.is_open or node in self._unseen.open_nodes:
                    unread.update(self._number((node, way.content(node))) for way in WAYS[kind])
        return found


_BY_ACCESS: Final[Mapping[Access, int]] = MappingProxyType(
    {Access.ALLOWED: 0, Access.POSSIBLE: 1, Access.DENIED: 2}
)
_DELIVERY_LABELS: Final[Mapping[Means, str]] = MappingProxyType(
    {Means.DEAD_LETTER: "dead letters", Means.REDRIVE: "redrive"}
)


def _by_function(
    mappings: Iterable[MappingDescription],
) -> dict[Node, list[MappingDescription]]:
    found: dict[Node, list[MappingDescription]] = {}
    for mapping in sorted(mappings, key=lambda one: one.uuid):
        if mapping.is_enabled:
            found.setdefault(node_of(mapping.function_arn), []).append(mapping)
    return found


def _distinct(tasks: Iterable[Task]) -> Iterable[Task]:
    """Each thing that a state machine does once, by the first state that surely comes by."""
    found: dict[tuple[Node, Content, str], Task] = {}
    for task in tasks:
        key = task.target, task.content, task.action
        if key not in found or (task.is_always and not found[key].is_always):
            found[key] = task
    return found.values()


def _refusal(answer: Answer) -> EdgeReason:
    match answer.because:
        case Because.EXPLICIT_DENY:
            return EdgeReason.EXPLICIT_DENY
        case Because.BOUNDARY:
            return EdgeReason.BOUNDARY
        case _:
            return EdgeReason.NOT_ALLOWED


def _task_link(task: Task, answer: Answer, *, is_role_read: bool) -> EdgeSpec:
    """What a state does, with what the machine's role may."""
    certainty, reason = Certainty.CERTAIN, EdgeReason.CONFIGURED
    if task.is_borrowing:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.ASSUMED_ROLE
    elif answer.access is Access.DENIED:
        certainty, reason = Certainty.RULED_OUT, _refusal(answer)
    elif not task.is_always:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.ONLY_SOMETIMES
    elif is_removal(task.content):
        certainty, reason = Certainty.POSSIBLE, EdgeReason.ONLY_ONCE
    elif answer.access is Access.POSSIBLE and is_role_read:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.CONDITION
    is_refused = certainty is Certainty.RULED_OUT
    return EdgeSpec(
        means=Means.TASK,
        certainty=certainty,
        reason=reason,
        id=task.state,
        label=f"state {task.state}",
        policy=answer.policy if is_refused else "",
        sid=answer.sid if is_refused else "",
    )


def _weaken(grant: Grant, reason: EdgeReason) -> Grant:
    """A grant that is only possible for a reason, where it was certain."""
    return replace(grant, edge=grant.edge.weaken(reason))


def _is_open(grant: Grant, open_actions: tuple[str, ...]) -> bool:
    """Whether a task does what a grant allows. It may do everything of a service: ``ec2:*``."""
    services = {one.partition(":")[0] for one in open_actions if one.endswith(":*")}
    return any(
        action in open_actions
        or action.partition(":")[0].lower() in services
        or (action.startswith("*") and bool(services))
        for action in grant.edge.actions
    )


def _name(grant: Grant, member: Member) -> Grant:
    """A wildcard that the environment makes a name of."""
    certainty, reason = Certainty.CERTAIN, EdgeReason.NAMED_BY_ENVIRONMENT
    if grant.is_conditional or member.is_conditional:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.CONDITION
    edge = replace(grant.edge, certainty=certainty, reason=reason)
    return Grant(target=member.node, content=member.content, edge=member.narrow(edge))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unseen:
    """What gaps leave in the dark.

    Attributes
    ----------
    kinds, nodes
        Of which it is not known where their events go.
    functions
        Of which it is not known what they do; `entries`: what invokes them.
    open_nodes
        Of which it is not known who may write to them; `is_open`: of no resource is it known.
    """

    is_everything: bool
    kinds: frozenset[NodeKind]
    nodes: frozenset[Node]
    functions: frozenset[str]
    entries: frozenset[str]
    open_nodes: frozenset[Node]
    is_open: bool


def _unseen(account: Account) -> _Unseen:
    is_everything = is_open = False
    open_nodes: set[Node] = set()
    kinds: set[NodeKind] = set()
    nodes: set[Node] = set()
    functions: set[str] = set()
    entries: set[str] = set()
    names = {one.arn: one.name for one in account.functions}
    names |= {one.name: one.name for one in account.functions}
    for gap in account.gaps:
        if not gap.resource:
            is_everything = is_everything or gap.area in _EVERYTHING_DARK
            is_open = is_open or gap.area is Area.RESOURCE_POLICIES
            kinds |= _DARK_KINDS.get(gap.area, frozenset())
            continue
        name = names.get(gap.resource) or names.get(gap.resource.split(":", 1)[0])
        node = _gap_node(account, gap.area, gap.resource)
        if gap.area is Area.RESOURCE_POLICIES and node is not None:
            open_nodes.add(node)
        elif gap.area in {Area.POLICIES, Area.APIS} and name:
            entries.add(name)
        elif gap.area in {Area.FUNCTIONS, Area.MAPPINGS} and name:
            functions.add(name)
            entries.add(name)
        elif node is not None:
            nodes.add(node)
        elif gap.area is Area.RESOURCE_POLICIES:
            is_open = True
        elif gap.area is Area.APIS:
            kinds.add(NodeKind.API)  # what else invokes a function is known from its policy
        elif gap.area in _EVERYTHING_DARK - {Area.ROLES, Area.FUNCTIONS, Area.POLICIES}:
            is_everything = True
        else:
            kinds |= _DARK_KINDS.get(gap.area, frozenset())
    return _Unseen(
        is_everything=is_everything,
        kinds=frozenset(kinds),
        nodes=frozenset(nodes),
        functions=frozenset(functions),
        entries=frozenset(entries),
        open_nodes=frozenset(open_nodes),
        is_open=is_open,
    )


def _gap_node(account: Account, area: Area, resource: str) -> Node | None:
    """The node that a gap is about; ``None`` where it may be more than one."""
    home = Home(partition=account.partition, region=account.region, account=account.account)
    if ":rule/" in resource:
        prefix, _, path = resource.partition(":rule/")
        return node_of(f"{prefix}:event-bus/{path.rpartition('/')[0] or 'default'}")
    if resource.startswith("arn:"):
        node = node_of(resource)
        if area is Area.TOPICS and resource.count(":") > _TOPIC_COLONS:
            node = node_of(resource.rsplit(":", 1)[0])  # a subscription
        return None if node.kind in {NodeKind.OTHER, NodeKind.FUNCTION, NodeKind.API} else node
    match area:
        case Area.BUCKETS:
            return node_of(bucket_arn(home.partition, resource))
        case Area.LOGS if resource != ACCOUNT_POLICIES:
            return node_of(log_group_arn(home.partition, home.region, home.account, resource))
        case Area.DELIVERY_STREAMS:
            return node_of(home.arn("firehose", f"deliverystream/{resource}"))
        case _:
            return None


_TOPIC_COLONS: Final = 5
