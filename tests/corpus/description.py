"""Reads the small accounts of this folder.

An account is a JSON document with a sentence that says why it is here, what there is in the
account, and what has to be concluded. ``@table/orders`` stands for the ARN of a table of that name,
and so on for every kind in `_ARNS`; filters and patterns are written as objects.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.domain.account.inventory import (
    Account,
    Api,
    Area,
    Bucket,
    DeliveryStream,
    FunctionDescription,
    Gap,
    LogSubscription,
    MappingDescription,
    NamedPolicy,
    Notification,
    Pipe,
    Queue,
    Role,
    Rule,
    RuleTarget,
    Schedule,
    StateMachine,
    Subscription,
)
from tests.environments import with_environments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER: Final = Path(__file__).parent / "accounts"
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
AT: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

_HOME: Final = f"{REGION}:{ACCOUNT}"
_ARNS: Final = {
    "function": f"arn:aws:lambda:{_HOME}:function:",
    "queue": f"arn:aws:sqs:{_HOME}:",
    "topic": f"arn:aws:sns:{_HOME}:",
    "table": f"arn:aws:dynamodb:{_HOME}:table/",
    "bucket": "arn:aws:s3:::",
    "kinesis": f"arn:aws:kinesis:{_HOME}:stream/",
    "firehose": f"arn:aws:firehose:{_HOME}:deliverystream/",
    "bus": f"arn:aws:events:{_HOME}:event-bus/",
    "rule": f"arn:aws:events:{_HOME}:rule/",
    "machine": f"arn:aws:states:{_HOME}:stateMachine:",
    "logs": f"arn:aws:logs:{_HOME}:log-group:",
    "role": f"arn:aws:iam::{ACCOUNT}:role/",
    "schedule": f"arn:aws:scheduler:{_HOME}:schedule/default/",
    "pipe": f"arn:aws:pipes:{_HOME}:pipe/",
    "api": f"arn:aws:execute-api:{_HOME}:",
    "kafka": f"arn:aws:kafka:{_HOME}:cluster/",
}
# What an account may say; anything else would be left out of it, and the loops would be missing.
_PARTS: Final = frozenset(
    {
        *("why", "loops", "ruled_out", "proofs", "doubts", "cut"),
        *("functions", "roles", "mappings", "buckets", "subscriptions", "rules", "schedules"),
        *("pipes", "logs", "apis", "machines", "dead_letters", "firehose", "resource_policies"),
        "gaps",
    }
)
_SHORT: Final = re.compile(r"@(stream|" + "|".join(_ARNS) + r")/([^\s\"]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One account with what has to be concluded from it.

    Attributes
    ----------
    loops, ruled_out
        Each as its edges in words, see `edge_text`, beginning where the first function by name is
        triggered.
    protected, broad
        Whether AWS stops each loop by itself, and whether only a wildcard allows it.
    """

    name: str
    why: str
    account: Account
    loops: tuple[tuple[str, ...], ...]
    protected: tuple[bool, ...]
    broad: tuple[bool, ...]
    accepted: tuple[str | None, ...]
    ruled_out: tuple[tuple[str, ...], ...]
    proofs: Mapping[str, str]
    doubts: Mapping[str, list[str]]
    cut: str


@cache
def cases() -> tuple[Case, ...]:
    """All accounts of the folder."""
    return tuple(read_case(path) for path in sorted(FOLDER.glob("*.json")))


