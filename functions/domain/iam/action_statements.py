"""The statements of policies that are about one action, pattern by pattern."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from functions.domain.iam.arn import ARN_PARTS
from functions.domain.iam.conditions import Context, find_undecided
from functions.domain.iam.document import Condition, Effect, PolicyDocument, Selection, Statement
from functions.domain.iam.wildcard import (
    Glob,
    covers,
    find_remainders,
    matches,
    overlaps,
    read_glob,
)

EVERYTHING: Final = Glob.anything()
_READ: Final = 8_192  # statements of resource policies, which many roles share
_MARKS: Final = ("/", ":")  # what comes between a resource's ARN and what is in it


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one pattern of an Allow statement lets a role act on.

    Attributes
    ----------
    left_out
        What NotResource names; `pattern` is then everything.
    is_exact
        False where the statement holds a variable, or names no resources.
    """

    pattern: Glob
    left_out: tuple[Glob, ...]
    policy: str
    statement: Statement
    open_conditions: tuple[Condition, ...]
    is_exact: bool

    @property
    def is_sure(self) -> bool:
        """Whether nothing about the statement is open."""
        return self.is_exact and not self.open_conditions


@dataclass(frozen=True, slots=True)
class Denied:
    """What one Deny statement takes away: what matches `patterns`, or all else (NotResource).

    `within`: of a resource policy, the one resource and what is in it; empty for anything.
    """

    patterns: tuple[Glob, ...]
    is_all_else: bool
    policy: str
    statement: Statement
    open_conditions: tuple[Condition, ...]
    is_sure: bool
    within: tuple[Glob, ...] = ()

    def takes(self, pattern: Glob) -> bool:
        """Whether it certainly denies everything that matches."""
        if not (self.is_sure and self.is_about(pattern)):
            return False
        if self.is_all_else:
            return not any(overlaps(own, pattern) for own in self.patterns)
        return any(covers(own, pattern) for own in self.patterns)

    def is_about(self, pattern: Glob) -> bool:
        """Whether everything that matches is certainly what it speaks of: see `within`."""
        return not self.within or any(covers(own, pattern) for own in self.within)

    def may_take(self, text: str) -> bool:
        """Whether it may deny this one: a pattern that is not exact matches too much."""
        if self.within and not any(matches(own, text) for own in self.within):
            return False
        if self.is_all_else:
            return not any(own.is_exact and matches(own, text) for own in self.patterns)
        return any(matches(own, text) for own in self.patterns)


@dataclass(frozen=True, slots=True)
class ActionStatements:
    """The statements of some documents that are about one action.

    Attributes
    ----------
    allowed, denied
        Those whose conditions hold, or may hold.
    failed
        Those that would allow it, with the lines that do not hold.
    parts
        The first two again, of each resource whose policy they are in: an account has thousands of
        these, and a question is about one. Empty where there is none.
    """

    allowed: tuple[Allowed, ...]
    denied: tuple[Denied, ...]
    failed: tuple[tuple[str, Statement, tuple[Condition, ...]], ...]
    parts: Mapping[str, tuple[tuple[Allowed, ...], tuple[Denied, ...]]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @classmethod
    def of(
        cls, documents: Iterable[PolicyDocument], action: str, context: Context
    ) -> "ActionStatements":
        """Read the statements of documents."""
        allowed: list[Allowed] = []
        denied: list[Denied] = []
        failed: list[tuple[str, Statement, tuple[Condition, ...]]] = []
        for document in documents:
            for statement in document.statements:
                if not statement.speaks_of(action):
                    continue
                not_met, unclear = find_undecided(statement.conditions, context)
                if statement.effect is Effect.DENY:
                    if not not_met:
                        denied.append(_read_denied(document.name, statement, unclear))
                elif not_met:
                    failed.append((document.name, statement, not_met))
                else:
                    allowed.extend(read_allowed(document.name, statement, unclear))
        return cls(
            tuple(allowed), tuple(denied), tuple(failed), _group_by_resource(allowed, denied)
        )

    def select_near(self, asked: Glob) -> "ActionStatements":
        """What of it may be about a resource pattern."""
        head = asked.head
        if not self.parts or head.count(":") < ARN_PARTS - 1:
            return self
        names = [head, *(head[:at] for at, mark in enumerate(head) if mark in _MARKS)]
        if not asked.is_literal:
            names += [name for name in self.parts if name.startswith(head) and name != head]
        found = [self.parts[name] for name in ("", *names) if name in self.parts]
        return ActionStatements(
            tuple(one for allowed, _ in found for one in allowed),
            tuple(one for _, denied in found for one in denied),
            self.failed,
        )


def _group_by_resource(
    allowed: Iterable[Allowed], denied: Iterable[Denied]
) -> Mapping[str, tuple[tuple[Allowed, ...], tuple[Denied, ...]]]:
    """Both by the resource that their statement is within; nothing where there is no such one."""
    found: dict[str, tuple[list[Allowed], list[Denied]]] = {}
    for grant in allowed:
        found.setdefault(grant.statement.within, ([], []))[0].append(grant)
    for denial in denied:
        found.setdefault(denial.statement.within, ([], []))[1].append(denial)
    if not any(found):
        return MappingProxyType({})
    return {within: (tuple(one), tuple(other)) for within, (one, other) in found.items()}


def read_allowed(
    policy: str, statement: Statement, unclear: tuple[Condition, ...]
) -> Iterable[Allowed]:
    """What an Allow statement lets act on: one entry for each of its patterns."""
    selection = statement.resources
    if selection is None and statement.within:
        selection = Selection(patterns=("*",))
    if selection is None or selection.is_inverted:
        # IAM takes no identity policy without resources: what it would mean is not known.
        left_out = tuple(map(read_glob, selection.patterns)) if selection else ()
        is_exact = bool(selection) and all(glob.is_exact for glob in left_out)
        for pattern in _list_inside(statement.within) or (EVERYTHING,):
            yield Allowed(pattern, left_out, policy, statement, unclear, is_exact=is_exact)
        return
    for glob in _list_patterns(selection, statement.within):
        yield Allowed(glob, (), policy, statement, unclear, is_exact=glob.is_exact)


def _read_denied(policy: str, statement: Statement, unclear: tuple[Condition, ...]) -> Denied:
    selection = statement.resources or Selection(patterns=("*",))
    within = "" if selection.is_inverted else statement.within
    return Denied(
        _list_patterns(selection, within),
        selection.is_inverted,
        policy,
        statement,
        unclear,
        is_sure=not unclear and (statement.resources is not None or bool(statement.within)),
        within=_list_inside(statement.within),
    )


@lru_cache(maxsize=_READ)
def _list_inside(resource: str) -> tuple[Glob, ...]:
    """A resource and what is in it: objects, streams, indexes, versions; empty for no resource."""
    if not resource:
        return ()
    own = Glob.literal(resource)
    return own, *(own + Glob.literal(mark) + Glob.anything() for mark in _MARKS)


@lru_cache(maxsize=_READ)
def _list_patterns(selection: Selection, within: str) -> tuple[Glob, ...]:
    """The patterns of a statement, or exactly the part of them that lies within a resource."""
    found: list[Glob] = []
    for pattern in map(read_glob, dict.fromkeys(selection.patterns)):
        if not within:
            found.append(pattern)
            continue
        if matches(pattern, within):
            found.append(replace(Glob.literal(within), is_exact=pattern.is_exact))
        for start in (f"{within}{mark}" for mark in _MARKS):
            found.extend(Glob.literal(start) + rest for rest in find_remainders(pattern, start))
    return tuple(found)
