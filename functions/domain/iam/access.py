"""What a role may do, and who may invoke a function: allowed, possible or denied.

DENIED is only said where it is proved, ALLOWED only where a request is known that the policies
read here allow. All else is POSSIBLE.

What is not seen here may still deny: service and resource control policies of the organisation,
session policies, endpoint policies, the resource policies of what is written to, keys of KMS. And
one thing may still allow: the resource policy of a queue, topic, bucket, bus or key that names the
role itself needs no statement in the role's own policies.

Logic: `Policy evaluation logic` of the IAM user guide.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from functions.domain.account import Role
from functions.domain.iam.conditions import Context, Truth, holds, opposite, some
from functions.domain.iam.document import (
    Condition,
    Effect,
    MalformedPolicyError,
    PolicyDocument,
    Principal,
    Principals,
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
    witnesses,
)

_NOTHING_KNOWN: Final[Context] = MappingProxyType({})
_EVERYTHING: Final = Glob.anything()
_ARN_PARTS: Final = 6
_ACCOUNT_PART: Final = 4
_REGION: Final = re.compile(r"\.[a-z]{2}(?:-[a-z]+)+-\d+\.")
# Past this many patterns a further Deny with NotResource no longer narrows what is looked at. It
# is still asked about each witness, so that nothing is allowed that it denies.
_MOST_NARROWED: Final = 256


class Access(StrEnum):
    """Whether something may be done."""

    ALLOWED = "allowed"
    POSSIBLE = "possible"
    DENIED = "denied"


class Because(StrEnum):
    """Why.

    The last four are near misses of a resource policy: a statement is there for this principal and
    action, and this is the first thing about it that does not fit.
    """

    ALLOW_STATEMENT = "a statement allows it"
    NO_STATEMENT = "no statement allows it"
    NO_POLICY = "there is no policy"
    EXPLICIT_DENY = "a statement denies it"
    BOUNDARY = "the permissions boundary does not allow it"
    CONDITION = "a statement allows it under a condition"
    UNREADABLE = "a policy could not be read"
    OTHER_RESOURCE = "the statement is about another version or alias"
    OTHER_SOURCE_ARN = "the statement allows another source ARN"
    OTHER_SOURCE_ACCOUNT = "the statement allows another source account"
    OTHER_CONDITION = "a condition of the statement does not hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether something may be done, and what says so.

    Attributes
    ----------
    policy, sid
        The statement that decided, or that came nearest; empty where none did. A statement
        without a Sid is called ``statement 2``.
    conditions
        The lines of that statement that do not hold or that nobody here can decide.
    """

    access: Access
    because: Because
    policy: str = ""
    sid: str = ""
    conditions: tuple[Condition, ...] = ()

    @property
    def words(self) -> str:
        """The same for people, such as ``a statement denies it (policy guard, Sid NoWrites)``."""
        if not self.policy:
            return self.because.value
        where = f"policy {self.policy}" + (f", {self.sid}" if self.sid else "")
        return f"{self.because.value} ({where})"


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
    """

    pattern: str
    excluded: tuple[str, ...] = ()
    access: Access
    because: Because
    policy: str = ""
    sid: str = ""
    conditions: tuple[Condition, ...] = ()

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
            conditions=self.conditions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The policies that a role acts with.

    Attributes
    ----------
    is_complete
        False where a policy is missing or could not be read: nothing is certain then but an
        explicit Deny and what a boundary leaves out.
    unreadable
        Errors of policies that could not be read, each with the policy's name.
    """

    policies: tuple[PolicyDocument, ...] = ()
    boundary: PolicyDocument | None = None
    is_complete: bool = True
    unreadable: tuple[str, ...] = ()


def identity_of(role: Role) -> Identity:
    """Read the policies of a role. One that is malformed is named and left out."""
    policies: list[PolicyDocument] = []
    unreadable: list[str] = []
    for policy in role.policies:
        try:
            policies.append(parse_policy(policy.text, policy.name))
        except MalformedPolicyError as error:
            unreadable.append(str(error))
    boundary = None
    if role.boundary:
        try:
            boundary = parse_policy(role.boundary.text, role.boundary.name)
        except MalformedPolicyError as error:
            unreadable.append(str(error))
    return Identity(
        policies=tuple(policies),
        boundary=boundary,
        is_complete=role.is_complete and not unreadable,
        unreadable=tuple(unreadable),
    )


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


