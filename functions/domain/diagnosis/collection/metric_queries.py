"""Metrics of CloudWatch, and the time that is asked about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """One statistic of one metric.

    `dimensions` are pairs of name and value; `statistic` is ``Sum``, ``Maximum``, ``p95``, ...
    """

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = "Sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All metrics of one name that have exactly these dimensions."""

    namespace: str
    metric: str
    dimensions: tuple[str, ...]

    def build_query(self, values: Sequence[str]) -> MetricQuery:
        """Its member with these values of the dimensions."""
        pairs = tuple(zip(self.dimensions, values, strict=True))
        return MetricQuery(namespace=self.namespace, metric=self.metric, dimensions=pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whole periods of time; `until` is excluded."""

    since: datetime
    until: datetime
    period_seconds: int

    @property
    def periods(self) -> int:
        """How many datapoints a metric has at most."""
        return max(1, int((self.until - self.since).total_seconds()) // self.period_seconds)


Datapoints = tuple[tuple[datetime, float], ...]
"""Start of each period with data, and its value; ascending."""
