"""What invokes each function, and whether that lies on a loop of the function.

A source lies on a loop where it and the function are in one strongly connected component: what the
function does may lead back to it. The edges that count say how sure that is.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Account
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.model import EdgeSpec, Means, NodeKind
from functions.domain.graph.nodes import is_elsewhere
from functions.domain.graph.payloads import Invoked
from functions.domain.graph.propagation.graph import Propagation, Rank, Unobserved

_LEVELS: Final = (
    (Rank.CERTAIN, LoopProof.CERTAIN),
    (Rank.POSSIBLE, LoopProof.POSSIBLE),
    (Rank.UNSEEN, LoopProof.UNKNOWN),
)
_GRAVITY: Final[Mapping[LoopProof, int]] = MappingProxyType(
    {
        LoopProof.CERTAIN: 0,
        LoopProof.POSSIBLE: 1,
        LoopProof.UNKNOWN: 2,
        LoopProof.RULED_OUT: 3,
    }
)
_POLLED: Final[Mapping[NodeKind, SourceKind]] = MappingProxyType(
    {
        NodeKind.QUEUE: SourceKind.QUEUE,
        NodeKind.TABLE: SourceKind.TABLE,
        NodeKind.STREAM: SourceKind.STREAM,
    }
)
# Lambda sends what becomes of an event asynchronously (Lambda developer guide, *Capturing records
# of asynchronous invocations*). Whoever else may invoke a function may wait for its answer, too.
_SENT: Final = frozenset({Means.DESTINATION, Means.DEAD_LETTER})


def find_sources(
    flow: Propagation, parts: Mapping[Rank, Mapping[int, int]], account: Account
) -> Mapping[str, tuple[Source, ...]]:
    """The sources of each function, by name; one that nothing seems to invoke has none.

    Asynchronous events are one source, whoever sends them: Lambda counts them together. It lies on
    a loop where one of its senders does.

    Parameters
    ----------
    parts
        The components of the flow, as the search for loops found them: see `Found`.
    """
    found: dict[str, dict[tuple[SourceKind, str], LoopProof]] = {}
    redriven = frozenset(one.dead_letter_arn for one in account.queues)
    for edge, target in enumerate(flow.targets):
        name = flow.functions[target]
        if not name or flow.ranks[edge] is Rank.RULED_OUT:
            continue
        loop = _find_loop(flow, edge, parts)
        if loop is LoopProof.RULED_OUT and isinstance(flow.places[flow.sources[edge]], Unobserved):
            continue  # nothing that the function does gets out of sight
        known = found.setdefault(name, {})
        for key in _list_keys(flow, edge, name, account, redriven):
            known[key] = min(known.get(key, loop), loop, key=_GRAVITY.__getitem__)
    return MappingProxyType(
        {
            name: tuple(
                Source(kind=kind, name=source, loop=loop)
                for (kind, source), loop in sorted(known.items())
            )
            for name, known in found.items()
        }
    )


def _find_loop(flow: Propagation, edge: int, parts: Mapping[Rank, Mapping[int, int]]) -> LoopProof:
    source, target = flow.sources[edge], flow.targets[edge]
    for rank, proof in _LEVELS:
        number = parts[rank].get(source)
        if flow.ranks[edge] <= rank and number is not None and number == parts[rank].get(target):
            return proof
    return LoopProof.RULED_OUT


def _list_keys(
    flow: Propagation, edge: int, function: str, account: Account, redriven: frozenset[str]
) -> Iterator[tuple[SourceKind, str]]:
    """The kinds and names of what an edge into a function stands for."""
    place, entered = flow.places[flow.sources[edge]], flow.places[flow.targets[edge]]
    node = place[0] if isinstance(place, tuple) else None
    info = flow.infos[edge]
    means = info.means if isinstance(info, EdgeSpec) else None
    if node is not None and means is Means.MAPPING:
        # CloudWatch counts where the resource is, see `find_counted_kind` of a hold's sources; and
        # what SQS moves to a dead-letter queue it counts nowhere, see `list_arrival_metrics`.
        elsewhere = is_elsewhere(node.arn, account.account, account.region)
        is_counted = not elsewhere and node.arn not in redriven
        kind = _POLLED.get(node.kind, SourceKind.OTHER) if is_counted else SourceKind.OTHER
        yield kind, node.name
        return
    is_sent = means in _SENT
    is_async = isinstance(entered, tuple) and entered[1] == Invoked(is_async=True)
    if is_async:
        yield SourceKind.ASYNCHRONOUS, function
    # A permission to invoke, or nobody knows what: whoever waits for the answer is not counted.
    if not is_async or node is None or (node.kind is NodeKind.FUNCTION and not is_sent):
        yield SourceKind.OTHER, "others" if node is None else node.name
