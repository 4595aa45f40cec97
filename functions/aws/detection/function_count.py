"""How many functions the account has in this Region."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.aws.runtime.observability import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

IAM_ACTIONS: Final = frozenset({"lambda:GetAccountSettings"})

_KEPT_SECONDS: Final = 3600.0


class FunctionCount:
    """`AccountUsage.FunctionCount` of GetAccountSettings, asked at most once an hour.

    ``None`` when AWS does not answer and never did.
    """

    def __init__(self, client: LambdaClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._count: int | None = None
        self._asked_at: float | None = None

    def __call__(self) -> int | None:
        """The number, an hour old at most where AWS answers."""
        now = self._clock()
        if self._asked_at is None or now - self._asked_at >= _KEPT_SECONDS:
            try:
                self._count = self._client.get_account_settings()["AccountUsage"]["FunctionCount"]
                self._asked_at = now
            except AWS_ERRORS as error:
                logger.warning("the functions are not counted", error=get_message(error))
        return self._count