def reachable(
    identity: Identity, action: str, resource_pattern: str, context: Context = _NOTHING_KNOWN
) -> tuple[Reach, ...]:
    """The resources matching `resource_pattern` that a role may do an action on, certain first."""
    return rights(identity, action, context).reach(resource_pattern)


def execution_context(
    *, role_arn: str = "", function_arn: str = "", region: str = ""
) -> dict[str, tuple[str, ...] | None]:
    """What is known of every request that a function makes through an SDK.

    UNCONFIRMED: that functions call AWS with TLS and in their own Region. Both is what the SDKs do
    unless they are told otherwise, and only policies that ask for the contrary depend on it.
    """
    known: dict[str, tuple[str, ...] | None] = {
        "aws:SecureTransport": ("true",),
        "aws:PrincipalIsAWSService": ("false",),
        "aws:PrincipalType": ("AssumedRole",),
        "aws:MultiFactorAuthPresent": (),
        "aws:MultiFactorAuthAge": (),
    }
    if role_arn:
        known["aws:PrincipalArn"] = (role_arn,)
        known["aws:PrincipalAccount"] = (account_of(role_arn),)
    if function_arn:
        known["lambda:SourceFunctionArn"] = (function_arn,)
    if region:
        known["aws:RequestedRegion"] = (region,)
    return known


