"""The resources that lead on, found by their names."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from functions.domain.graph.model import Node, NodeKind
from functions.domain.graph.writes.write_actions import RERUN, list_asked, read_name
from functions.domain.iam.wildcard import Glob, overlaps


class Resources:
    """The resources that lead on, by kind and by name, with what wildcards match of them."""

    __slots__ = ("_arns", "_by_kind", "_by_name", "_matched", "partition")

    def __init__(self, nodes: Iterable[Node], partition: str) -> None:
        self.partition = partition
        self._by_kind: dict[NodeKind, tuple[Node, ...]] = {}
        self._arns: dict[NodeKind, list[str]] = {}  # in the order of `_by_kind`
        self._by_name: dict[tuple[NodeKind, str], list[Node]] = {}
        self._matched: dict[tuple[NodeKind, Glob, bool], tuple[Node, ...]] = {}
        grouped: dict[NodeKind, set[Node]] = {}
        for node in nodes:
            grouped.setdefault(node.kind, set()).add(node)
        for kind, members in grouped.items():
            # Nodes of one kind are in the order of their ARNs.
            self._by_kind[kind] = tuple(sorted(members))
            self._arns[kind] = [node.arn for node in self._by_kind[kind]]
            for node in self._by_kind[kind]:
                self._by_name.setdefault((kind, node.name), []).append(node)

    def of(self, kind: NodeKind) -> tuple[Node, ...]:
        """All of a kind, in order."""
        return self._by_kind.get(kind, ())

    def named(self, kind: NodeKind, name: str) -> int:
        """How many have a name: mostly one."""
        return len(self._by_name.get((kind, name), ()))

    def matching(self, kind: NodeKind, pattern: Glob, action: str) -> tuple[Node, ...]:
        """Those that a resource pattern of a statement about an action reaches."""
        name = read_name(kind, str(pattern))
        if name is not None:
            near = self._by_name.get((kind, name), ())
            return tuple(node for node in near if _is_reached(pattern, node, action))
        key = (kind, pattern, action == RERUN)
        found = self._matched.get(key)
        if found is None:
            # Executions have ARNs of their own.
            every = self.of(kind) if action == RERUN else self._list_near(kind, pattern)
            found = tuple(node for node in every if _is_reached(pattern, node, action))
            self._matched[key] = found
        return found

    def _list_near(self, kind: NodeKind, pattern: Glob) -> Iterator[Node]:
        """Those whose ARN agrees with the beginning of a pattern, as far as either goes."""
        nodes, arns, head = self.of(kind), self._arns.get(kind, []), pattern.head
        for end in (place for place, one in enumerate(head) if one in ":/"):
            index = bisect_left(arns, head[:end])
            if index < len(arns) and arns[index] == head[:end]:
                yield nodes[index]
        index = bisect_left(arns, head)
        while index < len(arns) and arns[index].startswith(head):
            yield nodes[index]
            index += 1


def _is_reached(pattern: Glob, node: Node, action: str) -> bool:
    return any(overlaps(pattern, one) for one in list_asked(node, action))
