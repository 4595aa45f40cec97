"""From what was read of an account to its loops.

What CERTAIN, POSSIBLE and RULED_OUT mean
-----------------------------------------
Configuration tells what can happen, not what code does. So every certainty is about permission and
wiring, and the certainty of a loop is that of its weakest edge.

*Writes*, from a function (or state machine) to a resource that leads on:

- CERTAIN: its role may write to exactly this resource, under no condition that is not known, by a
  statement that names it (and, where several functions share the role, an environment variable or
  destination of this one names it too); or the role may by a wildcard and an environment variable
  names the resource (name, ARN, URL); or an on-success destination or a state that every execution
  comes by names it and the role may; or it is the function's own log group and the role may write
  logs.
- POSSIBLE: only a wildcard over many resources allows it; or only another role may, which this one
  may assume; or it only removes what something else must put back; or the statement that names it
  is what a destination of the function needs anyway; or a condition, a variable or a policy that
  could not be read decides; or only what fails goes there (dead-letter queue, on-failure
  destination, redrive policy); or a state behind a Choice does it; or a URL or broker that takes no
  permission of IAM is named in the environment; or the role may make calls of an AWS service whose
  events somebody listens for.
- RULED_OUT: an explicit Deny or the permissions boundary takes it away; the environment names the
  resource and no statement allows it; the destination only gets asynchronous invocations and the
  function is invoked in another way. What nothing speaks of is no edge at all.

*Triggers*, from a resource to a function or on to another resource, judged against what the writer
before may write there (keys, event names, sources and detail types), not by themselves:

- CERTAIN: enabled, and without a filter, or the filter lets pass all that may be written.
- POSSIBLE: the filter may let it pass, or could not be read (encrypted, malformed); or only what
  fails comes by; or a resource policy allows a trigger that nobody could look for.
- RULED_OUT: disabled, or the filter excludes all that may be written, or it hears of other events.

*Proofs*, per function: CERTAIN or POSSIBLE for the surest cycle through it. RULED_OUT only where no
cycle exists even if everything that could not be seen did the worst: parts of the account that were
not read, policies that could not be, other accounts, URLs and brokers (which take no permission),
schedules that it may make, log groups that a wildcard lets it write to, access points of S3, and
durable functions, which Lambda itself invokes again. Where one of these could close a cycle the
proof is UNKNOWN, and `EventGraph.doubts` says which.

Resource policies of queues, topics, buckets, buses, tables, streams and functions count like
policies of the roles that they name; one that names everybody only makes a write possible.

Not seen at all: what other compute does (containers, machines, people), service and resource
control policies, and changes of the configuration that a function itself may make.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Account
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.feeders import find_sources
from functions.domain.graph.model import (
    Acceptance,
    Certainty,
    Edge,
    EventGraph,
    GraphSize,
    Loop,
    Means,
    NodeKind,
)
from functions.domain.graph.paths.breaking_changes import ListedLoop, find_cuts
from functions.domain.graph.paths.limits import USUAL, Limits
from functions.domain.graph.paths.search import Cycle, Found, describe_edges, search
from functions.domain.graph.propagation.graph import Propagation
from functions.domain.graph.propagation.propagate import propagate
from functions.domain.graph.writes.resource_grants import ResourcePolicies

ACCEPTED_TAG: Final = "loopbreaker:accepted-loop"

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
# `Use Lambda recursive loop detection` of the Lambda developer guide.
UNDETECTED_REGIONS: Final = frozenset({"mx-central-1", "ap-southeast-6"})
_DETECTED_TARGETS: Final = frozenset(
    {NodeKind.FUNCTION, NodeKind.QUEUE, NodeKind.TOPIC, NodeKind.BUCKET}
)
_DETECTED_MEANS: Final = frozenset(
    {Means.PERMISSION, Means.MAPPING, Means.SUBSCRIPTION, Means.NOTIFICATION}
)
_ORDER: Final = {Certainty.CERTAIN: 0, Certainty.POSSIBLE: 1}


def build(
    account: Account,
    accepted: Mapping[str, str] = _NOTHING,
    *,
    limits: Limits = USUAL,
) -> EventGraph:
    """Find the loops of an account.

    Parameters
    ----------
    accepted
        Reasons by function name: loops through these functions are intended. The tag
        ``loopbreaker:accepted-loop`` of a function says the same.
    limits
        How much work it may take. What would take more casts the doubt `Doubt.BUDGET`.
    """
    policies = ResourcePolicies(account)
    account = replace(account, gaps=(*account.gaps, *policies.gaps))
    flow = propagate(account, policies, limits)
    found = search(flow, limits)
    said = _read_acceptances(account, accepted)
    settings = {one.name: one.recursive_loop for one in account.functions}

    described: dict[tuple[int, int], Edge] = {}

    def describe(way: Cycle) -> Loop:
        return _describe_loop(account.region, describe_edges(flow, way, described), said, settings)

    listed = [ListedLoop(way=way, loop=describe(way)) for way in found.ways]
    listed.sort(key=lambda one: _rank(one.loop))
    cuts = find_cuts(flow, listed, limits)
    loops = [replace(one.loop, cuts=own) for one, own in zip(listed, cuts, strict=True)]
    return EventGraph(
        account=account.account,
        region=account.region,
        at=account.at,
        loops=_drop_repeated(loops),
        proofs=MappingProxyType(dict(sorted(found.proofs.items()))),
        doubts=MappingProxyType(dict(sorted(found.doubts.items()))),
        sources=find_sources(flow, found.parts, account),
        gaps=tuple(
            f"{gap.area.value}{f' ({gap.resource})' if gap.resource else ''}: {gap.words}"
            for gap in sorted(account.gaps, key=lambda gap: (gap.area, gap.resource, gap.words))
        ),
        counts=_count(flow, found),
    )


def _count(flow: Propagation, found: Found) -> GraphSize:
    proofs = list(found.proofs.values())
    return GraphSize(
        functions=len(proofs),
        nodes=len(flow.places),
        edges=len(flow.sources),
        certain=proofs.count(LoopProof.CERTAIN),
        possible=proofs.count(LoopProof.POSSIBLE),
        unknown=proofs.count(LoopProof.UNKNOWN),
        ruled_out=proofs.count(LoopProof.RULED_OUT),
        loops_unlisted=found.unlisted,
        unreadable_policies=flow.unreadable_policies,
        unreadable_filters=flow.unreadable_filters,
    )


def _rank(loop: Loop) -> tuple[int, bool, int, tuple[str, ...], str]:
    return (
        _ORDER[loop.certainty],
        loop.is_broad,
        len(loop.edges),
        tuple(sorted(loop.functions)),
        loop.key,
    )


def _drop_repeated(loops: list[Loop]) -> tuple[Loop, ...]:
    """Loops that differ only in what lies in a resource are one to people."""
    found: dict[str, Loop] = {}
    for one in loops:
        found.setdefault(one.key, one)
    return tuple(found.values())


def _read_acceptances(account: Account, accepted: Mapping[str, str]) -> dict[str, Acceptance]:
    found = {
        one.name: Acceptance(by=one.name, reason=one.tags[ACCEPTED_TAG])
        for one in account.functions
        if ACCEPTED_TAG in one.tags
    }
    for name, reason in accepted.items():
        found.setdefault(name, Acceptance(by=name, reason=reason))
    return found


def _describe_loop(
    region: str,
    edges: tuple[Edge, ...],
    accepted: Mapping[str, Acceptance],
    settings: Mapping[str, str],
) -> Loop:
    """A loop that begins where its first function (by name) is triggered."""
    bare = Loop(edges=edges)
    first = min(bare.functions)
    bare = bare.seen_from(first)
    names = sorted(set(bare.functions))
    allowed = tuple(one for one in names if settings.get(one) == "Allow")
    said = next((accepted[name] for name in sorted(bare.functions) if name in accepted), None)
    return Loop(
        edges=bare.edges,
        is_protected_by_aws=not allowed
        and region not in UNDETECTED_REGIONS
        and all(map(_is_detected, bare.edges)),
        allowing=allowed,
        unread=tuple(one for one in names if not settings.get(one)),
        accepted=said,
    )


def _is_detected(edge: Edge) -> bool:
    """Whether AWS's own detection follows an edge.

    UNCONFIRMED A-023: that it does not follow destinations and dead-letter queues. A loop through
    one is called unprotected, which at worst warns of what AWS would have stopped.
    """
    if edge.means not in _DETECTED_MEANS:
        return False
    if edge.means is Means.MAPPING:
        return edge.source.kind is NodeKind.QUEUE
    return edge.target.kind in _DETECTED_TARGETS
