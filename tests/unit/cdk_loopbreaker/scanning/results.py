"""Results of scans for the tests of the report: of the corpus, a made-up shop, and large ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.checking.finding import Finding, compute_fingerprint
from cdk_loopbreaker.checking.loops import list_loop_findings
from cdk_loopbreaker.checking.rules import NO_RIGHT_TO_LOG, NO_RIGHT_TO_TRACE, UNPROTECTED_LOOP
from cdk_loopbreaker.checking.troubleshooting import list_troubleshooting_findings
from cdk_loopbreaker.scanning.model import ScannedAccount, ScanResult
from cdk_loopbreaker.templates.account.model import DescribedAccount
from functions.domain.account.inventory import Account, Area, FunctionDescription, Gap
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from functions.domain.graph.model import (
    Certainty,
    Cut,
    Edge,
    EdgeReason,
    EventGraph,
    GraphSize,
    Loop,
    Means,
    Node,
    NodeKind,
)
from functions.domain.graph.paths.near_loops import find_near_loops
from tests.corpus.description import cases, parse_account

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_loopbreaker.checking.rules import Rule

AT: Final = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
_HOME: Final = "eu-west-1:123456789012"


def scan(account: Account) -> ScannedAccount:
    """What a scan of an account returns."""
    graph = build(account)
    described = DescribedAccount(account=account)
    findings = (
        *list_loop_findings(graph, {}),
        *list_troubleshooting_findings(described, ()),
    )
    return ScannedAccount(
        account=account,
        graph=graph,
        near_loops=find_near_loops(account),
        findings=tuple(sorted(findings, key=lambda one: not one.is_certain)),
    )


def scan_corpus(*names: str) -> ScanResult:
    """The result of a scan of accounts of the corpus."""
    known = {case.name: case.account for case in cases()}
    return ScanResult(accounts=tuple(scan(known[name]) for name in names), at=AT)


def scan_shop() -> ScanResult:
    """A made-up account with something in every section."""
    account = parse_account(_SHOP)
    account = replace(
        account,
        functions=tuple(
            replace(
                one,
                recursive_loop=one.recursive_loop or "Terminate",
                tracing_mode="Active" if one.name == "shop-send-receipt" else "PassThrough",
            )
            for one in account.functions
        ),
        gaps=(
            *account.gaps,
            Gap(
                area=Area.PIPES,
                words="User is not authorized to perform: pipes:ListPipes",
                action="pipes:ListPipes",
            ),
        ),
    )
    return ScanResult(accounts=(scan(account),), at=AT, alias="shop-production")


_MEDIA: Final = "ShopMediaStack-ThumbnailFunction5B3F2A1C-q8ZtKw2LxVnE"


def _allow_to_work(name: str, source: str = "") -> list[dict[str, object]]:
    """The statements that a function needs to write its logs and to poll a source."""
    group = f"@logs//aws/lambda/{name}"
    logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    statements: list[dict[str, object]] = [{"Action": logs, "Resource": [group, f"{group}:*"]}]
    if source.startswith("@stream"):
        table, reading = source.replace("@stream", "@table"), ["dynamodb:DescribeStream"]
        reading += ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
        statements.append({"Action": reading, "Resource": f"{table}/stream/*"})
    if source.startswith("@queue"):
        reading = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        statements.append({"Action": reading, "Resource": source})
    return statements


def _admit(service: str, source: str) -> list[dict[str, object]]:
    """The resource policy that lets a service invoke a function."""
    return [
        {
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": "*",
            "Condition": {"ArnLike": {"aws:SourceArn": source}},
        }
    ]


_SHOP: Final = {
    "functions": {
        "shop-enrich-order": {
            "may": [
                {
                    "Sid": "SaveOrder",
                    "Action": "dynamodb:PutItem",
                    "Resource": "@table/shop-orders",
                },
                *_allow_to_work("shop-enrich-order", "@stream/shop-orders"),
            ]
        },
        _MEDIA: {
            "may": [
                {"Action": "s3:PutObject", "Resource": "@bucket/shop-media/*"},
                *_allow_to_work(_MEDIA),
            ],
            "policy": _admit("s3", "@bucket/shop-media"),
            "recursive_loop": "Allow",
        },
        "shop-retry-payment": {
            "may": [
                {"Action": "sqs:SendMessage", "Resource": "@queue/shop-payments"},
                *_allow_to_work("shop-retry-payment", "@queue/shop-payments"),
            ],
            "tags": {"loopbreaker:accepted-loop": "three attempts at most, counted in the message"},
        },
        "shop-resize": {
            "may": [
                {"Action": "s3:PutObject", "Resource": "@bucket/shop-uploads/small/*"},
                *_allow_to_work("shop-resize"),
            ],
            "policy": _admit("s3", "@bucket/shop-uploads"),
        },
        "shop-sync-stock": {
            "may": [{"Action": "dynamodb:*", "Resource": "*"}, *_allow_to_work("shop-sync-stock")]
        },
        "shop-send-receipt": {
            "may": _allow_to_work("shop-send-receipt", "@queue/shop-receipts")[1:],
        },
        "shop-route-event": {
            "may": [
                {"Action": "events:PutEvents", "Resource": "@bus/default"},
                *_allow_to_work("shop-route-event"),
            ],
            "policy": _admit("events", "@rule/route-orders"),
        },
        "shop-webhook": {"may": _allow_to_work("shop-webhook"), "recursive_loop": "Allow"},
    },
    "mappings": [
        {
            "uuid": "7f1c2f6e-5d0b-4c5a-9a51-1f0f3c9b2d11",
            "to": "shop-enrich-order",
            "from": "@stream/shop-orders",
        },
        {
            "uuid": "a61b0d44-0c3f-49d8-8f0e-6a1d7c55e7b2",
            "to": "shop-retry-payment",
            "from": "@queue/shop-payments",
        },
        {
            "uuid": "02c9f7b1-2f44-4f2b-b1d3-9e8b7f6a5c43",
            "to": "shop-sync-stock",
            "from": "@stream/shop-stock",
        },
        {
            "uuid": "5be0a9d7-7a15-4b56-8a39-3c2d1e0f9b84",
            "to": "shop-send-receipt",
            "from": "@queue/shop-receipts",
        },
    ],
    "buckets": {
        "shop-media": {"notifications": [{"id": "new-media", "to": f"@function/{_MEDIA}"}]},
        "shop-uploads": {
            "notifications": [
                {"id": "originals", "to": "@function/shop-resize", "prefix": "original/"}
            ]
        },
    },
    "rules": [
        {
            "name": "route-orders",
            "pattern": {"source": ["shop.orders"]},
            "to": ["@function/shop-route-event"],
        }
    ],
    "apis": [{"arn": "@api/a1b2c3d4e5", "to": ["@function/shop-webhook"]}],
}


def scan_large(functions: int = 10_000, loops: int = 500, name: str = "") -> ScanResult:
    """An account with so many functions, and loops of five steps with long names.

    Parameters
    ----------
    name
        What every name ends with.
    """
    descriptions = tuple(
        FunctionDescription(
            name=_name_function(number, name),
            arn=f"arn:aws:lambda:{_HOME}:function:{_name_function(number, name)}",
            role_arn=f"arn:aws:iam::123456789012:role/role-{number}",
            recursive_loop=("Allow", "Terminate", "")[number % 3],
        )
        for number in range(functions)
    )
    account = Account(account="123456789012", region="eu-west-1", at=AT, functions=descriptions)
    found = [make_loop(number, name) for number in range(loops)]
    graph = EventGraph(
        account=account.account,
        region=account.region,
        at=AT,
        loops=tuple(found),
        proofs={one.name: LoopProof.RULED_OUT for one in descriptions},
        gaps=tuple(f"bucket notifications (bucket-{n}{name}): AccessDenied" for n in range(2_000)),
        counts=GraphSize(functions=functions, ruled_out=functions - loops, certain=loops),
    )
    findings = [_find(UNPROTECTED_LOOP, loop) for loop in found]
    findings += [
        _find(rule, None, f"{one.name} lacks a right.")
        for one in descriptions[:2_000]
        for rule in (NO_RIGHT_TO_LOG, NO_RIGHT_TO_TRACE)
    ]
    near = tuple(make_loop(number, name, Certainty.RULED_OUT) for number in range(loops))
    scanned = ScannedAccount(
        account=account, graph=graph, near_loops=near, findings=tuple(findings)
    )
    return ScanResult(accounts=(scanned,), at=AT)


def make_loop(number: int, name: str = "", certainty: Certainty = Certainty.CERTAIN) -> Loop:
    """A loop of five steps, of which the third has this certainty."""
    nodes = [
        Node(kind, f"arn:aws:any:{_HOME}:{number}-{place}{name}", _name_node(kind, number, name))
        for place, kind in enumerate(_KINDS)
    ]
    edges = [
        make_edge(source, target, certainty if place == 2 else Certainty.CERTAIN, name)
        for place, (source, target) in enumerate(zip(nodes, (*nodes[1:], nodes[0]), strict=True))
    ]
    cut = Cut(
        changes=(edges[0].change,),
        words=(f"Give event source mapping {number} of queue {nodes[0].name} a filter",),
        loops_broken=2,
        loops=3,
        is_complete=False,
    )
    return Loop(edges=tuple(edges), cuts=(cut,))


_KINDS: Final = (
    NodeKind.QUEUE,
    NodeKind.FUNCTION,
    NodeKind.TOPIC,
    NodeKind.FUNCTION,
    NodeKind.TABLE,
)


def make_edge(source: Node, target: Node, certainty: Certainty, name: str = "") -> Edge:
    """An edge with a permission."""
    return Edge(
        source=source,
        target=target,
        means=Means.PERMISSION,
        certainty=certainty,
        reason=EdgeReason.NAMED_BY_STATEMENT,
        id=f"arn:aws:iam::123456789012:role/role{name}",
        label=f"PutItem{name}",
        actions=(f"dynamodb:PutItem{name}",),
        policy=f"policy{name}",
        sid=f"sid{name}",
        detail=f"detail{name}",
    )


def _name_function(number: int, name: str) -> str:
    return f"production-order-pipeline-stage-{number:05}{name}"


def _name_node(kind: NodeKind, number: int, name: str) -> str:
    return f"production-order-pipeline-{kind.name.lower()}-{number:05}{name}"


def _find(rule: Rule, loop: Loop | None, summary: str = "A loop.") -> Finding:
    names: Sequence[str] = loop.functions if loop else (summary,)
    return Finding(
        rule=rule,
        certainty=loop.certainty if loop else Certainty.CERTAIN,
        account="123456789012",
        region="eu-west-1",
        functions=tuple(names),
        summary=summary,
        fingerprint=compute_fingerprint(rule, names),
        evidence=("logs:PutLogEvents is denied: no statement allows it.",),
        advice=("Attach the managed policy",),
        loop=loop,
    )
