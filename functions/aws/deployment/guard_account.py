"""The account's limits and the guard's own reservations, for `protect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.account.limits import parse_limits
from functions.aws.runtime.errors import get_message
from functions.domain.errors import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from functions.domain.account.limits import AccountLimits

IAM_ACTIONS: Final = frozenset(
    {
        "lambda:GetAccountSettings",
        "lambda:GetFunctionConcurrency",
        "lambda:PutFunctionConcurrency",
    }
)


class GuardAccount:
    """Lambda's account settings and the concurrency of the guard functions."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def read_limits(self) -> AccountLimits:
        """Read the limits of the account in this Region."""
        return parse_limits(self._client.get_account_settings())

    def exists(self, function: str) -> bool:
        """Tell whether the account has a function of this name or ARN in this Region.

        Asked by its concurrency, so that no value of an environment variable is read.
        """
        try:
            self._client.get_function_concurrency(FunctionName=function)
        except self._client.exceptions.ResourceNotFoundException:
            return False
        return True

    def read_reserved(self, function: str) -> int | None:
        """Read what a guard function has; AWS leaves the key out when it is nothing."""
        answer = self._client.get_function_concurrency(FunctionName=function)
        return answer.get("ReservedConcurrentExecutions")

    def reserve(self, function: str, concurrency: int) -> None:
        """Set the reservation.

        Raises
        ------
        RefusedError
            When too little would be left for the other functions: "... decreases account's
            UnreservedConcurrentExecution below its minimum value of [100]" (400,
            InvalidParameterValueException; 10 or 50 on small accounts).
        """
        try:
            self._client.put_function_concurrency(
                FunctionName=function, ReservedConcurrentExecutions=concurrency
            )
        except self._client.exceptions.InvalidParameterValueException as error:
            raise RefusedError(get_message(error)) from error