def account_of(arn: str) -> str:
    """The account in an ARN; empty for none."""
    parts = arn.split(":", _ARN_PARTS - 1)
    return parts[_ACCOUNT_PART] if len(parts) == _ARN_PARTS else ""


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What one Allow statement lets a role act on.

    `left_out` is what NotResource names; `is_sure`: neither a condition nor a variable is open.
    """

    pattern: Glob
    left_out: tuple[Glob, ...]
    policy: str
    statement: Statement
    open_conditions: tuple[Condition, ...]
    is_sure: bool


@dataclass(frozen=True, slots=True)
class _Denied:
    """What one Deny statement takes away: what matches `patterns`, or all else (NotResource)."""

    patterns: tuple[Glob, ...]
    is_all_else: bool
    policy: str
    statement: Statement
    is_sure: bool

    def takes(self, pattern: Glob) -> bool:
        """Whether it certainly denies everything that matches."""
        if not self.is_sure:
            return False
        if self.is_all_else:
            return not any(overlaps(own, pattern) for own in self.patterns)
        return any(covers(own, pattern) for own in self.patterns)

    def may_take(self, text: str) -> bool:
        """Whether it may deny this one: a pattern that is not exact matches too much."""
        if self.is_all_else:
            return not any(own.is_exact and matches(own, text) for own in self.patterns)
        return any(matches(own, text) for own in self.patterns)


@dataclass(frozen=True, slots=True)
class _Side:
    """The statements of some documents that are about one action."""

    allowed: tuple[_Allowed, ...]
    denied: tuple[_Denied, ...]
    failed: tuple[tuple[str, Statement, tuple[Condition, ...]], ...]

    @classmethod
    def of(cls, documents: Iterable[PolicyDocument], action: str, context: Context) -> "_Side":
        allowed: list[_Allowed] = []
        denied: list[_Denied] = []
        failed: list[tuple[str, Statement, tuple[Condition, ...]]] = []
        for document in documents:
            for statement in document.statements:
                if not statement.speaks_of(action):
                    continue
                not_met, unclear = _sorted(statement.conditions, context)
                if statement.effect is Effect.DENY:
                    if not not_met:
                        denied.append(_denied(document.name, statement, is_sure=not unclear))
                elif not_met:
                    failed.append((document.name, statement, not_met))
                else:
                    allowed.extend(_allowed(document.name, statement, unclear))
        return cls(tuple(allowed), tuple(denied), tuple(failed))


@dataclass(frozen=True, slots=True)
class Rights:
    """What an identity says about one action: asked for many resources, it is read once.

    Made by `rights`.
    """

    identity: Identity
    own: _Side
    boundary: _Side | None

    def answer(self, resource: Pattern) -> Answer:
        """As `identity_access`."""
        asked = as_glob(resource)
        reached = self.reach(asked)
        return reached[0].answer if reached else self._refusal(asked)

    def reach(self, resource_pattern: Pattern) -> tuple[Reach, ...]:
        """As `reachable`."""
        asked = as_glob(resource_pattern)
        if self._denial(asked):
            return ()
        found = [
            reach
            for allowed in self.own.allowed
            for limit in (self.boundary.allowed if self.boundary else (None,))
            for reach in self._reach(asked, allowed, limit)
        ]
        if not self.identity.is_complete:
            limits = self.boundary.allowed if self.boundary else (None,)
            found.extend(
                Reach(
                    pattern=str(pattern),
                    access=Access.POSSIBLE,
                    because=Because.UNREADABLE,
                    policy=self.identity.boundary.name if self.identity.boundary else "",
                )
                for limit in limits
                if (pattern := intersection(asked, limit.pattern) if limit else asked)
                and not any(denied.takes(pattern) for denied in self._denials())
            )
        return tuple(sorted(found, key=lambda reach: reach.access is not Access.ALLOWED))

    def _reach(self, asked: Glob, allowed: _Allowed, limit: _Allowed | None) -> Iterable[Reach]:
        grants = (allowed, limit) if limit else (allowed,)
        confined = [
            denied.patterns for denied in self._denials() if denied.is_sure and denied.is_all_else
        ]
        wanted: list[Glob] = [asked, *(grant.pattern for grant in grants)]
        for pattern in _within(wanted, confined):
            if any(denied.takes(pattern) for denied in self._denials()):
                continue
            left_out = [
                glob for grant in grants for glob in grant.left_out if overlaps(glob, pattern)
            ]
            if any(covers(glob, pattern) for glob in left_out):
                continue
            taken = [
                glob
                for denied in self._denials()
                if denied.is_sure and not denied.is_all_else
                for glob in denied.patterns
                if overlaps(glob, pattern)
            ]
            is_sure = self.identity.is_complete and all(grant.is_sure for grant in grants)
            is_proved = is_sure and any(
                not any(matches(glob, text) for glob in left_out)
                and not any(denied.may_take(text) for denied in self._denials())
                for text in witnesses(pattern, *wanted)
            )
            yield Reach(
                pattern=str(pattern),
                excluded=tuple(str(glob) for glob in (*left_out, *taken) if glob.is_exact),
                access=Access.ALLOWED if is_proved else Access.POSSIBLE,
                because=self._because(is_proved=is_proved),
                policy=allowed.policy,
                sid=allowed.statement.name,
                conditions=tuple(line for grant in grants for line in grant.open_conditions),
            )

    def _because(self, *, is_proved: bool) -> Because:
        if is_proved:
            return Because.ALLOW_STATEMENT
        return Because.CONDITION if self.identity.is_complete else Because.UNREADABLE

    def _denials(self) -> tuple[_Denied, ...]:
        return self.own.denied + (self.boundary.denied if self.boundary else ())

    def _denial(self, asked: Glob) -> _Denied | None:
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
        own=_Side.of(identity.policies, action, context),
        boundary=_Side.of((boundary,), action, context) if boundary else None,
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
) -> Iterable[_Allowed]:
    """What an Allow statement lets act on: one entry for each of its patterns."""
    selection = statement.resources
    if selection is None or selection.is_inverted:
        # IAM takes no identity policy without resources: what it would mean is not known.
        left_out = tuple(map(as_glob, selection.patterns)) if selection else ()
        is_sure = bool(selection) and all(glob.is_exact for glob in left_out)
        yield _Allowed(
            _EVERYTHING, left_out, policy, statement, unclear, is_sure=is_sure and not unclear
        )
        return
    for pattern in selection.patterns:
        glob = as_glob(pattern)
        is_sure = glob.is_exact and not unclear
        yield _Allowed(glob, (), policy, statement, unclear, is_sure=is_sure)


def _denied(policy: str, statement: Statement, *, is_sure: bool) -> _Denied:
    selection = statement.resources or Selection(patterns=("*",))
    return _Denied(
        tuple(map(as_glob, selection.patterns)),
        selection.is_inverted,
        policy,
        statement,
        is_sure=is_sure and statement.resources is not None,
    )


def _sorted(
    conditions: Iterable[Condition], context: Context
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """The lines that do not hold, and those that nobody here can decide."""
    truths = [(line, holds(line, context)) for line in conditions]
    return (
        tuple(line for line, truth in truths if truth is Truth.NO),
        tuple(line for line, truth in truths if truth is Truth.UNKNOWN),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who invokes: a service on behalf of a source, a role or user, or an account's anybody.

    Attributes
    ----------
    service
        Service principal, such as ``events.amazonaws.com``; empty for IAM principals.
    account
        The account that calls; for a service the one that it acts for, where that is known.
    arn
        ARN of the role or user; empty for anybody of `account`.
    source_arn
        ARN of rule, bucket, topic, API...; may hold ``*``. ``None``: not known. Empty: not sent.
    source_account
        ``None``: not known. Empty: not sent.
    organisation
        Identifier of the organisation (``o-...``); ``None``: not known.
    known
        More condition keys that are known of the call.
    """

    service: str = ""
    account: str = ""
    arn: str = ""
    source_arn: str | None = None
    source_account: str | None = None
    organisation: str | None = None
    known: Context = field(default_factory=lambda: _NOTHING_KNOWN)


