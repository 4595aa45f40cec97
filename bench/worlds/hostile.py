"""Hostile and odd accounts, as large as one asks: what costs `chart` the most."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from functions.domain.account.inventory import (
    Account,
    Bucket,
    FunctionDescription,
    MappingDescription,
    NamedPolicy,
    Notification,
    Role,
    Rule,
    RuleTarget,
    StateMachine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
AT: Final = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
_DEFINITION: Final = 500_000  # characters
_LONG_AGO: Final = timedelta(days=30)


def arn(service: str, name: str) -> str:
    """An ARN of the imagined account."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def function(name: str, **fields: Any) -> FunctionDescription:
    """A function with a role of its own."""
    given: dict[str, Any] = {
        "name": name,
        "arn": arn("lambda", f"function:{name}"),
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "last_modified": AT - _LONG_AGO,
        **fields,
    }
    return FunctionDescription(**given)


def role(name: str, *statements: Mapping[str, object], size: int = 6_000) -> Role:
    """A role whose statements are spread over policies of a size that IAM takes."""
    policies: list[NamedPolicy] = []
    kept: list[Mapping[str, object]] = []
    used = 0
    for one in statements:
        length = len(json.dumps(one))
        if kept and used + length > size:
            policies.append(_policy(len(policies), kept))
            kept, used = [], 0
        kept.append(one)
        used += length
    if kept:
        policies.append(_policy(len(policies), kept))
    return Role(arn=f"arn:aws:iam::{ACCOUNT}:role/{name}", policies=tuple(policies))


def _policy(number: int, statements: Sequence[Mapping[str, object]]) -> NamedPolicy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return NamedPolicy(name=f"policy-{number}", text=json.dumps(document))


def allow(action: object, resource: object, **more: object) -> Mapping[str, object]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object, **more: object) -> Mapping[str, object]:
    """A Deny statement."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def account(
    functions: Iterable[FunctionDescription], roles: Iterable[Role], **more: Any
) -> Account:
    """An account that was read in full."""
    return Account(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        functions=tuple(functions),
        roles=MappingProxyType({one.arn: one for one in roles}),
        **more,
    )


def _names(count: int, word: str = "f") -> list[str]:
    return [f"{word}{number:05}" for number in range(count)]


def _mapping(source: str, name: str, number: object = "") -> MappingDescription:
    return MappingDescription(
        uuid=f"{name}-{number}", function_arn=arn("lambda", f"function:{name}"), source_arn=source
    )


def hostile_rules(size: int) -> Account:
    """Each function may put events of its own, and each rule's pattern is long and undecided."""
    names = _names(size)
    bus = arn("events", "event-bus/default")
    rules = []
    for number, name in enumerate(names):
        wild = "*".join("abcdefghijklmnopqrst") + f"*{number}"
        pattern = {
            "source": [{"wildcard": f"*{letter}*{wild}"[:60]} for letter in "xyzuvw"],
            "detail-type": [{"anything-but": {"wildcard": f"*{wild[:40]}*"}}],
            "detail": {"$or": [{f"k{key}": [{"prefix": wild[:30]}]} for key in range(12)]},
        }
        rules.append(
            Rule(
                arn=arn("events", f"rule/r{number}"),
                name=f"r{number}",
                bus_arn=bus,
                pattern=json.dumps(pattern),
                targets=(RuleTarget(arn=arn("lambda", f"function:{name}")),),
            )
        )
    roles = (
        role(
            name,
            allow(
                "events:PutEvents",
                bus,
                Condition={"StringLike": {"events:source": f"*a*b*c*{name}*x*y*z*"}},
            ),
        )
        for name in names
    )
    return account(map(function, names), roles, rules=tuple(rules))


def bipartite(size: int) -> Account:
    """Each function may write to each queue by name; each queue triggers one function."""
    names = _names(size)
    queues = [arn("sqs", f"q{number:05}") for number in range(size)]
    roles = (role(name, allow("sqs:SendMessage", queues)) for name in names)
    return account(
        map(function, names),
        roles,
        mappings=tuple(map(_mapping, queues, names)),
    )


def invoke_wildcard(size: int) -> Account:
    """Each function may invoke every one."""
    names = _names(size)
    roles = (role(name, allow("lambda:InvokeFunction", "*")) for name in names)
    return account(map(function, names), roles)


def invoke_wildcards(size: int) -> Account:
    """Each function may invoke every one, by a wildcard that nobody else has."""
    names = _names(size)
    roles = (
        role(
            name,
            allow("lambda:InvokeFunction", f"arn:aws:lambda:*:*:function:f*{number % 10}*"),
            allow("lambda:InvokeFunction", arn("lambda", f"function:*{number:05}*")),
            allow("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:*:*{'?' * (number % 40)}*"),
            deny("lambda:InvokeFunction", arn("lambda", f"function:not-{name}*")),
        )
        for number, name in enumerate(names)
    )
    return account(map(function, names), roles)


