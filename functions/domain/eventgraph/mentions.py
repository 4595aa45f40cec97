"""Resources that a function's environment names: by name, ARN or URL."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from functions.domain.eventgraph.machines import queue_arn
from functions.domain.eventgraph.model import Node, NodeKind
from functions.domain.eventgraph.nodes import node_of

_SEPARATORS: Final = re.compile(r"""[\s,;|"'\[\]{}()=]+""")
_SHORTEST_NAME: Final = 3
_LONGEST_VALUE: Final = 4096


class Mentions:
    """Finds nodes in the values of environment variables.

    Names are looked up as whole words: ``orders`` is not found in ``orders-archive``. A name says
    nothing by itself; it only strengthens what the role allows.
    """

    __slots__ = ("_by_arn", "_by_host", "_by_name", "_partition")

    def __init__(self, nodes: Iterable[Node], partition: str) -> None:
        self._partition = partition
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

    def of(self, environment: Mapping[str, str]) -> frozenset[Node]:
        """The nodes that an environment names."""
        found: set[Node] = set()
        for value in environment.values():
            text = value[:_LONGEST_VALUE]
            words = {text.strip(), *_SEPARATORS.split(text)}
            for word in words:
                found.update(self._named(word))
        return frozenset(found)

    def _named(self, word: str) -> Iterable[Node]:
        if not word:
            return ()
        if word.startswith("arn:"):
            found = self._by_arn.get(node_of(word).arn)
            return (found,) if found else ()
        scheme, is_url, rest = word.partition("://")
        if not is_url:
            return self._by_name.get(word, ())
        if scheme in {"s3", "s3a", "s3n"}:
            bucket = rest.split("/", 1)[0]
            return [node for node in self._by_name.get(bucket, ()) if node.kind is NodeKind.BUCKET]
        if arn := queue_arn(word.rstrip("/"), self._partition):
            found = self._by_arn.get(arn)
            return (found,) if found else ()
        return self._by_host.get(rest.split("/", 1)[0].split(":", 1)[0].lower(), ())
