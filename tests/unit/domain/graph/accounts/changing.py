"""Carries out on the description of an account what a cut tells people to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from functions.domain.account.environment_references import Environment
from functions.domain.account.inventory import Area, Gap, NamedPolicy
from functions.domain.graph.model import Means, NodeKind, wildcards_of
from functions.domain.graph.nodes import node_of
from functions.domain.graph.writes.write_actions import ARN_HEADS, WRITE_ACTIONS, read_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from functions.domain.account.inventory import Account, Role
    from functions.domain.graph.model import Change


def changed(account: Account, changes: Iterable[Change]) -> Account:
    """The account after some changes."""
    for change in changes:
        account = _changed(account, change)
    return account


def denied(role: Role, actions: Iterable[str], resources: Iterable[str]) -> Role:
    """The role with one more Deny."""
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": list(actions), "Resource": list(resources)}],
        }
    )
    return replace(role, policies=(*role.policies, NamedPolicy(name="deny", text=text)))


def _changed(account: Account, change: Change) -> Account:  # noqa: C901, PLR0912 (one case each)
    match change.means:
        case Means.PERMISSION | Means.RUNTIME_LOGS:
            return _without_permission(account, change)
        case Means.MAPPING:
            kept = tuple(one for one in account.mappings if one.uuid != change.id)
            return replace(account, mappings=kept)
        case Means.SUBSCRIPTION:
            subscriptions = tuple(one for one in account.subscriptions if one.arn != change.id)
            return replace(account, subscriptions=subscriptions)
        case Means.RULE:
            return replace(
                account,
                rules=tuple(
                    replace(
                        rule,
                        targets=tuple(
                            one
                            for one in rule.targets
                            if rule.arn != change.id or node_of(one.arn).arn != change.what
                        ),
                    )
                    for rule in account.rules
                ),
            )
        case Means.NOTIFICATION:
            return replace(
                account,
                buckets=tuple(
                    replace(
                        bucket,
                        notifications=tuple(
                            one
                            for one in bucket.notifications
                            if one.id != change.id or node_of(one.target_arn).arn != change.what
                        ),
                    )
                    for bucket in account.buckets
                ),
            )
        case Means.EVENTBRIDGE_CONFIGURATION | Means.REPLICATION:
            name = change.id.rsplit(":", 1)[-1]
            return replace(
                account,
                buckets=tuple(
                    replace(bucket, has_event_bridge=False, replicates_to=())
                    if bucket.name == name
                    else bucket
                    for bucket in account.buckets
                ),
            )
        case Means.PIPE:
            pipes = tuple(one for one in account.pipes if one.arn != change.id)
            return replace(account, pipes=pipes)
        case Means.LOG_SUBSCRIPTION:
            kept_logs = tuple(one for one in account.log_subscriptions if one.name != change.id)
            return replace(account, log_subscriptions=kept_logs)
        case Means.ACCOUNT_LOG_SUBSCRIPTION:
            group = change.id.rsplit(":log-group:", 1)[-1]
            return replace(
                account,
                log_subscriptions=tuple(
                    replace(one, excluded_groups=(*one.excluded_groups, group))
                    for one in account.log_subscriptions
                ),
            )
        case Means.REDRIVE | Means.MOVED_BACK:
            queues = tuple(one for one in account.queues if one.dead_letter_arn != change.what)
            return replace(account, queues=queues)
        case Means.DESTINATION | Means.DEAD_LETTER | Means.CALL | Means.RESOURCE_POLICY:
            return replace(
                account,
                functions=tuple(
                    replace(
                        one,
                        on_success_arn="",
                        on_failure_arn="",
                        dead_letter_arn="",
                        environment=Environment(),
                        resource_policies={},
                    )
                    for one in account.functions
                ),
            )
        case Means.TASK:
            machines = tuple(one for one in account.state_machines if one.arn != change.id)
            return replace(account, state_machines=machines)
        case Means.DELIVERY | Means.TRANSFORM:
            return replace(account, delivery_streams=())
        case Means.HTTP:
            return replace(account, apis=())
        case Means.SCHEDULE:
            return replace(account, schedules=())
        case _:
            assert_never(change.means)


def _without_permission(account: Account, change: Change) -> Account:
    role = account.roles[change.id]
    kind = next((one for one in NodeKind if wildcards_of(one) == change.what), None)
    if kind is not None:
        policies = tuple(replace(one, text=_narrowed(one.text, kind)) for one in role.policies)
        limited = replace(role, policies=policies)
    else:
        ways = WRITE_ACTIONS.get(node_of(change.what).kind, ())
        actions = [action for way in ways for action in way.actions]
        resources = [change.what, f"{change.what}/*", f"{change.what}:*"]
        limited = denied(role, actions, resources) if ways else denied(role, ["*"], ["*"])
    return replace(account, roles={**account.roles, role.arn: limited})


def _narrowed(text: str, kind: NodeKind) -> str:
    """A policy without the patterns that reach more than one resource of a kind."""
    document: dict[str, Any] = json.loads(text)
    kept = []
    for one in document["Statement"]:
        listed = one.get("Resource", ["*"])
        named = [
            pattern
            for pattern in ([listed] if isinstance(listed, str) else listed)
            if read_name(kind, pattern) is not None or not _is_of(kind, pattern)
        ]
        if one["Effect"] == "Deny":
            kept.append(one)
        elif named and "NotResource" not in one:
            kept.append({**one, "Resource": named})
    return json.dumps({**document, "Statement": kept})


def _is_of(kind: NodeKind, pattern: str) -> bool:
    return pattern == "*" or f":{ARN_HEADS[kind][0]}:" in pattern


def without_triggers(account: Account) -> Iterable[Account]:
    """The account with one trigger less, in every way."""
    for name in (
        "mappings",
        "subscriptions",
        "rules",
        "pipes",
        "log_subscriptions",
        "apis",
        "state_machines",
        "queues",
        "delivery_streams",
        "buckets",
    ):
        listed = getattr(account, name)
        for index in range(len(listed)):
            fields: Mapping[str, Any] = {name: listed[:index] + listed[index + 1 :]}
            yield replace(account, **fields)


def with_gaps(account: Account) -> Iterable[Account]:
    """The account with one thing less that could be seen."""
    for area in Area:
        gap = Gap(area=area, words="not authorized", action="x:y")
        yield replace(account, gaps=(*account.gaps, gap))


def turned_round(account: Account) -> Account:
    """The same account, told in another order."""
    fields: dict[str, Any] = {
        name: tuple(reversed(getattr(account, name)))
        for name in (
            "functions",
            "mappings",
            "buckets",
            "subscriptions",
            "rules",
            "pipes",
            "log_subscriptions",
            "apis",
            "state_machines",
            "queues",
            "delivery_streams",
        )
    }
    return replace(account, roles=dict(reversed(list(account.roles.items()))), **fields)
