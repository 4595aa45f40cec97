"""ARNs of other accounts and Regions."""

import pytest

from functions.domain.account.watched_region import ElsewhereError, refuse_elsewhere

HERE = {"account": "123456789012", "region": "eu-west-1"}


@pytest.mark.parametrize(
    "reference",
    ["orders", "orders:live", "arn:aws:lambda:eu-west-1:123456789012:function:orders", "all", ""],
)
def test_here(reference: str) -> None:
    """Names, and ARNs of the own account and Region, pass."""
    refuse_elsewhere([reference], **HERE)


@pytest.mark.parametrize(
    ("account", "region"),
    [("999999999999", "eu-west-1"), ("123456789012", "us-east-1"), ("999999999999", "us-east-1")],
)
def test_elsewhere(account: str, region: str) -> None:
    """An ARN of another place is refused with both, and never cut to its name."""
    arn = f"arn:aws:lambda:{region}:{account}:function:orders"

    with pytest.raises(ElsewhereError) as caught:
        refuse_elsewhere(["billing", arn], **HERE)

    assert str(caught.value) == (
        f"{arn} is in account {account} Region {region}, but this Loopbreaker watches "
        "account 123456789012 Region eu-west-1; nothing was changed"
    )
