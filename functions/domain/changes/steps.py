"""Containing and restoring as data: frozen steps, each with its inverse.

The order of a containment is: provisioned concurrency away (AWS does not let it exceed the
reservation: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html), then the
reservation, then the event source mappings. A function on Lambda Managed Instances has no
reservation: each of its versions is scaled to 0 instead. Restoring begins with the reservation or
the scaling too: what is polled before the function may run comes back, and ends in a dead-letter
queue. A mapping loses its limit before it is enabled.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from functions.domain.changes.outcome import ChangeOutcome

# What a mapping's limit may be (Lambda API reference, *ScalingConfig*). AWS may grant an account
# more than the upper bound, which a mapping may then have from before.
LEAST_MAPPING_LIMIT: Final = 2
MOST_MAPPING_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedConcurrency:
    """Provisioned concurrency that was requested for one version or alias of a function."""

    qualifier: str
    requested: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """One event source mapping of a function.

    Attributes
    ----------
    function
        The name of the function that it invokes; empty in records of an earlier version. It can be
        given another one (Lambda API reference, *UpdateEventSourceMapping*).
    maximum_concurrency
        How many invocations at a time an SQS mapping is limited to; ``None`` for no limit, and in
        records of an earlier version.
    is_changing
        Whether AWS was still carrying out a change of it, and did not tell whether it is enabled.
    """

    uuid: str
    source_arn: str
    enabled: bool
    function: str = field(default="", compare=False)
    maximum_concurrency: int | None = None
    is_changing: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionScaling:
    """How many execution environments one version of a Managed Instances function may have.

    Attributes
    ----------
    qualifier
        A version's number, or ``$LATEST.PUBLISHED``.
    minimum, maximum
        ``None`` for Lambda's default: a value that is left out goes back to it (Lambda developer
        guide, *Scaling Lambda Managed Instances*).
    """

    qualifier: str
    minimum: int | None
    maximum: int | None

    @property
    def is_zero(self) -> bool:
        """Whether the version is deactivated: nothing can invoke it."""
        return self.minimum == 0 and self.maximum == 0


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
class ScaleToZero:
    """Deactivate one version of a function that runs on Lambda Managed Instances."""

    function: str
    prior: VersionScaling

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within an incident."""
        return f"scaling:{self.prior.qualifier}"

    def inverse(self) -> "PutBackScaling":
        """The step that undoes this one."""
        return PutBackScaling(function=self.function, prior=self.prior)


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
class LimitMapping:
    """Let one SQS mapping invoke its function only so many times at once.

    Attributes
    ----------
    to
        From `LEAST_MAPPING_LIMIT` to `MOST_MAPPING_LIMIT`.
    prior
        The limit that was there before the guard's first: ``None`` for none.
    earlier
        Limits that the guard may have written before: one of them may still be in force.
    """

    function: str
    uuid: str
    source_arn: str
    to: int
    prior: int | None
    earlier: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within an incident."""
        return f"limit:{self.uuid}"

    @property
    def written(self) -> tuple[int, ...]:
        """Every limit that the guard may have written."""
        return tuple(dict.fromkeys((*self.earlier, self.to)))

    def changed_to(self, to: int) -> "LimitMapping":
        """The step with another limit; what was there before the first one is kept."""
        return replace(self, to=to, earlier=self.written)

    def inverse(self) -> "PutBackLimit":
        """The step that undoes this one."""
        return PutBackLimit(
            function=self.function,
            uuid=self.uuid,
            source_arn=self.source_arn,
            prior=self.prior,
            written=self.written,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBackLimit:
    """Give a mapping its former limit, or none, if it still has one of the guard's."""

    function: str
    uuid: str
    source_arn: str
    prior: int | None
    written: tuple[int, ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBackScaling:
    """Scale a version as before, if it still is at 0."""

    function: str
    prior: VersionScaling


# What stops or caps the function itself.
StopStep: TypeAlias = Reserve | ScaleToZero
# What changes an event source mapping.
MappingStep: TypeAlias = DisableMapping | LimitMapping
Step: TypeAlias = RemoveProvisioned | StopStep | MappingStep
InverseStep: TypeAlias = (
    PutBackProvisioned | PutBackReserved | PutBackScaling | EnableMapping | PutBackLimit
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome(ChangeOutcome):
    """A step of a containment with what became of it.

    Attributes
    ----------
    done_at
        When the step was carried out; ``None`` where that does not matter.
    """

    step: Step
    done_at: datetime | None = None


def order_of(step: Step) -> int:
    """Position of a step's family in a containment; see the module's first lines."""
    match step:
        case RemoveProvisioned():
            return 0
        case Reserve() | ScaleToZero():
            return 1
        case DisableMapping():
            return 2
        case LimitMapping():
            return 3


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
    """The outcomes in the order in which their inverses run: the reservation first.

    Provisioned concurrency needs it, and a mapping that is enabled while the function may not run
    moves good messages to a dead-letter queue. A mapping that is enabled is limited no more.
    """
    return tuple(sorted(outcomes, key=lambda one: _find_inverse_kind(one.step)))


def _find_inverse_kind(step: Step) -> int:
    match step:
        case Reserve() | ScaleToZero():
            return 0
        case RemoveProvisioned():
            return 1
        case LimitMapping():
            return 2
        case DisableMapping():
            return 3
