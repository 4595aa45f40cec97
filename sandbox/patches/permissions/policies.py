"""Whether a function's resource policy lets an AWS service invoke it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from sandbox.settings import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACTIONS = frozenset({"lambda:InvokeFunction", "lambda:*", "*"})


def service_may_invoke(
    func: Mapping[str, Any], principal: str, source_arn: str, account: str = ACCOUNT_ID
) -> bool:
    """Whether some statement allows the service for this source, and none denies it."""
    context = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    effects = {
        statement.get("Effect")
        for statement in (func.get("policy") or {}).get("Statement") or []
        if _names(statement, principal) and _holds(statement.get("Condition") or {}, context)
    }
    return "Allow" in effects and "Deny" not in effects


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _names(statement: Mapping[str, Any], principal: str) -> bool:
    named = statement.get("Principal")
    services = _listed(named.get("Service", "")) if isinstance(named, dict) else _listed(named)
    is_named = principal in services or "*" in services
    return is_named and not _ACTIONS.isdisjoint(_listed(statement.get("Action", "")))


def _holds(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    for operator, pairs in conditions.items():
        for key, wanted in pairs.items():
            actual = context.get(key.lower())
            if actual is None:
                return False
            is_exact = operator in ("StringEquals", "ArnEquals")
            if not any(
                actual == one or (not is_exact and fnmatchcase(actual, one))
                for one in _listed(wanted)
            ):
                return False
    return True
