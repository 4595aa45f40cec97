"""Resources that a function's environment names: by name, ARN or URL.

The one reader of environment variables: what it finds is all that is kept of them, and the graph
and the diagnosis conclude from that alone.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from functions.domain.account.environment_references import Environment
from functions.domain.account.inventory import Account
from functions.domain.account.state_machines import parse_queue_arn
from functions.domain.graph.model import Node, NodeKind
from functions.domain.graph.nodes import node_of

_SHORTEST_NAME: Final = 3
# Many things are called ``orders``. What a variable is called says what kind of thing it names: the
# last of its words that does. A function is only believed to be meant where a word speaks of one.
_SPEAKING: Final = re.compile(r"function|lambda|invoke|worker", re.IGNORECASE)
_WORDS: Final = re.compile(r"[A-Z0-9]+(?![a-z])|[A-Z]?[a-z0-9]+")
_KINDS: Final[Mapping[str, NodeKind]] = MappingProxyType(
    {
        "queue": NodeKind.QUEUE,
        "sqs": NodeKind.QUEUE,
        "dlq": NodeKind.QUEUE,
        "topic": NodeKind.TOPIC,
        "sns": NodeKind.TOPIC,
        "table": NodeKind.TABLE,
        "dynamodb": NodeKind.TABLE,
        "dynamo": NodeKind.TABLE,
        "ddb": NodeKind.TABLE,
        "stream": NodeKind.STREAM,
        "kinesis": NodeKind.STREAM,
        "firehose": NodeKind.DELIVERY_STREAM,
        "delivery": NodeKind.DELIVERY_STREAM,
        "bucket": NodeKind.BUCKET,
        "s3": NodeKind.BUCKET,
        "bus": NodeKind.BUS,
        "eventbus": NodeKind.BUS,
        "eventbridge": NodeKind.BUS,
        "machine": NodeKind.STATE_MACHINE,
        "statemachine": NodeKind.STATE_MACHINE,
        "sfn": NodeKind.STATE_MACHINE,
        "workflow": NodeKind.STATE_MACHINE,
        "log": NodeKind.LOG_GROUP,
        "loggroup": NodeKind.LOG_GROUP,
        "function": NodeKind.FUNCTION,
        "lambda": NodeKind.FUNCTION,
        "worker": NodeKind.FUNCTION,
    }
)
# Variables that runtimes, tracers and teams set for other ends: a bare name in them, such as that
# of a service or a stage, is the name of no resource.
_OF_OTHERS: Final = re.compile(
    r"(?:AWS|POWERTOOLS|OTEL|DD|DATADOG|NEW_RELIC|SENTRY|LUMIGO|NODE|PYTHON|JAVA|DOTNET)_.*"
    r"|(?:.*_)?(?:STAGE|ENV|ENVIRONMENT|REGION|SERVICE|SERVICE_NAME|NAMESPACE|APP|APP_NAME"
    r"|PROJECT|TEAM|VERSION|LOG_LEVEL)",
    re.IGNORECASE,
)
_ALWAYS_FULL: Final = frozenset({NodeKind.API, NodeKind.BROKER})  # hosts are no bare names
_FUNCTION: Final = re.compile(
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[A-Za-z0-9_-]{1,64})"
    r"(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)
_QUALIFIER: Final = re.compile(r"\$LATEST|[A-Za-z0-9_-]{1,128}")
_QUALIFIED_FIELDS: Final = 8
_LATEST: Final = "$LATEST"


class Mentions:
    """Finds known resources in the words of environment variables.

    Names are looked up as whole words: ``orders`` is not found in ``orders-archive``. A name says
    nothing by itself; it only strengthens what the role allows.

    Parameters
    ----------
    qualified
        ``function:qualifier`` of the versions and aliases that are known. What follows a function's
        name may be anything, a password among others; so no other is taken for a qualifier.
    """

    __slots__ = ("_account", "_by_arn", "_by_host", "_by_name", "_partition", "_qualified")

    def __init__(
        self,
        nodes: Iterable[Node],
        partition: str,
        *,
        account: str = "",
        qualified: Iterable[str] = (),
    ) -> None:
        self._partition = partition
        self._account = account
        self._qualified = frozenset(qualified)
        self._by_arn: dict[str, Node] = {}
        self._by_name: dict[str, list[Node]] = {}
        self._by_host: dict[str, list[Node]] = {}
        for node in nodes:
            self._by_arn[node.arn] = node
            if node.kind is NodeKind.API:
                self._by_host.setdefault(node.name.lower(), []).append(node)
            if len(node.name) >= _SHORTEST_NAME:
                self._by_name.setdefault(node.name, []).append(node)
            if node.kind is NodeKind.BROKER:
                for server in node.arn.split(","):
                    self._by_name.setdefault(server, []).append(node)

    @property
    def keys(self) -> frozenset[str]:
        """Everything that a word may name: while it stays the same, so does what is found."""
        return frozenset(
            {f"{one.kind.value} {one.name} {arn}" for arn, one in self._by_arn.items()}
            | {f"qualifier {one}" for one in self._qualified}
        )

    def find_named(self, variable: str, word: str) -> Iterable[str]:
        """The ARNs of the resources that a word of a variable names.

        They are the nodes' ARNs, of a function with the qualifier that is named.
        """
        if word.startswith("arn:"):
            return self._with_arn(word)
        if "://" in word:
            return self._with_url(word)
        if _OF_OTHERS.fullmatch(variable):
            return tuple(one.arn for one in self._by_name.get(word, ()) if one.kind in _ALWAYS_FULL)
        functions = self._find_function(word) if _SPEAKING.search(variable) else ()
        return (*(one.arn for one in self._find_by_bare_name(variable, word)), *functions)

    def _find_by_bare_name(self, variable: str, word: str) -> Iterable[Node]:
        """What a bare name means, but for functions: things of one kind, or nothing.

        It is the kind that the variable speaks of. One that speaks of none is only believed where
        nothing of another kind has the name.
        """
        found = self._by_name.get(word, ())
        full = [one for one in found if one.kind in _ALWAYS_FULL]
        bare = [one for one in found if one.kind not in _ALWAYS_FULL]
        wanted = _parse_kind(variable)
        if wanted is None and len({one.kind for one in bare}) > 1:
            return full
        kinds = {one.kind for one in bare} if wanted is None else {wanted}
        return full + [one for one in bare if one.kind in kinds - {NodeKind.FUNCTION}]

    def of(self, environment: Environment) -> frozenset[Node]:
        """The nodes that an environment names."""
        found = {self._by_arn.get(_strip_qualifier(one.resource)) for one in environment.references}
        return frozenset(one for one in found if one is not None)

    def find_at_url(self, url: str) -> tuple[Node, ...]:
        """The nodes behind a URL."""
        return tuple(self._by_arn[arn] for arn in self._with_url(url))

    def _with_arn(self, arn: str) -> tuple[str, ...]:
        node = self._by_arn.get(node_of(arn).arn)
        if node is None:
            return ()
        parts = arn.split(":")
        if node.kind is NodeKind.FUNCTION and len(parts) == _QUALIFIED_FIELDS:
            return (f"{node.arn}:{parts[-1]}",) if _QUALIFIER.fullmatch(parts[-1]) else ()
        return (node.arn,)

    def _with_url(self, url: str) -> tuple[str, ...]:
        scheme, _, rest = url.partition("://")
        host = rest.split("/", 1)[0]
        if scheme in {"s3", "s3a", "s3n"}:
            named = self._by_name.get(host, ())
            return tuple(one.arn for one in named if one.kind is NodeKind.BUCKET)
        if arn := parse_queue_arn(url.rstrip("/"), self._partition):
            return self._with_arn(arn)
        apis = self._by_host.get(host.split(":", 1)[0].lower(), ())
        return tuple(one.arn for one in apis)

    def _find_function(self, word: str) -> tuple[str, ...]:
        """A function as Lambda's API takes it for FunctionName: with account, version or alias."""
        found = _FUNCTION.fullmatch(word)
        if found is None or found["account"] not in {None, self._account}:
            return ()
        name, qualifier = found["name"], found["qualifier"] or ""
        if qualifier not in {"", _LATEST} and f"{name}:{qualifier}" not in self._qualified:
            return ()
        functions = (one for one in self._by_name.get(name, ()) if one.kind is NodeKind.FUNCTION)
        return tuple(f"{one.arn}:{qualifier}" if qualifier else one.arn for one in functions)


def _parse_kind(variable: str) -> NodeKind | None:
    """The kind that a variable's name speaks of, such as ``OrdersTableName`` or ``JOB_QUEUES``."""
    words = [one.lower() for one in _WORDS.findall(variable)]
    told = (_KINDS.get(one) or _KINDS.get(one.removesuffix("s")) for one in reversed(words))
    return next((kind for kind in told if kind), None)


def _strip_qualifier(arn: str) -> str:
    """Without the version or alias of a function."""
    parts = arn.split(":")
    is_qualified = len(parts) == _QUALIFIED_FIELDS and parts[5] == "function"
    return ":".join(parts[:-1]) if is_qualified and parts[2] == "lambda" else arn


def list_qualified_names(account: Account) -> frozenset[str]:
    """``function:qualifier`` of the versions and aliases that a policy or mapping names."""
    found = {
        f"{one.name}:{qualifier}"
        for one in account.functions
        for qualifier in one.resource_policies
        if qualifier
    }
    for mapping in account.mappings:
        parts = mapping.function_arn.split(":")
        if len(parts) == _QUALIFIED_FIELDS:
            found.add(f"{parts[-2]}:{parts[-1]}")
    return frozenset(found)