def s3_prefixes(size: int) -> Account:
    """Each function may write under many prefixes of one bucket, which has many notifications."""
    names = _names(size)
    bucket = "arn:aws:s3:::shared"
    roles = (
        role(
            name,
            *(
                allow("s3:*", [f"{bucket}/{name}/{part}-{number}/*" for number in range(10)])
                for part in range(10)
            ),
        )
        for name in names
    )
    notifications = tuple(
        Notification(
            target_arn=arn("lambda", f"function:{names[number % size]}"),
            events=("s3:ObjectCreated:*",),
            prefix=f"{names[number % size]}/",
            id=f"n{number}",
        )
        for number in range(100)
    )
    return account(
        map(function, names), roles, buckets=(Bucket(name="shared", notifications=notifications),)
    )


def odd_roles(size: int) -> Account:
    """Each role has hundreds of wildcards, denials and a boundary on top of each other."""
    names = _names(size)
    queues = [arn("sqs", f"orders-{number:04}-jobs") for number in range(200)]

    def one(number: int, name: str) -> Role:
        made = role(
            name,
            *(
                allow(
                    ["sqs:*", "s3:*", "dynamodb:*"],
                    [f"arn:aws:*:*:*:*{letter}*{number}*{part}*" for letter in "aeiou"],
                )
                for part in range(60)
            ),
            *(
                deny("sqs:*", [f"arn:aws:sqs:*:*:*{part}?{number}*{letter}*" for letter in "xyz"])
                for part in range(30)
            ),
            *(deny("*", "*", Condition={"StringLike": {"aws:x": f"{part}*"}}) for part in range(9)),
        )
        within = allow("*", [f"arn:aws:*:*:*:*{letter}*" for letter in "abcdefghijkl"])
        return dataclasses.replace(made, boundary=_policy(99, [within]))

    return account(
        map(function, names),
        (one(number, name) for number, name in enumerate(names)),
        mappings=tuple(
            _mapping(queue, names[number % size], number) for number, queue in enumerate(queues)
        ),
        buckets=(
            Bucket(
                name="orders-jobs",
                notifications=(
                    Notification(
                        target_arn=arn("lambda", f"function:{names[0]}"),
                        events=("s3:ObjectCreated:*",),
                        prefix="in/",
                    ),
                ),
            ),
        ),
    )


def ring(size: int) -> Account:
    """One loop through every function."""
    names = _names(size)
    return account(
        map(function, names),
        (
            role(name, allow("lambda:InvokeFunction", arn("lambda", f"function:{after}")))
            for name, after in zip(names, [*names[1:], names[0]], strict=True)
        ),
    )


def chords(size: int) -> Account:
    """A ring in which each function may invoke some others far away as well."""
    names = _names(size)
    roles = (
        role(
            name,
            allow(
                "lambda:InvokeFunction",
                [
                    arn("lambda", f"function:{names[(number + step) % size]}")
                    for step in (1, 7, size // 3, size // 2 + 1)
                ],
            ),
        )
        for number, name in enumerate(names)
    )
    return account(map(function, names), roles)


def machines(size: int) -> Account:
    """State machines with definitions of 500 KB."""
    name = "worker"
    states: dict[str, object] = {}
    number = 0
    while number % 500 or len(json.dumps(states)) < _DEFINITION:
        states[f"s{number}"] = {
            "Type": "Task",
            "Resource": arn("lambda", f"function:{name}"),
            "Next": f"s{number + 1}",
        }
        number += 1
    states[f"s{number}"] = {"Type": "Succeed"}
    definition = json.dumps({"StartAt": "s0", "States": states})
    machine_role = role("machine", allow("lambda:InvokeFunction", "*"))
    return account(
        [function(name)],
        [role(name, allow("states:StartExecution", "*")), machine_role],
        state_machines=tuple(
            StateMachine(
                arn=arn("states", f"stateMachine:m{one}"),
                role_arn=machine_role.arn,
                definition=definition,
            )
            for one in range(size)
        ),
    )


def open_queues(size: int) -> Account:
    """Each queue lets everybody write, so that it speaks of every role."""
    names = _names(size)
    queues = [arn("sqs", f"q{number:05}") for number in range(size)]
    policies = {
        queue: json.dumps(
            {
                "Statement": [
                    {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": queue}
                ]
            }
        )
        for queue in queues
    }
    return account(
        map(function, names),
        (role(name, allow("sqs:SendMessage", queues[0])) for name in names),
        mappings=tuple(map(_mapping, queues, names)),
        resource_policies=MappingProxyType(policies),
    )


def surrogate(_size: int) -> Account:
    """A loop through a function whose ARN holds half a character."""
    name = "f\ud800"
    return account(
        [function(name)],
        [role(name, allow("lambda:InvokeFunction", arn("lambda", f"function:{name}")))],
    )


ATTACKS: Final[Mapping[str, tuple[Callable[[int], Account], int]]] = {
    "hostile rules x functions": (hostile_rules, 1_000),
    "functions x queues": (bipartite, 1_000),
    "functions invoke *": (invoke_wildcard, 1_000),
    "functions invoke wildcards": (invoke_wildcards, 1_000),
    "prefixes of one bucket": (s3_prefixes, 500),
    "odd roles": (odd_roles, 300),
    "ring": (ring, 2_000),
    "ring with chords": (chords, 2_000),
    "state machines of 500 KB": (machines, 100),
    "queues open to all": (open_queues, 1_000),
    "half a character": (surrogate, 1),
}
