"""What gaps in the reading of an account leave unobserved."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import ACCOUNT_POLICIES, Account, Area
from functions.domain.account.state_machines import AccountLocation as Home
from functions.domain.graph.model import Node, NodeKind
from functions.domain.graph.nodes import bucket_arn, log_group_arn, node_of

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
# The other areas cast no doubt: a destination takes the role's permission to write to it, which is
# read; schedules are begun by the clock; tags and settings of AWS's own detection lead nowhere.

_TOPIC_COLONS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What is not known.

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


def read_gaps(account: Account) -> Gaps:
    """Report what the gaps of an account leave unobserved."""
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
        node = _find_node(account, gap.area, gap.resource)
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
    return Gaps(
        is_everything=is_everything,
        kinds=frozenset(kinds),
        nodes=frozenset(nodes),
        functions=frozenset(functions),
        entries=frozenset(entries),
        open_nodes=frozenset(open_nodes),
        is_open=is_open,
    )


def _find_node(account: Account, area: Area, resource: str) -> Node | None:
    """The node that a gap is about; ``None`` where it may be more than one."""
    home = Home(partition=account.partition, region=account.region, account=account.account)
    if ":rule/" in resource:
        prefix, _, path = resource.partition(":rule/")
        return node_of(f"{prefix}:event-bus/{path.rpartition('/')[0] or 'default'}")
    if resource.startswith("arn:"):
        node = node_of(resource)
        if area is Area.TOPICS and resource.count(":") > _TOPIC_COLONS:
            node = node_of(resource.rsplit(":", 1)[0])  # a subscription
        if node.kind is NodeKind.FUNCTION:
            return node if area is Area.FUNCTIONS else None
        return None if node.kind in {NodeKind.OTHER, NodeKind.API} else node
    match area:
        case Area.BUCKETS:
            return node_of(bucket_arn(home.partition, resource))
        case Area.LOGS if resource != ACCOUNT_POLICIES:
            return node_of(log_group_arn(home.partition, home.region, home.account, resource))
        case Area.DELIVERY_STREAMS:
            return node_of(home.compose_arn("firehose", f"deliverystream/{resource}"))
        case _:
            return None
