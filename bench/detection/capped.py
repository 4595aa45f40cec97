"""The graduated response played through: what a cap does to loops and to real traffic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from bench.detection.data import Row, Run
from bench.detection.ours import EPOCH, STOPPING, Episode, Watched, watched
from bench.detection.published import show
from bench.traffic import ACCOUNT, Function, Minute, Source
from functions.domain.assessment import Assessment, Verdict
from functions.domain.decision import Cap, Contain, LedgerView, Notify, decide
from functions.domain.evidence import Evidence, FunctionFacts
from functions.domain.experiment import judge_cap
from functions.domain.incident import Incident, IncidentState, incident_id
from functions.domain.lateness import settle
from functions.domain.policy import Policy
from functions.domain.spike import assess
from sandbox.weather import Weather, WeatherKind

SHOWN_MINUTES: Final = 2  # after its end, a minute is usually shown whole
WATCHED_MINUTES: Final = 60
WARM_MINUTES: Final = 5
ENDED_MINUTES: Final = 10  # below the floor, after which people are told that it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended.

    Attributes
    ----------
    suspected_after, ended_after
        Minutes from the loop's first event to the cap, and from the cap to the end.
    burnt_out
        Whether the loop died under the cap, as synchronous chains do.
    """

    verdict: Verdict | None
    cap: int = 0
    suspected_after: int = 0
    ended_after: int = 0
    invocations: float = 0.0
    burnt_out: bool = False


class Play:
    """A function whose recorded past goes on as a simulation that the guard can act on."""

    def __init__(
        self,
        row: Row,
        start: int,
        function: Function,
        *,
        seconds: float,
        policy: Policy,
        weather: Weather,
    ) -> None:
        self.row = row
        self.weather = weather
        self.start = start
        self.function = function
        self.policy = policy
        before = watched(row)
        self.counts = before.counts[:start]
        self.concurrency = before.concurrency[:start]
        self.throttles = before.throttles[:start]
        self.duration_ms = [1000 * seconds] * start
        self.sums = before.sums
        self.seconds = seconds
        self.served = 0.0

    def step(self, reserved: int | None) -> Minute:
        """One more minute: the recorded arrivals, and the loop if there is one."""
        at = len(self.counts)
        arrivals = float(self.row.counts[at]) if at < len(self.row.counts) else 0.0
        minute = self.function.minute(arrivals, reserved)
        self.counts.append(float(minute.invocations))
        self.concurrency.append(float(min(minute.concurrency, ACCOUNT)))
        self.throttles.append(float(minute.throttles))
        self.duration_ms.append(1000 * self.seconds)
        self.served += minute.invocations
        return minute

    @property
    def seen(self) -> Evidence:
        """What CloudWatch shows of what has been recorded so far."""
        recorded = Watched(
            counts=self.counts,
            concurrency=self.concurrency,
            throttles=self.throttles,
            duration_ms=self.duration_ms,
            sums=self.sums,
        )
        return show(recorded.evidence(len(self.counts) - 1), self.weather)

    def respond(self, assessment: Assessment, suspected_after: int) -> Outcome:
        """Do what the guard decides about a suspected function, until that is decided.

        People who are told do nothing here.
        """
        told: Incident | None = None
        for passed in range(WATCHED_MINUTES + 1):
            view = LedgerView(open_incident=told)
            decision = decide(assessment, _FACTS, self.policy, view)
            match decision:
                case Cap(at=cap):
                    return self.experiment(cap, suspected_after + passed, WATCHED_MINUTES)
                case Contain():
                    return Outcome(
                        verdict=Verdict.RUNAWAY,
                        suspected_after=suspected_after,
                        ended_after=passed,
                        invocations=self.served,
                    )
                case Notify() if told is None:
                    told = _told(decision)
                case _:
                    pass
            self.step(None)
            seen = self.seen
            last = settle(seen.recent.invocations, seen.now).values[-ENDED_MINUTES:]
            if max(value or 0.0 for value in last) < self.policy.floor_per_minute:
                return Outcome(
                    verdict=Verdict.CALM,
                    suspected_after=suspected_after,
                    ended_after=passed,
                    invocations=self.served,
                    burnt_out=self.function.is_burnt_out,
                )
            assessment = assess(seen, self.policy)
        return Outcome(
            verdict=Verdict.SUSPECTED,
            suspected_after=suspected_after,
            ended_after=WATCHED_MINUTES,
            invocations=self.served,
        )

    def experiment(self, cap: int, suspected_after: int, minutes: int) -> Outcome:
        """Cap the function and judge it each minute until that is decided."""
        capped_at = EPOCH + timedelta(minutes=len(self.counts))
        for passed in range(1, minutes + 1):
            self.step(cap)
            judged = judge_cap(self.seen, cap, capped_at, self.policy)
            if judged.verdict is not Verdict.SUSPECTED:
                return Outcome(
                    verdict=judged.verdict,
                    cap=cap,
                    suspected_after=suspected_after,
                    ended_after=passed,
                    invocations=self.served,
                    burnt_out=self.function.is_burnt_out,
                )
        return Outcome(
            verdict=Verdict.SUSPECTED,
            cap=cap,
            suspected_after=suspected_after,
            ended_after=minutes,
            invocations=self.served,
        )


