"""Traffic and loops of our own, closed-loop: capping a function changes what it does next.

`Function` is one Lambda function simulated in small steps. Work reaches it from outside (arrivals
a minute, with a trigger that waits, queues or retries) and from itself (a `Loop`). Its
concurrency can be changed at any moment; every refused invocation is a throttle, and what becomes
of it depends on the source: callers give up, events come back after 1 s .. 5 min, messages after
their visibility timeout, shards try again and again.

Facts used are AWS's (docs/detection-figures.md has the figures); delays of delivery, the spread of
durations and the back-off of streams are assumptions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

ACCOUNT: Final = 1000
LATENCY: Final = {
    "s3": 1.0,
    "sns": 0.15,
    "sqs": 0.1,
    "dynamodb": 0.35,
    "eventbridge": 0.5,
    "invoke": 0.1,
    "http": 0.03,
}
ASYNC: Final = frozenset({"s3", "sns", "eventbridge", "invoke"})
LONGEST_BACKOFF: Final = 300
STREAM_BACKOFF: Final = 15.0  # seconds, on average, that a refused shard waits
BACKOFF_STAGES: Final = 10
ENVIRONMENTS_PER_SECOND: Final = 100.0
OVERDRIVE: Final = 1.5


class Source(StrEnum):
    """How work from outside reaches a function."""

    SYNC = "sync"  # callers retry once, then give up
    ASYNC = "async"  # events wait in Lambda's own queue and come back
    QUEUE = "queue"  # messages come back after the visibility timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A function that feeds itself.

    Attributes
    ----------
    fan_out
        Events that one event leads to.
    seeds
        Events that start it.
    seconds, latency
        Mean duration of the handler; mean time from its write to the next delivery.
    """

    kind: str = "s3"
    fan_out: float = 1.0
    seeds: int = 1
    seconds: float = 1.0
    latency: float = 1.0
    batch: int = 1
    error_share: float = 0.0
    visibility: float = 30.0
    lanes: int = 1  # shards times parallelisation, for streams
    others: int = 0  # concurrency that other functions hold

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "Loop":
        """A loop from the parameters that come with recorded runs."""
        kind = str(params["kind"])
        return cls(
            kind=kind,
            fan_out=float(params["k"]),
            seeds=int(params["n0"]),
            seconds=float(params["d"]),
            latency=float(params["l"] if params.get("l") is not None else LATENCY[kind]),
            batch=int(params.get("batch") or {"sqs": 10, "dynamodb": 100}.get(kind, 1)),
            error_share=float(params.get("p_err") or 0.0),
            visibility=float(params.get("visibility") or 30.0),
            lanes=int(params.get("shards") or 1) * int(params.get("parallel") or 1),
            others=int(params.get("C_other") or 0),
        )

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Loop":
        """A loop as they may happen: any trigger, half of them flat, most of them short."""
        kind = str(rng.choice(list(LATENCY), p=[0.28, 0.13, 0.2, 0.12, 0.12, 0.1, 0.05]))
        fan_out = 1.0 if rng.random() < 0.5 else float(rng.choice([1.1, 1.3, 1.6, 2.0, 4.0, 8.0]))
        seconds = float(np.clip(np.exp(rng.normal(math.log(0.7), 1.1)), 0.04, 40.0))
        most = 250 if fan_out == 1 else 15
        return cls(
            kind=kind,
            fan_out=fan_out,
            seeds=max(1, int(np.exp(rng.uniform(0, math.log(most))))),
            seconds=seconds,
            latency=LATENCY[kind] * float(np.exp(rng.normal(0, 0.5))),
            batch=int(rng.choice([1, 10])) if kind in {"sqs", "dynamodb"} else 1,
            error_share=float(rng.choice([0.0, 0.0, 0.0, 0.05, 0.25])),
            visibility=float(rng.choice([30.0, 60.0, 180.0])),
            lanes=int(rng.choice([2, 4, 8])),
            others=int(rng.choice([0, 0, 100, 300])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What CloudWatch would show of one minute."""

    invocations: int
    concurrency: int
    throttles: int
    errors: int


class _Delay:
    """Counts that come out again after a random time around a mean."""

    def __init__(self, mean: float, step: float, rng: np.random.Generator) -> None:
        self._rng = rng
        steps = max(1.0, mean / step)
        reach = max(2, math.ceil(2.2 * steps) + 1)
        spread = np.exp(-0.5 * ((np.arange(1, reach + 1) - steps) / max(0.35, 0.3 * steps)) ** 2)
        self._shares = spread / spread.sum()
        self._sums = np.cumsum(self._shares)
        self._ring = np.zeros(reach + 2, np.int64)
        self._at = 0

    @property
    def pending(self) -> int:
        """How much has not come out yet."""
        return int(self._ring.sum())

    def put(self, count: int) -> None:
        if count <= 0:
            return
        size = len(self._ring)
        if count <= 4:
            for drawn in self._rng.random(count):
                later = int(np.searchsorted(self._sums, drawn)) + 1
                self._ring[(self._at + min(later, size - 1)) % size] += 1
            return
        for later, many in enumerate(self._rng.multinomial(count, self._shares), start=1):
            self._ring[(self._at + later) % size] += many

    def pop(self) -> int:
        self._at = (self._at + 1) % len(self._ring)
        out = int(self._ring[self._at])
        self._ring[self._at] = 0
        return out


@dataclass(slots=True)
class _Waiting:
    """Refused work of one source, by the second in which it tries again and its stage."""

    rng: np.random.Generator
    slots: Counts = field(default_factory=lambda: np.zeros((512, BACKOFF_STAGES), np.int64))

    def put(self, second: int, count: int, delay: float, stage: int) -> None:
        if count <= 0:
            return
        if count <= 3 or delay < 2:
            for drawn in self.rng.uniform(0.5, 1.5, min(count, 3)):
                share = 1 if count <= 3 else count // 3
                self.slots[(second + max(1, min(511, round(delay * drawn)))) % 512, stage] += share
            if count > 3:
                self.slots[(second + 1) % 512, stage] += count - 3 * (count // 3)
            return
        factors = (0.5, 0.75, 1.0, 1.25, 1.5)
        for factor, many in zip(factors, self.rng.multinomial(count, [0.2] * 5), strict=True):
            self.slots[(second + max(1, min(511, round(delay * factor)))) % 512, stage] += many

    def pop(self, second: int) -> Counts:
        out: Counts = self.slots[second % 512].copy()
        self.slots[second % 512] = 0
        return out


class Function:
    """One function under work from outside and, perhaps, from itself."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        loop: Loop | None = None,
        seconds: float | None = None,
        source: Source = Source.SYNC,
        account: int = ACCOUNT,
    ) -> None:
        self.rng = rng
        self.loop = loop
        self.seconds = seconds or (loop.seconds if loop else 1.0)
        self.source = source
        self.limit = account - (loop.others if loop else 0)
        cycle = self.seconds + (loop.latency if loop else 1.0)
        self.step = float(np.clip(cycle / 6, 0.05, 0.5))
        self._runs = _Delay(self.seconds, self.step, rng)
        self._loop_work = _Delay(self.seconds, self.step, rng)
        self._deliveries = _Delay(loop.latency if loop else 1.0, self.step, rng)
        self._waiting_loop = _Waiting(rng)
        self._waiting_outside = _Waiting(rng)
        self._failed = _Waiting(rng)
        self._ready = np.zeros(BACKOFF_STAGES, np.int64)
        self._ready[0] = loop.seeds if loop else 0
        self._outside = np.zeros(BACKOFF_STAGES, np.int64)
        self._waiting_lanes = _Waiting(rng)
        self._asleep = 0
        self._running = 0
        self._environments = 0
        self._tokens = 1000.0
        self._pollers = 5.0
        self._budget = 0.0
        self._time = 0.0
        self._second = -1

    @property
    def is_burnt_out(self) -> bool:
        """Whether nothing of the loop is left anywhere."""
        left = self._ready.sum() + self._waiting_loop.slots.sum() + self._failed.slots.sum()
        return not (left or self._deliveries.pending or self._loop_work.pending)

    def minute(self, arrivals: float = 0.0, reserved: int | None = None) -> Minute:
        """Let a minute pass with that much work from outside, at a reserved concurrency."""
        steps = round(60 / self.step)
        incoming = self.rng.poisson(arrivals / steps, steps) if arrivals else np.zeros(steps, int)
        served = refused = failed = highest = 0
        for index in range(steps):
            self._time += self.step
            failed += self._arrive(int(incoming[index]))
            started, throttled = self._start(reserved)
            served += started
            refused += throttled
            highest = max(highest, self._running)
        return Minute(invocations=served, concurrency=highest, throttles=refused, errors=failed)

    def _arrive(self, arrivals: int) -> int:
        """What ends, is delivered, comes back or comes from outside in one step; its errors."""
        second = int(self._time)
        if second != self._second:
            self._second = second
            self._ready += self._waiting_loop.pop(second)
            self._ready[0] += self._failed.pop(second).sum()
            self._outside += self._waiting_outside.pop(second)
            self._asleep -= int(self._waiting_lanes.pop(second).sum())
        self._running -= self._runs.pop()
        self._outside[0] += arrivals
        loop = self.loop
        if loop is None:
            return 0
        self._ready[0] += self._deliveries.pop()
        done = self._loop_work.pop()
        if not done:
            return 0
        whole = math.floor(loop.fan_out)
        part = loop.fan_out - whole
        self._deliveries.put(done * whole + (int(self.rng.binomial(done, part)) if part else 0))
        bad = int(self.rng.binomial(done, loop.error_share)) if loop.error_share else 0
        if bad:
            again = {"sqs": loop.visibility, "dynamodb": 1.0}.get(loop.kind, 60.0)
            if loop.kind != "http":
                self._failed.put(second, bad, again, 0)
        return -(-bad // loop.batch)

    def _start(self, reserved: int | None) -> tuple[int, int]:
        """Invocations started and refused in one step."""
        outside = int(self._outside.sum())
        batch = self.loop.batch if self.loop else 1
        mine = -(-int(self._ready.sum()) // batch)
        self._tokens = min(1000.0, self._tokens + ENVIRONMENTS_PER_SECOND * self.step)
        limit = self.limit if reserved is None else min(reserved, self.limit)
        mine = min(mine, self._tries(mine, limit))
        if not outside and not mine:
            return 0, 0
        free = max(0, min(limit, self._environments + int(self._tokens)) - self._running)
        free = min(free, int(10 * limit * self.step) + 1)
        total = outside + mine
        started = min(total, free)
        if started == total:
            first = mine
        else:
            first = int(self.rng.hypergeometric(mine, outside, started)) if started else 0
        self._begin(first, started - first, batch)
        refused_loop = min(mine - first, -(-int(self._ready.sum()) // batch))
        refused_outside = int(self._outside.sum())
        if self.loop is not None and self.loop.kind == "dynamodb":
            self._asleep += refused_loop
            self._waiting_lanes.put(self._second, refused_loop, STREAM_BACKOFF, 0)
        else:
            self._refuse_loop(refused_loop * batch)
        self._refuse_outside()
        return started, refused_loop + refused_outside

    def _tries(self, wanted: int, limit: int) -> int:
        """How many invocations the loop's own source tries at most in one step."""
        loop = self.loop
        if loop is None or not wanted:
            return wanted
        if loop.kind == "sqs":
            grows = wanted + self._running >= self._pollers
            change = 5.0 * self.step if grows and limit > self._running else -5.0 * self.step
            self._pollers = float(np.clip(self._pollers + change, 5.0, 1000.0))
            return max(0, int(self._pollers) - self._running)
        if loop.kind == "dynamodb":
            return max(0, loop.lanes - self._running - self._asleep)
        if loop.kind in ASYNC:
            speed = OVERDRIVE * max(1, limit) / self.seconds
            self._budget = min(self._budget + speed * self.step, max(speed, 50.0))
            tries = min(wanted, int(self._budget))
            self._budget -= tries
            return tries
        return wanted

    def _begin(self, mine: int, outside: int, batch: int) -> None:
        started = mine + outside
        if not started:
            return
        self._running += started
        if self._running > self._environments:
            self._tokens -= self._running - self._environments
            self._environments = self._running
        self._runs.put(started)
        self._loop_work.put(_take(self._ready, mine * batch))
        _take(self._outside, outside)

    def _refuse_loop(self, events: int) -> None:
        loop = self.loop
        if loop is None or events <= 0:
            return
        for stage in range(BACKOFF_STAGES):
            many = min(events, int(self._ready[stage]))
            if not many:
                continue
            events -= many
            self._ready[stage] -= many
            later = min(stage + 1, BACKOFF_STAGES - 1)
            if loop.kind == "http":
                if stage < 2:
                    self._waiting_loop.put(self._second, many, 1.0, later)
            elif loop.kind == "sqs":
                self._waiting_loop.put(self._second, many, loop.visibility, 0)
            else:
                delay = min(float(LONGEST_BACKOFF), 2.0**stage)
                self._waiting_loop.put(self._second, many, delay, later)

    def _refuse_outside(self) -> None:
        for stage in range(BACKOFF_STAGES):
            many = int(self._outside[stage])
            if not many:
                continue
            self._outside[stage] = 0
            later = min(stage + 1, BACKOFF_STAGES - 1)
            match self.source:
                case Source.SYNC:
                    if stage == 0:
                        self._waiting_outside.put(self._second, many, 2.0, 1)
                case Source.ASYNC:
                    delay = min(float(LONGEST_BACKOFF), 2.0**stage)
                    self._waiting_outside.put(self._second, many, delay, later)
                case Source.QUEUE:
                    self._waiting_outside.put(self._second, many, 30.0, 0)


def _take(stages: Counts, count: int) -> int:
    """Take so many from the stages, the most patient first; how many there were."""
    taken = 0
    for stage in range(len(stages) - 1, -1, -1):
        many = min(count - taken, int(stages[stage]))
        stages[stage] -= many
        taken += many
    return taken


def run(function: Function, arrivals: Sequence[float], reserved: int | None = None) -> list[Minute]:
    """Minutes of a function under the given arrivals."""
    return [function.minute(one, reserved) for one in arrivals]
