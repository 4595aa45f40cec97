"""What a role may write, seen from the resources that lead on.

Only resources that lead somewhere count: what a function writes to a bucket that tells nobody ends
there. Policies are read once for each set of them, and resources are found by their name in an
index, so that the work does not grow with functions times resources.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from functions.domain.account.inventory import Role
from functions.domain.filters.s3_keys import keys_within
from functions.domain.graph.edges.payloads import (
    ANYTHING,
    S3_ACTIONS,
    Changed,
    Content,
    Invoked,
    Moved,
    Put,
    Stored,
)
from functions.domain.graph.edges.read_calls import is_read
from functions.domain.graph.edges.resource_grants import ResourceGrants, ResourcePolicies
from functions.domain.graph.edges.triggers import Listener
from functions.domain.graph.model import (
    Certainty,
    EdgeReason,
    EdgeSpec,
    Means,
    Node,
    NodeKind,
)
from functions.domain.graph.nodes import is_elsewhere
from functions.domain.graph.paths.limits import USUAL, Allowance, Limits
from functions.domain.iam.access import (
    Access,
    Allowed,
    Because,
    Identity,
    Reach,
    Rights,
    execution_context,
    identity_of,
    rights,
)
from functions.domain.iam.arn import ACCOUNT_PART, ARN_PARTS
from functions.domain.iam.document import (
    Condition,
    Effect,
    PolicyDocument,
    Selection,
    Statement,
    parse_policy,
)
from functions.domain.iam.wildcard import Glob, Pattern, as_glob, covers, matches, overlaps


@dataclass(frozen=True, slots=True)
class Hub:
    """Many resources that one wildcard reaches: shared by all roles that have the same one."""

    kind: NodeKind
    action: str
    pattern: str
    limits: tuple[str, ...] = ()  # what else narrows it: denials, a boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role may write to a node (or to all of a hub), and a statement says so.

    `edge` is of no role yet: roles with the same policies share a grant.
    """

    target: Node | Hub
    content: Content
    edge: EdgeSpec
    is_conditional: bool = False


