"""Whether a function does harm that does not wait for a second minute.

A function is in danger in a minute in which

- it holds half of the account's concurrency or more, and AWS throttles it: others get none. One
  with a reserved concurrency of its own takes nothing from others that it was not given, however
  much it is throttled;
- or it costs more dollars than `danger_usd_per_minute`, at list prices for Lambda alone.

Danger accuses nobody: a flash crowd is in danger as a loop is. What is suspected is held sooner for
it, and where only callers wait for its answers they may be refused, see
`functions.domain.holding.callers`.

Only minutes that are over count, and of these only the figures that CloudWatch has. Of a young
minute (see `functions.domain.detection.lateness`) they are lower bounds: later ones never take a
danger back.
"""

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    Evidence,
    FunctionFacts,
    FunctionKind,
    Series,
)
from functions.domain.detection.price import compute_usd_per_minute

NEWEST_MINUTES: Final = 3  # that are asked: those of the rate now
STARVING_SHARE: Final = 0.5  # of the account's concurrency
LARGEST_MEMORY_MB: Final = 10_240  # Lambda developer guide, *Configure Lambda function memory*


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """The newest minutes of danger, as indexes of the series, and what the newest one shows."""

    minutes: tuple[int, ...]
    grounds: tuple[Ground, ...]


def find_danger(evidence: Evidence, most_usd_per_minute: float | None) -> Danger | None:
    """Whether a function is, or was within the last minutes, in danger.

    Parameters
    ----------
    evidence
        Without facts nothing is known: neither what is reserved, nor what a second costs.
    most_usd_per_minute
        ``None``: no price is a danger.
    """
    facts, counts = evidence.facts, evidence.recent.invocations
    if facts is None or facts.kind is not FunctionKind.STANDARD:
        return None
    if counts.period_seconds != MINUTE_SECONDS:
        return None
    over = math.floor((evidence.now - counts.start) / timedelta(seconds=MINUTE_SECONDS))
    newest = range(max(0, over - NEWEST_MINUTES), min(over, len(counts.values)))
    found = {
        minute: grounds
        for minute in newest
        if (grounds := _find_grounds(evidence, facts, minute, most_usd_per_minute))
    }
    return Danger(minutes=tuple(found), grounds=found[max(found)]) if found else None


def may_be_in_danger(evidence: Evidence, most_usd_per_minute: float | None) -> bool:
    """Whether its configuration, which is not known yet, could put it in danger."""
    largest = FunctionFacts(
        name=evidence.function, arn="", memory_mb=LARGEST_MEMORY_MB, timeout_seconds=0
    )
    return find_danger(replace(evidence, facts=largest), most_usd_per_minute) is not None


def is_dangerous_demand(
    evidence: Evidence,
    asked_per_minute: float,
    seconds: float | None,
    most_usd_per_minute: float | None,
) -> bool | None:
    """Whether a function would be in danger if all that is asked of it were served.

    ``None`` where its configuration is not known, or how long one invocation takes.
    """
    facts = evidence.facts
    if facts is None or (seconds is None and asked_per_minute > 0):
        return None
    seconds = seconds or 0.0
    running = asked_per_minute * seconds / MINUTE_SECONDS
    price = compute_usd_per_minute(
        asked_per_minute, seconds, running, facts.memory_mb, facts.architecture
    )
    is_dear = most_usd_per_minute is not None and price > most_usd_per_minute
    return is_dear or _is_in_sight(running, evidence.account_concurrency)


def _is_in_sight(running: float, limit: int | None) -> bool:
    """Whether so much of the account's concurrency is taken that others may get none."""
    return limit is not None and 0 < STARVING_SHARE * limit <= running


def _find_grounds(
    evidence: Evidence, facts: FunctionFacts, minute: int, most_usd: float | None
) -> tuple[Ground, ...]:
    recent = evidence.recent
    running = _get_value(recent.concurrency, recent.invocations, minute)
    count = _get_value(recent.invocations, recent.invocations, minute)
    if running is None or count is None:
        return ()
    grounds = []
    limit = evidence.account_concurrency
    throttled = _get_value(recent.throttles, recent.invocations, minute) or 0.0
    if _is_in_sight(running, limit) and throttled > 0 and facts.reserved_concurrency is None:
        grounds.append(
            Ground(
                reason=Reason.STARVES_OTHERS,
                value=running,
                unit=Unit.CONCURRENT,
                reference=limit,
            )
        )
    duration_ms = _get_value(recent.duration_ms, recent.invocations, minute)
    if duration_ms is not None and most_usd is not None:
        price = compute_usd_per_minute(
            count, duration_ms / 1000, running, facts.memory_mb, facts.architecture
        )
        if price > most_usd:
            grounds.append(
                Ground(
                    reason=Reason.BURNS_FAST,
                    value=price,
                    unit=Unit.USD_PER_MINUTE,
                    reference=most_usd,
                )
            )
    return tuple(grounds)


def _get_value(series: Series, beside: Series, minute: int) -> float | None:
    """What a series has in a minute; ``None`` where it is on another grid or has no count."""
    is_beside = (series.start, series.period_seconds) == (beside.start, beside.period_seconds)
    if not is_beside or not 0 <= minute < len(series.values):
        return None
    found = series.values[minute]
    return found if found is not None and 0 <= found < math.inf else None
