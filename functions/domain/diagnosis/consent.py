"""Whether a finding is cured without asking: nothing by default, and never more than was found."""

from dataclasses import dataclass
from enum import StrEnum

from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.finding import Finding
from functions.domain.diagnosis.remedy import Remedy, RemedyKind
from functions.domain.diagnosis.treatment import Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyPolicy:
    """What the operator decided, by the flags of the deployment.

    Attributes
    ----------
    kinds
        ``-c remedies=``; empty: nothing is ever applied.
    memory_ceiling_mb
        ``-c memory_ceiling_mb=``; ``None``: no memory is ever changed.
    is_observing
        Observe mode: decide, change nothing.
    """

    kinds: frozenset[RemedyKind] = frozenset()
    memory_ceiling_mb: int | None = None
    exempt: frozenset[str] = frozenset()
    own_functions: frozenset[str] = frozenset()
    is_observing: bool = False


class Consent(StrEnum):
    """Why a remedy is applied or not."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not_allowed"  # the operator did not name its kind
    NAMED_ONLY = "named_only"  # never done without a person
    NOT_CERTAIN = "not_certain"
    EXEMPT = "exempt"
    OWN_FUNCTION = "own_function"
    CONTAINED = "contained"
    NO_CEILING = "no_ceiling"  # memory, but no memory_ceiling_mb
    ABOVE_CEILING = "above_ceiling"
    TOO_BROAD = "too_broad"  # a wildcard, or more than was found
    OBSERVE_MODE = "observe_mode"
    UNDONE_BY_PERSON = "undone_by_person"
    TREATED_BEFORE = "treated_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyDecision:
    """Which remedy is applied, or why none is. `remedy` is the one that the reason is about."""

    consent: Consent
    remedy: Remedy | None = None

    @property
    def is_applied(self) -> bool:
        """Whether the remedy is to be applied."""
        return self.consent is Consent.ALLOWED


def decide(
    finding: Finding,
    facts: FunctionUnderDiagnosis,
    policy: RemedyPolicy,
    earlier: Treatment | None = None,
) -> RemedyDecision:
    """Decide on the first remedy of a finding that is not named only.

    Parameters
    ----------
    earlier
        The newest treatment of the same function and entry.
    """
    raise NotImplementedError
