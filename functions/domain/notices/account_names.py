"""How mails come to name the account as people do."""

from typing import Final, Protocol

from functions.domain.notices.notice import Deployment


class AccountNames(Protocol):
    """The name of the account. Nothing here raises: a mail without a name is still a mail."""

    def add_alias(self, deployment: Deployment) -> Deployment:
        """Add the alias of the account, if it has one that can be read soon."""
        ...


class NoAccountNames:
    """Where nobody asks for the name."""

    def add_alias(self, deployment: Deployment) -> Deployment:
        """See the port."""
        return deployment


NO_ACCOUNT_NAMES: Final = NoAccountNames()
