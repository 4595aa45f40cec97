"""Metrics that functions write into their log, in CloudWatch's embedded metric format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.metrics.store import dimensions_of

if TYPE_CHECKING:
    from sandbox.metrics.store import MetricStore


def ingest(store: MetricStore, log: str, at: float) -> int:
    """Record the embedded metrics of a log, and tell how many values there were.

    They are booked to ``at``: a function stamps them with the real time, which virtual time is
    ahead of.
    """
    count = 0
    for line in log.splitlines():
        if '"_aws"' in line:
            count += _ingest_line(store, line, at)
    return count


def _ingest_line(store: MetricStore, line: str, at: float) -> int:
    try:
        document = json.loads(line[line.index("{") :])
        directives = document["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return 0
    count = 0
    for directive in directives:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = dimensions_of({name: str(document.get(name)) for name in names})
            for metric in directive.get("Metrics", []):
                key = (directive["Namespace"], metric["Name"], dimensions)
                for value in _values(document.get(metric["Name"])):
                    store.record(key, value, at, unit=metric.get("Unit", "None"))
                    count += 1
    return count


def _values(found: Any) -> list[float]:
    values = found if isinstance(found, list) else [found]
    return [float(value) for value in values if isinstance(value, (int, float))]
