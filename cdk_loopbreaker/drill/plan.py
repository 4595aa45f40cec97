"""How much a drill runs, and the most that it can cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.model import LoopKind
from functions.domain.detection.price import USD_PER_GB_SECOND, USD_PER_REQUEST

if TYPE_CHECKING:
    from collections.abc import Sequence

MEMORY_MB: Final = 128
TIMEOUT_SECONDS: Final = 30
# The guard caps a function that only asynchronous events invoke, at 1, and does so only where that
# takes away at least 0.6 of what runs: two at a time are too few to be held.
RESERVED: Final = {LoopKind.SQS: 2, LoopKind.DYNAMODB: 2, LoopKind.EVENTS: 3}
RESERVED_HELPER: Final = 2
# So that a backlog keeps the functions busy, whatever the way of an event takes.
_TOKENS: Final = {LoopKind.SQS: 12, LoopKind.DYNAMODB: 12, LoopKind.EVENTS: 16}
# Above the floor by so much: what lies between two invocations is AWS's affair.
_ABOVE_FLOOR: Final = 1.4
# Suspected after 2 to 6 minutes, seen 2 to 4 minutes later, and two trials of 3 to 5 minutes.
_MINUTES_AT_FULL_RATE: Final = 18
_LOOP_MINUTES: Final = 60
_SHORTEST_PERIOD: Final = 0.05
DRY_PER_MINUTE: Final = 60.0
_DRY_MINUTES: Final = 15
HEALTHY_MINUTES: Final = 12

# List prices of us-east-1 in dollars: AWS's pages *Amazon DynamoDB pricing* (on-demand),
# *Amazon SQS pricing*, *Amazon EventBridge pricing*, *Amazon CloudWatch pricing*. The dearest
# Region asks for up to twice as much.
USD_PER_WRITE: Final = 1.25e-6
USD_PER_SQS_REQUEST: Final = 0.4e-6
USD_PER_EVENT: Final = 1.0e-6
USD_PER_LOG_GB: Final = 0.50
USD_PER_METRIC_READ: Final = 1.0e-5
LOG_BYTES_PER_INVOCATION: Final = 700
_METRICS_READ_PER_MINUTE: Final = 40
# What measures of the drill invoke beside the loops.
_PROBES: Final = 400
_DEAREST_REGION: Final = 2.0
_SQS_REQUESTS: Final = 4  # sent, received, deleted; and polled in vain


class TooBusyError(ValueError):
    """When the loops of a drill cannot be busy enough for this guard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """How a loop runs.

    Attributes
    ----------
    tokens
        Events that go round at the same time.
    rounds
        How often each goes round at most.
    period_seconds
        How long one invocation takes.
    seconds
        When it ends at the latest, by the clock.
    """

    kind: LoopKind
    tokens: int
    rounds: int
    period_seconds: float
    seconds: float = _LOOP_MINUTES * 60.0

    @property
    def most_invocations(self) -> int:
        """Rounds of all tokens together, without events that are delivered twice."""
        return self.tokens * self.rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPlan:
    """How much a drill runs."""

    loops: tuple[LoopPlan, ...]
    healthy_messages: int = 0
    healthy_per_minute: float = 0.0

    @property
    def most_invocations(self) -> int:
        """Of all functions together."""
        return sum(one.most_invocations for one in self.loops) + self.healthy_messages + _PROBES

    @property
    def most_usd(self) -> float:
        """The most that it can cost in any Region, at list prices and without a free tier."""
        spent = sum(
            estimate_usd(one.kind, one.most_invocations, one.period_seconds) for one in self.loops
        )
        if self.healthy_messages:
            spent += estimate_usd(LoopKind.SQS, self.healthy_messages, 0.1)
        spent += _PROBES * (USD_PER_REQUEST + 20 * MEMORY_MB / 1024 * _dearest_second())
        minutes = sum(one.seconds for one in self.loops) / 60
        spent += minutes * _METRICS_READ_PER_MINUTE * USD_PER_METRIC_READ
        return spent * _DEAREST_REGION


def plan_live(floor_per_minute: float, kinds: Sequence[LoopKind]) -> DrillPlan:
    """Loops that are busy enough for a guard to suspect them.

    Raises
    ------
    TooBusyError
        When its floor is too high for functions of this concurrency.
    """
    rate = _ABOVE_FLOOR * floor_per_minute
    loops = tuple(
        LoopPlan(
            kind=kind,
            tokens=_TOKENS[kind],
            rounds=max(1, round(rate * _MINUTES_AT_FULL_RATE / _TOKENS[kind])),
            period_seconds=round(60 * RESERVED[kind] / rate, 3),
        )
        for kind in kinds
    )
    if any(one.period_seconds < _SHORTEST_PERIOD for one in loops):
        most = int(60 * min(RESERVED.values()) / _SHORTEST_PERIOD / _ABOVE_FLOOR)
        raise TooBusyError(
            f"floor_per_minute of the deployed guard is {floor_per_minute:,.0f}. Functions of a"
            f" drill reach {most:,}: deploy with a lower one for the drill"
        )
    return DrillPlan(
        loops=loops,
        healthy_messages=round(rate * HEALTHY_MINUTES),
        healthy_per_minute=rate,
    )


def plan_dry(floor_per_minute: float) -> DrillPlan:
    """A small loop, so far below the floor that the guard does nothing about it."""
    rate = min(DRY_PER_MINUTE, floor_per_minute / 4)
    return DrillPlan(
        loops=(
            LoopPlan(
                kind=LoopKind.SQS,
                tokens=1,
                rounds=max(1, round(rate * _DRY_MINUTES)),
                period_seconds=min(round(60 / rate, 3), TIMEOUT_SECONDS - 5.0),
                seconds=(_DRY_MINUTES + 5) * 60.0,
            ),
        )
    )


def estimate_usd(kind: LoopKind, invocations: int, period_seconds: float) -> float:
    """What so many rounds cost at list prices: Lambda, the way of the events, and their logs."""
    lambda_usd = USD_PER_REQUEST + period_seconds * MEMORY_MB / 1024 * _dearest_second()
    written = USD_PER_WRITE + LOG_BYTES_PER_INVOCATION / 1e9 * USD_PER_LOG_GB
    way = {
        LoopKind.SQS: _SQS_REQUESTS * USD_PER_SQS_REQUEST,
        LoopKind.DYNAMODB: USD_PER_WRITE,
        LoopKind.EVENTS: USD_PER_EVENT,
    }[kind]
    return invocations * (lambda_usd + written + way)


def _dearest_second() -> float:
    return max(USD_PER_GB_SECOND.values())
