"""Small accounts of every shape, for properties."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from functions.domain.account.inventory import (
    Account,
    Bucket,
    FunctionDescription,
    LogSubscription,
    MappingDescription,
    NamedPolicy,
    Notification,
    Queue,
    Role,
    Rule,
    RuleTarget,
    Subscription,
)
from tests.corpus.description import ACCOUNT, AT, REGION
from tests.environments import with_environments

if TYPE_CHECKING:
    from collections.abc import Callable

HOME: Final = f"{REGION}:{ACCOUNT}"
NAMES: Final = ("a", "b", "c")
QUEUES: Final = tuple(f"arn:aws:sqs:{HOME}:{name}" for name in NAMES)
TOPICS: Final = tuple(f"arn:aws:sns:{HOME}:{name}" for name in NAMES)
TABLES: Final = tuple(f"arn:aws:dynamodb:{HOME}:table/{name}" for name in NAMES)
FUNCTIONS: Final = tuple(f"arn:aws:lambda:{HOME}:function:f-{name}" for name in NAMES)
BUS: Final = f"arn:aws:events:{HOME}:event-bus/default"

ACTIONS: Final = (
    "sqs:SendMessage",
    "sns:Publish",
    "dynamodb:PutItem",
    "dynamodb:DeleteItem",
    "s3:PutObject",
    "s3:DeleteObject",
    "events:PutEvents",
    "lambda:InvokeFunction",
    "logs:*",
    "sqs:*",
    "s3:*",
    "*",
)
RESOURCES: Final = (
    *QUEUES,
    *TOPICS,
    *TABLES,
    *FUNCTIONS,
    "arn:aws:s3:::a/*",
    "arn:aws:s3:::a/in/*",
    "arn:aws:s3:::b/out/*",
    BUS,
    f"arn:aws:sqs:{HOME}:*",
    "*",
)
CONDITIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {},
    {"StringEquals": {"aws:PrincipalTag/team": "x"}},
    {"StringEquals": {"events:source": "shop"}},
)

statements: Final = st.builds(
    lambda effect, action, resource, condition: {
        "Effect": effect,
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    },
    effect=st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
    action=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3),
    resource=st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3),
    condition=st.sampled_from(CONDITIONS),
)


def _policy(listed: list[dict[str, Any]], name: str) -> NamedPolicy:
    return NamedPolicy(name=name, text=json.dumps({"Version": "2012-10-17", "Statement": listed}))


@st.composite
def accounts(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Account:
    """An account of up to three functions with all kinds of triggers and permissions."""
    names = NAMES[: draw(st.integers(1, 3))]
    arns = FUNCTIONS[: len(names)]
    roles: dict[str, Role] = {}
    functions: list[FunctionDescription] = []
    for name, arn in zip(names, arns, strict=True):
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        limit = draw(st.none() | st.lists(statements, min_size=1, max_size=2))
        roles[role_arn] = Role(
            arn=role_arn,
            policies=(_policy(draw(st.lists(statements, max_size=4)), "own"),),
            boundary=_policy(limit, "limit") if limit else None,
            is_complete=draw(st.sampled_from([True, True, True, False])),
        )
        functions.append(
            FunctionDescription(
                name=f"f-{name}",
                arn=arn,
                role_arn=role_arn,
                dead_letter_arn=draw(st.sampled_from(["", "", QUEUES[1]])),
                on_success_arn=draw(st.sampled_from(["", "", TOPICS[0], arns[0]])),
                log_group=f"/aws/lambda/f-{name}",
            )
        )
    target = st.sampled_from(arns)
    streams = [f"{table}/stream/1" for table in TABLES]
    sources = draw(st.lists(st.tuples(target, st.sampled_from([*QUEUES, *streams])), max_size=3))
    filters = st.sampled_from([(), (), ('{"eventName":["REMOVE"]}',)])
    topics = st.tuples(st.sampled_from(TOPICS), st.sampled_from([*arns, QUEUES[0]]))
    patterns = ('{"source":["shop"]}', '{"source":["aws.s3"]}', '{"detail-type":["x"]}')
    account = Account(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        functions=tuple(functions),
        roles=roles,
        mappings=tuple(
            MappingDescription(
                uuid=f"m{index}",
                function_arn=function,
                source_arn=source,
                is_enabled=draw(st.sampled_from([True, True, True, False])),
                filters=draw(filters),
            )
            for index, (function, source) in enumerate(sources)
        ),
        buckets=tuple(
            Bucket(
                name=name,
                has_event_bridge=draw(st.booleans()),
                notifications=tuple(
                    Notification(
                        id=f"n{index}",
                        target_arn=one,
                        events=draw(
                            st.sampled_from([("s3:ObjectCreated:*",), ("s3:ObjectRemoved:*",)])
                        ),
                        prefix=draw(st.sampled_from(["", "in/"])),
                    )
                    for index, one in enumerate(draw(st.lists(target, max_size=1)))
                ),
            )
            for name in draw(st.sampled_from([(), ("a",), ("a", "b")]))
        ),
        subscriptions=tuple(
            Subscription(
                arn=f"{topic}:{index}",
                topic_arn=topic,
                protocol="lambda",
                endpoint=endpoint,
                filter_policy=draw(st.sampled_from(["", '{"kind":["x"]}'])),
            )
            for index, (topic, endpoint) in enumerate(draw(st.lists(topics, max_size=2)))
        ),
        rules=tuple(
            Rule(
                arn=f"arn:aws:events:{HOME}:rule/r{index}",
                name=f"r{index}",
                bus_arn=BUS,
                pattern=draw(st.sampled_from(patterns)),
                targets=(RuleTarget(arn=one),),
            )
            for index, one in enumerate(draw(st.lists(target, max_size=2)))
        ),
        log_subscriptions=tuple(
            LogSubscription(name=f"l{index}", log_group="/aws/lambda/f-a", destination_arn=one)
            for index, one in enumerate(draw(st.lists(target, max_size=1)))
        ),
        queues=(Queue(arn=QUEUES[0], dead_letter_arn=QUEUES[1]),) if draw(st.booleans()) else (),
    )
    variables = st.sampled_from([{}, {"A": QUEUES[0]}, {"B": "a"}])
    return with_environments(account, {one.name: draw(variables) for one in functions})
