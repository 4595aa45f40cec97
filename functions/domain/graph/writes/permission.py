"""What a role may write: to one resource, or to all that a wildcard reaches."""

from dataclasses import dataclass, field
from typing import Final

from functions.domain.graph.model import Certainty, EdgeReason, EdgeSpec, Means, Node, NodeKind
from functions.domain.graph.payloads import Payload
from functions.domain.iam.access import Identity


@dataclass(frozen=True, slots=True)
class WildcardTarget:
    """Many resources that one wildcard reaches: shared by all roles that have the same one."""

    kind: NodeKind
    action: str
    pattern: str
    limits: tuple[str, ...] = ()  # what else narrows it: denials, a boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePermission:
    """A role may write to a node (or to all of a wildcard), and a statement says so.

    `edge` is of no role yet: roles with the same policies share a grant.
    """

    target: Node | WildcardTarget
    payload: Payload
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
class WildcardMember:
    """One resource of a wildcard. `refusal`: what takes it out of the wildcard after all."""

    node: Node
    payload: Payload
    refusal: EdgeReason | None = None
    is_conditional: bool = False
    policy: str = ""
    sid: str = ""

    def narrow(self, edge: EdgeSpec) -> EdgeSpec:
        """The edge of the wildcard, as it is for this resource alone."""
        return edge.refuse(self.refusal, self.policy, self.sid) if self.refusal else edge


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePermissions:
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

    grants: tuple[WritePermission, ...] = ()
    is_complete: bool = True
    elsewhere: bool = False
    is_by_access_point: bool = False
    is_unread: bool = False
    services: frozenset[str] | None = None
    identity: Identity = field(default_factory=Identity)

    def may_use(self, action: str) -> bool:
        """Whether something of the action's service is allowed at all."""
        return self.services is None or action.partition(":")[0] in self.services


UNREAD: Final = RolePermissions(
    is_complete=False, is_unread=True, identity=Identity(is_complete=False)
)
"""Of a role that is over the budget."""
