"""What keeps a principal from doing something, told apart as AWS does.

Our own evaluation reads the role's policies and its boundary. It does not see service control
policies, so an answer of SimulatePrincipalPolicy, which does, overrides it; and where a call was
denied, AWS's own words say which kind of policy it was
(https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from functions.domain.account.inventory import Role
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis, SimulatedDecision, Simulation
from functions.domain.iam.access import (
    Access,
    Answer,
    Because,
    build_execution_context,
    evaluate_identity,
    read_identity,
)
from functions.domain.notices.text import clean


class Blocker(StrEnum):
    """Which kind of policy stands in the way."""

    IDENTITY = "identity policy"  # nothing allows it
    EXPLICIT_DENY = "explicit Deny"
    BOUNDARY = "permissions boundary"
    ORGANIZATION = "service control policy"
    RESOURCE_POLICY = "resource policy"
    CONDITION = "condition"  # allowed, but under a condition that may not hold
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Whether a principal may do something.

    Attributes
    ----------
    access
        POSSIBLE where nobody here can tell.
    blocker
        ``None`` where nothing is known to stand in the way.
    words
        What says so, as a clause.
    """

    access: Access
    blocker: Blocker | None = None
    words: str = ""

    @property
    def is_denied(self) -> bool:
        """Whether it certainly may not."""
        return self.access is Access.DENIED


UNKNOWN_RIGHT: Final = Right(access=Access.POSSIBLE, blocker=Blocker.UNKNOWN)

_BLOCKERS: Final = {
    Because.NO_STATEMENT: Blocker.IDENTITY,
    Because.NO_POLICY: Blocker.IDENTITY,
    Because.OTHER_RESOURCE: Blocker.IDENTITY,
    Because.OTHER_CONDITION: Blocker.IDENTITY,
    Because.EXPLICIT_DENY: Blocker.EXPLICIT_DENY,
    Because.BOUNDARY: Blocker.BOUNDARY,
    Because.CONDITION: Blocker.CONDITION,
}
# Parts of AWS's words for a denied call, the most telling first.
_WORDS: Final = (
    ("service control policy", Blocker.ORGANIZATION),
    ("resource control policy", Blocker.ORGANIZATION),
    ("permissions boundary", Blocker.BOUNDARY),
    ("explicit deny in a resource-based policy", Blocker.RESOURCE_POLICY),
    ("explicit deny", Blocker.EXPLICIT_DENY),
    ("no identity-based policy", Blocker.IDENTITY),
    ("no resource-based policy", Blocker.RESOURCE_POLICY),
)


def evaluate_role_right(
    facts: FunctionUnderDiagnosis,
    role_arn: str,
    role: Role | None,
    action: str,
    resource: str,
    *,
    simulated_on: str = "",
) -> Right:
    """Whether a role may do an action on some resource that matches `resource`.

    `role` is ``None`` where its policies are not known. Where `simulated_on` names a resource, only
    an answer of AWS about that one overrides them.
    """
    simulation = facts.find_simulation(role_arn, action, simulated_on)
    if simulation is not None:
        return interpret_simulation(simulation)
    if role is None:
        return UNKNOWN_RIGHT
    # Without the function's ARN. UNCONFIRMED A-060: whether Lambda sends it when it writes logs or
    # traces for a function. What is unknown here is never a reason for a finding.
    context = build_execution_context(role_arn=role.arn, region=facts.region)
    return interpret_answer(evaluate_identity(read_identity(role), action, resource, context))


def interpret_simulation(simulation: Simulation) -> Right:
    """What an answer of SimulatePrincipalPolicy means."""
    matched = f" ({clean(', '.join(simulation.matched), 200)})" if simulation.matched else ""
    said = f"SimulatePrincipalPolicy answers {simulation.decision}{matched}"
    if simulation.decision is SimulatedDecision.ALLOWED:
        return Right(access=Access.ALLOWED, words=said)
    if simulation.allowed_by_organizations is False:
        return Right(access=Access.DENIED, blocker=Blocker.ORGANIZATION, words=said)
    if simulation.allowed_by_boundary is False:
        return Right(access=Access.DENIED, blocker=Blocker.BOUNDARY, words=said)
    if simulation.decision is SimulatedDecision.EXPLICIT_DENY:
        return Right(access=Access.DENIED, blocker=Blocker.EXPLICIT_DENY, words=said)
    return Right(access=Access.DENIED, blocker=Blocker.IDENTITY, words=said)


def interpret_answer(answer: Answer) -> Right:
    """What an answer of our own evaluation means."""
    if answer.access is Access.ALLOWED:
        return Right(access=Access.ALLOWED, words=answer.words)
    blocker = _BLOCKERS.get(answer.because, Blocker.UNKNOWN)
    return Right(access=answer.access, blocker=blocker, words=clean(answer.words, 300))


def parse_blocker(message: str) -> Blocker:
    """The kind of policy that AWS's words for a denied call name."""
    lower = message.lower()
    return next((blocker for part, blocker in _WORDS if part in lower), Blocker.UNKNOWN)
