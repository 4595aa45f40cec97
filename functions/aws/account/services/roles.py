"""What functions may do: roles with all their policies, by one listing of the whole account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from functions.aws.account import facts as f
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import Operation, Paging
from functions.domain.account.inventory import Area, NamedPolicy
from functions.domain.iam.arn import account_of
from functions.domain.iam.raw_statements import (
    list_principals,
    list_statements,
    trusts_account,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from functions.aws.account.read_session import Entry, ReadSession
    from functions.domain.iam.raw_statements import RawStatement


def _declare_operation(method: str, action: str) -> Operation:
    return Operation(service="iam", method=method, action=f"iam:{action}", lane=Quota.IAM)


_GET_ALL: Final = _declare_operation(
    "get_account_authorization_details", "GetAccountAuthorizationDetails"
)
_GET_ROLE: Final = _declare_operation("get_role", "GetRole")
_LIST_ATTACHED: Final = _declare_operation(
    "list_attached_role_policies", "ListAttachedRolePolicies"
)
_LIST_INLINE: Final = _declare_operation("list_role_policies", "ListRolePolicies")
_GET_INLINE: Final = _declare_operation("get_role_policy", "GetRolePolicy")
_GET_POLICY: Final = _declare_operation("get_policy", "GetPolicy")
_GET_VERSION: Final = _declare_operation("get_policy_version", "GetPolicyVersion")
OPERATIONS: Final = (
    _GET_ALL,
    _GET_ROLE,
    _LIST_ATTACHED,
    _LIST_INLINE,
    _GET_INLINE,
    _GET_POLICY,
    _GET_VERSION,
)
IAM_ACTIONS: Final = frozenset(one.action for one in OPERATIONS)

_ROLES: Final = "roles"
_MARKERS: Final = Paging(ask="Marker", answer="Marker")
# IAM may answer fewer than that at a time (IAM API reference).
_ENTRIES_PER_PAGE: Final = 1000
# Of the roles that no function has: those that these services may take on, because they carry
# events on, or a function may be given one. Those that somebody of the account may assume are kept
# too: a function may be that somebody.
_CARRIERS: Final = frozenset(
    {"lambda", "states", "pipes", "events", "scheduler", "firehose", "logs", "s3", "sns"}
)


def list_roles(reading: ReadSession) -> None:
    """The roles of the account that events can pass through, and the policies attached to them.

    UNCONFIRMED A-011: whether AWS's own policies are all listed or only those in use. Either way
    what is not attached is left behind, and what was not listed is read by itself.
    """

    def take_role(entry: Entry) -> None:
        role = _parse_role(entry)
        if role.trust or not _CARRIERS.isdisjoint(role.trusts):
            reading.facts.put(f.ROLES, role.arn, role)

    def take_policy(entry: Entry) -> None:
        policy = _find_default_version(entry)
        if policy is not None:
            reading.facts.put(f.MANAGED, entry["Arn"], policy)

    def take_page(page: Entry) -> None:
        for one in page.get("Policies") or ():
            reading.take(Area.ROLES, one, take_policy)
        for one in page.get("RoleDetailList") or ():
            reading.take(Area.ROLES, one, take_role)

    reading.read_listing(
        _ROLES,
        Area.ROLES,
        _GET_ALL,
        "",
        take_page,
        paging=_MARKERS,
        Filter=["Role", "LocalManagedPolicy", "AWSManagedPolicy"],
        MaxItems=_ENTRIES_PER_PAGE,
    )


def carry_over(source: f.Facts, target: f.Facts) -> bool:
    """Take over what was read of roles in another Region: IAM is the same in all of them.

    Answers whether there was all of it; where some of it could not be read, it is read again.
    """
    is_whole = source.is_done(_ROLES) and all(
        gap.area is not Area.ROLES for gap in source.of(f.GAPS).values()
    )
    if is_whole:
        target.load(f.ROLES, source.of(f.ROLES))
        target.load(f.MANAGED, source.of(f.MANAGED))
        target.remember_token(_ROLES, "")
    return is_whole


def complete(reading: ReadSession, wanted: Iterable[str]) -> None:
    """Read what the listing did not hold of the wanted roles: new ones, and changed ones."""
    facts = reading.facts
    if not facts.is_missed(Area.ROLES):
        reading.read_details(
            f.ROLES, Area.ROLES, wanted, lambda arn: _read_role(reading, arn), if_gone=None
        )
        attached = [
            arn
            for role in facts.of(f.ROLES).values()
            if role is not None
            for arn in (*role.attached, role.boundary)
            if arn
        ]
        reading.read_details(
            f.MANAGED, Area.ROLES, attached, lambda arn: _read_managed(reading, arn), if_gone=None
        )
        used = set(attached)
        facts.keep(f.MANAGED, used.__contains__)


def find_role_arns(reading: ReadSession, name: str) -> list[str]:
    """The ARNs of known roles with this name; a role's path is part of its ARN."""
    known = {*reading.facts.of(f.ROLES)}
    known.update(one.role_arn for one in reading.facts.of(f.FUNCTIONS).values())
    return [arn for arn in known if arn.rpartition("/")[2] == name]


