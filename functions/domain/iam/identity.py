"""What the policies of a role let it do.

Logic: `Policy evaluation logic` of the IAM user guide. What is not seen is told in `access`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Role
from functions.domain.iam.answer import Access, Answer, Because
from functions.domain.iam.arn import ARN_PARTS, account_of
from functions.domain.iam.conditions import Context, undecided
from functions.domain.iam.document import (
    Condition,
    Effect,
    MalformedPolicyError,
    PolicyDocument,
    Selection,
    Statement,
    parse_policy,
)
from functions.domain.iam.wildcard import (
    Glob,
    Pattern,
    as_glob,
    covers,
    intersection,
    matches,
    overlaps,
    remainders,
    witnesses,
)

_NOTHING_KNOWN: Final[Context] = MappingProxyType({})
_EVERYTHING: Final = Glob.anything()
_READ: Final = 8_192  # statements of resource policies, which many roles share
_MARKS: Final = ("/", ":")  # what comes between a resource's ARN and what is in it
# Past this many patterns a further Deny with NotResource no longer narrows what is looked at. It
# is still asked about each witness, so that nothing is allowed that it denies.
_MOST_NARROWED: Final = 64
# Patterns of a role, times those of its boundary, times those of Deny, for one question. No policy
# that somebody wrote for a purpose comes near.
_MOST_COMPARED: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Resources that a role may act on, and the statement that says so.

    Attributes
    ----------
    pattern
        ARN pattern within what was asked; it may be wider than what the policies together allow,
        never narrower.
    excluded
        Patterns of that which are certainly not allowed (Deny, NotResource).
    access
        ALLOWED where at least one resource matching `pattern` is certainly allowed, else POSSIBLE.
    conditions
        The lines of the statements that allow it and that nobody here can decide, where they are
        all that is open: if they hold, it is ALLOWED.
    doubts
        All lines that nobody here can decide, those of statements that deny it too.
    """

    pattern: str
    excluded: tuple[str, ...] = ()
    access: Access
    because: Because
    policy: str = ""
    sid: str = ""
    conditions: tuple[Condition, ...] = ()
    doubts: tuple[Condition, ...] = ()

    @property
    def is_conditional(self) -> bool:
        """Whether it takes something that is not known here."""
        return self.access is Access.POSSIBLE

    @property
    def answer(self) -> Answer:
        """The same without the resources."""
        return Answer(
            access=self.access,
            because=self.because,
            policy=self.policy,
            sid=self.sid,
            conditions=self.doubts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The policies that a role acts with.

    Attributes
    ----------
    is_complete
        False where a policy is missing or could not be read: nothing is certain then but an
        explicit Deny and what a boundary leaves out.
    direct
        What resource policies allow the session itself or everybody: the permissions boundary
        does not limit that, but an explicit Deny does (IAM user guide, `Permissions boundaries for
        IAM entities`). Statements that allow only.
    """

    policies: tuple[PolicyDocument, ...] = ()
    boundary: PolicyDocument | None = None
    direct: tuple[PolicyDocument, ...] = ()
    is_complete: bool = True


def identity_of(role: Role, parse: Callable[[str, str], PolicyDocument] = parse_policy) -> Identity:
    """Read the policies of a role. One that is malformed is left out.

    Parameters
    ----------
    parse
        `parse_policy`, or the same with a memory: roles share policies.
    """
    policies: list[PolicyDocument] = []
    is_complete = role.is_complete
    for policy in role.policies:
        try:
            policies.append(parse(policy.text, policy.name))
        except MalformedPolicyError:
            is_complete = False
    boundary = None
    if role.boundary:
        try:
            boundary = parse(role.boundary.text, role.boundary.name)
        except MalformedPolicyError:
            is_complete = False
    return Identity(policies=tuple(policies), boundary=boundary, is_complete=is_complete)


def identity_access(
    identity: Identity, action: str, resource: str, context: Context = _NOTHING_KNOWN
) -> Answer:
    """Whether a role may do an action on some resource that matches `resource`.

    Parameters
    ----------
    action
        Such as ``s3:PutObject``; no pattern.
    resource
        An ARN or a pattern of ARNs.
    context
        What is known of the request; see `conditions.Context`.
    """
    return rights(identity, action, context).answer(resource)


def execution_context(
    *, role_arn: str = "", function_arn: str = "", region: str = ""
) -> dict[str, tuple[str, ...] | None]:
    """What is known of every request that a function makes through an SDK.

    UNCONFIRMED: that functions call AWS with TLS and in their own Region. Both is what the SDKs do
    unless they are told otherwise, and only policies that ask for the contrary depend on it.
    ``aws:MultiFactorAuthPresent`` is left out: temporary credentials may send it as false.
    """
    known: dict[str, tuple[str, ...] | None] = {
        "aws:SecureTransport": ("true",),
        "aws:PrincipalIsAWSService": ("false",),
        "aws:PrincipalType": ("AssumedRole",),
        "aws:MultiFactorAuthAge": (),
        "lambda:InvokedViaFunctionUrl": ("false",),
        "lambda:FunctionUrlAuthType": (),
    }
    if role_arn:
        known["aws:PrincipalArn"] = (role_arn,)
        known["aws:PrincipalAccount"] = (account_of(role_arn),)
    if function_arn:
        known["lambda:SourceFunctionArn"] = (function_arn,)
    if region:
        known["aws:RequestedRegion"] = (region,)
    return known


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
class Side:
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
    def of(cls, documents: Iterable[PolicyDocument], action: str, context: Context) -> "Side":
        """Read the statements of documents."""
        allowed: list[Allowed] = []
        denied: list[Denied] = []
        failed: list[tuple[str, Statement, tuple[Condition, ...]]] = []
        for document in documents:
            for statement in document.statements:
                if not statement.speaks_of(action):
                    continue
                not_met, unclear = undecided(statement.conditions, context)
                if statement.effect is Effect.DENY:
                    if not not_met:
                        denied.append(_denied(document.name, statement, unclear))
                elif not_met:
                    failed.append((document.name, statement, not_met))
                else:
                    allowed.extend(_allowed(document.name, statement, unclear))
        return cls(tuple(allowed), tuple(denied), tuple(failed), _by_resource(allowed, denied))

    def near(self, asked: Glob) -> "Side":
        """What of it may be about a resource pattern."""
        head = asked.head
        if not self.parts or head.count(":") < ARN_PARTS - 1:
            return self
        names = [head, *(head[:at] for at, mark in enumerate(head) if mark in _MARKS)]
        if not asked.is_literal:
            names += [name for name in self.parts if name.startswith(head) and name != head]
        found = [self.parts[name] for name in ("", *names) if name in self.parts]
        return Side(
            tuple(one for allowed, _ in found for one in allowed),
            tuple(one for _, denied in found for one in denied),
            self.failed,
        )


@dataclass(frozen=True, slots=True)
class Rights:
    """What an identity says about one action: asked for many resources, it is read once.

    Made by `rights`. `boundary` is ``None`` for a role that has none; `direct` is beside it.
    """

    identity: Identity
    own: Side
    boundary: Side | None
    direct: Side

    @property
    def size(self) -> int:
        """How many patterns an answer has to look at: what it costs."""
        limits = len(self.boundary.allowed) if self.boundary else 1
        return len(self.own.allowed) * limits + sum(len(one.patterns) for one in self._denials())

    def answer(self, resource: Pattern) -> Answer:
        """As `identity_access`."""
        asked = as_glob(resource)
        near = self._near(asked)
        reached = near._reached(asked)  # noqa: SLF001 (it is one of these)
        return reached[0].answer if reached else near._refusal(asked)  # noqa: SLF001

    def reach(
        self,
        resource_pattern: Pattern,
        *,
        by: tuple[tuple[Allowed, ...], tuple[Allowed, ...]] | None = None,
    ) -> tuple[Reach, ...]:
        """The resources matching a pattern that the role may act on, certain ones first.

        Parameters
        ----------
        by
            Some of `own.allowed` and `direct.allowed`: what these allow. A role may have a thousand
            of them, and to ask about each of them beside all others would take a million looks.
        """
        asked = as_glob(resource_pattern)
        near = self._near(asked)
        if by is not None:
            near = replace(
                near,
                own=replace(near.own, allowed=by[0]),
                direct=replace(near.direct, allowed=by[1]),
            )
        return near._reached(asked)  # noqa: SLF001 (it is one of these)

    def _near(self, asked: Glob) -> "Rights":
        """The same without what is only said of other resources."""
        if not (self.own.parts or self.direct.parts):
            return self
        own, direct = self.own.near(asked), self.direct.near(asked)
        return replace(self, own=own, direct=direct)

    def _reached(self, asked: Glob) -> tuple[Reach, ...]:
        if self._denial(asked):
            return ()
        grants = [own for own in self.own.allowed if overlaps(own.pattern, asked)]
        direct = [own for own in self.direct.allowed if overlaps(own.pattern, asked)]
        limits: list[Allowed | None] = [None]
        if self.boundary:
            limits = [own for own in self.boundary.allowed if overlaps(own.pattern, asked)]
        denials = sum(len(denied.patterns) for denied in self._denials())
        if (len(grants) * len(limits) + len(direct)) * (1 + denials) > _MOST_COMPARED:
            return (_unread(asked, (*grants, *direct)[0].policy),)
        found = [
            reach
            for grant in grants
            for limit in limits
            for reach in self._reach(asked, (grant, limit) if limit else (grant,))
        ]
        found.extend(reach for grant in direct for reach in self._reach(asked, (grant,)))
        if not self.identity.is_complete:
            patterns = (intersection(asked, limit.pattern) if limit else asked for limit in limits)
            found.extend(_unread(pattern) for pattern in patterns if pattern and self._may(pattern))
        return tuple(sorted(found, key=lambda reach: reach.access is not Access.ALLOWED))

    def _may(self, pattern: Glob) -> bool:
        """Whether no Deny takes all that matches."""
        return not any(denied.takes(pattern) for denied in self._denials())

    def _reach(self, asked: Glob, grants: tuple[Allowed, ...]) -> Iterable[Reach]:
        """What statements that are needed together allow of what is asked."""
        denials = self._denials()
        confined = [
            denied.patterns
            for denied in denials
            if denied.is_sure and denied.is_all_else and denied.is_about(asked)
        ]
        wanted = [asked, *(grant.pattern for grant in grants)]
        left_out = [glob for grant in grants for glob in grant.left_out]
        taken = [
            glob
            for denied in denials
            if denied.is_sure and not denied.is_all_else
            for glob in denied.patterns
        ]
        is_exact = self.identity.is_complete and all(grant.is_exact for grant in grants)
        needed = tuple(line for grant in grants for line in grant.open_conditions)
        feared = tuple(line for denied in denials for line in denied.open_conditions)
        for pattern in _within(wanted, confined):
            if not self._may(pattern) or any(covers(glob, pattern) for glob in left_out):
                continue
            is_shown = is_exact and any(
                not any(matches(glob, text) for glob in left_out)
                and not any(denied.may_take(text) for denied in denials)
                for text in witnesses(pattern, *wanted)
                if all(_is_meant(glob, text) for glob in wanted)
            )
            is_proved = is_shown and not needed
            yield Reach(
                pattern=str(pattern),
                excluded=tuple(
                    str(glob)
                    for glob in (*left_out, *taken)
                    if glob.is_exact and overlaps(glob, pattern)
                ),
                access=Access.ALLOWED if is_proved else Access.POSSIBLE,
                because=self._because(is_proved=is_proved),
                policy=grants[0].policy,
                sid=grants[0].statement.name,
                conditions=needed if is_shown else (),
                doubts=() if is_proved else needed + (() if is_shown else feared),
            )

    def _because(self, *, is_proved: bool) -> Because:
        if is_proved:
            return Because.ALLOW_STATEMENT
        return Because.CONDITION if self.identity.is_complete else Because.UNREADABLE

    def _denials(self) -> tuple[Denied, ...]:
        return self.own.denied + (self.boundary.denied if self.boundary else ())

    def _denial(self, asked: Glob) -> Denied | None:
        return next((denied for denied in self._denials() if denied.takes(asked)), None)

    def _refusal(self, asked: Glob) -> Answer:
        """Why not: what would still stand in the way is named before what is merely missing."""
        granted = [own for own in self.own.allowed if overlaps(own.pattern, asked)]
        denial = self._denial(asked) or next(
            (
                denied
                for denied in self._denials()
                for own in granted
                if (pattern := intersection(own.pattern, asked)) and denied.takes(pattern)
            ),
            None,
        )
        if denial:
            return Answer(
                access=Access.DENIED,
                because=Because.EXPLICIT_DENY,
                policy=denial.policy,
                sid=denial.statement.name,
            )
        is_granted = any(
            not any(covers(glob, pattern) for glob in own.left_out)
            for own in granted
            if (pattern := intersection(own.pattern, asked))
        )
        if self.identity.boundary and (is_granted or not self.identity.is_complete):
            return Answer(
                access=Access.DENIED,
                because=Because.BOUNDARY,
                policy=self.identity.boundary.name,
            )
        for policy, statement, not_met in self.own.failed:
            if any(overlaps(grant.pattern, asked) for grant in _allowed(policy, statement, ())):
                return Answer(
                    access=Access.DENIED,
                    because=Because.OTHER_CONDITION,
                    policy=policy,
                    sid=statement.name,
                    conditions=not_met,
                )
        return Answer(access=Access.DENIED, because=Because.NO_STATEMENT)


def rights(identity: Identity, action: str, context: Context = _NOTHING_KNOWN) -> Rights:
    """Read what an identity says about one action (``s3:PutObject``; no pattern)."""
    boundary = identity.boundary
    return Rights(
        identity=identity,
        own=Side.of(identity.policies, action, context),
        boundary=Side.of((boundary,), action, context) if boundary else None,
        direct=Side.of(identity.direct, action, context),
    )


def _is_meant(pattern: Glob, arn: str) -> bool:
    """Whether a pattern also matches an ARN part by part.

    UNCONFIRMED: whether ``*`` in one part of an ARN reaches into the next (`Resource` of the IAM
    user guide speaks of wildcards within a part). What takes that is possible, never certain.
    """
    if pattern.head.count(":") >= ARN_PARTS - 1:
        return True
    parts, own = pattern.split(":", ARN_PARTS - 1), arn.split(":", ARN_PARTS - 1)
    is_whole = len(parts) == len(own) == ARN_PARTS
    return not is_whole or all(map(matches, parts, own))


def _by_resource(
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


def _unread(pattern: Glob, policy: str = "") -> Reach:
    """What may be allowed by what was not read, or not looked at."""
    return Reach(
        pattern=str(pattern),
        access=Access.POSSIBLE,
        because=Because.UNREADABLE,
        policy=policy,
    )


def _within(wanted: list[Glob], confined: list[tuple[Glob, ...]]) -> tuple[Glob, ...]:
    """Patterns of what is wanted and, for each Deny with NotResource, left by one of its own."""
    found = [_EVERYTHING]
    for choices in (*((glob,) for glob in wanted), *confined):
        if len(found) * len(choices) > _MOST_NARROWED:
            continue
        found = [
            narrower
            for glob in found
            for choice in choices
            if (narrower := intersection(glob, choice)) is not None
        ]
    return tuple(dict.fromkeys(found))


def _allowed(
    policy: str, statement: Statement, unclear: tuple[Condition, ...]
) -> Iterable[Allowed]:
    """What an Allow statement lets act on: one entry for each of its patterns."""
    selection = statement.resources
    if selection is None and statement.within:
        selection = Selection(patterns=("*",))
    if selection is None or selection.is_inverted:
        # IAM takes no identity policy without resources: what it would mean is not known.
        left_out = tuple(map(as_glob, selection.patterns)) if selection else ()
        is_exact = bool(selection) and all(glob.is_exact for glob in left_out)
        for pattern in _inside(statement.within) or (_EVERYTHING,):
            yield Allowed(pattern, left_out, policy, statement, unclear, is_exact=is_exact)
        return
    for glob in _spoken_of(selection, statement.within):
        yield Allowed(glob, (), policy, statement, unclear, is_exact=glob.is_exact)


def _denied(policy: str, statement: Statement, unclear: tuple[Condition, ...]) -> Denied:
    selection = statement.resources or Selection(patterns=("*",))
    within = "" if selection.is_inverted else statement.within
    return Denied(
        _spoken_of(selection, within),
        selection.is_inverted,
        policy,
        statement,
        unclear,
        is_sure=not unclear and (statement.resources is not None or bool(statement.within)),
        within=_inside(statement.within),
    )


@lru_cache(maxsize=_READ)
def _inside(resource: str) -> tuple[Glob, ...]:
    """A resource and what is in it: objects, streams, indexes, versions; empty for no resource."""
    if not resource:
        return ()
    own = Glob.literal(resource)
    return own, *(own + Glob.literal(mark) + Glob.anything() for mark in _MARKS)


@lru_cache(maxsize=_READ)
def _spoken_of(selection: Selection, within: str) -> tuple[Glob, ...]:
    """The patterns of a statement, or exactly the part of them that lies within a resource."""
    found: list[Glob] = []
    for pattern in map(as_glob, dict.fromkeys(selection.patterns)):
        if not within:
            found.append(pattern)
            continue
        if matches(pattern, within):
            found.append(replace(Glob.literal(within), is_exact=pattern.is_exact))
        for start in (f"{within}{mark}" for mark in _MARKS):
            found.extend(Glob.literal(start) + rest for rest in remainders(pattern, start))
    return tuple(found)