def resource_access(
    policy_text: str | None, caller: Caller, action: str, resource_arn: str
) -> Answer:
    """Whether the resource policy of a function lets a caller do an action on it.

    This is the resource policy alone. An IAM principal of the function's own account may need none
    (its own policies suffice), one of another account needs both.

    Parameters
    ----------
    policy_text
        JSON; ``None`` or empty for no policy.
    resource_arn
        With the qualifier that is invoked, if one is: policies are kept by qualifier, and one
        statement names one version or alias.
    """
    if not policy_text:
        return Answer(access=Access.DENIED, because=Because.NO_POLICY)
    try:
        document = parse_policy(policy_text, "resource policy")
    except MalformedPolicyError:
        return Answer(access=Access.POSSIBLE, because=Because.UNREADABLE, policy="resource policy")
    context = _context_of(caller)
    views = [
        view
        for statement in document.statements
        if statement.speaks_of(action)
        and (view := _view(document.name, statement, caller, resource_arn, context))
    ]
    denial = min((view for view in views if view.is_denial), key=_Seen.order, default=None)
    grant = min((view for view in views if not view.is_denial), key=_Seen.order, default=None)
    if denial and denial.answer.access is Access.DENIED:
        return denial.answer
    if grant is None:
        return Answer(access=Access.DENIED, because=Because.NO_STATEMENT)
    if denial and grant.answer.access is not Access.DENIED:
        return denial.answer
    return grant.answer


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one statement says to a caller; `misses`: how many things about it do not fit."""

    answer: Answer
    is_denial: bool
    misses: int = 0

    def order(self) -> tuple[bool, bool, int]:
        """What decides first; among near misses the nearest."""
        is_certain = self.answer.access is (Access.DENIED if self.is_denial else Access.ALLOWED)
        return (not is_certain, bool(self.misses), self.misses)


def _view(
    policy: str, statement: Statement, caller: Caller, resource: str, context: Context
) -> _Seen | None:
    """What a statement about the action says to a caller; ``None`` if it is about others."""
    principal = _is_meant(statement.principals, caller)
    if principal is Truth.NO:
        return None
    target = _is_about(statement.resources, resource)
    not_met, unclear = _sorted(statement.conditions, context)
    is_denial = statement.effect is Effect.DENY
    misses = len(not_met) + (target is Truth.NO)
    if is_denial and misses:
        return None
    access, because = Access.DENIED, Because.EXPLICIT_DENY
    if misses:
        because = _miss(not_met)
    elif unclear or Truth.UNKNOWN in (principal, target):
        access = Access.POSSIBLE
        because = Because.EXPLICIT_DENY if is_denial else Because.CONDITION
    elif not is_denial:
        access, because = Access.ALLOWED, Because.ALLOW_STATEMENT
    answer = Answer(
        access=access,
        because=because,
        policy=policy,
        sid=statement.name,
        conditions=not_met or unclear,
    )
    return _Seen(answer, is_denial, misses)


def _miss(not_met: tuple[Condition, ...]) -> Because:
    keys = {line.key.lower() for line in not_met}
    if "aws:sourcearn" in keys:
        return Because.OTHER_SOURCE_ARN
    if "aws:sourceaccount" in keys:
        return Because.OTHER_SOURCE_ACCOUNT
    return Because.OTHER_CONDITION if keys else Because.OTHER_RESOURCE


def _is_about(selection: Selection | None, resource: str) -> Truth:
    """Whether a statement's resources take in the one that is asked for."""
    if selection is None:
        return Truth.UNKNOWN
    named = some(_takes_in(own, resource) for own in selection.patterns)
    return opposite(named) if selection.is_inverted else named


