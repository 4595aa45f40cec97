"""Gathering evidence: as few calls as the question allows, side by side where they are apart."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from functions.domain.errors import FunctionNotFoundError, MetricsUnavailableError
from functions.domain.evidence import Evidence, FunctionFacts, Series
from functions.domain.ports import Functions, Metrics

PRECEDENT_GAP = "14 days of history could not be read"


def together(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """The answers of independent calls, made side by side: an alarm does not wait in line."""
    if len(calls) == 1:
        return (calls[0](),)
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        waiting = [pool.submit(call) for call in calls]
        return tuple(one.result() for one in waiting)


def one_by_one(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """The same, one after the other."""
    return tuple(call() for call in calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """Where evidence comes from."""

    functions: Functions
    metrics: Metrics
    account_concurrency: int | None
    side_by_side: Callable[..., tuple[Any, ...]] = together

    def of(self, names: Sequence[str], now: datetime) -> tuple[Evidence, ...]:
        """Evidence without configurations: two calls, whatever the number of functions."""
        if not names:
            return ()
        recent, precedent = self.side_by_side(
            lambda: self.metrics.recent(names, now), lambda: self._precedent(names, now)
        )
        return tuple(
            Evidence(
                function=name,
                now=now,
                recent=recent[name],
                precedent=precedent.get(name),
                account_concurrency=self.account_concurrency,
                gaps=() if name in precedent else (PRECEDENT_GAP,),
            )
            for name in names
            if name in recent
        )

    def of_one(self, name: str, now: datetime) -> Evidence | None:
        """Evidence with the configuration, in three calls side by side; ``None``: no function."""
        evidence, facts = self.side_by_side(lambda: self.of((name,), now), lambda: self.facts(name))
        if not evidence or facts is None:
            return None
        found: Evidence = replace(evidence[0], facts=facts)
        return found

    def facts(self, name: str) -> FunctionFacts | None:
        """The configuration; ``None`` when the function does not exist (any more)."""
        try:
            return self.functions.describe(name)
        except FunctionNotFoundError:
            return None

    def _precedent(self, names: Sequence[str], now: datetime) -> Mapping[str, Series]:
        try:
            return self.metrics.precedent(names, now)
        except MetricsUnavailableError:
            return {}  # the shape alone must do; the evidence says that it does
