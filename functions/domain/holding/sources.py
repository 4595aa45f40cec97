"""What invokes a function that may be held: by its configuration, and by what was counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import median
from typing import Final, TypeAlias

from functions.domain.changes.steps import EventSourceMapping
from functions.domain.detection.arrivals import Arrivals, Source, SourceKind
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    LoopProof,
    RecentSeries,
    Series,
    Trigger,
    TriggerKind,
)
from functions.domain.detection.lateness import count_young
from functions.domain.graph.nodes import is_elsewhere

# What a function is invoked by follows from its last hours: so much of what ran must have arrived
# as asynchronous events, where nothing else is known to invoke it.
ASYNCHRONOUS_SHARE: Final = 0.9
RETRIES: Final = 2  # of an asynchronous event that fails
BEFORE_MINUTES: Final = 3
UNKNOWN_CALLERS: Final = "callers that wait"
SourceKey: TypeAlias = tuple[SourceKind, str]


def find_sources(
    mappings: Sequence[EventSourceMapping],
    triggers: Sequence[Trigger],
    asynchronous: Arrivals,
    recent: RecentSeries,
    minutes: Sequence[int],
    *,
    function_arn: str,
    charted: Sequence[Source],
) -> Iterator[Source]:
    """What invokes a function, by its configuration and by what was counted.

    A permission to invoke it is no proof that anybody does so. So beside its mappings the counts
    tell: what did not arrive as asynchronous events was waited for.

    Parameters
    ----------
    minutes
        In which both can be compared.
    charted
        What invokes it as the event graph has it, which knows of URLs. That a role may invoke it
        does not show that anybody does: where roles may do everything, nothing would be held.
    """
    yield from list_polled(mappings, function_arn)
    counts = () if asynchronous.counts is None else asynchronous.counts.values
    arrived = _add_up(counts, minutes)
    if arrived > 0:
        yield asynchronous.source
    if any(one.enabled for one in mappings):
        for trigger in triggers:
            if trigger.kind is TriggerKind.SYNC:
                yield Source(kind=SourceKind.OTHER, name=trigger.service)
        yield from (one for one in charted if one.kind is SourceKind.URL)
        return
    ran = _add_up(recent.invocations.values, minutes)
    retried = min(_add_up(recent.errors.values, minutes), RETRIES * arrived)
    if arrived <= 0 or arrived + retried < ASYNCHRONOUS_SHARE * ran:
        yield Source(kind=SourceKind.OTHER, name=UNKNOWN_CALLERS)


def mark_loops(sources: Sequence[Source], charted: Sequence[Source]) -> tuple[Source, ...]:
    """The sources, with what the event graph says of them now.

    It keeps the sources of those functions alone that no caller who waits may loop through.
    """
    known = {key_of(one): one.loop for one in charted}
    return tuple(
        replace(
            one,
            loop=LoopProof.RULED_OUT
            if one.kind is SourceKind.OTHER
            else known.get(key_of(one), LoopProof.UNKNOWN),
        )
        for one in sources
    )


def list_polled(mappings: Sequence[EventSourceMapping], function_arn: str) -> Iterator[Source]:
    """The sources that enabled mappings of a function poll."""
    for one in mappings:
        if one.enabled:
            kind = find_counted_kind(one.source_arn, function_arn)
            yield Source(kind=kind, name=_find_name(one.source_arn))


def key_of(source: Source) -> SourceKey:
    """A source, whatever is known of its loops."""
    return source.kind, source.name


def find_arrivals(source: Source, counted: Mapping[SourceKey, Arrivals]) -> Arrivals:
    """What arrived at a source; nothing counts it where it was not asked for."""
    found = counted.get(key_of(source), Arrivals(source=source, counts=None))
    return replace(found, source=source)


def find_known_minutes(
    asynchronous: Arrivals, recent: RecentSeries, since: datetime, now: datetime
) -> Sequence[int]:
    """The minutes in which what arrived and what ran can be compared: each is late by itself.

    Of the spike those count whose arrivals are published, but for the newest, which may be
    partial. Before it a settled minute without a datapoint is one in which nothing arrived.
    """
    counts = () if asynchronous.counts is None else asynchronous.counts.values
    settled = len(counts) - count_young(recent.invocations, now)
    first = find_minute(since, recent.invocations)
    seen = [at for at, one in enumerate(counts) if at >= first and one is not None]
    before = range(max(0, min(first, settled)))
    return [*before, *(seen[:-1] or seen)] if seen else []


def find_minute(moment: datetime, series: Series) -> int:
    """The place in a series of the minute that a moment lies in; below 0 before it begins."""
    return int((moment - series.start).total_seconds() // MINUTE_SECONDS)


def find_kind(source_arn: str) -> SourceKind:
    """The kind of a source, by its ARN."""
    match source_arn.split(":")[2:3]:
        case ["sqs"]:
            return SourceKind.QUEUE
        case ["dynamodb"]:
            return SourceKind.TABLE
        case ["kinesis"]:
            return SourceKind.STREAM
        case _:
            return SourceKind.OTHER


def find_counted_kind(source_arn: str, function_arn: str) -> SourceKind:
    """The kind of a source, as far as what arrives there is counted where the function is.

    A service sends its metrics to the account and Region of the resource (CloudWatch user guide,
    *AWS services that publish CloudWatch metrics*). Here, none or another one of the same name
    would be counted.
    """
    region, account = (function_arn.split(":") + [""] * 5)[3:5]
    elsewhere = is_elsewhere(source_arn, account, region)
    return SourceKind.OTHER if elsewhere else find_kind(source_arn)


def _find_name(source_arn: str) -> str:
    resource = source_arn.split(":", 5)[-1]
    return resource.split("/")[1] if "/" in resource else resource


def _add_up(values: Sequence[float | None], minutes: Sequence[int]) -> float:
    return sum(values[at] or 0.0 for at in minutes if at < len(values))


def _add_by_minute(arrivals: Sequence[Arrivals]) -> list[float]:
    """What arrived in each minute, at all of the sources."""
    columns = [one.counts.values for one in arrivals if one.counts is not None]
    return [sum(one or 0.0 for one in row) for row in zip(*columns, strict=False)]


def find_usual_rate(arrivals: Sequence[Arrivals], since: datetime) -> float:
    """Arrivals a minute before the spike; 0 where nothing was counted."""
    counted = [one.counts for one in arrivals if one.counts is not None]
    if not counted:
        return 0.0
    end = find_minute(since, counted[0])
    return median(_add_by_minute(arrivals)[: max(0, end)] or [0.0])


def find_newest_rate(arrivals: Sequence[Arrivals], now: datetime) -> float:
    """Arrivals a minute just before the hold, at most."""
    counted = [one.counts for one in arrivals if one.counts is not None]
    young = count_young(counted[0], now) if counted else 0
    return max(_add_by_minute(arrivals)[-(young + BEFORE_MINUTES) :], default=0.0)
