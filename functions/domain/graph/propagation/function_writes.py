"""What functions write: by their roles, destinations, environments and logs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import FunctionDescription, Role
from functions.domain.graph.model import (
    Certainty,
    Doubt,
    EdgeReason,
    EdgeSpec,
    Means,
    Node,
    NodeKind,
)
from functions.domain.graph.nodes import log_group_arn, node_of
from functions.domain.graph.paths.limits import fair_share
from functions.domain.graph.payloads import ANYTHING, describe_arrival
from functions.domain.graph.propagation.builder import RANKS, Builder
from functions.domain.graph.propagation.decisions import Decisions, explain_refusal
from functions.domain.graph.propagation.doubts import GapDoubts
from functions.domain.graph.propagation.index import AccountIndex
from functions.domain.graph.writes.assumed_roles import AssumedRoles
from functions.domain.graph.writes.permission import (
    RolePermissions,
    WildcardMember,
    WildcardTarget,
    WritePermission,
    permission,
)
from functions.domain.graph.writes.write_actions import WRITE_ACTIONS
from functions.domain.iam.access import Access, Identity

_DELIVERY_ACTIONS: Final[Mapping[NodeKind, str]] = MappingProxyType(
    {
        NodeKind.QUEUE: "sqs:SendMessage",
        NodeKind.TOPIC: "sns:Publish",
        NodeKind.FUNCTION: "lambda:InvokeFunction",
        NodeKind.BUS: "events:PutEvents",
        NodeKind.BUCKET: "s3:PutObject",
    }
)
_DELIVERY_LABELS: Final[Mapping[Means, str]] = MappingProxyType(
    {Means.DEAD_LETTER: "dead letters", Means.REDRIVE: "redrive"}
)
_CHECKPOINT: Final = "lambda:CheckpointDurableExecution"
_MOST_ASSUMING: Final = 50_000  # permissions of roles that functions may assume
_NOT_KNOWN: Final = Identity(is_complete=False)
_ANY_NODE: Final = Node(NodeKind.SCHEDULE, "*", "*")


class FunctionWrites:
    """Follows what each function of an account writes."""

    __slots__ = (
        "_assumed",
        "_assuming",
        "_builder",
        "_decisions",
        "_gaps",
        "_index",
        "_share",
        "_sharing",
    )

    def __init__(
        self, index: AccountIndex, builder: Builder, decisions: Decisions, gaps: GapDoubts
    ) -> None:
        self._index, self._builder, self._decisions, self._gaps = index, builder, decisions, gaps
        self._assumed = AssumedRoles(index.account, index.permissions)
        self._assuming = 0
        self._sharing = Counter(one.role_arn for one in index.account.functions)
        self._share = self._find_share()

    def _find_share(self) -> int:
        """How many writes of each function become edges, so that there is room for all."""
        wanted = []
        for function in self._index.functions:
            role = self._index.role_of(function)
            profile = self._index.permissions.profile(role, function.name) if role else None
            wanted.append(len(profile.grants) if profile else 0)
        return fair_share(wanted, self._builder.edges.left // 2)  # each has two places

    def write(self, function: FunctionDescription) -> None:
        """Follow what one function writes."""
        share = self._share
        ways = self._builder.flow.places_of[function.name]
        role = self._index.role_of(function)
        profile = (
            self._index.permissions.profile(role, function.name)
            if role
            else RolePermissions(is_complete=False)
        )
        own_group = self._find_own_group(function)
        grants = [one for one in profile.grants if one.target != own_group]
        if profile.is_unread or len(grants) > share:
            self._builder.doubt(ways, Doubt.BUDGET)
            grants = sorted(grants, key=lambda one: RANKS[one.edge.certainty])[:share]
        elif role is None or not profile.is_complete:
            self._builder.flow.unreadable_policies += 1
            self._builder.doubt(ways, Doubt.ROLE)
        identity = profile.identity if role else _NOT_KNOWN
        # Destinations come first: of two ways of one length the one that is configured is told.
        self._write_destinations(function, identity)
        mentioned = self._index.mentions.of(function.environment)
        served = self._list_served(function) - mentioned
        is_shared = self._sharing[function.role_arn] > 1
        self._builder.grant(
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
            self._write_mentioned(function, profile, grants, mentioned)
        if role is not None:
            self._assume(function, role, own_group)
        self._write_logs(ways, function.role_arn, identity, own_group)
        self._gaps.doubt_writes(function.name, profile)
        self._wonder(ways, function.role_arn, profile)
        if self._decisions.may_at_all(
            profile, function.role_arn, _CHECKPOINT, node_of(function.arn)
        ):
            self._builder.doubt(ways, Doubt.DURABLE)
        if function.role_arn in self._decisions.unasked:
            self._builder.doubt(ways, Doubt.BUDGET)

    def _wonder(self, ways: Iterable[int], role_arn: str, profile: RolePermissions) -> None:
        """Doubts about what a role may do that is not followed."""
        if profile.elsewhere:
            self._builder.doubt(ways, Doubt.ELSEWHERE)
        if profile.is_by_access_point:
            self._builder.doubt(ways, Doubt.ACCESS_POINT)
        if self._decisions.may_at_all(profile, role_arn, "scheduler:CreateSchedule", _ANY_NODE):
            self._builder.doubt(ways, Doubt.SCHEDULES)

    def _assume(self, function: FunctionDescription, role: Role, own_group: Node) -> None:
        """What the function may write as another role, which its own may assume."""
        ways = self._builder.flow.places_of[function.name]
        assumed = self._assumed.of(role)
        if assumed.elsewhere:
            self._builder.doubt(ways, Doubt.ELSEWHERE)
        is_cut = assumed.is_cut
        for other in assumed.roles:
            profile = self._index.permissions.profile(other)
            grants = [
                _weaken(one, EdgeReason.ASSUMED_ROLE)
                for one in profile.grants
                if one.target != own_group and one.edge.certainty is not Certainty.RULED_OUT
            ]
            self._assuming += len(grants)
            if self._assuming > _MOST_ASSUMING:
                is_cut = True
                break
            self._builder.grant(ways, grants, other.arn)
            if not profile.is_complete:
                self._builder.doubt(ways, Doubt.BUDGET if profile.is_unread else Doubt.ROLE)
            self._wonder(ways, other.arn, profile)
            self._gaps.doubt_writes(function.name, profile)
        if is_cut:
            self._builder.doubt(ways, Doubt.ROLES)

    def _find_own_group(self, function: FunctionDescription) -> Node:
        """The log group that the runtime writes to."""
        name = function.log_group or f"/aws/lambda/{function.name}"
        home = self._index.home
        return node_of(log_group_arn(home.partition, home.region, home.account, name))

    def _write_mentioned(
        self,
        function: FunctionDescription,
        profile: RolePermissions,
        grants: Iterable[WritePermission],
        mentioned: frozenset[Node],
    ) -> None:
        """What the environment names: more than a wildcard where one allows it."""
        ways = self._builder.flow.places_of[function.name]
        named = {one.target for one in grants if not isinstance(one.target, WildcardTarget)}
        wildcards = [one for one in grants if isinstance(one.target, WildcardTarget)]
        for node in sorted(mentioned):
            if node.kind in {NodeKind.API, NodeKind.BROKER}:
                link = EdgeSpec(
                    means=Means.CALL,
                    certainty=Certainty.POSSIBLE,
                    reason=EdgeReason.NAMED_BY_ENVIRONMENT,
                    label="HTTP" if node.kind is NodeKind.API else "produce",
                )
                self._builder.carry(ways, self._builder.place(node, ANYTHING), link)
                continue
            if node in named or node.kind not in WRITE_ACTIONS or node == node_of(function.arn):
                continue
            is_found = False
            for grant in wildcards:
                for member in self._list_members(grant, node):
                    is_found = True
                    self._builder.grant(ways, [_name_target(grant, member)], function.role_arn)
            if not is_found and profile.is_complete:
                refused = WritePermission(
                    target=node,
                    payload=WRITE_ACTIONS[node.kind][0].payload(node),
                    edge=permission(
                        WRITE_ACTIONS[node.kind][0].actions[0],
                        certainty=Certainty.RULED_OUT,
                        reason=EdgeReason.NOT_ALLOWED,
                    ),
                )
                self._builder.grant(ways, [refused], function.role_arn)

    def _list_members(self, grant: WritePermission, node: Node) -> Iterator[WildcardMember]:
        if isinstance(grant.target, WildcardTarget) and grant.target.kind is node.kind:
            yield from self._index.permissions.members_at(grant.target, node)

    def _write_logs(
        self, ways: Iterable[int], role_arn: str, identity: Identity, own_group: Node
    ) -> None:
        """Every function writes logs, unless its role does not let it."""
        if own_group not in self._index.triggers_of:
            return
        answers = [
            self._decisions.decide(identity, role_arn, action, own_group)
            for action in ("logs:PutLogEvents", "logs:CreateLogStream")
        ]
        refused = next((one for one in answers if one.access is Access.DENIED), None)
        certainty, reason = Certainty.CERTAIN, EdgeReason.CONFIGURED
        if refused:
            certainty, reason = Certainty.RULED_OUT, explain_refusal(refused)
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
        self._builder.carry(ways, self._builder.place(own_group, ANYTHING), link)

    def _list_served(self, function: FunctionDescription) -> frozenset[Node]:
        """What Lambda writes to with the function's role: that needs a permission too."""
        arns = [function.on_success_arn, function.on_failure_arn, function.dead_letter_arn]
        arns += [one.on_failure_arn for one in self._index.mapped.get(node_of(function.arn), ())]
        return frozenset(node_of(arn) for arn in arns if arn)

    def _write_destinations(self, function: FunctionDescription, identity: Identity) -> None:
        asynchronous, synchronous = self._builder.flow.places_of[function.name]
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
            if not self._index.is_out_of_sight(target):
                self._builder.carry(
                    (synchronous,), self._builder.place(target, describe_arrival(target)), link
                )
        failures = [
            (function.on_failure_arn, Means.DESTINATION, arn),
            (function.dead_letter_arn, Means.DEAD_LETTER, arn),
        ]
        for mapping in self._index.mapped.get(node_of(arn), ()):
            failures.append((mapping.on_failure_arn, Means.DESTINATION, mapping.uuid))
            redriven = self._index.redriven.get(mapping.source_arn, "")
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
        if self._index.is_out_of_sight(target):
            self._builder.doubt((way,), Doubt.ELSEWHERE)
            return
        certainty = Certainty.POSSIBLE if is_failure else Certainty.CERTAIN
        reason = EdgeReason.ONLY_ON_FAILURE if is_failure else EdgeReason.CONFIGURED
        action = _DELIVERY_ACTIONS.get(target.kind)
        policy = sid = ""
        if action and means is not Means.REDRIVE:
            answer = self._decisions.decide(identity, role_arn, action, target)
            if answer.access is Access.DENIED:
                certainty, reason = Certainty.RULED_OUT, explain_refusal(answer)
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
        self._builder.carry((way,), self._builder.place(target, describe_arrival(target)), link)


def _weaken(grant: WritePermission, reason: EdgeReason) -> WritePermission:
    """A grant that is only possible for a reason, where it was certain."""
    return replace(grant, edge=grant.edge.weaken(reason))


def _name_target(grant: WritePermission, member: WildcardMember) -> WritePermission:
    """A wildcard that the environment makes a name of."""
    certainty, reason = Certainty.CERTAIN, EdgeReason.NAMED_BY_ENVIRONMENT
    if grant.is_conditional or member.is_conditional:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.CONDITION
    edge = replace(grant.edge, certainty=certainty, reason=reason)
    return WritePermission(target=member.node, payload=member.payload, edge=member.narrow(edge))
