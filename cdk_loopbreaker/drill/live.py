"""The live drill: loops run one after the other, are stopped by the guard, and restored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.errors import explain
from cdk_loopbreaker.drill.model import Check, LoopResult, Phase
from cdk_loopbreaker.drill.plan import estimate_usd
from functions.domain.notices.text import clean
from functions.domain.requests.terms import RestoreTerms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cdk_loopbreaker.drill.aws.functions import DrillFunctions
    from cdk_loopbreaker.drill.aws.series import SeriesWatch
    from cdk_loopbreaker.drill.model import LoopKind
    from cdk_loopbreaker.drill.plan import LoopPlan
    from cdk_loopbreaker.drill.stage import Stage
    from functions.domain.requests.summary import OpenIncident

DECIDED: Final = "decided"
_PHASE_WORDS: Final = {
    Phase.FIRST_INVOCATION: "first invocation",
    Phase.DATAPOINT: "a datapoint is visible in CloudWatch",
    Phase.SIGNAL: "a run of the guard names it",
    Phase.VERDICT: "the guard decided",
    Phase.HELD: "held",
    Phase.ZERO: "its reserved concurrency is 0",
    Phase.FIRST_REFUSED: "invocations are refused",
    Phase.NOTICE: "the notice is published",
    Phase.RESTORED: "restored",
}
STOPPED: Final = "stopped"
SHOWN: Final = "shown to be a loop, and held until a person decides"
_WARNING: Final = "WARNING"
_CONTAINED: Final = "contained"
_HOLD: Final = "capped"
_LOOKS_BEFORE_REFUSED: Final = 3
_SERIES_EVERY: Final = timedelta(seconds=20)
_NOTICE_MINUTES: Final = 5.0
_BACK_MINUTES: Final = 12.0
_SETTINGS_MINUTES: Final = 15.0
# After its last round a loop that nobody stopped is watched on for so long: the guard may be late.
_AFTER_THE_END: Final = timedelta(minutes=12)


@dataclass(slots=True)
class LoopWatch:
    """One loop, from its first invocation to its restore."""

    stage: Stage
    functions: DrillFunctions
    plan: LoopPlan
    series: SeriesWatch
    moments: dict[Phase, datetime] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    ending: str = ""
    _series_at: datetime | None = None
    _ended_at: datetime | None = None
    _was_held: bool = False
    _is_decision_known: bool = False

    @property
    def kind(self) -> LoopKind:
        """What the events go round through."""
        return self.plan.kind

    @property
    def name(self) -> str:
        """The function."""
        return self.stage.names.function(self.kind)

    def run(self) -> LoopResult:
        """Start the loop, watch the guard deal with it, and restore it.

        Raises
        ------
        DrillError, OperatingError
        """
        region = self.stage.clients.region
        with explain(f"The loop through {self.kind}", region):
            before = self.functions.describe_settings(self.kind)
            began = self.stage.clock.now()
            self.functions.start(self.plan)
            self.stage.say(f"Loop through {self.kind} started: {self.name}")
            self.stage.wait_for(self._look, self.plan.seconds / 60 + 15)
            self.stage.wait_for(self._has_notice, _NOTICE_MINUTES)
            tokens = self.functions.read_tokens(self.kind)
            self.functions.close(self.kind)
            lost = self._restore(before)
            after = self.functions.describe_settings(self.kind)
        return LoopResult(
            kind=self.kind,
            function=self.name,
            began_at=began,
            moments=dict(self.moments),
            ending=self.ending or "not dealt with",
            is_stopped=self.ending in {STOPPED, SHOWN},
            tokens=tokens.total,
            lost=lost,
            invocations=tokens.rounds,
            usd=estimate_usd(self.kind, tokens.rounds, self.plan.period_seconds),
            before=before,
            after=after,
            subjects=tuple(self.subjects),
            remarks=tuple(self.remarks),
        )

    # -- watching

    def _look(self) -> bool:
        """Note what has happened; whether the guard has done what it does."""
        now = self.stage.clock.now()
        self._look_at_series(now)
        tokens = self.functions.read_tokens(self.kind)
        if tokens.first_at is not None:
            self._note(Phase.FIRST_INVOCATION)
        if self.series.find_first() is not None:
            self._note(Phase.DATAPOINT)
        self._look_at_log()
        is_done = self._look_at_incident()
        self._look_at_settings()
        self._has_notice()
        if is_done:
            return True
        is_over = tokens.total > 0 and tokens.ended == tokens.total
        if is_over and not self._was_held:
            self._ended_at = self._ended_at or now
            if now - self._ended_at > _AFTER_THE_END:
                self.ending = self.ending or "it ended by itself before the guard acted"
                return True
        return False

    def _look_at_series(self, now: datetime) -> None:
        if self._series_at is None or now - self._series_at >= _SERIES_EVERY:
            self.series.look(now)
            self._series_at = now

    def _look_at_log(self) -> None:
        if self._is_decision_known:
            return
        lines = self.stage.log.read_contain(self.name)
        if lines:
            self._note(Phase.SIGNAL)
        decisions = [one for one in lines if one.message == DECIDED]
        if decisions:
            self._is_decision_known = True
            self._note(Phase.VERDICT)
            fields = decisions[0].fields
            self.remarks.append(
                clean(
                    f"first decision: {fields.get('decision')}, because {fields.get('because')}, by"
                    f" the signal {fields.get('signal')}",
                    300,
                )
            )

    def _look_at_incident(self) -> bool:
        """Whether the guard's work is done: stopped, held until a person decides, or reported."""
        incident = self._find_incident()
        if incident is None:
            if self._was_held:
                self.ending = "held, and released by the guard"
                return True
            return False
        if incident.is_held:
            self._was_held = True
            # It was decided by then, also where the log comes later.
            for phase in (Phase.SIGNAL, Phase.VERDICT, Phase.HELD):
                self._note(phase)
        if incident.state == _CONTAINED:
            self.ending = STOPPED
            return self._is_at_zero()
        if incident.state == _HOLD and incident.ends_by is None:
            self.ending = SHOWN
            return True
        if not incident.is_held and not self.stage.guard.is_acting:
            self.ending = f"reported and not held, as it is deployed: {incident.reason}"
            return True
        return False

    def _is_at_zero(self) -> bool:
        self._look_at_settings()
        return Phase.ZERO in self.moments and Phase.FIRST_REFUSED in self.moments

    def _find_incident(self) -> OpenIncident | None:
        found = self.stage.client.read_status().open
        return next((one for one in found if one.function == self.name), None)

    def _look_at_settings(self) -> None:
        if Phase.FIRST_REFUSED in self.moments:
            return
        if self.functions.read_reserved(self.kind) != 0:
            return
        self._note(Phase.ZERO)
        began = self.stage.clock.now()
        # Two may be running still: a single refusal may be theirs.
        if all(self.functions.is_refused(self.kind) for _ in range(_LOOKS_BEFORE_REFUSED)):
            self._note(Phase.FIRST_REFUSED, began)

    def _has_notice(self) -> bool:
        for one in self.functions.take_notices():
            if self.name not in one:
                continue
            if _WARNING in one or Phase.VERDICT not in self.moments:
                # Of the event graph, which is not about what runs.
                self.remarks.append(clean(f"warned before: {one}", 300))
            else:
                self.subjects.append(one)
        if self.subjects:
            self._note(Phase.NOTICE)
        return bool(self.subjects)

    def _note(self, phase: Phase, at: datetime | None = None) -> None:
        if phase in self.moments:
            return
        self.moments[phase] = at or self.stage.clock.now()
        self.stage.say(f"  {self.kind}: {_PHASE_WORDS[phase]}")

    # -- restoring

    def _restore(self, before: str) -> int | None:
        """Restore as `loopbreaker restore` does; the tokens that did not come back, if known."""
        if self._find_incident() is None or not self._was_held:
            return None
        # The configuration still closes its loop: only its code has ended it.
        answer = self.stage.client.restore((self.name,), terms=RestoreTerms(is_forced=True))
        for result in answer.results:
            self.remarks.append(clean(f"restore: {result.text}", 300))
        if self.stage.wait_for(
            lambda: self.functions.describe_settings(self.kind) == before, _SETTINGS_MINUTES
        ):
            self._note(Phase.RESTORED)
        waiting = self.functions.read_tokens(self.kind)

        def are_back() -> bool:
            nonlocal waiting
            waiting = self.functions.read_tokens(self.kind)
            return waiting.came_back + waiting.ended >= waiting.total

        self.stage.wait_for(are_back, _BACK_MINUTES)
        return max(0, waiting.total - waiting.came_back - waiting.ended)


def check_loops(loops: Sequence[LoopResult], *, is_acting: bool) -> tuple[Check, ...]:
    """What the loops prove."""
    checks = []
    for one in loops:
        checks.append(
            Check(
                title=f"The guard deals with the loop through {one.kind.words}",
                is_passed=one.is_stopped if is_acting else Phase.VERDICT in one.moments,
                text=one.ending,
            )
        )
        checks.append(
            Check(
                title=f"The notice about the loop through {one.kind.words} arrives",
                is_passed=bool(one.subjects),
                text=one.subjects[0] if one.subjects else "no notice arrived",
            )
        )
        checks.append(
            Check(
                title=f"The loop through {one.kind.words} is restored exactly",
                is_passed=one.is_restored,
                text="" if one.is_restored else f"before {one.before}, after {one.after}",
            )
        )
    return tuple(checks)