def _read_role(reading: ReadSession, arn: str) -> f.RoleFacts:
    name = arn.rpartition("/")[2]
    detail = reading.asker.ask(_GET_ROLE, RoleName=name)["Role"]
    attached = _read_each(reading, _LIST_ATTACHED, "AttachedPolicies", name)
    inline = [
        NamedPolicy(
            name=one,
            text=_format_document(
                reading.asker.ask(_GET_INLINE, RoleName=name, PolicyName=one)["PolicyDocument"]
            ),
        )
        for one in _read_each(reading, _LIST_INLINE, "PolicyNames", name)
    ]
    return f.RoleFacts(
        arn=arn,
        inline=tuple(inline),
        attached=tuple(one["PolicyArn"] for one in attached),
        boundary=(detail.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", ""),
        trusts=_list_trusted(detail.get("AssumeRolePolicyDocument")),
        trust=_select_trust(arn, detail.get("AssumeRolePolicyDocument")),
    )


def _read_each(
    reading: ReadSession, operation: Operation, entries: str, role: str
) -> Iterator[Any]:
    for page, _ in reading.asker.read_pages(operation, _MARKERS, RoleName=role):
        yield from page[entries]


def _read_managed(reading: ReadSession, arn: str) -> NamedPolicy:
    policy = reading.asker.ask(_GET_POLICY, PolicyArn=arn)["Policy"]
    version = reading.asker.ask(_GET_VERSION, PolicyArn=arn, VersionId=policy["DefaultVersionId"])[
        "PolicyVersion"
    ]
    return NamedPolicy(name=policy["PolicyName"], text=_format_document(version["Document"]))


def _parse_role(entry: Entry) -> f.RoleFacts:
    return f.RoleFacts(
        arn=entry["Arn"],
        inline=tuple(
            NamedPolicy(name=one["PolicyName"], text=_format_document(one["PolicyDocument"]))
            for one in entry.get("RolePolicyList") or ()
        ),
        attached=tuple(one["PolicyArn"] for one in entry.get("AttachedManagedPolicies") or ()),
        boundary=(entry.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", ""),
        trusts=_list_trusted(entry.get("AssumeRolePolicyDocument")),
        trust=_select_trust(entry["Arn"], entry.get("AssumeRolePolicyDocument")),
    )


def _find_default_version(entry: Entry) -> NamedPolicy | None:
    for one in entry.get("PolicyVersionList") or ():
        if one.get("IsDefaultVersion"):
            return NamedPolicy(name=entry["PolicyName"], text=_format_document(one["Document"]))
    return None


def _format_document(document: Any) -> str:
    """A policy document as JSON. botocore has decoded it already, unless it is malformed."""
    if isinstance(document, str):
        return unquote(document) if document.startswith("%7B") else document
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _list_trusted(document: Any) -> tuple[str, ...]:
    """The services that a trust policy names, by the first part of their names."""
    named = (one for statement in _read(document) for one in list_principals(statement, "Service"))
    return tuple(dict.fromkeys(one.partition(".")[0] for one in named))


def _select_trust(arn: str, document: Any) -> str:
    """A trust policy by which somebody of the role's own account may assume it, else nothing."""
    try:
        is_trusting = trusts_account(_decode(document), account_of(arn))
    except ValueError:
        return ""
    return _format_document(document) if is_trusting else ""


def _read(document: Any) -> tuple[RawStatement, ...]:
    """The statements of a document; none of one that is malformed."""
    try:
        return list_statements(_decode(document))
    except ValueError:
        return ()


def _decode(document: Any) -> Any:
    return _format_document(document) if isinstance(document, str) else document
