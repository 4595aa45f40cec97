"""The statements of a role, by the action and by the services that they speak of."""

from dataclasses import replace
from functools import lru_cache
from typing import Final

from functions.domain.graph.writes.write_actions import WRITE_ACTIONS
from functions.domain.iam.access import Identity
from functions.domain.iam.document import Effect, PolicyDocument, Selection, Statement
from functions.domain.iam.wildcard import matches

_CACHED: Final = 4_096


def group_by_action(identity: Identity) -> dict[str, Identity]:
    """For each action that is allowed at all: the policies with the statements about it only."""
    own, allowed = _group_statements(identity.policies)
    direct, also_allowed = _group_statements(identity.direct)
    return {
        action: replace(identity, policies=own.get(action, ()), direct=direct.get(action, ()))
        for action in allowed | also_allowed
    }


def _group_statements(
    policies: tuple[PolicyDocument, ...],
) -> tuple[dict[str, tuple[PolicyDocument, ...]], set[str]]:
    """By action: the policies with the statements about it only. And the actions allowed."""
    documents: dict[str, dict[int, list[Statement]]] = {}
    allowed: set[str] = set()
    for number, document in enumerate(policies):
        for statement in document.statements:
            spoken = _list_named_actions(statement.actions)
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


@lru_cache(maxsize=_CACHED)
def _list_named_actions(actions: Selection) -> frozenset[str]:
    """Those of the actions in `WRITE_ACTIONS` that a statement's actions name."""
    every = (action for ways in WRITE_ACTIONS.values() for way in ways for action in way.actions)
    return frozenset(
        action
        for action in every
        if actions.is_inverted
        is not any(matches(own, action, ignore_case=True) for own in actions.patterns)
    )


def list_services(identity: Identity) -> frozenset[str] | None:
    """The services that the statements speak of; ``None`` for all of them."""
    found: set[str] = set()
    for document in (*identity.policies, *identity.direct):
        for statement in document.statements:
            if statement.effect is Effect.DENY:
                continue
            services = _list_services_of(statement)
            if services is None:
                return None
            found |= services
    return frozenset(found)


def _list_services_of(statement: Statement) -> frozenset[str] | None:
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
