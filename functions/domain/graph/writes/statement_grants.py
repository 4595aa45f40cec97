"""What single statements let a role write."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from functions.domain.filters.s3_keys import find_keys_within
from functions.domain.graph.model import Certainty, EdgeReason, Node, NodeKind
from functions.domain.graph.payloads import Payload, Put, Stored
from functions.domain.graph.writes.permission import WildcardMember, WritePermission, permission
from functions.domain.graph.writes.reading_cost import Cost
from functions.domain.graph.writes.write_actions import WriteAction, list_asked
from functions.domain.iam.access import Access, Allowed, Because, Reach, Rights
from functions.domain.iam.document import Condition
from functions.domain.iam.wildcard import Glob, Pattern, overlaps, read_glob


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one kind of resource, and what a set of policies says of it."""

    kind: NodeKind
    way: WriteAction
    action: str
    allowed: Rights
    cost: Cost


_ANY_KEY: Final = Glob.parse("?*")  # no object has an empty key
_MOST_KEYS: Final = 8  # patterns of the keys in a bucket that one statement speaks of
# Conditions on what is put, which the code chooses: they narrow the event, not the permission.
_EVENT_KEYS: Final = frozenset({"events:source", "events:detail-type"})
_POSITIVE: Final = frozenset({"stringequals", "stringlike"})
_REFUSALS: Final[Mapping[Because, EdgeReason]] = {
    Because.EXPLICIT_DENY: EdgeReason.EXPLICIT_DENY,
    Because.BOUNDARY: EdgeReason.BOUNDARY,
}
_OPEN_REASONS: Final[Mapping[Because, EdgeReason]] = {
    Because.CONDITION: EdgeReason.CONDITION,
    Because.UNREADABLE: EdgeReason.UNREADABLE,
}


def grant_by_name(
    node: Node, question: Question, own: Allowed, *, is_direct: bool
) -> Iterator[WritePermission]:
    """Grants of a statement that names a resource, with what limits it."""
    way, action, allowed = question.way, question.action, question.allowed
    by = ((), (own,)) if is_direct else ((own,), ())
    asking = _narrow_to_node(node, own.pattern, action)
    reached = [reach for one in asking for reach in allowed.reach(one, by=by)]
    if not reached and not any(map(allowed.reach, asking)):
        answer = allowed.answer(asking[0])
        yield WritePermission(
            target=node,
            payload=way.payload(node),
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
        for left in _list_payloads(way, node, reach):
            is_open, payload = _narrow_by_conditions(left, reach)
            yield WritePermission(
                target=node,
                payload=payload,
                edge=permission(
                    action,
                    certainty=Certainty.POSSIBLE if is_open else Certainty.CERTAIN,
                    reason=_OPEN_REASONS.get(reach.because, EdgeReason.CONDITION)
                    if is_open
                    else EdgeReason.NAMED_BY_STATEMENT,
                    policy=reach.policy,
                    sid=reach.sid or own.statement.name,
                    detail=_describe_conditions(reach.conditions) if is_open else "",
                ),
            )


def list_members(
    node: Node, question: Question, pattern: Glob, *, is_limited: bool
) -> Iterator[WildcardMember]:
    """What a wildcard reaches of one resource, or what takes the resource out of it."""
    way, allowed = question.way, question.allowed
    if not is_limited:
        payload = way.payload(node)
        if isinstance(payload, Stored):
            for keys in _list_keys(pattern, node):
                stored = Stored(payload.bucket, payload.action, str(keys))
                yield WildcardMember(node=node, payload=stored)
            return
        yield WildcardMember(node=node, payload=payload)
        return
    asking = list_asked(node, question.action)
    # What was not compared, because it is too much, may be allowed: it names a policy.
    reached = [one for text in asking for one in allowed.reach(text) if one.policy]
    if not reached:
        answer = allowed.answer(asking[0])
        refusal = _REFUSALS.get(answer.because)
        if refusal:
            yield WildcardMember(
                node=node,
                payload=way.payload(node),
                refusal=refusal,
                policy=answer.policy,
                sid=answer.sid,
            )
        return
    seen: set[Payload] = set()
    for reach in reached:
        for left in _list_payloads(way, node, reach):
            if left not in seen:
                seen.add(left)
                yield WildcardMember(node=node, payload=left, is_conditional=reach.is_conditional)


def describe_limits(allowed: Rights) -> tuple[str, ...]:
    """What narrows a wildcard, as a text: the same limits give the same wildcard."""
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
    # Short, because every look at a wildcard reads it.
    text = "\n".join(found).encode(errors="backslashreplace")
    return (hashlib.sha256(text).hexdigest(),) if found else ()


def _narrow_to_node(node: Node, pattern: Glob, action: str) -> tuple[Glob, ...]:
    """What a statement that names a resource lets write to, of this resource alone.

    ``arn:*:s3:::orders/*`` also names objects that are in no bucket of this name.
    """
    if node.kind is not NodeKind.BUCKET:
        return (next(read_glob(one) for one in list_asked(node, action) if overlaps(pattern, one)),)
    start = Glob.literal(f"{node.arn}/")
    return tuple(
        start + (_ANY_KEY if keys == Glob.anything() else keys)
        for keys in _list_keys(pattern, node)
    )


def _list_keys(pattern: Pattern, node: Node) -> tuple[Glob, ...]:
    """The keys in a bucket that a statement speaks of, or more where that takes many patterns."""
    found = find_keys_within(pattern, node.arn)
    return found if len(found) <= _MOST_KEYS else (Glob.anything(),)


def _list_payloads(way: WriteAction, node: Node, reach: Reach) -> Iterator[Payload]:
    """What is left behind: for a bucket, under which keys."""
    payload = way.payload(node)
    if not isinstance(payload, Stored):
        yield payload
        return
    # Only what is taken away in this bucket counts: a Deny for `*-prod/*` is about other buckets,
    # and about keys here that hold `-prod/`.
    excluded = tuple(
        str(keys) for one in reach.excluded for keys in find_keys_within(one, node.arn)[:_MOST_KEYS]
    )
    for keys in _list_keys(reach.pattern, node):
        yield Stored(payload.bucket, payload.action, str(keys), excluded)


def _narrow_by_conditions(payload: Payload, reach: Reach) -> tuple[bool, Payload]:
    """Whether something about the permission is open, and the payload that it allows."""
    if reach.access is Access.ALLOWED:
        return False, payload
    if not isinstance(payload, Put) or not reach.conditions:
        return True, payload
    found: dict[str, tuple[str, ...]] = {}
    for line in reach.conditions:
        key, operator = line.key.lower(), line.operator.lower()
        if key not in _EVENT_KEYS or operator not in _POSITIVE or key in found:
            return True, payload
        is_literal = operator == "stringequals"
        found[key] = tuple(_escape(one) if is_literal else one for one in line.values)
    return False, Put(found.get("events:source", ()), found.get("events:detail-type", ()))


def _escape(text: str) -> str:
    return text.replace("*", "${*}").replace("?", "${?}")


def _describe_conditions(conditions: tuple[Condition, ...]) -> str:
    return ", ".join(
        f"{line.operator} {line.key} {' or '.join(line.values)}" for line in conditions
    )
