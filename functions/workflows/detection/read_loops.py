"""Reading functions by name because the event graph knows a loop through them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from functions.domain.deployment.guard_cost import count_pulse_watch_metrics
from functions.domain.incidents.policy import Policy
from functions.domain.pulse.look_budget import LookBudget
from functions.domain.pulse.loop_watch import LoopWatch, plan_watch, stands_out
from functions.workflows.detection.collect_evidence import EvidenceCollector


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopReading:
    """What the pulse reads by name, and what that leaves for its looks.

    Attributes
    ----------
    budget
        Looks at all functions. Checks of the functions that stand out are paid for by it as well.
    """

    gathering: EvidenceCollector
    budget: LookBudget
    watch: LoopWatch = field(default_factory=LoopWatch)

    @classmethod
    def plan(cls, gathering: EvidenceCollector, policy: Policy) -> Self:
        """As the newest event graph has it: nobody where there is none.

        Functions that are exempt by their tag are not known here: they are left alone later.
        """
        gathering.loops.refresh()
        on_loops, count = gathering.loops.list_on_loops(), gathering.count()
        # Where nobody can say how large the account is, the budget of a small one.
        most = count_pulse_watch_metrics(len(on_loops) if count is None else count)
        watch = plan_watch(on_loops, most, policy.exempt | policy.own_functions)
        budget = LookBudget.of(count, watch.metrics_a_month)
        return cls(gathering=gathering, budget=budget, watch=watch)

    @classmethod
    def of_nobody(cls, gathering: EvidenceCollector) -> Self:
        """Without the event graph."""
        return cls(gathering=gathering, budget=LookBudget.of(gathering.count()))

    def find(
        self,
        former: Mapping[str, tuple[tuple[datetime, datetime], ...]],
        floor_per_minute: float,
        now: datetime,
    ) -> tuple[str, ...]:
        """Read functions, and name those that stand out.

        Parameters
        ----------
        former
            The functions, and the periods (start, end) of their former loops: what ran in them is
            not normal.

        Raises
        ------
        MetricsUnavailableError
            When CloudWatch does not answer.
        """
        if not former:
            return ()
        due = self.watch.list_due(now)
        read = self.gathering.metrics.invocations(tuple(former), now)
        return tuple(
            name
            for name, series in read.items()
            if stands_out(series.without(former[name]), floor_per_minute, now, due[name])
        )
