"""What leads from a resource to a function or to another resource, whoever writes to it."""

from dataclasses import dataclass

from functions.domain.account.inventory import Account
from functions.domain.account.state_machines import AccountLocation
from functions.domain.graph.model import Node
from functions.domain.graph.triggers.configured import read_configured
from functions.domain.graph.triggers.filters import MessageFilter, RecordFilter
from functions.domain.graph.triggers.invoke_permissions import read_invoke_permissions
from functions.domain.graph.triggers.service_events import read_service_events
from functions.domain.graph.triggers.trigger_edge import Listener, TriggerEdge


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """All that leads on from resources.

    Attributes
    ----------
    url_callable
        Functions that an API or a URL may invoke, as their resource policies say.
    unfollowed
        Functions that a service may invoke for reasons that are not followed.
    unreadable_filters
        How many filters could not be read.
    """

    edges: tuple[TriggerEdge, ...]
    listeners: tuple[Listener, ...] = ()
    url_callable: frozenset[Node] = frozenset()
    unfollowed: frozenset[Node] = frozenset()
    unreadable_filters: int = 0


def read_triggers(account: Account) -> Triggers:
    """Everything that leads on from a resource."""
    place = AccountLocation(
        partition=account.partition, region=account.region, account=account.account
    )
    edges = list(read_configured(account, place))
    services, listeners = read_service_events(account, place)
    policies = read_invoke_permissions(account, edges)
    edges += [*services, *policies.edges]
    return Triggers(
        edges=tuple(sorted(edges, key=_rank)),
        listeners=tuple(sorted({*listeners, *policies.listeners}, key=_rank_listener)),
        url_callable=policies.url_callable,
        unfollowed=policies.unfollowed,
        unreadable_filters=sum(
            isinstance(edge.event_filter, RecordFilter | MessageFilter)
            and not edge.event_filter.is_known
            for edge in edges
        ),
    )


def _rank(edge: TriggerEdge) -> tuple[Node, Node, str, str, str]:
    return (
        edge.source,
        edge.target,
        edge.means.value,
        edge.id,
        repr((edge.event_filter, edge.is_enabled)),
    )


def _rank_listener(listener: Listener) -> tuple[Node, str, str]:
    return listener.node, listener.payload.rule, listener.service
