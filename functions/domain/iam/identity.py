"""What the policies of a role let it do.

Logic: `Policy evaluation logic` of the IAM user guide. What is not seen is told in `access`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Role
from functions.domain.iam.action_statements import (
    EVERYTHING,
    ActionStatements,
    Allowed,
    Denied,
    read_allowed,
)
from functions.domain.iam.answer import Access, Answer, Because
from functions.domain.iam.arn import ARN_PARTS, account_of
from functions.domain.iam.conditions import Context
from functions.domain.iam.document import (
    Condition,
    MalformedPolicyError,
    PolicyDocument,
    parse_policy,
)
from functions.domain.iam.wildcard import (
    Glob,
    Pattern,
    covers,
    find_witnesses,
    intersect,
    matches,
    overlaps,
    read_glob,
)

_NOTHING_KNOWN: Final[Context] = MappingProxyType({})
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


def read_identity(
    role: Role, parse: Callable[[str, str], PolicyDocument] = parse_policy
) -> Identity:
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


def evaluate_identity(
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
    return read_rights(identity, action, context).answer(resource)


def build_execution_context(
    *, role_arn: str = "", function_arn: str = "", region: str = ""
) -> dict[str, tuple[str, ...] | None]:
    """What is known of every request that a function makes through an SDK.

    UNCONFIRMED A-044: that functions call AWS with TLS and in their own Region. Both is what the
    SDKs do unless they are told otherwise, and only policies that ask for the contrary depend on
    it. ``aws:MultiFactorAuthPresent`` is left out: temporary credentials may send it as false.
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
class Rights:
    """What an identity says about one action: asked for many resources, it is read once.

    Made by `read_rights`. `boundary` is ``None`` for a role that has none; `direct` is beside it.
    """

    identity: Identity
    own: ActionStatements
    boundary: ActionStatements | None
    direct: ActionStatements

    @property
    def size(self) -> int:
        """How many patterns an answer has to look at: what it costs."""
        limits = len(self.boundary.allowed) if self.boundary else 1
        return len(self.own.allowed) * limits + sum(
            len(one.patterns) for one in self._list_denials()
        )

    def answer(self, resource: Pattern) -> Answer:
        """As `evaluate_identity`."""
        asked = read_glob(resource)
        near = self._narrow(asked)
        reached = near._list_reached(asked)  # noqa: SLF001 (it is one of these)
        return reached[0].answer if reached else near._explain_refusal(asked)  # noqa: SLF001

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
        asked = read_glob(resource_pattern)
        near = self._narrow(asked)
        if by is not None:
            near = replace(
                near,
                own=replace(near.own, allowed=by[0]),
                direct=replace(near.direct, allowed=by[1]),
            )
        return near._list_reached(asked)  # noqa: SLF001 (it is one of these)

    def _narrow(self, asked: Glob) -> "Rights":
        """The same without what is only said of other resources."""
        if not (self.own.parts or self.direct.parts):
            return self
        own, direct = self.own.select_near(asked), self.direct.select_near(asked)
        return replace(self, own=own, direct=direct)

    def _list_reached(self, asked: Glob) -> tuple[Reach, ...]:
        if self._find_denial(asked):
            return ()
        grants = [own for own in self.own.allowed if overlaps(own.pattern, asked)]
        direct = [own for own in self.direct.allowed if overlaps(own.pattern, asked)]
        limits: list[Allowed | None] = [None]
        if self.boundary:
            limits = [own for own in self.boundary.allowed if overlaps(own.pattern, asked)]
        denials = sum(len(denied.patterns) for denied in self._list_denials())
        if (len(grants) * len(limits) + len(direct)) * (1 + denials) > _MOST_COMPARED:
            return (_suppose(asked, (*grants, *direct)[0].policy),)
        found = [
            reach
            for grant in grants
            for limit in limits
            for reach in self._reach(asked, (grant, limit) if limit else (grant,))
        ]
        found.extend(reach for grant in direct for reach in self._reach(asked, (grant,)))
        if not self.identity.is_complete:
            patterns = (intersect(asked, limit.pattern) if limit else asked for limit in limits)
            found.extend(
                _suppose(pattern) for pattern in patterns if pattern and self._may(pattern)
            )
        return tuple(sorted(found, key=lambda reach: reach.access is not Access.ALLOWED))

    def _may(self, pattern: Glob) -> bool:
        """Whether no Deny takes all that matches."""
        return not any(denied.takes(pattern) for denied in self._list_denials())

    def _reach(self, asked: Glob, grants: tuple[Allowed, ...]) -> Iterable[Reach]:
        """What statements that are needed together allow of what is asked."""
        denials = self._list_denials()
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
        for pattern in _intersect_all(wanted, confined):
            if not self._may(pattern) or any(covers(glob, pattern) for glob in left_out):
                continue
            is_shown = is_exact and any(
                not any(matches(glob, text) for glob in left_out)
                and not any(denied.may_take(text) for denied in denials)
                for text in find_witnesses(pattern, *wanted)
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
                because=self._explain(is_proved=is_proved),
                policy=grants[0].policy,
                sid=grants[0].statement.name,
                conditions=needed if is_shown else (),
                doubts=() if is_proved else needed + (() if is_shown else feared),
            )

    def _explain(self, *, is_proved: bool) -> Because:
        if is_proved:
            return Because.ALLOW_STATEMENT
        return Because.CONDITION if self.identity.is_complete else Because.UNREADABLE

    def _list_denials(self) -> tuple[Denied, ...]:
        return self.own.denied + (self.boundary.denied if self.boundary else ())

    def _find_denial(self, asked: Glob) -> Denied | None:
        return next((denied for denied in self._list_denials() if denied.takes(asked)), None)

    def _explain_refusal(self, asked: Glob) -> Answer:
        """Why not: what would still stand in the way is named before what is merely missing."""
        granted = [own for own in self.own.allowed if overlaps(own.pattern, asked)]
        denial = self._find_denial(asked) or next(
            (
                denied
                for denied in self._list_denials()
                for own in granted
                if (pattern := intersect(own.pattern, asked)) and denied.takes(pattern)
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
            if (pattern := intersect(own.pattern, asked))
        )
        if self.identity.boundary and (is_granted or not self.identity.is_complete):
            return Answer(
                access=Access.DENIED,
                because=Because.BOUNDARY,
                policy=self.identity.boundary.name,
            )
        for policy, statement, not_met in self.own.failed:
            if any(overlaps(grant.pattern, asked) for grant in read_allowed(policy, statement, ())):
                return Answer(
                    access=Access.DENIED,
                    because=Because.OTHER_CONDITION,
                    policy=policy,
                    sid=statement.name,
                    conditions=not_met,
                )
        return Answer(access=Access.DENIED, because=Because.NO_STATEMENT)


def read_rights(identity: Identity, action: str, context: Context = _NOTHING_KNOWN) -> Rights:
    """Read what an identity says about one action (``s3:PutObject``; no pattern)."""
    boundary = identity.boundary
    return Rights(
        identity=identity,
        own=ActionStatements.of(identity.policies, action, context),
        boundary=ActionStatements.of((boundary,), action, context) if boundary else None,
        direct=ActionStatements.of(identity.direct, action, context),
    )


def _is_meant(pattern: Glob, arn: str) -> bool:
    """Whether a pattern also matches an ARN part by part.

    UNCONFIRMED A-045: whether ``*`` in one part of an ARN reaches into the next (`Resource` of the
    IAM user guide speaks of wildcards within a part). What takes that is possible, never certain.
    """
    if pattern.head.count(":") >= ARN_PARTS - 1:
        return True
    parts, own = pattern.split(":", ARN_PARTS - 1), arn.split(":", ARN_PARTS - 1)
    is_whole = len(parts) == len(own) == ARN_PARTS
    return not is_whole or all(map(matches, parts, own))


def _suppose(pattern: Glob, policy: str = "") -> Reach:
    """What may be allowed by what was not read, or not looked at."""
    return Reach(
        pattern=str(pattern),
        access=Access.POSSIBLE,
        because=Because.UNREADABLE,
        policy=policy,
    )


def _intersect_all(wanted: list[Glob], confined: list[tuple[Glob, ...]]) -> tuple[Glob, ...]:
    """Patterns of what is wanted and, for each Deny with NotResource, left by one of its own."""
    found = [EVERYTHING]
    for choices in (*((glob,) for glob in wanted), *confined):
        if len(found) * len(choices) > _MOST_NARROWED:
            continue
        found = [
            narrower
            for glob in found
            for choice in choices
            if (narrower := intersect(glob, choice)) is not None
        ]
    return tuple(dict.fromkeys(found))