_FACTS: Final = FunctionFacts(name="watched", arn="", memory_mb=128, timeout_seconds=60)


def _told(decision: Notify) -> Incident:
    at = decision.assessment.at
    return Incident(
        id=incident_id("watched", at),
        function="watched",
        function_arn="",
        state=IncidentState.NOTIFIED,
        opened_at=at,
        updated_at=at,
        assessment=decision.assessment,
        decided=decision.reason,
        memory_mb=_FACTS.memory_mb,
        timeout_seconds=_FACTS.timeout_seconds,
    )


def play_loop(row: Row, run: Run, onset: int, policy: Policy, rng: np.random.Generator) -> Outcome:
    """A loop that begins at `onset` in a real function, from its first event to its end."""
    function = Function(rng, loop=run.loop, source=Source.ASYNC)
    play = Play(
        row,
        onset,
        function,
        seconds=run.loop.seconds,
        policy=policy,
        weather=_draw_weather(rng),
    )
    for passed in range(1, WATCHED_MINUTES + 1):
        play.step(None)
        if max(play.counts[onset:]) < policy.floor_per_minute:
            continue
        assessment = assess(play.seen, policy)
        if assessment.verdict is Verdict.RUNAWAY:
            return Outcome(verdict=Verdict.RUNAWAY, suspected_after=passed, invocations=play.served)
        if assessment.verdict in STOPPING:
            return play.respond(assessment, passed)
    return Outcome(verdict=None, invocations=play.served)


def play_innocent(
    episode: Episode, source: Source, policy: Policy, rng: np.random.Generator
) -> Outcome:
    """A function that was capped by mistake."""
    row, minute = episode.row, episode.minute
    function = Function(rng, seconds=row.seconds, source=source)
    start = max(0, minute + 1 + SHOWN_MINUTES - WARM_MINUTES)
    play = Play(
        row,
        start,
        function,
        seconds=row.seconds,
        policy=policy,
        weather=_draw_weather(rng),
    )
    for _ in range(minute + 1 + SHOWN_MINUTES - start):
        play.step(None)
    return play.respond(episode.assessment, 0)


def _draw_weather(rng: np.random.Generator) -> Weather:
    """AWS's weather of one play: metrics are late, in part at first, and apart."""
    return Weather(kind=WeatherKind.AWS, seed=int(rng.integers(2**31)))


def onset_in(row: Row, rng: np.random.Generator, room: int) -> int:
    """A random moment with an hour of history before it and `room` minutes after it."""
    return int(rng.integers(HOUR, max(HOUR + 1, len(row.counts) - room)))


HOUR: Final = 62


def sample(rows: Sequence[Row], rng: np.random.Generator) -> Row:
    """One of the rows."""
    return rows[int(rng.integers(len(rows)))]
