"""What a role may write, seen from the resources that lead on.

Only resources that lead somewhere count: what a function writes to a bucket that tells nobody ends
there. Policies are read once for each set of them, and resources are found by their name in an
index, so that the work does not grow with functions times resources.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from functions.domain.account.inventory import Role
from functions.domain.graph.model import Certainty, EdgeReason, Node, NodeKind
from functions.domain.graph.nodes import is_elsewhere
from functions.domain.graph.paths.limits import USUAL, Allowance, Limits
from functions.domain.graph.payloads import ANYTHING
from functions.domain.graph.triggers.trigger_edge import Listener
from functions.domain.graph.writes.permission import (
    UNREAD,
    RolePermissions,
    WildcardMember,
    WildcardTarget,
    WritePermission,
    permission,
)
from functions.domain.graph.writes.policy_index import group_by_action, list_services
from functions.domain.graph.writes.reading_cost import Cost, Demand, measure_size
from functions.domain.graph.writes.resource_grants import ResourcePolicies
from functions.domain.graph.writes.resources import Resources
from functions.domain.graph.writes.service_calls import _find_changing_actions, grant_service_calls
from functions.domain.graph.writes.statement_grants import (
    Question,
    describe_limits,
    grant_by_name,
    list_members,
)
from functions.domain.graph.writes.write_actions import (
    ARN_HEADS,
    EVERY_ACTION,
    MOVE,
    WRITE_ACTIONS,
    read_name,
)
from functions.domain.iam.access import (
    Identity,
    Rights,
    build_execution_context,
    read_identity,
    read_rights,
)
from functions.domain.iam.arn import ACCOUNT_PART, ARN_PARTS
from functions.domain.iam.document import PolicyDocument, parse_policy
from functions.domain.iam.wildcard import Glob, covers, matches, overlaps

_MOST_LIMITED: Final = 50_000  # resources of wildcards that a Deny or a boundary narrows


class Permissions:
    """Profiles of roles, each set of policies read once."""

    __slots__ = (
        "_account",
        "_at",
        "_counted",
        "_documents",
        "_keys",
        "_limited",
        "_listeners",
        "_movable",
        "_policies",
        "_profiles",
        "_reached",
        "_region",
        "_resources",
        "_results",
        "_steps",
        "_targets",
        "_texts",
    )

    def __init__(
        self,
        resources: Resources,
        listeners: Iterable[Listener],
        policies: ResourcePolicies,
        *,
        movable: frozenset[Node],
        account: str,
        region: str,
        limits: Limits = USUAL,
    ) -> None:
        # Of reading texts, of laying statements side by side, of what comes of it.
        self._texts, self._steps = Allowance(limits.policies), Allowance(limits.policies)
        self._results = Allowance(limits.grants)
        self._documents: dict[tuple[str, str], PolicyDocument] = {}
        self._keys: dict[str, tuple[object, ...]] = {}
        self._counted: set[tuple[NodeKind, str, str]] = set()
        self._resources = resources
        self._policies = policies
        self._movable = movable  # queues out of which messages can be moved back
        self._listeners = tuple(listeners)
        self._account, self._region = account, region
        self._reached: dict[tuple[int, NodeKind], bool] = {}
        self._profiles: dict[tuple[object, ...], RolePermissions] = {}
        self._targets: dict[WildcardTarget, tuple[WildcardMember, ...]] = {}
        self._at: dict[WildcardTarget, dict[Node, list[WildcardMember]]] = {}
        self._limited = 0

    def members(self, target: WildcardTarget) -> tuple[WildcardMember, ...]:
        """The resources of a target that a profile has mentioned."""
        return self._targets[target]

    def members_at(self, target: WildcardTarget, node: Node) -> tuple[WildcardMember, ...]:
        """Those that are of one resource."""
        if target not in self._at:
            found: dict[Node, list[WildcardMember]] = {}
            for member in self._targets[target]:
                found.setdefault(member.node, []).append(member)
            self._at[target] = found
        return tuple(self._at[target].get(node, ()))

    def read(self, roles: Iterable[tuple[Role, str]]) -> None:
        """Read what roles may write, the cheapest first; what exceeds the budget stays unread.

        Parameters
        ----------
        roles
            Each with the name of its session, as of `profile`.
        """
        known = {
            self._build_key(role, session): (role, session)
            for role, session in sorted(roles, key=lambda one: (one[0].arn, one[1]))
        }
        parsed: list[_Parsed] = []
        waiting = [
            (measure_size(role, granted), number, key, role, granted)
            for number, (key, (role, session)) in enumerate(known.items())
            if key not in self._profiles
            for granted in [self._policies.of(role.arn, session)]
        ]
        for size, number, key, role, granted in sorted(waiting, key=lambda one: one[:2]):
            if not self._texts.has(size):
                self._profiles[key] = UNREAD
                continue
            self._texts.spend(size)
            identity = read_identity(role, self._parse)
            identity = replace(
                identity, policies=(*identity.policies, *granted.own), direct=granted.direct
            )
            by_action = group_by_action(identity)
            demand = self._estimate_demand(identity, by_action)
            parsed.append(_Parsed(key, number, role.arn, identity, by_action, demand))
        for one in sorted(parsed, key=lambda one: (one.demand, one.number)):
            # What it will come to is not known before; that it cannot be too much is.
            is_read = self._steps.has(one.demand.steps) and self._results.has(one.demand.results)
            self._profiles[one.key] = self._read(one) if is_read else UNREAD

    def _parse(self, text: str, name: str) -> PolicyDocument:
        """`parse_policy`, once for all roles that share a policy."""
        found = self._documents.get((text, name))
        if found is None:
            found = self._documents[text, name] = parse_policy(text, name)
        return found

    def _estimate_demand(self, identity: Identity, by_action: Mapping[str, Identity]) -> Demand:
        """What reading a role can take at most."""
        steps = results = 0
        for kind, _, action in EVERY_ACTION:
            about = by_action.get(action)
            if about is None:
                continue
            allowed, cost = Cost.of(about)
            everything = len(self._resources.of(kind))
            steps += len(allowed) + cost.denied
            for pattern in allowed:
                name = read_name(kind, pattern)
                if name is not None:
                    found = self._resources.named(kind, name)
                    steps += found * cost.of_one
                elif cost.is_limited:
                    found = everything
                    steps += found * cost.of_all
                else:
                    # Wildcards that nothing narrows are looked at once for all roles.
                    wildcard = (kind, action, pattern)
                    found = 0 if wildcard in self._counted else everything
                    self._counted.add(wildcard)
                    steps += found
                results += found
        every = (*identity.policies, *identity.direct)
        statements = sum(len(one.statements) for one in every)
        heard = sum(max(1, len(one.actions)) for one in self._listeners)
        return Demand(steps=steps + statements * heard, results=results + heard)

    def profile(self, role: Role, session: str = "") -> RolePermissions:
        """What a role may write, in a session of this name: that of a function has its name."""
        key = self._build_key(role, session)
        if key not in self._profiles:
            self.read([(role, session)])
        return self._profiles[key]

    def _build_key(self, role: Role, session: str) -> tuple[object, ...]:
        """What makes two roles the same: their policies, unless these speak of the principal."""
        granted = self._policies.of(role.arn, session)
        *own, is_personal = self._read_texts(role)
        is_personal = is_personal or granted.is_personal
        return (*own, granted, role.arn if is_personal else "")

    def _read_texts(self, role: Role) -> tuple[object, ...]:
        """What the policies of a role say, and whether it depends on who acts."""
        found = self._keys.get(role.arn)
        if found is None:
            texts = tuple(sorted((one.name, one.text) for one in role.policies))
            limit = (role.boundary.name, role.boundary.text) if role.boundary else None
            is_own = any("principal" in text.lower() for _, text in (*texts, limit or ("", "")))
            found = (texts, limit, role.is_complete, is_own)
            self._keys[role.arn] = found
        return found

    def reaches(self, profile: RolePermissions, kind: NodeKind) -> bool:
        """Whether a role may write to anything of a kind, whether it leads on or not."""
        if profile.is_unread:
            return True
        found = self._reached.get((id(profile), kind))
        if found is None:
            found = self._reached[id(profile), kind] = self._reaches(profile, kind)
        return found

    def _reaches(self, profile: RolePermissions, kind: NodeKind) -> bool:
        if kind is NodeKind.SERVICE:
            return bool(_find_changing_actions(profile.identity, {}))
        if kind is NodeKind.API:
            return False  # who calls one needs no right
        service, _ = ARN_HEADS[kind]
        everything = f"arn:{self._resources.partition}:{service}:*"
        return any(
            read_rights(profile.identity, action).reach(everything)
            for way in WRITE_ACTIONS.get(kind, ())
            for action in way.actions
        )

    def _read(self, parsed: "_Parsed") -> RolePermissions:
        identity, by_action = parsed.identity, parsed.by_action
        context = build_execution_context(role_arn=parsed.role_arn, region=self._region)
        grants: dict[tuple[object, ...], WritePermission] = {}
        services = list_services(identity)
        elsewhere = is_by_access_point = False
        for kind, way, action in EVERY_ACTION:
            about = by_action.get(action)
            if about is None:
                continue
            allowed = read_rights(about, action, context)
            elsewhere = elsewhere or self._is_elsewhere(allowed)
            if kind is NodeKind.BUCKET:
                is_by_access_point = is_by_access_point or self._is_by_access_point(allowed)
            question = Question(kind, way, action, allowed, Cost.of(about)[1])
            for grant in self._list_grants(question):
                _merge(grants, grant)
        for grant in grant_service_calls(self._listeners, identity, services, context, self._steps):
            _merge(grants, grant)
        self._results.spend(len(grants))
        return RolePermissions(
            grants=tuple(grants.values()),
            is_complete=identity.is_complete,
            elsewhere=elsewhere,
            is_by_access_point=is_by_access_point,
            services=services,
            identity=identity,
        )

    def _is_elsewhere(self, allowed: Rights) -> bool:
        return any(
            is_elsewhere(str(one.pattern), self._account, self._region)
            for one in (*allowed.own.allowed, *allowed.direct.allowed)
        )

    def _is_by_access_point(self, allowed: Rights) -> bool:
        """UNCONFIRMED A-022: that a right on an access point suffices for the bucket behind it.

        It does where the bucket's policy leaves access to its access points. A statement on every
        bucket reaches them all the same.
        """
        buckets = f"arn:{self._resources.partition}:s3:::*"
        for one in (*allowed.own.allowed, *allowed.direct.allowed):
            parts = one.pattern.split(":", ARN_PARTS - 1)
            if (
                len(parts) == ARN_PARTS
                and matches(parts[ACCOUNT_PART], self._account)
                and overlaps(parts[-1], "accesspoint/*")
                and not covers(one.pattern, buckets)
            ):
                return True
        return False

    def _list_grants(self, question: Question) -> Iterator[WritePermission]:
        limits = describe_limits(question.allowed)
        allowed = question.allowed
        every = (*allowed.own.allowed, *allowed.direct.allowed)
        self._steps.spend(len(every) + question.cost.denied)
        for number, own in enumerate(every):
            nodes = self._resources.matching(question.kind, own.pattern, question.action)
            if question.action == MOVE:
                nodes = tuple(node for node in nodes if node in self._movable)
            if not nodes:
                continue
            if read_name(question.kind, str(own.pattern)) is not None:
                self._steps.spend(len(nodes) * question.cost.of_one)
                for node in nodes:
                    is_direct = number >= len(allowed.own.allowed)
                    yield from grant_by_name(node, question, own, is_direct=is_direct)
                continue
            yield WritePermission(
                target=self._find_target(question, own.pattern, nodes, limits),
                payload=ANYTHING,
                edge=permission(
                    question.action,
                    certainty=Certainty.POSSIBLE,
                    reason=EdgeReason.WILDCARD,
                    policy=own.policy,
                    sid=own.statement.name,
                    detail=str(own.pattern),
                ),
                is_conditional=not own.is_sure,
            )

    def _find_target(
        self,
        question: Question,
        pattern: Glob,
        nodes: tuple[Node, ...],
        limits: tuple[str, ...],
    ) -> WildcardTarget:
        target = WildcardTarget(question.kind, question.action, str(pattern), limits)
        if limits and target not in self._targets and self._limited > _MOST_LIMITED:
            # Too many different ones to look at each: what takes away is left out, so that more
            # is possible, and what wildcards alone make possible is never certain.
            target = WildcardTarget(question.kind, question.action, str(pattern))
        if target not in self._targets:
            self._limited += len(nodes) if target.limits else 0
            self._results.spend(len(nodes))
            self._steps.spend(len(nodes) * (question.cost.of_all if target.limits else 1))
            self._targets[target] = tuple(
                member
                for node in nodes
                for member in list_members(node, question, pattern, is_limited=bool(target.limits))
            )
        return target


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A role that may be read."""

    key: tuple[object, ...]
    number: int
    role_arn: str
    identity: Identity
    by_action: Mapping[str, Identity]
    demand: Demand


def _merge(grants: dict[tuple[object, ...], WritePermission], grant: WritePermission) -> None:
    """Actions of one statement that leave the same behind are one grant."""
    edge = grant.edge
    key: tuple[object, ...] = (grant.target, edge.policy, edge.sid)
    if not isinstance(grant.target, WildcardTarget):
        key = (*key, grant.payload, edge.certainty, edge.detail)
    before = grants.get(key)
    if before is None:
        grants[key] = grant
    elif not set(edge.actions) <= set(before.edge.actions):
        actions = (*before.edge.actions, *edge.actions)
        grants[key] = replace(before, edge=replace(before.edge, actions=actions))