def read_case(path: Path) -> Case:
    """One account.

    Raises
    ------
    ValueError
        When it says something that is not read here.
    """
    document = json.loads(_SHORT.sub(_arn, path.read_text(encoding="utf-8")))
    unread = sorted(set(document) - _PARTS)
    if unread:
        raise ValueError(
            f"{path.name} has {', '.join(unread)}: read that into the account in"
            " tests/corpus/description.py, and add its name to _PARTS"
        )
    loops = document.get("loops", [])
    return Case(
        name=path.stem,
        why=document["why"],
        account=_account_with_environments(document),
        loops=tuple(tuple(one["edges"]) for one in loops),
        protected=tuple(one.get("protected", False) for one in loops),
        broad=tuple(one.get("broad", False) for one in loops),
        accepted=tuple(one.get("accepted") for one in loops),
        ruled_out=tuple(tuple(one) for one in document.get("ruled_out", [])),
        proofs=document["proofs"],
        doubts=document.get("doubts", {}),
        cut=document.get("cut", ""),
    )


def parse_account(parts: Mapping[str, Any]) -> Account:
    """An account from its parts, written as in the files: ``@table/orders`` stands for an ARN."""
    return _account_with_environments(json.loads(_SHORT.sub(_arn, json.dumps(parts))))


def _account_with_environments(document: Mapping[str, Any]) -> Account:
    return with_environments(
        _account(document),
        {name: told.get("environment", {}) for name, told in document.get("functions", {}).items()},
    )


def _arn(found: re.Match[str]) -> str:
    kind, name = found.groups()
    if kind == "stream":
        return f"{_ARNS['table']}{name}/stream/2026-01-01T00:00:00.000"
    return f"{_ARNS[kind]}{name}"


def _account(document: Mapping[str, Any]) -> Account:
    functions = document.get("functions", {})
    machines = document.get("machines", {})
    roles = [_role(name, told) for name, told in functions.items() if told.get("may") != "unread"]
    roles += [_role(name, told) for name, told in machines.items()]
    roles += [_role(name, told) for name, told in document.get("roles", {}).items()]
    return Account(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        functions=tuple(_function(name, told) for name, told in functions.items()),
        roles={role.arn: role for role in roles},
        mappings=tuple(_mapping(one) for one in document.get("mappings", ())),
        buckets=tuple(_bucket(name, one) for name, one in document.get("buckets", {}).items()),
        subscriptions=tuple(_subscription(one) for one in document.get("subscriptions", ())),
        rules=tuple(_rule(one) for one in document.get("rules", ())),
        schedules=tuple(
            Schedule(arn=one["arn"], target_arn=one["to"]) for one in document.get("schedules", ())
        ),
        pipes=tuple(_pipe(one) for one in document.get("pipes", ())),
        log_subscriptions=tuple(
            LogSubscription(
                name=one["name"],
                log_group=one.get("group", ""),
                destination_arn=one["to"],
                pattern=one.get("pattern", ""),
                excluded_groups=tuple(one.get("excluded", ())),
            )
            for one in document.get("logs", ())
        ),
        apis=tuple(
            Api(
                arn=one["arn"],
                function_arns=tuple(one["to"]),
                url=one.get("url", ""),
                kind=one.get("kind", "api"),
            )
            for one in document.get("apis", ())
        ),
        state_machines=tuple(
            StateMachine(
                arn=f"{_ARNS['machine']}{name}",
                role_arn=f"{_ARNS['role']}{name}",
                definition=json.dumps(one["definition"]),
            )
            for name, one in machines.items()
        ),
        queues=tuple(
            Queue(arn=f"{_ARNS['queue']}{name}", dead_letter_arn=dead)
            for name, dead in document.get("dead_letters", {}).items()
        ),
        delivery_streams=tuple(
            DeliveryStream(
                arn=f"{_ARNS['firehose']}{name}",
                destination_arns=tuple(one.get("to", ())),
                transform_arn=one.get("transform", ""),
                source_arn=one.get("source", ""),
            )
            for name, one in document.get("firehose", {}).items()
        ),
        resource_policies={
            arn: json.dumps(_policy(statements))
            for arn, statements in document.get("resource_policies", {}).items()
        },
        gaps=tuple(
            Gap(
                area=Area[one["area"]],
                words="not authorized",
                resource=one.get("resource", ""),
            )
            for one in document.get("gaps", ())
        ),
    )


