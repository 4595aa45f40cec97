"""The alias of the account, by which people know it.

An account has one alias or none (IAM API reference, *ListAccountAliases*). It is asked for when a
mail is composed, once in an execution environment. Whoever composes it may have more functions to
contain: it is one attempt of few seconds, and after a failure nobody asks again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.aws.runtime.observability import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_iam import IAMClient

    from functions.domain.notices.notice import Deployment

IAM_ACTIONS: Final = frozenset({"iam:ListAccountAliases"})


class AccountAlias:
    """`AccountNames`, by IAM.

    Parameters
    ----------
    make_client
        Called when the alias is asked for first: most runs send no mail.
    """

    def __init__(self, make_client: Callable[[], IAMClient]) -> None:
        self._make_client = make_client
        self._alias: str | None = None

    def add_alias(self, deployment: Deployment) -> Deployment:
        """See the port."""
        if self._alias is None:
            self._alias = self._read()
        return replace(deployment, account_alias=self._alias)

    def _read(self) -> str:
        iam_client = self._make_client()
        try:
            names = iam_client.list_account_aliases()["AccountAliases"]
        except AWS_ERRORS as error:
            logger.info("the alias of the account is not read", error=get_message(error))
            return ""
        return names[0] if names else ""
