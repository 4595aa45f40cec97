"""A function's evidence as CloudWatch shows it while it comes in, in the sandbox's weather."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from functions.domain.detection.evidence import Evidence, RecentSeries, Series
from sandbox.metrics.publication import COMPLETE_SECONDS, Publication
from sandbox.weather.seeded import Weather

# In the order in which `RecentSeries` has them.
METRICS: Final = {
    "invocations": "Invocations",
    "concurrency": "ConcurrentExecutions",
    "throttles": "Throttles",
    "errors": "Errors",
    "duration_ms": "Duration",
    "native_drops": "RecursiveInvocationsDropped",
}
SECOND: Final = 30  # of each minute, at which the guard looks


def show(complete: Evidence, weather: Weather) -> Evidence:
    """The evidence of a moment as it is seen at that moment: late, in part, each metric by itself.

    Work that runs for more than a minute is sent when it ends; that is not drawn here.
    """
    now = complete.now + timedelta(seconds=SECOND)
    recent = {
        name: _show(getattr(complete.recent, name), metric, weather, now.timestamp())
        for name, metric in METRICS.items()
    }
    return replace(complete, now=now, recent=RecentSeries(**recent))


def _show(series: Series, metric: str, weather: Weather, now: float) -> Series:
    key = ("AWS/Lambda", metric, (("FunctionName", "watched"),))
    publication = Publication.of(weather, key)
    if publication is None:
        return series
    values = list(series.values)
    young = int(COMPLETE_SECONDS // series.period_seconds) + 2
    for index in range(max(0, len(values) - young), len(values)):
        value = values[index]
        share = publication.share(int(series.moment(index).timestamp()) // 60, now)
        if value is not None and share < 1.0:
            values[index] = publication.value_part(value, share) if share else None
    return replace(series, values=tuple(values))
