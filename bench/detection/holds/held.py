"""The hold played through: what it shows of loops, and what it does to healthy functions.

Each play is one function by the step: independent arrivals do not care whether it runs, loops feed
themselves, metrics are late as in the sandbox's weather, levers take their time. The guard's own
rule (`functions.domain.holding`) says what is done each minute.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from rich.table import Table

from bench.detection.holds.held_play import Ended, Play, show_in
from bench.detection.holds.held_world import Rate, Subject
from bench.detection.statistics import quantile, share_interval
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.detection.feeding import Feeding
from functions.domain.holding.outcomes import CannotTell, Release, Shown
from functions.domain.holding.plan import NotHeld
from sandbox.weather.seeded import Weather, WeatherKind

PEAK_TIMES: Final = 1.3  # the usual concurrency
BEGINS: Final = 900.0  # seconds of usual traffic first
FAST_SECONDS: Final = 10.0
IN_TIME: Final = 15
MOST_SEED: Final = 2**31
KINDS: Final = (SourceKind.TABLE, SourceKind.STREAM, SourceKind.QUEUE, SourceKind.ASYNCHRONOUS)
POLLED: Final = KINDS[:3]

Rng = np.random.Generator
Make = Callable[[Rng], Subject]


# -- what comes from outside ---------------------------------------------------------------------


def _between(rng: Rng, low: float, high: float) -> float:
    """A number between two, as often in each tenfold."""
    return float(np.exp(rng.uniform(math.log(low), math.log(high))))


def _usual(rng: Rng) -> float:
    return _between(rng, 2, 60)


def _constant(rng: Rng) -> Rate:
    """A load test, or a step that stays."""
    usual, level = _usual(rng), _between(rng, 800, 30_000)
    return lambda second: usual if second < BEGINS else level


def _burst(rng: Rng) -> Rate:
    """People who come for 5 to 60 minutes."""
    usual, level = _usual(rng), _between(rng, 800, 30_000)
    lasts = 60 * _between(rng, 5, 60)
    return lambda second: level if BEGINS <= second < BEGINS + lasts else usual


def _ramp(rng: Rng) -> Rate:
    usual, level = _usual(rng), _between(rng, 2_000, 30_000)
    doubling = rng.uniform(30, 300)
    return lambda second: min(level, usual * 2 ** min(20.0, max(0.0, second - BEGINS) / doubling))


def _decay(rng: Rng) -> Rate:
    usual, level = _usual(rng), _between(rng, 2_000, 30_000)
    falls = rng.uniform(0.03, 0.5)
    return lambda second: (
        usual if second < BEGINS else usual + level * math.exp(-falls * (second - BEGINS) / 60)
    )


def _cron(rng: Rng) -> Rate:
    """Everything at once, every few minutes."""
    usual, many = _usual(rng), _between(rng, 2_000, 60_000)
    every, lasts = 60 * float(rng.choice([5, 10, 15])), rng.uniform(10, 150)

    def rate(second: float) -> float:
        is_on = second >= BEGINS and (second - BEGINS) % every < lasts
        return usual + (many * 60 / lasts if is_on else 0)

    return rate


def _again(rng: Rng) -> Rate:
    """Somebody who sends bursts of five minutes again and again, to have the function held."""
    usual, level = _usual(rng), _between(rng, 800, 30_000)
    pause, lasts = rng.uniform(30, 900), rng.uniform(240, 360)

    def rate(second: float) -> float:
        is_on = second >= BEGINS and (second - BEGINS) % (lasts + pause) < lasts
        return level if is_on else usual

    return rate


def _erratic(rng: Rng) -> Rate:
    """The same, each burst and each pause of another length, and of another height."""
    usual, moment, spans = _usual(rng), BEGINS, list[tuple[float, float, float]]()
    while moment < BEGINS + 7200:
        lasts = rng.uniform(60, 480)
        spans.append((moment, moment + lasts, _between(rng, 500, 30_000)))
        moment += lasts + rng.uniform(20, 600)

    def rate(second: float) -> float:
        return next((high for begin, end, high in spans if begin <= second < end), usual)

    return rate


TRAFFIC: Final = (_constant, _burst, _ramp, _decay, _cron)


# -- functions -----------------------------------------------------------------------------------


def _healthy(rng: Rng, outside: Rate, **given: Any) -> Subject:
    kind = KINDS[int(rng.integers(len(KINDS)))]
    seconds = _between(rng, 0.05, 5)
    normal = max(1, math.ceil(60 * seconds / 60))
    known: dict[str, Any] = {
        "kind": kind,
        "outside": outside,
        "begins": BEGINS,
        "seconds": seconds,
        "cv": float(rng.choice([0.1, 0.5, 1, 2, 3])),
        "batch": _batch(rng, kind),
        "lanes": 1000 if kind in {SourceKind.QUEUE, SourceKind.ASYNCHRONOUS} else 64,
        "normal_concurrency": normal,
        "proof": _proof(rng),
    }
    return Subject(**{**known, **given})


def _batch(rng: Rng, kind: SourceKind) -> int:
    if kind is SourceKind.ASYNCHRONOUS:
        return 1
    return int(rng.choice([1, 10] if kind is SourceKind.QUEUE else [1, 10, 100]))


def _proof(rng: Rng) -> LoopProof:
    return (LoopProof.UNKNOWN, LoopProof.POSSIBLE, LoopProof.CERTAIN)[int(rng.integers(3))]


def _any_traffic(rng: Rng) -> Rate:
    return TRAFFIC[int(rng.integers(len(TRAFFIC)))](rng)


def _of(outside: Callable[[Rng], Rate]) -> Make:
    return lambda rng: _healthy(rng, outside(rng))


def _writer(rng: Rng) -> Subject:
    return _healthy(rng, _any_traffic(rng), writes=(float(rng.integers(1, 6)),))


def _requeuer(rng: Rng) -> Subject:
    return _healthy(rng, _any_traffic(rng), writes=(1.0, 1.0, 1.0))


def _writer_again(rng: Rng) -> Subject:
    traffic = _again if rng.random() < 0.5 else _erratic
    return _healthy(rng, traffic(rng), writes=(float(rng.integers(1, 6)),))


def _new_version(rng: Rng) -> Subject:
    """As busy as ever, and since its last deployment it writes for what it is sent."""
    usual, latency = _between(rng, 100, 5_000), _between(rng, 0.1, 60)
    writes = [(float(rng.integers(2, 6)),), (1.0, 1.0, 1.0), (2.0, 1.0)][int(rng.integers(3))]
    return _healthy(
        rng,
        lambda _: usual,
        writes=writes,
        writes_from=BEGINS,
        pollers=float(rng.choice([0, 10, 100])),
        latency=latency,
    )


def _busy_writer(rng: Rng) -> Subject:
    """A busy function that writes for what it is sent, and is sent more."""
    usual, level = _between(rng, 50, 3_000), _usual(rng)
    traffic, times = _any_traffic(rng), rng.uniform(2, 8)

    def rate(second: float) -> float:
        # What is usual, and a rise of the same form as of any other function.
        return usual + (times - 1) * usual * min(1.0, traffic(second) / (40 * level))

    writes = [(float(rng.integers(1, 6)),), (1.0, 1.0, 1.0)][int(rng.integers(2))]
    return _healthy(rng, rate, writes=writes, pollers=float(rng.choice([0, 10, 100])))


def _backlog(rng: Rng) -> Subject:
    """What had gathered comes at once, and is worked off."""
    usual, many = _usual(rng), _between(rng, 20_000, 300_000)

    def rate(second: float) -> float:
        return many if BEGINS <= second < BEGINS + 60 else usual

    return _healthy(rng, rate, lanes=100, writes=(float(rng.integers(0, 3)),))


def _retries(rng: Rng) -> Subject:
    """Senders that send everything once more when they hear nothing."""
    return _healthy(rng, _any_traffic(rng), impatience=float(rng.uniform(1, 3)))


def _batch_writer(rng: Rng) -> Subject:
    """A new version that writes for each batch: the more wait, the less it writes for each."""
    kind, batch = POLLED[int(rng.integers(3))], int(rng.choice([10, 100]))
    writes = (float(rng.integers(2, 6)),)
    given = {"kind": kind, "batch": batch, "writes": writes, "pollers": _between(rng, 5, 100)}
    return _with(_new_version(rng), writes_for_batch=True, **given)


def _follower(rng: Rng) -> Subject:
    """Clients that wait for each answer: they stop when the function does."""
    outside = _constant(rng)
    return _healthy(rng, outside, follows=_between(rng, 5, 200))


def _loop(rng: Rng, **given: Any) -> Subject:
    """A loop whose cycle takes seconds."""
    kind = given.pop("kind", KINDS[int(rng.integers(len(KINDS)))])
    latency = given.pop("latency", rng.uniform(0.1, 1.5))
    seconds = given.pop("seconds", _between(rng, 0.2, 8))
    rate = _between(rng, 800, 20_000)
    seeds = max(1, round(rate * (seconds + latency) / 60))
    usual = _usual(rng) / 4
    known: dict[str, Any] = {
        "kind": kind,
        "outside": lambda _: usual,
        "begins": BEGINS,
        "fan_out": 1.0,
        "seeds": min(900, seeds),
        "seconds": seconds,
        "latency": latency,
        "cv": float(rng.choice([0, 0.1, 0.5, 1, 2, 3])),
        "modulation": float(rng.choice([0, 0, 0.15])),
        "slowing": float(rng.choice([0, 0, 0.04])),
        "batch": _batch(rng, kind),
        "proof": _proof(rng),
    }
    return Subject(**{**known, **given})


def _of_queue(rng: Rng) -> Subject:
    return _loop(rng, kind=SourceKind.QUEUE)


def _of_stream(rng: Rng) -> Subject:
    return _loop(rng, kind=POLLED[int(rng.integers(2))])


def _of_events(rng: Rng) -> Subject:
    return _loop(rng, kind=SourceKind.ASYNCHRONOUS)


def _quick(rng: Rng) -> Subject:
    return _loop(
        rng,
        kind=POLLED[int(rng.integers(3))],
        seconds=_between(rng, 0.05, 0.5),
        latency=rng.uniform(0.25, 0.5),
    )


def _slow(rng: Rng) -> Subject:
    """Handlers of up to ten minutes."""
    seconds = _between(rng, 8, 600)
    return _loop(rng, seconds=seconds, timeout=900.0)


def _chain(rng: Rng) -> Subject:
    """Other functions lie on the loop."""
    return _loop(rng, kind=POLLED[int(rng.integers(3))], latency=rng.uniform(2, 40), seconds=1.0)


def _mixture(rng: Rng) -> Subject:
    """The function is busy besides: up to ten times as much comes from outside."""
    subject = _loop(rng, kind=POLLED[int(rng.integers(3))])
    return _busy(rng, subject)


def _mixture_of_events(rng: Rng) -> Subject:
    """The same, of asynchronous events."""
    return _busy(rng, _of_events(rng))


def _busy(rng: Rng, subject: Subject) -> Subject:
    rate = subject.seeds * 60 / (subject.seconds + subject.latency)
    level = rate * _between(rng, 0.01, 10)
    normal = math.ceil(PEAK_TIMES * level * subject.seconds / 60)
    return _with(subject, outside=lambda _: level, normal_concurrency=max(1, normal))


def _multiplying(rng: Rng) -> Subject:
    return _loop(rng, fan_out=float(rng.choice([1.1, 1.5, 2, 3])), seeds=3)


def _flood(rng: Rng) -> Subject:
    """A loop that has gathered a million events."""
    return _loop(rng, seeds=1_000_000, kind=POLLED[int(rng.integers(3))])


def _shared(rng: Rng) -> Subject:
    """Another function works on a part of its events, and nobody holds that."""
    return _loop(rng, other_consumers=rng.uniform(0.1, 0.6))


def _several(rng: Rng) -> Subject:
    return _loop(rng, kind=POLLED[int(rng.integers(3))], sources=3)


def _with(subject: Subject, **given: Any) -> Subject:
    values = {name: getattr(subject, name) for name in Subject.__slots__}
    return Subject(**{**values, **given})


HEALTHY: Final[dict[str, Make]] = {
    "load test or step": _of(_constant),
    "burst of 5 to 60 minutes": _of(_burst),
    "ramp": _of(_ramp),
    "decay": _of(_decay),
    "cron storm": _of(_cron),
    "backlog": _backlog,
    "impatient senders": _retries,
    "writes 1 to 5 for each": _writer,
    "requeues three times": _requeuer,
    "bursts again and again": _of(_again),
    "erratic bursts": _of(_erratic),
    "writers, bursts again": _writer_again,
    "a version that writes": _new_version,
    "busy writers": _busy_writer,
}
CONFOUNDERS: Final[dict[str, Make]] = {
    "clients that wait for answers": _follower,
    "a version that writes for batches": _batch_writer,
}
LOOPS: Final[dict[str, Make]] = {
    "queue": _of_queue,
    "stream": _of_stream,
    "asynchronous": _of_events,
    "cycle below a second": _quick,
    "three sources": _several,
    "chain of 2 to 40 s": _chain,
    "handlers of 8 to 600 s": _slow,
    "beside other work": _mixture,
    "events beside other work": _mixture_of_events,
    "fan-out above 1": _multiplying,
    "a million events": _flood,
    "shared with another": _shared,
}


# -- the benchmark -------------------------------------------------------------------------------


@dataclass(slots=True)
class HeldRecord:
    """What the hold did to the functions of one pool.

    Attributes
    ----------
    acquitted
        By what arrived, before anything was held.
    shown, shown_twice
        By the first round or a long trial; and by the last round, for which it stays held at least.
    at_zero
        Shown twice, and certain in the event graph: those would be stopped.
    not_told
        Stays held for people to decide, without having been shown to the end.
    fast, fast_in_time
        Held loops that go round within `FAST_SECONDS`, and of these the ones that were shown within
        `IN_TIME` minutes of the hold.
    """

    pool: str
    plays: int = 0
    not_suspected: int = 0
    acquitted: Counter[str] = field(default_factory=Counter)
    not_held: Counter[str] = field(default_factory=Counter)
    held: int = 0
    shown: int = 0
    shown_twice: int = 0
    at_zero: int = 0
    released: Counter[str] = field(default_factory=Counter)
    not_told: Counter[str] = field(default_factory=Counter)
    fast: int = 0
    fast_in_time: int = 0
    minutes: list[float] = field(default_factory=list)
    minutes_to_shown: list[float] = field(default_factory=list)

    def add(self, subject: Subject, ended: Ended) -> None:
        """Count one play."""
        self.plays += 1
        match ended.verdict:
            case None:
                self.not_suspected += 1
                return
            case Feeding(fed=fed):
                self.acquitted[fed.value] += 1
                return
            case NotHeld(reason=reason):
                self.not_held[reason.value] += 1
                return
            case Shown():
                self.shown += 1
                self.minutes_to_shown.append(ended.minutes)
            case Release() | CannotTell():
                pass
        self._add_end(ended.second or ended.verdict, ended)
        self.held += 1
        self.minutes.append(ended.held_minutes)
        if subject.fan_out and ended.cycle_seconds < FAST_SECONDS:
            self.fast += 1
            self.fast_in_time += isinstance(ended.verdict, Shown) and ended.minutes <= IN_TIME

    def _add_end(self, last: Shown | Release | CannotTell, ended: Ended) -> None:
        match last:
            case Shown():
                self.shown_twice += 1
                self.at_zero += ended.is_stopped
            case Release(reason=why) if not ended.is_left_held:
                self.released[why.value] += 1
            case Release(reason=why):
                self.not_told[f"shown once, {why.value}"] += 1
            case CannotTell(reason=limit):
                self.not_told[limit.value] += 1

    @property
    def left_held(self) -> int:
        """Whatever stays held for people to decide."""
        return self.shown_twice - self.at_zero + sum(self.not_told.values())

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("minutes", "minutes_to_shown"):
            values = plain.pop(name)
            plain[f"{name}_median"] = quantile(values, 0.5)
            plain[f"{name}_p95"] = quantile(values, 0.95)
        plain["left_held"] = self.left_held
        plain["shown_interval"] = share_interval(self.shown, self.held)
        return plain


def play(make: Make, seed: int) -> tuple[Subject, Ended]:
    """One function of a pool, from its first event to the end of its hold."""
    rng = np.random.default_rng(seed)
    subject = make(rng)
    weather = Weather(kind=WeatherKind.AWS, seed=int(rng.integers(MOST_SEED)))
    return subject, Play(subject, rng, show_in(weather), asks_first=True).run()


def play_pool(pool: str, make: Make, plays: int, seed: int, tick: Callable[[], None]) -> HeldRecord:
    """So many functions of one pool, each from a seed of its own."""
    record = HeldRecord(pool=pool)
    number = sum(map(ord, pool))
    seeds = np.random.SeedSequence([seed, number]).generate_state(plays)
    for one in seeds.tolist():
        record.add(*play(make, one))
        tick()
    return record


def draw_table(title: str, records: Sequence[HeldRecord]) -> Table:
    """What came out, as it is printed."""
    table = Table(title=title, title_justify="left")
    for name in (
        "pool",
        "held",
        "shown",
        "shown twice",
        "at 0",
        "left held",
        "released",
        "held min. median/p95",
        "shown after median/p95",
        "fast, in time",
        "not told",
        "acquitted",
        "not held",
    ):
        is_text = name in {"pool", "not told", "acquitted"}
        table.add_column(name, justify="left" if is_text else "right")
    for one in records:
        table.add_row(
            one.pool,
            f"{one.held}/{one.plays}",
            str(one.shown),
            str(one.shown_twice),
            str(one.at_zero),
            str(one.left_held),
            str(sum(one.released.values())),
            _pair(one.minutes),
            _pair(one.minutes_to_shown),
            f"{one.fast_in_time}/{one.fast}" if one.fast else "-",
            _list(one.not_told),
            _list(one.acquitted),
            _list(one.not_held),
        )
    return table


def _pair(values: list[float]) -> str:
    median, high = quantile(values, 0.5), quantile(values, 0.95)
    return "-" if median is None or high is None else f"{median:.0f}/{high:.0f}"


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "-"
