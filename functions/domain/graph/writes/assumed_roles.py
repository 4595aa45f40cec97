"""Which roles the code of a function may become: what these may write, the function may.

`AssumeRole` takes the trust policy of the role, and a statement of one's own unless the trust
policy names the role that asks (IAM user guide, `Cross-account policy evaluation logic` and `Role
trust policies`). Roles of other accounts are out of sight.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from functions.domain.account.inventory import Account, Role
from functions.domain.graph.nodes import is_elsewhere
from functions.domain.graph.writes.role_permissions import Permissions
from functions.domain.iam.access import (
    Access,
    Identity,
    Rights,
    build_execution_context,
    read_rights,
)
from functions.domain.iam.conditions import find_undecided
from functions.domain.iam.document import (
    Effect,
    MalformedPolicyError,
    PolicyDocument,
    Statement,
    parse_policy,
)
from functions.domain.iam.likelihood import Likelihood
from functions.domain.iam.resource_policy import Caller, match_principals

ASSUME: Final = "sts:AssumeRole"
_MOST_ROLES: Final = 20  # that one role may become
_AT_ONCE: Final = 20  # patterns that are looked at for one question
_MOST_ASKED: Final = 200_000  # principals of trust policies, of a whole account


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """The roles that a role may become, also by way of others.

    Attributes
    ----------
    is_cut
        Whether there may be more.
    elsewhere
        Whether one of another account may be among them.
    """

    roles: tuple[Role, ...] = ()
    is_cut: bool = False
    elsewhere: bool = False


_NONE: Final = Assumed()


class AssumedRoles:
    """Says for each role which others it may become."""

    __slots__ = ("_account", "_asked", "_found", "_lengths", "_permissions", "_region", "_trusting")

    def __init__(self, account: Account, permissions: Permissions) -> None:
        self._account, self._region = account.account, account.region
        self._permissions = permissions
        self._trusting: dict[str, tuple[Role, PolicyDocument | None]] = {
            arn: (role, _read_trust(role))
            for arn, role in sorted(account.roles.items())
            if role.trust
        }
        self._lengths = {
            arn: _count_principals(trust) for arn, (_, trust) in self._trusting.items()
        }
        self._found: dict[str, Assumed] = {}
        self._asked = 0

    def of(self, role: Role) -> Assumed:
        """The roles that it may become."""
        found = self._found.get(role.arn)
        if found is None:
            found = self._found[role.arn] = self._find_assumable(role)
        return found

    def _find_assumable(self, role: Role) -> Assumed:
        reached: dict[str, Role] = {}
        is_cut = elsewhere = False
        waiting = deque([role])
        while waiting:
            one = waiting.popleft()
            profile = self._permissions.profile(one)
            identity = profile.identity
            if identity.is_complete and not profile.may_use(ASSUME):
                continue
            context = build_execution_context(role_arn=one.arn, region=self._region)
            allowed = read_rights(identity, ASSUME, context)
            elsewhere = elsewhere or self._leads_elsewhere(allowed)
            for other in self._list_next(one, identity, allowed):
                if other.arn == role.arn or other.arn in reached:
                    continue
                if len(reached) >= _MOST_ROLES:
                    is_cut = True
                    break
                reached[other.arn] = other
                waiting.append(other)
        is_cut = is_cut or self._asked >= _MOST_ASKED
        if not (reached or is_cut or elsewhere):
            return _NONE
        return Assumed(roles=tuple(reached.values()), is_cut=is_cut, elsewhere=elsewhere)

    def _leads_elsewhere(self, allowed: Rights) -> bool:
        return any(
            is_elsewhere(str(one.pattern), self._account, self._region)
            for one in (*allowed.own.allowed, *allowed.direct.allowed)
        )

    def _list_next(self, role: Role, identity: Identity, allowed: Rights) -> Iterator[Role]:
        """The roles that a role may become at once."""
        caller = Caller(account=self._account, arn=role.arn)
        context = build_execution_context(role_arn=role.arn, region=self._region)
        for arn in self._list_candidates(allowed, identity):
            if self._asked >= _MOST_ASKED:
                return
            other, trust = self._trusting[arn]
            # A role of many statements is dearer to ask, and so is a long trust policy.
            self._asked += 1 + allowed.size // _AT_ONCE + self._lengths[arn]
            if allowed.answer(arn).access is Access.DENIED:
                continue
            admits = trust is None or any(
                _admits(statement, caller, arn, context) for statement in trust.statements
            )
            if admits:
                yield other

    def _list_candidates(self, allowed: Rights, identity: Identity) -> Iterator[str]:
        """The roles that statements speak of; all that trust somebody where these are not known."""
        named = {str(one.pattern) for one in (*allowed.own.allowed, *allowed.direct.allowed)}
        if identity.is_complete and all(arn in self._trusting for arn in named):
            yield from sorted(named)
        elif named or not identity.is_complete:
            yield from self._trusting


def _read_trust(role: Role) -> PolicyDocument | None:
    """``None`` for one that is malformed: it may admit anybody."""
    try:
        return parse_policy(role.trust, f"trust policy of {role.arn}")
    except MalformedPolicyError:
        return None


def _count_principals(trust: PolicyDocument | None) -> int:
    """How many principals a trust policy names."""
    told = [one.principals for one in trust.statements] if trust else []
    return sum(len(one.listed) if one else 0 for one in told)


def _admits(
    statement: Statement,
    caller: Caller,
    role_arn: str,
    context: dict[str, tuple[str, ...] | None],
) -> bool:
    """Whether a statement of a trust policy may let a role in, or leaves it to its account."""
    if statement.effect is Effect.DENY or not statement.speaks_of(ASSUME):
        return False
    if find_undecided(statement.conditions, context)[0]:
        return False
    anybody = Caller(account=caller.account)
    is_own = match_principals(statement.principals, caller, role_arn, Effect.ALLOW).is_caller
    is_left = match_principals(statement.principals, anybody, role_arn, Effect.ALLOW).is_caller
    return is_own is not Likelihood.NO or is_left is Likelihood.YES
