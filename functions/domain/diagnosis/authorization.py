"""Whether a finding is cured without asking: nothing by default, and never more than was found."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from functions.domain.diagnosis.checks.no_logs import LOG_ACTIONS, log_group_arn
from functions.domain.diagnosis.checks.not_invocable import INVOKE, LATEST
from functions.domain.diagnosis.checks.too_slow import LEAST_MB, MOST_MB
from functions.domain.diagnosis.checks.versions import explain_leaving_to_people
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.finding import Certainty, Finding
from functions.domain.diagnosis.remediation import Remediation, RemediationState
from functions.domain.diagnosis.remedy import (
    ACTIVE,
    PREFIX,
    AddPermission,
    PutInlinePolicy,
    RefreshCredentials,
    Remedy,
    RemedyKind,
    SetMemory,
    SetTracing,
    parse_role_name,
)
from functions.domain.iam.access import account_of
from functions.domain.iam.document import Effect, MalformedPolicyError, parse_policy

# A remedy that AWS refused is tried again after this long: somebody may have allowed it since.
TRIED_AGAIN_AFTER: Final = timedelta(days=7)
# One source: an ARN without wildcards; but the streams of one log group, and the stages and path
# parameters of one method of one API, are written with a star by AWS itself.
_ONE_SOURCE: Final = re.compile(
    r"arn:[a-z-]+:execute-api:[a-z0-9-]+:\d{12}:[A-Za-z0-9]+/[^?]*[^?/*][^?]*"
    r"|arn:[a-z-]+:logs:[a-z0-9-]+:\d{12}:log-group:[^*?:]+:\*"
    r"|arn:[^*?]+"
)
_SERVICE: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")


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


class Authorization(StrEnum):
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

    consent: Authorization
    remedy: Remedy | None = None

    @property
    def is_applied(self) -> bool:
        """Whether the remedy is to be applied."""
        return self.consent is Authorization.ALLOWED


def decide(
    finding: Finding,
    facts: FunctionUnderDiagnosis,
    policy: RemedyPolicy,
    earlier: Remediation | None = None,
) -> RemedyDecision:
    """Decide on the first remedy of a finding that is not named only.

    Parameters
    ----------
    earlier
        The newest remediation of the same function and entry.
    """
    remedy = next((one for one in finding.remedies if _may_be_done(one)), None)
    if remedy is None:
        first = finding.remedies[0] if finding.remedies else None
        return RemedyDecision(consent=Authorization.NAMED_ONLY, remedy=first)
    consent = _decide_authorization(finding, remedy, facts, policy)
    if consent is Authorization.ALLOWED and earlier is not None:
        return _follow_earlier_remediation(earlier, finding, remedy, facts.at)
    return RemedyDecision(consent=consent, remedy=remedy)


def is_narrow(remedy: Remedy, facts: FunctionUnderDiagnosis) -> bool:
    """Whether a remedy does no more than its kind may do to this one function.

    Checked apart from the checks that make the remedies, so that a mistake in one of them cannot
    widen what the guard does.
    """
    kind = remedy.kind
    return kind is not None and all(
        isinstance(step, _STEPS[kind]) and _is_narrow_step(step, facts) for step in remedy.steps
    )


_STEPS: Final[Mapping[RemedyKind, tuple[type, ...]]] = MappingProxyType(
    {
        RemedyKind.LOGS: (PutInlinePolicy, RefreshCredentials),
        RemedyKind.TRACES: (SetTracing,),
        RemedyKind.PERMISSIONS: (AddPermission,),
        RemedyKind.MEMORY: (SetMemory,),
    }
)


def _may_be_done(remedy: Remedy) -> bool:
    return remedy.kind is not None and not remedy.named_only and bool(remedy.steps)


def _decide_authorization(
    finding: Finding, remedy: Remedy, facts: FunctionUnderDiagnosis, policy: RemedyPolicy
) -> Authorization:
    if facts.is_guard or facts.name in policy.own_functions:
        return Authorization.OWN_FUNCTION
    if facts.is_exempt or facts.name in policy.exempt:
        return Authorization.EXEMPT
    if facts.is_contained:
        return Authorization.CONTAINED
    if remedy.kind not in policy.kinds:
        return Authorization.NOT_ALLOWED
    if policy.is_observing:
        return Authorization.OBSERVE_MODE
    if finding.certainty is not Certainty.CERTAIN:
        return Authorization.NOT_CERTAIN
    memory = [step.to for step in remedy.steps if isinstance(step, SetMemory)]
    if memory and policy.memory_ceiling_mb is None:
        return Authorization.NO_CEILING
    if memory and max(memory) > (policy.memory_ceiling_mb or 0):
        return Authorization.ABOVE_CEILING
    return Authorization.ALLOWED if is_narrow(remedy, facts) else Authorization.TOO_BROAD


def _follow_earlier_remediation(
    earlier: Remediation, finding: Finding, remedy: Remedy, now: datetime
) -> RemedyDecision:
    """What an earlier remediation of the same function and entry leaves to be done."""
    match earlier.state:
        case RemediationState.DELETED:
            return RemedyDecision(consent=Authorization.ALLOWED, remedy=remedy)
        case RemediationState.UNDONE:
            return RemedyDecision(consent=Authorization.UNDONE_BY_PERSON, remedy=remedy)
        case RemediationState.FAILED if now - earlier.updated_at >= TRIED_AGAIN_AFTER:
            return RemedyDecision(consent=Authorization.ALLOWED, remedy=remedy)
        case RemediationState.APPLIED:
            keys = {one.step.key for one in earlier.steps}
            more = tuple(step for step in remedy.steps if step.key not in keys)
            # Only for a cause of its own, such as another trigger: what was tried is not repeated.
            if more and set(finding.causes) - set(earlier.causes):
                return RemedyDecision(
                    consent=Authorization.ALLOWED, remedy=replace(remedy, steps=more)
                )
            return RemedyDecision(consent=Authorization.TREATED_BEFORE, remedy=remedy)
        case _:
            return RemedyDecision(consent=Authorization.TREATED_BEFORE, remedy=remedy)


def _is_narrow_step(step: object, facts: FunctionUnderDiagnosis) -> bool:
    match step:
        case PutInlinePolicy():
            return _is_narrow_policy(step, facts)
        case AddPermission():
            return _is_narrow_permission(step, facts)
        case SetTracing(function=function, to=to):
            return function == facts.name and to == ACTIVE and not explain_leaving_to_people(facts)
        case SetMemory(function=function, to=to, prior=prior):
            is_step = LEAST_MB <= prior < to <= min(2 * prior, MOST_MB)
            return function == facts.name and is_step and not explain_leaving_to_people(facts)
        case RefreshCredentials(function=function):
            return function == facts.name
        case _:
            return False


def _is_narrow_policy(step: PutInlinePolicy, facts: FunctionUnderDiagnosis) -> bool:
    """Only the rights to log, only to the function's own log group, only for its own role."""
    if facts.log_group is None or step.role != parse_role_name(facts.function.role_arn):
        return False
    if not step.policy_name.startswith(PREFIX) or not facts.function.role_arn:
        return False
    name = facts.log_group.name
    if not name or set("*?$") & set(name):
        return False
    try:
        document = parse_policy(step.document, step.policy_name)
    except MalformedPolicyError:
        return False
    wanted = log_group_arn(facts, name)
    return bool(document.statements) and all(
        one.effect is Effect.ALLOW
        and not one.actions.is_inverted
        and set(one.actions.patterns) <= LOG_ACTIONS
        and one.resources is not None
        and not one.resources.is_inverted
        and one.resources.patterns == (wanted,)
        for one in document.statements
    )


def _is_narrow_permission(step: AddPermission, facts: FunctionUnderDiagnosis) -> bool:
    """Only a service of AWS, only for a source of this account that was found as a trigger."""
    found = any(
        one.principal == step.principal
        and one.source_arn == step.source_arn
        and ("" if one.qualifier == LATEST else one.qualifier) == step.qualifier
        and one.is_exact
        for one in facts.triggers
    )
    owner = account_of(step.source_arn) or step.source_account
    return (
        found
        and step.function == facts.name
        and step.action == INVOKE
        and step.statement_id.startswith(PREFIX)
        and _SERVICE.fullmatch(step.principal) is not None
        and _ONE_SOURCE.fullmatch(step.source_arn) is not None
        and owner == facts.account
        and step.source_account in {"", facts.account}
    )
