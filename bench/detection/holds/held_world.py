"""A function under a hold, step by step: what feeds it, what it writes, what CloudWatch shows.

Arrivals from outside do not depend on whether the function runs. What it writes does: each event
belongs to a generation, and an event of a generation that is executed leads to events of the next.
A loop has no last generation; a healthy function has one.
"""

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof

MINUTE: Final = 60
ACCOUNT: Final = 1000
LOOP: Final = -1  # the generation of what belongs to a loop
POLLERS: Final = 5.0  # concurrency of a queue's mapping at once, and what it adds a second
FIRST_BACKOFF: Final = 0.5  # seconds; doubled each time that an event finds no room
IMPATIENT: Final = 200  # events that wait, from which on some are sent again
LONGEST_BACKOFF: Final = 300.0
BACKOFF_SHARES: Final = (0.6, 0.75, 0.9, 1.1, 1.25, 1.4)
PARTS: Final = 6  # durations that the executions of one step share
RESERVATION_SECONDS: Final = (2.0, 8.0)
MAPPING_SECONDS: Final = (5.0, 90.0)

Rate = Callable[[float], float]  # events a minute, at a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One function with its traffic.

    Attributes
    ----------
    outside
        Arrivals a minute from outside, at a second.
    writes
        Events that an execution leads to, by generation: those from outside are generation 0. The
        last generation that is named leads to nothing more.
    writes_from
        The second from which on it does.
    writes_for_batch
        Whether it writes them for each batch that it is given, and not for each event.
    fan_out
        Of a loop's events; 0 where there is no loop.
    seeds, begins
        How many events start it, and when.
    seconds, cv
        Mean duration of an execution, and its coefficient of variation.
    slowing
        By which the duration grows, a minute.
    latency
        From the end of an execution until what it wrote arrives.
    pollers
        Batches that are begun in a second although they are not full.
    follows
        Whether what comes from outside comes only as fast as the function serves it: a client
        that waits for each answer.
    impatience
        So much more comes from outside while much of it waits: senders that hear nothing.
    other_consumers
        Share of the loop's events that another function works on, which nobody holds.
    """

    kind: SourceKind
    outside: Rate = field(default=lambda _: 0.0)
    writes: tuple[float, ...] = ()
    writes_from: float = 0.0
    writes_for_batch: bool = False
    fan_out: float = 0.0
    seeds: int = 0
    begins: float = 0.0
    seconds: float = 1.0
    cv: float = 0.3
    slowing: float = 0.0
    modulation: float = 0.0
    latency: float = 0.3
    batch: int = 1
    pollers: float = 0.0
    lanes: int = ACCOUNT
    normal_concurrency: int = 1
    sources: int = 1
    follows: float = 0.0
    impatience: float = 0.0
    other_consumers: float = 0.0
    proof: LoopProof = LoopProof.UNKNOWN
    timeout: float = 300.0

    @property
    def step(self) -> float:
        """Seconds of one step of the simulation: a loop turns at most once in it."""
        cycle = self.seconds + self.latency
        return 1.0 if not self.fan_out or cycle >= 5 else 0.5 if cycle >= 2 else 0.25


class World:
    """The function, its sources and the levers, from second 0 on."""

    def __init__(self, subject: Subject, rng: np.random.Generator) -> None:
        self.subject = subject
        self.rng = rng
        self.second = 0.0
        self.queue: deque[tuple[int, int, float]] = deque()  # generation, count, since when
        self.waiting = 0
        self.running = 0
        self.in_flight = 0
        # End, order, invocations, and events by generation.
        self._ends: list[tuple[float, int, int, dict[int, int]]] = []
        self._arriving: list[tuple[float, int, int, int]] = []  # moment, order, generation, count
        # By the second in which they try again: generation and delay so far.
        self._backoff: dict[int, Counter[tuple[int, float]]] = {}
        self._tried = 0
        self._order = 0
        self.capacity = float(min(ACCOUNT, subject.lanes))
        self._changes: list[tuple[float, float]] = []
        self._opened = -math.inf
        self.arrived: list[list[int]] = []  # by source, by minute
        self.arrived = [[0] for _ in range(subject.sources)]
        self.started = [0]
        self.refused = [0]
        self.seconds_run = [0.0]
        self.visible = [0]  # messages that may be received, the most of each minute
        self.ages = [0.0]  # of the oldest event that was polled, by minute
        self.depths: deque[tuple[float, int]] = deque(maxlen=600)
        self._seeded = False

    # -- levers --------------------------------------------------------------------------------

    def allow(self, concurrency: float | None, after: float) -> None:
        """Change what may run at once, some seconds from now; ``None``: everything."""
        to = float(min(ACCOUNT, self.subject.lanes)) if concurrency is None else concurrency
        self._changes.append((self.second + after, to))
        self._changes.sort()

    @property
    def depth(self) -> int:
        """What its queues tell about their depth: what was there up to half a minute ago."""
        ago = self.second - float(self.rng.uniform(0, 30))
        for moment, depth in reversed(self.depths):
            if moment <= ago:
                return depth
        return self.waiting + self.in_flight

    # -- one step ------------------------------------------------------------------------------

    def run_until(self, second: float) -> None:
        """Go on until then."""
        while self.second < second:
            self._step()

    def _step(self) -> None:
        subject = self.subject
        dt = subject.step if self.second >= subject.begins else 1.0
        minute = int(self.second // MINUTE)
        while len(self.started) <= minute:
            for one in self.arrived:
                one.append(0)
            self.started.append(0)
            self.refused.append(0)
            self.seconds_run.append(0.0)
            self.ages.append(0.0)
            self.visible.append(0)
        while self._changes and self._changes[0][0] <= self.second:
            to = self._changes.pop(0)[1]
            if to > self.capacity:
                self._opened = self.second
            self.capacity = to
        if subject.seeds and not self._seeded and self.second >= subject.begins:
            self._seeded = True
            self._send(LOOP, subject.seeds)
        self._send_outside(dt)
        while self._arriving and self._arriving[0][0] <= self.second:
            _, _, generation, count = heapq.heappop(self._arriving)
            self._arrive(generation, count, minute)
        self._finish(self.second + dt / 2)
        self._start(minute, dt)
        self.visible[minute] = max(self.visible[minute], self.waiting)
        self.depths.append((self.second, self.waiting + self.in_flight))
        self.second = round(self.second + dt, 6)

    def _send_outside(self, dt: float) -> None:
        subject = self.subject
        rate = subject.outside(self.second)
        if subject.impatience and self.waiting > IMPATIENT:
            rate *= 1 + subject.impatience
        if rate > 0:
            count = int(self.rng.poisson(rate * dt / MINUTE))
            if subject.follows and self.waiting + self.in_flight >= subject.follows:
                return
            if count:
                self._arrive(0, count, int(self.second // MINUTE))

    def _send(self, generation: int, count: int) -> None:
        if count <= 0:
            return
        self._order += 1
        at = self.second + self.subject.latency
        heapq.heappush(self._arriving, (at, self._order, generation, count))

    def _arrive(self, generation: int, count: int, minute: int) -> None:
        sources = self.subject.sources
        if sources == 1:
            self.arrived[0][minute] += count
        else:
            for at, many in enumerate(self.rng.multinomial(count, [1 / sources] * sources)):
                self.arrived[at][minute] += int(many)
        elsewhere = 0
        if self.subject.other_consumers and generation == LOOP:
            elsewhere = int(self.rng.binomial(count, self.subject.other_consumers))
            self._send(LOOP, elsewhere)
        if count - elsewhere:
            self.queue.append((generation, count - elsewhere, self.second))
            self.waiting += count - elsewhere

    def _finish(self, until: float) -> None:
        while self._ends and self._ends[0][0] <= until:
            _, _, invocations, done = heapq.heappop(self._ends)
            self.running -= invocations
            total = sum(done.values())
            self.in_flight -= total
            for generation, count in done.items():
                self._write(generation, count, invocations * count / total if total else 0.0)

    def _write(self, generation: int, count: int, batches: float) -> None:
        subject = self.subject
        if generation == LOOP:
            self._send(LOOP, self._draw(subject.fan_out * count))
        elif generation < len(subject.writes) and self.second >= subject.writes_from:
            many = batches if subject.writes_for_batch else count
            self._send(generation + 1, self._draw(subject.writes[generation] * many))

    def _draw(self, mean: float) -> int:
        whole = math.floor(mean)
        return whole + int(self.rng.random() < mean - whole)

    def _start(self, minute: int, dt: float) -> None:
        if self.subject.kind is not SourceKind.ASYNCHRONOUS:
            if self.queue:
                self._poll(minute, dt)
            return
        offered: Counter[tuple[int, float]] = Counter()
        while self._tried <= self.second:
            offered += self._backoff.pop(self._tried, Counter())
            self._tried += 1
        for generation, count, _ in self.queue:
            offered[generation, FIRST_BACKOFF] += count
        self.queue.clear()
        if offered:
            self._begin(offered, minute, dt)

    def _room(self, dt: float) -> int:
        """Invocations that can start in this step."""
        capacity = self.capacity
        if self.subject.kind is SourceKind.QUEUE:
            capacity = min(capacity, POLLERS * (1 + self.second - self._opened))
        duration = self._duration()
        free = capacity - self.running
        # Shorter executions than a step: each place serves several of them.
        return max(0, int(free * max(1.0, dt / duration)))

    def _poll(self, minute: int, dt: float) -> None:
        room = self._room(dt)
        most = room * self.subject.batch
        taken: Counter[int] = Counter()
        while self.queue and most > 0:
            generation, count, since = self.queue.popleft()
            many = min(count, most)
            taken[generation] += many
            most -= many
            self.ages[minute] = max(self.ages[minute], self.second + dt - since)
            if many < count:
                self.queue.appendleft((generation, count - many, since))
        total = sum(taken.values())
        if total:
            self.waiting -= total
            spread = min(room, total, math.ceil(self.subject.pollers * dt))
            self._execute(taken, max(spread, math.ceil(total / self.subject.batch)), minute)

    def _begin(self, offered: Counter[tuple[int, float]], minute: int, dt: float) -> None:
        """Asynchronous events: what finds no room comes back later and later."""
        room = self._room(dt)
        taken: Counter[int] = Counter()
        for (generation, delay), count in offered.items():
            many = min(count, room)
            room -= many
            taken[generation] += many
            if count > many:
                self.refused[minute] += count - many
                self._put_off(generation, count - many, delay)
        total = sum(taken.values())
        if total:
            self.waiting -= total
            self._execute(taken, total, minute)

    def _put_off(self, generation: int, count: int, delay: float) -> None:
        delay = min(LONGEST_BACKOFF, 2 * delay)
        for many, share in zip(self._split(count), BACKOFF_SHARES, strict=False):
            at = int(self.second + max(1.0, delay * share)) + 1
            self._backoff.setdefault(at, Counter())[generation, delay] += many

    def _split(self, count: int) -> list[int]:
        parts = min(count, PARTS)
        return [count // parts + (at < count % parts) for at in range(parts)]

    def _duration(self) -> float:
        subject = self.subject
        passed = max(0.0, self.second - subject.begins) / MINUTE
        turn = 1 + subject.modulation * math.sin(self.second / 40)
        return float(subject.seconds * (1 + subject.slowing) ** min(passed, 60) * turn)

    def _execute(self, taken: Counter[int], invocations: int, minute: int) -> None:
        self.running += invocations
        self.in_flight += sum(taken.values())
        self.started[minute] += invocations
        mean, cv = self._duration(), self.subject.cv
        sigma = math.sqrt(math.log(1 + cv * cv))
        parts = min(PARTS, invocations) if cv else 1
        for at in range(parts):
            mine = {
                generation: count // parts + (at < count % parts)
                for generation, count in taken.items()
            }
            share = invocations // parts + (at < invocations % parts)
            lasts = mean * math.exp(float(self.rng.normal(0, sigma)) - sigma * sigma / 2)
            lasts = min(lasts, self.subject.timeout)
            self.seconds_run[minute] += share * lasts
            self._order += 1
            heapq.heappush(self._ends, (self.second + lasts, self._order, share, mine))
