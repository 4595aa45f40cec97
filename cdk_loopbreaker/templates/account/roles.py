"""Roles of templates with all their policies, and what resource policies say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.account.scope import describe_unknown
from cdk_loopbreaker.templates.managed_policies import find_managed_policy, is_managed_by_aws
from cdk_loopbreaker.templates.policy_documents import join_policies, write_policy
from cdk_loopbreaker.templates.property_values import (
    get_doubt,
    is_doubtful,
    is_unknown,
    read_list,
    read_mapping,
    read_path,
    read_text,
)
from functions.domain.account.inventory import NamedPolicy, Role
from functions.domain.account.state_machines import parse_queue_arn
from functions.domain.iam.arn import account_of
from functions.domain.iam.raw_statements import trusts_account

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdk_loopbreaker.templates.account.scope import AccountScope
    from cdk_loopbreaker.templates.model import Resource, Value
    from cdk_loopbreaker.templates.policy_documents import WrittenPolicy

_ROLE: Final = "AWS::IAM::Role"
_MANAGED: Final = "AWS::IAM::ManagedPolicy"


@dataclass(slots=True)
class _Draft:
    """A role while its policies are collected."""

    arn: str
    policies: list[NamedPolicy] = field(default_factory=list)
    boundary: NamedPolicy | None = None
    is_complete: bool = True
    trust: str = ""


def describe_roles(scope: AccountScope, used: Iterable[str]) -> dict[str, Role]:
    """The roles that the templates declare, and those that they give policies to or use.

    Of a role that no template declares only the policies are known that a template gives it: it is
    not complete.

    Parameters
    ----------
    used
        ARNs of the roles that something acts with.
    """
    return _Roles(scope).describe(used)


class _Roles:
    """Collects the policies of the roles of an account."""

    __slots__ = ("_by_name", "_managed", "_scope")

    def __init__(self, scope: AccountScope) -> None:
        self._scope = scope
        self._by_name: dict[str, _Draft] = {}
        self._managed: dict[str, NamedPolicy | None] = {}

    def describe(self, used: Iterable[str]) -> dict[str, Role]:
        """All roles, by ARN."""
        scope = self._scope
        for resource in scope.list_of(_ROLE):
            self._by_name[resource.ref] = _Draft(arn=resource.arn)
        for arn in used:
            name = arn.rpartition("/")[2]
            if name and name not in self._by_name:
                self._by_name[name] = _Draft(arn=arn, is_complete=False)
        for resource in scope.list_of(_MANAGED):
            self._managed[resource.arn or resource.ref] = self._write_own(resource)
        for resource in scope.list_of(_ROLE):
            self._read_role(resource, self._by_name[resource.ref])
        for resource in scope.list_of("AWS::IAM::Policy", "AWS::IAM::RolePolicy", _MANAGED):
            self._attach(resource)
        return {
            one.arn: Role(
                arn=one.arn,
                policies=tuple(one.policies),
                boundary=one.boundary,
                is_complete=one.is_complete,
                trust=one.trust,
            )
            for one in self._by_name.values()
        }

    def _read_role(self, resource: Resource, role: _Draft) -> None:
        told = resource.properties
        self._scope.place(resource, resource.arn)
        inline, attached = told.get("Policies"), told.get("ManagedPolicyArns")
        for policy in read_list(inline):
            name = read_text(read_path(policy, "PolicyName")) or "inline"
            doubt = get_doubt(inline) or get_doubt(policy)
            self._add(resource, role, name, read_path(policy, "PolicyDocument"), doubt)
        for arn in read_list(attached):
            managed = self._find_managed(resource, arn)
            if managed is None:
                role.is_complete = False
                continue
            managed = _weaken(managed, get_doubt(attached))
            if managed not in role.policies:
                role.policies.append(managed)
        boundary = told.get("PermissionsBoundary")
        if boundary is not None:
            # One that a condition leaves out, perhaps, limits nothing for certain.
            is_fact = not is_doubtful(boundary)
            role.boundary = self._find_managed(resource, boundary) if is_fact else None
            role.is_complete = role.is_complete and role.boundary is not None
        trust = write_policy(told.get("AssumeRolePolicyDocument"), home=self._scope.home)
        if trust.unread:
            self._scope.note_problem(
                resource, f"who may assume it is not known: {', '.join(trust.unread)}"
            )
        if trust.unread or _is_for_own_account(trust, account_of(resource.arn)):
            # What is missing of it may admit anybody: a malformed one is read so.
            role.trust = "not known" if trust.unread else trust.text

    def _attach(self, resource: Resource) -> None:
        """Give a policy to the roles that it names."""
        told = resource.properties
        names = told.get("RoleName") if resource.type.endswith("RolePolicy") else told.get("Roles")
        for one in read_list(names):
            if is_unknown(one):
                words = f"a role that it is attached to is {describe_unknown(one)}"
                self._scope.note_problem(resource, words)
                continue
            name = read_text(one).rpartition("/")[2]
            role = self._by_name.get(name)
            if role is None:
                continue  # of nothing that is described here
            if resource.type == _MANAGED:
                own = self._managed[resource.arn or resource.ref]
                title = own.name if own else ""
                self._scope.places.setdefault(f"{role.arn} {title}", resource.place)
                if own is None:
                    role.is_complete = False
                elif own not in role.policies:
                    role.policies.append(own)
                continue
            title = read_text(told.get("PolicyName")) or resource.logical_id
            self._add(resource, role, title, told.get("PolicyDocument"))

    def _add(
        self, resource: Resource, role: _Draft, name: str, document: Value, doubt: str = ""
    ) -> None:
        self._scope.places.setdefault(f"{role.arn} {name}", resource.place)
        written = self._write(resource, name, document, doubt)
        role.is_complete = role.is_complete and not written.unread
        role.policies.append(NamedPolicy(name=name, text=written.text))

    def _write_own(self, resource: Resource) -> NamedPolicy | None:
        """A managed policy of the templates; ``None`` where something of it is not known."""
        name = read_text(resource.properties.get("ManagedPolicyName")) or resource.logical_id
        written = self._write(resource, name, resource.properties.get("PolicyDocument"))
        return None if written.unread else NamedPolicy(name=name, text=written.text)

    def _write(
        self, resource: Resource, name: str, document: Value, doubt: str = ""
    ) -> WrittenPolicy:
        # A role that may not exist weakens its policies by itself.
        is_sure = resource.is_certain or resource.type == _ROLE
        if not is_sure:
            doubt = f"the condition of {resource.logical_id}"
        written = write_policy(document, doubt, self._scope.home)
        self._scope.refer(sorted(written.named))
        if written.unread:
            told = ", ".join(written.unread)
            self._scope.note_problem(resource, f"policy {name} is not known as a whole: {told}")
        return written

    def _find_managed(self, resource: Resource, value: Value) -> NamedPolicy | None:
        if is_unknown(value):
            self._scope.note_problem(resource, f"a managed policy is {describe_unknown(value)}")
            return None
        arn = read_text(value)
        if arn in self._managed:
            return self._managed[arn]
        if is_managed_by_aws(arn) and (found := find_managed_policy(arn)) is not None:
            return found
        self._scope.note_problem(resource, f"managed policy {arn[:200]} is not known here")
        return None


def _weaken(policy: NamedPolicy, doubt: str) -> NamedPolicy:
    """A policy that a condition leaves out, perhaps."""
    return replace(policy, text=write_policy(policy.text, doubt).text) if doubt else policy


def _is_for_own_account(trust: WrittenPolicy, account: str) -> bool:
    try:
        return trusts_account(trust.text, account)
    except ValueError:
        return False


# -- resource policies


def describe_resource_policies(scope: AccountScope) -> dict[str, str]:
    """Policies of queues, topics, buckets, buses, tables and streams, by the ARN of these."""
    found: dict[str, list[WrittenPolicy]] = {}
    for resource in scope.resources:
        document = _find_document(resource)
        if document is None:
            continue
        doubt = "" if resource.is_certain else f"the condition of {resource.logical_id}"
        written = write_policy(document, doubt, scope.home)
        for target in _list_subjects(scope, resource):
            arn = _read_subject(scope, target)
            if not arn:
                why = describe_unknown(target)
                scope.note_problem(resource, f"the resource of this policy is {why}")
                continue
            if written.unread:
                words = f"its policy is not known as a whole: {', '.join(written.unread)}"
                scope.open_entry(resource, arn, words)
            found.setdefault(arn, []).append(written)
    return {arn: join_policies(written).text for arn, written in found.items()}


def _find_document(resource: Resource) -> Value:
    told = resource.properties
    match resource.type:
        case (
            "AWS::SQS::QueuePolicy"
            | "AWS::SNS::TopicPolicy"
            | "AWS::S3::BucketPolicy"
            | "AWS::SQS::QueueInlinePolicy"
            | "AWS::SNS::TopicInlinePolicy"
        ):
            return told.get("PolicyDocument")
        case "AWS::Kinesis::ResourcePolicy":
            return told.get("ResourcePolicy")
        case "AWS::DynamoDB::Table":
            return read_path(told.get("ResourcePolicy"), "PolicyDocument")
        case "AWS::DynamoDB::GlobalTable":
            return _find_replica_policy(resource)
        case "AWS::Events::EventBus":
            return told.get("Policy")
        case "AWS::Events::EventBusPolicy":
            return _compose_bus_policy(resource)
    return None


def _list_subjects(scope: AccountScope, resource: Resource) -> Iterator[Value]:
    """What a policy is about: names, URLs or ARNs."""
    told = resource.properties
    match resource.type:
        case "AWS::SQS::QueuePolicy":
            yield from read_list(told.get("Queues"))
        case "AWS::SQS::QueueInlinePolicy":
            yield told.get("Queue")
        case "AWS::SNS::TopicPolicy":
            yield from read_list(told.get("Topics"))
        case "AWS::SNS::TopicInlinePolicy":
            yield told.get("TopicArn")
        case "AWS::S3::BucketPolicy":
            bucket = told.get("Bucket")
            yield bucket if is_unknown(bucket) else scope.read_bucket(bucket)
        case "AWS::Kinesis::ResourcePolicy":
            yield told.get("ResourceArn")
        case "AWS::Events::EventBusPolicy":
            bus = told.get("EventBusName")
            yield bus if is_unknown(bus) else scope.read_bus(bus)
        case _:
            yield resource.arn


def _read_subject(scope: AccountScope, value: Value) -> str:
    """The ARN of what a policy is about; empty where it is not known."""
    text = read_text(value)
    if text.startswith("http"):
        declared = scope.find("AWS::SQS::Queue", text)
        return declared.arn if declared else parse_queue_arn(text, scope.partition)
    return text if text.startswith("arn:") else ""


def _find_replica_policy(resource: Resource) -> Value:
    for replica in read_list(resource.properties.get("Replicas")):
        if read_text(read_path(replica, "Region")) == resource.region:
            return read_path(replica, "ResourcePolicy", "PolicyDocument")
    return None


def _compose_bus_policy(resource: Resource) -> Value:
    """The statement of a bus, or the older form, which lets an account send events."""
    told = resource.properties
    if (statement := told.get("Statement")) is not None:
        return {"Statement": [statement]}
    principal = told.get("Principal")
    condition = read_mapping(told.get("Condition"))
    limits: Value = (
        {
            read_text(condition.get("Type")): {
                read_text(condition.get("Key")): condition.get("Value")
            }
        }
        if condition
        else {}
    )
    return {
        "Statement": [
            {
                "Sid": read_text(told.get("StatementId")),
                "Effect": "Allow",
                "Principal": "*" if principal == "*" else {"AWS": principal},
                "Action": told.get("Action"),
                "Resource": "*",
                "Condition": limits,
            }
        ]
    }
