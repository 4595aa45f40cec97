"""The part of CloudWatch Metrics Insights that the guard uses: SELECT ... GROUP BY ... ORDER BY."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.metrics.store import add_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.metrics.store import Cell, Dimensions, MetricStore, Series

Attributes = tuple[tuple[str, str], ...]

MAX_SERIES = 500
MAX_METRICS = 10_000

_WORD = r'(?:"[^"]+"|[A-Za-z_][\w./:-]*)'
_QUERY = re.compile(
    rf"""^\s*SELECT\s+(?P<function>AVG|COUNT|MAX|MIN|SUM)\s*\(\s*(?P<metric>{_WORD})\s*\)
    \s+FROM\s+(?:SCHEMA\s*\(\s*(?P<schema>{_WORD}(?:\s*,\s*{_WORD})*)\s*\)|(?P<namespace>{_WORD}))
    (?:\s+WHERE\s+(?P<where>.+?))?
    (?:\s+GROUP\s+BY\s+(?P<group>{_WORD}(?:\s*,\s*{_WORD})*))?
    (?:\s+ORDER\s+BY\s+(?P<order>AVG|COUNT|MAX|MIN|SUM)\s*\(\s*\)(?:\s+(?P<direction>ASC|DESC))?)?
    (?:\s+LIMIT\s+(?P<limit>\d+))?\s*;?\s*$""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_CONDITION = re.compile(rf"^\s*(?P<name>{_WORD})\s*(?P<operator>!=|=)\s*'(?P<value>[^']*)'\s*$")

_AGGREGATE: dict[str, Callable[[Cell], float]] = {
    "AVG": lambda cell: cell[1] / cell[0] if cell[0] else 0.0,
    "COUNT": lambda cell: cell[0],
    "MAX": lambda cell: cell[3],
    "MIN": lambda cell: cell[2],
    "SUM": lambda cell: cell[1],
}


class InsightsSyntaxError(ValueError):
    """When a Metrics Insights query cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison of the WHERE clause."""

    name: str
    value: str
    is_equal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightsQuery:
    """A parsed query."""

    function: str
    metric: str
    namespace: str
    schema: frozenset[str] | None
    where: tuple[Condition, ...]
    group_by: tuple[str, ...]
    order_by: str | None
    descending: bool
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightsSeries:
    """One line of the answer."""

    attributes: Attributes
    values: dict[int, float]

    @property
    def label(self) -> str:
        """How CloudWatch names the line."""
        return " ".join(value for _, value in self.attributes)


def looks_like_insights(expression: str) -> bool:
    """Whether an expression is a Metrics Insights query and not metric math."""
    return expression.lstrip()[:7].upper().strip() == "SELECT"


def parse(text: str) -> InsightsQuery:
    """Read a query, or raise ``InsightsSyntaxError``."""
    match = _QUERY.match(text)
    if match is None:
        raise InsightsSyntaxError(f"Error in expression: invalid Metrics Insights query: {text}")
    schema = [_bare(word) for word in (match["schema"] or "").split(",") if word]
    where = re.split(r"\s+AND\s+", match["where"], flags=re.IGNORECASE) if match["where"] else []
    return InsightsQuery(
        function=match["function"].upper(),
        metric=_bare(match["metric"]),
        namespace=schema[0] if schema else _bare(match["namespace"]),
        schema=frozenset(schema[1:]) if schema else None,
        where=tuple(_condition(text) for text in where),
        group_by=tuple(_bare(word) for word in (match["group"] or "").split(",") if word),
        order_by=match["order"].upper() if match["order"] else None,
        descending=(match["direction"] or "ASC").upper() == "DESC",
        limit=min(int(match["limit"] or MAX_SERIES), MAX_SERIES),
    )


def _bare(word: str) -> str:
    return word.strip().strip('"')


def _condition(text: str) -> Condition:
    match = _CONDITION.match(text)
    if match is None:
        raise InsightsSyntaxError(f"Error in expression: cannot read the condition {text.strip()}")
    return Condition(
        name=_bare(match["name"]), value=match["value"], is_equal=match["operator"] == "="
    )


def run(
    query: InsightsQuery, store: MetricStore, low: int, high: int, period: int, *, now: float
) -> list[InsightsSeries]:
    """The answer of a query over the minutes ``[low, high)``, as of ``now``.

    Which lines are kept is decided on whole ranges; only those are then computed by bucket.
    """
    aggregate = _AGGREGATE[query.function]
    with store.lock:
        groups = _grouped(query, store.of_name(query.namespace, query.metric))
        kept = _ranked(query, groups, low, high, now)
        return [
            InsightsSeries(
                attributes=attributes,
                values={bucket: aggregate(cells[bucket]) for bucket in sorted(cells)},
            )
            for attributes in kept
            if (cells := _merged(groups[attributes], low, high, period, now))
        ]


def _ranked(
    query: InsightsQuery,
    groups: Mapping[Attributes, list[Series]],
    low: int,
    high: int,
    now: float,
) -> list[Attributes]:
    wholes: list[tuple[Attributes, Cell]] = []
    for attributes, members in groups.items():
        whole: Cell | None = None
        for member in members:
            cell = member.whole(low, high, now)
            if cell is not None:
                whole = cell if whole is None else add_cells(whole, cell)
        if whole is not None:
            wholes.append((attributes, whole))
            if query.order_by is None and len(wholes) == query.limit:
                break
    if query.order_by is not None:
        rank = _AGGREGATE[query.order_by]
        wholes.sort(key=lambda row: rank(row[1]), reverse=query.descending)
    return [attributes for attributes, _ in wholes[: query.limit]]


def _grouped(
    query: InsightsQuery, series: Mapping[Dimensions, Series]
) -> dict[Attributes, list[Series]]:
    groups: dict[Attributes, list[Series]] = {}
    examined = 0
    for dimensions, member in series.items():
        named = dict(dimensions)
        if query.schema is not None and query.schema != named.keys():
            continue
        if any((named.get(c.name) == c.value) != c.is_equal for c in query.where):
            continue
        if any(name not in named for name in query.group_by):
            continue
        examined += 1
        if examined > MAX_METRICS:
            break
        groups.setdefault(tuple((name, named[name]) for name in query.group_by), []).append(member)
    return groups


def _merged(members: list[Series], low: int, high: int, period: int, now: float) -> dict[int, Cell]:
    cells = members[0].buckets(low, high, period, now)
    for member in members[1:]:
        for bucket, cell in member.buckets(low, high, period, now).items():
            known = cells.get(bucket)
            cells[bucket] = cell if known is None else add_cells(known, cell)
    return cells
