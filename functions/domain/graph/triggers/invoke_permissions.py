"""What resource policies of functions say beside the triggers that were found."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Account, Area, FunctionDescription
from functions.domain.graph.model import Certainty, EdgeReason, Means, Node, NodeKind
from functions.domain.graph.nodes import is_elsewhere, node_of
from functions.domain.graph.payloads import Called
from functions.domain.graph.triggers.filters import Open
from functions.domain.graph.triggers.trigger_edge import Listener, TriggerEdge
from functions.domain.iam.document import Effect, MalformedPolicyError, Statement, parse_policy

# Service principals of Lambda triggers whose configuration the account's description holds.
_DESCRIBED: Final[Mapping[str, Area]] = MappingProxyType(
    {
        "s3.amazonaws.com": Area.BUCKETS,
        "sns.amazonaws.com": Area.TOPICS,
        "events.amazonaws.com": Area.RULES,
        "logs.amazonaws.com": Area.LOGS,
        "scheduler.amazonaws.com": Area.SCHEDULES,
        "pipes.amazonaws.com": Area.PIPES,
        "states.amazonaws.com": Area.STATE_MACHINES,
        "firehose.amazonaws.com": Area.DELIVERY_STREAMS,
    }
)
_URL_PRINCIPALS: Final = frozenset(
    {
        "apigateway.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "edgelambda.amazonaws.com",
        "vpc-lattice.amazonaws.com",
    }
)
# Lambda reads these by itself, with the function's role: a permission for them invokes nothing.
_POLLED: Final = frozenset(
    f"{one}.amazonaws.com" for one in ("dynamodb", "kinesis", "lambda", "sqs")
)
_REGIONAL: Final = re.compile(
    r"([a-z0-9-]+)(?:\.[a-z]{2,}(?:-[a-z]+)+-[0-9]+)?\.amazonaws\.com(?:\.cn)?"
)
_URL_KEYS: Final = frozenset({"lambda:functionurlauthtype", "lambda:invokedviafunctionurl"})
# What makes the services invoke functions that the description does not hold the triggers of.
_FEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "bedrock.amazonaws.com": (
            "bedrock:InvokeAgent",
            "bedrock:InvokeFlow",
            "bedrock:InvokeInlineAgent",
        ),
        "lex.amazonaws.com": ("lex:PostContent", "lex:PostText", "lex:PutSession"),
        "lexv2.amazonaws.com": (
            "lex:PutSession",
            "lex:RecognizeText",
            "lex:RecognizeUtterance",
            "lex:StartConversation",
        ),
        "ses.amazonaws.com": (
            "ses:SendBounce",
            "ses:SendBulkEmail",
            "ses:SendBulkTemplatedEmail",
            "ses:SendCustomVerificationEmail",
            "ses:SendEmail",
            "ses:SendRawEmail",
            "ses:SendTemplatedEmail",
        ),
        "lambda.alarms.cloudwatch.amazonaws.com": (
            "cloudwatch:PutMetricData",
            "cloudwatch:SetAlarmState",
        ),
        "secretsmanager.amazonaws.com": ("secretsmanager:RotateSecret",),
        "codecommit.amazonaws.com": ("codecommit:GitPush", "codecommit:CreateCommit"),
        "cloudformation.amazonaws.com": (
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudformation:ExecuteChangeSet",
        ),
        "appsync.amazonaws.com": ("appsync:GraphQL",),
        "codepipeline.amazonaws.com": ("codepipeline:StartPipelineExecution",),
    }
)
# Services that invoke functions for many of their calls: the prefix of these in IAM. Config's rules
# hear of what calls of any service change.
_OF_CHANGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cognito-idp.amazonaws.com": "cognito-idp",
        "config.amazonaws.com": "",
        "iot.amazonaws.com": "iot",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokePermissions:
    """Triggers that only a permission shows.

    Attributes
    ----------
    url_callable
        Functions that a URL may invoke.
    unfollowed
        Functions that a service may invoke of which nobody here knows what makes it do so.
    """

    edges: tuple[TriggerEdge, ...]
    listeners: tuple[Listener, ...]
    url_callable: frozenset[Node]
    unfollowed: frozenset[Node]


def read_invoke_permissions(account: Account, found: Iterable[TriggerEdge]) -> InvokePermissions:
    """What resource policies of functions say beside the triggers that were found."""
    known = {(edge.source, edge.target) for edge in found}
    edges: dict[tuple[Node, Node], TriggerEdge] = {}
    listeners: dict[Node, Listener] = {}
    callable_by_url: set[Node] = set()
    unfollowed: set[Node] = set()
    for function in account.functions:
        node = node_of(function.arn)
        for service, source in _list_granted_services(function):
            if service in _URL_PRINCIPALS:
                callable_by_url.add(node)
                continue
            if not _is_followed(service):
                unfollowed.add(node)
                continue
            origin = _find_origin(account, service, source)
            if origin is None or (origin, node) in known:
                continue
            edges[origin, node] = TriggerEdge(
                source=origin,
                target=node,
                means=Means.RESOURCE_POLICY,
                id=function.arn,
                label=service.removesuffix(".amazonaws.com"),
                event_filter=Open(Certainty.POSSIBLE, EdgeReason.ONLY_PERMITTED, service),
            )
            if origin.kind is NodeKind.SERVICE:
                listeners[origin] = Listener(
                    node=origin,
                    payload=Called(origin.arn, origin.arn),
                    service=_OF_CHANGES.get(service, ""),
                    actions=_FEEDS.get(service, ()),
                )
    return InvokePermissions(
        edges=tuple(edges.values()),
        listeners=tuple(listeners.values()),
        url_callable=frozenset(callable_by_url),
        unfollowed=frozenset(unfollowed),
    )


def _is_followed(service: str) -> bool:
    """Whether it is known what makes a service invoke functions."""
    return any(service in one for one in (_DESCRIBED, _FEEDS, _OF_CHANGES, _POLLED))


def _find_origin(account: Account, service: str, source: str) -> Node | None:
    """Where a service that a resource policy allows gets its events; ``None`` for nowhere."""
    area = _DESCRIBED.get(service)
    if area is None:
        name = service.removesuffix(".amazonaws.com")
        return Node(NodeKind.SERVICE, service, name) if service not in _POLLED else None
    if not source or "*" in source:
        return None
    is_seen = account.sees(area) and (area is not Area.LOGS or account.sees_account_policies)
    if is_seen and not is_elsewhere(source, account.account, account.region):
        return None  # it was looked for, and is not there
    node = node_of(source)
    if service == "events.amazonaws.com":
        prefix, _, path = source.partition(":rule/")
        bus = path.rpartition("/")[0] or "default"
        return node_of(f"{prefix}:event-bus/{bus}")
    return None if node.kind is NodeKind.OTHER else node


def _list_granted_services(function: FunctionDescription) -> Iterator[tuple[str, str]]:
    """Service principals with their source ARN. What roles may is read from `resource_grants`."""
    for text in function.resource_policies.values():
        try:
            document = parse_policy(text, "resource policy")
        except MalformedPolicyError:
            continue  # a gap: see resource_grants
        for statement in document.statements:
            if statement.effect is Effect.ALLOW and statement.principals:
                if _is_for_url(statement):
                    yield "apigateway.amazonaws.com", ""
                    continue
                source = _read_source_arn(statement)
                for principal in statement.principals.listed:
                    if principal.kind == "Service":
                        yield _normalize_service(principal.value), source


def _normalize_service(principal: str) -> str:
    """A service principal without its Region and partition.

    >>> _normalize_service("logs.eu-west-1.amazonaws.com")
    'logs.amazonaws.com'
    """
    found = _REGIONAL.fullmatch(principal)
    return f"{found[1]}.amazonaws.com" if found else principal


def _is_for_url(statement: Statement) -> bool:
    """Whether a statement lets the function's URL be called (`Control access to function URLs`)."""
    return any("FunctionUrl" in one for one in statement.actions.patterns) or any(
        line.key.lower() in _URL_KEYS for line in statement.conditions
    )


def _read_source_arn(statement: Statement) -> str:
    for line in statement.conditions:
        if line.key.lower() == "aws:sourcearn" and len(line.values) == 1:
            return line.values[0]
    return ""
