"""What became of a step of a reversible change and, later, of its inverse."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


class ReversibleStep(Protocol):
    """One change of one thing, which can be undone."""

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within a record."""
        ...


class StepStatus(StrEnum):
    """What became of a step."""

    PLANNED = "planned"  # to be tried, or tried by a run that died before it wrote that down
    DONE = "done"
    ALREADY = "already"  # it already was so
    CHANGED_MEANWHILE = "changed_meanwhile"  # somebody else changed it: left alone
    GONE = "gone"  # the thing to change no longer exists
    FAILED = "failed"  # AWS refused; `detail` has its words


# Still to be done.
UNFINISHED: Final = frozenset({StepStatus.PLANNED, StepStatus.FAILED})
# An inverse in these states leaves nothing of the guard's behind.
PUT_BACK: Final = frozenset(
    {StepStatus.DONE, StepStatus.ALREADY, StepStatus.CHANGED_MEANWHILE, StepStatus.GONE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutcome:
    """A step with what became of it and, later, of its inverse.

    Attributes
    ----------
    restored
        ``None``: not undone yet. With a `restored_detail`, that was tried, and AWS was busy.
    """

    step: ReversibleStep
    status: StepStatus = StepStatus.PLANNED
    detail: str = ""
    restored: StepStatus | None = None
    restored_detail: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether undoing it waits for AWS to finish an earlier change of the same thing."""
        return self.restored is None and bool(self.restored_detail)
