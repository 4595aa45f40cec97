"""What is looked up of an account while events are followed through it."""

from collections.abc import Iterable, Iterator

from functions.domain.account.inventory import (
    Account,
    FunctionDescription,
    MappingDescription,
    Role,
)
from functions.domain.account.named_resources import Mentions, list_qualified_names
from functions.domain.account.state_machines import AccountLocation as Home
from functions.domain.graph.model import Means, Node, NodeKind
from functions.domain.graph.nodes import is_elsewhere, node_of
from functions.domain.graph.paths.limits import Limits
from functions.domain.graph.payloads import describe_arrival
from functions.domain.graph.propagation.gaps import read_gaps
from functions.domain.graph.triggers.configured import api_node
from functions.domain.graph.triggers.read import Triggers, read_triggers
from functions.domain.graph.triggers.trigger_edge import TriggerEdge
from functions.domain.graph.writes.resource_grants import ResourcePolicies
from functions.domain.graph.writes.resources import Resources
from functions.domain.graph.writes.role_permissions import Permissions


class AccountIndex:
    """What an account holds, found by what it is asked for.

    Attributes
    ----------
    functions
        In the order of their ARNs.
    triggers
        What leads on from each resource by itself.
    mapped
        The event source mappings of each function that are enabled.
    redriven
        By ARN of a queue: the ARN of its dead-letter queue, or nothing.
    """

    __slots__ = (
        "account",
        "functions",
        "home",
        "mapped",
        "mentions",
        "permissions",
        "redriven",
        "resources",
        "triggers",
        "triggers_of",
    )

    def __init__(self, account: Account, policies: ResourcePolicies, limits: Limits) -> None:
        self.account = account
        self.home = Home(
            partition=account.partition, region=account.region, account=account.account
        )
        self.functions = sorted(account.functions, key=lambda one: one.arn)
        self.triggers = read_triggers(account)
        edges = [*self.triggers.edges, *_read_returns(account)]
        nodes = _list_nodes(account, self.triggers, edges)
        self.triggers_of: dict[Node, list[TriggerEdge]] = {}
        for edge in edges:
            self.triggers_of.setdefault(edge.source, []).append(edge)
        # What could not be read may lead anywhere: who may write to it is not ruled out.
        self.resources = Resources(nodes | read_gaps(account).nodes, account.partition)
        self.mentions = _index_mentions(account, nodes)
        self.permissions = Permissions(
            self.resources,
            self.triggers.listeners,
            policies,
            movable=frozenset(
                node_of(one.dead_letter_arn) for one in account.queues if one.dead_letter_arn
            ),
            account=account.account,
            region=account.region,
            limits=limits,
        )
        self.mapped = _group_by_function(account.mappings)
        self.redriven = {one.arn: one.dead_letter_arn for one in account.queues}

    def role_of(self, function: FunctionDescription) -> Role | None:
        """The role of a function, where it was read."""
        return self.account.roles.get(function.role_arn)

    def is_out_of_sight(self, node: Node) -> bool:
        """Whether nothing is known of what follows from writing to a node."""
        return node.kind is NodeKind.OTHER or is_elsewhere(
            node.arn, self.account.account, self.account.region
        )


def mentions_of(account: Account) -> Mentions:
    """What environment variables may name: what leads to something, and what may be invoked."""
    triggers = read_triggers(account)
    return _index_mentions(
        account, _list_nodes(account, triggers, [*triggers.edges, *_read_returns(account)])
    )


def _index_mentions(account: Account, nodes: Iterable[Node]) -> Mentions:
    return Mentions(
        {*nodes, *(api_node(one.arn, one.url, one.kind) for one in account.apis)},
        account.partition,
        account=account.account,
        qualified=list_qualified_names(account),
    )


def _list_nodes(account: Account, triggers: Triggers, edges: Iterable[TriggerEdge]) -> set[Node]:
    """Everything that leads to something, and everything that may be invoked."""
    nodes = {edge.source for edge in edges}
    nodes.update(node_of(one.arn) for one in account.functions)
    nodes.update(node_of(one.arn) for one in account.state_machines)
    nodes.update(one.node for one in triggers.listeners)
    return nodes


def _read_returns(account: Account) -> Iterator[TriggerEdge]:
    """What functions return, which others pass on."""
    for pipe in account.pipes:
        if pipe.enrichment_arn and pipe.target_arn:
            target = node_of(pipe.target_arn)
            yield TriggerEdge(
                source=node_of(pipe.enrichment_arn),
                target=target,
                means=Means.PIPE,
                id=pipe.arn,
                label=f"pipe {pipe.arn.rsplit('/', 1)[-1]}",
                arrives=describe_arrival(target),
                is_enabled=pipe.is_enabled,
            )
    for stream in account.delivery_streams:
        for arn in stream.destination_arns if stream.transform_arn else ():
            target = node_of(arn)
            if target.kind is not NodeKind.OTHER:
                yield TriggerEdge(
                    source=node_of(stream.transform_arn),
                    target=target,
                    means=Means.DELIVERY,
                    id=stream.arn,
                    label="delivery",
                    arrives=describe_arrival(target),
                )


def _group_by_function(
    mappings: Iterable[MappingDescription],
) -> dict[Node, list[MappingDescription]]:
    found: dict[Node, list[MappingDescription]] = {}
    for mapping in sorted(mappings, key=lambda one: one.uuid):
        if mapping.is_enabled:
            found.setdefault(node_of(mapping.function_arn), []).append(mapping)
    return found
