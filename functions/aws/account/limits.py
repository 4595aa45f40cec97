"""The limits of the account in one Region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.domain.account.limits import AccountLimits

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import GetAccountSettingsResponseTypeDef


def parse_limits(answer: GetAccountSettingsResponseTypeDef) -> AccountLimits:
    """The limits in an answer of Lambda's GetAccountSettings."""
    limit = answer["AccountLimit"]
    return AccountLimits(
        concurrency=limit["ConcurrentExecutions"],
        unreserved=limit["UnreservedConcurrentExecutions"],
        functions=answer["AccountUsage"]["FunctionCount"],
    )
