"""The alias of the account: read from the local AWS as the guard reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from functions.aws.account.account_alias import AccountAlias
from functions.domain.notices.notice import Deployment

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from sandbox.local_aws import LocalAws


def test_the_alias_that_was_set_is_read(aws: LocalAws) -> None:
    """An account without one has its number only."""
    iam = cast("IAMClient", aws.client("iam"))
    before = AccountAlias(lambda: iam).add_alias(Deployment()).account_alias

    iam.create_account_alias(AccountAlias="sample-shop")
    after = AccountAlias(lambda: iam).add_alias(Deployment()).account_alias
    iam.delete_account_alias(AccountAlias="sample-shop")

    assert (before, after) == ("", "sample-shop")
