"""Evaluates every alarm once in each virtual minute and tells of the transitions.

In calm weather all of them right after the minute; in AWS's weather each at a time of its own in
the minute, on what is published then.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.alarms import evaluation, record
from sandbox.alarms.evaluation import ALARM, INSUFFICIENT_DATA, OK, AlarmState, Datapoint
from sandbox.metrics import query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.metrics.query import Answer
    from sandbox.world import World

logger = logging.getLogger("sandbox.alarms")

EVALUATION_OFFSET_SECONDS = 1.0
"""Virtual seconds after the end of a minute at which its datapoints are evaluated."""

SLOTS = 6
SLOT_SECONDS = 10.0
"""In AWS's weather an alarm has one of these slots of a minute. When AWS evaluates an alarm in its
minute is not documented."""

MAX_CONTRIBUTORS = 100
Attributes = tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class Contributor:
    """One line of a grouped Metrics Insights alarm."""

    attributes: Attributes
    state: AlarmState
    since: float

    @property
    def contributor_id(self) -> str:
        """The id: the same for the same attributes."""
        text = json.dumps(self.attributes)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def document(self) -> dict[str, Any]:
        """The contributor as events carry it."""
        return {"id": self.contributor_id, "attributes": dict(self.attributes)}


class Transitions(Protocol):
    """Where the watch keeps alarms and tells of their transitions."""

    def alarms(self) -> Iterable[dict[str, Any]]:
        """All metric alarms."""

    def transition(self, alarm: dict[str, Any], state: AlarmState) -> None:
        """Give an alarm another state."""

    def contributor_transition(self, alarm: dict[str, Any], contributor: Contributor) -> None:
        """Report that a contributor has another state."""


class AlarmWatch:
    """The evaluator of all alarms."""

    def __init__(self, world: World, transitions: Transitions) -> None:
        self._world = world
        self._transitions = transitions
        self._contributors: dict[str, dict[Attributes, Contributor]] = {}
        self._first_seen: dict[str, float] = {}
        self._evaluated = 0
        world.on_reset.append(self._contributors.clear)
        world.on_reset.append(self._first_seen.clear)
        world.on_evaluate.append(lambda: self.evaluate_all(world.clock.minute() * 60))

    def start(self) -> threading.Thread:
        """Evaluate in the background until the world stops."""
        self._world.unfinished.append(self._unfinished)
        thread = threading.Thread(target=self._run, name="sandbox-alarms", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        clock = self._world.clock
        self._evaluated = clock.minute() * 60
        while True:
            boundary = (clock.minute() + 1) * 60
            if not clock.wait_until(boundary + EVALUATION_OFFSET_SECONDS, self._world.stop):
                return
            self._measure()
            if self._world.settings.weather.is_calm:
                self.evaluate_all(boundary)
                self._evaluated = boundary
                continue
            for slot in range(SLOTS):
                at = boundary + EVALUATION_OFFSET_SECONDS + slot * SLOT_SECONDS
                if not clock.wait_until(at, self._world.stop):
                    return
                self.evaluate_all(boundary, slot)
            self._evaluated = boundary

    def _unfinished(self) -> list[int]:
        """The minute that has begun without an evaluation of those before."""
        boundary = self._world.clock.minute() * 60
        return [boundary] if 0 < self._evaluated < boundary else []

    def _measure(self) -> None:
        """Record what is measured once in a minute."""
        for measure in self._world.on_tick:
            try:
                measure()
            except Exception:
                logger.exception("cannot measure")

    def evaluate_all(self, boundary: int, slot: int | None = None) -> None:
        """Evaluate every alarm, or those of one slot, on the minutes before ``boundary``."""
        alarms = list(self._transitions.alarms())
        for gone in self._first_seen.keys() - {alarm["AlarmName"] for alarm in alarms}:
            self._first_seen.pop(gone)
            self.forget(gone)
        for alarm in alarms:
            if slot is not None and slot != self._slot(alarm["AlarmName"]):
                continue
            try:
                self._evaluate(alarm, boundary)
            except Exception:
                logger.exception("cannot evaluate alarm %s", alarm.get("AlarmName"))

    def _slot(self, name: str) -> int:
        return int(self._world.settings.weather.draw("alarm", name) * SLOTS)

    def contributors(self, name: str) -> list[Contributor]:
        """The contributors of an alarm that are in ALARM."""
        known = self._contributors.get(name, {}).values()
        return [one for one in known if one.state.value == ALARM]

    def forget(self, name: str) -> None:
        """Forget the contributors of an alarm that was deleted or changed."""
        self._contributors.pop(name, None)

    def _evaluate(self, alarm: dict[str, Any], boundary: int) -> None:
        self._first_seen.setdefault(alarm["AlarmName"], self._world.clock.now())
        rule = record.rule_of(alarm)
        answers = self._answers(alarm, rule, boundary)
        now = self._world.clock.now()
        if record.has_contributors(alarm):
            self._evaluate_contributors(alarm, rule, answers, boundary)
            return
        values = answers[0] if answers else None
        window = self._window(rule, values, boundary)
        if self._is_warming_up(alarm, window[-rule.evaluation_periods :]):
            return
        state = evaluation.evaluate(rule, window, alarm["StateValue"], now)
        if state is not None:
            self._transitions.transition(alarm, state)

    def _is_warming_up(self, alarm: dict[str, Any], window: list[Datapoint]) -> bool:
        """Whether a new alarm still waits for data that would fill its window."""
        warm_up = alarm.get("WarmUpConfiguration") or {}
        minutes = int(warm_up.get("WarmUpPeriodDurationInMinutes", 0))
        if self._world.clock.now() >= self._first_seen[alarm["AlarmName"]] + minutes * 60:
            return False
        is_strict = bool(warm_up.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds"))
        return is_strict or any(point.value is None for point in window)

    def _answers(
        self, alarm: dict[str, Any], rule: evaluation.AlarmRule, boundary: int
    ) -> list[Answer]:
        periods = evaluation.window_periods(rule, self._world.settings.weather)
        high = boundary // 60
        low = high - periods * rule.period_seconds // 60
        queries = record.queries_of(alarm)
        return query.evaluate(queries, self._world.metrics, low, high, is_aligned=True)

    def _evaluate_contributors(
        self,
        alarm: dict[str, Any],
        rule: evaluation.AlarmRule,
        answers: list[Answer],
        boundary: int,
    ) -> None:
        now = self._world.clock.now()
        known = self._contributors.setdefault(alarm["AlarmName"], {})
        returned = set()
        for one in answers:
            returned.add(one.attributes)
            contributor = known.get(one.attributes)
            current = contributor.state.value if contributor else OK
            state = evaluation.evaluate(rule, self._window(rule, one, boundary), current, now)
            if state is not None:
                self._contributor(alarm, known, one.attributes, state)
        for attributes, contributor in list(known.items()):
            if attributes not in returned:
                if contributor.state.value == ALARM:
                    gone = AlarmState(value=OK, reason="No data was returned for this contributor")
                    self._contributor(alarm, known, attributes, gone)
                known.pop(attributes, None)
        self._summarise(alarm, known, len(returned))

    def _contributor(
        self,
        alarm: dict[str, Any],
        known: dict[Attributes, Contributor],
        attributes: Attributes,
        state: AlarmState,
    ) -> None:
        alarming = sum(one.state.value == ALARM for one in known.values())
        if state.value == ALARM and alarming >= MAX_CONTRIBUTORS:
            return
        contributor = Contributor(attributes=attributes, state=state, since=self._world.clock.now())
        known[attributes] = contributor
        self._transitions.contributor_transition(alarm, contributor)

    def _summarise(
        self, alarm: dict[str, Any], known: dict[Attributes, Contributor], total: int
    ) -> None:
        alarming = sum(one.state.value == ALARM for one in known.values())
        if not total:
            value, reason = INSUFFICIENT_DATA, "Insufficient Data: no time series were returned."
        elif alarming >= MAX_CONTRIBUTORS:
            value, reason = ALARM, f"{MAX_CONTRIBUTORS}+ time series evaluated to ALARM"
        else:
            value = ALARM if alarming else OK
            reason = f"{alarming} out of {total} time series evaluated to ALARM"
        if value != alarm["StateValue"]:
            self._transitions.transition(alarm, AlarmState(value=value, reason=reason))

    def _window(
        self, rule: evaluation.AlarmRule, answer: Answer | None, boundary: int
    ) -> list[Datapoint]:
        periods = evaluation.window_periods(rule, self._world.settings.weather)
        first = boundary - periods * rule.period_seconds
        starts = range(first, boundary, rule.period_seconds)
        values = answer.values if answer else {}
        return [Datapoint(at=start, value=values.get(start // 60)) for start in starts]
