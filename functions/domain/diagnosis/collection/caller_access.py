"""Which callers AWS is asked about: those that our own evaluation of policies does not let pass."""

from collections.abc import Sequence
from typing import Final

from functions.domain.diagnosis.checks import not_authorized
from functions.domain.diagnosis.facts import (
    FunctionUnderDiagnosis,
    NamedCaller,
)
from functions.domain.iam.access import Access, evaluate_identity, read_identity

INVOKE: Final = "lambda:InvokeFunction"


def may_all(facts: FunctionUnderDiagnosis, actions: Sequence[str]) -> bool:
    """Whether the role of a function may do all of this anywhere."""
    if facts.role is None:
        return False
    identity = read_identity(facts.role)
    return all(
        evaluate_identity(identity, action, "*").access is Access.ALLOWED for action in actions
    )


def is_questionable(caller: NamedCaller, facts: FunctionUnderDiagnosis) -> bool:
    """Whether a caller may not, or perhaps may not, invoke the function."""
    return _find_access(caller, facts) in {Access.DENIED, Access.POSSIBLE}


def is_refused(caller: NamedCaller, facts: FunctionUnderDiagnosis) -> bool:
    """Whether a caller certainly may not invoke the function."""
    return caller.is_certain and _find_access(caller, facts) is Access.DENIED


def _find_access(caller: NamedCaller, facts: FunctionUnderDiagnosis) -> Access | None:
    """What the caller's own policies say of the version that it asks for, at best.

    ``None`` where they are not known.
    """
    if caller.role is None:
        return None
    identity = read_identity(caller.role)
    found = {
        evaluate_identity(identity, INVOKE, one).access
        for one in not_authorized.find_targets(facts, caller)
    }
    return next(one for one in (Access.ALLOWED, Access.POSSIBLE, Access.DENIED) if one in found)
