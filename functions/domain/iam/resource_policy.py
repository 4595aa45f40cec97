"""Whom a resource policy means, and what that of a function lets others do with it.

`match_principals` is the one reader of principals: an account, its root, a role, a session of the
role, everybody, and everybody else (NotPrincipal).
"""

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from functions.domain.account.names import REGION_PATTERN
from functions.domain.iam.answer import Access, Answer, Because
from functions.domain.iam.arn import ACCOUNT_PART, ARN_PARTS, account_of
from functions.domain.iam.conditions import Context, find_undecided
from functions.domain.iam.document import (
    Condition,
    Effect,
    MalformedPolicyError,
    Principal,
    Principals,
    Selection,
    Statement,
    parse_policy,
)
from functions.domain.iam.likelihood import Likelihood, any_of, negate
from functions.domain.iam.wildcard import covers, overlaps

_REGION: Final = re.compile(rf"\.{REGION_PATTERN}\.")
_NAME: Final = "resource policy"


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
    session
        The name of the role's session; empty: not known. That of a function is its name.
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
    session: str = ""
    known: Context = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Address:
    """Whether a statement means a caller.

    Attributes
    ----------
    is_direct
        Whether it means the caller's session itself, or everybody. What it allows is then not
        limited by a permissions boundary of the role.
    """

    is_caller: Likelihood
    is_direct: bool = False


def match_principals(
    principals: Principals | None, caller: Caller, resource_arn: str, effect: Effect
) -> Address:
    """Whether a statement in the policy of a resource means a caller.

    To allow an account, or its root, something within it only lets the account's own policies
    allow it: no role of it is meant. To deny it denies every role of it.
    """
    if principals is None:
        return Address(Likelihood.MAYBE)
    found = [
        _is_caller(one, caller, account_of(resource_arn), effect, principals)
        for one in principals.listed
    ]
    named = any_of(one.is_caller for one in found)
    if principals.is_inverted:
        return Address(negate(named), is_direct=True)
    return Address(named, is_direct=any(one.is_direct for one in found if one.is_caller is named))


def evaluate_resource_policy(
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
        document = parse_policy(policy_text, _NAME)
    except MalformedPolicyError:
        return Answer(access=Access.POSSIBLE, because=Because.UNREADABLE, policy=_NAME)
    context = _build_context(caller)
    views = [
        view
        for statement in document.statements
        if statement.speaks_of(action)
        and (view := _evaluate_statement(document.name, statement, caller, resource_arn, context))
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


def _evaluate_statement(
    policy: str, statement: Statement, caller: Caller, resource: str, context: Context
) -> _Seen | None:
    """What a statement about the action says to a caller; ``None`` if it is about others."""
    principal = match_principals(statement.principals, caller, resource, statement.effect).is_caller
    if principal is Likelihood.NO:
        return None
    target = _is_about(statement.resources, resource)
    not_met, unclear = find_undecided(statement.conditions, context)
    is_denial = statement.effect is Effect.DENY
    misses = len(not_met) + (target is Likelihood.NO)
    if is_denial and misses:
        return None
    access, because = Access.DENIED, Because.EXPLICIT_DENY
    if misses:
        because = _explain_miss(not_met)
    elif unclear or Likelihood.MAYBE in (principal, target):
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


def _explain_miss(not_met: tuple[Condition, ...]) -> Because:
    keys = {line.key.lower() for line in not_met}
    if "aws:sourcearn" in keys:
        return Because.OTHER_SOURCE_ARN
    if "aws:sourceaccount" in keys:
        return Because.OTHER_SOURCE_ACCOUNT
    return Because.OTHER_CONDITION if keys else Because.OTHER_RESOURCE


def _is_about(selection: Selection | None, resource: str) -> Likelihood:
    """Whether a statement's resources take in the one that is asked for."""
    if selection is None:
        return Likelihood.MAYBE
    named = any_of(_takes_in(own, resource) for own in selection.patterns)
    return negate(named) if selection.is_inverted else named


def _takes_in(own: str, resource: str) -> Likelihood:
    if covers(own, resource):
        return Likelihood.YES
    return Likelihood.MAYBE if overlaps(own, resource) else Likelihood.NO


def _is_caller(
    principal: Principal, caller: Caller, home: str, effect: Effect, among: Principals
) -> Address:
    """Whether one principal is the caller. `home`: the account of the resource."""
    value = principal.value
    if principal.kind == "AWS" and value == "*":
        # UNCONFIRMED A-042 for services: that "everybody" takes them in. Topic policies of AWS's
        # own examples for buckets are written so.
        return Address(Likelihood.YES, is_direct=True)
    if principal.kind == "Service" and caller.service:
        return Address(_is_service(value.lower(), caller.service.lower()))
    if principal.kind == "CanonicalUser" and not caller.service:
        # An account under another name, which is not known here.
        return Address(Likelihood.MAYBE if effect is Effect.DENY else Likelihood.NO)
    if principal.kind != "AWS" or caller.service:
        return Address(Likelihood.NO)
    return _is_identity(value, caller, home, effect, among)


def _is_identity(
    value: str, caller: Caller, home: str, effect: Effect, among: Principals
) -> Address:
    """Whether an account, a role or a session is the caller."""
    parts = value.split(":", ARN_PARTS - 1)
    is_arn = len(parts) == ARN_PARTS
    if value == caller.account != "" or (
        is_arn and parts[-1] == "root" and parts[ACCOUNT_PART] == caller.account != ""
    ):
        return Address(_is_of_account(caller, home, effect, among))
    if value == caller.arn != "":
        # A Deny for everybody but a role may mean the role's sessions all the same.
        is_open = among.is_inverted and effect is Effect.DENY
        return Address(Likelihood.MAYBE if is_open else Likelihood.YES)
    if not is_arn or not caller.account or parts[ACCOUNT_PART] != caller.account:
        return Address(Likelihood.NO)
    if not caller.arn:
        return Address(Likelihood.MAYBE)
    kind, *names = parts[-1].split("/")
    if parts[2] != "sts" or kind != "assumed-role" or not names:
        return Address(Likelihood.NO)
    if names[0] != caller.arn.rpartition("/")[2]:
        return Address(Likelihood.NO)
    is_own = caller.session != "" and names[1:] == [caller.session]
    return Address(Likelihood.YES if is_own else Likelihood.MAYBE, is_direct=True)


def _is_of_account(caller: Caller, home: str, effect: Effect, among: Principals) -> Likelihood:
    """What it says to a caller that a statement names the caller's account."""
    if not caller.arn:
        return Likelihood.YES
    if among.is_inverted:
        return Likelihood.MAYBE
    is_handed_on = effect is Effect.ALLOW and home in ("", caller.account)
    return Likelihood.NO if is_handed_on else Likelihood.YES


def _is_service(named: str, caller: str) -> Likelihood:
    """Some services have a name for each Region (``logs.eu-west-1.amazonaws.com``) beside theirs.

    UNCONFIRMED A-043: which services take the one for the other.
    """
    if named == caller:
        return Likelihood.YES
    is_same = _without_region(named) == _without_region(caller)
    return Likelihood.MAYBE if is_same else Likelihood.NO


def _without_region(service: str) -> str:
    return _REGION.sub(".", service)


def _build_context(caller: Caller) -> Context:
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
