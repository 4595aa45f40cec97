"""What resource policies let roles write, laid beside what the roles' own policies let them.

Within an account the policy of a queue, topic, bucket, bus, table or stream alone is enough for a
role that it names (IAM user guide, *Policy evaluation logic*): without it, a function that has no
right of its own to write there would be taken for one that cannot loop.

A statement that names a role becomes one of the role's own. The role's permissions boundary then
limits it, as IAM says of statements that name a role. One that names everybody only makes a write
possible, never certain: that a queue is open to all is no sign that this function sends to it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from functions.domain.account import Account, Area, Gap, NamedPolicy, Role
from functions.domain.iam.document import MalformedPolicyError, parse_policy
from functions.domain.strict_json import read_json

# Statements for AWS's services, which stand in for a resource or an account: they admit no role.
# UNCONFIRMED: that the default policy of a topic (everybody, under AWS:SourceOwner) lets no role
# publish that has no right of its own. If it does, a loop through such a topic passes for ruled
# out, and a spike is judged one step milder.
_OF_SERVICES: Final = frozenset({"aws:sourceowner", "aws:sourcearn", "aws:sourceaccount"})
# Nobody knows it of a request beforehand: what depends on it is possible and never certain.
_UNDECIDED: Final = MappingProxyType({"StringLike": {"aws:userid": "*"}})
_EVERYBODY: Final = "*"


def with_resource_grants(account: Account) -> Account:
    """The account with each role's policies as its resources extend and limit them."""
    named: dict[str, list[NamedPolicy]] = {}
    everybody: list[NamedPolicy] = []
    gaps: list[Gap] = []
    for arn, text in sorted(account.resource_policies.items()):
        if not text:
            continue
        try:
            parse_policy(text, arn)
        except MalformedPolicyError as error:
            gaps.append(Gap(area=Area.RESOURCE_POLICIES, resource=arn, words=str(error)))
            continue
        for principal, policy in _grants(arn, text):
            if principal == _EVERYBODY:
                everybody.append(policy)
            else:
                named.setdefault(principal, []).append(policy)
    if not (named or everybody or gaps):
        return account
    roles = {
        arn: _extended(role, (*named.get(arn, ()), *everybody))
        for arn, role in account.roles.items()
    }
    return replace(account, roles=MappingProxyType(roles), gaps=(*account.gaps, *gaps))


def _extended(role: Role, policies: tuple[NamedPolicy, ...]) -> Role:
    return replace(role, policies=(*role.policies, *policies)) if policies else role


def _grants(arn: str, text: str) -> Iterator[tuple[str, NamedPolicy]]:
    """Each statement with each principal of ours, as an identity policy."""
    document: Any = read_json(text)
    statements = document.get("Statement", [])
    listed = [statements] if isinstance(statements, Mapping) else statements
    for number, statement in enumerate(listed, 1):
        allows = statement.get("Effect") == "Allow"
        conditions = statement.get("Condition") or {}
        if allows and _is_for_services(conditions):
            continue
        for principal in _principals(statement):
            fields = {
                key: statement[key]
                for key in ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource")
                if key in statement
            }
            fields.setdefault("Sid", f"statement {number}")
            if "Resource" not in fields and "NotResource" not in fields:
                fields["Resource"] = arn
            is_open = allows and principal == _EVERYBODY
            fields["Condition"] = _with_doubt(conditions) if is_open else dict(conditions)
            own = {"Version": document.get("Version", "2012-10-17"), "Statement": [fields]}
            yield principal, NamedPolicy(name=f"policy of {arn}", text=json.dumps(own))


def _principals(statement: Mapping[str, Any]) -> tuple[str, ...]:
    """ARNs of roles, or everybody. What an account's root is given, its own policies hand on."""
    if "NotPrincipal" in statement:
        # Everybody but some: a Deny of that kind is left out, which only makes more possible.
        return (_EVERYBODY,) if statement.get("Effect") == "Allow" else ()
    principal = statement.get("Principal", {})
    told = principal.get("AWS", ()) if isinstance(principal, Mapping) else principal
    listed = (told,) if isinstance(told, str) else tuple(told)
    return tuple(one for one in listed if one == _EVERYBODY or ":role/" in one)


def _is_for_services(conditions: Mapping[str, Any]) -> bool:
    keys = {key.lower() for block in conditions.values() for key in block}
    return bool(keys & _OF_SERVICES)


def _with_doubt(conditions: Mapping[str, Any]) -> dict[str, Any]:
    merged = {operator: dict(block) for operator, block in conditions.items()}
    for operator, block in _UNDECIDED.items():
        merged.setdefault(operator, {}).update(block)
    return merged
