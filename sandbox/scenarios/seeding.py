"""Gives metrics history: what POST /_sandbox/seed takes.

::

    {"patterns": {"office": [3, 5, NaN or null, ...]},
     "series": [
       {"functions": ["a", "b"], "metric": "Invocations", "pattern": "office", "scale": 1.5,
        "minutes_ago": 20160, "step_minutes": 5},
       {"metric": "Invocations", "values": [1, 2, 3], "minutes_ago": 3},
       {"namespace": "My/App", "metric": "Orders", "dimensions": {"Shop": "x"},
        "values_base64": "<little-endian float32>", "minutes_ago": 60}]}

Without ``functions`` and ``dimensions`` the series is the account's. The first value belongs to
``minutes_ago`` minutes before the running minute; null means that nothing was published. Series
that share a pattern share its memory. Each value counts as one sample, so every statistic of a
seeded minute is the value itself.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from sandbox.metrics.store import Segment, dimensions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sandbox.metrics.store import Dimensions, MetricStore


def seed(store: MetricStore, minute: int, request: Mapping[str, Any]) -> int:
    """Add the requested history; how many series were seeded."""
    patterns = {
        name: np.array(values, dtype=float) for name, values in request.get("patterns", {}).items()
    }
    count = 0
    for series in request["series"]:
        values = _values(series, patterns)
        segment = Segment(
            start=minute - int(series["minutes_ago"]),
            step=int(series.get("step_minutes", 1)),
            values=values,
            has_gaps=bool(np.isnan(values).any()),
            scale=float(series.get("scale", 1.0)),
        )
        for dimensions in _dimensions(series):
            namespace = series.get("namespace", "AWS/Lambda")
            store.seed((namespace, series["metric"], dimensions), segment, series.get("unit"))
            count += 1
    return count


def _values(
    series: Mapping[str, Any], patterns: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    if "pattern" in series:
        return patterns[series["pattern"]]
    if "values_base64" in series:
        raw = base64.b64decode(series["values_base64"])
        return np.frombuffer(raw, dtype="<f4").astype(float)
    return np.array(series["values"], dtype=float)


def _dimensions(series: Mapping[str, Any]) -> list[Dimensions]:
    if "functions" in series:
        return [(("FunctionName", name),) for name in series["functions"]]
    return [dimensions_of(series.get("dimensions", {}))]