def _takes_in(own: str, resource: str) -> Truth:
    if covers(own, resource):
        return Truth.YES
    return Truth.UNKNOWN if overlaps(own, resource) else Truth.NO


def _is_meant(principals: Principals | None, caller: Caller) -> Truth:
    """Whether a statement is about the caller."""
    if principals is None:
        return Truth.UNKNOWN
    named = some(_is_caller(own, caller) for own in principals.listed)
    return opposite(named) if principals.is_inverted else named


def _is_caller(principal: Principal, caller: Caller) -> Truth:
    value = principal.value
    if principal.kind == "AWS" and value == "*":
        # UNCONFIRMED for services: that "everybody" takes them in. Topic policies of AWS's own
        # examples for buckets are written so.
        return Truth.YES
    if principal.kind == "Service" and caller.service:
        return _is_service(value.lower(), caller.service.lower())
    if principal.kind != "AWS" or caller.service:
        return Truth.NO
    if value == caller.account or value == caller.arn != "":
        return Truth.YES
    parts = value.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or not caller.account or parts[_ACCOUNT_PART] != caller.account:
        return Truth.NO
    if parts[-1] == "root":
        return Truth.YES
    if not caller.arn:
        return Truth.UNKNOWN
    # A session of the role: which sessions there are is not known.
    is_session = parts[2] == "sts" and parts[-1].split("/")[1:2] == [caller.arn.rpartition("/")[2]]
    return Truth.UNKNOWN if is_session else Truth.NO


def _is_service(named: str, caller: str) -> Truth:
    """Some services have a name for each Region (``logs.eu-west-1.amazonaws.com``) beside theirs.

    UNCONFIRMED: which services take the one for the other.
    """
    if named == caller:
        return Truth.YES
    is_same = _without_region(named) == _without_region(caller)
    return Truth.UNKNOWN if is_same else Truth.NO


def _without_region(service: str) -> str:
    return _REGION.sub(".", service)


def _context_of(caller: Caller) -> Context:
    known: dict[str, tuple[str, ...] | None] = {}
    for key, value in (
        ("aws:SourceArn", caller.source_arn),
        ("aws:SourceAccount", caller.source_account),
    ):
        if value is not None:
            known[key] = (value,) if value else ()
    if caller.organisation is not None:
        key = "aws:SourceOrgID" if caller.service else "aws:PrincipalOrgID"
        known[key] = (caller.organisation,) if caller.organisation else ()
    known["aws:PrincipalIsAWSService"] = ("true" if caller.service else "false",)
    if caller.service:
        known["aws:PrincipalServiceName"] = (caller.service,)
    else:
        known["aws:PrincipalAccount"] = (caller.account,) if caller.account else None
        known["aws:PrincipalArn"] = (caller.arn,) if caller.arn else None
    return {**known, **caller.known}
