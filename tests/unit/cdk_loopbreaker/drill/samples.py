"""A report of a live drill, as an account might give it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cdk_loopbreaker.drill.measures.registry import complete
from cdk_loopbreaker.drill.model import (
    Check,
    Depth,
    DrillReport,
    Figure,
    Finding,
    LoopKind,
    LoopResult,
    Outcome,
    Phase,
)

NOON: Final = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
_SECONDS: Final = {
    Phase.FIRST_INVOCATION: 2,
    Phase.DATAPOINT: 95,
    Phase.SIGNAL: 260,
    Phase.VERDICT: 260,
    Phase.HELD: 275,
    Phase.ZERO: 1_140,
    Phase.FIRST_REFUSED: 1_146,
    Phase.NOTICE: 1_150,
    Phase.RESTORED: 1_240,
}


def loop(kind: LoopKind, **changed: object) -> LoopResult:
    """A loop that was stopped and restored."""
    given: dict[str, object] = {
        "kind": kind,
        "function": f"loopbreaker-DRILL-3f9a1c-{kind}",
        "began_at": NOON,
        "moments": {phase: NOON + timedelta(seconds=one) for phase, one in _SECONDS.items()},
        "ending": "stopped",
        "is_stopped": True,
        "tokens": 12,
        "lost": 0,
        "invocations": 5_210,
        "usd": 0.013,
        "before": "{}",
        "after": "{}",
        "subjects": (f"[Loopbreaker] STOPPED loopbreaker-DRILL-3f9a1c-{kind}: 610/min",),
        "remarks": ("first decision: Hold, because suspected, by the signal pulse",),
    }
    return LoopResult(**{**given, **changed})  # type: ignore[arg-type]


def report(**changed: object) -> DrillReport:
    """A drill in which one assumption was contradicted."""
    found = (
        Finding(id="A-050", outcome=Outcome.CONTRADICTED, text="complete 310 s after its minute"),
        Finding(id="A-001", outcome=Outcome.CONFIRMED, text="in force 7 s after it was written"),
        Finding(id="A-033", outcome=Outcome.SETTLED, text="exists: false: matches"),
    )
    given: dict[str, object] = {
        "id": "3f9a1c",
        "depth": Depth.LIVE,
        "account": "123456789012",
        "region": "eu-west-1",
        "began_at": NOON,
        "ended_at": NOON + timedelta(minutes=84),
        "resolution_seconds": 5.0,
        "guard": {"mode": "enforce", "floor_per_minute": "500"},
        "checks": (
            Check(title="The alarm invokes the guard", is_passed=True, text="after 6 s"),
            Check(title="The loop through sqs is restored exactly", is_passed=True),
            Check(title="The guard's role may stop", is_passed=None, text="not simulated"),
        ),
        "loops": (loop(LoopKind.SQS), loop(LoopKind.DYNAMODB, lost=2)),
        "figures": (Figure(title="Alarm to run of contain", text="6 s"),),
        "findings": complete(found, "the drill ended before it was measured"),
        "most_usd": 0.31,
        "usd": 0.026,
    }
    return DrillReport(**{**given, **changed})  # type: ignore[arg-type]
