"""Gathering evidence: as few calls as the question allows, side by side where they are apart."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from functions.domain.account.names import parse_edge_replica
from functions.domain.detection.evidence import (
    Evidence,
    FunctionFacts,
    LoopProof,
    RecentSeries,
    Series,
)
from functions.domain.errors import (
    FunctionNotFoundError,
    LoopbreakerError,
    MetricsUnavailableError,
)
from functions.domain.graph.loop_lookup import EmptyLookup, LoopLookup, LoopStatus
from functions.domain.ports import Functions, Metrics

# How late CloudTrail's events of a change may reach the graph. UNCONFIRMED A-020: AWS states about
# 5 minutes for its log files, and nothing for EventBridge.
CHANGES_LATE = timedelta(minutes=15)
MOST_SIDE_BY_SIDE = 4
BATCH = 10  # functions: what CloudWatch is asked for at once stays small enough to come in time


def run_together(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """The answers of independent calls, made side by side: an alarm does not wait in line.

    The last call is made by the thread that waits anyway. None of them may call this again: the
    threads are few.
    """
    *others, last = calls
    waiting = [_start_threads().submit(call) for call in others]
    try:
        answer = last()
    finally:
        wait(waiting)
    return (*(one.result() for one in waiting), answer)


@functools.cache
def _start_threads() -> ThreadPoolExecutor:
    """Threads for the life of the execution environment: starting them takes as long as a call."""
    return ThreadPoolExecutor(max_workers=MOST_SIDE_BY_SIDE - 1, thread_name_prefix="evidence")


def run_one_by_one(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """The same, one after the other."""
    return tuple(call() for call in calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCollector:
    """Where evidence comes from."""

    functions: Functions
    metrics: Metrics
    account_concurrency: int | None
    side_by_side: Callable[..., tuple[Any, ...]] = run_together
    loops: LoopLookup = field(default_factory=EmptyLookup)
    # How many functions there are; ``None`` when nobody knows.
    count: Callable[[], int | None] = lambda: None

    def collect(self, names: Sequence[str], now: datetime) -> Iterator[Evidence]:
        """Evidence in two calls for each batch, in the order of the names.

        The next batch is asked for when the one before was dealt with: the busiest function is
        stopped before the history of the hundredth is read.
        """
        for first in range(0, len(names), BATCH):
            yield from self._collect_batch(names[first : first + BATCH], now)

    def _collect_batch(self, names: Sequence[str], now: datetime) -> Iterator[Evidence]:
        """Evidence of a few functions.

        The configuration of a single one comes along: it is likely to be needed, and asking for it
        later is one more wait while a loop burns. With several it would be old by their turn.
        """
        single = names if len(names) == 1 else ()
        _, precedent, recent, *facts = self.side_by_side(
            self.loops.refresh,
            lambda: self._read_precedent(names, now),
            lambda: self.metrics.recent(names, now),
            *(functools.partial(self._try_to_read_facts, name) for name in single),
        )
        known = dict(zip(single, facts, strict=True))
        for name in names:
            if name in recent:
                yield self._build_evidence(
                    name, now, recent[name], precedent.get(name), known.get(name)
                )

    def collect_one(self, name: str, now: datetime) -> Evidence | None:
        """Evidence with the configuration, in three calls side by side; ``None``: no function."""
        _, precedent, recent, facts = self.side_by_side(
            self.loops.refresh,
            lambda: self._read_precedent((name,), now),
            lambda: self.metrics.recent((name,), now),
            lambda: self.read_facts(name),
        )
        if facts is None or name not in recent:
            return None
        return self._build_evidence(name, now, recent[name], precedent.get(name), facts)

    def read_recent(self, name: str, now: datetime, since: datetime) -> RecentSeries | None:
        """The minutes of one function alone, from then on at least; ``None``: there are none.

        Raises
        ------
        MetricsUnavailableError
            When CloudWatch does not answer.
        """
        _, recent = self.side_by_side(
            self.loops.refresh, lambda: self.metrics.recent((name,), now, since)
        )
        found: RecentSeries | None = recent.get(name)
        return found

    def read_facts(self, name: str) -> FunctionFacts | None:
        """The configuration; ``None`` when the function does not exist (any more)."""
        if parse_edge_replica(name) is not None:
            return FunctionFacts.of_edge_replica(name)
        try:
            return self.functions.describe(name)
        except FunctionNotFoundError:
            return None

    def complete(self, evidence: Evidence, facts: FunctionFacts) -> Evidence:
        """The same with the configuration, and with what the graph proves about that one."""
        known = self.loops.of(evidence.function).believed(evidence.now)
        return replace(evidence, facts=facts, proof=_choose_proof(known, facts))

    def _build_evidence(
        self,
        name: str,
        now: datetime,
        recent: RecentSeries,
        precedent: Series | None,
        facts: FunctionFacts | None,
    ) -> Evidence:
        return Evidence(
            function=name,
            now=now,
            recent=recent,
            precedent=precedent,
            facts=facts,
            account_concurrency=self.account_concurrency,
            proof=_choose_proof(self.loops.of(name).believed(now), facts),
        )

    def _try_to_read_facts(self, name: str) -> FunctionFacts | None:
        """The configuration; who needs it asks again where there is none, and then sees why."""
        try:
            return self.read_facts(name)
        except LoopbreakerError:
            return None

    def _read_precedent(self, names: Sequence[str], now: datetime) -> Mapping[str, Series]:
        try:
            return self.metrics.precedent(names, now)
        except MetricsUnavailableError:
            return {}  # the shape alone must do; the evidence says that it does


def _choose_proof(known: LoopStatus, facts: FunctionFacts | None) -> LoopProof:
    """What the graph proves; nothing about a function that was deployed since it was read.

    A function that was deployed shortly before is ruled out by no graph either: what was created
    with it (a URL, a permission, a mapping) may not be in the graph yet, since CloudTrail reports
    changes late.
    """
    changed_at = None if facts is None else facts.last_modified
    if known.at is None or changed_at is None:
        return known.proof
    seen = known.at - CHANGES_LATE if known.proof is LoopProof.RULED_OUT else known.at
    return LoopProof.UNKNOWN if changed_at > seen else known.proof
