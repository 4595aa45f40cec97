"""What resource policies let roles write, laid beside what the roles' own policies let them.

Within an account the policy of a queue, topic, bucket, bus, table, stream or function alone is
enough for a role that it names (IAM user guide, *Policy evaluation logic*): without it, a function
that has no right of its own to write there would be taken for one that cannot loop. The trust
policy of a role is of this kind: what it says of AssumeRole is read in `assumed`.

A statement that names a role becomes one of the role's own, which its permissions boundary limits.
One that names a session of the role (that of a function has the function's name) or everybody is
kept beside the boundary, which does not limit it. What everybody may makes a write possible, never
certain: that a queue is open to all is no sign that this function sends to it. A Deny counts
against everything that the role may, by whatever name it means the role; where it is not sure that
it does, what it denies is possible.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from functions.domain.account.inventory import Account, Area, Gap
from functions.domain.iam.arn import ARN_PARTS
from functions.domain.iam.document import (
    Condition,
    Effect,
    MalformedPolicyError,
    PolicyDocument,
    Statement,
    parse_policy,
)
from functions.domain.iam.likelihood import Likelihood
from functions.domain.iam.resource_policy import Caller, match_principals

# Statements for AWS's services, which stand in for a resource or an account: they admit no role.
# UNCONFIRMED A-021: that the default policy of a topic (everybody, under AWS:SourceOwner) lets no
# role publish that has no right of its own. If it does, a loop through such a topic passes for
# ruled out, and a spike is judged one step milder.
_OF_SERVICES: Final = frozenset({"aws:sourceowner", "aws:sourcearn", "aws:sourceaccount"})
# Nobody knows it of a request beforehand: what depends on it is possible and never certain.
_UNDECIDED: Final = Condition(operator="StringLike", key="aws:userid", values=("*",))


@dataclass(frozen=True, slots=True, eq=False)
class ResourceGrants:
    """What the resource policies of an account say to one role, or to one session of it.

    It is equal to itself only: roles of which the policies say the same share one.

    Attributes
    ----------
    own
        Like policies of the role's own.
    direct
        What is allowed beside the permissions boundary.
    is_personal
        Whether a condition asks who the caller is.
    """

    own: tuple[PolicyDocument, ...] = ()
    direct: tuple[PolicyDocument, ...] = ()

    is_personal: bool = False


class ResourcePolicies:
    """The resource policies of an account, each read once.

    Attributes
    ----------
    gaps
        The policies that are malformed.
    """

    __slots__ = (
        "_account",
        "_by_role",
        "_everybody",
        "_found",
        "_open",
        "_policies",
        "_sessions",
        "gaps",
    )

    def __init__(self, account: Account) -> None:
        self._account = account.account
        self._policies: list[tuple[str, PolicyDocument]] = []
        self._by_role: dict[str, set[int]] = {}
        self._sessions: dict[str, set[str]] = {}
        self._found: dict[tuple[str, str], ResourceGrants] = {}
        gaps: list[Gap] = []
        names = {arn.rpartition("/")[2]: arn for arn in account.roles}
        for area, resource, gap, text in _list_policies(account):
            try:
                document = parse_policy(text, f"policy of {resource}")
            except MalformedPolicyError as error:
                gaps.append(Gap(area=area, resource=gap, words=str(error)))
                continue
            self._read(resource, document, names)
        self.gaps = tuple(gaps)
        self._everybody = tuple(
            self._address(number, Caller(account=self._account, arn=_NOBODY))
            for number in range(len(self._policies))
        )
        self._open = [number for number, said in enumerate(self._everybody) if said is not None]

    def _read(self, resource: str, document: PolicyDocument, names: Mapping[str, str]) -> None:
        """Keep a policy, and which roles it names."""
        number = len(self._policies)
        self._policies.append((resource, document))
        for statement in document.statements:
            for principal in statement.principals.listed if statement.principals else ():
                role, session = _read_role(principal.value, names)
                if role:
                    self._by_role.setdefault(role, set()).add(number)
                if session:
                    self._sessions.setdefault(role, set()).add(session)

    def of(self, role_arn: str, session: str = "") -> ResourceGrants:
        """What is said to a role, in a session of this name."""
        known = session if session in self._sessions.get(role_arn, ()) else ""
        naming = self._by_role.get(role_arn)
        key = (role_arn if naming else "", known)
        found = self._found.get(key)
        if found is None:
            caller = Caller(account=self._account, arn=role_arn, session=known)
            said = (
                self._address(number, caller)
                if naming and number in naming
                else self._everybody[number]
                for number in sorted({*self._open, *(naming or ())})
            )
            parts = [one for one in said if one is not None]
            found = self._found[key] = ResourceGrants(
                tuple(own for own, _ in parts if own.statements),
                tuple(direct for _, direct in parts if direct.statements),
                is_personal=any(map(_asks_who, (one for part in parts for one in part))),
            )
        return found

    def _address(self, number: int, caller: Caller) -> tuple[PolicyDocument, PolicyDocument] | None:
        """The statements of a policy for a caller: those like its own, and those beside."""
        resource, document = self._policies[number]
        own: list[Statement] = []
        direct: list[Statement] = []
        for statement in document.statements:
            said = _address_to(statement, caller, resource)
            if said is not None:
                (direct if said[1] else own).append(said[0])
        if not own and not direct:
            return None
        return replace(document, statements=tuple(own)), replace(document, statements=tuple(direct))


def _asks_who(document: PolicyDocument) -> bool:
    return any(
        "principal" in line.key.lower()
        for statement in document.statements
        for line in statement.conditions
    )


_NOBODY: Final = "arn:aws:iam:::role/"  # a role that no policy names


def _list_policies(account: Account) -> Iterator[tuple[Area, str, str, str]]:
    """Each policy with its resource, and what a gap about it is called."""
    for arn, text in sorted(account.resource_policies.items()):
        if text:
            yield Area.RESOURCE_POLICIES, arn, arn, text
    for arn, role in sorted(account.roles.items()):
        if role.trust:
            yield Area.ROLES, arn, arn, role.trust
    for function in sorted(account.functions, key=lambda one: one.arn):
        for qualifier, text in sorted(function.resource_policies.items()):
            if text:
                arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
                yield Area.POLICIES, arn, function.name, text


def _read_role(principal: str, names: Mapping[str, str]) -> tuple[str, str]:
    """The role that a principal names, and the session if it names one; empty for neither."""
    resource = principal.split(":", ARN_PARTS - 1)[-1]
    kind, *rest = resource.split("/")
    if kind == "role":
        return principal, ""
    if kind == "assumed-role" and rest:
        return names.get(rest[0], ""), "/".join(rest[1:])
    return "", ""


def _address_to(
    statement: Statement, caller: Caller, resource: str
) -> tuple[Statement, bool] | None:
    """A statement as it is for a caller, and whether it is beside the boundary."""
    allows = statement.effect is Effect.ALLOW
    if allows and any(line.key.lower() in _OF_SERVICES for line in statement.conditions):
        return None
    # A Deny is not believed to hit a function by the name of its session.
    asked = caller if allows else replace(caller, session="")
    found = match_principals(statement.principals, asked, resource, statement.effect)
    if found.is_caller is Likelihood.NO:
        return None
    is_open = found.is_caller is Likelihood.MAYBE or (
        allows and _is_for_everybody(statement, caller)
    )
    is_open = is_open or (statement.principals is not None and statement.principals.is_inverted)
    doubt = (_UNDECIDED,) if is_open else ()
    told = replace(
        statement, principals=None, conditions=(*statement.conditions, *doubt), within=resource
    )
    return told, allows and found.is_direct


def _is_for_everybody(statement: Statement, caller: Caller) -> bool:
    """Whether a statement says nothing of the one caller."""
    listed = statement.principals.listed if statement.principals else ()
    return not _names(caller, (one.value for one in listed))


def _names(caller: Caller, principals: Iterable[str]) -> bool:
    role = caller.arn.rpartition("/")[2]
    session = f":assumed-role/{role}/{caller.session}"
    return any(one == caller.arn or one.endswith(session) for one in principals)
