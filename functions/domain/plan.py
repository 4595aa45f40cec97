"""Containing and restoring as data: frozen steps, each with its inverse.

The order of a containment is: provisioned concurrency away (AWS does not let it exceed the
reservation: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html), then the
reservation, then the event source mappings. Restoring runs the inverses from last to first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedConcurrency:
    """Provisioned concurrency that was requested for one version or alias of a function."""

    qualifier: str
    requested: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """One event source mapping of a function."""

    uuid: str
    source_arn: str
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveProvisioned:
    """Take provisioned concurrency away from one version or alias."""

    function: str
    qualifier: str
    prior: int

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within an incident."""
        return f"provisioned:{self.qualifier}"

    def inverse(self) -> "PutBackProvisioned":
        """The step that undoes this one."""
        return PutBackProvisioned(
            function=self.function, qualifier=self.qualifier, requested=self.prior
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Set the reserved concurrency: to 0 (throttle) or to a small number (cap).

    `prior` is what was reserved before: ``None`` for nothing, which is never the same as 0.
    """

    function: str
    to: int
    prior: int | None

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within an incident."""
        return "reserved"

    def inverse(self) -> "PutBackReserved":
        """The step that undoes this one."""
        return PutBackReserved(function=self.function, prior=self.prior, written=self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableMapping:
    """Disable one event source mapping that was enabled."""

    function: str
    uuid: str
    source_arn: str

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within an incident."""
        return f"mapping:{self.uuid}"

    def inverse(self) -> "EnableMapping":
        """The step that undoes this one."""
        return EnableMapping(function=self.function, uuid=self.uuid, source_arn=self.source_arn)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableMapping:
    """Enable a mapping again, if it is still disabled."""

    function: str
    uuid: str
    source_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBackReserved:
    """Put the reservation back, if it still is what the guard wrote."""

    function: str
    prior: int | None
    written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBackProvisioned:
    """Request the provisioned concurrency again, if there still is none."""

    function: str
    qualifier: str
    requested: int


Step: TypeAlias = RemoveProvisioned | Reserve | DisableMapping
InverseStep: TypeAlias = PutBackProvisioned | PutBackReserved | EnableMapping


class StepStatus(StrEnum):
    """What became of a step."""

    PLANNED = "planned"  # to be tried, or tried by a run that died before it wrote that down
    DONE = "done"
    ALREADY = "already"  # it already was so
    CHANGED_MEANWHILE = "changed_meanwhile"  # somebody else changed it: left alone
    GONE = "gone"  # the thing to change no longer exists
    FAILED = "failed"  # AWS refused; `detail` has its words


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """A step of a containment with what became of it and, later, of its inverse."""

    step: Step
    status: StepStatus = StepStatus.PLANNED
    detail: str = ""
    restored: StepStatus | None = None
    restored_detail: str = ""


def order_of(step: Step) -> int:
    """Position of a step's family in a containment; see the module's first lines."""
    match step:
        case RemoveProvisioned():
            return 0
        case Reserve():
            return 1
        case DisableMapping():
            return 2


def follow_up_steps(
    function: str,
    provisioned: Iterable[ProvisionedConcurrency],
    mappings: Iterable[EventSourceMapping],
) -> tuple[Step, ...]:
    """The steps after (or, if AWS insists, before) the reservation.

    Mappings that were disabled already are none of the guard's business, then and later.
    """
    removals: list[Step] = [
        RemoveProvisioned(function=function, qualifier=one.qualifier, prior=one.requested)
        for one in provisioned
    ]
    disablings: list[Step] = [
        DisableMapping(function=function, uuid=one.uuid, source_arn=one.source_arn)
        for one in mappings
        if one.enabled
    ]
    return (*removals, *disablings)


def restore_order(outcomes: Iterable[StepOutcome]) -> tuple[StepOutcome, ...]:
    """The outcomes in the order in which their inverses run: last family first."""
    ordered = sorted(outcomes, key=lambda outcome: order_of(outcome.step))
    return tuple(reversed(ordered))
