"""What measures of a drill work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cdk_loopbreaker.drill.model import Figure, Finding, Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from cdk_loopbreaker.drill.aws.functions import DrillFunctions
    from cdk_loopbreaker.drill.aws.series import SeriesWatch
    from cdk_loopbreaker.drill.stage import Stage


@dataclass(slots=True, kw_only=True)
class MeasureContext:
    """The drill, as far as it has come.

    Attributes
    ----------
    created_at, graph_at
        When the stack was there, and when the event graph was notified of it.
    series
        Of each loop.
    stack_failures
        What CloudFormation said of resources that failed.
    figures
        What is measured beside the assumptions.
    """

    stage: Stage
    functions: DrillFunctions
    created_at: datetime
    graph_at: datetime | None = None
    series: list[SeriesWatch] = field(default_factory=list)
    stack_failures: tuple[str, ...] = ()
    figures: list[Figure] = field(default_factory=list)

    def note(self, title: str, text: str) -> None:
        """Keep a figure that belongs to no assumption."""
        self.figures.append(Figure(title=title, text=text))


def judge(id_: str, *, is_confirmed: bool, text: str) -> Finding:
    """A finding that agrees with its assumption, or does not."""
    outcome = Outcome.CONFIRMED if is_confirmed else Outcome.CONTRADICTED
    return Finding(id=id_, outcome=outcome, text=text)


def settle(id_: str, text: str) -> Finding:
    """What AWS does where the code leaves it open."""
    return Finding(id=id_, outcome=Outcome.SETTLED, text=text)


def leave(id_: str, text: str) -> Finding:
    """What could not be measured, and why."""
    return Finding(id=id_, outcome=Outcome.NOT_MEASURED, text=text)