def _policy(statements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    listed = [{"Effect": "Allow", **one} for one in statements]
    return {"Version": "2012-10-17", "Statement": listed}


def _role(name: str, told: Mapping[str, Any]) -> Role:
    may = told.get("may", [])
    text = may if isinstance(may, str) else json.dumps(_policy(may))
    boundary = told.get("boundary")
    return Role(
        arn=f"{_ARNS['role']}{told.get('role', name)}",
        policies=(NamedPolicy(name="own", text=text),),
        boundary=NamedPolicy(name="limit", text=json.dumps(_policy(boundary)))
        if boundary
        else None,
        trust=json.dumps(_policy(told["trust"])) if "trust" in told else "",
    )


def _function(name: str, told: Mapping[str, Any]) -> FunctionDescription:
    policy = told.get("policy")
    return FunctionDescription(
        name=name,
        arn=f"{_ARNS['function']}{name}",
        role_arn=f"{_ARNS['role']}{told.get('role', name)}",
        tags=told.get("tags", {}),
        resource_policies={"": json.dumps(_policy(policy))} if policy else {},
        is_policy_known=told.get("is_policy_known", True),
        dead_letter_arn=told.get("dead_letter", ""),
        on_success_arn=told.get("on_success", ""),
        on_failure_arn=told.get("on_failure", ""),
        log_group=f"/aws/lambda/{name}",
        recursive_loop=told.get("recursive_loop", ""),
    )


def _mapping(one: Mapping[str, Any]) -> MappingDescription:
    return MappingDescription(
        uuid=one["uuid"],
        function_arn=f"{_ARNS['function']}{one['to']}",
        source_arn=one["from"],
        is_enabled=one.get("is_enabled", True),
        filters=tuple(json.dumps(pattern) for pattern in one.get("filters", ())),
        is_filter_known=one.get("is_filter_known", True),
        on_failure_arn=one.get("on_failure", ""),
    )


def _bucket(name: str, told: Mapping[str, Any]) -> Bucket:
    return Bucket(
        name=name,
        notifications=tuple(
            Notification(
                id=one["id"],
                target_arn=one["to"],
                events=tuple(one.get("events", ("s3:ObjectCreated:*",))),
                prefix=one.get("prefix", ""),
                suffix=one.get("suffix", ""),
            )
            for one in told.get("notifications", ())
        ),
        has_event_bridge=told.get("has_event_bridge", False),
        replicates_to=tuple(told.get("replicates_to", ())),
    )


def _subscription(one: Mapping[str, Any]) -> Subscription:
    wanted = one.get("filter")
    return Subscription(
        arn=f"{one['from']}:{one['id']}",
        topic_arn=one["from"],
        protocol=one["to"].split(":")[2],
        endpoint=one["to"],
        filter_policy=json.dumps(wanted) if wanted else "",
        filter_scope=one.get("scope", "MessageAttributes"),
        dead_letter_arn=one.get("dead_letter", ""),
    )


def _rule(one: Mapping[str, Any]) -> Rule:
    bus = one.get("bus", "default")
    path = one["name"] if bus == "default" else f"{bus}/{one['name']}"
    pattern = one.get("pattern")
    return Rule(
        arn=f"{_ARNS['rule']}{path}",
        name=one["name"],
        bus_arn=f"{_ARNS['bus']}{bus}",
        pattern=json.dumps(pattern) if pattern else "",
        schedule=one.get("schedule", ""),
        is_enabled=one.get("is_enabled", True),
        targets=tuple(RuleTarget(arn=arn) for arn in one["to"]),
    )


def _pipe(one: Mapping[str, Any]) -> Pipe:
    return Pipe(
        arn=one["arn"],
        source_arn=one["from"],
        target_arn=one["to"],
        enrichment_arn=one.get("enrichment", ""),
        dead_letter_arn=one.get("dead_letter", ""),
        filters=tuple(json.dumps(pattern) for pattern in one.get("filters", ())),
    )