def permission(
    *actions: str,
    certainty: Certainty,
    reason: EdgeReason,
    policy: str = "",
    sid: str = "",
    detail: str = "",
) -> EdgeSpec:
    """Describe a write by IAM actions, as of no role yet."""
    return EdgeSpec(
        means=Means.PERMISSION,
        certainty=certainty,
        reason=reason,
        label=actions[0].split(":", 1)[-1],
        actions=actions,
        policy=policy,
        sid=sid,
        detail=detail,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One resource of a hub. `refusal`: what takes it out of the wildcard after all."""

    node: Node
    content: Content
    refusal: EdgeReason | None = None
    is_conditional: bool = False
    policy: str = ""
    sid: str = ""

    def narrow(self, edge: EdgeSpec) -> EdgeSpec:
        """The edge of the wildcard, as it is for this resource alone."""
        return edge.refuse(self.refusal, self.policy, self.sid) if self.refusal else edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one set of policies may write.

    Attributes
    ----------
    is_complete
        False where a policy could not be read: there may be more.
    elsewhere
        Whether it names something of another account or Region.
    is_by_access_point
        Whether it names access points of S3: they lead to buckets that are not known here.
    is_unread
        Whether nothing of it was looked at, because that takes more than the budget.
    services
        The services of which something is allowed; ``None`` for any.
    """

    grants: tuple[Grant, ...] = ()
    is_complete: bool = True
    elsewhere: bool = False
    is_by_access_point: bool = False
    is_unread: bool = False
    services: frozenset[str] | None = None
    identity: Identity = field(default_factory=Identity)

    def may_use(self, action: str) -> bool:
        """Whether something of the action's service is allowed at all."""
        return self.services is None or action.partition(":")[0] in self.services


UNREAD: Final = Profile(is_complete=False, is_unread=True, identity=Identity(is_complete=False))
"""Of a role that is over the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of writing to a kind of resource: actions that leave the same behind."""

    actions: tuple[str, ...]
    content: Callable[[Node], Content]


def _same(content: Content) -> Callable[[Node], Content]:
    return lambda _: content


def _stored_by(action: str) -> Callable[[Node], Content]:
    return lambda node: Stored(node.name, action)


_MOVE: Final = "sqs:StartMessageMoveTask"
_RERUN: Final = "states:RedriveExecution"
_INSERTS: Final = _same(Changed(("INSERT", "MODIFY")))
_REMOVES: Final = _same(Changed(("REMOVE",)))
_ANY: Final = _same(ANYTHING)

# Service authorization reference. Moving messages back also takes the right to send them to where
# they go (`Configure queue permissions for a dead-letter queue redrive`), which is not asked for
# here. TransactWriteItems needs the actions of its items; CopyObject
# and CompleteMultipartUpload need s3:PutObject. PartiQLUpdate and PartiQLDelete touch what is
# there; UpdateItem also makes what is not.
WAYS: Final[Mapping[NodeKind, tuple[Way, ...]]] = {
    NodeKind.QUEUE: (
        Way(actions=("sqs:SendMessage",), content=_ANY),
        Way(actions=(_MOVE,), content=_same(Moved())),
    ),
    NodeKind.TOPIC: (Way(actions=("sns:Publish",), content=_ANY),),
    NodeKind.TABLE: (
        Way(actions=("dynamodb:PutItem", "dynamodb:UpdateItem"), content=_INSERTS),
        Way(actions=("dynamodb:DeleteItem",), content=_REMOVES),
        Way(actions=("dynamodb:BatchWriteItem",), content=_same(Changed())),
        Way(actions=("dynamodb:PartiQLInsert",), content=_same(Changed(("INSERT",)))),
        Way(actions=("dynamodb:PartiQLUpdate",), content=_same(Changed(("MODIFY",)))),
        Way(actions=("dynamodb:PartiQLDelete",), content=_REMOVES),
    ),
    NodeKind.STREAM: (Way(actions=("kinesis:PutRecord", "kinesis:PutRecords"), content=_ANY),),
    NodeKind.DELIVERY_STREAM: (
        Way(actions=("firehose:PutRecord", "firehose:PutRecordBatch"), content=_ANY),
    ),
    NodeKind.BUS: (Way(actions=("events:PutEvents",), content=_same(Put())),),
    NodeKind.STATE_MACHINE: (
        Way(
            actions=("states:StartExecution", "states:StartSyncExecution", _RERUN),
            content=_ANY,
        ),
    ),
    NodeKind.FUNCTION: (
        Way(
            actions=("lambda:InvokeFunction", "lambda:InvokeAsync"),
            content=_same(Invoked(is_async=True)),
        ),
    ),
    NodeKind.LOG_GROUP: (Way(actions=("logs:PutLogEvents",), content=_ANY),),
    NodeKind.BUCKET: tuple(
        Way(actions=(action,), content=_stored_by(action)) for action in S3_ACTIONS
    ),
}

ARN_HEADS: Final[Mapping[NodeKind, tuple[str, str]]] = {
    NodeKind.QUEUE: ("sqs", ""),
    NodeKind.TOPIC: ("sns", ""),
    NodeKind.TABLE: ("dynamodb", "table/"),
    NodeKind.STREAM: ("kinesis", "stream/"),
    NodeKind.DELIVERY_STREAM: ("firehose", "deliverystream/"),
    NodeKind.BUS: ("events", "event-bus/"),
    NodeKind.STATE_MACHINE: ("states", "stateMachine:"),
    NodeKind.FUNCTION: ("lambda", "function:"),
    NodeKind.LOG_GROUP: ("logs", "log-group:"),
    NodeKind.BUCKET: ("s3", ""),
}
_EVERY_ACTION: Final = tuple(
    (kind, way, action) for kind, ways in WAYS.items() for way in ways for action in way.actions
)
_CACHED: Final = 4_096
_NAMES_CACHED: Final = 65_536
_CUT_AT_COLON: Final = frozenset({NodeKind.STATE_MACHINE, NodeKind.FUNCTION, NodeKind.LOG_GROUP})
_CUT_AT_SLASH: Final = frozenset({NodeKind.TABLE, NodeKind.BUCKET, NodeKind.STREAM})
_FIELDS: Final = 6
_ANY_KEY: Final = Glob.parse("?*")  # no object has an empty key
_MOST_KEYS: Final = 8  # patterns of the keys in a bucket that one statement speaks of
# Steps, as measured: of laying two patterns side by side, of each Deny beside them, of a policy
# that is known already. A step reads so many characters.
_COMPARING: Final = 150
_DENYING: Final = 20
_PARSING: Final = 5
_CHARACTERS: Final = 10
_MOST_LIMITED: Final = 50_000  # resources of wildcards that a Deny or a boundary narrows

# Conditions on what is put, which the code chooses: they narrow the event, not the permission.
_EVENT_KEYS: Final = frozenset({"events:source", "events:detail-type"})
_POSITIVE: Final = frozenset({"stringequals", "stringlike"})

# Calls that change data, not resources: no management event of CloudTrail tells of them.
_DATA_CALLS: Final = frozenset(
    action.lower()
    for kind in WAYS.values()
    for way in kind
    for action in way.actions
    if not action.startswith("states:")
) | {
    "logs:createlogstream",
    "logs:createloggroup",
    "cloudwatch:putmetricdata",
    "xray:puttracesegments",
    "xray:puttelemetryrecords",
    "sqs:deletemessage",
    "sqs:receivemessage",
    "sqs:changemessagevisibility",
    "dynamodb:conditioncheckitem",
    "lambda:invokefunctionurl",
    "ec2:createnetworkinterface",
    "ec2:deletenetworkinterface",
    "ec2:assignprivateipaddresses",
    "ec2:unassignprivateipaddresses",
    "kms:decrypt",
    "kms:encrypt",
    "kms:generatedatakey",
    "sts:assumerole",
    "s3:abortmultipartupload",
    "ssm:startautomationexecution",
}


class Resources:
    """The resources that lead on, by kind and by name, with what wildcards match of them."""

    __slots__ = ("_arns", "_by_kind", "_by_name", "_matched", "partition")

    def __init__(self, nodes: Iterable[Node], partition: str) -> None:
        self.partition = partition
        self._by_kind: dict[NodeKind, tuple[Node, ...]] = {}
        self._arns: dict[NodeKind, list[str]] = {}  # in the order of `_by_kind`
        self._by_name: dict[tuple[NodeKind, str], list[Node]] = {}
        self._matched: dict[tuple[NodeKind, Glob, bool], tuple[Node, ...]] = {}
        grouped: dict[NodeKind, set[Node]] = {}
        for node in nodes:
            grouped.setdefault(node.kind, set()).add(node)
        for kind, members in grouped.items():
            # Nodes of one kind are in the order of their ARNs.
            self._by_kind[kind] = tuple(sorted(members))
            self._arns[kind] = [node.arn for node in self._by_kind[kind]]
            for node in self._by_kind[kind]:
                self._by_name.setdefault((kind, node.name), []).append(node)

    def of(self, kind: NodeKind) -> tuple[Node, ...]:
        """All of a kind, in order."""
        return self._by_kind.get(kind, ())

    def named(self, kind: NodeKind, name: str) -> int:
        """How many have a name: mostly one."""
        return len(self._by_name.get((kind, name), ()))

    def matching(self, kind: NodeKind, pattern: Glob, action: str) -> tuple[Node, ...]:
        """Those that a resource pattern of a statement about an action reaches."""
        name = name_in(kind, str(pattern))
        if name is not None:
            near = self._by_name.get((kind, name), ())
            return tuple(node for node in near if _is_reached(pattern, node, action))
        key = (kind, pattern, action == _RERUN)
        found = self._matched.get(key)
        if found is None:
            # Executions have ARNs of their own.
            every = self.of(kind) if action == _RERUN else self._near(kind, pattern)
            found = tuple(node for node in every if _is_reached(pattern, node, action))
            self._matched[key] = found
        return found

    def _near(self, kind: NodeKind, pattern: Glob) -> Iterator[Node]:
        """Those whose ARN agrees with the beginning of a pattern, as far as either goes."""
        nodes, arns, head = self.of(kind), self._arns.get(kind, []), pattern.head
        for end in (place for place, one in enumerate(head) if one in ":/"):
            index = bisect_left(arns, head[:end])
            if index < len(arns) and arns[index] == head[:end]:
                yield nodes[index]
        index = bisect_left(arns, head)
        while index < len(arns) and arns[index].startswith(head):
            yield nodes[index]
            index += 1


def asked(node: Node, action: str) -> tuple[str, ...]:
    """The ARN patterns of which a statement must reach one for an action to write to a node."""
    match node.kind:
        case NodeKind.STATE_MACHINE if action == _RERUN:
            return (f"{node.arn.replace(':stateMachine:', ':execution:')}:*",)
        case NodeKind.BUCKET:
            return (f"{node.arn}/?*",)  # no object has an empty key
        case NodeKind.LOG_GROUP:
            return (f"{node.arn}:*",)
        case NodeKind.FUNCTION:
            return node.arn, f"{node.arn}:*"
        case _:
            return (node.arn,)


def _is_reached(pattern: Glob, node: Node, action: str) -> bool:
    return any(overlaps(pattern, one) for one in asked(node, action))


@lru_cache(maxsize=_NAMES_CACHED)
def name_in(kind: NodeKind, pattern: str) -> str | None:
    """The one name that a pattern names, though perhaps in any Region; ``None`` for a wildcard.

    >>> name_in(NodeKind.TABLE, "arn:aws:dynamodb:*:*:table/orders/index/*")
    'orders'
    """
    service, prefix = ARN_HEADS[kind]
    fields = pattern.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS or fields[2] != service or not fields[5].startswith(prefix):
        return None
    name = fields[5][len(prefix) :]
    if kind in _CUT_AT_COLON:
        name = name.split(":", 1)[0]
    elif kind in _CUT_AT_SLASH:
        name = name.split("/", 1)[0]
    return None if any(one in name for one in "*?$") or not name else name


class Permissions:
    """Profiles of roles, each set of policies read once."""

    __slots__ = (
        "_account",
        "_at",
        "_counted",
        "_documents",
        "_hubs",
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
        self._profiles: dict[tuple[object, ...], Profile] = {}
        self._hubs: dict[Hub, tuple[Member, ...]] = {}
        self._at: dict[Hub, dict[Node, list[Member]]] = {}
        self._limited = 0

    def members(self, hub: Hub) -> tuple[Member, ...]:
        """The resources of a hub that a profile has mentioned."""
        return self._hubs[hub]

    def members_at(self, hub: Hub, node: Node) -> tuple[Member, ...]:
        """Those that are of one resource."""
        if hub not in self._at:
            found: dict[Node, list[Member]] = {}
            for member in self._hubs[hub]:
                found.setdefault(member.node, []).append(member)
            self._at[hub] = found
        return tuple(self._at[hub].get(node, ()))

    def read(self, roles: Iterable[tuple[Role, str]]) -> None:
        """Read what roles may write, the cheapest first; what exceeds the budget stays unread.

        Parameters
        ----------
        roles
            Each with the name of its session, as of `profile`.
        """
        known = {
            self._key(role, session): (role, session)
            for role, session in sorted(roles, key=lambda one: (one[0].arn, one[1]))
        }
        parsed: list[_Parsed] = []
        waiting = [
            (_size_of(role, granted), number, key, role, granted)
            for number, (key, (role, session)) in enumerate(known.items())
            if key not in self._profiles
            for granted in [self._policies.of(role.arn, session)]
        ]
        for size, number, key, role, granted in sorted(waiting, key=lambda one: one[:2]):
            if not self._texts.has(size):
                self._profiles[key] = UNREAD
                continue
            self._texts.spend(size)
            identity = identity_of(role, self._parse)
            identity = replace(
                identity, policies=(*identity.policies, *granted.own), direct=granted.direct
            )
            by_action = _by_action(identity)
            demand = self._demand(identity, by_action)
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

    def _demand(self, identity: Identity, by_action: Mapping[str, Identity]) -> "_Demand":
        """What reading a role can take at most."""
        steps = results = 0
        for kind, _, action in _EVERY_ACTION:
            about = by_action.get(action)
            if about is None:
                continue
            allowed, cost = _Cost.of(about)
            everything = len(self._resources.of(kind))
            steps += len(allowed) + cost.denied
            for pattern in allowed:
                name = name_in(kind, pattern)
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
        return _Demand(steps=steps + statements * heard, results=results + heard)

    def profile(self, role: Role, session: str = "") -> Profile:
        """What a role may write, in a session of this name: that of a function has its name."""
        key = self._key(role, session)
        if key not in self._profiles:
            self.read([(role, session)])
        return self._profiles[key]

    def _key(self, role: Role, session: str) -> tuple[object, ...]:
        """What makes two roles the same: their policies, unless these speak of the principal."""
        granted = self._policies.of(role.arn, session)
        *own, is_personal = self._texts_of(role)
        is_personal = is_personal or granted.is_personal
        return (*own, granted, role.arn if is_personal else "")

    def _texts_of(self, role: Role) -> tuple[object, ...]:
        """What the policies of a role say, and whether it depends on who acts."""
        found = self._keys.get(role.arn)
        if found is None:
            texts = tuple(sorted((one.name, one.text) for one in role.policies))
            limit = (role.boundary.name, role.boundary.text) if role.boundary else None
            is_own = any("principal" in text.lower() for _, text in (*texts, limit or ("", "")))
            found = (texts, limit, role.is_complete, is_own)
            self._keys[role.arn] = found
        return found

    def reaches(self, profile: Profile, kind: NodeKind) -> bool:
        """Whether a role may write to anything of a kind, whether it leads on or not."""
        if profile.is_unread:
            return True
        found = self._reached.get((id(profile), kind))
        if found is None:
            found = self._reached[id(profile), kind] = self._reaches(profile, kind)
        return found

    def _reaches(self, profile: Profile, kind: NodeKind) -> bool:
        if kind is NodeKind.SERVICE:
            return bool(_changing(profile.identity, {}))
        if kind is NodeKind.API:
            return False  # who calls one needs no right
        service, _ = ARN_HEADS[kind]
        everything = f"arn:{self._resources.partition}:{service}:*"
        return any(
            rights(profile.identity, action).reach(everything)
            for way in WAYS.get(kind, ())
            for action in way.actions
        )

    def _read(self, parsed: "_Parsed") -> Profile:
        identity, by_action = parsed.identity, parsed.by_action
        context = execution_context(role_arn=parsed.role_arn, region=self._region)
        grants: dict[tuple[object, ...], Grant] = {}
        services = _services(identity)
        elsewhere = is_by_access_point = False
        for kind, way, action in _EVERY_ACTION:
            about = by_action.get(action)
            if about is None:
                continue
            allowed = rights(about, action, context)
            elsewhere = elsewhere or self._is_elsewhere(allowed)
            if kind is NodeKind.BUCKET:
                is_by_access_point = is_by_access_point or self._is_by_access_point(allowed)
            question = _Question(kind, way, action, allowed, _Cost.of(about)[1])
            for grant in self._grants(question):
                _merge(grants, grant)
        for grant in self._calls(identity, services, context):
            _merge(grants, grant)
        self._results.spend(len(grants))
        return Profile(
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
        """UNCONFIRMED: that a right on an access point suffices for the bucket behind it.

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

    def _grants(self, question: "_Question") -> Iterator[Grant]:
        limits = _limits(question.allowed)
        allowed = question.allowed
        every = (*allowed.own.allowed, *allowed.direct.allowed)
        self._steps.spend(len(every) + question.cost.denied)
        for number, own in enumerate(every):
            nodes = self._resources.matching(question.kind, own.pattern, question.action)
            if question.action == _MOVE:
                nodes = tuple(node for node in nodes if node in self._movable)
            if not nodes:
                continue
            if name_in(question.kind, str(own.pattern)) is not None:
                self._steps.spend(len(nodes) * question.cost.of_one)
                for node in nodes:
                    is_direct = number >= len(allowed.own.allowed)
                    yield from _named(node, question, own, is_direct=is_direct)
                continue
            yield Grant(
                target=self._hub(question, own.pattern, nodes, limits),
                content=ANYTHING,
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

    def _hub(
        self,
        question: "_Question",
        pattern: Glob,
        nodes: tuple[Node, ...],
        limits: tuple[str, ...],
    ) -> Hub:
        hub = Hub(question.kind, question.action, str(pattern), limits)
        if limits and hub not in self._hubs and self._limited > _MOST_LIMITED:
            # Too many different ones to look at each: what takes away is left out, so that more
            # is possible, and what wildcards alone make possible is never certain.
            hub = Hub(question.kind, question.action, str(pattern))
        if hub not in self._hubs:
            self._limited += len(nodes) if hub.limits else 0
            self._results.spend(len(nodes))
            self._steps.spend(len(nodes) * (question.cost.of_all if hub.limits else 1))
            self._hubs[hub] = tuple(
                member
                for node in nodes
                for member in _members(node, question, pattern, is_limited=bool(hub.limits))
            )
        return hub

    def _calls(
        self,
        identity: Identity,
        services: frozenset[str] | None,
        context: Mapping[str, tuple[str, ...] | None],
    ) -> Iterator[Grant]:
        """Calls of AWS services that somebody listens for."""
        changing: dict[str, tuple[str, str, str]] | None = None
        for listener in self._listeners:
            for action in listener.actions:
                if services is not None and action.split(":", 1)[0].lower() not in services:
                    continue
                self._steps.spend(sum(len(one.statements) for one in identity.policies))
                reached = rights(identity, action, context).reach("*")
                first = next((one for one in reached if one.policy), None)
                if first:
                    yield _call_grant(listener, action, first.policy, first.sid)
            if not listener.actions:
                if changing is None:
                    changing = _changing(identity, context)
                cause = _cause(identity, listener.service, changing, context)
                if cause:
                    yield _call_grant(listener, *cause)


def _cause(
    identity: Identity,
    service: str,
    changing: Mapping[str, tuple[str, str, str]],
    context: Mapping[str, tuple[str, ...] | None],
) -> tuple[str, str, str] | None:
    """What a role may change of a service (empty: of any), and the statement."""
    if not service:
        return next(iter(changing.values()), None)
    if service in changing:
        return changing[service]
    if "*" in changing and rights(identity, f"{service}:Change", context).reach("*"):
        return changing["*"]
    return None


@dataclass(frozen=True, slots=True)
class _Question:
    """One action on one kind of resource, and what a set of policies says of it."""

    kind: NodeKind
    way: Way
    action: str
    allowed: Rights
    cost: "_Cost"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class _Demand:
    """The most that reading a role takes, and that comes of it."""

    steps: int
    results: int


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A role that may be read."""

    key: tuple[object, ...]
    number: int
    role_arn: str
    identity: Identity
    by_action: Mapping[str, Identity]
    demand: _Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """Steps of one question to the statements about one action.

    Attributes
    ----------
    of_one, of_all
        Of asking whether one pattern, or any, lets write to one resource.
    denied
        How many patterns take something away.
    is_limited
        Whether wildcards have to be asked about each resource.
    """

    of_one: int
    of_all: int
    denied: int
    is_limited: bool

    @classmethod
    def of(cls, about: Identity) -> tuple[tuple[str, ...], "_Cost"]:
        """The resource patterns that are allowed, and the cost."""
        allowed = tuple(_patterns((*about.policies, *about.direct), Effect.ALLOW))
        boundary = () if about.boundary is None else (about.boundary,)
        denied = sum(1 for _ in _patterns((*about.policies, *boundary), Effect.DENY))
        is_narrowed = any(
            statement.resources is not None and statement.resources.is_inverted
            for document in (*about.policies, *about.direct)
            for statement in document.statements
        )
        limits = max(1, sum(1 for _ in _patterns(boundary, Effect.ALLOW)))
        of_one = limits * (_COMPARING + _DENYING * denied)
        return allowed, cls(
            of_one=of_one,
            of_all=len(allowed) * (1 + of_one),
            denied=denied,
            is_limited=bool(denied or boundary or is_narrowed),
        )


def _patterns(documents: Iterable[PolicyDocument], effect: Effect) -> Iterator[str]:
    """The resource patterns of statements; one for what names none, or all but some."""
    for document in documents:
        for statement in document.statements:
            if statement.effect is effect:
                selection = statement.resources
                is_listed = selection is not None and not selection.is_inverted
                yield from selection.patterns if selection and is_listed else ("*",)


def _size_of(role: Role, granted: ResourceGrants) -> int:
    """Steps of reading the texts of a role, with what resource policies grant it."""
    policies = (*role.policies, *((role.boundary,) if role.boundary else ()))
    others = len(granted.own) + len(granted.direct)
    own = sum(_PARSING + len(one.text) // _CHARACTERS for one in policies)
    return own + _PARSING * others


def _named(node: Node, question: _Question, own: Allowed, *, is_direct: bool) -> Iterator[Grant]:
    """Grants of a statement that names a resource, with what limits it."""
    way, action, allowed = question.way, question.action, question.allowed
    by = ((), (own,)) if is_direct else ((own,), ())
    asking = _within(node, own.pattern, action)
    reached = [reach for one in asking for reach in allowed.reach(one, by=by)]
    if not reached and not any(map(allowed.reach, asking)):
        answer = allowed.answer(asking[0])
        yield Grant(
            target=node,
            content=way.content(node),
            edge=permission(
                action,
                certainty=Certainty.RULED_OUT,
                reason=_REFUSALS.get(answer.because, EdgeReason.NOT_ALLOWED),
                policy=answer.policy,
                sid=answer.sid,
            ),
        )
        return
    for reach in reached:
        if not reach.policy:
            continue  # what was not read of the role is doubted as a whole
        for left in _contents(way, node, reach):
            is_open, content = _narrowed(left, reach)
            yield Grant(
                target=node,
                content=content,
                edge=permission(
                    action,
                    certainty=Certainty.POSSIBLE if is_open else Certainty.CERTAIN,
                    reason=_OPEN_REASONS.get(reach.because, EdgeReason.CONDITION)
                    if is_open
                    else EdgeReason.NAMED_BY_STATEMENT,
                    policy=reach.policy,
                    sid=reach.sid or own.statement.name,
                    detail=_condition_words(reach.conditions) if is_open else "",
                ),
            )


def _within(node: Node, pattern: Glob, action: str) -> tuple[Glob, ...]:
    """What a statement that names a resource lets write to, of this resource alone.

    ``arn:*:s3:::orders/*`` also names objects that are in no bucket of this name.
    """
    if node.kind is not NodeKind.BUCKET:
        return (next(as_glob(one) for one in asked(node, action) if overlaps(pattern, one)),)
    start = Glob.literal(f"{node.arn}/")
    return tuple(
        start + (_ANY_KEY if keys == Glob.anything() else keys) for keys in _keys(pattern, node)
    )


def _keys(pattern: Pattern, node: Node) -> tuple[Glob, ...]:
    """The keys in a bucket that a statement speaks of, or more where that takes many patterns."""
    found = keys_within(pattern, node.arn)
    return found if len(found) <= _MOST_KEYS else (Glob.anything(),)


def _call_grant(listener: Listener, action: str, policy: str, sid: str) -> Grant:
    return Grant(
        target=listener.node,
        content=listener.content,
        edge=permission(
            action,
            certainty=Certainty.POSSIBLE,
            reason=EdgeReason.WILDCARD if "*" in action else EdgeReason.SERVICE_CALL,
            policy=policy,
            sid=sid,
        ),
    )


_REFUSALS: Final[Mapping[Because, EdgeReason]] = {
    Because.EXPLICIT_DENY: EdgeReason.EXPLICIT_DENY,
    Because.BOUNDARY: EdgeReason.BOUNDARY,
}
_OPEN_REASONS: Final[Mapping[Because, EdgeReason]] = {
    Because.CONDITION: EdgeReason.CONDITION,
    Because.UNREADABLE: EdgeReason.UNREADABLE,
}


def _merge(grants: dict[tuple[object, ...], Grant], grant: Grant) -> None:
    """Actions of one statement that leave the same behind are one grant."""
    edge = grant.edge
    key: tuple[object, ...] = (grant.target, edge.policy, edge.sid)
    if not isinstance(grant.target, Hub):
        key = (*key, grant.content, edge.certainty, edge.detail)
    before = grants.get(key)
    if before is None:
        grants[key] = grant
    elif not set(edge.actions) <= set(before.edge.actions):
        actions = (*before.edge.actions, *edge.actions)
        grants[key] = replace(before, edge=replace(before.edge, actions=actions))


@lru_cache(maxsize=_CACHED)
def _spoken_of(actions: Selection) -> frozenset[str]:
    """Those of the actions in `WAYS` that a statement's actions name."""
    every = (action for ways in WAYS.values() for way in ways for action in way.actions)
    return frozenset(
        action
        for action in every
        if actions.is_inverted
        is not any(matches(own, action, ignore_case=True) for own in actions.patterns)
    )


def _by_action(identity: Identity) -> dict[str, Identity]:
    """For each action that is allowed at all: the policies with the statements about it only."""
    own, allowed = _about_actions(identity.policies)
    direct, also_allowed = _about_actions(identity.direct)
    return {
        action: replace(identity, policies=own.get(action, ()), direct=direct.get(action, ()))
        for action in allowed | also_allowed
    }


def _about_actions(
    policies: tuple[PolicyDocument, ...],
) -> tuple[dict[str, tuple[PolicyDocument, ...]], set[str]]:
    """By action: the policies with the statements about it only. And the actions allowed."""
    documents: dict[str, dict[int, list[Statement]]] = {}
    allowed: set[str] = set()
    for number, document in enumerate(policies):
        for statement in document.statements:
            spoken = _spoken_of(statement.actions)
            if statement.effect is Effect.ALLOW:
                allowed |= spoken
            for action in spoken:
                documents.setdefault(action, {}).setdefault(number, []).append(statement)
    return {
        action: tuple(
            replace(policies[number], statements=tuple(statements))
            for number, statements in found.items()
        )
        for action, found in documents.items()
    }, allowed


def _service_of(statement: Statement) -> frozenset[str] | None:
    """The services that a statement speaks of; ``None`` for any."""
    if statement.actions.is_inverted:
        return None
    found: set[str] = set()
    for pattern in statement.actions.patterns:
        service, colon, _ = pattern.partition(":")
        if not colon or "*" in service or "?" in service:
            return None
        found.add(service.lower())
    return frozenset(found)


def _services(identity: Identity) -> frozenset[str] | None:
    """The services that the statements speak of; ``None`` for all of them."""
    found: set[str] = set()
    for document in (*identity.policies, *identity.direct):
        for statement in document.statements:
            if statement.effect is Effect.DENY:
                continue
            services = _service_of(statement)
            if services is None:
                return None
            found |= services
    return frozenset(found)


def _limits(allowed: Rights) -> tuple[str, ...]:
    """What narrows a wildcard, as a text: the same limits give the same hub."""
    found: list[str] = []
    sides = [allowed.own] + ([allowed.boundary] if allowed.boundary else [])
    for one in allowed.own.allowed:
        found.extend(f"not {pattern}" for pattern in one.left_out)
    for side in sides:
        for denied in side.denied:
            mode = f"{denied.is_all_else}{denied.is_sure}"
            found.extend(f"deny {mode} {pattern}" for pattern in denied.patterns)
            found.extend(f"in {pattern}" for pattern in denied.within if denied.is_all_else)
    if allowed.boundary:
        found.extend(
            f"within {one.pattern} {one.is_sure} {one.left_out}" for one in allowed.boundary.allowed
        )
        found.append("boundary")
    # Short, because every look at a hub reads it.
    text = "\n".join(found).encode(errors="backslashreplace")
    return (hashlib.sha256(text).hexdigest(),) if found else ()


def _members(
    node: Node, question: _Question, pattern: Glob, *, is_limited: bool
) -> Iterator[Member]:
    way, allowed = question.way, question.allowed
    if not is_limited:
        content = way.content(node)
        if isinstance(content, Stored):
            for keys in _keys(pattern, node):
                stored = Stored(content.bucket, content.action, str(keys))
                yield Member(node=node, content=stored)
            return
        yield Member(node=node, content=content)
        return
    asking = asked(node, question.action)
    # What was not compared, because it is too much, may be allowed: it names a policy.
    reached = [one for text in asking for one in allowed.reach(text) if one.policy]
    if not reached:
        answer = allowed.answer(asking[0])
        refusal = _REFUSALS.get(answer.because)
        if refusal:
            yield Member(
                node=node,
                content=way.content(node),
                refusal=refusal,
                policy=answer.policy,
                sid=answer.sid,
            )
        return
    seen: set[Content] = set()
    for reach in reached:
        for left in _contents(way, node, reach):
            if left not in seen:
                seen.add(left)
                yield Member(node=node, content=left, is_conditional=reach.is_conditional)


def _contents(way: Way, node: Node, reach: Reach) -> Iterator[Content]:
    """What is left behind: for a bucket, under which keys."""
    content = way.content(node)
    if not isinstance(content, Stored):
        yield content
        return
    # Only what is taken away in this bucket counts: a Deny for `*-prod/*` is about other buckets,
    # and about keys here that hold `-prod/`.
    excluded = tuple(
        str(keys) for one in reach.excluded for keys in keys_within(one, node.arn)[:_MOST_KEYS]
    )
    for keys in _keys(reach.pattern, node):
        yield Stored(content.bucket, content.action, str(keys), excluded)


def _narrowed(content: Content, reach: Reach) -> tuple[bool, Content]:
    """Whether something about the permission is open, and the content that it allows."""
    if reach.access is Access.ALLOWED:
        return False, content
    if not isinstance(content, Put) or not reach.conditions:
        return True, content
    found: dict[str, tuple[str, ...]] = {}
    for line in reach.conditions:
        key, operator = line.key.lower(), line.operator.lower()
        if key not in _EVENT_KEYS or operator not in _POSITIVE or key in found:
            return True, content
        is_literal = operator == "stringequals"
        found[key] = tuple(_escaped(one) if is_literal else one for one in line.values)
    return False, Put(found.get("events:source", ()), found.get("events:detail-type", ()))


def _escaped(text: str) -> str:
    return text.replace("*", "${*}").replace("?", "${?}")


def _condition_words(conditions: tuple[Condition, ...]) -> str:
    return ", ".join(
        f"{line.operator} {line.key} {' or '.join(line.values)}" for line in conditions
    )


def _changing(
    identity: Identity, context: Mapping[str, tuple[str, ...] | None]
) -> dict[str, tuple[str, str, str]]:
    """By service: an action by which the role may change something, and the statement.

    ``*`` stands for a statement about all services.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for document in (*identity.policies, *identity.direct):
        for statement in document.statements:
            if statement.effect is Effect.DENY:
                continue
            patterns = ("*",) if statement.actions.is_inverted else statement.actions.patterns
            for pattern in patterns:
                service, colon, verb = pattern.lower().partition(":")
                if not colon:
                    service, verb = "*", "*"
                if service in found or is_read(verb):
                    continue
                if f"{service}:{verb}" in _DATA_CALLS:
                    continue
                # A wildcard is tried with a call of an invented name.
                tried = f"{service}:{verb}".replace("*", "Change").replace("?", "x")
                if rights(identity, tried, context).reach("*"):
                    found[service] = (pattern, document.name, statement.name)
    return found
