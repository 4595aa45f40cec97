"""The limits of the account in one Region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.domain.account.limits import AccountLimits

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

IAM_ACTIONS: Final = frozenset({"lambda:GetAccountSettings"})


def read_limits(client: LambdaClient) -> AccountLimits:
    """Ask Lambda for the limits; raises what botocore raises."""
    answer = client.get_account_settings()
    limit = answer["AccountLimit"]
    return AccountLimits(
        concurrency=limit["ConcurrentExecutions"],
        unreserved=limit["UnreservedConcurrentExecutions"],
        functions=answer["AccountUsage"]["FunctionCount"],
    )
